"""Owns locks on files: flock, POSIX and OFD locks, leases, and who waits for them.

Must not know who asked for them but by number.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump import Constants
from LinuxDump.fs.inodes import device
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (crash, member_offset, pylog, readSU, struct_exists, structSetAttr,
                         sym2addr, symbol_exists, walk_hlist, walk_list, walk_percpu)

FL_types = Constants(F_RDLCK=0, F_WRLCK=1, F_UNLCK=2)
FL_flags = Constants(
    FL_POSIX=1, FL_FLOCK=2, FL_DELEG=4, FL_ACCESS=8, FL_EXISTS=16, FL_LEASE=32, FL_CLOSE=64,
    FL_SLEEP=128, FL_DOWNGRADE_PENDING=256, FL_UNLOCK_PENDING=512, FL_OFDLCK=1024, FL_LAYOUT=2048,
    FL_RECLAIM=4096)
_LEASES = FL_flags.FL_LEASE | FL_flags.FL_DELEG | FL_flags.FL_LAYOUT
_BREAKING = FL_flags.FL_UNLOCK_PENDING | FL_flags.FL_DOWNGRADE_PENDING
_TYPE_NAMES = {FL_types.F_WRLCK: "WRITE", FL_types.F_RDLCK: "READ"}
_END = (1 << 63) - 1
_MAX_DEPTH = 100


class Lock(NamedTuple):
    """A lock, held or waited for."""

    lock: Any           # struct file_lock, or of a lease the struct file_lease that 6.9 has
    number: int         # that /proc/locks gives to it, and to all who wait for it
    depth: int          # 0: held; 1: waits for the one before of depth 0, and so on
    kind: str           # POSIX OFDLCK ACCESS FLOCK LEASE DELEG UNKNOWN
    mode: str           # ADVISORY; of leases ACTIVE BREAKING BREAKER
    type: str           # READ WRITE UNLCK
    pid: int            # of the owner; -1 of a lock that belongs to an open file
    inode: Any          # struct inode, None if the lock has no file
    start: int          # the bytes that are locked, the last included
    end: int | None     # None: to the end of the file

    @property
    def line(self) -> str:
        """The line of /proc/locks."""
        arrow = f"{'-> ':>{self.depth + 2}}" if self.depth else ""
        if self.inode:
            major, minor = device(self.inode.i_sb.s_dev)
            where = f"{major:02x}:{minor:02x}:{self.inode.i_ino}"
        else:
            where = "<none>:0"
        end = "EOF" if self.end is None else self.end
        return (f"{self.number}: {arrow}{self.kind:<6} {self.mode:<9} {self.type} "
                f"{self.pid} {where} {self.start} {end}")


class LockList(NamedTuple):
    """Locks, and what could not be read of them: sentences with addresses."""

    locks: list[Lock]
    problems: list[str]


class _Layout(NamedTuple):
    """Where a kernel has the members of a lock that are common to all kinds."""

    struct: str         # that is in the lists
    prefix: str         # of its members


def _layout() -> _Layout:
    # 6.9: a69ce85ec9af ("filelock: split common fields into struct file_lock_core")
    if struct_exists("struct file_lock_core"):
        return _Layout("struct file_lock_core", "flc_")
    return _Layout("struct file_lock", "fl_")


def name_members() -> None:
    """Names that programs use for members which kernels keep in different places."""
    structSetAttr("struct file_lock", "Inode", ["c.flc_file.f_inode", "fl_file.f_inode"])


def _whole(core: Any, flags: int) -> Any:
    """The struct that a lock is, of its common part."""
    if not core.isNamed("struct file_lock_core"):
        return core
    name = "struct file_lease" if flags & _LEASES else "struct file_lock"
    return readSU(name, int(core) - member_offset(name, "c"))


def _lock(core: Any, number: int, depth: int, prefix: str) -> Lock:
    flags = getattr(core, f"{prefix}flags")
    kind = getattr(core, f"{prefix}type")
    file = getattr(core, f"{prefix}file")
    whole = _whole(core, flags)
    start, end = 0, None
    mode = "ADVISORY"
    inode = file.f_inode if file else None
    if flags & FL_flags.FL_POSIX:
        name = "ACCESS" if flags & FL_flags.FL_ACCESS else \
            "OFDLCK" if flags & FL_flags.FL_OFDLCK else "POSIX"
        start, end = whole.fl_start, whole.fl_end
        if inode is None:
            mode = "*NOINODE*"
    elif flags & FL_flags.FL_FLOCK:
        name = "FLOCK"
    elif flags & _LEASES:
        name = "DELEG" if flags & FL_flags.FL_DELEG else "LEASE"
        mode = "BREAKING" if flags & _BREAKING else "ACTIVE" if file else "BREAKER"
        if flags & FL_flags.FL_UNLOCK_PENDING:
            kind = FL_types.F_UNLCK
        elif flags & FL_flags.FL_DOWNGRADE_PENDING:
            kind = FL_types.F_RDLCK
    else:
        name = mode = "UNKNOWN"
    pid = -1 if flags & FL_flags.FL_OFDLCK else getattr(core, f"{prefix}pid")
    return Lock(whole, number, depth, name, mode, _TYPE_NAMES.get(kind, "UNLCK"), pid, inode,
                start, None if end == _END else end)


def locks() -> LockList:
    """All locks of the kernel with those that wait for each, in the order of /proc/locks."""
    name_members()
    made: list[Lock] = []
    problems: list[str] = []
    if not symbol_exists("file_lock_list"):
        return LockList([], ["the kernel has no list of locks (file_lock_list)"])
    layout = _layout()
    number = 0
    seen: set[int] = set()
    # one list a CPU, in a struct with its lock
    cpus, heads, report = walk_percpu(sym2addr("file_lock_list"))
    if not report.whole:
        problems.append(f"lists of locks: {report}; those of {len(cpus)} CPUs could be read")
    offset = max(member_offset("struct file_lock_list_struct", "hlist"), 0)
    for cpu, head in zip(cpus, heads):
        found, report = walk_hlist(head + offset, layout.struct, f"{layout.prefix}link")
        if not report.whole:
            problems.append(f"locks of CPU {cpu}: {report}; {len(found)} could be read")
        for core in found:
            number += 1
            _add(core, number, 0, layout, made, problems, seen)
    return LockList(made, problems)


def _add(core: Any, number: int, depth: int, layout: _Layout, made: list[Lock],
         problems: list[str], seen: set[int]) -> None:
    """A lock, and behind it those that wait for it; each is there once."""
    if core in seen or depth > _MAX_DEPTH:
        problems.append(f"{core} is in the lists of locks more than once, or waits for too many")
        return
    seen.add(int(core))
    prefix = layout.prefix
    try:
        lock = _lock(core, number, depth, prefix)
        # /proc/locks leaves out those whose owner is gone
        if depth or lock.pid:
            made.append(lock)
        blocked, report = walk_list(getattr(core, f"{prefix}blocked_requests"),
                                    layout.struct, f"{prefix}blocked_member")
    except crash.error as err:
        problems.append(f"{core}: {err}")
        return
    if not report.whole:
        problems.append(f"locks that wait for {core}: {report}; {len(blocked)} could be read")
    for waiter in blocked:
        _add(waiter, number, depth + 1, layout, made, problems, seen)


def print_lock(fl: Any) -> None:
    """Print a struct file_lock (or file_lock_core) as /proc/locks does; crash.error."""
    layout = _layout()
    core = fl.c if layout.prefix == "flc_" and fl.hasField("c") else fl
    lock = _lock(core, 0, 0, layout.prefix)
    print(f"{lock.lock} {lock.line.partition(' ')[2]}")


def print_locks() -> None:
    """Print all locks as /proc/locks does."""
    found, problems = locks()
    for lock in found:
        print(lock.line)
    for text in problems:
        pylog.error(text)
