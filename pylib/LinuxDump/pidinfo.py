"""Owns the description of one task in text: parents, flags, credentials, limits.

Must not know the tables it reads from, only what they are called.
"""

from __future__ import annotations

from typing import Any

from LinuxDump import namespaces, sched
from LinuxDump.creds import (CAPABILITIES, NO_LIMIT, Credentials, capabilities, capability_names,
                             credentials, no_new_privs, rlimits, seccomp, user_count)
from LinuxDump.piddata import DEAD, thread_info, wait_record
from LinuxDump.taskrows import row_of, wait_channels
from LinuxDump.Tasks import Task
from LinuxDump.threadflags import decode_tflags
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import crash, pylog
from pykdump.plaintext import one_line

_FEW = 8        # capabilities, to be named one by one


def print_pidinfo(task: Task, verbose: int = 0) -> None:
    """Print all there is about a task; a part that cannot be read costs one line."""
    print(f"----{task.pid:7}({task.state[5:7]}) {task.ts} {one_line(task.comm)}")
    print(f"   cpu {task.cpu}")
    parts = [_parents, _children, _flags, _threads, _creds]
    if task.state not in DEAD:
        parts += [_limits, _thread_info, _scheduling, _capabilities, _security, _namespaces,
                  _cgroup, _sleep]
    for part in parts:
        try:
            part(task, verbose)
        except (crash.error, KeyError, IndexError, AttributeError) as err:
            pylog.error(f"{part.__name__.strip('_')} of {task.ts} cannot be read: {err}")


def _parents(task: Task, verbose: int) -> None:
    parent, real = task.ts.parent, task.ts.real_parent
    print(f"   -- Parent: {parent.pid} {one_line(parent.comm)}")
    if real != parent:
        print(f"   -- Real Parent: {real.pid} {one_line(real.comm)}")


def _children(task: Task, verbose: int) -> None:
    children = task.ttable.children(task)
    print(f"   -- Children: {len(children)}")
    if verbose:
        for child in children:
            print(f"\t{child}")


def _flags(task: Task, verbose: int) -> None:
    flags = thread_info(task).flags
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
        print(f"\ttgid={task.tgid}, leader {leader} {one_line(leader.comm)}")
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
    print(f"   --- thread_info {thread_info(task)}")


def _scheduling(task: Task, verbose: int) -> None:
    known = sched.scheduling(task.ts)
    print(f"   -- Scheduling: {known.policy} prio={known.prio} nice={known.nice} "
          f"rt_priority={known.rt_priority} cpus={sched.as_ranges(known.cpus)}")
    row = row_of(task)
    if row is not None:
        print(f"   -- Started: {row.started_at()} ({row.started / 1e9:.2f} s after boot)")


def _capabilities(task: Task, verbose: int) -> None:
    print("   -- Capabilities:")
    for name, mask in capabilities(task.ts.cred).items():
        print(f"\t{name:<11} {mask:016x}{_named(mask)}")


def _named(mask: int) -> str:
    everything = (1 << len(CAPABILITIES)) - 1
    missing = everything & ~mask
    if not mask:
        return ""
    if not missing:
        return " all"
    if mask.bit_count() <= _FEW:
        return f" {' '.join(capability_names(mask))}"
    if missing.bit_count() <= _FEW:
        return f" all but {' '.join(capability_names(missing))}"
    return ""


def _security(task: Task, verbose: int) -> None:
    print(f"   -- Security: seccomp={seccomp(task.ts)} no_new_privs={no_new_privs(task.ts):d}")


def _namespaces(task: Task, verbose: int) -> None:
    print("   -- Namespaces:")
    numbers = namespaces.numbers(task)
    print("\t" + " ".join(f"{name}:[{number}]" for name, number in sorted(numbers.items())))
    inner = namespaces.inner_pids(task)
    if len(inner) > 1:
        print(f"\tpids from the outermost to its own: {' '.join(map(str, inner))}")


def _cgroup(task: Task, verbose: int) -> None:
    frozen = " (frozen)" if sched.is_frozen(task.ts) else ""
    print(f"   -- Cgroup: {one_line(sched.cgroup_path(task.ts))}{frozen}")


def _sleep(task: Task, verbose: int) -> None:
    row = row_of(task)
    channel = wait_channels([row]).get(row.task) if row else None
    if channel:
        wait = wait_record(task)
        print(f"   -- Sleeps in: {one_line(channel + waits_for(wait))}")


def waits_for(wait: dict[str, Any] | None) -> str:
    """A record of a wait in words: for what, and of whom."""
    if wait is None:
        return ""
    owners = ", ".join(f"pid={pid}" for pid in wait["owners"])
    sure = "" if wait["confidence"] == "certain" else f" ({wait['confidence']})"
    return f" for {wait['kind']} {wait['name']}" + (f" of {owners}{sure}" if owners else "")
