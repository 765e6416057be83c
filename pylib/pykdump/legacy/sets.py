"""Python 2's `sets`: classes that the built-in sets have replaced."""

from __future__ import annotations

__all__ = ["BaseSet", "Set", "ImmutableSet"]

BaseSet = (set, frozenset)      # only ever used with isinstance
Set = set
ImmutableSet = frozenset
