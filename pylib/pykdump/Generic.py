"""Owns the small containers and formatters that programs take from the API, and DCache.

The registry's names are here too because programs know them from this place.  Must not know
about the kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any

from .registry import PyCtl, registerModuleAttr, registerObjAttrHandler

__all__ = ("Bunch", "DCache", "PyCtl", "TrueOnce", "dbits2str", "print2columns",
           "registerModuleAttr", "registerObjAttrHandler")

debugDCache: int
registerModuleAttr("debugDCache", default=0,
                   help="print the use of DCache: 1 names, 2 values too")


class Bunch(dict):
    """A dictionary whose items are attributes too; AttributeError for a missing one."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: object) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __str__(self) -> str:
        return "\n".join(f"{key} {self[key]}" for key in sorted(self))


class _Space(Bunch):
    """One part of DCache: a Bunch where a missing attribute is None."""

    __slots__ = ("_label",)

    def __init__(self, label: str) -> None:
        super().__init__()
        object.__setattr__(self, "_label", label)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)      # protocols ask for these; None would mislead them
        try:
            return self[name]
        except KeyError:
            return None

    def __getitem__(self, name: str) -> Any:
        if not debugDCache:
            return super().__getitem__(name)
        try:
            value = super().__getitem__(name)
        except KeyError:
            self._report("miss", name)
            raise
        self._report("get", name, value)
        return value

    def __setitem__(self, name: str, value: object) -> None:
        super().__setitem__(name, value)
        if debugDCache:
            self._report("set", name, value)

    def clear(self) -> None:
        if debugDCache and self:
            self._report("clear", f"{len(self)} entries")
        super().clear()

    def _report(self, what: str, name: str, *value: object) -> None:
        shown = f" = {value[0]!r}" if value and debugDCache > 1 else ""
        print(f"DCache.{self._label}: {what} {name}{shown}")


class _DCache:
    """`tmp` is emptied when a command starts, `perm` lives as long as the session."""

    __slots__ = ("tmp", "perm")

    def __init__(self) -> None:
        self.tmp = _Space("tmp")
        self.perm = _Space("perm")


DCache = _DCache()
"""Values that programs keep: in `tmp` for one command, in `perm` for the session."""


class TrueOnce:
    """True the first `n` times it is asked, False ever after."""

    __slots__ = ("_left",)

    def __init__(self, n: int = 1) -> None:
        self._left = n

    def __bool__(self) -> bool:
        self._left -= 1
        return self._left >= 0


def dbits2str(flags: int, names: Mapping[str, int], offset: int = 0) -> str:
    """`A|B` for the single-bit names set in `flags`, without their first `offset` characters."""
    bits = sorted((bit, name) for name, bit in names.items()
                  if bit > 0 and bit & (bit - 1) == 0 and flags & bit)
    return "|".join(name[offset:] for _bit, name in bits)


def print2columns(left: str | Iterable[str], right: str | Iterable[str]) -> None:
    """Print two texts side by side."""
    columns = [text.splitlines() if isinstance(text, str) else list(text)
               for text in (left, right)]
    width = max(map(len, columns[0]), default=0)
    for one, two in zip_longest(*columns, fillvalue=""):
        print(f"{one:<{width}}  {two}".rstrip())


# Objects about types were here once.
_MOVED = frozenset((
    "ArtStructInfo", "EnumInfo", "SUInfo", "TypeInfo", "VarInfo", "getSizeOf", "getStructInfo",
    "struct_exists", "struct_size", "type_length", "union_size", "whatis"))


def __getattr__(name: str) -> Any:
    if name not in _MOVED:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from . import datatypes
    return getattr(datatypes, name)
