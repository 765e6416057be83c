"""Owns the names by which programs know tasks: `from LinuxDump.Tasks import *` has all of them.

What they stand for is in the modules beside: taskstates, taskclock, task, tasktable, tasksummary.
"""

from __future__ import annotations

import importlib
import textwrap     # noqa: F401 - programs take these from here
from collections import Counter, defaultdict, namedtuple  # noqa: F401 - likewise
from collections.abc import Callable
from typing import Any

from LinuxDump import percpu  # noqa: F401 - likewise
from LinuxDump.absent import absent
from LinuxDump.inet import proto  # noqa: F401 - likewise
from LinuxDump.BTstack import BTStack, exec_bt, stack_of_task  # noqa: F401 - likewise
from LinuxDump.fs import get_dentry_name, open_files  # noqa: F401 - likewise
from LinuxDump.task import Task as Task
from LinuxDump.taskclock import get_uptime as get_uptime, getRunQueues as getRunQueues
from LinuxDump.taskclock import jiffie_clock_base as jiffie_clock_base
from LinuxDump.taskclock import ms2uptime as ms2uptime, sched_clock2ms as sched_clock2ms
from LinuxDump.taskstates import TASK_STATE as TASK_STATE, UNREADABLE as UNREADABLE
from LinuxDump.taskstates import getTaskState as getTaskState, task_state2str as task_state2str
from LinuxDump.taskstates import task_state_color as task_state_color
from LinuxDump.taskstates import task_state_str as task_state_str
from LinuxDump.tasksummary import Summary as Summary, summarize as summarize
from LinuxDump.tasksummary import tasksSummary as tasksSummary
from LinuxDump.tasktable import TaskList as TaskList, TaskTable as TaskTable
from LinuxDump.tasktable import is_task_address as is_task_address, parse_task as parse_task
from LinuxDump.Time import get_uptime_fromcrash, jiffies2ms  # noqa: F401 - likewise
from pykdump import options
from pykdump.API import *  # noqa: F401,F403 - likewise
from pykdump.API import readSU, readSUListFromHead, sym2addr

_STRUCT = "struct task_struct"


def _nsproxy_of(pid: int) -> Any:
    task = TaskTable().getByTid(pid)
    return task.nsproxy if task else None


options.resolve_usens = _nsproxy_of


def decode_waitq(wq: Any) -> list[Any]:
    """struct task_struct of those who wait in a wait_queue_head, in its order."""
    waiters = readSUListFromHead(wq.head, "entry", "struct wait_queue_entry")
    return [readSU(_STRUCT, waiter.private) for waiter in waiters]


# -- historical names of what other modules hold now ------------------------------------------

def print_namespaces_info(tt: TaskList, v: int = 0) -> None:
    """Print who is in namespaces of their own."""
    from LinuxDump import namespaces

    namespaces.print_namespaces_info(tt, v)


def _of(module: str, name: str) -> Callable[..., Any]:
    """A function of a module that needs this one: that is imported when it is called."""
    def forward(*args: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*args)

    forward.__name__ = forward.__qualname__ = name
    forward.__doc__ = f"See {module}.{name}."
    return forward


print_memory_stats = _of("LinuxDump.taskmem", "print_memory_stats")
get_task_mem_usage = _of("LinuxDump.taskmem", "get_task_mem_usage")
print_mm_stats = _of("LinuxDump.taskmem", "print_mm_stats")
get_ipcs_m = _of("LinuxDump.sysvshm", "get_ipcs_m")
get_task_shm_usage = _of("LinuxDump.sysvshm", "get_task_shm_usage")
vma2sysv = _of("LinuxDump.sysvshm", "vma2sysv")
get_ioctx_list = absent(__name__, "get_ioctx_list")


def __getattr__(name: str) -> Any:
    """`init_task`, and `init_nsproxy`, which is None on a kernel without namespaces."""
    if name == "init_task":
        return readSU(_STRUCT, sym2addr("init_task"))
    if name == "init_nsproxy":
        address = sym2addr("init_nsproxy")
        return readSU("struct nsproxy", address) if address else None
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def decode_tflags(flags: int, offset: int = 0) -> str:
    """A line for each bit that is set in thread_info.flags."""
    from LinuxDump import threadflags

    return threadflags.decode_tflags(flags, offset)
