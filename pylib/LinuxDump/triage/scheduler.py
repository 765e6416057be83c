"""Finds CPUs that stand still, and tasks that are ready to run and do not get to it."""

from __future__ import annotations

from collections.abc import Iterator

from LinuxDump.runqueues import Queued, RunQueue, run_queues
from LinuxDump.sched import allowed_cpus
from LinuxDump.spinners import Spinner, spinners
from pykdump.API import crash, readS32, readSU, sym2addr

from .finding import Evidence, Finding, Severity

_THRESHOLD = 10     # seconds, the default of kernel.watchdog_thresh
_WAITING = 1        # second that a task waits for a CPU while another one is idle
_FEW = 2            # tasks that do
_SHOWN = 5


def findings() -> Iterator[Finding]:
    """Spinlocks that CPUs wait for, then queues of which something is not served."""
    yield from _spinlocks()
    queues = run_queues()
    for queue in queues:
        yield from _throttled(queue)
        yield from _starved(queue)
    yield from _unbalanced(queues)


def _spinlocks() -> Iterator[Finding]:
    groups: dict[int, list[Spinner]] = {}
    for spinner in spinners():
        groups.setdefault(spinner.lock or -spinner.cpu - 1, []).append(spinner)
    for group in sorted(groups.values(), key=len, reverse=True):
        yield _spinlock(group)


def _spinlock(group: list[Spinner]) -> Finding:
    first = group[0]
    seconds = max(spinner.seconds for spinner in group)
    severity = Severity.ERROR if seconds >= _threshold() else \
        Severity.WARNING if seconds >= _WAITING else Severity.NOTE
    name = first.name or "a spinlock"
    evidence = [Evidence("spinlock", f"{name}, {first.confidence}", first.lock)] \
        if first.lock else []
    evidence += [Evidence("task", f"{spinner.comm} spins on CPU {spinner.cpu} in "
                          f"{spinner.function}, on it for {spinner.seconds:.0f} s at most",
                          spinner.task, spinner.pid) for spinner in group[:_SHOWN]]
    holder = first.holder
    owner = "it is not known who has it"
    if holder is not None:
        where = "asleep" if holder.cpu is None else f"on CPU {holder.cpu}"
        owner = f"pid={holder.pid} ({holder.comm}), {where}, is {holder.confidence} to have it"
        evidence.append(Evidence("task", f"{holder.comm}, {holder.reason}", holder.task,
                                 holder.pid))
    cpus = ", ".join(str(spinner.cpu) for spinner in group)
    return Finding("scheduler.spinlock", severity,
                   f"{'CPU' if len(group) == 1 else 'CPUs'} {cpus} "
                   f"{'spins' if len(group) == 1 else 'spin'} for {name}; {owner}.",
                   tuple(evidence), f"bt {holder.pid}" if holder else "bt -a")


def _threshold() -> int:
    """Seconds after which the kernel's watchdog takes a CPU for locked up; twice that if softly."""
    address = sym2addr("watchdog_thresh")
    try:
        return max(readS32(address), 0) or _THRESHOLD if address else _THRESHOLD
    except crash.error:
        return _THRESHOLD


def _throttled(queue: RunQueue) -> Iterator[Finding]:
    waiting = [task for task in queue.queued if task.kind == "rt"]
    if "rt" in queue.throttled and waiting:
        yield Finding("scheduler.rt-throttled", Severity.WARNING,
                      f"Real-time tasks have used up the time that they may have on CPU "
                      f"{queue.cpu}, and {len(waiting)} of them must wait for more.",
                      (Evidence("run queue", "", int(queue.rq)), *_tasks(waiting)),
                      "crashinfo --runq")


def _starved(queue: RunQueue) -> Iterator[Finding]:
    for held in (False, True):
        waiting = [task for task in queue.queued
                   if task.waiting >= 2 * _threshold() and task.held is held]
        if not waiting:
            continue
        longest = max(task.waiting for task in waiting)
        why = "their control groups have no time left" if held else \
            f"it runs pid={queue.current.pid} ({queue.current.comm})" \
            if queue.current is not None else "what it runs cannot be read"
        yield Finding(f"scheduler.{'bandwidth' if held else 'starved'}", Severity.ERROR,
                      f"{len(waiting)} {'task has' if len(waiting) == 1 else 'tasks have'} been "
                      f"ready for CPU {queue.cpu} for up to {longest:.0f} s and did not run: "
                      f"{why}.",
                      (Evidence("run queue", "", int(queue.rq)), *_tasks(waiting)),
                      "crashinfo --runq")


def _unbalanced(queues: list[RunQueue]) -> Iterator[Finding]:
    idle = {queue.cpu for queue in queues if queue.idle and not queue.queued}
    if not idle:
        return
    for queue in queues:
        waiting = [task for task in queue.queued if task.waiting >= _WAITING and not task.held
                   and idle & _allowed(task)]
        if len(waiting) >= _FEW:
            yield Finding("scheduler.unbalanced", Severity.WARNING,
                          f"{len(waiting)} tasks wait for CPU {queue.cpu} that could run on "
                          f"{len(idle)} idle CPUs.",
                          (Evidence("run queue", "", int(queue.rq)), *_tasks(waiting)),
                          "crashinfo --runq")


def _allowed(task: Queued) -> set[int]:
    try:
        return set(allowed_cpus(readSU("struct task_struct", task.task)))
    except crash.error:
        return set()


def _tasks(waiting: list[Queued]) -> tuple[Evidence, ...]:
    longest = sorted(waiting, key=lambda task: (-task.waiting, task.pid))
    told = [Evidence("task", f"{task.comm} waits {task.waiting:.0f} s", task.task, task.pid)
            for task in longest[:_SHOWN]]
    if len(longest) > _SHOWN:
        told.append(Evidence("tasks", f"{len(longest) - _SHOWN} more"))
    return tuple(told)
