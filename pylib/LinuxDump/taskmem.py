"""Owns how much memory tasks have.

Must not know what lies in an address space, but for System V segments.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from LinuxDump.percpu import percpu_counter_sum
from LinuxDump.Tasks import Task, TaskTable
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (PAGESIZE, columns, crash, enumerator_value, pylog, readSU, sym2addr,
                         walk_maple)
from pykdump.plaintext import one_line

_KB = 1 << 10
_MAX_AREAS = 1 << 20
_PARTS = (f"{'PID':>7} {'CMD':<15}"
          + "".join(f" {name:>9}" for name in ("RSS", "FILE", "ANON", "SHMEM", "SWAP", "PGTABLE")))
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


def get_task_mem_usage(addr: int) -> tuple[int, int]:
    """(virtual, resident) memory of a task, by its address, in KB; crash.error if unreadable."""
    task = readSU("struct task_struct", addr)
    mm = task.mm
    return (mm.total_vm * PAGESIZE // _KB, rss(task) // _KB) if mm else (0, 0)


class Resident(NamedTuple):
    """A process and its resident pages: file + anon + shmem."""

    task: int       # address of its task_struct
    pid: int
    comm: str
    pages: int


def resident() -> list[Resident]:
    """All processes with an address space, those that share one told once; in one pass.

    What CPUs have not added yet to the counters of a process is left out, unlike in `rss`.
    """
    # 6.2: f1a7941243c1 ("mm: convert mm's rss stats into percpu_counter")
    member = "mm.rss_stat[{}].count" if isinstance(_rss_stat(), list) \
        else "mm.rss_stat.count[{}].counter"
    paths = [member.format(_counter_index(name)) for name in _RESIDENT]
    tasks = [task.ts for task in TaskTable().allTasks()]
    seen = set()
    found = []
    table = columns(tasks, "struct task_struct", ["pid", "comm", "mm", *paths])
    for task, (pid, comm, mm, *counts) in zip(tasks, table.rows()):
        if mm and mm not in seen and None not in (pid, comm, *counts):
            seen.add(mm)
            found.append(Resident(int(task), pid, comm, sum(max(count, 0) for count in counts)))
    return found


def _rss_stat() -> Any:
    """The counters of the kernel's own address space, for their form."""
    return readSU("struct mm_struct", sym2addr("init_mm")).rss_stat


class Memory(NamedTuple):
    """Memory of a process in bytes; all 0 for a kernel thread.

    rss        resident: file + anon + shmem
    swap       swapped out
    pagetable  tables of pages of all levels
    sysv       attached System V segments, resident or not
    """

    rss: int
    file: int
    anon: int
    shmem: int
    swap: int
    pagetable: int
    sysv: int


def memory(task: Any) -> Memory:
    """Of a task; crash.error if it cannot be read."""
    mm = task.mm
    if not mm:
        return Memory(0, 0, 0, 0, 0, 0, 0)
    file, anon, shmem, swap = (mm_counter(mm, name) * PAGESIZE
                               for name in (*_RESIDENT, "MM_SWAPENTS"))
    return Memory(file + anon + shmem, file, anon, shmem, swap, mm.pgtables_bytes.counter,
                  sysv(mm))


def sysv(mm: Any) -> int:
    """Bytes of System V segments that are attached in a struct mm_struct."""
    operations = sym2addr("shm_vm_ops")
    found = columns(areas(mm), "struct vm_area_struct", ["vm_ops", "vm_start", "vm_end"])
    return sum(end - start for ops, start, end in found.rows() if ops == operations)


def areas(mm: Any) -> Any:
    """Addresses of the struct vm_area_struct of an address space, as far as they can be read."""
    if mm.hasField("mm_mt"):        # 6.1: 763ecb035029 ("mm: remove the vma linked list")
        return walk_maple(mm.mm_mt, as_column=True)[2]
    found: list[int] = []
    area = mm.mmap
    while area and len(found) < _MAX_AREAS:
        found.append(int(area))
        area = area.vm_next
    return found


def print_mm_stats(mm: Any) -> None:
    """Print what an address space counts, in pages."""
    print(f"  {mm} total_vm={mm.total_vm}")
    for name in (*_RESIDENT, "MM_SWAPENTS"):
        print(f"    {name:<14} {mm_counter(mm, name)}")


def memory_of_all() -> list[tuple[Task, Memory]]:
    """Each process with its memory, those with most resident memory first."""
    found = []
    for task in TaskTable().allTasks():
        try:
            found.append((task, memory(task)))
        except crash.error as err:
            pylog.error(f"memory of {task.ts} cannot be read: {err}")
    return sorted(found, key=lambda entry: -entry[1].rss)


def print_memory_stats(ntop: int = 8) -> None:
    """Print the processes with most memory, what it is made of, and the sum of all."""
    found = memory_of_all()
    attached = sum(size.sysv for _task, size in found)
    if attached:
        print(f" ==== First {ntop} Tasks reverse-sorted by RSS+SHM ====")
        for task, size in sorted(found, key=lambda entry: -(entry[1].rss + entry[1].sysv))[:ntop]:
            print(_line(task, size) + (f" shm={_gb(size.sysv)} Gb" if size.sysv else ""))
        print()
    print(f" ==== First {ntop} Tasks Reverse-sorted by RSS only ====")
    for task, size in found[:ntop]:
        print(_line(task, size))
    print(f"\n ==== What that is, in Mb ====\n{_PARTS}")
    for task, size in found[:ntop]:
        print(f"{task.pid:7} {one_line(task.comm):<15}"
              + "".join(f" {part / (1 << 20):9.1f}" for part in size[:6]))
    print(f"\n === Total Memory in RSS {_gb(sum(size.rss for _task, size in found), 6)} Gb")
    if attached:
        print(f" === Total Memory in SHM {_gb(attached, 6)} Gb")


def _line(task: Task, size: Memory) -> str:
    return f"   PID={task.pid:6} CMD={one_line(task.comm):<15} RSS={_gb(size.rss)} Gb"


def _gb(size: int, width: int = 5) -> str:
    return f"{size / (1 << 30):{width}.3f}"
