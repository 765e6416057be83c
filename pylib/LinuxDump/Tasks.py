"""Owns tasks: the table of all of them, what state each is in and when it last ran.

Must not know how stacks, sockets or namespaces are laid out, nor what programs print, except
for the summary that many of them share.
"""

from __future__ import annotations

import functools
import struct
import textwrap     # noqa: F401 - programs take these from here
from collections import Counter, defaultdict, namedtuple  # noqa: F401 - likewise
from collections.abc import Iterator
from typing import Any, NamedTuple

import _pykdump
from LinuxDump import Constants, percpu
from LinuxDump.BTstack import BTStack, exec_bt
from LinuxDump.Time import jiffies2ms  # noqa: F401 - programs take it from here
from LinuxDump.fs import get_dentry_name  # noqa: F401 - likewise
from LinuxDump.inet import proto
from pykdump import options
from pykdump.API import *  # noqa: F401,F403 - likewise
from pykdump.API import (CU_LIVE, CU_PYMOD, DCache, crash, member_offset, memoize_cond, pylog,
                         readmem, readS32, readSU, readSUListFromHead, structSetAttr, sym2addr,
                         sys_info)

_STRUCT = "struct task_struct"
_MAX_TASKS = 1_000_000
_PID_MAX_LIMIT = 4 << 20
_MAX_FDS = 1 << 24
_NS_PER_MS = 1_000_000
_PF_KTHREAD = 0x00200000

# -- states -----------------------------------------------------------------------------------

# As they are since 4.14.  TASK_STOPPED and TASK_TRACED are the bits that the kernel has with two
# underscores before the name.
TASK_STATE = Constants(
    TASK_RUNNING=0, TASK_INTERRUPTIBLE=1, TASK_UNINTERRUPTIBLE=2, TASK_STOPPED=4, TASK_TRACED=8,
    EXIT_DEAD=0x10, EXIT_ZOMBIE=0x20, TASK_PARKED=0x40, TASK_DEAD=0x80, TASK_WAKEKILL=0x100,
    TASK_WAKING=0x200, TASK_NOLOAD=0x400, TASK_NEW=0x800,
    TASK_RTLOCK_WAIT=0x1000,        # 5.15
    # 6.1: f5d39b020809 ("freezer,sched: Rewrite core freezer logic")
    TASK_FREEZABLE=0x2000, TASK_FREEZABLE_UNSAFE=0x4000, TASK_FROZEN=0x8000)
_IDLE = TASK_STATE.TASK_UNINTERRUPTIBLE | TASK_STATE.TASK_NOLOAD
# An attribute only: as an item it would take part in the naming of bits.
object.__setattr__(TASK_STATE, "TASK_IDLE", _IDLE)

# These say how a task is to be treated while it is in a state, not in which one it is.
_MODIFIERS = (TASK_STATE.TASK_NOLOAD | TASK_STATE.TASK_NEW | TASK_STATE.TASK_FREEZABLE
              | TASK_STATE.TASK_FREEZABLE_UNSAFE)
_TRAPPED = TASK_STATE.TASK_STOPPED | TASK_STATE.TASK_TRACED
UNREADABLE = "??"


@functools.lru_cache(maxsize=None)
def task_state2str(state: int) -> str:
    """The names of a task state's bits, low ones first; `state:N` if none is known."""
    bits = state & ~_MODIFIERS
    if state & _IDLE == _IDLE and bits == TASK_STATE.TASK_UNINTERRUPTIBLE:
        return "TASK_IDLE"
    if bits & _TRAPPED:
        bits &= ~TASK_STATE.TASK_WAKEKILL       # a part of being stopped
    if not bits:
        return "TASK_RUNNING"
    names = [name for name, bit in TASK_STATE.items() if bit & bits]
    return "|".join(names) or f"state:{state}"


def getTaskState(task: Any) -> int:
    """The state of a task as a number, without the exit state."""
    try:
        return task.__state     # 5.14: 2f064a59a11f ("sched: Change task_struct::state")
    except KeyError:
        return task.state


def _state_name(ts: Any) -> str:
    exit_state = ts.exit_state
    if exit_state:
        dead = not exit_state & TASK_STATE.EXIT_ZOMBIE
        return "EXIT_DEAD" if dead else "EXIT_ZOMBIE"
    return task_state2str(getTaskState(ts))


# -- clocks -----------------------------------------------------------------------------------

@memoize_cond(CU_LIVE)
def getRunQueues() -> list[Any]:
    """struct rq of each CPU."""
    addresses = percpu.get_cpu_var("runqueues")
    sys_info.runqueues_addrs = addresses
    return [readSU("struct rq", address) for address in addresses]


def sched_clock2ms(v: int) -> float:
    """A time of the scheduler's clock (ns) in ms."""
    return v / _NS_PER_MS


def ms2uptime(ms: float) -> str:
    """A duration as `3 days, 04:05:06`."""
    days, seconds = divmod(int(ms // 1000), 86400)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{days} days, {clock}" if days else clock


def _last_ran(ts: Any) -> int:
    """When a task was last put on a CPU, ns of the clock of run queues."""
    try:
        return ts.sched_info.last_arrival
    except KeyError:
        return ts.se.exec_start     # without CONFIG_SCHED_INFO: when its time was last counted


def _cpu(ts: Any) -> int:
    try:
        # 5.16: bcf9033e5449 ("sched: move CPU field back into thread_info if
        # THREAD_INFO_IN_TASK=y")
        return ts.thread_info.cpu
    except KeyError:
        pass
    try:
        return ts.cpu
    except KeyError:
        return readSU("struct thread_info", ts.stack).cpu   # below the stack


# -- one task ---------------------------------------------------------------------------------

class Task:
    """One thread.  What it does not know itself its task_struct `ts` is asked for."""

    def __init__(self, ts: Any, ttable: TaskList) -> None:
        self.ts = ts
        self.ttable = ttable

    def __getattr__(self, name: str) -> Any:
        if name == "ts" or name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)      # copy and pickle ask, before there is a ts
        return getattr(self.ts, name)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"PID={self.pid} {self.ts} CMD={self.comm}"

    @property
    def cpu(self) -> int:
        """The CPU it runs on or ran on last."""
        return _cpu(self.ts)

    @property
    def Rq(self) -> Any:
        """struct rq of its CPU; IndexError if there is no such CPU."""
        return self.ttable.runqueues[self.cpu]

    @property
    def Last_ran(self) -> float:
        """When it was last put on a CPU, ms since boot."""
        return sched_clock2ms(_last_ran(self.ts))

    @property
    def Ran_ago(self) -> float:
        """ms since it was last put on a CPU, by the clock of that CPU; 0 if it is on it now."""
        try:
            now, current = self.ttable.cpu_clock(self.cpu)
        except IndexError:
            self.ttable.complain(f"Error in getting Rq of task {self}")
            return 0.0
        return 0.0 if current == self.ts else now - self.Last_ran

    @property
    def state(self) -> str:
        """The name of its state, for a dead one of its exit state; ?? if unreadable."""
        try:
            return _state_name(self.ts)
        except crash.error as err:
            self.ttable.complain(f"corrupted task {self.ts}: {err}")
            return UNREADABLE

    @property
    def threads(self) -> list[Task]:
        """The other threads of its group, in the order of the group."""
        return [task for task in self.ttable.thread_group(self.ts.group_leader)
                if task.ts != self.ts]

    def taskChildren(self) -> list[Task]:
        """What this thread has forked; a process may have children of its other threads too."""
        return [Task(ts, self.ttable)
                for ts in readSUListFromHead(self.ts.children, "sibling", _STRUCT,
                                             maxel=_MAX_TASKS)]

    def hasChildren(self) -> bool:
        children = self.ts.children
        return children.next != children

    def taskFds(self, short: bool = False) -> list[Any]:
        """(fd, file address, dentry, inode) of open files; `short`: the file addresses only."""
        files = self.ts.files
        if not files:
            return []
        table = [(fd, file) for fd, file in _open_files(files.fdt)]
        if short:
            return [file for _fd, file in table]
        opened = ((fd, file, readSU("struct file", file)) for fd, file in table)
        return [(fd, file, su.f_path.dentry, su.f_inode) for fd, file, su in opened]

    def get_task_socks(self) -> list[Any]:
        """struct sock of each of its open sockets."""
        addresses = (proto.inode2socketaddr(inode) for _fd, _file, _dentry, inode
                     in self.taskFds())
        return [readSU("struct socket", address).sk for address in addresses if address]

    def get_task_stack(self) -> BTStack:
        """Its kernel stack; IndexError if bt has nothing."""
        return exec_bt(f"bt 0x{self.ts:x}")[0]

    def task_get_pid(self) -> Any:
        """Its struct pid; NULL once it was released."""
        try:
            return self.ts.thread_pid           # 4.19
        except KeyError:
            return self.ts.pids[0].pid

    def task_ns(self) -> Any:
        """struct pid_namespace it lives in, the innermost one."""
        pid = self.task_get_pid()
        return pid.numbers[pid.level].ns


def _open_files(fdt: Any) -> Iterator[tuple[int, int]]:
    """(fd, address of its struct file), ascending."""
    count = fdt.max_fds
    if not 0 < count <= _MAX_FDS:
        return
    bits = int.from_bytes(readmem(fdt.open_fds, (count + 7) // 8), "little")
    used = bits.bit_length()
    if not used:
        return
    files = struct.unpack(f"{used}Q", readmem(fdt.fd, used * 8))
    for fd, file in enumerate(files):
        if file and bits >> fd & 1:
            yield fd, file


# -- all of them ------------------------------------------------------------------------------

class TaskList:
    """All tasks of the dump; TaskTable() has the one that programs share.

    tt            thread group leaders in the kernel's order, then the idle tasks of other CPUs
    pids, comms   leaders by pid and by name, in lists: all idle tasks have pid 0
    runqueues     struct rq of each CPU
    """

    def __init__(self) -> None:
        _name_members()
        self.problems: list[str] = []
        self.runqueues = getRunQueues()
        self.pids: dict[int, list[Task]] = {}
        self.comms: defaultdict[str, list[Task]] = defaultdict(list)
        self.tt: list[Task] = []
        for ts in self._leaders():
            task = Task(ts, self)
            self.tt.append(task)
            self.pids.setdefault(ts.pid, []).append(task)
            self.comms[ts.comm].append(task)
        self._groups: dict[int, list[Task]] = {}
        self._clocks: dict[int, tuple[int, Any]] = {}

    # -- reading --

    def complain(self, text: str) -> None:
        """Report damage now, and again in each later command that uses this table."""
        if text not in self.problems:
            self.problems.append(text)
            pylog.error(text)

    def _leaders(self) -> list[Any]:
        init = readSU(_STRUCT, sym2addr("init_task"))
        offset = member_offset(_STRUCT, "tasks")
        found, damage = self._walk(init + 0 if False else init, offset)
        return [init, *found]
