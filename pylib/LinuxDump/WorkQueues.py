"""Owns what programs print of workqueues, and sets of CPUs as lists.

Must not know how workqueues are laid out.
"""

from __future__ import annotations

from typing import Any

from LinuxDump.workers import (all_workqueues, busy_workers, for_each_pwq, get_pwq,  # noqa: F401
                               inactive_works, pending_by_pwq, workers)
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (LH_isempty, addr2sym, container_of, crash,  # noqa: F401 - likewise
                         pylog, readSU, sym2addr)
from pykdump.plaintext import one_line

_WIDTH = 70
_BITS = 64
_MAX_CPUS = 8192
# What writes dirty pages back: since 3.16 under the second name.
_WRITEBACK = ("bdi_writeback_workfn", "wb_workfn")


def cpumask_to_cpulist(mask: Any) -> list[int]:
    """The CPUs in a struct cpumask."""
    words = mask.bits
    if isinstance(words, int):
        words = [words]         # of a kernel for at most 64 CPUs
    return [index * _BITS + bit for index, word in enumerate(words[:_MAX_CPUS // _BITS])
            for bit in range(word.bit_length()) if word >> bit & 1]


def for_all_cpus() -> list[int]:
    """All CPUs that there may be."""
    return cpumask_to_cpulist(readSU("struct cpumask", sym2addr("__cpu_possible_mask")))


def _function(address: int) -> str:
    return addr2sym(int(address)) or hex(address)


def _print_work(prefix: str, work: Any) -> None:
    name = _function(work.func)
    print(f"{prefix} {work} {name}")
    if name in _WRITEBACK:
        wb = container_of(work, "struct bdi_writeback", "dwork.work")
        print(f"          {wb}  {wb.bdi}")


def print_worker(worker: Any) -> None:
    """Print a struct worker: its task and what it runs."""
    task = worker.task
    # 6.9: 4cb1ef64609f ("workqueue: Implement BH workqueues to eventually replace tasklets")
    name = one_line(task.comm) if task else "in softirqs"
    running = _function(worker.current_func) if worker.current_func else ""
    print(f"      {worker}  {name} {running}".rstrip())
    if running in _WRITEBACK:
        _print_work("        ", worker.current_work)


def print_worker_pool(pool: Any, v: int = 0) -> None:
    """Print a struct worker_pool and its busy workers, with `v` all of its workers.

    One whose workers are all idle is printed only when `v` is 2 or more.
    """
    if v < 2 and pool.nr_workers == pool.nr_idle:
        return
    print(f"   {pool} nr_workers={pool.nr_workers} nr_idle={pool.nr_idle}")
    for worker in workers(pool) if v > 0 else busy_workers(pool):
        print_worker(worker)


class _Load:
    """What there is to do for one struct pool_workqueue."""

    def __init__(self, pwq: Any) -> None:
        self.pwq = pwq
        self.inactive = inactive_works(pwq)
        self.pending = pending_by_pwq(pwq.pool).get(int(pwq), [])
        self.running = [worker for worker in busy_workers(pwq.pool) if worker.current_pwq == pwq]

    def __bool__(self) -> bool:
        return bool(self.pwq.nr_active or self.inactive or self.pending or self.running)

    def show(self, v: int) -> None:
        print(f"  {self.pwq} active={self.pwq.nr_active} delayed={len(self.inactive)}")
        print_worker_pool(self.pwq.pool, v)
        for work in self.pending:
            _print_work("      pending", work)
        for work in self.inactive:
            _print_work("      delayed", work)


def print_all_workqueues(v: int = 0) -> None:
    """Print workqueues that have something to do, with `v` all; damage costs a line each."""
    print("All WorkQueues".center(_WIDTH, "-") if v
          else "WorkQueues - Active only".center(_WIDTH, "-"))
    for wq in all_workqueues():
        try:
            _print_workqueue(wq, v)
        except crash.error as err:
            pylog.error(f"{wq} cannot be read: {err}")


def _print_workqueue(wq: Any, v: int) -> None:
    loads = []
    for pwq in for_each_pwq(wq):
        try:
            loads.append(_Load(pwq))
        except crash.error as err:
            pylog.error(f"{pwq} of {wq} cannot be read: {err}")
    loads = [load for load in loads if v or load]
    if not loads and not v:
        return
    print(f"\n   {one_line(wq.name).center(25, '-')}   {wq}")
    if wq.first_flusher:
        print(f"        First flusher: {wq.first_flusher}")
    for load in loads:
        load.show(v)
