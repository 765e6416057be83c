"""Owns run queues as data: what runs on each CPU, and what waits there for its turn.

Damage is told, and what was found is delivered.  Must not know what is printed, nor whether what
it finds is bad.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from LinuxDump.locks import spin_is_locked
from LinuxDump.printk import kernel_log
from LinuxDump.Tasks import getRunQueues
from LinuxDump.trees import rb_first
from pykdump.API import (CU_LIVE, CU_PYMOD, container_of, crash, memoize_cond, readSU,
                         sym2addr, walk_list, walk_rbtree)

_ENTITY, _TASK = "struct sched_entity", "struct task_struct"
_RT_ENTITY, _DL_ENTITY = "struct sched_rt_entity", "struct sched_dl_entity"
_MAX_QUEUED = 1_000_000
_MAX_GROUPS = 100_000
_NS = 1_000_000_000
_LAST_RECORDS = 100         # of the log
_MAX_AHEAD = 3600           # seconds
_FAIR, _RT, _DEADLINE = "fair", "rt", "deadline"


class Queued(NamedTuple):
    """A task that is on a run queue.

    task     address of its task_struct
    kind     "fair", "rt" or "deadline"
    prio     the kernel's: less is more urgent, below 100 real-time
    runtime  seconds of CPU time it has had
    waiting  seconds since it was queued; 0 if that is not known
    held     True for one whose control group has used up its time and must wait for more
    """

    task: int
    pid: int
    comm: str
    kind: str
    prio: int
    runtime: float
    waiting: float
    held: bool


class RunQueue(NamedTuple):
    """The run queue of a CPU.

    rq        struct rq
    current   the task that runs, struct task_struct
    idle      whether that is the idle task
    clock     ns, as it was when the queue was last touched
    running   how many tasks the kernel counts there, with the one that runs
    queued    those that wait: deadline, then real-time by priority, then fair in the order of
              their tree
    realtime  priority -> how many real-time tasks are queued at it, with the one that runs
    throttled what has used up its time: "rt", or addresses of struct cfs_rq as text
    locked    whether its lock is held; None if it does not tell
    problems  what could not be read: sentences with addresses
    """

    cpu: int
    rq: Any
    current: Any
    idle: bool
    clock: int
    running: int
    queued: list[Queued]
    realtime: dict[int, int]
    throttled: list[str]
    locked: bool | None
    problems: list[str]


@memoize_cond(CU_LIVE | CU_PYMOD)
def run_queues() -> list[RunQueue]:
    """Of all CPUs that are online; one whose queue cannot be read has no current task.

    What lists and trees hold of a damaged queue is delivered as far as it goes.
    """
    online = online_cpus()
    return [_RunQueueReader(cpu, rq).read() for cpu, rq in enumerate(getRunQueues())
            if cpu in online]


def online_cpus() -> set[int]:
    """Numbers of the CPUs that were online; a panic takes the others offline on the way.

    Those that have stopped for it are among them, if a task is on them.
    """
    words = readSU("struct cpumask", sym2addr("__cpu_online_mask")).bits
    found = {cpu for cpu, rq in enumerate(getRunQueues()) if _has_current(rq)}
    for index, word in enumerate(words if isinstance(words, list) else [words]):
        found |= {index * 64 + bit for bit in range(64) if word >> bit & 1}
    return {cpu for cpu in found if cpu < len(getRunQueues())}


def _has_current(rq: Any) -> bool:
    try:
        return bool(rq.online and rq.curr)
    except (crash.error, KeyError):
        return False


@memoize_cond(CU_LIVE | CU_PYMOD)
def latest_clock() -> int:
    """Now, ns of the scheduler's clock: as run queues were last touched, or the log was.

    The clocks of CPUs that are idle, or have interrupts off, stand still; of the log no more than
    an hour is believed.
    """
    clocks = [0]
    for rq in getRunQueues():
        try:
            clocks.append(rq.clock)
        except crash.error:
            continue        # a CPU that never was there
    latest = max(clocks)
    try:
        records = kernel_log().records
    except (crash.error, TypeError):
        records = []
    return max([latest, *(record.ts_nsec for record in records[-_LAST_RECORDS:]
                          if record.ts_nsec <= latest + _MAX_AHEAD * _NS)])


class _RunQueueReader:
    """Reads one queue."""

    def __init__(self, cpu: int, rq: Any) -> None:
        self._cpu = cpu
        self._rq = rq
        self._problems: list[str] = []
        self._throttled: list[str] = []
        self._current = 0

    def read(self) -> RunQueue:
        rq = self._rq
        try:
            current, idle = rq.curr, rq.idle
            clock, count = rq.clock, rq.nr_running
        except crash.error as err:
            return RunQueue(self._cpu, rq, None, False, 0, 0, [], {}, [], None,
                            [f"{rq} of CPU {self._cpu}: {err}"])
        self._current = int(current)
        queued, counts = self._attempt(self._realtime, ([], {}))
        queued = [*self._attempt(self._deadline, []), *queued, *self._attempt(self._fair, [])]
        return RunQueue(self._cpu, rq, current, current == idle, clock, count, queued, counts,
                        self._throttled, self._attempt(self._locked, None), self._problems)

    def _attempt(self, part: Any, otherwise: Any) -> Any:
        try:
            return part()
        except crash.error as err:
            self._problems.append(f"{self._rq} of CPU {self._cpu}: {err}")
            return otherwise

    def _locked(self) -> bool | None:
        try:
            # 5.14: 5cb9eaa3d274 ("sched: Wrap rq::lock access")
            return spin_is_locked(self._rq.__lock)
        except KeyError:
            pass
        try:
            return spin_is_locked(self._rq.lock)
        except KeyError:
            return None

    def _queued(self, task: Any, kind: str, held: bool = False) -> Queued | None:
        """None for the task that runs."""
        if task == self._current:
            return None
        since = 0
        try:
            since = task.sched_info.last_queued
        except KeyError:
            pass            # without CONFIG_SCHED_INFO
        return Queued(int(task), task.pid, str(task.comm), kind, task.prio,
                      task.se.sum_exec_runtime / _NS,
                      max(latest_clock() - since, 0) / _NS if since else 0.0, held)

    def _whole(self, found: list[Any], report: Any, what: str) -> list[Any]:
        if not report.whole:
            self._problems.append(f"{what} of CPU {self._cpu}: {report}; "
                                  f"{len(found)} could be read")
        return found

    # -- fair --

    def _fair(self) -> list[Queued]:
        queued = []
        seen: set[int] = set()
        for entity in [*self._entities(), *self._listed()]:
            if int(entity) in seen:
                continue
            seen.add(int(entity))
            found = self._queued(container_of(entity, _TASK, "se"), _FAIR, self._is_held(entity))
            if found is not None:
                queued.append(found)
        return queued

    def _listed(self) -> list[Any]:
        """struct sched_entity of all tasks: those of throttled groups are in no tree."""
        found, report = walk_list(self._rq.cfs_tasks, _ENTITY, "group_node", limit=_MAX_QUEUED)
        return [entity for entity in self._whole(found, report, "list of fair tasks")
                if not _is_leaving(entity)]

    def _is_held(self, entity: Any) -> bool:
        """Has a group that a task is in used up its time."""
        try:
            cfs_rq = entity.cfs_rq
            if not cfs_rq.throttle_count:
                return False
        except KeyError:
            return False        # without CONFIG_FAIR_GROUP_SCHED, or CONFIG_CFS_BANDWIDTH
        if str(cfs_rq) not in self._throttled:
            self._throttled.append(str(cfs_rq))
        return True

    def _entities(self) -> Iterator[Any]:
        """struct sched_entity of tasks, by the trees of groups in groups.

        The one that runs is in no tree, nor is any group that it is in.
        """
        pending: list[Any] = [self._rq.cfs]
        seen: set[int] = set()
        while pending:
            cfs_rq = pending.pop(0)
            if int(cfs_rq) in seen or len(seen) > _MAX_GROUPS:
                self._problems.append(f"{cfs_rq} of CPU {self._cpu} is there more than once")
                continue
            seen.add(int(cfs_rq))
            found, report = walk_rbtree(cfs_rq.tasks_timeline, _ENTITY, "run_node",
                                        limit=_MAX_QUEUED)
            entities = self._whole(found, report, f"tree of {cfs_rq}")
            running = cfs_rq.curr
            for entity in [*([running] if running else []), *entities]:
                below = _group(entity)
                if below:
                    pending.append(below)
                elif not _is_leaving(entity):
                    yield entity

    # -- real-time --

    def _realtime(self) -> tuple[list[Queued], dict[int, int]]:
        queued: list[Queued] = []
        counts: dict[int, int] = {}
        pending = [self._rq.rt]
        seen: set[int] = set()
        while pending:
            rt_rq = pending.pop(0)
            if int(rt_rq) in seen or len(seen) > _MAX_GROUPS:
                self._problems.append(f"{rt_rq} of CPU {self._cpu} is there more than once")
                continue
            seen.add(int(rt_rq))
            # 6.12: 5f6bd380c7bd ("sched/rt: Remove default bandwidth control"): of groups only
            if rt_rq.hasField("rt_throttled") and rt_rq.rt_throttled:
                self._throttled.append("rt" if len(seen) == 1 else str(rt_rq))
            for prio, head in enumerate(rt_rq.active.queue):
                if head.next == head:
                    continue
                found, report = walk_list(head, _RT_ENTITY, "run_list", limit=_MAX_QUEUED)
                for entity in self._whole(found, report, f"real-time queue {prio} of {rt_rq}"):
                    below = _group(entity)
                    if below:
                        pending.append(below)
                        continue
                    counts[prio] = counts.get(prio, 0) + 1
                    task = self._queued(container_of(entity, _TASK, "rt"), _RT)
                    if task is not None:
                        queued.append(task)
        return queued, counts

    # -- deadline --

    def _deadline(self) -> list[Queued]:
        root = self._rq.dl.root
        if not rb_first(root):
            return []
        found, report = walk_rbtree(root, _DL_ENTITY, "rb_node", limit=_MAX_QUEUED)
        queued = []
        for entity in self._whole(found, report, "tree of deadlines"):
            # 6.8: 63ba8422f876 ("sched/deadline: Introduce deadline servers"): no task
            if entity.hasField("dl_server") and entity.dl_server:
                continue
            task = self._queued(container_of(entity, _TASK, "dl"), _DEADLINE)
            if task is not None:
                queued.append(task)
        return queued


def _group(entity: Any) -> Any:
    """The queue of a group's entity; None of a task's."""
    return (entity.my_q or None) if entity.hasField("my_q") else None


def _is_leaving(entity: Any) -> bool:
    """Is a task asleep that stays in the tree until its turn would be."""
    # 6.12: 152e11f6df29 ("sched/fair: Implement delayed dequeue")
    return bool(entity.hasField("sched_delayed") and entity.sched_delayed)
