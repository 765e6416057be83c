"""Owns tasks: the table of all of them, what state each is in and when it last ran.

Must not know how stacks, sockets or namespaces are laid out, nor what programs print, except
for the summary that many of them share.
"""

from __future__ import annotations

import functools
import importlib
import textwrap     # noqa: F401 - programs take these from here
from collections import Counter, defaultdict, namedtuple  # noqa: F401 - likewise
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import _pykdump
from LinuxDump import Constants, crashcolor, percpu
from LinuxDump.absent import absent
from LinuxDump.inet import proto
from LinuxDump.BTstack import BTStack, exec_bt, stack_of_task  # noqa: F401 - programs too
from LinuxDump.fs import get_dentry_name, open_files  # noqa: F401 - likewise
from LinuxDump.members import name_members
from LinuxDump.Time import get_uptime_fromcrash, jiffies2ms  # noqa: F401 - likewise
from pykdump import options
from pykdump.API import *  # noqa: F401,F403 - likewise
from pykdump.API import (CU_LIVE, CU_PYMOD, DCache, crash, member_offset, memoize_cond, pylog,
                         readPtr, readS32, readSU, readSUListFromHead, sym2addr,
                         sys_info)
from pykdump.loggers import Log
from pykdump.plaintext import one_line

_log = Log(__name__)
_STRUCT = "struct task_struct"
_MAX_TASKS = 1_000_000
_MAX_COMPLAINTS = 20
_PID_MAX_LIMIT = 4 << 20
_LARGEST_PID = (1 << 31) - 1
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


# The letters of a state, the first of its bits that are set, and its colour.
_SHORT_STATES = (
    ("DE", TASK_STATE.TASK_DEAD | TASK_STATE.EXIT_DEAD, crashcolor.LIGHTRED),
    ("ZO", TASK_STATE.EXIT_ZOMBIE, crashcolor.YELLOW),
    ("TR", TASK_STATE.TASK_TRACED, crashcolor.MAGENTA),
    ("ST", TASK_STATE.TASK_STOPPED, crashcolor.CYAN),
    ("UN", TASK_STATE.TASK_UNINTERRUPTIBLE, crashcolor.RED),
    ("IN", TASK_STATE.TASK_INTERRUPTIBLE, crashcolor.RESET),
    ("RU", 0, crashcolor.BLUE),
)
_STATE_COLORS = {letters: colour for letters, _bits, colour in _SHORT_STATES}


def task_state_str(state: int | str) -> str:
    """A state (its number, or its letters) by two letters: RU IN UN ST TR ZO DE."""
    if isinstance(state, str):
        return state
    return next(letters for letters, bits, _colour in _SHORT_STATES if state & bits or not bits)


def task_state_color(state: int | str) -> int:
    """The colour of crashcolor for a state; KeyError for unknown letters."""
    return _STATE_COLORS[task_state_str(state)]


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


def jiffie_clock_base() -> float:
    """ms since boot, by jiffies."""
    return get_uptime_fromcrash() * 1000


def get_uptime() -> str:
    """The same as text."""
    return ms2uptime(jiffie_clock_base())


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
        return f"PID={self.pid} {self.ts} CMD={one_line(self.comm)}"

    @property
    def cpu(self) -> int:
        """The CPU it runs on or ran on last."""
        return _cpu(self.ts)

    @property
    def active(self) -> bool:
        """Is it on its CPU now."""
        try:
            return self.ttable.cpu_clock(self.cpu)[1] == self.ts
        except (IndexError, crash.error):
            return False

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
            return 0.0 if current == self.ts else now - self.Last_ran
        except (IndexError, crash.error) as err:
            self.ttable.complain(f"Error in getting Rq of task {self.ts}: {err}")
            return 0.0

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
        children = readSUListFromHead(self.ts.children, "sibling", _STRUCT, maxel=_MAX_TASKS)
        return [self.ttable.task(ts) for ts in children if self.ttable.is_task(ts)]

    def hasChildren(self) -> bool:
        """Whether it has child processes."""
        children = self.ts.children
        return children.next != children

    def taskFds(self, short: bool = False) -> list[Any]:
        """(fd, file address, dentry, inode) of open files; `short`: the file addresses only."""
        files = self.ts.files
        if not files:
            return []
        table = list(open_files(files))
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
        """Its kernel stack; IndexError if it has none."""
        return stack_of_task(self)

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


# -- all of them ------------------------------------------------------------------------------

class TaskList:
    """All tasks of the dump; TaskTable() has the one that programs share.

    tt            thread group leaders in the kernel's order, then the idle tasks of other CPUs
    pids, comms   leaders by pid and by name, in lists: all idle tasks have pid 0
    runqueues     struct rq of each CPU
    """

    def __init__(self) -> None:
        name_members("tasks")
        name_members("files")
        self._problems: list[str] = []
        self._tasks: dict[int, Task] = {}               # by address of the task_struct
        self._groups: dict[int, list[Task]] = {}        # by address of the leader's
        self._clocks: dict[int, tuple[int, Any]] = {}   # by CPU
        self.runqueues = getRunQueues()
        self.pids: dict[int, list[Task]] = {}
        self.comms: defaultdict[str, list[Task]] = defaultdict(list)
        self.tt: list[Task] = [self.task(ts) for ts in self._leaders()]
        for task in self.tt:
            self.pids.setdefault(task.ts.pid, []).append(task)
            self.comms[str(task.ts.comm)].append(task)
        _log.info("a table of %d processes is made", len(self.tt))

    def task(self, ts: Any) -> Task:
        """The one Task of this table for a task_struct."""
        known = self._tasks.get(ts)
        if known is None:
            known = self._tasks[ts] = Task(ts, self)
        return known

    # -- damage --

    def is_task(self, ts: Any) -> bool:
        """Whether a task_struct that a list leads to can be read; if not, say so."""
        try:
            return bool((ts.pid, ts.comm))
        except crash.error as err:
            self.complain(f"corrupted task {ts}: {err}")
            return False

    def complain(self, text: str) -> None:
        """Report damage, here and in each later command that uses this table."""
        if text in self._problems:
            return
        self._problems.append(text)
        if len(self._problems) <= _MAX_COMPLAINTS:
            pylog.error(text)
        elif len(self._problems) == _MAX_COMPLAINTS + 1:
            pylog.error("there is more damage to tasks than is shown here")

    @property
    def problems(self) -> list[str]:
        """All damage to tasks that was seen: sentences with addresses."""
        return list(self._problems)

    def repeat_complaints(self) -> None:
        """Report again what was wrong with the lists when the table was made."""
        for text in self._problems[:_MAX_COMPLAINTS]:
            pylog.error(text)

    # -- the kernel's lists --

    def _leaders(self) -> list[Any]:
        init = readSU(_STRUCT, sym2addr("init_task"))
        leaders = [init, *self._list(init.tasks, "tasks", "task-list")]
        for rq in self.runqueues:
            try:
                idle = rq.idle
                if idle and idle != init and idle.pid == 0:
                    leaders.append(idle)
            except crash.error:
                continue        # a CPU that never was there
        return leaders

    def _list(self, head: int, field: str, what: str) -> list[Any]:
        """What is on a list, as far as it can be read: from both ends if it is damaged."""
        offset = member_offset(_STRUCT, field)
        found, damage = self._walk(head, 0, offset)
        if damage is None:
            return found
        known = set(found)
        backwards, _same = self._walk(head, 8, offset)
        more = [ts for ts in reversed(backwards) if ts not in known]
        self.complain(f"corrupted {what} of <list_head 0x{head:x}>: {damage}; {len(found)} tasks "
                      f"could be read from its beginning, {len(more)} from its end")
        return found + more

    def _walk(self, head: int, link: int, offset: int) -> tuple[list[Any], str | None]:
        """Tasks on a list up to the first that cannot be one, and what is wrong then."""
        nodes, end, address, message = _pykdump.list_nodes(head, link, _MAX_TASKS, _STRUCT,
                                                           offset, True)
        for index, ts in enumerate(nodes):
            fault = _fault(ts)
            if fault:
                return nodes[:index], fault
        if end != "whole":
            return nodes, f"{message or end} at node 0x{address:x}"
        return nodes, None

    def thread_group(self, leader: Any) -> list[Task]:
        """All threads of a group, in its order."""
        group = self._groups.get(leader)
        if group is None:
            group = self._groups[leader] = [self.task(ts) for ts in self._threads(leader)]
        return group

    def _threads(self, leader: Any) -> list[Any]:
        try:
            # 6.7 has no other list: 8e1f385104ac ("kill task_struct->thread_group")
            threads = self._list(leader.signal.thread_head, "thread_node",
                                 f"list of threads of {leader}")
        except KeyError:        # before 3.14
            threads = self._list(leader.thread_group, "thread_group",
                                 f"list of threads of {leader}")
        except crash.error as err:
            self.complain(f"corrupted task {leader}: {err}")
            threads = []
        return threads if leader in threads or not self.is_task(leader) else [leader, *threads]

    # -- what programs ask for --

    def allTasks(self) -> list[Task]:
        """Thread group leaders."""
        return self.tt

    @functools.cached_property
    def allthreads(self) -> list[Task]:
        """All threads, leaders too, by tid."""
        found = {task.ts: task for leader in self.tt for task in self.thread_group(leader.ts)}
        threads = sorted(found.values(), key=lambda task: task.ts.pid)
        if self._problems:
            known = sum(1 for task in threads if task.ts.pid)
            self.complain(f"{known} of {readS32(sym2addr('nr_threads'))} threads could be read")
        return threads

    @functools.cached_property
    def tids(self) -> dict[int, Task]:
        """Threads by tid; of the idle tasks the first."""
        return {task.ts.pid: task for task in reversed(self.allthreads)}

    def allThreads(self) -> list[Task]:
        """All threads of all processes, by rising tid."""
        return self.allthreads

    def getByPid(self, pid: int) -> Task | None:
        """The leader with this pid."""
        tasks = self.pids.get(pid)
        return tasks[0] if tasks else None

    def getByTid(self, tid: int) -> Task | None:
        """The thread with this tid; None if there is none."""
        return self.tids.get(tid)

    def lookup(self, number: int) -> Task | None:
        """The thread with a tid, or at an address: what parse_task makes of a text."""
        if not is_task_address(number):
            return self.getByTid(number)
        return next((task for task in self.allthreads if task.ts == number), None)

    def getByComm(self, comm: str) -> list[Task]:
        """Leaders of exactly this name."""
        return self.comms.get(comm, [])

    def getThreadsByComm(self, comm: str) -> Iterator[Task]:
        """The same, each with its threads behind it."""
        for leader in self.getByComm(comm):
            yield leader
            yield from leader.threads

    def children(self, task: Task) -> list[Task]:
        """The processes that any thread of a task's process has forked."""
        return [child for thread in self.thread_group(task.ts.group_leader)
                for child in thread.taskChildren()]

    @functools.cached_property
    def filepids(self) -> dict[int, list[Task]]:
        """Leaders by the files they have open."""
        holders: dict[int, list[Task]] = {}
        for task in self.tt:
            try:
                for file in dict.fromkeys(task.taskFds(short=True)):
                    holders.setdefault(file, []).append(task)
            except crash.error as err:
                self.complain(f"files of {task}: {err}")
        return holders

    def getByFile(self, filep: int) -> list[Task]:
        """Leaders that have a struct file open."""
        return self.filepids.get(filep, [])

    @functools.cached_property
    def pidnamespaces(self) -> defaultdict[Any, list[Task]]:
        """Leaders by the PID namespace they live in, without the first one."""
        inside: defaultdict[Any, list[Task]] = defaultdict(list)
        for task in self.tt:
            try:
                pid = task.task_get_pid()
                if pid and pid.level > 0:
                    inside[pid.numbers[pid.level].ns].append(task)
            except crash.error as err:
                self.complain(f"PID namespace of {task}: {err}")
        return inside

    def cpu_clock(self, cpu: int) -> tuple[int, Any]:
        """(clock of a CPU's run queue in ms, the task on the CPU); IndexError, crash.error.

        The clock of an idle CPU stands still.
        """
        known = self._clocks.get(cpu)
        if known is None:
            rq = self.runqueues[cpu]
            known = self._clocks[cpu] = (rq.clock // _NS_PER_MS, rq.curr)
        return known

    @functools.cached_property
    def basems(self) -> float:
        """Now: the latest clock of all run queues, in the ms of Last_ran."""
        return max(sched_clock2ms(rq.clock) for rq in self.runqueues)


def parse_task(text: str) -> int:
    """A tid, or above 2^31-1 an address: crash prints addresses without 0x.  ValueError."""
    try:
        number = int(text, 0)
    except ValueError:
        return int(text, 16)
    # A whole address may happen to have no letter in it.
    return int(text, 16) if is_task_address(number) and len(text) == 16 else number


def is_task_address(number: int) -> bool:
    """Is a number that stands for a task its address, not its tid."""
    return number > _LARGEST_PID


def _fault(ts: Any) -> str | None:
    """What shows that this is no task."""
    try:
        pid, tgid = ts.pid, ts.tgid
    except crash.error as err:
        return str(err)
    limit = _pid_max()
    if 0 <= pid <= limit and 0 <= tgid <= limit:
        return None
    return f"pid({pid})/tgid({tgid}) not in range pid_max({limit}) {ts}"


@memoize_cond(CU_LIVE)
def _pid_max() -> int:
    try:
        return readSU("struct pid_namespace", sym2addr("init_pid_ns")).pid_max      # 6.14
    except KeyError:
        address = sym2addr("pid_max")
        return readS32(address) if address else _PID_MAX_LIMIT


@memoize_cond(CU_LIVE | CU_PYMOD)
def _task_table() -> TaskList:
    return TaskList()


def TaskTable(MEMOIZE: bool = True) -> TaskList:
    """The tasks of this dump: read once in a session, on a live system each time."""
    table = _task_table(MEMOIZE=MEMOIZE)
    if DCache.tmp.task_table is not table:
        if DCache.tmp.task_table is None and DCache.perm.task_table is table:
            table.repeat_complaints()
        DCache.tmp.task_table = DCache.perm.task_table = table
    return table


def _nsproxy_of(pid: int) -> Any:
    task = TaskTable().getByTid(pid)
    return task.nsproxy if task else None


options.resolve_usens = _nsproxy_of


# -- sums -------------------------------------------------------------------------------------

class Summary(NamedTuple):
    """What `taskinfo --summary` tells."""

    recent: dict[int, int]      # seconds -> threads that ran in the last so many
    states: dict[str, int]      # name of a state -> threads in it
    threads: int
    own_namespaces: int         # user processes that are not in the namespaces of the first


@memoize_cond(CU_LIVE | CU_PYMOD)
def summarize() -> Summary:
    """Count all threads, idle tasks included."""
    from LinuxDump.taskrows import task_rows    # it needs this module

    rows = task_rows()
    recent = {seconds: sum(row.ran_ago <= seconds * 1000 for row in rows)
              for seconds in (1, 5, 60)}
    states = Counter(row.state for row in rows)
    return Summary(recent, dict(sorted(states.items())), len(rows),
                   _own_namespaces(TaskTable()))


def _own_namespaces(table: TaskList) -> int:
    """Kernel threads do not count: kdevtmpfs always has a mount namespace of its own."""
    initial = sym2addr("init_nsproxy")
    if not initial:
        return 0
    return sum(1 for task in table.tt
               if not task.ts.flags & _PF_KTHREAD and task.ts.nsproxy not in (0, initial))


def tasksSummary() -> int:
    """Print how many threads ran recently and are in which state; the number of threads."""
    summary = summarize()
    title = "Number of Threads That Ran Recently"
    print(title)
    print("-" * len(title))
    for label, count in zip(("last second", "last     5s", "last    60s"),
                            summary.recent.values()):
        print(f"   {label}   {count:5}")
    print("\n ----- Total Numbers of Threads per State ------")
    for name, count in summary.states.items():
        print(f"  {name:<40}  {count:4}")
    print()
    if summary.own_namespaces:
        pylog.warning(f"There are {summary.own_namespaces} threads running in their own "
                      "namespaces\n\tUse 'taskinfo --ns' to get more details")
    return summary.threads


def decode_waitq(wq: Any) -> list[Any]:
    """struct task_struct of those who wait in a wait_queue_head, in its order."""
    waiters = readSUListFromHead(wq.head, "entry", "struct wait_queue_entry")
    return [readSU(_STRUCT, waiter.private) for waiter in waiters]


# -- historical names of what other modules hold now ------------------------------------------

def print_namespaces_info(tt: TaskList, v: int = 0) -> None:
    """Print who is in namespaces of their own."""
    from LinuxDump import namespaces

    namespaces.print_namespaces_info(tt, v)


def _of(module: str, name: str) -> Callable[..., Any]:
    """A function of a module that needs this one, which is imported when it is called."""
    def forward(*args: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*args)

    forward.__name__ = forward.__qualname__ = name
    forward.__doc__ = f"See {module}.{name}."
    return forward


print_memory_stats = _of("LinuxDump.taskmem", "print_memory_stats")
get_task_mem_usage = _of("LinuxDump.taskmem", "get_task_mem_usage")
print_mm_stats = _of("LinuxDump.taskmem", "print_mm_stats")
get_ipcs_m = _of("LinuxDump.sysvshm", "get_ipcs_m")
get_task_shm_usage = _of("LinuxDump.sysvshm", "get_task_shm_usage")
vma2sysv = _of("LinuxDump.sysvshm", "vma2sysv")
get_ioctx_list = absent(__name__, "get_ioctx_list")


def __getattr__(name: str) -> Any:
    """`init_task`, and `init_nsproxy`, which is None on a kernel without namespaces."""
    if name == "init_task":
        return readSU(_STRUCT, sym2addr("init_task"))
    if name == "init_nsproxy":
        address = sym2addr("init_nsproxy")
        return readSU("struct nsproxy", address) if address else None
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def decode_tflags(flags: int, offset: int = 0) -> str:
    """A line for each bit that is set in thread_info.flags."""
    from LinuxDump import threadflags

    return threadflags.decode_tflags(flags, offset)
