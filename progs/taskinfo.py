"""taskinfo: tasks with their states, and when they last ran."""

from __future__ import annotations

import json
import sys
from collections import Counter
from optparse import OptionGroup, OptionParser, Values
from typing import TYPE_CHECKING, Any

if "crash" not in sys.modules:
    import outside  # noqa: F401

from pykdump.plaintext import one_line, printable
from pykdump.versions import print_version

if TYPE_CHECKING:
    from LinuxDump.taskrows import Filter, Row
    from LinuxDump.Tasks import Task, TaskList
    from LinuxDump.tasktree import Label

__version__ = "1.0"

_HEADER = " PID          CMD       CPU   Ran ms ago   STATE"
_SEPARATOR = "-" * 78
_GROUPED = "=== Tasks in PID order, grouped by Thread Group leader ==="
_RECENT = "=== Tasks in reverse order, scheduled recently first ==="
_TIMES = "=== Tasks in order of start time ==="
_TIMES_HEADER = "    PID            CMD  Start Time"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MAX_DEPTH = 10     # of --pstree


# -- lines ------------------------------------------------------------------------------------

def _line(row: Row, in_group: bool = False) -> str:
    """A thread in one line; threads of a group listing are set off by one column."""
    width = 7 if in_group and not row.leader else 6
    return (f"{'>' if row.active else ' '}{row.pid:{width}} {one_line(row.comm):>14} {row.cpu:3} "
            f"{row.ran_ago:14.0f}  {row.code} {_owner(row)}")


def _owner(row: Row) -> str:
    of_group = "" if row.leader else f"(tgid={row.tgid})"
    return f"{of_group:>13} UID={'?' if row.uid is None else row.uid}"


def _recent(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row.ran_ago, row.pid))


def _filter(options: Values, codes: str | None = None) -> Filter:
    from LinuxDump.taskrows import Filter, codes_of

    return Filter(codes_of(codes or options.taskfilter), options.comm, options.uid, options.cpu,
                  options.older)


# -- lists ------------------------------------------------------------------------------------

def _list(rows: list[Row], heading: str, options: Values, gap: int | None = None,
          in_group: bool = False) -> None:
    """Print threads; `gap` is the index before which some were left out."""
    print(heading)
    _header()
    waits = _Waits(rows) if options.wait else None
    for index, row in enumerate(rows):
        if index == gap:
            print("           <snip>")
        if options.cmd and index:
            _header()
        print(_line(row, in_group) + (waits.text(row) if waits else ""))
        if options.verbose:
            _stack(row)
        if options.cmd:
            _run(options.cmd, row.pid)


class _Waits:
    """Where threads sleep, and what the uninterruptible ones wait for."""

    def __init__(self, rows: list[Row]) -> None:
        from LinuxDump.taskrows import wait_channels

        self._channels = wait_channels(rows)

    def text(self, row: Row) -> str:
        from LinuxDump.pidinfo import waits_for

        record = self.record(row)
        return one_line(f"  {record['wchan'] or ''}{waits_for(record['wait'])}".rstrip())

    def record(self, row: Row) -> dict[str, Any]:
        from LinuxDump.piddata import wait_record

        wait = wait_record(_task(row)) if row.code == "UN" else None
        return {"wchan": self._channels.get(row.task), "wait": wait}


def _task(row: Row) -> Task:
    from LinuxDump.Tasks import TaskTable
    from pykdump.API import readSU

    return TaskTable().task(readSU("struct task_struct", row.task))


def _header() -> None:
    print(_HEADER)
    print("-" * len(_HEADER))


def _stack(row: Row) -> None:
    try:
        print(_task(row).get_task_stack())
    except IndexError:
        print("\n  no stack")
    print(f"\n{_SEPARATOR}\n")


def _run(command: str, pid: int) -> None:
    from pykdump.API import crash, exec_crash_command

    print(f"\ncrash> {command} {pid}")
    try:
        print(printable(exec_crash_command(f"{command} {pid}")), end="")
    except crash.error as err:
        print(printable(str(err)))
    print(_SEPARATOR)


def _dump_rows(rows: list[Row], options: Values) -> None:
    from LinuxDump.piddata import row_record

    waits = _Waits(rows) if options.wait else None
    _dump([{**row_record(row), **(waits.record(row) if waits else {})} for row in rows])


def _print_grouped(table: TaskList, options: Values) -> None:
    from LinuxDump.taskrows import task_rows

    rows = _filter(options).chosen(task_rows())
    if options.json:
        return _dump_rows(rows, options)
    _list(rows, _GROUPED, options, in_group=True)


def _print_recent(table: TaskList, options: Values) -> None:
    from LinuxDump.taskrows import task_rows

    rows = _recent(_filter(options).chosen(task_rows()))
    if options.json:
        return _dump_rows(rows, options)
    _list(rows, _RECENT, options)


def _print_hang(table: TaskList, options: Values) -> None:
    """Uninterruptible tasks: those that ran last, and those that did not for the longest."""
    from LinuxDump.taskrows import task_rows

    rows = _recent(_filter(options, "UN").chosen(task_rows()))
    if options.json:
        return _dump_rows(rows, options)
    skipped = len(rows) - 2 * options.maxpids
    if skipped <= 0:
        return _list(rows, _RECENT, options)
    shown = rows[:options.maxpids] + rows[len(rows) - options.maxpids:]
    _list(shown, f"{_RECENT} ({skipped} tasks skipped)", options, options.maxpids)


def _print_times(table: TaskList, options: Values) -> None:
    """By start time, the oldest first, with -r the youngest."""
    from LinuxDump.taskrows import task_rows

    rows = sorted(_filter(options).chosen(task_rows()), key=lambda row: (row.started, row.pid),
                  reverse=bool(options.recent))
    if options.json:
        return _dump_rows(rows, options)
    print(_TIMES)
    print(_TIMES_HEADER)
    print("-" * len(_TIMES_HEADER))
    for row in rows:
        started = str(row.started_at() or f"{row.started / 1e9:.6f} s after boot")
        print(f" {row.pid:6} {one_line(row.comm):>14}  {started:<26} {_owner(row)}")


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
    from LinuxDump.taskmem import memory_of_all, print_memory_stats

    if not options.json:
        return print_memory_stats(options.maxpids)
    _dump([{"pid": task.pid, "comm": str(task.comm), "task": f"0x{task.ts:x}",
            **size._asdict()} for task, size in memory_of_all()])


def _print_pstree(table: TaskList, options: Values) -> None:
    from LinuxDump import tasktree

    root = _find(table, options.pidinfo or "0")
    if root is None:
        return
    tree = _Tree(table, table.task(root.group_leader))
    if options.json:
        processes = tasktree.Processes(table, table.task(root.group_leader))
        return _dump(tasktree.records(tasktree.grow(processes)))
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

        text = one_line(item if isinstance(item, str) else f"{item.comm}({item.pid})")
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
    from LinuxDump.piddata import describe
    from LinuxDump.pidinfo import print_pidinfo

    task = _find(table, options.pidinfo)
    if task is None:
        return
    if options.json:
        return _dump(describe(task))
    print_pidinfo(task, options.verbose)


def _print_namespaces(table: TaskList, options: Values) -> None:
    from LinuxDump.namespaces import print_namespaces_info, records

    if options.json:
        return _dump(records(table))
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

def seconds_of(text: str) -> float:
    """A time as people write it: 120, 120s, 2m, 1.5h, 1d.  ValueError."""
    unit = _UNITS.get(text[-1:])
    seconds = float(text[:-1]) * unit if unit else float(text)
    if not 0 <= seconds < float("inf"):
        raise ValueError(text)
    return seconds


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
    views.add_option("--times", action="store_true",
                     help="when each was started, the oldest first, with -r the youngest")
    views.add_option("--pidinfo", metavar="PID|ADDR", help="details of one task")
    views.add_option("--pstree", action="store_true", help="the tree of processes")
    views.add_option("--memory", action="store_true", help="who has most memory")
    views.add_option("--ns", action="store_true", help="tasks in namespaces of their own")
    parser.add_option_group(views)
    parser.add_option("--maxpids", type="int", default=8, metavar="N",
                      help="how many tasks to show at each end (default %default)")
    parser.add_option("--taskfilter", metavar="UN,RU",
                      help="only tasks in these states")
    parser.add_option("--comm", metavar="PATTERN", help="only tasks of these names: 'kworker*'")
    parser.add_option("--uid", type="int", help="only tasks of this user")
    parser.add_option("--cpu", type="int", help="only tasks on this CPU, now or last")
    parser.add_option("--older", metavar="TIME", default="0",
                      help="only tasks that have not run for so long: 120s, 2m, 1h, 1d")
    parser.add_option("--wait", action="store_true",
                      help="the function in which each sleeps, and what those wait for that "
                      "are uninterruptible")
    parser.add_option("--cmd", metavar="C", help="run this crash command with each PID")
    parser.add_option("--json", action="store_true",
                      help="the same as JSON (docs/taskinfo.md describes it)")
    parser.add_option("-v", "--verbose", action="count", default=0, help="stacks too")
    parser.add_option("--version", action="store_true", help="show the version and exit")
    options, _rest = parser.parse_args()
    if options.maxpids < 1:
        parser.error(f"--maxpids: {options.maxpids} is less than 1")
    try:
        options.older = seconds_of(options.older)
    except ValueError:
        parser.error(f"--older: {options.older!r} is not a time such as 120s, 2m, 1h, 1d")
    return options


# The first that is wanted is shown.
_VIEWS = (("memory", _print_memory), ("times", _print_times), ("recent", _print_recent),
          ("hang", _print_hang), ("summary", _print_summary), ("pstree", _print_pstree),
          ("pidinfo", _print_pidinfo), ("ns", _print_namespaces))


def main() -> None:
    options = _parse()
    if options.version:
        print_version("TASKINFO", __version__, options.verbose)
        return
    from LinuxDump.Tasks import TaskTable

    view = next((show for name, show in _VIEWS if getattr(options, name)), _print_grouped)
    view(TaskTable(), options)


if __name__ == "__main__":
    main()
