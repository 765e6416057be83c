"""Owns questions about types: sizes, members, enumerators.

Must not read memory.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import _pykdump
import crash

from .memocaches import on_types_changed


class Field(NamedTuple):
    """A member of a struct; those of anonymous members inside it are its own."""

    name: str
    bitoffset: int      # from the beginning of the struct
    bitsize: int        # of a bit field, else 0
    ctype: str
    size: int           # bytes of its type

    @property
    def offset(self) -> int:
        """Bytes from the beginning of the struct."""
        return self.bitoffset // 8


# Where a member is looked for: a type's name, or the described members of one without name.
Scope = str | list[Any]

_members: dict[str, dict[str, Field]] = {}
_offsets: dict[tuple[str, str], int] = {}
_sizes: dict[str, int] = {}         # -1: unknown
_TARGET = r"[ *]+$|(?: ?\[\d*\])+$"       # stars, dimensions


def members(sname: str) -> dict[str, Field]:
    """The members of a struct or union by name; TypeError if there is no such type."""
    known = _members.get(sname)
    if known is None:
        known = {}
        for field in map(Field._make, _pykdump.type_members(sname)):
            known.setdefault(field.name, field)
        _members[sname] = known
    return known


def known() -> int:
    """How many structs have been looked into."""
    return len(_members)


@on_types_changed
def forget() -> None:
    """Debug information has changed."""
    _offsets.clear()
    _members.clear()
    _sizes.clear()


def struct_size(name: str) -> int:
    """sizeof any type, in bytes; -1 if it is unknown."""
    known = _sizes.get(name)
    if known is None:
        try:
            known = _pykdump.type_size(name)
        except TypeError:
            known = -1
        _sizes[name] = known
    return known


getSizeOf = union_size = type_length = struct_size


def struct_exists(name: str) -> bool:
    """Whether there is a type of that name: "struct x", "union x" or a typedef."""
    return struct_size(name) != -1


def _described(sname: str) -> list[Any]:
    """The content of a struct as the engine describes it."""
    described = _pykdump.describe_type(sname)
    while described[0] == "typedef":
        described = described[5]
    return described[6] or []


def _find(scope: Scope, name: str) -> Field | None:
    if isinstance(scope, str):
        try:
            return members(scope).get(name)
        except TypeError:
            return None
    for mname, bitoffset, bitsize, described in scope:
        if mname == name:
            return Field(name, bitoffset, bitsize, _text(described), described[2])
    return None


def _text(described: Any) -> str:
    """A described type in C, as far as a chain of members needs it."""
    kind, name, *_rest, target, _content = described
    if kind in ("pointer", "array"):
        return _text(target) + (" *" if kind == "pointer" else " []")
    if kind in ("struct", "union"):
        return f"{kind} {name or '{...}'}"
    return name or kind


def _enter(scope: Scope, field: Field) -> Scope:
    """Where the members of a member's type are, of what it points to or of its elements."""
    ctype = field.ctype
    while (stripped := re.sub(_TARGET, "", ctype)) != ctype:
        ctype = stripped
    if not ctype.endswith("{...}"):
        return ctype
    content = _described(scope) if isinstance(scope, str) else scope
    described = next(each[3] for each in content if each[0] == field.name)
    while described[0] in ("typedef", "pointer", "array"):
        described = described[5]
    return described[6] or []


def resolve(sname: str, chain: str) -> Field | None:
    """The last member of a chain such as "a.b[1].c", pointers followed; None if one is missing."""
    scope: Scope = sname
    field = None
    for link in chain.split("."):
        if field is not None:
            scope = _enter(scope, field)
        field = _find(scope, link.partition("[")[0].strip())
        if field is None:
            return None
    return field


def member_offset(sname: str, chain: str) -> int:
    """Bytes from the beginning of the struct, through embedded structs; -1 if there is none."""
    scope: Scope = sname
    field = None
    offset = 0
    for name in chain.split("."):
        if field is not None:
            if field.ctype.endswith("*"):
                return -1
            scope = _enter(scope, field)
        field = _find(scope, name)
        if field is None:
            return -1
        offset += field.offset
    return offset


def required_offset(sname: str, chain: str) -> int:
    """As member_offset; KeyError if there is no such member, TypeError if no such struct."""
    try:
        return _offsets[sname, chain]       # lists are walked often
    except KeyError:
        pass
    offset = member_offset(sname, chain)
    if offset < 0:
        from . import missing       # it resolves what replaced the member by what is here
        members(sname)
        raise KeyError(missing.member(f"<{sname}> does not have a field <{chain}>"))
    _offsets[sname, chain] = offset
    return offset


def member_size(sname: str, name: str) -> int:
    """Bytes of a member, -1 if there is none; TypeError if there is no such struct."""
    members(sname)
    field = resolve(sname, name)
    return -1 if field is None else field.size


class EnumInfo(dict):
    """The enumerators of an enum by name, as items and as attributes.

    The enum is named as a type ("enum pid_type") or by one of its enumerators, or it is described
    because it has no name; TypeError if there is none.
    """

    def __init__(self, source: str | tuple[Any, ...]) -> None:
        if isinstance(source, tuple):
            name, values = "enum", dict(source[6])
        else:
            name, values = source, _enumerators(source)
        super().__init__(values)
        self._name = name
        self._names = {value: key for key, value in reversed(self.items())}

    def __getattr__(self, name: str) -> int:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def _Lst(self) -> list[list[Any]]:
        return [[name, value] for name, value in self.items()]

    def getnam(self, value: int) -> str:
        """The name of a value; "<enum x, bad value N>" if it has none."""
        return self._names.get(value) or f"<{self._name}, bad value {value}>"


def _enumerators(name: str) -> dict[str, int]:
    try:
        return _pykdump.type_enumerators(name)
    except TypeError:
        if not name.isidentifier():
            raise
    try:
        described = _pykdump.describe_expression(name)
    except (TypeError, ValueError, crash.error):
        described = None
    if described is None or described[0] != "enum" or name not in dict(described[6]):
        raise TypeError(f"there is neither an enum nor an enumerator {name}")
    return dict(described[6])
