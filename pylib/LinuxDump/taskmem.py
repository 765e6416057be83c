"""Owns how much memory tasks have.

Must not know what lies in an address space.
"""

from __future__ import annotations

import functools
from typing import Any

from LinuxDump.percpu import percpu_counter_sum
from LinuxDump.Tasks import TaskTable
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import PAGESIZE, crash, enumerator_value, pylog

_RESIDENT = ("MM_FILEPAGES", "MM_ANONPAGES", "MM_SHMEMPAGES")


@functools.lru_cache(maxsize=None)
def _counter_index(name: str) -> int:
    index = enumerator_value(name)
    if index is None:
        raise KeyError(name)
    return index


def mm_counter(mm: Any, name: str) -> int:
    """Pages counted under "MM_ANONPAGES", "MM_SWAPENTS", ... of a struct mm_struct; KeyError."""
    index = _counter_index(name)
    stat = mm.rss_stat
    if isinstance(stat, list):
        # 6.2: f1a7941243c1 ("mm: convert mm's rss stats into percpu_counter")
        pages = percpu_counter_sum(stat[index])
    else:
        pages = stat.count[index].counter
    return max(pages, 0)        # what CPUs have not added yet may make it negative


def rss(task: Any) -> int:
    """Resident memory of a task in bytes, 0 for a kernel thread; crash.error if unreadable."""
    mm = task.mm
    return sum(mm_counter(mm, name) for name in _RESIDENT) * PAGESIZE if mm else 0


def print_memory_stats(ntop: int = 8) -> None:
    """Print the processes with most resident memory, and the sum of all."""
    sizes = []
    for task in TaskTable().allTasks():
        try:
            sizes.append((rss(task), task))
        except crash.error as err:
            pylog.error(f"memory of {task.ts} cannot be read: {err}")
    sizes.sort(key=lambda entry: entry[0], reverse=True)
    print(f" ==== First {ntop} Tasks Reverse-sorted by RSS only ====")
    for size, task in sizes[:ntop]:
        print(f"   PID={task.pid:6} CMD={task.comm:<15} RSS={size / (1 << 30):5.3f} Gb")
    total = sum(size for size, _task in sizes)
    print(f"\n === Total Memory in RSS {total / (1 << 30):6.3f} Gb")
