"""Owns what programs conclude of all tasks: hangs, memory pressure, a log daemon that is stuck.

Must not know how tasks, stacks or sockets are laid out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from heapq import nlargest
from typing import Any, NamedTuple

from LinuxDump import stacks
from LinuxDump.arghints import arguments_of
from LinuxDump.BTstack import verifyFastSet
from LinuxDump.frameregs import ARGUMENTS, FrameRegisters, registers_of_frames
from LinuxDump.inet.proto import get_AF_UNIX, unix_sock
from LinuxDump.pidlists import print_pidlist  # noqa: F401 - programs take it from here
from LinuxDump.taskrows import task_rows
from LinuxDump.Tasks import Task, TaskTable
from pykdump.API import *  # noqa: F401,F403 - likewise
from pykdump.API import (CU_LIVE, CU_LOAD, addr2sym, crash, memoize_cond, pylog, readSU,
                         walk_list)
from pykdump.plaintext import one_line

# A function that gives the tids of threads with functions on their stacks, by names with | between
FuncPids = Callable[[str], set[int]]

_OLDEST = 10
_LONG_AGO_MS = 120_000
# On the way to free memory; since 4.8 pages are reclaimed by node: b2e18757f2c9 ("mm, vmscan:
# begin reclaiming pages on a per-node basis")
_RECLAIM = ("shrink_node", "shrink_zone", "shrink_all_zones", "do_try_to_free_pages",
            "balance_dirty_pages")
_MOST_VERIFIED = 100
_MANY = 20
_UNINTERRUPTIBLE = "TASK_UNINTERRUPTIBLE"
_SYSLOG_DAEMONS = ("rsyslogd", "syslogd", "syslog-ng", "systemd-journal", "rs:main")
_SERIAL = re.compile(r"serial\d*_|uart_|wait_for_xmitr|tty_wait_until_sent")
# What wakes a task; on peer_wait are sockets too, which are woken otherwise.
_WAKES_TASKS = ("autoremove_wake_function", "default_wake_function", "woken_wake_function")
_MAX_WAITERS = 100_000


def check_possible_hang() -> int:
    """How many of the 10 threads that ran longest ago hang: uninterruptible for over 2 minutes."""
    longest = nlargest(_OLDEST, task_rows(), key=lambda row: row.ran_ago)
    hung = sum(1 for row in longest if row.ran_ago > _LONG_AGO_MS and row.code == "UN")
    if hung > 1:
        pylog.warning("Possible hang")
    return hung


def _tasks(pids: Iterable[int]) -> list[Task]:
    table = TaskTable()
    found = (table.getByTid(pid) for pid in sorted(pids))
    return [task for task in found if task is not None]


def check_memory_pressure(funcpids: FuncPids) -> bool | None:
    """Do threads wait for memory: True if many do or some sleep in it, False if none does."""
    pids = funcpids("|".join(_RECLAIM))
    if len(pids) < _MOST_VERIFIED:
        verifyFastSet(pids, "|".join(_RECLAIM))
    if not pids:
        return False
    states = Counter(task.state for task in _tasks(pids))
    if len(pids) <= _MANY and not any(state[5:7] == "UN" for state in states):
        return None
    names = [name for name in _RECLAIM if funcpids(name) & pids]
    pylog.warning("Memory pressure detected")
    print(f"  *** {', '.join(names)} ***")
    for state, count in sorted(states.items()):
        print(f"    {count:3} in {state} state")
    return True


def check_hanging_nfsd(funcpids: FuncPids) -> bool:
    """Is a thread of the NFS server uninterruptible."""
    if any(task.state == _UNINTERRUPTIBLE for task in _tasks(funcpids("nfsd"))):
        pylog.warning("Hanging nfsd threads")
        return True
    return False


def check_saphana() -> int:
    """0 without SAP, 1 with it, 2 with SAP HANA."""
    table = TaskTable()
    if not table.getByComm("sapstart"):
        return 0
    return 2 if table.getByComm("hdbindexserver") else 1


# -- who waits for a UNIX socket ----------------------------------------------------------------

class Crowd(NamedTuple):
    """Tasks that wait until somebody reads from a UNIX socket.

    sock     struct unix_sock
    path     where it is bound
    waiters  the tasks
    owners   processes that have it open, those first that ran last
    """

    sock: Any
    path: str
    waiters: list[Any]
    owners: list[Task]

    @property
    def daemon(self) -> Task | None:
        """The system's log daemon, if the socket is its own."""
        return next((task for task in self.owners if task.comm in _SYSLOG_DAEMONS), None)


def waiters_for_unix() -> list[Crowd]:
    """The UNIX sockets whose readers are waited for."""
    found = []
    for sock in get_AF_UNIX():
        try:
            waiters = _peer_waiters(sock)
            if waiters:
                found.append(Crowd(sock, unix_sock(sock)[2], waiters, _owners(sock)))
        except crash.error as err:
            pylog.error(f"{sock} cannot be read: {err}")
    return found


def _peer_waiters(sock: Any) -> list[Any]:
    entries, report = walk_list(sock.peer_wq.wait.head, "struct wait_queue_entry", "entry",
                                limit=_MAX_WAITERS)
    if not report.whole:
        pylog.error(f"waiters of {sock}: {report}")
    return [readSU("struct task_struct", entry.private) for entry in entries
            if addr2sym(int(entry.func)) in _WAKES_TASKS]


def _owners(sock: Any) -> list[Task]:
    socket = sock.sk.sk_socket
    if not socket or not socket.file:
        return []
    return sorted(TaskTable().getByFile(int(socket.file)), key=lambda task: task.Ran_ago)


def print_wait_for_AF_UNIX(v: int = 0) -> None:
    """Print who waits for readers of UNIX sockets.

    Of the log daemon there is a warning; with a negative `v` nothing else, with a positive one
    the tasks that wait too.
    """
    for crowd in waiters_for_unix():
        try:
            if crowd.daemon is not None:
                _warn_of_daemon(crowd, crowd.daemon)
            if v >= 0:
                _print_crowd(crowd, v)
        except crash.error as err:
            pylog.error(f"tasks that wait for {crowd.sock} cannot be read: {err}")


def _warn_of_daemon(crowd: Crowd, daemon: Task) -> None:
    text = (f"A problem with syslog daemon <{one_line(daemon.comm)}> pid={daemon.pid} "
            f"state={daemon.state[5:7]}\n"
            f"\tIt ran {daemon.Ran_ago / 1000:.2f}s ago and {len(crowd.waiters)} processes are "
            "waiting for it\n"
            "\tRun 'hanginfo --syslogger -v' to get more details")
    if int(daemon.ts) in crowd.waiters:
        text += f"\n\t<{one_line(daemon.comm)}> is waiting for its own socket"
    pylog.warning(text)
    try:
        stack = daemon.get_task_stack()
    except IndexError:
        return
    if stack.hasfunc(_SERIAL):
        pylog.warning("Syslog daemon is waiting for serial console")


def _print_crowd(crowd: Crowd, v: int) -> None:
    print(f" -- Socket we wait for: {crowd.sock} {one_line(crowd.path)}")
    if crowd.owners:
        youngest = crowd.owners[0]
        print(f"   Youngest process with this socket <{one_line(youngest.comm)}> "
              f"pid={youngest.pid}({youngest.state[5:7]}) ran {youngest.Ran_ago / 1000:5.2f}s ago")
    print(f"   ...  {len(crowd.waiters)} tasks waiting for this socket")
    if v > 0:
        for task in crowd.waiters:
            print(f"     pid={task.pid:7}   CMD={one_line(task.comm)}")


# -- arguments of functions ---------------------------------------------------------------------

def _frames(pid: int) -> list[FrameRegisters]:
    """The frames of a thread with what their registers held; none if there is no such thread."""
    task = TaskTable().getByTid(pid)
    return registers_of_frames(stacks.stack_of(task.ts)) if task else []


@memoize_cond(CU_LIVE | CU_LOAD)
def get_tentative_arg(pid: int, funcname: str, argN: int) -> int | None:
    """What an argument (0 to 5) of a function on the stack of a thread probably was.

    Of the outermost function whose name contains `funcname`, as it is passed in a register of
    x86_64; None if it is not known, or passed elsewhere.  crash.error without the library that
    decodes instructions.
    """
    found = None
    for each in _frames(pid):
        if funcname in (each.frame.function or ""):
            found = each.entry.get(ARGUMENTS[argN]) if 0 <= argN < len(ARGUMENTS) else None
    return None if found is None else found.value


def get_interesting_arguments(pid: int, re_funcnames: re.Pattern[str],
                              re_ctypes: re.Pattern[str]) -> Iterator[tuple[str, str, int]]:
    """Pointers to structs that functions on the stack of a thread were called with.

    (function, "struct x", address) of each whose function and type match, the innermost function
    first.  crash.error without the library that decodes instructions.
    """
    for each in _frames(pid):
        function = each.frame.function or ""
        if not re_funcnames.search(function):
            continue
        for argument in arguments_of(function):
            known = each.entry.get(argument.register.lower())
            if known and known.value and known.bits == 64 and argument.struct \
                    and re_ctypes.search(argument.struct):
                yield function, argument.struct, known.value
