"""Owns questions about types: sizes, members, enumerators.

Must not read memory.
"""

from __future__ import annotations

from typing import NamedTuple

import _pykdump


class Field(NamedTuple):
    """A member of a struct; those of anonymous members inside it are its own."""

    name: str
    bitoffset: int      # from the beginning of the struct
    bitsize: int        # of a bit field, else 0
    ctype: str
    size: int           # bytes of its type

    @property
    def offset(self) -> int:
        return self.bitoffset // 8


_members: dict[str, dict[str, Field]] = {}


def members(sname: str) -> dict[str, Field]:
    """The members of a struct or union by name; TypeError if there is no such type."""
    known = _members.get(sname)
    if known is None:
        known = {}
        for field in map(Field._make, _pykdump.type_members(sname)):
            known.setdefault(field.name, field)
        _members[sname] = known
    return known


def forget() -> None:
    """Debug information has changed."""
    _members.clear()


def struct_size(name: str) -> int:
    """sizeof any type, in bytes; -1 if it is unknown."""
    try:
        return _pykdump.type_size(name)
    except TypeError:
        return -1


def struct_exists(name: str) -> bool:
    return struct_size(name) != -1


def resolve(sname: str, chain: str) -> Field | None:
    """The last member of a chain such as "a.b.c", pointers followed; None if a link is missing."""
    field = None
    for name in chain.split("."):
        try:
            field = members(sname).get(name)
        except TypeError:
            return None
        if field is None:
            return None
        sname = field.ctype.removesuffix(" *")
    return field


def member_offset(sname: str, chain: str) -> int:
    """Bytes from the beginning of the struct, through embedded structs; -1 if there is none."""
    offset = 0
    for name in chain.split("."):
        try:
            field = members(sname).get(name)
        except TypeError:
            return -1
        if field is None:
            return -1
        offset += field.offset
        sname = field.ctype
    return offset


def member_size(sname: str, name: str) -> int:
    """Bytes of a member, -1 if there is none; TypeError if there is no such struct."""
    field = members(sname).get(name)
    return -1 if field is None else field.size


class EnumInfo(dict):
    """The enumerators of "enum x", by name, as items and as attributes; TypeError if unknown."""

    def __init__(self, name: str) -> None:
        super().__init__(_pykdump.type_enumerators(name))
        self._name = name
        self._names = {value: key for key, value in reversed(self.items())}

    def __getattr__(self, name: str) -> int:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def getnam(self, value: int) -> str:
        return self._names.get(value) or f"<{self._name}, bad value {value}>"
