"""Owns namespaces: which tasks live in others than the first process does.

Must not know what a namespace of some kind holds.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from LinuxDump.creds import kid
from LinuxDump.damaged import goes_on
from LinuxDump.inet import get_net_namespace_list
from LinuxDump.Tasks import Task, TaskList
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import crash, pylog, readSU, sym2addr
from pykdump.plaintext import one_line

_KINDS = ("uts_ns", "ipc_ns", "mnt_ns", "net_ns", "pid_ns_for_children", "time_ns",
          "time_ns_for_children", "cgroup_ns")
_BOX = 60
_DEEPEST = 32       # MAX_PID_NS_LEVEL of the kernel
# As /proc/PID/ns calls them, and where a task has them.
_PLACES = {"cgroup": "nsproxy.cgroup_ns", "ipc": "nsproxy.ipc_ns", "mnt": "nsproxy.mnt_ns",
           "net": "nsproxy.net_ns", "pid_for_children": "nsproxy.pid_ns_for_children",
           "time": "nsproxy.time_ns", "time_for_children": "nsproxy.time_ns_for_children",
           "user": "cred.user_ns", "uts": "nsproxy.uts_ns"}


def nsproxies(table: TaskList) -> dict[Any, list[Task]]:
    """struct nsproxy -> leaders that have it, without the one of the first process."""
    initial = sym2addr("init_nsproxy")
    found: dict[Any, list[Task]] = {}
    for task in table.allTasks():
        with goes_on("namespaces of", task.ts):
            nsproxy = task.nsproxy
            if nsproxy and nsproxy != initial:      # a dead task has none
                found.setdefault(nsproxy, []).append(task)
    return found


def differing(nsproxy: Any) -> list[str]:
    """The kinds of namespaces in which it differs from the first process."""
    initial = readSU("struct nsproxy", sym2addr("init_nsproxy"))
    return [kind for kind in _KINDS
            if nsproxy.hasField(kind) and getattr(nsproxy, kind) != getattr(initial, kind)]


def numbers(task: Any) -> dict[str, int]:
    """The inode numbers of a Task's namespaces, by the names of /proc/PID/ns.

    A dead task has but a few.  crash.error if they cannot be read.
    """
    found = {}
    for name, path in _PLACES.items():
        owner, member = path.split(".")
        holder = getattr(task.ts, owner)
        if holder and holder.hasField(member):
            found[name] = getattr(holder, member).ns.inum
    if task.task_get_pid():
        found["pid"] = task.task_ns().ns.inum
    return found


def records(table: TaskList) -> list[dict[str, Any]]:
    """Each process with the numbers of its namespaces and where they differ, as JSON has it."""
    found = []
    initial = numbers(table.allTasks()[0])
    for task in table.allTasks():
        with goes_on("namespaces of", task.ts):
            own = numbers(task)
            found.append({"pid": task.pid, "comm": str(task.comm), "task": f"0x{task.ts:x}",
                          "namespaces": own, "pids": inner_pids(task),
                          "differs": sorted(name for name in own
                                            if own[name] != initial.get(name))})
    return found


def user_namespaces(table: TaskList) -> dict[Any, list[Task]]:
    """struct user_namespace -> leaders that live in it, without the first one."""
    initial = sym2addr("init_user_ns")
    found: dict[Any, list[Task]] = {}
    for task in table.allTasks():
        with goes_on("credentials of", task.ts):
            space = task.cred.user_ns
            if space != initial:
                found.setdefault(space, []).append(task)
    return found


def inner_pids(task: Any) -> list[int]:
    """The pids of a task, from that in the first PID namespace to that in its own.  crash.error."""
    pid = task.task_get_pid()
    return [pid.numbers[level].nr for level in range(min(pid.level, _DEEPEST) + 1)] if pid else []


def print_namespaces_info(tt: TaskList, v: int = 0) -> None:
    """Print who is in which namespaces; nothing when all are in the first ones."""
    if not sym2addr("init_nsproxy"):
        return
    proxies, users = nsproxies(tt), user_namespaces(tt)
    if not proxies and not users and not tt.pidnamespaces:
        return
    print("Non-standard Namespaces".center(60, "*"))
    print("Namespaces Associated with PID".center(58, "~"))
    for nsproxy, tasks in proxies.items():
        print(str(nsproxy).center(50, "."))
        with goes_on("", nsproxy):
            print(differing(nsproxy))
        for task in tasks:
            print(f"\t{task}")
    _print_nets(tt)
    if users:
        print("User Namespaces".center(58, "~"))
    for space, tasks in users.items():
        with goes_on("", space):
            print(f"{space} level={space.level} owner={kid(space.owner)}")
        for task in tasks:
            print(f"\t{task}")
    if tt.pidnamespaces:
        print("\n   *** PID Namespace Info ***")
        for space in tt.pidnamespaces:
            with goes_on("", space):
                if space.level == 1:
                    print("\n".join(_box(tt, space, v)))


def _print_nets(table: TaskList) -> None:
    try:
        nets = get_net_namespace_list()
    except (KeyError, crash.error) as err:
        pylog.error(f"network namespaces cannot be listed: {err}")
        return
    used = set()
    for task in table.allTasks():
        with goes_on("network namespace of", task.ts):
            if task.nsproxy:
                used.add(task.nsproxy.net_ns)
    empty = [net for net in nets if net not in used]
    if empty:
        print("NET_NS without any task".center(58, "~"))
        for net in empty:
            print(f"\t{net}")


def _box(table: TaskList, space: Any, v: int, level: int = 1) -> list[str]:
    """The tasks of a PID namespace in a frame, and the namespaces below it in frames inside."""
    lines = [str(space)]
    for task in table.pidnamespaces[space]:
        lines.append(f"PID={_shown(task, v)} CMD={one_line(task.comm)}")
        others = task.threads
        if others:
            names = ", ".join(_shown(thread, v) for thread in others)
            lines += textwrap.wrap(f"Threads: {names}", _BOX, initial_indent="  ",
                                   subsequent_indent="    ")
    for below in table.pidnamespaces:
        with goes_on("", below):
            if below.parent == space and below.level == level + 1 <= _DEEPEST:
                lines += _box(table, below, v, level + 1)
    return _framed(lines)


def _shown(task: Task, v: int) -> str:
    inner = ""
    with goes_on("PIDs of", task.ts):
        inner = ",".join(map(str, inner_pids(task)[1:]))
    return f"{task.pid}[{inner}]" if v and inner else str(task.pid)


def _framed(lines: Iterable[str]) -> list[str]:
    lines = list(lines)
    width = max(map(len, lines))
    edge = f"+{'-' * (width + 2)}+"
    return [edge, *(f"| {line:<{width}} |" for line in lines), edge]
