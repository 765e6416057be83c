"""pstree: the processes of the dump as a tree."""

from __future__ import annotations

import os
import sys
from optparse import OptionParser, Values
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from LinuxDump.Tasks import Task, TaskList
    from LinuxDump.tasktree import Label

__version__ = "1.0"

# By the two letters of a state.
_COLOURS = {"RU": "34", "UN": "31", "ST": "36", "TR": "35", "ZO": "33", "DE": "91"}


def _label(task: Task, options: Values, colours: bool) -> Label:
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
    colour = _COLOURS.get(code) if colours else None
    shown = f"\x1b[{colour}m{text}\x1b[0m" if colour else text
    return Label(shown + " ", len(text) + 1)


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


def _colours_wanted() -> bool:
    """On a terminal that has colours, unless its owner does not want them (no-color.org)."""
    return (sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
            and not os.environ.get("NO_COLOR"))


def main() -> None:
    options = _parse()
    from LinuxDump.Tasks import TaskTable
    from LinuxDump.tasktree import WIDE, Processes, draw

    table = TaskTable()
    root = _find(table, options.start)
    processes = Processes(table, root)
    colours = _colours_wanted()
    for line in draw(root, lambda task: _label(task, options, colours), processes.children, WIDE):
        print(line)
    print(f"\n\nTotal {len(processes)} tasks printed")


if __name__ == "__main__":
    main()
