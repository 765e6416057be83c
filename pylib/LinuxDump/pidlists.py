"""Owns how programs show many threads in few lines: the youngest, the oldest, and how many.

Must not know why the threads are shown.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pykdump.plaintext import one_line

if TYPE_CHECKING:
    from LinuxDump.Tasks import Task

_WIDTH = 70
_HEADER = "     PID          CMD       CPU   Ran ms ago   STATE"
_COMM = 11


def print_pidlist(pids: Iterable[int], title: str = "", verbose: bool = False, maxpids: int = 10,
                  sortbytime: bool = True, statefilter: tuple[str, ...] | None = None) -> None:
    """Print threads given by their TIDs.

    verbose      one line for each (when sorted by time)
    maxpids      how many at most, half of them from each end; below 1 only their number
    sortbytime   those first that ran last; else by TID
    statefilter  only those in these states, by two letters ("UN", ...)
    TIDs that are of no task are left out.
    """
    from LinuxDump.Tasks import TaskTable

    table = TaskTable()
    found = (table.getByTid(pid) for pid in set(pids))
    tasks = [task for task in found if task is not None]
    if not tasks:
        return
    if statefilter is not None:
        tasks = [task for task in tasks if task.state[5:7] in statefilter]
        if not tasks:
            print("  no Pids")
            return
    by_time = sorted(tasks, key=lambda task: (task.Ran_ago, task.pid))
    young, old = by_time[0], by_time[-1]
    print(f"    ... {len(tasks)} pids. Youngest,oldest: {young.pid}, {old.pid}  "
          f"Ran ms ago: {young.Ran_ago:.0f}, {old.Ran_ago:.0f}")
    if maxpids < 1:
        return
    if len(tasks) > maxpids:
        print(f"        printing {maxpids} out of {len(tasks)}")
    shown = by_time if sortbytime else sorted(tasks, key=lambda task: task.pid)
    head, tail = _ends(shown, maxpids)
    skipped = len(shown) - len(head) - len(tail)
    if verbose and sortbytime:
        _print_table(head, tail, skipped)
    else:
        gap = f"<{skipped} skipped>" if sortbytime else "..."
        print("        sorted by ran_ago, youngest first" if sortbytime
              else "        sorted by pid")
        _print_list(title, head, tail, gap if skipped else "")


def _ends(tasks: list[Task], most: int) -> tuple[list[Task], list[Task]]:
    if len(tasks) <= most:
        return tasks, []
    first = most // 2
    return tasks[:first], tasks[len(tasks) - (most - first):]


def _print_table(head: list[Task], tail: list[Task], skipped: int) -> None:
    print(_HEADER)
    for task in head:
        _print_row(task)
    if skipped:
        print(f"             <{skipped} skipped>")
    for task in tail:
        _print_row(task)


def _print_row(task: Task) -> None:
    print(f"    {task.pid:8} {one_line(task.comm)[:_COMM]:>12} {task.cpu:5} {task.Ran_ago:12.0f}"
          f"      {task.state[5:7]}")


def _print_list(title: str, head: list[Task], tail: list[Task], gap: str) -> None:
    words = [str(task.pid) for task in head] + [gap] * bool(gap) + [str(task.pid) for task in tail]
    text = f"{title}[{', '.join(words)}]"
    print(textwrap.fill(text, _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 7))
