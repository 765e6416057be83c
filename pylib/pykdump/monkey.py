"""Owns the end of monkey patches: what a program has put into Python's own modules goes with it.

eventlet.monkey_patch() replaces functions of socket, select, threading ... for the process, which
is the whole session here; the next program may have no use for them.  Must not know who imports.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PATCHER = "eventlet"
_PATCHED = ("_thread", "builtins", "os", "queue", "select", "selectors", "socket", "ssl",
            "subprocess", "threading", "time")
_ABSENT = object()

_originals: list[tuple[ModuleType, dict[str, Any]]] = []


def importing(name: str) -> None:
    """A module is about to be imported; of one that patches, the victims are remembered."""
    if name == _PATCHER and not _originals:
        for victim in _PATCHED:
            module = importlib.import_module(victim)
            _originals.append((module, dict(vars(module))))


def undo() -> None:
    """Between programs: put back what was there."""
    if not _originals:
        return
    for module, before in _originals:
        names = vars(module)
        for name, value in before.items():
            if names.get(name, _ABSENT) is not value:
                names[name] = value
    patched = getattr(sys.modules.get(f"{_PATCHER}.patcher"), "already_patched", None)
    if isinstance(patched, dict):
        patched.clear()         # or the next program's call would do nothing
