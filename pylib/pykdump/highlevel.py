"""Owns lists of kernel objects as programs walk them.

The walking itself is the engine's.  A list that does not end well is reported and what was read
is returned.  Must not know what the objects are.

What all take: `maxel`, how many elements at most (else what --maxel says), and `warn`, whether
to report that there are more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from types import FrameType
from typing import Any, TypeVar

import _pykdump
import crash

from . import missing, options
from .logging import pylog
from .typeinfo import required_offset

T = TypeVar("T")

experimental = False

_maxel = options.API_options.Maxel
_CALLERS = 3            # shown in a warning
_LIST = ("list",)


def setListMaxel(limit: int) -> None:
    """How many elements a walk takes when its caller does not say."""
    global _maxel
    _maxel = limit


def _set_experimental(wanted: bool) -> None:
    global experimental
    experimental = wanted


options.on("maxel", setListMaxel)
options.on("experimental", _set_experimental)


def _callers() -> str:
    """Where the walk was asked for: "fs.py:31 < prog.py:12"."""
    places: list[str] = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and len(places) < _CALLERS:
        name = frame.f_globals.get("__name__", "")
        if not name.startswith("pykdump."):
            places.append(f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(places)


def _walk(head: int, offset: int, limit: int | None, what: tuple[str, ...], warn: bool = True,
          sname: str | None = None, back: int = 0,
          circular: bool = False) -> tuple[list[Any], str | None]:
    """The nodes behind a head, and why there are no more if there should be.

    The words of `what` name the walk in messages; they are joined only when there is one.
    """
    if limit is None:
        limit = _maxel
    nodes, end, address, message = _pykdump.list_nodes(head, offset, limit, sname, back, circular)
    if end == "whole":
        return nodes, None
    return nodes, _complain(head, limit, "".join(what), warn, len(nodes), end, address, message)


def _complain(head: int, limit: int, what: str, warn: bool, count: int, end: str, address: int,
              message: str) -> str:
    """Report why a walk ended before its end, and return it."""
    where = f"{what} at 0x{head:x}"
    if end == "limit":
        fault = f"{where} has more than maxel={limit} elements"
        if warn:
            pylog.warning(f"{fault} ({_callers()})")
        return fault
    if end == "cycle":
        fault = f"Circular dependency in {where}: after node 0x{address:x}"
    else:
        fault = f"{where} is broken after {count} elements, at node 0x{address:x}: {message}"
    pylog.error(fault)
    return fault


def readList(start: int, offset: int = 0, *, maxel: int | None = None, inchead: bool = True,
             warn: bool = True) -> list[int]:
    """Addresses of the nodes of a list; `start` is the first with `inchead`, else the head.

    The pointer to the next is at `offset` bytes in each; NULL, or being back, is the end.  [] for
    NULL.  A cycle or unreadable memory is an error in the log, and what was read is returned.
    """
    if not start:
        return []
    nodes, _fault = _walk(start, offset, maxel, _LIST, warn)
    return [int(start), *nodes] if inchead else nodes


def readListByHead(start: int, offset: int = 0, *, maxel: int | None = None,
                   warn: bool = True) -> list[int]:
    """Addresses of the nodes of a list as of readList, without that of its head."""
    return readList(start, offset, maxel=maxel, inchead=False, warn=warn)


list_for_each_entry = readListByHead


def readBadList(start: int, offset: int = 0, *, maxel: int | None = None,
                inchead: bool = True) -> Any:
    """(addresses, None), or (those that were read, what was wrong) if the list is damaged.

    Of NULL just [], as programs expect it.
    """
    if not start:
        return []
    nodes, fault = _walk(start, offset, maxel, _LIST)
    return ([int(start), *nodes] if inchead else nodes), fault


def readSUListFromHead(head: int | str, field: str, sname: str, *, maxel: int | None = None,
                       inchead: bool = False,
                       warn: bool = True) -> list[crash.StructResult]:
    """The structs on a list_head, `field` being where they are linked into it.

    The head is an address, or the name of the symbol of a struct that has the head as its `field`.
    With `inchead` the struct around the head is the first.  A damaged list is an error in the log,
    and what was read is returned.  TypeError for an unknown type or symbol, KeyError for a missing
    field.
    """
    offset = required_offset(sname, field)
    address = _field_of_symbol(head, offset) if isinstance(head, str) else head
    limit = _maxel if maxel is None else maxel
    # Not through _walk: programs walk many short lists.
    structs, end, at, message = _pykdump.list_nodes(address, 0, limit, sname, offset, True)
    if end != "whole":
        _complain(address, limit, f"list of {sname}.{field}", warn, len(structs), end, at, message)
    if inchead:
        structs.insert(0, _pykdump.readSU(sname, address - offset))
    return structs


def _field_of_symbol(name: str, offset: int) -> int:
    address = crash.sym2addr(name)
    if not address:
        raise TypeError(missing.symbol(name))
    return address + offset


def readStructNext(shead: Any, nextname: str, *, maxel: int | None = None,
                   inchead: bool = True, warn: bool = True) -> list[crash.StructResult]:
    """The structs of a chain linked by a pointer to the next, up to NULL or back at the first.

    `shead` is the first, or a tPtr to it; without `inchead` it is left out.  [] for NULL, KeyError
    for a missing member.  A damaged chain is an error in the log, what was read is returned.
    """
    if isinstance(shead, crash.tPtr) and shead:
        shead = shead.Deref
    if not shead:
        return []
    sname = shead.PYT_symbol
    offset = required_offset(sname, nextname)
    structs, _fault = _walk(shead, offset, maxel, ("chain of ", sname, ".", nextname), warn, sname)
    return [shead, *structs] if inchead else structs


def readSUArray(sname: str, addr: int, dim: int = 0) -> Any:
    """The structs of an array of that type, a list of `dim`; no memory is read.

    Without a dimension a generator of as many as a list may have.  TypeError for an unknown type.
    """
    first = _pykdump.readSU(sname, addr)
    if dim:
        return [first[i] for i in range(dim)]
    return (first[i] for i in range(_maxel))


class ListHead(list):
    """The nodes of a list_head: their addresses, or list_heads if no struct is named.

    An attribute is the list of structs that are linked by that member: ListHead(head, "struct
    page").lru.  KeyError for a missing member; a damaged list is an error in the log.
    """

    def __init__(self, lh: int, sname: str | None = None, *, maxel: int | None = None,
                 warn: bool = True) -> None:
        what = ("list of ", sname) if sname else _LIST
        nodes, _fault = _walk(lh, 0, maxel, what, warn, None if sname else "struct list_head",
                              circular=True)
        super().__init__(nodes)
        self.sname = sname

    def __getattr__(self, field: str) -> list[Any]:
        if self.sname is None or field.startswith("__"):
            raise AttributeError(field)
        offset = required_offset(self.sname, field)
        return [_pykdump.readSU(self.sname, node - offset) for node in self]


def LH_isempty(lh: Any) -> bool:
    """Whether a list_head, given as its struct, is empty; crash.error if unreadable."""
    return lh.next == lh


def hlist_for_each_entry(sname: str, head: int, member: str) -> Iterator[crash.StructResult]:
    """The structs behind an hlist_head one by one, as many as there are.

    A cycle is an error in the log and the end; crash.error for memory that cannot be read,
    TypeError for an unknown type, KeyError for a missing member.
    """
    offset = required_offset(sname, member)
    seen: set[int] = set()
    node = head
    while True:
        try:
            node = crash.readPtr(node)
        except (crash.error, IndexError) as err:
            err.args = (f"{err} (hlist of {sname}.{member} at 0x{head:x})",)
            raise
        if not node:
            return
        if node in seen:
            pylog.error(f"Circular dependency in hlist at 0x{head:x}: node 0x{node:x}")
            return
        seen.add(node)
        yield _pykdump.readSU(sname, node - offset)


def container_of(pointer: int, sname: str, member: str) -> crash.StructResult:
    """The struct whose `member` ("a.b" too) is at an address; no memory is read.

    TypeError for an unknown type, KeyError for a missing member.
    """
    return _pykdump.readSU(sname, int(pointer) - required_offset(sname, member))


def iterN(sequence: Iterable[T], n: int) -> Iterator[T]:
    """The first `n` elements, or as many as there are."""
    return islice(sequence, n)


__all__ = ("LH_isempty", "ListHead", "container_of", "hlist_for_each_entry",
           "iterN", "list_for_each_entry", "readBadList", "readList",
           "readListByHead", "readSUArray", "readSUListFromHead", "readStructNext",
           "setListMaxel")
