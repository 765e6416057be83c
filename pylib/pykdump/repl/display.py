"""Owns how a result is shown: laid out in the terminal's width, never more than can be read.

Reads the members of a struct that it shows, and nothing else.  Must not know who computed it.
"""

from __future__ import annotations

import builtins
import pprint
from collections.abc import Iterator
from itertools import islice
from typing import Any

import crash

from .. import preview, typeinfo
from . import talk

_MOST = 100             # elements of a container
_HEX = 1 << 16          # numbers from here on are shown in hex, too
_ADDRESS = 1 << 63      # from here on they may be addresses

_STYLES = {"struct": "1", "name": "", "address": "36", "text": "32", "fault": "31", "rest": "2"}


def show(value: object) -> None:
    """sys.displayhook: print a result and keep it as `_`."""
    if value is None:
        return
    setattr(builtins, "_", None)
    for line in lines(value):
        print(line)
    setattr(builtins, "_", value)


def lines(value: object) -> Iterator[str]:
    """A result as lines."""
    kind = type(value)
    if isinstance(value, crash.StructResult):
        yield from _struct(value)
    elif kind is int:
        assert isinstance(value, int)
        yield _number(value)
    elif isinstance(value, (list, tuple, set, frozenset, dict)) and len(value) > _MOST:
        yield from _text(_first(value)).splitlines()
        yield paint(f"... {len(value) - _MOST:,} more of {len(value):,}", "rest")
    else:
        yield from _text(value).splitlines() or [""]


def paint(text: str, style: str) -> str:
    """A text in the colours of a style, where there may be any."""
    code = _STYLES[style]
    return f"\x1b[{code}m{text}\x1b[0m" if code and talk.colours() else text


class _Printer(pprint.PrettyPrinter):
    """Structs within containers are named, not read."""

    def format(self, obj: object, context: Any, maxlevels: int, level: int
               ) -> tuple[str, bool, bool]:
        if isinstance(obj, crash.StructResult):
            return str(obj), True, False
        return super().format(obj, context, maxlevels, level)


def _text(value: object) -> str:
    if isinstance(value, str):
        return repr(value)              # in one piece, to be copied
    return _Printer(width=talk.width(), compact=True, sort_dicts=False).pformat(value)


def _first(value: Any) -> object:
    if isinstance(value, dict):
        return dict(islice(value.items(), _MOST))
    kind = next(base for base in (list, tuple, set, frozenset) if isinstance(value, base))
    return kind(islice(iter(value), _MOST))


def _number(value: int) -> str:
    where = symbol(value)
    notes = ([hex(value)] if abs(value) >= _HEX else []) + ([where] if where else [])
    return f"{value}" + (paint(f"  ({', '.join(notes)})", "address") if notes else "")


def symbol(address: int) -> str:
    """The symbol at an address of the kernel's and what is beyond it; "" if there is none."""
    if not _ADDRESS <= address < 1 << 64:
        return ""
    name, offset = crash.addr2sym(address, True)
    if name is None:
        return ""
    return f"{name}+{offset:#x}" if offset else name


# -- a struct, member by member --

def _struct(value: crash.StructResult) -> Iterator[str]:
    at = symbol(value)
    yield paint(str(value), "struct") + (f"  {at}" if at else "")
    if not value:
        return
    try:
        crash.readmem(value, 1)
    except crash.error as err:
        yield f"  {paint(_one_line(err), 'fault')}"
        return
    fields = sorted(typeinfo.members(value.PYT_symbol).values(), key=lambda one: one.bitoffset)
    room = talk.height()
    most = len(fields) if room is None or len(fields) <= room - 3 else room - 4
    wide = max((len(field.name) for field in fields[:most]), default=0)
    for field in fields[:most]:
        text, style = _member(value, field)
        space = max(talk.width() - wide - 5, 10)
        if len(text) > space:
            text = text[:space - 3] + "..."
        yield f"  {paint(f'{field.name:<{wide}}', 'name')} = {paint(text, style)}"
    if most < len(fields):
        yield paint(f"  ... {len(fields) - most} more: _.Dump() prints all, _? their types", "rest")


def _member(value: crash.StructResult, field: typeinfo.Field) -> tuple[str, str]:
    try:
        member = value.Eval(field.name)
    except (crash.error, TypeError, KeyError, AttributeError, ValueError) as err:
        return _one_line(err), "fault"
    if isinstance(member, str):
        return preview.of(member), "text"
    if isinstance(member, crash.StructResult) or field.ctype.endswith("*"):
        return _place(member, field), "address"
    if type(member) is int and member >= _HEX:
        return f"{member} ({member:#x})", "name"
    return preview.of(member), "name"


def _one_line(err: Exception) -> str:
    return f"<{' '.join(str(err).split())}>"


def _place(member: Any, field: typeinfo.Field) -> str:
    if not isinstance(member, int):
        return preview.of(member)
    if not member:
        return "NULL"
    named = str(member) if isinstance(member, crash.StructResult) else f"{int(member):#x}"
    at = symbol(int(member)) if field.ctype.endswith("*") else ""
    return f"{named}  {at}" if at else named
