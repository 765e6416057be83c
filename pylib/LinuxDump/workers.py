"""Owns workqueues as data: which there are, their pools and workers, and what work is queued.

Damage is reported in the log, and what was found is delivered.  Must not know what is printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pykdump.API import (crash, enumerator_value, pylog, readSU, sym2addr, walk_hash, walk_list)

_MAX_QUEUES, _MAX_WORKERS, _MAX_WORKS = 100_000, 100_000, 1_000_000
_FLAG_BITS = 8
_PWQ_BIT = 1 << 2


def _listed(head: Any, sname: str, member: str, limit: int, what: Any) -> list[Any]:
    found, report = walk_list(head, sname, member, limit=limit)
    if not report.whole:
        pylog.error(f"{sname}s of {what}: {report}")
    return found


def all_workqueues() -> list[Any]:
    """struct workqueue_struct of all, the oldest first."""
    return _listed(sym2addr("workqueues"), "struct workqueue_struct", "list", _MAX_QUEUES,
                   "the kernel")


def for_each_pwq(wq: Any) -> Iterator[Any]:
    """struct pool_workqueue of a workqueue: what connects it with pools of workers.

    Through its list: what is per CPU has moved (6.6: 636b927eba5b, "workqueue: Make unbound
    workqueues to use per-cpu pool_workqueues"), the list has not.
    """
    yield from _listed(wq.pwqs, "struct pool_workqueue", "pwqs_node", _MAX_QUEUES, wq)


def workers(pool: Any) -> list[Any]:
    """struct worker of all of a pool."""
    return _listed(pool.workers, "struct worker", "node", _MAX_WORKERS, pool)


def busy_workers(pool: Any) -> list[Any]:
    """struct worker of those that run something."""
    found, report = walk_hash(pool.busy_hash[0], len(pool.busy_hash), "struct worker", "hentry",
                              limit=_MAX_WORKERS)
    if not report.whole:
        pylog.error(f"busy workers of {pool}: {report}")
    return found


def inactive_works(pwq: Any) -> list[Any]:
    """struct work_struct of what waits until fewer are active."""
    # 5.15: f97a4a1a3f87 ("workqueue: Rename "delayed" ... to "inactive"")
    head = pwq.inactive_works if pwq.hasField("inactive_works") else pwq.delayed_works
    return _listed(head, "struct work_struct", "entry", _MAX_WORKS, pwq)


def pending_works(pool: Any) -> list[Any]:
    """struct work_struct of what no worker of a pool has begun, of all its workqueues."""
    return _listed(pool.worklist, "struct work_struct", "entry", _MAX_WORKS, pool)


def get_pwq(work: Any) -> Any:
    """struct pool_workqueue that a struct work_struct is queued on; None if it is on none."""
    data = work.data.counter & (1 << 64) - 1
    if not data & _PWQ_BIT:
        return None
    # Since 6.9 the shift has a name of its own.
    bits = enumerator_value("WORK_STRUCT_PWQ_SHIFT") or enumerator_value("WORK_STRUCT_FLAG_BITS") \
        or _FLAG_BITS
    return readSU("struct pool_workqueue", data >> bits << bits)


def pending_by_pwq(pool: Any) -> dict[int, list[Any]]:
    """What no worker has begun, by the address of the struct pool_workqueue it is queued on."""
    found: dict[int, list[Any]] = {}
    for work in pending_works(pool):
        try:
            found.setdefault(int(get_pwq(work) or 0), []).append(work)
        except crash.error as err:
            pylog.error(f"{work}: {err}")
    return found
