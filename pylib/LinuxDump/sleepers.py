"""Owns what a sleeping task has put on its own stack to be woken by: structs of waiters.

Who waits in the kernel links a small struct on its stack into the list of what it waits for.  That
struct points to the task, so it is found without knowing where a function keeps its arguments; and
the list leads to what is waited for.  Each link is verified before it is believed.  Must not know
any kind of lock.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from LinuxDump import stacks
from pykdump.API import crash, member_offset, readmem, readPtr, readSU, struct_size

KERNEL = 1 << 63            # addresses of the kernel begin there
_MAX_LIST = 100_000
_USUAL_STACK = 16384

Found = TypeVar("Found")


class Sleeper:
    """A task that is asleep, or spins on a CPU, with its stack."""

    def __init__(self, task: Any) -> None:
        """`task`: struct task_struct.  crash.error if its stack cannot be read."""
        self.task = task
        self.stack = stacks.stack_of(task)
        base = int(task.stack)
        self.high = base + stack_size()
        # one that was interrupted on a CPU begins on another stack
        self.low = min((frame.at for frame in self.stack.frames if base <= frame.at < self.high),
                       default=base)
        self._words: tuple[int, ...] = ()
        if base and base <= self.low < self.high:
            count = (self.high - self.low) // 8
            self._words = struct.unpack(f"{count}Q", readmem(self.low, 8 * count))

    @property
    def words(self) -> tuple[int, ...]:
        """What is on its stack, from `low` on, 8 bytes each; empty if it has no stack."""
        return self._words

    def holds(self, address: int) -> bool:
        """Is an address on the part of the stack that is in use."""
        return self.low <= address < self.high

    def waiters(self, name: str, member: str) -> Iterator[Any]:
        """Structs on the stack that may be waiters: `member` is the task."""
        offset = member_offset(name, member)
        wanted = int(self.task)
        for index, word in enumerate(self._words):
            if word == wanted and offset >= 0 and 8 * index >= offset:
                yield readSU(name, self.low + 8 * index - offset)

    def first(self, name: str, member: str,
              check: Callable[[Sleeper, Any], Found | None]) -> Found | None:
        """What `check` finds of the first of them that is a waiter indeed."""
        for waiter in self.waiters(name, member):
            try:
                found = check(self, waiter)
            except (crash.error, IndexError):
                continue        # the words were something else
            if found is not None:
                return found
        return None


def stack_size() -> int:
    """Bytes of a task's kernel stack."""
    size = struct_size("union thread_union")
    return size if size > 0 else _USUAL_STACK


def _head_of(node: int, is_waiter: Callable[[int], bool]) -> int:
    """The head of the list that a waiter's list_head is on; 0 if it is on none.  crash.error."""
    if readPtr(readPtr(node) + 8) != node:
        return 0
    at = readPtr(node)
    for _ in range(_MAX_LIST):
        if at == node:
            return 0            # a circle of waiters, without a head
        if not is_waiter(at):
            return at
        at = readPtr(at)
    return 0


def list_head(waiter: Any, member: str, task: str) -> int:
    """The head of the list that a waiter is on by `member`, 0 if it is on none.  crash.error.

    `task` is the member that points to the task.  What is on the list lies on the stack of its
    task, but for the head.
    """
    name = waiter.PYT_symbol
    base = member_offset(name, member)
    pointer = member_offset(name, task) - base
    stack_at = member_offset("struct task_struct", "stack")
    size = stack_size()

    def is_waiter(node: int) -> bool:
        try:
            stack = readPtr(readPtr(node + pointer) + stack_at)
        except (crash.error, IndexError):
            return False
        return stack <= node < stack + size
    return _head_of(int(waiter) + base, is_waiter)


def queue_head(entry: Any) -> int:
    """The wait_queue_head that a wait_queue_entry is on, 0 if it is on none.  crash.error."""
    base = member_offset("struct wait_queue_entry", "entry")
    function = member_offset("struct wait_queue_entry", "func") - base

    def is_entry(node: int) -> bool:
        # before the list_head of an entry is its function, before that of a head its lock
        return readPtr(node + function) >= KERNEL
    head = _head_of(int(entry) + base, is_entry)
    return head - member_offset("struct wait_queue_head", "head") if head else 0
