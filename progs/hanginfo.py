"""hanginfo: what threads that hang wait for, and who has it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from optparse import OptionParser, Values
from typing import TYPE_CHECKING, Any

if "crash" not in sys.modules:
    import outside  # noqa: F401

from pykdump.plaintext import one_line

if TYPE_CHECKING:
    from LinuxDump.hangs import Class, Hangs, Hung
    from LinuxDump.Tasks import Task, TaskList
    from LinuxDump.waiters import Wait

    Tasks = dict[int, Task]     # by the address of the task_struct

__version__ = "1.0"

_WIDTH = 60
_MAX_DEPTH = 100    # of --tree
_RULE = "-" * 78
_ACTIVITIES = {"RCU grace period": "RCU read-side sections", "frozen filesystem": "freeze",
               "work": "work"}


def _parse() -> Values:
    parser = OptionParser(prog="hanginfo", version=f"HANGINFO version {__version__}",
                          description="Classify threads that hang by what they wait for.")
    parser.add_option("-v", dest="verbose", action="count", default=0,
                      help="tables rather than lists of PIDs")
    parser.add_option("--maxpids", type="int", default=10, metavar="N",
                      help="PIDs to show of each class (default 10); 0: only how many")
    parser.add_option("--sortbypid", action="store_true", help="sort lists by PID, not by time")
    parser.add_option("--older", type="float", default=0, metavar="SECONDS",
                      help="only threads that have not run for so long")
    parser.add_option("--sleeping", action="store_true",
                      help="threads in interruptible sleep, too")
    parser.add_option("--tree", action="store_true", help="draw who waits for whom")
    parser.add_option("--syslogger", action="store_true",
                      help="only who waits for readers of UNIX sockets, the log daemon's too")
    parser.add_option("--saphana", action="store_true", help="is this a host of SAP HANA?")
    parser.add_option("--json", action="store_true",
                      help="the same as JSON (docs/hanginfo.md describes it)")
    options, _rest = parser.parse_args()
    return options


# -- who is meant -------------------------------------------------------------------------------

def _chosen(table: TaskList, options: Values) -> list[Task]:
    from LinuxDump.hangs import is_hung
    from LinuxDump.taskrows import Filter, task_rows
    from pykdump.API import readSU

    asleep = ("UN", "IN") if options.sleeping else ()
    rows = [row for row in Filter(older=options.older).chosen(task_rows())
            if is_hung(row) or row.code in asleep]
    return [table.task(readSU("struct task_struct", row.task))
            for row in sorted(rows, key=lambda row: row.pid)]


def _named(tasks: Tasks, address: int) -> str:
    task = tasks.get(address)
    return f"pid={task.pid} cmd={one_line(task.comm)}" if task \
        else f"<struct task_struct 0x{address:x}>"


# -- printing -----------------------------------------------------------------------------------

def _print_pids(threads: Iterable[Hung], options: Values) -> None:
    from LinuxDump.pidlists import print_pidlist

    print_pidlist([hung.task.pid for hung in threads], verbose=options.verbose > 0,
                  maxpids=options.maxpids, sortbytime=not options.sortbypid)


def _print_class(found: Class, tasks: Tasks, options: Values) -> None:
    print(f"\n {f' {one_line(found.title)} '.center(_WIDTH, '=')}")
    _print_pids(found.threads, options)
    seen = set()
    for hung in found.threads:
        if hung.wait is not None and hung.wait.obj not in seen:
            seen.add(hung.wait.obj)
            _print_lock(hung.wait, found, tasks)


def _print_lock(wait: Wait, found: Class, tasks: Tasks) -> None:
    waiting = sum(1 for hung in found.threads if hung.wait and hung.wait.obj == wait.obj)
    print(f"  -- {one_line(wait.name)} {wait.kind}, {waiting} waiting")
    if wait.owners:
        for owner in wait.owners:
            sure = "" if wait.confidence == "certain" else f" ({wait.confidence})"
            print(f"   Owner: {_named(tasks, owner)}{sure}")
    elif wait.kind in ("mutex", "rwsem", "rt_mutex"):
        print("   No Owner")
    if wait.note:
        print(f"   {one_line(wait.note)}")


def _print_cycles(hangs: Hangs, tasks: Tasks) -> None:
    for cycle in hangs.graph.cycles():
        print("\n ********  Deadlock **********")
        for task in cycle:
            wait = hangs.graph.waits[task]
            print(f"   {_named(tasks, task)} waits for {wait.kind} {one_line(wait.name)}")


def _print_others(hangs: Hangs, table: TaskList, options: Values) -> None:
    from LinuxDump.BTstack import bt_mergestacks, stack_of_task

    if not hangs.others:
        return
    print(f"\n ********  Non-classified UN Threads ********** {len(hangs.others)} in total")
    stacks, lost = [], []
    for hung in hangs.others:
        try:
            stacks.append(stack_of_task(hung.task))
        except IndexError as err:
            lost.append(str(err))
    bt_mergestacks(stacks, tt=table, verbose=1)
    for text in lost:
        print(f"  {text}")


def _print_owners(hangs: Hangs, tasks: Tasks) -> None:
    from LinuxDump.BTstack import stack_of_task

    clusters = [cluster for cluster in hangs.graph.clusters() if cluster.root]
    if not clusters:
        return
    print("\n*** Threads that own resources the other threads are waiting on ***")
    for cluster in clusters:
        owner = tasks.get(cluster.root)
        if owner is None:
            print(f"\n  <struct task_struct 0x{cluster.root:x}>, which is in no list of tasks")
        else:
            try:
                print(stack_of_task(owner))
            except IndexError as err:
                print(f"\n{err}")
        print(f"    ... waited for by {_pids(cluster.waiters, tasks)}")


def _print_activities(hangs: Hangs, tasks: Tasks) -> None:
    activities: dict[str, list[int]] = {}
    for task, wait in hangs.graph.waits.items():
        what = _ACTIVITIES.get(wait.kind)
        if what:
            note = f" of {wait.note}" if wait.kind == "frozen filesystem" else ""
            activities.setdefault(what + note, []).append(task)
    if activities:
        print("\n*** System activities other threads are waiting for ***")
    for what, waiters in sorted(activities.items()):
        print(f"  --- Doing {one_line(what)} ---")
        print(f"    {_pids(waiters, tasks)}")


def _pids(addresses: Iterable[int], tasks: Tasks) -> list[int]:
    return sorted(tasks[address].pid for address in addresses if address in tasks)


_RECLAIM = (("shrinking zone", ("shrink_node", "shrink_zone", "do_try_to_free_pages")),
            ("doing shrink_slab", ("shrink_slab", "shrink_slab_memcg")),
            ("doing balance_dirty_pages", ("balance_dirty_pages",
                                           "balance_dirty_pages_ratelimited")))


def _print_reclaim(table: TaskList, options: Values) -> None:
    from LinuxDump.BTstack import subroutine_stacks
    from LinuxDump.pidlists import print_pidlist

    functions = subroutine_stacks()
    for title, names in _RECLAIM:
        pids = functions.find_pids_byfuncname("|".join(names))
        if not pids:
            continue
        print(f"\n {f' There are {len(pids)} threads {title} '.center(_WIDTH, '=')}")
        states: dict[str, int] = {}
        for pid in pids:
            task = table.getByTid(pid)
            if task is not None:
                states[task.state] = states.get(task.state, 0) + 1
        for state, count in sorted(states.items()):
            print(f"  {count:3} in {state}")
        print_pidlist(pids, maxpids=options.maxpids, sortbytime=not options.sortbypid)


def _print_tree(hangs: Hangs, tasks: Tasks) -> None:
    from pykdump.ASCII_Art import AA_Node

    for cluster in hangs.graph.clusters():
        nodes = {task: AA_Node(_tree_text(task, hangs, tasks)) for task in cluster.waiters}
        top = AA_Node(_named(tasks, cluster.root) if cluster.root
                      else one_line(cluster.what.name))
        for task, node in nodes.items():
            owners = hangs.graph.waits[task].owners
            above = nodes.get(owners[0]) if owners and owners[0] != cluster.root else None
            if len(hangs.graph.chain(task)) > _MAX_DEPTH:
                above = None        # a chain that only damage makes so long
            if above is not node:
                (above or top).add(node)
        print(f"{_RULE}\n{top}")


def _tree_text(task: int, hangs: Hangs, tasks: Tasks) -> str:
    wait = hangs.graph.waits[task]
    return f"{_named(tasks, task)}  [{wait.kind} {one_line(wait.name)}]"


def _report(hangs: Hangs, table: TaskList, tasks: Tasks, options: Values) -> None:
    from LinuxDump.Analysis import (check_memory_pressure, check_possible_hang,
                                    print_wait_for_AF_UNIX)
    from LinuxDump.BTstack import subroutine_stacks

    if not hangs.classes and not hangs.others:
        print("There are no UNINTERRUPTIBLE tasks")
        return
    print(" *** UNINTERRUPTIBLE threads, classified ***")
    _print_cycles(hangs, tasks)
    for found in hangs.classes:
        _print_class(found, tasks, options)
    _print_others(hangs, table, options)
    _print_owners(hangs, tasks)
    _print_activities(hangs, tasks)
    _print_reclaim(table, options)
    print_wait_for_AF_UNIX(0)
    check_possible_hang()
    check_memory_pressure(subroutine_stacks().find_pids_byfuncname)
    if options.tree:
        _print_tree(hangs, tasks)


# -- JSON ---------------------------------------------------------------------------------------

def _json(hangs: Hangs, tasks: Tasks) -> dict[str, Any]:
    pids = {address: task.pid for address, task in tasks.items()}
    threads = [_thread(hung, found.title, hangs, pids)
               for found in hangs.classes for hung in found.threads]
    threads += [_thread(hung, None, hangs, pids) for hung in hangs.others]
    return {"threads": sorted(threads, key=lambda thread: thread["pid"]),
            "cycles": [[pids.get(task) for task in cycle] for cycle in hangs.graph.cycles()],
            "clusters": [{"root": pids.get(cluster.root), "kind": cluster.what.kind,
                          "name": cluster.what.name, "obj": f"0x{cluster.what.obj:x}",
                          "waiters": [pids.get(task) for task in cluster.waiters]}
                         for cluster in hangs.graph.clusters()]}


def _thread(hung: Hung, title: str | None, hangs: Hangs, pids: dict[int, int]) -> dict[str, Any]:
    wait = hung.wait
    return {
        "pid": hung.task.pid, "comm": str(hung.task.comm), "task": f"0x{hung.task.ts:x}",
        "state": hung.task.state, "ran_ms_ago": hung.task.Ran_ago, "class": title,
        "stack": hung.functions,
        "wait": None if wait is None else {
            "kind": wait.kind, "name": wait.name, "obj": f"0x{wait.obj:x}",
            "owners": [pids.get(owner) for owner in wait.owners],
            "confidence": wait.confidence, "function": wait.function, "note": wait.note},
        "chain": [pids.get(step.task) for step in hangs.graph.chain(int(hung.task.ts))],
    }


def _print_saphana() -> None:
    from LinuxDump.Analysis import check_saphana

    answers = ("This host is _not_ running SAP HANA!", "This host is running SAP, but not HANA",
               "This host is running SAP HANA")
    print(answers[check_saphana()])


def main() -> None:
    options = _parse()
    if options.saphana:
        _print_saphana()
        return
    if options.syslogger:
        from LinuxDump.Analysis import print_wait_for_AF_UNIX

        print_wait_for_AF_UNIX(options.verbose)
        return
    from LinuxDump.hangs import find_hangs
    from LinuxDump.Tasks import TaskTable

    table = TaskTable()
    tasks = {int(task.ts): task for task in table.allThreads()}
    hangs = find_hangs(_chosen(table, options))
    if options.json:
        json.dump(_json(hangs, tasks), sys.stdout, indent=1)
        print()
    else:
        _report(hangs, table, tasks, options)


if __name__ == "__main__":
    main()
