"""Owns lists of kernel objects as programs walk them.

The walking itself is the engine's.  A list that does not end well is reported and what was read
is returned.  Must not know what the objects are.
"""

from __future__ import annotations

import _pykdump
import crash

from . import options, typeinfo
from .logging import pylog

_maxel = options.API_options.Maxel


def setListMaxel(limit: int) -> None:
    """How many elements a walk takes when its caller does not say."""
    global _maxel
    _maxel = limit


options.on("maxel", setListMaxel)


def _walk(head: int, offset: int, limit: int | None, what: str, warn: bool = True,
          sname: str | None = None, back: int = 0) -> list:
    limit = _maxel if limit is None else limit
    nodes, end, address, message = _pykdump.list_nodes(head, offset, limit, sname, back)
    if end == "limit" and warn:
        pylog.warning(f"{what} at 0x{head:x} has more than maxel={limit} elements")
    elif end == "cycle":
        pylog.error(f"Circular dependency in {what} at 0x{head:x}: after node 0x{address:x}")
    elif end == "error":
        pylog.error(f"{what} at 0x{head:x} is broken after {len(nodes)} elements, "
                    f"at node 0x{address:x}: {message}")
    return nodes


def readList(start: int, offset: int = 0, *, maxel: int | None = None, inchead: bool = True,
             warn: bool = True) -> list[int]:
    """Addresses of the nodes of a list; `start` is the first with `inchead`, else the head."""
    if not start:
        return []
    nodes = _walk(start, offset, maxel, "list", warn)
    return [int(start), *nodes] if inchead else nodes


def readListByHead(start: int, offset: int = 0, *, maxel: int | None = None) -> list[int]:
    return readList(start, offset, maxel=maxel, inchead=False)


list_for_each_entry = readListByHead


def readSUListFromHead(head: int | str, field: str, sname: str, *, maxel: int | None = None,
                       inchead: bool = False, warn: bool = True) -> list:
    """The structs on a list_head, `field` being where they are linked into it.

    A str names the symbol of a struct that has the head as its `field`.
    """
    offset = typeinfo.member_offset(sname, field)
    if offset < 0:
        raise KeyError(f"<{sname}> does not have a field <{field}>")
    address = _field_of_symbol(head, offset) if isinstance(head, str) else head
    structs = _walk(address, 0, maxel, f"list of {sname}.{field}", warn, sname, offset)
    if inchead:
        structs.insert(0, _pykdump.readSU(sname, address - offset))
    return structs


def _field_of_symbol(name: str, offset: int) -> int:
    address = crash.sym2addr(name)
    if not address:
        raise TypeError(f"There's no symbol <{name}>")
    return address + offset


class ListHead(list):
    """The nodes of a list_head; an attribute is the list of structs linked by that member."""

    def __init__(self, lh: int, sname: str | None = None, *, maxel: int | None = None,
                 warn: bool = True) -> None:
        nodes = _walk(lh, 0, maxel, "list", warn, None if sname else "struct list_head")
        super().__init__(nodes)
        self.sname = sname

    def __getattr__(self, field: str) -> list:
        if self.sname is None or field.startswith("__"):
            raise AttributeError(field)
        offset = typeinfo.member_offset(self.sname, field)
        if offset < 0:
            raise KeyError(f"<{self.sname}> does not have a field <{field}>")
        return [_pykdump.readSU(self.sname, node - offset) for node in self]


def LH_isempty(lh: object) -> bool:
    """Is a list_head empty."""
    return lh.next == lh    # type: ignore[attr-defined]


def container_of(pointer: int, sname: str, member: str) -> object:
    """The struct whose `member` is at an address."""
    offset = typeinfo.member_offset(sname, member)
    if offset < 0:
        raise KeyError(f"<{sname}> does not have a field <{member}>")
    return _pykdump.readSU(sname, int(pointer) - offset)
