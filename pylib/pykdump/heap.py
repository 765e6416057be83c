"""Owns the view of all Python objects of the session: by type, what holds them, how they grow.

The interpreter persists, so what a program leaves behind stays.  Objects that the garbage
collector does not know (texts, numbers, structs of the dump) are found through those that hold
them.  Nothing is done with an object here that runs code of its class, but for its size and repr.
Must not know what a program does with it.

    from pykdump import heap
    heap.summary()
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterable, Iterator
from types import FrameType, ModuleType
from typing import Any

import _pykdump
import crash

from . import memocaches, preview
from .heaptable import Growth, Row, Table

_CHUNK = 4096
_PAGE = 4096


class HeapError(Exception):
    """What was asked for cannot be had; the text says why."""


class _State:
    # name -> counts by type, as JSON: one object each, which is left out of every count
    kept: dict[str, bytes] = {}


def objects() -> list[Any]:
    """All objects that can be found, each once; garbage is collected before."""
    gc.collect()
    found = gc.get_objects()
    seen = set(map(id, found))
    seen.update(id(text) for text in _State.kept.values())
    fresh: list[Any] = []
    _add(fresh, seen, _of_frames())
    start = 0
    while True:
        while start < len(found):
            chunk = found[start:start + _CHUNK]
            start += _CHUNK
            _add(fresh, seen, referents(*chunk))
        if not fresh:
            return found
        start = len(found)
        found.extend(fresh)
        fresh.clear()


def _add(fresh: list[Any], seen: set[int], candidates: Iterable[Any]) -> None:
    for candidate in candidates:
        if id(candidate) not in seen:
            seen.add(id(candidate))
            fresh.append(candidate)


def _of_frames() -> Iterator[Any]:
    """What the variables of running functions hold, but for those of this module."""
    for innermost in sys._current_frames().values():
        frame: FrameType | None = innermost
        while frame is not None:
            if frame.f_globals is not globals():
                yield from gc.get_referents(frame)
            frame = frame.f_back


def referents(*holders: Any) -> list[Any]:
    """The objects that these hold."""
    held = gc.get_referents(*holders)
    # The collector cannot look into them.
    held.extend(holder.ByteArray for holder in holders if type(holder) is crash.SmartString)
    return held


def type_name(value: object) -> str:
    """"dict", "crash.StructResult_struct_file", whatever its class says of itself."""
    return type.__repr__(type(value))[len("<class '"):-len("'>")]


def size(value: object) -> int:
    """Bytes of an object itself, without those that it holds."""
    try:
        return sys.getsizeof(value)
    except Exception:                   # its class has an opinion of its own
        return type(value).__basicsize__


def count(limit: int = 20, by_count: bool = False) -> Table:
    """All objects by type."""
    rows: dict[str, Row] = {}
    for value in objects():
        kind = type_name(value)
        row = rows.get(kind)
        if row is None:
            row = rows[kind] = Row(kind)
        row.add(size(value))
    return Table(rows.values(), limit, by_count)


def summary(limit: int = 20) -> None:
    """Print the types that take most, and what is cached outside of Python."""
    print(count(limit))
    print_caches()


def caches() -> list[tuple[str, int, int | None]]:
    """(what, how many, their bytes or None) of what is kept that the table does not tell."""
    pages = _pykdump.cache_statistics()["pages"]
    classes = sum(1 for base in (crash.StructResult, crash.tPtr, crash.tEnum)
                  for _each in type.__subclasses__(base))
    return [("pages of the dump", pages, pages * _PAGE),
            ("classes of kernel types", classes, None),
            ("remembered results of functions", memocaches.remembered(), None)]


def print_caches() -> None:
    """Print the caches, what is in them and what they hold."""
    for name, number, held in caches():
        print(f"{name}: {number}" + (f", {held} bytes" if held is not None else ""))


# -- growth --

def keep(name: str, table: Table) -> None:
    """Keep a count under a name, for `growth`."""
    counts = {row.kind: (row.count, row.size) for row in table.rows}
    _State.kept[name] = json.dumps(counts).encode()


def growth(name: str, table: Table, limit: int = 10) -> Growth | None:
    """What has changed since a count was kept under that name; None if none was."""
    kept = _State.kept.get(name)
    if kept is None:
        return None
    before = {kind: (number, held) for kind, (number, held) in json.loads(kept).items()}
    return Growth(before, table, limit)


# -- single objects --

def find(wanted: str) -> list[Any]:
    """The objects of a type by its name, with or without its module, or the one at an address.

    Never looks at an address that is not that of a known object.  HeapError when there is none.
    """
    return _found(wanted, objects())


def _found(wanted: str, everything: list[Any]) -> list[Any]:
    try:
        address = int(wanted, 0)
    except ValueError:
        return _of_type(wanted, everything)
    for value in everything:
        if id(value) == address:
            return [value]
    raise HeapError(f"no object at {wanted}: it is gone, or never was")


def _of_type(wanted: str, everything: list[Any]) -> list[Any]:
    names = {type(value): type_name(value) for value in everything}
    kinds = {kind for kind, name in names.items()
             if wanted in (name, name.rpartition(".")[2])}
    found = [value for value in everything if type(value) in kinds]
    if not found:
        import difflib
        known = sorted({name.rpartition(".")[2] for name in names.values()})
        close = (difflib.get_close_matches(wanted, known, 1)
                 or [name for name in known if wanted and wanted in name])
        raise HeapError(f"no object of type {wanted!r}"
                        + (f", did you mean {close[0]}?" if close else ""))
    return found


def referrers(value: object) -> list[tuple[Any, str]]:
    """(object, where in it) of the objects that hold this one: "[3]", "['key']", ""."""
    return _referrers(value, set(map(id, objects())))


def referrers_of(wanted: str, limit: int) -> tuple[int, list[tuple[Any, list[tuple[Any, str]]]]]:
    """What `find` finds: how many, and the first of them with their referrers."""
    everything = objects()
    # What is made from here on, to hold the answer, is no referrer.
    known = set(map(id, everything))
    values = _found(wanted, everything)
    return len(values), [(value, _referrers(value, known)) for value in values[:limit]]


def _referrers(value: object, known: set[int]) -> list[tuple[Any, str]]:
    holders = [holder for holder in gc.get_referrers(value) if id(holder) in known]
    return [(holder, _where(holder, value)) for holder in holders]


def _where(holder: Any, value: object) -> str:
    kind = type(holder)
    if issubclass(kind, dict):
        for key, item in dict.items(holder):
            if item is value:
                return f"[{preview.of(key)}]"
            if key is value:
                return ", as a key"
    elif issubclass(kind, (list, tuple)):
        base: Any = list if issubclass(kind, list) else tuple
        for index, item in enumerate(base.__iter__(holder)):
            if item is value:
                return f"[{index}]"
    return ""


def described(value: object) -> str:
    """An object on one line: its address, bytes, type and value."""
    return f"0x{id(value):x} {size(value):8}  {type_name(value)}  {_shown(value)}"


def _shown(value: object) -> str:
    if type(value) is dict:
        for module in list(sys.modules.values()):
            if issubclass(type(module), ModuleType) and preview.dictionary(module) is value:
                return f"variables of {preview.of(module)}"
    return preview.of(value)


# -- files --

def dump(file: str, force: bool = False) -> int:
    """Write all objects to a file, one on a line as JSON; how many.

    HeapError when it is there already (but with `force`) or cannot be written.
    """
    from . import heapfile
    return heapfile.dump(file, force)


def load(file: str) -> Any:
    """The objects that a file has which `dump` has written: a heapfile.Graph; HeapError."""
    from . import heapfile
    return heapfile.load(file)
