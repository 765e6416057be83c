"""What each CPU was doing when the dump was taken."""

from __future__ import annotations

from typing import Any

from LinuxDump import stacks, stacktext


def show(verbose: int) -> None:
    """Print the stack of what ran on each CPU."""
    for task, cpu in _by_cpu():
        print(f"      -- CPU#{cpu} --")
        stacktext.print_stack(stacks.stack_of(task), registers=verbose > 0)


def data() -> list[dict[str, Any]]:
    """One object a CPU: its number, and the stack as `stacks --json` has it."""
    return [{"cpu": cpu, **stacktext.record(stacks.stack_of(task))}
            for task, cpu in _by_cpu()]


def _by_cpu() -> list[tuple[int, int]]:
    """Tasks that were on a CPU, and that CPU, in the order of CPUs."""
    return sorted(stacks.running().items(), key=lambda item: item[1])
