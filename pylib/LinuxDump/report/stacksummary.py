"""The stacks of all threads, equal ones once."""

from __future__ import annotations

from typing import Any

from LinuxDump import stacks
from LinuxDump.BTstack import bt_mergestacks, stack_of_task
from LinuxDump.Tasks import TaskTable


def show(verbose: int) -> None:
    """Print the most frequent first, with the names of their threads; with -v PIDs."""
    table = TaskTable()
    found = []
    for task in table.allThreads():
        try:
            found.append(stack_of_task(task))
        except IndexError:
            continue        # one that has none: it runs in user space, or is dead
    bt_mergestacks(found, reverse=True, tt=table, verbose=verbose)


def data() -> list[dict[str, Any]]:
    """One object a stack: its functions, and the PIDs of the threads that have it."""
    table = TaskTable()
    pids = {int(task.ts): task.ts.pid for task in table.allThreads()}
    return [{"functions": stack.functions, "pids": sorted(pids[task] for task in members)}
            for stack, members in stacks.group_stacks(pids) if stack.frames]
