"""pstree: the processes of the dump as a tree."""

from __future__ import annotations

import json
import sys
from optparse import OptionParser, Values
from typing import TYPE_CHECKING

if "crash" not in sys.modules:
    import outside  # noqa: F401

from pykdump.plaintext import one_line

if TYPE_CHECKING:
    from LinuxDump.Tasks import Task, TaskList
    from LinuxDump.tasktree import Label, Node

__version__ = "1.1"


def _coloured(text: str, code: str) -> str:
    from LinuxDump import crashcolor
    from LinuxDump.Tasks import task_state_color

    try:
        colour = crashcolor.get_color(task_state_color(code))
    except KeyError:        # idle, parked ...
        colour = ""
    return f"{colour}{text}{crashcolor.get_color(crashcolor.RESET)}" if colour else text


def _text(task: Task, options: Values) -> str:
    text = one_line(task.comm)
    if options.pids:
        text += f"({task.pid})"
    if options.states:
        text += f"[{task.state[5:7]}]"
    if options.users:
        text += _user(task)
    others = len(task.threads) if options.threads else 0
    if others > 1:
        text += f"---{others}*[{{{one_line(task.comm)}}}]"
    return text


def _user(task: Task) -> str:
    """The user, where it is not that of the parent."""
    from LinuxDump.creds import kid
    from pykdump.API import crash

    try:
        uid, above = kid(task.real_cred.uid), kid(task.real_parent.real_cred.uid)
    except crash.error:
        return "(uid=?)"
    return "" if uid == above else f"(uid={uid})"


def _label(node: Node, options: Values) -> Label:
    from LinuxDump.tasktree import Label

    text = _text(node.task, options)
    if node.count > 1:
        text = f"{node.count}*[{text}]"
    return Label(_coloured(text, node.task.state[5:7]) + " ", len(text) + 1)


def _parse() -> Values:
    parser = OptionParser(prog="pstree", version=f"PSTREE version {__version__}",
                          description="Show processes as a tree.")
    parser.add_option("-p", dest="pids", action="store_true", help="show PIDs")
    parser.add_option("-g", dest="threads", action="store_true", help="show numbers of threads")
    parser.add_option("-s", dest="states", action="store_true", help="show states")
    parser.add_option("-u", dest="users", action="store_true",
                      help="show users where they change")
    parser.add_option("-t", dest="start", metavar="PID", default="0",
                      help="start at this process (a PID, a TID or the address of a task)")
    parser.add_option("--parents", action="store_true",
                      help="with -t: the path from the first process to this one, too")
    parser.add_option("--depth", type="int", metavar="N", help="show N levels below the first")
    parser.add_option("--state", metavar="UN,RU",
                      help="only processes in these states, and what leads to them")
    parser.add_option("--comm", metavar="PATTERN",
                      help="only processes of these names, and what leads to them: 'kworker*'")
    parser.add_option("--compact", action="store_true",
                      help="show subtrees that look alike once: 56*[sleep]")
    parser.add_option("--json", action="store_true",
                      help="the same as JSON (docs/pstree.md describes it)")
    options, _rest = parser.parse_args()
    if options.depth is not None and options.depth < 0:
        parser.error(f"--depth: {options.depth} is less than 0")
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


def _tree(table: TaskList, options: Values) -> Node:
    """What is to be shown, each process by itself."""
    from LinuxDump.tasktree import Node, Processes, grow, path_to, prune

    start = _find(table, options.start)
    tree = grow(Processes(table, start), options.depth)
    if options.state is not None or options.comm is not None:
        prune(tree, lambda task: _fits(task, options))
    if options.parents:
        for parent in reversed(path_to(start)[:-1]):
            above = Node(parent)
            above.children = [tree]
            tree = above
    return tree


def _fits(task: Task, options: Values) -> bool:
    from LinuxDump.taskrows import Filter, codes_of, row_of

    row = row_of(task)
    return row is not None and Filter(codes_of(options.state), options.comm).fits(row)


def main() -> None:
    options = _parse()
    from LinuxDump.Tasks import TaskTable
    from LinuxDump.tasktree import WIDE, compact, draw, records, walk

    tree = _tree(TaskTable(), options)
    total = sum(1 for _node in walk(tree))
    if options.compact:
        compact(tree, lambda task: _text(task, options))
    if options.json:
        json.dump(records(tree), sys.stdout, indent=1)
        print()
        return
    for line in draw(tree, lambda node: _label(node, options), lambda node: node.children, WIDE):
        print(line)
    print(f"\n\nTotal {total} tasks printed")


if __name__ == "__main__":
    main()
