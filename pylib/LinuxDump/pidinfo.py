"""Owns the description of one task in text: parents, flags, credentials, limits.

Must not know the tables it reads from, only what they are called.
"""

from __future__ import annotations

from typing import Any

from LinuxDump.creds import NO_LIMIT, Credentials, credentials, rlimits, user_count
from LinuxDump.Tasks import Task
from LinuxDump.threadflags import decode_tflags
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import crash, pylog, readSU

_DEAD = ("EXIT_DEAD", "EXIT_ZOMBIE", "TASK_DEAD")


def print_pidinfo(task: Task, verbose: int = 0) -> None:
    """Print all there is about a task; a part that cannot be read costs one line."""
    print(f"----{task.pid:7}({task.state[5:7]}) {task.ts} {task.comm}")
    print(f"   cpu {task.cpu}")
    parts = [_parents, _children, _flags, _threads, _creds]
    if task.state not in _DEAD:
        parts += [_limits]
    for part in parts + [_thread_info]:
        try:
            part(task, verbose)
        except (crash.error, KeyError) as err:
            pylog.error(f"{part.__name__.strip('_')} of {task.ts} cannot be read: {err}")


def _parents(task: Task, verbose: int) -> None:
    parent, real = task.ts.parent, task.ts.real_parent
    print(f"   -- Parent: {parent.pid} {parent.comm}")
    if real != parent:
        print(f"   -- Real Parent: {real.pid} {real.comm}")


def _children(task: Task, verbose: int) -> None:
    children = task.ttable.children(task)
    print(f"   -- Children: {len(children)}")
    if verbose:
        for child in children:
            print(f"\t{child}")


def _thread_info_of(task: Task) -> Any:
    try:
        return task.ts.thread_info      # since 4.9 in the task_struct, where it is so configured
    except KeyError:
        return readSU("struct thread_info", task.ts.stack)


def _flags(task: Task, verbose: int) -> None:
    flags = _thread_info_of(task).flags
    print(f"  -- Thread Flags: 0x{flags:x}")
    if flags:
        print(decode_tflags(flags, 5))


def _threads(task: Task, verbose: int) -> None:
    signal = task.ts.signal
    group = [task, *task.threads]
    print(f"   -- Threads Info ({len(group)} threads, {signal.live.counter} live)")
    leader = task.ts.group_leader
    if leader == task.ts:
        print(f"\tleader of thread group {task.tgid}")
    else:
        print(f"\ttgid={task.tgid}, leader {leader} {leader.comm}")
    if verbose:
        for thread in group[1:]:
            print(f"\t{thread}")


def _creds(task: Task, verbose: int) -> None:
    real, effective = task.ts.real_cred, task.ts.cred
    if real == effective:
        _print_cred("Credentials", real)
    else:
        _print_cred("cred", effective)
        _print_cred("real_cred", real)


def _print_cred(title: str, cred: Any) -> None:
    known = credentials(cred)
    print(f"   -- {title}")
    for prefix in ("", "s", "e", "fs"):
        user, group = f"{prefix}uid", f"{prefix}gid"
        print(f"\t{user}={known.ids[user]} {group}={known.ids[group]}")
    print(f"\t--user_struct {known.user}{_user_counts(cred)}")
    print(f"\t--group_info {known.group_info} {_groups(known)}")


def _groups(known: Credentials) -> str:
    return " ".join(map(str, known.groups))


def _user_counts(cred: Any) -> str:
    try:
        return (f" processes={user_count(cred, 'NPROC')}"
                f" sigpending={user_count(cred, 'SIGPENDING')}")
    except KeyError:
        return ""       # this kernel counts elsewhere


def _limits(task: Task, verbose: int) -> None:
    print("   -- Rlimits:")
    for number, (name, current, maximum) in enumerate(rlimits(task.ts.signal)):
        print(f"\t{number:02} ({name}) cur={_limit(current)} max={_limit(maximum)}")


def _limit(value: int) -> str:
    return "INFINITY" if value == NO_LIMIT else str(value)


def _thread_info(task: Task, verbose: int) -> None:
    print(f"   --- thread_info {_thread_info_of(task)}")
