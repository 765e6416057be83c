"""`distutils.util`, as far as programs use it."""

from __future__ import annotations

import shlex
import sysconfig

__all__ = ["strtobool", "split_quoted", "get_platform"]

get_platform = sysconfig.get_platform
split_quoted = shlex.split


def strtobool(val: str) -> int:
    """1 for a yes, 0 for a no; ValueError for any other text."""
    word = val.lower()
    if word in ("y", "yes", "t", "true", "on", "1"):
        return 1
    if word in ("n", "no", "f", "false", "off", "0"):
        return 0
    raise ValueError(f"invalid truth value {word!r}")
