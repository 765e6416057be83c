"""Owns files of objects: one on a line, with its address, type, size and what it refers to.

The format is that of meliae, so that its tools read the files too: JSON objects with the keys
address, type, size, refs, and where they make sense len, value and name.
Must not know how objects are found.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from contextlib import suppress
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import IO, Any, NamedTuple

from . import heap, preview
from .heaptable import Row, Table

_VALUE = 100                # characters of a text that are written
_BITS = 64                  # of an int that is written
_LONGEST_LINE = 1 << 28     # bytes; nobody's object has so many references
_SIZED: tuple[Any, ...] = (str, bytes, bytearray, list, tuple, dict, set, frozenset)


class Entry(NamedTuple):
    """An object of a file."""

    address: int
    type: str
    size: int               # bytes
    refs: list[int]         # addresses
    len: int | None
    value: Any              # text, number, or the name of a module, class or function


class Graph:
    """The objects of a file by address."""

    def __init__(self, entries: dict[int, Entry]) -> None:
        self._entries = entries
        self._parents: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, address: int) -> Entry:
        """KeyError when there was no object at that address."""
        return self._entries[address]

    def get_all(self, kind: str) -> list[Entry]:
        """The objects of a type, the largest first."""
        return sorted((entry for entry in self._entries.values() if entry.type == kind),
                      key=lambda entry: -entry.size)

    def parents(self, address: int) -> list[int]:
        """Addresses of the objects that refer to the one at an address."""
        if not self._parents:
            for entry in self._entries.values():
                for held in entry.refs:
                    self._parents.setdefault(held, []).append(entry.address)
        return self._parents.get(address, [])

    def summarize(self, limit: int = 20) -> Table:
        """The table of types: print it."""
        rows: dict[str, Row] = {}
        for entry in self._entries.values():
            rows.setdefault(entry.type, Row(entry.type)).add(entry.size)
        return Table(rows.values(), limit)


# -- writing --

def dump(file: str, force: bool = False) -> int:
    """As heap.dump."""
    path = os.path.abspath(os.path.expanduser(file))
    _check_target(file, path, force)
    try:
        handle, temporary = tempfile.mkstemp(prefix=".heap-", dir=os.path.dirname(path))
        try:
            with open(handle, "w", encoding="ascii") as stream:
                written = _write(stream)
            _move(temporary, path, force)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
    except FileExistsError as err:
        raise _exists(file) from err
    except OSError as err:
        raise heap.HeapError(f"{file}: {err.strerror}") from err
    return written


def _check_target(file: str, path: str, force: bool) -> None:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return                          # nothing is there; if it cannot be, writing tells why
    if not stat.S_ISREG(mode):
        raise heap.HeapError(f"{file}: there is something that is not a file")
    if not force:
        raise _exists(file)


def _exists(file: str) -> heap.HeapError:
    return heap.HeapError(f"{file}: the file exists (--force replaces it)")


def _move(temporary: str, path: str, force: bool) -> None:
    """Put the whole file in its place at once."""
    if not force:
        try:
            os.link(temporary, path)    # not over what has come there meanwhile
            return
        except FileExistsError:
            raise
        except OSError:
            pass                        # this file system has no links
    os.replace(temporary, path)


def _write(stream: IO[str]) -> int:
    everything = heap.objects()
    for value in everything:
        stream.write(json.dumps(_line(value)) + "\n")
    return len(everything)


def _line(value: Any) -> dict[str, Any]:
    line: dict[str, Any] = {"address": id(value), "type": heap.type_name(value),
                            "size": heap.size(value)}
    kind = type(value)
    for base in _SIZED:
        if issubclass(kind, base):
            line["len"] = base.__len__(value)
            break
    if issubclass(kind, str):
        line["value"] = str.__getitem__(value, slice(_VALUE))
    elif kind is bytes:
        line["value"] = value[:_VALUE].decode("latin-1")
    elif issubclass(kind, int) and int.bit_length(value) <= _BITS:
        line["value"] = int.__int__(value)
    elif issubclass(kind, ModuleType):
        line["name"] = str(preview.dictionary(value).get("__name__"))
    elif issubclass(kind, type):
        line["name"] = type.__repr__(value)[len("<class '"):-len("'>")]
    elif kind in (FunctionType, BuiltinFunctionType):
        line["name"] = value.__qualname__
    line["refs"] = [id(held) for held in heap.referents(value)]
    return line


# -- reading --

def load(file: str) -> Graph:
    """As heap.load."""
    path = os.path.expanduser(file)
    entries: dict[int, Entry] = {}
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise heap.HeapError(f"{file}: it is not a file")
        with open(path, "rb") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(_LONGEST_LINE), b""), 1):
                entry = _entry(line, f"{file}, line {number}")
                entries[entry.address] = entry
    except OSError as err:
        raise heap.HeapError(f"{file}: {err.strerror}") from err
    if not entries:
        raise heap.HeapError(f"{file}: it has no objects")
    return Graph(entries)


def _entry(line: bytes, where: str) -> Entry:
    if not line.endswith(b"\n"):
        raise heap.HeapError(f"{where}: the file is cut off here")
    try:
        what = json.loads(line)
    except (ValueError, RecursionError) as err:
        raise heap.HeapError(f"{where}: this is not JSON, the file is damaged") from err
    if not isinstance(what, dict):
        raise heap.HeapError(f"{where}: this is no object with address, type, size and refs")
    for key, kind in (("address", int), ("type", str), ("size", int), ("refs", list)):
        if type(what.get(key)) is not kind:
            raise heap.HeapError(f"{where}: {key!r} is missing, or not {kind.__name__}")
    if any(type(held) is not int for held in what["refs"]):
        raise heap.HeapError(f"{where}: a reference is not an address")
    return Entry(what["address"], what["type"], what["size"], what["refs"], what.get("len"),
                 what.get("value", what.get("name")))
