"""Owns what programs get of filesystems under one name: dentries, mounts, open files.

What is behind them is imported when it is asked for.  Must not know any one filesystem.
"""

from __future__ import annotations

import os       # noqa: F401 - programs take it from here
import string   # noqa: F401 - likewise
from typing import Any

from LinuxDump.fs.dentries import IS_ROOT, get_dentry_name  # noqa: F401 - likewise
from LinuxDump.fs.openfiles import open_files  # noqa: F401 - likewise
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here


def sb_frozen(sb: Any) -> int:
    """How far a superblock is frozen, 0 if it is not."""
    return sb.s_writers.frozen


def getMount(MEMOIZE: bool = True) -> list[tuple[int, int, str, str, str]]:
    """(mount, superblock, type, device, mountpoint) of the first process's mounts.

    The first is the address of the struct mount.  Read once in a session; damage is reported in
    the log of each command that asks.
    """
    from LinuxDump.fs import mounts

    rows, problems = mounts.first_rows(MEMOIZE=MEMOIZE)
    mounts.report(problems)
    return rows


def sb2Vfsmnt(sbaddr: int, MEMOIZE: bool = True) -> int:
    """The first mount of a superblock, 0 if none."""
    return next((row[0] for row in getMount(MEMOIZE) if row[1] == sbaddr), 0)
