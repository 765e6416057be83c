"""Owns inodes: what kind of file each is, whose, and when it was touched.

Must not know paths.
"""

from __future__ import annotations

import stat
from typing import Any

from LinuxDump.creds import kid

_TYPES = {stat.S_IFREG: "REG", stat.S_IFLNK: "LNK", stat.S_IFDIR: "DIR", stat.S_IFCHR: "CHR",
          stat.S_IFBLK: "BLK", stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "SOCK"}
_NS_PER_S = 1_000_000_000
_MINOR_BITS = 20


def file_type(inode: Any) -> str:
    """REG LNK DIR CHR BLK FIFO SOCK; UNKN for none of these, as anonymous inodes are."""
    return _TYPES.get(stat.S_IFMT(inode.i_mode), "UNKN")


def device(number: int) -> tuple[int, int]:
    """(major, minor) of a dev_t."""
    return number >> _MINOR_BITS, number & (1 << _MINOR_BITS) - 1


def owner(inode: Any) -> tuple[int, int]:
    """(uid, gid) as the first user namespace has them."""
    return kid(inode.i_uid), kid(inode.i_gid)


def inode_time(inode: Any, which: str = "mtime") -> int:
    """atime, mtime or ctime in ns since 1970."""
    try:
        # 6.11: 3aa63a569c64 ("fs: switch timespec64 fields in inode to discrete integers")
        return (getattr(inode, f"i_{which}_sec") * _NS_PER_S
                + getattr(inode, f"i_{which}_nsec"))
    except KeyError:
        pass
    try:
        # 6.7: 12cd44023651 ("fs: rename inode i_atime and i_mtime fields"), and 6.6:
        # 13bc24457850 ("fs: rename i_ctime field to __i_ctime")
        stamp = getattr(inode, f"__i_{which}")
    except KeyError:
        stamp = getattr(inode, f"i_{which}")
    return stamp.tv_sec * _NS_PER_S + stamp.tv_nsec
