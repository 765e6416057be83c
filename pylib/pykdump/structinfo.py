"""Owns VarInfo and SUInfo: variables and members of structs, for programs that look at them.

Must not know what the structs are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import _pykdump
import crash

from . import gdbtypes, missing, typeinfo
from .memocaches import memoize_typeinfo
from .typeobjects import Description, TypeInfo, as_dictionary, bodies

Dictionary = dict[str, Any]

# Members that a struct has besides those of its type: set by the module that adds them.
extra_members: Callable[[str], Mapping[str, Any]] | None = None

# Structs without a tag by the name that is made for them.
_nameless: dict[str, Dictionary] = {}


class VarInfo:
    """A variable (`addr` is where it is), or a member of a struct (at `offset` bytes)."""

    def __init__(self, name: str, described: Callable[[], Dictionary],
                 read: Callable[[int], Any], *, addr: int = 0, bitoffset: int = 0,
                 bitsize: int = 0) -> None:
        self.name = name
        self.addr = addr
        self.offset: int = bitoffset // 8
        self.bitoffset = bitoffset          # from the beginning of the struct
        self.bitsize = bitsize              # of a bit field, else 0
        self.reader = read                  # from the address of the variable or member itself
        self._described = described
        self._ti: TypeInfo | None = None

    @property
    def ti(self) -> TypeInfo:
        """The type, taken apart."""
        if self._ti is None:
            self._ti = TypeInfo(self._described())
        return self._ti

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self.ti.size * self.ti.elements

    @property
    def array(self) -> int | list[int]:
        """The dimension of an array, all of them if there are several; 0 if it is none."""
        dims = self.ti.dims or [0]
        return dims[0] if len(dims) == 1 else dims

    @property
    def ptrlev(self) -> int:
        """How many stars the type has."""
        return self.ti.ptrlev

    @property
    def basetype(self) -> str:
        """The name of the type without stars, dimensions and typedefs."""
        return self.ti.basetype

    @property
    def ctype(self) -> str:
        """The type in C."""
        return self.ti.fullstr()

    def __str__(self) -> str:
        bits = f":{self.bitsize}" if self.bitsize else ""
        return f"{self.ti.declaration(self.name)}{bits};"

    def __repr__(self) -> str:
        return f"<VarInfo {self} offset={self.offset} size={self.size}>"


class SUInfo(dict):
    """The members of a struct or union: name to VarInfo, as items and as attributes.

    A member named as an attribute or method of this class hides it.  TypeError for an unknown
    type, which is given by its name, or by its description if it has none.
    """

    PYT_sname: str
    PYT_size: int
    PYT_body: list[tuple[str, VarInfo]]
    size: int

    def __init__(self, source: str | Description) -> None:
        if isinstance(source, str):
            sname, what = source, _nameless.get(source)
        else:
            what = as_dictionary(source)
            sname = what.get("typedef") or what["basetype"]
        size = typeinfo.struct_size(sname) if what is None else what["typelength"]
        super().__init__(_members(sname) if what is None else _described_members(sname, what))
        body = list(dict.items(self))
        vars(self).update(PYT_sname=sname, PYT_body=body, PYT_size=size, size=size)
        vars(self).update(body)
        if extra_members is not None:
            for name, extra in extra_members(sname).items():
                if name not in self:
                    self[name] = extra

    def getFnames(self) -> list[str]:
        """The names of the members, in their order."""
        return [name for name, _member in self.PYT_body]

    def __getattr__(self, name: str) -> VarInfo:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __str__(self) -> str:
        lines = [f"    {member}" for _name, member in self.PYT_body]
        return "\n".join([f"{self.PYT_sname} {{", *lines, "}"])

    __repr__ = __str__


class ArtStructInfo(SUInfo):
    """As SUInfo; programs made up types with it that very old kernels do not describe."""


@memoize_typeinfo
def getStructInfo(sname: str) -> SUInfo:
    """The members of a struct or union; TypeError for an unknown type."""
    return SUInfo(sname)


def _members(sname: str) -> dict[str, VarInfo]:
    return {name: _member(sname, field) for name, field in typeinfo.members(sname).items()}


def _member(sname: str, field: typeinfo.Field) -> VarInfo:
    name = field.name

    def described() -> Dictionary:
        return _named(bodies(sname)[name], sname, name)

    def read(address: int) -> Any:
        return _pykdump.readSU(sname, address - field.offset).Eval(name)

    return VarInfo(name, described, read, bitoffset=field.bitoffset, bitsize=field.bitsize)


def _described_members(sname: str, what: Dictionary) -> dict[str, VarInfo]:
    if "body" not in what:
        raise TypeError(f"{sname} has no members")
    return {member["fname"]: _described_member(sname, member) for member in what["body"]}


def _described_member(sname: str, member: Dictionary) -> VarInfo:
    """A member of a struct without tag, which is read by its type's name if that has one."""
    name = member["fname"]

    def read(address: int) -> Any:
        if "bitsize" in member or "body" in member and "typedef" not in member:
            raise TypeError(f"{sname}.{name} can be read as a member only")
        return _pykdump.read_value(TypeInfo(member).fullstr(), address)

    return VarInfo(name, lambda: _named(member, sname, name), read,
                   bitoffset=member["bitoffset"], bitsize=member.get("bitsize", 0))


def _named(member: Dictionary, sname: str, name: str) -> Dictionary:
    """The description of a member; a struct without tag gets a name by where it is."""
    if "body" not in member or member["basetype"] not in ("struct", "union"):
        return member
    made = f"{sname}:{member['bitoffset'] // 8}/{name}->{member['basetype']}"
    _nameless[made] = {**member, "basetype": made}
    return _nameless[made]


@memoize_typeinfo
def whatis(name: str) -> VarInfo:
    """What a variable or function is; TypeError if nothing is known of it."""
    try:
        what = gdbtypes.gdb_whatis(name)
    except crash.error as err:
        raise TypeError(f"{missing.symbol(name)}: {err}") from None

    def read(address: int) -> Any:
        return _pykdump.read_variable(name, address)

    return VarInfo(name, lambda: what, read, addr=crash.sym2addr(name))


def funcargs(name: str) -> list[str] | None:
    """The types of a function's arguments; None if it is not known."""
    try:
        types = whatis(name).ti.prototype
    except TypeError:
        return None
    return None if types is None else [each.fullstr() for each in types[1:]]


def member(sname: str | Description, name: str) -> VarInfo:
    """A member of a struct; KeyError if it has none of that name."""
    members = getStructInfo(sname) if isinstance(sname, str) else SUInfo(sname)
    try:
        return members[name]
    except KeyError:
        text = f"<{members.PYT_sname}> does not have a field <{name}>"
        raise KeyError(missing.member(text)) from None


def embedded(sname: str, chain: str) -> VarInfo | None:
    """What is at the end of a chain of embedded structs; None if a pointer is to be followed."""
    outer, _dot, last = chain.rpartition(".")
    link = typeinfo.resolve(sname, outer) if outer else None
    holder = link.ctype if link else sname
    offset = typeinfo.member_offset(sname, chain)
    if offset < 0 or not typeinfo.struct_exists(holder):
        return None
    found = _member(holder, typeinfo.members(holder)[last])
    return VarInfo(last, found._described, found.reader, bitsize=found.bitsize,
                   bitoffset=8 * (offset - found.offset) + found.bitoffset)


def give_factories() -> None:
    """Let the engine's objects describe their types with what is here."""
    if hasattr(_pykdump, "set_factories"):
        _pykdump.set_factories(varinfo=member, typeinfo=TypeInfo, structinfo=SUInfo,
                               enuminfo=typeinfo.EnumInfo, nomember=missing.member)


give_factories()
