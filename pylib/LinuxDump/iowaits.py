"""Owns who waits for I/O: the tasks behind a bio that has not come to its end.

Whoever submits a bio leaves in it what is to be woken: a completion on a stack, a buffer, a struct
of direct I/O with the task.  Must not know requests, nor where bios are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any, NamedTuple

from LinuxDump.blkmq import operation
from LinuxDump.sleepers import stack_size
from LinuxDump.taskrows import Row, task_rows
from LinuxDump.waiters import wait_of
from pykdump.API import addr2sym, columns, crash, readSU

_MAX_CHAIN = 1000
_WAITING = ("UNINTERRUPTIBLE", "INTERRUPTIBLE")
# bi_end_io -> the struct that bi_private is, and where that has the task
_DIRECT = {
    "blkdev_bio_end_io": ("struct blkdev_dio", "waiter"),
    "iomap_dio_bio_end_io": ("struct iomap_dio", "submit.waiter"),
}


class Bio(NamedTuple):
    """A bio: what it does, where on its device (sectors of 512 bytes), and how many bytes."""

    bio: Any
    op: str
    sector: int
    bytes: int


def bio_of(bio: Any) -> Bio:
    """What a struct bio is to do; crash.error if it cannot be read."""
    return Bio(bio, operation(int(bio.bi_opf)), bio.bi_iter.bi_sector, bio.bi_iter.bi_size)


class IoWaiters:
    """Who waits for bios; made once for all that are asked for."""

    def __init__(self) -> None:
        self._rows = {row.task: row for row in task_rows()
                      if any(word in row.state for word in _WAITING)}
        chosen = list(self._rows)
        stacks = columns(chosen, "struct task_struct", ["stack"])[0]
        self._stacks = sorted((stack, task) for stack, task in zip(stacks, chosen) if stack)
        self._size = stack_size()
        self._waits: dict[int, list[int]] | None = None

    def of(self, bios: Iterable[Any]) -> list[Row]:
        """Rows of tasks that wait for some of the struct bio, each followed to those behind it."""
        found: dict[int, Row] = {}
        for bio in bios:
            for _ in range(_MAX_CHAIN):
                if not bio:
                    break
                try:
                    for task in self._behind(bio):
                        found[task] = self._rows[task]
                    bio = bio.bi_next
                except (crash.error, IndexError, KeyError, TypeError):
                    break       # damage, or a struct of another kernel
        return list(found.values())

    def _behind(self, bio: Any) -> list[int]:
        private = int(bio.bi_private or 0)
        if not private:
            return []
        if private in self._rows:
            return [private]
        owner = self._on_stack(private)
        if owner:
            return [owner]
        struct, member = _DIRECT.get(addr2sym(int(bio.bi_end_io)) or "", ("", ""))
        if struct:
            waiter = int(readSU(struct, private).Eval(member) or 0)
            return [waiter] if waiter in self._rows else []
        return self._for_object(private)

    def _on_stack(self, address: int) -> int:
        at = bisect_right(self._stacks, (address, 1 << 64)) - 1
        if at < 0:
            return 0
        stack, task = self._stacks[at]
        return task if stack <= address < stack + self._size else 0

    def _for_object(self, address: int) -> list[int]:
        """Those that wait for the lock of a buffer."""
        if self._waits is None:
            self._waits = {}
            for row in self._rows.values():
                if "UNINTERRUPTIBLE" in row.state:
                    wait = wait_of(row.task)
                    if wait is not None:
                        self._waits.setdefault(wait.obj, []).append(row.task)
        return self._waits.get(address, [])
