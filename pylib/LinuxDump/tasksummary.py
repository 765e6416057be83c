"""Owns the summary of all tasks: how many ran of late, and how many are in which state.

Must not know where a task keeps either.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from LinuxDump.tasktable import TaskList, TaskTable
from pykdump.API import CU_LIVE, CU_PYMOD, memoize_cond, pylog, sym2addr

_PF_KTHREAD = 0x00200000


class Summary(NamedTuple):
    """What `taskinfo --summary` tells."""

    recent: dict[int, int]      # seconds -> threads that ran in the last so many
    states: dict[str, int]      # name of a state -> threads in it
    threads: int
    own_namespaces: int         # user processes that are not in the namespaces of the first


@memoize_cond(CU_LIVE | CU_PYMOD)
def summarize() -> Summary:
    """Count all threads, idle tasks included."""
    from LinuxDump.taskrows import task_rows    # it needs this module

    rows = task_rows()
    recent = {seconds: sum(row.ran_ago <= seconds * 1000 for row in rows)
              for seconds in (1, 5, 60)}
    states = Counter(row.state for row in rows)
    return Summary(recent, dict(sorted(states.items())), len(rows),
                   _own_namespaces(TaskTable()))


def _own_namespaces(table: TaskList) -> int:
    """Kernel threads do not count: kdevtmpfs always has a mount namespace of its own."""
    initial = sym2addr("init_nsproxy")
    if not initial:
        return 0
    return sum(1 for task in table.tt
               if not task.ts.flags & _PF_KTHREAD and task.ts.nsproxy not in (0, initial))


def tasksSummary() -> int:
    """Print how many threads ran recently and are in which state; the number of threads."""
    summary = summarize()
    title = "Number of Threads That Ran Recently"
    print(title)
    print("-" * len(title))
    for label, count in zip(("last second", "last     5s", "last    60s"),
                            summary.recent.values()):
        print(f"   {label}   {count:5}")
    print("\n ----- Total Numbers of Threads per State ------")
    for name, count in summary.states.items():
        print(f"  {name:<40}  {count:4}")
    print()
    if summary.own_namespaces:
        pylog.warning(f"There are {summary.own_namespaces} threads running in their own "
                      "namespaces\n\tUse 'taskinfo --ns' to get more details")
    return summary.threads
