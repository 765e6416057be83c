"""Owns rows: what lists of tasks say about each thread, read for all of them in one pass.

Must not know what programs print, nor which rows they want.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from LinuxDump import stacks
from LinuxDump.Tasks import (TASK_STATE, UNREADABLE, Task, TaskTable, sched_clock2ms,
                             task_state2str)
from LinuxDump.Time import boot_time
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (CU_LIVE, CU_PYMOD, columns, crash, memoize_cond, sym2addr)

_STRUCT = "struct task_struct"
_KTHREAD = 0x00200000
# What is read of each, the newest kernel's path first; it is described where Tasks reads it.
_PATHS = (
    ("pid",), ("tgid",), ("comm",), ("flags",), ("exit_state",),
    ("__state", "state"),
    ("thread_info.cpu", "cpu"),
    ("sched_info.last_arrival", "se.exec_start"),
    ("real_parent.tgid",),
    ("real_cred.uid.val", "real_cred.uid"),
    ("start_boottime", "real_start_time"),      # 5.5: cf25e24db61c, ns with time asleep
)


class Row(NamedTuple):
    """One thread.

    task       address of its task_struct
    ppid       pid of its parent, None if that cannot be read
    state      name as Task.state has it, ?? if unreadable
    ran_ago    ms since it was last put on a CPU, 0 if it is on one
    active     is it on its CPU now
    uid        None if that cannot be read
    started    ns since boot
    kthread    is it one of the kernel's own
    """

    task: int
    pid: int
    tgid: int
    ppid: int | None
    comm: str
    cpu: int
    active: bool
    state: str
    ran_ago: float
    uid: int | None
    started: int
    kthread: bool

    @property
    def code(self) -> str:
        """Its state in two letters: RU IN UN ..."""
        return self.state[5:7] or UNREADABLE

    @property
    def leader(self) -> bool:
        return self.pid == self.tgid

    def started_at(self) -> datetime | None:
        """When it was made, in local time; None if the kernel's clock is not known."""
        boot = boot_time()
        return None if boot is None else datetime.fromtimestamp((boot + self.started) // 1000 / 1e6)


@memoize_cond(CU_LIVE | CU_PYMOD)
def task_rows() -> list[Row]:
    """All threads: leaders in the kernel's order, each with its threads behind it."""
    table = TaskTable()
    tasks = [task for leader in table.allTasks() for task in table.thread_group(leader.ts)]
    paths = [_path(candidates) for candidates in _PATHS]
    read = columns([task.ts for task in tasks], _STRUCT, paths)
    rows = []
    for task, values in zip(tasks, read.rows()):
        row = _row(task, values)
        if row is None:
            table.complain(f"{task.ts} cannot be read")
        else:
            rows.append(row)
    return rows


@memoize_cond(CU_LIVE | CU_PYMOD)
def _by_address() -> dict[int, Row]:
    return {row.task: row for row in task_rows()}


def row_of(task: Task) -> Row | None:
    """The row of a Task; None if it could not be read."""
    return _by_address().get(int(task.ts))


def _path(candidates: Iterable[str]) -> str:
    """The first that this kernel has, the last if it has none."""
    for path in candidates:
        try:
            columns([], _STRUCT, [path])
            break
        except KeyError:
            continue
    return path


def _row(task: Task, values: tuple[Any, ...]) -> Row | None:
    """None for a task of which too much is missing."""
    pid, tgid, comm, flags, exit_state, state, cpu, arrived, ppid, uid, started = values
    if None in (pid, tgid, comm, flags, cpu, arrived, started):
        return None
    try:
        now, current = task.ttable.cpu_clock(cpu)
        active = current == task.ts
        ago = 0.0 if active else now - sched_clock2ms(arrived)
    except (IndexError, crash.error) as err:
        task.ttable.complain(f"Error in getting Rq of task {task.ts}: {err}")
        active, ago = False, 0.0
    return Row(int(task.ts), pid, tgid, ppid, comm, cpu, active, _state(exit_state, state), ago,
               uid, started, bool(flags & _KTHREAD))


def _state(exit_state: int | None, state: int | None) -> str:
    if exit_state:
        return "EXIT_ZOMBIE" if exit_state & TASK_STATE.EXIT_ZOMBIE else "EXIT_DEAD"
    return UNREADABLE if state is None or exit_state is None else task_state2str(state)


# -- which of them ------------------------------------------------------------------------------

class Filter(NamedTuple):
    """What rows must be; None and 0 for anything."""

    codes: frozenset[str] | None = None     # of states, two letters each
    comm: str | None = None                 # a pattern as of file names
    uid: int | None = None
    cpu: int | None = None
    older: float = 0                        # seconds it has not run at least

    def chosen(self, rows: Iterable[Row]) -> list[Row]:
        return [row for row in rows if self.fits(row)]

    def fits(self, row: Row) -> bool:
        return ((self.codes is None or row.code in self.codes)
                and (self.comm is None or fnmatch.fnmatchcase(row.comm, self.comm))
                and (self.uid is None or row.uid == self.uid)
                and (self.cpu is None or row.cpu == self.cpu)
                # the clock of an idle CPU stands still, behind tasks that it was given last
                and (not self.older or row.ran_ago >= self.older * 1000))


def codes_of(text: str | None) -> frozenset[str] | None:
    """Codes of states as people list them: `UN, RU`."""
    return None if text is None else frozenset(code.strip() for code in text.split(","))


# -- where they sleep ---------------------------------------------------------------------------

def wait_channels(rows: Iterable[Row]) -> dict[int, str]:
    """Address of a task -> the function that it sleeps in, as /proc/PID/wchan has it.

    Those that run, are dead, or whose stacks cannot be read, are left out.
    """
    wanted = [row.task for row in rows if not row.active and row.state != "TASK_RUNNING"]
    found = {}
    for stack, members in stacks.group_stacks(wanted):
        name = _channel(stack.frames)
        if name:
            found.update(dict.fromkeys(members, name))
    return found


def _channel(frames: Iterable[Any]) -> str:
    inside = _is_scheduler()
    return next((frame.function for frame in frames
                 if frame.function and not inside(frame.ip)), "")


def _is_scheduler() -> Callable[[int], bool]:
    """Whether an address is in what the kernel marks as code of scheduling and of locks."""
    areas = [(sym2addr(f"__{name}_text_start"), sym2addr(f"__{name}_text_end"))
             for name in ("sched", "lock")]
    return lambda address: any(start <= address < end for start, end in areas)
