"""Owns the types of global variables.

The debug information has them, of those per CPU also BTF; without it gdb tells, in C.  Must not
read memory.
"""

from __future__ import annotations

import re

import _pykdump
import crash

from .memocaches import on_types_changed

_types: dict[str, str] = {}
_QUALIFIERS = re.compile(r"\b(?:const|volatile|restrict)\b ?")


def type_of(name: str) -> str:
    """The type of a variable in C; TypeError if there is none."""
    ctype = _types.get(name)
    if ctype is None:
        ctype = _types[name] = _pykdump.variable_type(name) or _ask_gdb(name)
    return ctype


def is_nameless(ctype: str) -> bool:
    """Whether it cannot be looked up by what is written: a struct without tag, a function."""
    return "{...}" in ctype or "(func)" in ctype


def _ask_gdb(name: str) -> str:
    if not re.fullmatch(r"\w+", name):
        raise TypeError(f"{name!r} is not the name of a variable")
    answer = crash.get_GDB_output(f"whatis {name}")
    prefix, _equals, ctype = (answer or "").strip().partition(" = ")
    if prefix != "type" or ctype.startswith("<"):
        raise TypeError(f"the type of {name} is not known")
    return _QUALIFIERS.sub("", ctype).strip()


@on_types_changed
def forget() -> None:
    """Debug information has changed."""
    _types.clear()
