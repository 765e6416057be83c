"""Owns what is common to all filesystems: dentries, superblocks, tables of open files.

Must not know any one filesystem.
"""

from __future__ import annotations

import os       # noqa: F401 - programs take it from here
import string   # noqa: F401 - likewise
import struct
from collections.abc import Iterator
from typing import Any

from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import readmem

# The longest name of a directory entry; a length beyond it is damage.
_NAME_MAX = 255
_MAX_FDS = 1 << 24


def get_dentry_name(dentry: Any) -> str:
    """The last component of a dentry's path, "" if it has none; crash.error if unreadable."""
    if not dentry:
        return ""
    name = dentry.d_name
    length = min(name.len, _NAME_MAX)
    if not length:
        return ""
    return readmem(int(name.name), length).decode("utf-8", "backslashreplace")


def IS_ROOT(dentry: Any) -> bool:
    """Is a dentry the root of its filesystem (or connected to none)."""
    return dentry == dentry.d_parent


def sb_frozen(sb: Any) -> int:
    """How far a superblock is frozen, 0 if it is not."""
    return sb.s_writers.frozen


def open_files(files: Any) -> Iterator[tuple[int, int]]:
    """(fd, address of its struct file) of a struct files_struct, ascending; crash.error."""
    fdt = files.fdt
    count = fdt.max_fds
    if not 0 < count <= _MAX_FDS:
        return
    bits = int.from_bytes(readmem(fdt.open_fds, (count + 7) // 8), "little")
    used = bits.bit_length()
    if not used:
        return
    table = struct.unpack(f"{used}Q", readmem(fdt.fd, used * 8))
    for fd, file in enumerate(table):
        if file and bits >> fd & 1:
            yield fd, file
