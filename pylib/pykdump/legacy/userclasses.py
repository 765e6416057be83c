"""Python 2's `UserDict`, `UserList` and `UserString`: modules whose class has their name."""

from __future__ import annotations

from collections import UserDict, UserList, UserString
from collections.abc import MutableMapping

__all__ = ["UserDict", "IterableUserDict", "DictMixin", "UserList", "UserString"]

IterableUserDict = UserDict
DictMixin = MutableMapping
