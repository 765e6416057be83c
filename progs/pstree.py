"""pstree: the processes of the dump as a tree."""

from __future__ import annotations

import sys
from optparse import OptionParser, Values
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from LinuxDump.Tasks import Task, TaskList
    from LinuxDump.tasktree import Label

__version__ = "1.0"


def _coloured(text: str, code: str) -> str:
    from LinuxDump import crashcolor
    from LinuxDump.Tasks import task_state_color

    try:
        colour = crashcolor.get_color(task_state_color(code))
    except KeyError:        # idle, parked ...
        colour = ""
    return f"{colour}{text}{crashcolor.get_color(crashcolor.RESET)}" if colour else text


def _label(task: Task, options: Values) -> Label:
    from LinuxDump.tasktree import Label

    code = task.state[5:7]
    text = str(task.comm)
    if options.pids:
        text += f"({task.pid})"
    if options.states:
        text += f"[{code}]"
    others = len(task.threads) if options.threads else 0
    if others > 1:
        text += f"---{others}*[{{{task.comm}}}]"
    return Label(_coloured(text, code) + " ", len(text) + 1)


def _parse() -> Values:
    parser = OptionParser(prog="pstree", version=f"PSTREE version {__version__}",
                          description="Show processes as a tree.")
    parser.add_option("-p", dest="pids", action="store_true", help="show PIDs")
    parser.add_option("-g", dest="threads", action="store_true", help="show numbers of threads")
    parser.add_option("-s", dest="states", action="store_true", help="show states")
    parser.add_option("-t", dest="start", metavar="PID", default="0",
                      help="start at this process (a PID, a TID or the address of a task)")
    options, _rest = parser.parse_args()
    return options


def _find(table: TaskList, text: str) -> Task:
    from LinuxDump.Tasks import parse_task

    try:
        task = table.lookup(parse_task(text))
    except ValueError:
        sys.exit(f"pstree: {text!r} is neither a PID nor an address")
    if task is None:
        sys.exit(f"There is no task with pid= {text}")
    return table.task(task.group_leader)


def main() -> None:
    options = _parse()
    from LinuxDump.Tasks import TaskTable
    from LinuxDump.tasktree import WIDE, Processes, draw

    table = TaskTable()
    root = _find(table, options.start)
    processes = Processes(table, root)
    for line in draw(root, lambda task: _label(task, options), processes.children, WIDE):
        print(line)
    print(f"\n\nTotal {len(processes)} tasks printed")


if __name__ == "__main__":
    main()
