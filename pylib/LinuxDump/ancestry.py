"""Owns who is whose parent: long chains of processes, and loops that only damage makes.

Must not know how they are printed.
"""

from __future__ import annotations

from typing import NamedTuple

from LinuxDump.Tasks import TaskTable
from pykdump.API import (CU_LIVE, CU_PYMOD, columns, memoize_cond)

_STRUCT = "struct task_struct"


class Process(NamedTuple):
    """A process of a chain; `task` is the address of its task_struct."""

    task: int
    pid: int
    comm: str


class Ancestry(NamedTuple):
    """What is unusual with parents.

    chains   each from the oldest to the youngest, the longest first
    loops    each once: a process, its parent, and so on back to it
    strays   processes whose parent is in no list of tasks
    """

    chains: list[list[Process]]
    loops: list[list[Process]]
    strays: list[Process]


@memoize_cond(CU_LIVE | CU_PYMOD)
def ancestry(long: int = 20) -> Ancestry:
    """Chains of at least `long` processes, of those that share the oldest `long` the longest."""
    leaders = [int(task.ts) for task in TaskTable().allTasks()]
    read = columns(leaders, _STRUCT, ["pid", "comm", "real_parent.group_leader"])
    known: dict[int, Process] = {}
    parents: dict[int, int] = {}
    for task, (pid, comm, parent) in zip(leaders, read.rows()):
        if None not in (pid, comm, parent):
            known[task] = Process(task, pid, str(comm))
            parents[task] = int(parent)
    loops = _loops(parents)
    inside = {task for loop in loops for task in loop}
    chains: dict[int, list[int]] = {}
    for task in parents:
        if not known[task].pid:
            continue        # CPUs' idle tasks are children of the first process
        chain = _chain(task, parents, inside)
        if len(chain) >= long and len(chain) > len(chains.get(chain[long - 1], ())):
            chains[chain[long - 1]] = chain
    strays = [known[task] for task, parent in parents.items()
              if parent not in parents and known[task].pid]
    return Ancestry(
        sorted(([known[task] for task in chain] for chain in chains.values()),
               key=len, reverse=True),
        [[known[task] for task in loop] for loop in loops], strays)


def _loops(parents: dict[int, int]) -> list[list[int]]:
    """The idle tasks are their own parents, and end what leads to them."""
    found = []
    done: set[int] = set()
    for start in parents:
        path: dict[int, int] = {}
        at = start
        while at in parents and at not in done and at not in path and parents[at] != at:
            path[at] = len(path)
            at = parents[at]
        if at in path:
            found.append([task for task in path if path[task] >= path[at]])
        done.update(path)
    return found


def _chain(task: int, parents: dict[int, int], inside: set[int]) -> list[int]:
    """The ancestors of a process, the oldest first, and itself; without the idle task."""
    chain = []
    while task in parents and task not in inside and parents[task] != task:
        chain.append(task)
        task = parents[task]
    return chain[::-1]
