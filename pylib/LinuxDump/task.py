"""Owns what one task is: its state, its CPU, its threads and children, its files.

Must not know how all tasks are found, nor how stacks and sockets are laid out.
"""

from __future__ import annotations

from typing import Any

from LinuxDump.BTstack import BTStack, stack_of_task
from LinuxDump.fs import open_files
from LinuxDump.inet import proto
from LinuxDump.taskclock import last_ran, sched_clock2ms
from LinuxDump.taskstates import UNREADABLE, state_name
from pykdump.API import crash, readSU, readSUListFromHead
from pykdump.plaintext import one_line

STRUCT = "struct task_struct"
MAX_TASKS = 1_000_000


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


class Task:
    """One thread.  What it does not know itself its task_struct `ts` is asked for.

    `ttable` is the TaskList that it is in, whose module needs this one.
    """

    def __init__(self, ts: Any, ttable: Any) -> None:
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
        return sched_clock2ms(last_ran(self.ts))

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
            return state_name(self.ts)
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
        children = readSUListFromHead(self.ts.children, "sibling", STRUCT, maxel=MAX_TASKS)
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
