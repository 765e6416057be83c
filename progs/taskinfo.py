"""taskinfo: tasks with their states, and when they last ran."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from optparse import OptionGroup, OptionParser, Values
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from LinuxDump.Tasks import Task, TaskList
    from LinuxDump.tasktree import Label

__version__ = "1.0"

_HEADER = " PID          CMD       CPU   Ran ms ago   STATE"
_SEPARATOR = "-" * 78
_GROUPED = "=== Tasks in PID order, grouped by Thread Group leader ==="
_RECENT = "=== Tasks in reverse order, scheduled recently first ==="
_MAX_DEPTH = 10     # of --pstree


# -- lines ------------------------------------------------------------------------------------

def _line(task: Task, in_group: bool = False) -> str:
    """A task in one line; threads of a group listing are set off by one column."""
    leader = task.pid == task.tgid
    width = 7 if in_group and not leader else 6
    mark = ">" if task.active else " "
    of_group = "" if leader else f"(tgid={task.tgid})"
    return (f"{mark}{task.pid:{width}} {task.comm:>14} {task.cpu:3} {task.Ran_ago:14.0f}  "
            f"{task.state[5:7]} {of_group:>13} UID={_uid(task)}")


def _uid(task: Task) -> int:
    from LinuxDump.creds import kid

    return kid(task.real_cred.uid)


def _record(task: Task) -> dict[str, Any]:
    """A task for --json."""
    return {"pid": task.pid, "tgid": task.tgid, "ppid": task.real_parent.tgid,
            "comm": str(task.comm), "task": f"0x{task.ts:x}", "cpu": task.cpu,
            "active": task.active, "state": task.state, "ran_ms_ago": task.Ran_ago,
            "uid": _uid(task)}


def _code(task: Task) -> str:
    return task.state[5:7]


def _grouped(table: TaskList) -> Iterator[Task]:
    for leader in table.allTasks():
        yield leader
        yield from leader.threads


def _recent(table: TaskList) -> list[Task]:
    return sorted(table.allThreads(), key=lambda task: (task.Ran_ago, task.pid))


def _filtered(tasks: Iterable[Task], codes: str | None) -> list[Task]:
    if codes is None:
        return list(tasks)
    wanted = {code.strip() for code in codes.split(",")}
    return [task for task in tasks if _code(task) in wanted]


# -- lists ------------------------------------------------------------------------------------

def _list(tasks: list[Task], heading: str, options: Values, gap: int | None = None,
          in_group: bool = False) -> None:
    """Print tasks; `gap` is the index before which some were left out."""
    from pykdump.API import crash, pylog

    print(heading)
    _header()
    for index, task in enumerate(tasks):
        if index == gap:
            print("           <snip>")
        if options.cmd and index:
            _header()
        try:
            print(_line(task, in_group))
        except crash.error as err:
            pylog.error(f"{task.ts} cannot be read: {err}")
            continue
        if options.verbose:
            _stack(task)
        if options.cmd:
            _run(options.cmd, task.pid)


def _header() -> None:
    print(_HEADER)
    print("-" * len(_HEADER))


def _stack(task: Task) -> None:
    try:
        print(task.get_task_stack())
    except IndexError:
        print("\n  no stack")
    print(f"\n{_SEPARATOR}\n")


def _run(command: str, pid: int) -> None:
    from pykdump.API import crash, exec_crash_command

    print(f"\ncrash> {command} {pid}")
    try:
        print(exec_crash_command(f"{command} {pid}"), end="")
    except crash.error as err:
        print(err)
    print(_SEPARATOR)


def _print_grouped(table: TaskList, options: Values) -> None:
    tasks = _filtered(_grouped(table), options.taskfilter)
    if options.json:
        return _dump([_record(task) for task in tasks])
    _list(tasks, _GROUPED, options, in_group=True)


def _print_recent(table: TaskList, options: Values) -> None:
    tasks = _filtered(_recent(table), options.taskfilter)
    if options.json:
        return _dump([_record(task) for task in tasks])
    _list(tasks, _RECENT, options)


def _print_hang(table: TaskList, options: Values) -> None:
    """Uninterruptible tasks: those that ran last, and those that did not for the longest."""
    tasks = _filtered(_recent(table), "UN")
    if options.json:
        return _dump([_record(task) for task in tasks])
    skipped = len(tasks) - 2 * options.maxpids
    if skipped <= 0:
        return _list(tasks, _RECENT, options)
    shown = tasks[:options.maxpids] + tasks[len(tasks) - options.maxpids:]
    _list(shown, f"{_RECENT} ({skipped} tasks skipped)", options, options.maxpids)


# -- other views ------------------------------------------------------------------------------

def _dump(value: object) -> None:
    print(json.dumps(value, indent=1))


def _print_summary(table: TaskList, options: Values) -> None:
    from LinuxDump.Tasks import summarize, tasksSummary

    if not options.json:
        tasksSummary()
        return
    summary = summarize()
    _dump({"threads": summary.threads, "states": summary.states,
           "ran_in_last_seconds": summary.recent, "in_own_namespaces": summary.own_namespaces})


def _print_memory(table: TaskList, options: Values) -> None:
    from LinuxDump.taskmem import print_memory_stats

    print_memory_stats(options.maxpids)


def _print_pstree(table: TaskList, options: Values) -> None:
    from LinuxDump import tasktree

    root = _find(table, options.pidinfo or "0")
    if root is None:
        return
    tree = _Tree(table, table.task(root.group_leader))
    for line in tasktree.draw(tree.root, tree.label, tree.children, tasktree.COMPACT):
        print(line)


class _Tree:
    """What `pstree -p` shows: processes sorted by name, and a text for threads of one name."""

    def __init__(self, table: TaskList, root: Task) -> None:
        from LinuxDump.tasktree import Processes

        self.root: Task | str = root
        self._processes = Processes(table, root)

    def label(self, item: Task | str) -> Label:
        from LinuxDump.tasktree import Label

        text = item if isinstance(item, str) else f"{item.comm}({item.pid})"
        return Label(text, len(text))

    def children(self, item: Task | str) -> list[Task | str]:
        if isinstance(item, str):
            return []
        children = sorted(self._processes.children(item), key=lambda task: str(task.comm))
        below: list[Task | str] = [*children]
        for name, count in sorted(Counter(str(task.comm) for task in item.threads).items()):
            below.append(f"{count}*[{{{name}}}]" if count > 1 else f"{{{name}}}")
        if below and self._processes.depth(item) >= _MAX_DEPTH:
            return [" ==> more threads"]
        return below


def _print_pidinfo(table: TaskList, options: Values) -> None:
    from LinuxDump.pidinfo import print_pidinfo

    task = _find(table, options.pidinfo)
    if task is not None:
        print_pidinfo(task, options.verbose)


def _print_namespaces(table: TaskList, options: Values) -> None:
    from LinuxDump.namespaces import print_namespaces_info

    print_namespaces_info(table, options.verbose)


def _find(table: TaskList, text: str) -> Task | None:
    """The task that a person has named, or say that there is none."""
    from LinuxDump.Tasks import is_task_address, parse_task

    try:
        number = parse_task(text)
    except ValueError:
        sys.exit(f"taskinfo: {text!r} is neither a PID nor an address")
    task = table.lookup(number)
    if task is None:
        print(f"Bogus addr {text}" if is_task_address(number)
              else f"There is no task with pid= {number}")
    return task


# -- the command line -------------------------------------------------------------------------

def _parse() -> Values:
    parser = OptionParser(prog="taskinfo",
                          description="List tasks with their states and when they last ran.")
    views = OptionGroup(parser, "what to show instead of all tasks, by process")
    views.add_option("--summary", action="store_true",
                     help="how many ran recently, how many are in which state")
    views.add_option("--hang", action="store_true",
                     help="uninterruptible tasks, the first and last of them")
    views.add_option("-r", "--recent", action="store_true",
                     help="all threads, those first that ran last")
    views.add_option("--pidinfo", metavar="PID|ADDR", help="details of one task")
    views.add_option("--pstree", action="store_true", help="the tree of processes")
    views.add_option("--memory", action="store_true", help="who has most memory")
    views.add_option("--ns", action="store_true", help="tasks in namespaces of their own")
    parser.add_option_group(views)
    parser.add_option("--maxpids", type="int", default=8, metavar="N",
                      help="how many tasks to show at each end (default %default)")
    parser.add_option("--taskfilter", metavar="UN,RU",
                      help="only tasks in these states")
    parser.add_option("--cmd", metavar="C", help="run this crash command with each PID")
    parser.add_option("--json", action="store_true", help="a list or the summary as JSON")
    parser.add_option("-v", "--verbose", action="count", default=0, help="stacks too")
    parser.add_option("--version", action="store_true", help="show the version and exit")
    options, _rest = parser.parse_args()
    if options.maxpids < 1:
        parser.error(f"--maxpids: {options.maxpids} is less than 1")
    return options


# The first that is wanted is shown.
_VIEWS = (("memory", _print_memory), ("recent", _print_recent), ("hang", _print_hang),
          ("summary", _print_summary), ("pstree", _print_pstree), ("pidinfo", _print_pidinfo),
          ("ns", _print_namespaces))


def main() -> None:
    options = _parse()
    if options.version:
        print(f"TASKINFO version {__version__}")
        if options.verbose:
            import _pykdump
            print(f"C-Module version: {_pykdump.version}")
        return
    from LinuxDump.Tasks import TaskTable

    view = next((show for name, show in _VIEWS if getattr(options, name)), _print_grouped)
    view(TaskTable(), options)


if __name__ == "__main__":
    main()
