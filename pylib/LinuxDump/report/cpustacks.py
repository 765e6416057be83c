"""What each CPU was doing when the dump was taken."""

from __future__ import annotations

from typing import Any

from LinuxDump import stacks, stacktext
from LinuxDump.BTstack import stack_of_task
from LinuxDump.Tasks import TaskTable
from pykdump.API import readSU


def show(verbose: int) -> None:
    """Print the stack of what ran on each CPU, as `bt` of LinuxDump does."""
    table = TaskTable()
    for task, cpu in _by_cpu():
        print(f"      -- CPU#{cpu} --")
        try:
            print(f"{stack_of_task(table.task(readSU('struct task_struct', task)))}\n")
        except IndexError as err:
            print(f"  {err}\n")
        found = stacks.stack_of(task)
        if verbose and found.regs:
            for line in stacktext.register_lines(found.regs):
                print(line)


def data() -> list[dict[str, Any]]:
    """One object a CPU: its number, its task, and the stack as `stacks --json` has it."""
    return [{**stacktext.task_record(task), **stacktext.record(stacks.stack_of(task)), "cpu": cpu}
            for task, cpu in _by_cpu()]


def _by_cpu() -> list[tuple[int, int]]:
    """Tasks that were on a CPU, and that CPU, in the order of CPUs."""
    return sorted(stacks.running().items(), key=lambda item: item[1])
