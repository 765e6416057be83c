"""Owns the writing of BTF: valid type information, and damaged one on purpose.

The format is that of the kernel's Documentation/bpf/btf.rst. Nothing is checked here: ids, names
and sizes are written as they are given.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

(INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO,
 VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64) = range(1, 20)

SIGNED, CHAR, BOOL = 1, 2, 4

MAGIC = 0xEB9F
HEADER_SIZE = 24
VOID = 0

# A number is an offset in the string section.
Name = str | bytes | int


@dataclass
class Member:
    """A member of a struct or union; the offset is in bits, as is the size of a bit field."""

    name: Name
    type: int
    offset: int = 0
    bits: int = 0


def at(name: Name, type_id: int, byte: int = 0) -> Member:
    """A member at a byte."""
    return Member(name, type_id, byte * 8)


@dataclass
class Btf:
    """A type section and a string section that grow; methods return the id of the new type."""

    types: list[bytes] = field(default_factory=list)
    strings: bytearray = field(default_factory=lambda: bytearray(1))
    offsets: dict[bytes, int] = field(default_factory=dict)

    def string(self, text: Name) -> int:
        """The offset of a string."""
        if isinstance(text, int):
            return text
        if isinstance(text, str):
            text = text.encode()
        if not text:
            return 0
        if text not in self.offsets:
            self.offsets[text] = len(self.strings)
            self.strings += text + b"\0"
        return self.offsets[text]

    def add(self, kind: int, name: Name, size_or_type: int, payload: bytes = b"", *,
            vlen: int = 0, flag: bool = False) -> int:
        """Any type."""
        info = vlen | kind << 24 | flag << 31
        self.types.append(struct.pack("<III", self.string(name), info, size_or_type) + payload)
        return len(self.types)

    def next_id(self) -> int:
        return len(self.types) + 1

    def integer(self, name: Name, size: int, encoding: int = 0, *,
                bits: int | None = None, offset: int = 0) -> int:
        bits = size * 8 & 0xff if bits is None else bits
        return self.add(INT, name, size, struct.pack("<I", encoding << 24 | offset << 16 | bits))

    def floating(self, name: Name, size: int) -> int:
        return self.add(FLOAT, name, size)

    def pointer(self, target: int) -> int:
        return self.add(PTR, 0, target)

    def array(self, element: int, *lengths: int, index: int = VOID) -> int:
        """An array of one or more dimensions, the outermost first."""
        for length in reversed(lengths):
            element = self.add(ARRAY, 0, 0, struct.pack("<III", element, index, length))
        return element

    def composite(self, kind: int, name: Name, size: int, members: Iterable[Member], *,
                  vlen: int | None = None, flag: bool | None = None) -> int:
        members = list(members)
        if flag is None:
            flag = any(member.bits for member in members)
        payload = b"".join(struct.pack(
            "<III", self.string(member.name), member.type,
            member.bits << 24 | member.offset if flag else member.offset) for member in members)
        return self.add(kind, name, size, payload, flag=flag,
                        vlen=len(members) if vlen is None else vlen)

    def struct(self, name: Name, size: int, *members: Member, **how: Any) -> int:
        return self.composite(STRUCT, name, size, members, **how)

    def union(self, name: Name, size: int, *members: Member, **how: Any) -> int:
        return self.composite(UNION, name, size, members, **how)

    def enum(self, name: Name, values: dict, size: int = 4, *, signed: bool | None = None) -> int:
        """An enum; unless told, it is signed when a value is negative."""
        signed = min(values.values(), default=0) < 0 if signed is None else signed
        payload = b"".join(struct.pack("<II", self.string(name), value & 0xffffffff)
                           for name, value in values.items())
        return self.add(ENUM, name, size, payload, vlen=len(values), flag=signed)

    def enum64(self, name: Name, values: dict) -> int:
        payload = b"".join(struct.pack("<IQ", self.string(name), value & (1 << 64) - 1)
                           for name, value in values.items())
        return self.add(ENUM64, name, 8, payload, vlen=len(values),
                        flag=min(values.values()) < 0)

    def typedef(self, name: Name, target: int) -> int:
        return self.add(TYPEDEF, name, target)

    def const(self, target: int) -> int:
        return self.add(CONST, 0, target)

    def volatile(self, target: int) -> int:
        return self.add(VOLATILE, 0, target)

    def forward(self, name: Name, *, union: bool = False) -> int:
        return self.add(FWD, name, 0, flag=union)

    def function(self, returns: int, *parameters: int) -> int:
        payload = b"".join(struct.pack("<II", 0, parameter) for parameter in parameters)
        return self.add(FUNC_PROTO, 0, returns, payload, vlen=len(parameters))

    def variable(self, name: Name, type_id: int) -> int:
        return self.add(VAR, name, type_id, struct.pack("<I", 1))

    def blob(self, **header: int) -> bytes:
        """All of it; keywords replace fields of the header."""
        types = b"".join(self.types)
        fields = {"magic": MAGIC, "version": 1, "flags": 0, "header": HEADER_SIZE, "types": 0,
                  "types_size": len(types), "strings": len(types),
                  "strings_size": len(self.strings)}
        fields.update(header)
        return struct.pack("<HBBIIIII", *fields.values()) + types + bytes(self.strings)


def sample() -> Btf:
    """A bit of everything."""
    btf = Btf()
    number, char = btf.integer("int", 4, SIGNED), btf.integer("char", 1)
    color = btf.enum("color", {"RED": 0, "BLUE": -1})
    node = btf.next_id() + 2
    to_node = btf.pointer(node)
    inner = btf.union(0, 8, at("a", number), at("b", to_node))
    btf.struct("node", 40, at("next", to_node), at("", inner, 8), at("name", number, 16),
               Member("bits", number, 160, 3), Member("color", color, 163, 5),
               at("text", btf.next_id(), 24))
    btf.array(char, 2, 4)
    btf.typedef("node_t", node)
    btf.const(btf.volatile(number))
    btf.enum64("big", {"X": 1 << 40})
    prototype = btf.function(number, char, to_node, 0)
    btf.add(FUNC, "func", prototype)
    btf.forward("fwd")
    btf.floating("double", 8)
    btf.variable("var", number)
    return btf
