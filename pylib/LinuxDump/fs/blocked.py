"""Owns who cannot go on because of a filesystem: tasks that wait for something that is part of it.

Must not know how it is found out what a task waits for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from LinuxDump.fs.superblocks import all_superblocks
from LinuxDump.fs.journals import journals
from LinuxDump.hangs import inode_of
from LinuxDump.taskrows import Row, task_rows
from LinuxDump.waiters import Wait, wait_of
from pykdump.API import CU_LIVE, crash, memoize_cond, readSU


@memoize_cond(CU_LIVE)
def blocked_tasks() -> dict[int, list[Row]]:
    """Address of a struct super_block -> rows of uninterruptible tasks that wait for it."""
    devices = {}
    for sb in all_superblocks()[0]:
        try:
            if sb.s_bdev:
                devices[int(sb.s_bdev)] = int(sb)
        except crash.error:
            continue            # who lists filesystems reports it
    found: dict[int, list[Row]] = {}
    for row in task_rows():
        if "UNINTERRUPTIBLE" not in row.state:
            continue
        wait = wait_of(row.task)
        look = _KINDS.get(wait.kind) if wait else None
        try:
            sb = look(wait, devices) if look and wait else 0
        except (crash.error, IndexError, KeyError):
            continue            # damage
        if sb:
            found.setdefault(sb, []).append(row)
    return found


def _frozen(wait: Wait, devices: dict[int, int]) -> int:
    return wait.obj


def _transaction(wait: Wait, devices: dict[int, int]) -> int:
    return next((int(journal.sb) for journal in journals()[0]
                 for each in (journal.running, journal.committing)
                 if each and int(each.transaction) == wait.obj), 0)


def _buffer(wait: Wait, devices: dict[int, int]) -> int:
    return devices.get(int(readSU("struct buffer_head", wait.obj).b_bdev), 0)


def _page(wait: Wait, devices: dict[int, int]) -> int:
    mapping = int(readSU("struct page", wait.obj).mapping)
    if not mapping or mapping & 3:      # nobody's, or of anonymous memory
        return 0
    host: Any = readSU("struct address_space", mapping).host
    return int(host.i_sb) if host else 0


def _lock(wait: Wait, devices: dict[int, int]) -> int:
    inode = inode_of(wait)
    return int(readSU("struct inode", inode).i_sb) if inode else 0


def _request(wait: Wait, devices: dict[int, int]) -> int:
    from LinuxDump.nfs.shares import share_with

    found = share_with(readSU("struct rpc_task", wait.obj).tk_client)
    return int(found.sb) if found else 0


# Kind of a wait -> the function that tells the superblock, 0 for none
_KINDS: dict[str, Callable[[Wait, dict[int, int]], int]] = {
    "frozen filesystem": _frozen, "jbd2 transaction": _transaction, "buffer": _buffer,
    "folio": _page, "page": _page, "rwsem": _lock, "RPC request": _request,
}
