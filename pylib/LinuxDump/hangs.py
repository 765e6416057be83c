"""Owns the classification of threads that hang: by what they wait for, each in one class.

Must not know how classes are printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from LinuxDump.waitgraph import WaitGraph
from LinuxDump.waiters import Wait
from pykdump.API import crash, member_offset, readSU, sym2addr

if TYPE_CHECKING:
    from LinuxDump.Tasks import Task


class Hung(NamedTuple):
    """A thread that hangs: the functions on its stack, and what it waits for, if that is known."""

    task: Task
    functions: list[str]
    wait: Wait | None


class Class(NamedTuple):
    """Threads that wait for things of one kind."""

    title: str
    threads: list[Hung]


class Hangs(NamedTuple):
    """All threads that hang, in classes, and who waits for whom."""

    classes: list[Class]
    others: list[Hung]
    graph: WaitGraph


def is_hung(task: Any) -> bool:
    """Is a Task, or its row, uninterruptible: killable ones are, idle kernel threads are not."""
    return "UNINTERRUPTIBLE" in task.state


# -- what locks are part of ---------------------------------------------------------------------

def mm_of(wait: Wait) -> int:
    """The struct mm_struct that a rw_semaphore is the lock of, for one of the task's; else 0."""
    if wait.kind != "rwsem":
        return 0
    try:
        task = readSU("struct task_struct", wait.task)
        for mm in (task.mm, task.active_mm):
            if mm and wait.obj == int(mm) + _mmap_lock():
                return int(mm)
        candidate = readSU("struct mm_struct", wait.obj - _mmap_lock())
        owner = candidate.owner         # of another process: /proc/PID/maps, a debugger ...
        return int(candidate) if owner and owner.mm == candidate else 0
    except (crash.error, IndexError, KeyError):
        return 0


def _mmap_lock() -> int:
    # 5.8: da1c55f1b272 ("mmap locking API: rename mmap_sem to mmap_lock")
    offset = member_offset("struct mm_struct", "mmap_lock")
    return offset if offset >= 0 else member_offset("struct mm_struct", "mmap_sem")


def inode_of(wait: Wait) -> int:
    """The struct inode that a rw_semaphore is the i_rwsem of; else 0."""
    if wait.kind != "rwsem":
        return 0
    offset = member_offset("struct inode", "i_rwsem")
    try:
        inode = readSU("struct inode", wait.obj - offset)
        # an inode's mapping belongs to it, or to that of its device
        return int(inode) if offset >= 0 and inode.i_sb.s_list.next \
            and inode.i_data.host == inode else 0
    except (crash.error, IndexError, KeyError):
        return 0


# -- classes ------------------------------------------------------------------------------------

def _on_stack(*names: str) -> Callable[[Hung], bool]:
    wanted = frozenset(names)
    return lambda hung: not wanted.isdisjoint(hung.functions)


def _of_kind(*kinds: str) -> Callable[[Hung], bool]:
    return lambda hung: hung.wait is not None and hung.wait.kind in kinds


def _is_console(hung: Hung) -> bool:
    return hung.wait is not None and hung.wait.kind == "semaphore" \
        and hung.wait.obj == sym2addr("console_sem") or "console_lock" in hung.functions


# In this order: a thread is in the first that it fits.
_CLASSES: tuple[tuple[str, Callable[[Hung], bool]], ...] = (
    ("Waiting in io_schedule", _on_stack("io_schedule", "io_schedule_timeout")),
    ("Waiting in btrfs_tree_read_lock", _on_stack("btrfs_tree_read_lock", "btrfs_tree_lock",
                                                  "__btrfs_tree_read_lock", "__btrfs_tree_lock")),
    ("Waiting on inode mutexes", lambda hung: bool(hung.wait and inode_of(hung.wait))),
    ("Waiting on mutexes", _of_kind("mutex")),
    ("Waiting on mmap semaphores", lambda hung: bool(hung.wait and mm_of(hung.wait))),
    ("Waiting on rw_semaphores", _of_kind("rwsem")),
    ("Waiting on rt_mutexes", _of_kind("rt_mutex")),
    ("Waiting for frozen filesystems", _of_kind("frozen filesystem")),
    ("Waiting on percpu rw_semaphores", _of_kind("percpu_rwsem")),
    ("Waiting for kthreadd", _on_stack("__kthread_create_on_node", "kthread_create_on_node")),
    ("Waiting for kswapd", _on_stack("throttle_direct_reclaim")),
    ("Waiting on console_sem", _is_console),
    ("Waiting on semaphores", _of_kind("semaphore")),
    ("Waiting for RCU grace periods", _of_kind("RCU grace period")),
    ("Waiting for work items", _of_kind("work")),
    ("Waiting for children after vfork", _of_kind("vfork")),
    ("Waiting for answers to RPC requests", _of_kind("RPC request")),
    ("Waiting on buffers and bits", _of_kind("buffer", "bit")),
    ("Waiting for journal commits", _of_kind("jbd2 transaction")),
    ("Waiting in alloc_pages_slowpath", _on_stack("__alloc_pages_slowpath",
                                                  "__alloc_pages_slowpath.constprop.0")),
    ("Waiting in NFS idmapper", _on_stack("nfs_idmap_id", "nfs_idmap_get_key")),
    ("Waiting in schedule_timeout", _on_stack("schedule_timeout")),
)


def find_hangs(tasks: Iterable[Any]) -> Hangs:
    """Classify threads (Tasks), which the caller has chosen."""
    from LinuxDump import stacks

    chosen = list(tasks)
    graph = WaitGraph(task.ts for task in chosen)
    left = [Hung(task, stacks.stack_of(task.ts).functions, graph.waits.get(int(task.ts)))
            for task in chosen]
    classes = []
    for title, fits in _CLASSES:
        members = [hung for hung in left if fits(hung)]
        if members:
            classes.append(Class(title, members))
            found = {int(hung.task.ts) for hung in members}
            left = [hung for hung in left if int(hung.task.ts) not in found]
    return Hangs(classes, left, graph)
