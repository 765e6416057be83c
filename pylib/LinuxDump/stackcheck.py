"""Owns the check of kernel stacks: whether tasks have written past the end of their own.

Must not know what is on a stack.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump import stacks
from LinuxDump.taskrows import task_rows
from pykdump.API import (CU_LIVE, CU_PYMOD, columns, crash, member_offset, memoize_cond, readU64,
                         struct_size)

_STACK_END_MAGIC = 0x57AC6E9D
_STRUCT = "struct task_struct"
_DEAD = ("EXIT_ZOMBIE", "EXIT_DEAD", "TASK_DEAD")


class Corrupted(NamedTuple):
    """A thread whose stack is damaged.

    task    address of its task_struct
    stack   where its stack begins: the end that it grows to
    reason  in words, with addresses
    """

    task: int
    pid: int
    comm: str
    stack: int
    reason: str


class Checked(NamedTuple):
    """What a check has found, and how many stacks could not be looked at."""

    corrupted: list[Corrupted]
    checked: int
    unreadable: int


@memoize_cond(CU_LIVE | CU_PYMOD)
def check_stacks() -> Checked:
    """The stacks of all threads: the mark at their ends, and where stack pointers lead to."""
    rows = [row for row in task_rows() if row.state not in _DEAD]
    size = _stack_size()
    mark = 0 if member_offset(_STRUCT, "thread_info") >= 0 else struct_size("struct thread_info")
    read = columns([row.task for row in rows], _STRUCT, ["stack", "thread.sp"])
    corrupted, unreadable, checked = [], 0, 0
    on_cpu = stacks.running()
    for row, (stack, pointer) in zip(rows, read.rows()):
        if not stack or pointer is None:
            unreadable += 1
            continue
        try:
            word = readU64(int(stack) + mark)
        except crash.error:
            unreadable += 1
            continue
        checked += 1
        reason = ""
        if word != _STACK_END_MAGIC:
            reason = f"overwritten end of stack at 0x{int(stack) + mark:x}: 0x{word:x}"
        elif row.task not in on_cpu and not stack <= pointer <= stack + size:
            reason = f"SP out of boundaries: 0x{pointer:x}"
        if reason:
            corrupted.append(Corrupted(row.task, row.pid, row.comm, int(stack), reason))
    return Checked(corrupted, checked, unreadable)


def _stack_size() -> int:
    """Of kernel stacks, bytes: what the kernel's own first stack is long."""
    from pykdump.API import sym2addr

    start, end = sym2addr("__start_init_task"), sym2addr("__end_init_task")
    size: Any = end - start
    return int(size) if 0 < size <= 1 << 20 else 1 << 14
