"""Owns dentries: their names, what is below them, whether they are still in a directory.

Must not know mounts, nor how paths are put together.
"""

from __future__ import annotations

from typing import Any

from pykdump.API import readmem, walk_hlist, walk_list
from pykdump.walk import WalkReport

# The longest name of a directory entry; a length beyond it is damage.
_NAME_MAX = 255
_STRUCT = "struct dentry"


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


def is_unlinked(dentry: Any) -> bool:
    """Was a dentry's name removed while it is still used."""
    return not dentry.d_hash.pprev and not IS_ROOT(dentry)


def children(dentry: Any) -> tuple[list[Any], WalkReport]:
    """The cached struct dentry below one, those without an inode too."""
    try:
        # 6.8: da549bdd15c2 ("dentry: switch the lists of children to hlist")
        return walk_hlist(dentry.d_children, _STRUCT, "d_sib")
    except KeyError:
        return walk_list(dentry.d_subdirs, _STRUCT, "d_child")
