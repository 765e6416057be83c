"""Owns the description of one task as data that JSON can hold: parts, each read by itself.

Must not know how they are shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from LinuxDump import creds, namespaces, sched
from LinuxDump.taskrows import Row, row_of, wait_channels
from LinuxDump.Tasks import Task
from LinuxDump.threadflags import flag_names
from LinuxDump.waiters import wait_of
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import crash, readSU

Part = dict[str, Any]
DEAD = ("EXIT_DEAD", "EXIT_ZOMBIE", "TASK_DEAD")


def brief(ts: Any) -> Part:
    """A task_struct by pid, name and address."""
    return {"pid": ts.pid, "comm": str(ts.comm), "task": f"0x{ts:x}"}


def row_record(row: Row) -> Part:
    """A row as JSON has it."""
    started = row.started_at()
    return {"pid": row.pid, "tgid": row.tgid, "ppid": row.ppid, "comm": row.comm,
            "task": f"0x{row.task:x}", "cpu": row.cpu, "active": row.active, "state": row.state,
            "ran_ms_ago": row.ran_ago, "uid": row.uid, "kthread": row.kthread,
            "started_s": row.started / 1e9,
            "started": started.astimezone().isoformat() if started else None}


def thread_info(task: Task) -> Any:
    """struct thread_info of a Task."""
    try:
        return task.ts.thread_info      # since 4.9 in the task_struct, where it is so configured
    except KeyError:
        return readSU("struct thread_info", task.ts.stack)


# -- parts --------------------------------------------------------------------------------------

def _parents(task: Task) -> Part:
    return {"parent": brief(task.ts.parent), "real_parent": brief(task.ts.real_parent)}


def _children(task: Task) -> Part:
    return {"children": [brief(child.ts) for child in task.ttable.children(task)]}


def _flags(task: Task) -> Part:
    flags = thread_info(task).flags
    names = flag_names()
    return {"flags": flags, "names": [f"TIF_{names[bit]}" if bit in names else f"bit {bit}"
                                      for bit in range(flags.bit_length()) if flags >> bit & 1]}


def _threads(task: Task) -> Part:
    return {"leader": brief(task.ts.group_leader), "live": task.ts.signal.live.counter,
            "threads": [brief(thread.ts)
                        for thread in task.ttable.thread_group(task.ts.group_leader)]}


def _credentials(task: Task) -> Part:
    real, effective = task.ts.real_cred, task.ts.cred
    return {"cred": _cred(effective),
            "real_cred": None if real == effective else _cred(real)}


def _cred(cred: Any) -> Part:
    known = creds.credentials(cred)
    return {**known.ids, "groups": known.groups, "user_struct": f"0x{known.user:x}",
            "capabilities": {name: f"{mask:016x}"
                             for name, mask in creds.capabilities(cred).items()}}


def _limits(task: Task) -> Part:
    return {name: {"current": None if current == creds.NO_LIMIT else current,
                   "maximum": None if maximum == creds.NO_LIMIT else maximum}
            for name, current, maximum in creds.rlimits(task.ts.signal)}


def _scheduling(task: Task) -> Part:
    return sched.scheduling(task.ts)._asdict()


def _security(task: Task) -> Part:
    return {"seccomp": creds.seccomp(task.ts), "no_new_privs": creds.no_new_privs(task.ts)}


def _namespaces(task: Task) -> Part:
    return {"numbers": namespaces.numbers(task), "pids": namespaces.inner_pids(task)}


def _cgroup(task: Task) -> Part:
    return {"path": sched.cgroup_path(task.ts), "frozen": sched.is_frozen(task.ts)}


def _sleep(task: Task) -> Part:
    row = row_of(task)
    channel = wait_channels([row]).get(row.task) if row else None
    return {"wchan": channel, "wait": wait_record(task) if channel else None}


def wait_record(task: Task) -> Part | None:
    """What a Task waits for; None if that is not known."""
    wait = wait_of(task.ts)
    if wait is None:
        return None
    owners = [task.ttable.task(readSU("struct task_struct", owner)) for owner in wait.owners]
    return {"kind": wait.kind, "name": wait.name, "obj": f"0x{wait.obj:x}",
            "owners": [owner.pid for owner in owners], "confidence": wait.confidence,
            "note": wait.note}


# In the order in which they are shown.  Of the dead there is nothing else than the first.
PARTS: dict[str, Callable[[Task], Part]] = {
    "parents": _parents, "children": _children, "thread_flags": _flags, "threads": _threads,
    "credentials": _credentials}
LIVE_PARTS: dict[str, Callable[[Task], Part]] = {
    "limits": _limits, "scheduling": _scheduling, "security": _security,
    "namespaces": _namespaces, "cgroup": _cgroup, "sleep": _sleep}


def describe(task: Task) -> Part:
    """Everything about a Task; of a part that cannot be read {"error": why}."""
    row = row_of(task)
    parts = dict(PARTS) if task.state in DEAD else PARTS | LIVE_PARTS
    return {"task": row_record(row) if row else brief(task.ts),
            **{name: _attempt(part, task) for name, part in parts.items()}}


def _attempt(part: Callable[[Task], Part], task: Task) -> Part:
    try:
        return part(task)
    except (crash.error, KeyError, IndexError, AttributeError) as err:
        return {"error": str(err)}
