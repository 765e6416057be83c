"""Owns what a program is told when it asks for a member or symbol that the dump's kernel lacks.

The kernel's history is LinuxDump's: it is asked for when the first such error is made.  Must not
decide which exception is raised.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

import _pykdump
import crash

from . import typeinfo

# The module that knows what became of members and symbols; the framework knows no kernel itself.
_HISTORY = "LinuxDump.successors"

_NO_MEMBER = re.compile(r"<([^<>]+)> does not have a field <([^<>]+)>\Z")


def member(text: str) -> str:
    """`<struct x> does not have a field <m>`, with the kernel's release and what replaced it."""
    found = _NO_MEMBER.match(text)
    if found is None:
        return text
    struct, chain = found.groups()
    # of `a.b.c` the history knows the first name only: the others are of other structs
    name, dot, rest = chain.partition(".")
    for move in _history("MEMBERS").get(struct, {}).get(name, ()):
        if typeinfo.resolve(struct, move.now) is not None:
            return f"{text}; {_release()} has <{move.now}{dot}{rest}> instead " \
                   f"({move.since}, {move.commit})"
    return f"{text} ({_release()})"


def symbol(name: str) -> str:
    """What is said of a symbol that this kernel does not have."""
    text = f"There's no symbol <{name}>"
    for move in _history("SYMBOLS").get(name, ()):
        if crash.symbol_exists(move.now.partition(".")[0]):
            return f"{text}; {_release()} has <{move.now}> instead ({move.since}, {move.commit})"
    return f"{text} ({_release()})"


def _release() -> str:
    return f"kernel {_pykdump.dump_info()['release']}"


def _history(table: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = getattr(importlib.import_module(_HISTORY), table)
    except ImportError:     # a LinuxDump of the user's own, without it
        return {}
    return found
