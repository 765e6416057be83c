"""stacks: kernel stacks of tasks, frame by frame, by the kernel's own unwind tables."""

from __future__ import annotations

import json
import sys
from optparse import OptionParser, Values

if "crash" not in sys.modules:
    import outside  # noqa: F401

__version__ = "1.0"

_EPILOG = """\
--json prints a list. Without --group each element is a task: task, pid, tgid, comm, and its stack:
end ("whole", "user" or "error"), message, cpu (null unless it was running), user_regs, frames.
With --group each element is a stack: the same members of a stack, count, and tasks, a list of
task, pid, tgid, comm. A frame has function, offset, module, ip, at, regs, exact, guessed, stack
("task", "IRQ", "NMI" ...) and source (file, line). Addresses are text with 0x; what is not known
is null."""


def _parse() -> tuple[Values, list[str]]:
    parser = OptionParser(prog="stacks", usage="%prog [options] [PID|TASK ...]",
                          version=f"STACKS version {__version__}", epilog=_EPILOG,
                          description="Show kernel stacks: of the tasks that are named, by PID or "
                          "address, else of those that were running on a CPU.")
    parser.add_option("-a", "--all", action="store_true", help="of all tasks")
    parser.add_option("-g", "--group", action="store_true",
                      help="equal stacks once, the most frequent first; of all tasks if none is "
                      "named")
    parser.add_option("-l", "--lines", action="store_true", help="with source files and lines")
    parser.add_option("-r", "--registers", action="store_true",
                      help="with the registers that user space was left with")
    parser.add_option("--json", action="store_true", help="as JSON, see below")
    options, names = parser.parse_args()
    if options.all and names:
        parser.error("-a is for all tasks, so none is to be named")
    return options, names


def _chosen(names: list[str], everything: bool) -> list[int]:
    """Addresses of the tasks that are wanted."""
    from LinuxDump import stacks
    from LinuxDump.Tasks import TaskTable

    if names:
        return [_named(name) for name in names]
    if everything:
        return [int(task.ts) for task in TaskTable().allThreads()]
    return list(stacks.running())


def _named(text: str) -> int:
    from LinuxDump.Tasks import TaskTable, is_task_address, parse_task

    try:
        number = parse_task(text)
    except ValueError:
        sys.exit(f"stacks: {text!r} is neither a PID nor an address")
    if is_task_address(number):     # that of a task which the lists have lost, too
        if number >> 64:
            sys.exit(f"stacks: {text!r} is no address")
        return number
    task = TaskTable().lookup(number)
    if task is None:
        sys.exit(f"stacks: there is no task with PID {text}")
    return int(task.ts)


def _show_each(tasks: list[int], options: Values) -> None:
    from LinuxDump import stacks, stacktext

    if options.json:
        print(json.dumps([{**stacktext.task_record(task),
                           **stacktext.record(stacks.stack_of(task), options.lines)}
                          for task in tasks], indent=1))
        return
    for number, task in enumerate(tasks):
        if number:
            print()
        stacktext.print_stack(stacks.stack_of(task), options.lines, options.registers)


def _show_groups(tasks: list[int], options: Values) -> None:
    from LinuxDump import stacks, stacktext

    groups = stacks.group_stacks(tasks)
    if options.json:
        print(json.dumps([{"count": len(members), **stacktext.record(stack, options.lines),
                           "tasks": [stacktext.task_record(task) for task in members]}
                          for stack, members in groups], indent=1))
        return
    stacktext.print_groups(groups, options.lines)


def main() -> None:
    options, names = _parse()
    tasks = _chosen(names, options.all or options.group)
    if options.group:
        _show_groups(tasks, options)
    else:
        _show_each(tasks, options)


if __name__ == "__main__":
    main()
