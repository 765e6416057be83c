"""Owns how filesystems are: frozen, read-only, shut down, and the errors that they remember.

Must not know mounts, nor how bad any of it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from LinuxDump.fs.superblocks import operations
from pykdump.API import crash, readSU

_SB_RDONLY = 1
_LEVELS = ("", "writes", "page faults", "internal", "complete")    # enum of sb_writers.frozen
_EXT4_SHUTDOWN, _EXT4_EMERGENCY_RO = 1 << 1, 1 << 3         # of s_ext4_flags
_EXT4_ABORTED = 1 << 1                                      # of s_mount_flags
_XFS_SHUTDOWN, _XFS_OLD_SHUTDOWN = 1 << 2, 1 << 4           # of m_opstate, of m_flags
_BTRFS_ERROR = 1                                            # of fs_state
JBD2_ABORT = 2                                              # of j_flags


class FsError(NamedTuple):
    """An error that a filesystem remembers."""

    time: int       # seconds since 1970
    function: str
    line: int
    inode: int      # 0 if it is of none
    block: int

    def __str__(self) -> str:
        where = f"{self.function}:{self.line}"
        return where + (f", inode {self.inode}" if self.inode else "") \
            + (f", block {self.block}" if self.block else "")


class Health(NamedTuple):
    """How a filesystem is.

    frozen      how far: "" (not), "writes", "page faults", "internal" or "complete"
    readonly    is the superblock read-only
    shutdown    nothing works on it any more; ext4 has no other word for "aborted" from 6.6
                (95257987a638) to 6.14
    aborted     an error has ended all writing to it
    errors      how many it has counted, with those of former mounts
    first,last  of them, as far as it remembers
    known       False: of its kind nothing but `frozen` and `readonly` is known here
    """

    frozen: str
    readonly: bool
    shutdown: bool = False
    aborted: bool = False
    errors: int = 0
    first: FsError | None = None
    last: FsError | None = None
    known: bool = False

    def words(self) -> list[str]:
        """What is out of the ordinary, a word or two each."""
        return [word for word, said in (
            ("frozen", self.frozen), ("shut down", self.shutdown),
            ("aborted", self.aborted and not self.shutdown),
            (f"errors: {self.errors}", self.errors), ("read-only", self.readonly)) if said]


def frozen_level(sb: Any) -> str:
    """How far a struct super_block is frozen, "" if it is not."""
    level = int(sb.s_writers.frozen)
    return _LEVELS[level] if 0 <= level < len(_LEVELS) else f"level {level}"


def health(sb: Any) -> Health:
    """How a struct super_block is; errors as those of usage.usage()."""
    general = Health(frozen_level(sb), bool(sb.s_flags & _SB_RDONLY))
    more = _KINDS.get(operations(sb))
    return general._replace(known=True, **more(sb)) if more else general


def _text(value: Any) -> str:
    return "" if not value else str(value)


def _ext4(sb: Any) -> dict[str, Any]:
    info = readSU("struct ext4_sb_info", sb.s_fs_info)
    es, flags, journal = info.s_es, info.s_ext4_flags, info.s_journal
    aborted = bool(info.s_mount_flags & _EXT4_ABORTED or flags & _EXT4_EMERGENCY_RO
                   or journal and journal.j_flags & JBD2_ABORT)
    # 5.11: c92dc856848f ("ext4: defer saving error info from atomic context")
    waiting = info.hasField("s_add_error_count") and info.s_add_error_count or 0
    return {"shutdown": bool(flags & _EXT4_SHUTDOWN), "aborted": aborted,
            "errors": es.s_error_count + waiting,
            "first": _ext4_stored(es, "first") or waiting and _ext4_fresh(info, "first") or None,
            "last": waiting and _ext4_fresh(info, "last") or _ext4_stored(es, "last")}


def _ext4_stored(es: Any, which: str) -> FsError | None:
    time = getattr(es, f"s_{which}_error_time")
    if not time:
        return None
    function = bytes(getattr(es, f"s_{which}_error_func")).split(b"\0")[0]
    return FsError(time | getattr(es, f"s_{which}_error_time_hi", 0) << 32,
                   function.decode("ascii", "replace"), getattr(es, f"s_{which}_error_line"),
                   getattr(es, f"s_{which}_error_ino"), getattr(es, f"s_{which}_error_block"))


def _ext4_fresh(info: Any, which: str) -> FsError | None:
    time = getattr(info, f"s_{which}_error_time")
    return FsError(time, _text(getattr(info, f"s_{which}_error_func")),
                   getattr(info, f"s_{which}_error_line"), getattr(info, f"s_{which}_error_ino"),
                   getattr(info, f"s_{which}_error_block")) if time else None


def _xfs(sb: Any) -> dict[str, Any]:
    mount = readSU("struct xfs_mount", sb.s_fs_info)
    try:
        # 5.15: 2e973b2cd4cd ("xfs: convert remaining mount flags to state flags")
        return {"shutdown": bool(mount.m_opstate & _XFS_SHUTDOWN)}
    except KeyError:
        return {"shutdown": bool(mount.m_flags & _XFS_OLD_SHUTDOWN)}


def _btrfs(sb: Any) -> dict[str, Any]:
    info = readSU("struct btrfs_fs_info", sb.s_fs_info)
    # 6.8: ae3364e5215b ("btrfs: move and replace fs_info::fs_state error")
    return {"aborted": bool(info.fs_state & _BTRFS_ERROR
                            or info.hasField("fs_error") and info.fs_error)}


# The symbol of a filesystem's struct super_operations -> the function
_KINDS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "ext4_sops": _ext4, "xfs_super_operations": _xfs, "btrfs_super_ops": _btrfs,
    "shmem_ops": lambda sb: {}, "ovl_super_operations": lambda sb: {},
}


def unreadable(err: Exception) -> str:
    """Why a filesystem's own numbers are missing, in one sentence."""
    if isinstance(err, crash.error):
        return str(err)
    if isinstance(err, TypeError):
        return f"the types of its module are not in the dump: {err}"
    return f"this kernel has something elsewhere: {err}"
