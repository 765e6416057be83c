"""What runs on each CPU, and what waits for it."""

from __future__ import annotations

from typing import Any

from LinuxDump.runqueues import Queued, RunQueue, run_queues
from pykdump.API import pylog
from pykdump.plaintext import one_line

_SHOWN = 20     # fair tasks of a queue, without -v


def show(verbose: int) -> None:
    """Print the queue of each CPU; those of damage and those that are locked are warned of."""
    queues = run_queues()
    for queue in queues:
        _print(queue, verbose)
    busy = [queue for queue in queues if queue.current is not None and not queue.idle]
    if queues and len(busy) == len(queues) and all(_is_realtime(queue) for queue in busy):
        pylog.warning("all CPUs are busy running Real-Time processes")
    locked = [queue.cpu for queue in queues if queue.locked]
    if locked:
        pylog.warning(f"Runqueues on cpus {locked} are locked")


def _is_realtime(queue: RunQueue) -> bool:
    return bool(queue.current.prio < 100)


def _print(queue: RunQueue, verbose: int) -> None:
    print(f"  ---+ CPU={queue.cpu} {queue.rq} ----")
    if queue.current is not None:
        print(f"     | CURRENT TASK {queue.current}, CMD={one_line(queue.current.comm)}")
    fair = [task for task in queue.queued if task.kind == "fair"]
    shown = fair if verbose else fair[:_SHOWN]
    if fair:
        print("     PID        CMD        runtime(s)   waits(s)")
    for task in shown:
        print(_line(task))
    if len(fair) > len(shown):
        print(f"    ... {len(fair) - len(shown)} more, rerun with '-v' to get all")
    _print_deadline(queue)
    _print_realtime(queue)
    for text in queue.throttled:
        print(f"    throttled: {'real-time tasks' if text == 'rt' else text}")
    for text in queue.problems:
        pylog.error(text)


def _print_deadline(queue: RunQueue) -> None:
    tasks = [task for task in queue.queued if task.kind == "deadline"]
    if tasks:
        print("  -- Deadline Queue ---")
    for task in tasks:
        print(_line(task))


def _print_realtime(queue: RunQueue) -> None:
    if not queue.realtime:
        return
    print("  -- RT Queues ---")
    for prio, count in sorted(queue.realtime.items()):
        print(f"    prio={prio:<3} len={count}")
        for task in queue.queued:
            if task.kind == "rt" and task.prio == prio:
                print(_line(task))
    print(f"    {sum(queue.realtime.values())} Real-Time processes on this CPU")


def _line(task: Queued) -> str:
    held = "  throttled" if task.held else ""
    return (f"    {task.pid:7} {one_line(task.comm):<15} {task.runtime:10.2f} "
            f"{task.waiting:10.2f}{held}")


def data() -> list[dict[str, Any]]:
    """One object a CPU; addresses are text with 0x, times are seconds."""
    return [{"cpu": queue.cpu, "rq": f"0x{queue.rq:x}",
             "current": None if queue.current is None else
             {"pid": queue.current.pid, "comm": str(queue.current.comm),
              "prio": queue.current.prio, "idle": queue.idle},
             "running": queue.running,
             "queued": [{**task._asdict(), "task": f"0x{task.task:x}"} for task in queue.queued],
             "realtime": {str(prio): count for prio, count in sorted(queue.realtime.items())},
             "throttled": queue.throttled, "locked": queue.locked, "problems": queue.problems}
            for queue in run_queues()]
