"""Owns the table of all tasks: the kernel's lists of them, as far as they can be believed.

Must not know what a task tells of itself, nor what programs print.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import _pykdump
from LinuxDump.members import name_members
from LinuxDump.task import MAX_TASKS, STRUCT, Task
from LinuxDump.taskclock import NS_PER_MS, getRunQueues, sched_clock2ms
from pykdump.API import (CU_LIVE, CU_PYMOD, DCache, crash, member_offset, memoize_cond, pylog,
                         readS32, readSU, sym2addr)
from pykdump.loggers import Log

_log = Log("LinuxDump.Tasks")       # where people look for it
_MAX_COMPLAINTS = 20
_PID_MAX_LIMIT = 4 << 20
_LARGEST_PID = (1 << 31) - 1


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
        init = readSU(STRUCT, sym2addr("init_task"))
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
        offset = member_offset(STRUCT, field)
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
        nodes, end, address, message = _pykdump.list_nodes(head, link, MAX_TASKS, STRUCT,
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
            known = self._clocks[cpu] = (rq.clock // NS_PER_MS, rq.curr)
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
