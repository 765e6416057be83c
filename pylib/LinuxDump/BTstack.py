"""Owns kernel stacks as programs hold them: parsed from crash's `bt`, compared, summed up.

Must not know what the functions on a stack mean.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from LinuxDump import stacks
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import CU_LIVE, CU_PYMOD, CU_TIMEOUT, addr2sym, crash, memoize_cond, pylog
from pykdump.loggers import Log
from pykdump.plaintext import one_line, printable

_log = Log(__name__)
# A name may have ends of lines in it.
_HEAD = re.compile(r'PID: +(\d+) +TASK: +([0-9a-f]+) +CPU: +(\d+) +COMMAND: +"(.*?)"(?:\n|\Z)',
                   re.S)
_FRAME = re.compile(r" *#\d+ \[([0-9a-f]+)\] (\S+) at ([0-9a-f]+)(?: (\[[^\]]+\]))?")
_START = re.compile(r" *START: (\S+) at ([0-9a-f]+)(?: (\[[^\]]+\]))?")
_EXCEPTION = re.compile(r" *\[exception RIP: ([^+\s]+)\+?(\d+)?\]")
_VIA = re.compile(r"\(via ([^)]+)\)")


class BTFrame:
    """One frame: `func` was called from `addr`; innermost frames are first in a stack.

    level   number of the frame from 0, -1 for the instruction that an exception interrupted
    frame   its address on the stack; None where bt does not show it, -1 for an exception
    addr    return address; -1 for an exception
    offset  of addr in func; -1 if unknown
    module  as bt prints it, " [name]", or None
    data    what bt prints below the frame: registers, source lines, raw stack
    """

    def __init__(self, level: int, func: str, addr: int, frame: int | None = None,
                 module: str | None = None, offset: int = -1, via: str = "") -> None:
        self.level = level
        self.func = func
        self.addr = addr
        self.frame = frame
        self.module = module
        self.offset = offset
        self.via = via
        self.data: list[str] = []

    def simplerepr(self) -> str:
        """Its number and function only."""
        return f"  #{self.level:<2}  {one_line(self.func)}"

    def __str__(self) -> str:
        place = f"{self.func} 0x{self.addr:x}" if self.offset < 0 \
            else f"{self.func}+0x{self.offset:x}"
        size = sum(map(len, self.data))
        data = f", {size} bytes of data" if size else ""
        via = f" , (via {self.via})" if self.via else ""
        return one_line(f"  #{self.level:<2}  {place}{data}{via}")

    def __repr__(self) -> str:
        return "\n".join([str(self), *map(printable, self.data)])


class BTStack:
    """The stack of one task: `pid`, `addr` of the task, `cpu`, `cmd` and `frames`."""

    def __init__(self, pid: int, addr: int, cpu: int, cmd: str) -> None:
        self.pid = pid
        self.addr = addr
        self.cpu = cpu
        self.cmd = cmd
        self.frames: list[BTFrame] = []

    def __lt__(self, other: BTStack) -> bool:
        return self.pid < other.pid

    def _head(self) -> str:
        return f"\nPID={self.pid}  CPU={self.cpu} CMD={one_line(self.cmd)}"

    def __str__(self) -> str:
        return "\n".join([self._head(), *map(str, self.frames)])

    def __repr__(self) -> str:
        return "\n".join([self._head(), *map(repr, self.frames)])

    def simplerepr(self) -> str:
        """The frames by number and function only."""
        return "\n".join(frame.simplerepr() for frame in self.frames)

    def getSimpleSignature(self) -> str:
        """The functions, "/" between them: stacks with equal ones are alike."""
        return "/".join(frame.func for frame in self.frames)

    def getFullSignature(self) -> str:
        """The frames with their offsets as one text, to compare stacks by."""
        return repr(self.frames)

    def hasfunc(self, func: str | re.Pattern[str],
                reverse: bool = False) -> Any:
        """(index, text matched) of the first frame where a pattern is found, or False.

        With `reverse` the outermost frame is the first.
        """
        pattern = re.compile(func)
        frames = reversed(self.frames) if reverse else self.frames
        for index, frame in enumerate(frames):
            found = pattern.search(frame.func) or pattern.search(frame.via)
            if found:
                return index, found.group(0)
        return False


def stack_of_task(task: Any) -> BTStack:
    """The stack of a Task, by its frames and not by what crash prints: `data` is empty.

    IndexError if nothing of it can be read.
    """
    found = stacks.stack_of(task.ts)
    stack = BTStack(task.ts.pid, int(task.ts), task.cpu, str(task.ts.comm))
    level = 0
    for frame in found.frames:
        name = frame.function or f"0x{frame.ip:x}"
        if frame.regs:
            stack.frames.append(BTFrame(-1, name, -1, -1, None, frame.offset))
            continue
        module = f" [{frame.module}]" if frame.module else None
        stack.frames.append(BTFrame(level, name, frame.ip, frame.at, module, frame.offset))
        level += 1
    if not stack.frames:
        raise IndexError(f"no stack of {task}: {found.message}")
    return stack


@memoize_cond(CU_LIVE | CU_PYMOD | CU_TIMEOUT)
def exec_bt(crashcmd: str | None = None, text: str | None = None,
            bg: bool = False) -> list[BTStack]:
    """The stacks that a `bt` or `foreach bt` command of crash prints, or a text of one.

    `bg` is accepted for programs that pass it: the command runs as all others do.
    """
    if text is None:
        try:
            text = crash.exec_crash_command(crashcmd or "bt")
        except crash.error as err:
            pylog.warning(f"Crash error executing '{crashcmd}'")
            text = str(err)
    _log.debug("%s printed %d characters", crashcmd or "bt", len(text))
    stacks = (_parse(chunk) for chunk in re.split(r"\n\s*\n", text.strip("\n")))
    return [stack for stack in stacks if stack is not None]


def _parse(chunk: str) -> BTStack | None:
    head = _HEAD.match(chunk)
    if head is None:
        return None
    stack = BTStack(int(head[1]), int(head[2], 16), int(head[3]), head[4])
    level = 0
    for line in chunk[head.end():].split("\n"):
        frame = _parse_frame(line, level)
        if frame is not None:
            stack.frames.append(frame)
            level += frame.level >= 0
        elif stack.frames:
            stack.frames[-1].data.append(line)
    return stack


def _parse_frame(line: str, level: int) -> BTFrame | None:
    found = _FRAME.match(line)
    if found:
        func, address = found[2], int(found[3], 16)
        via = _VIA.search(line)
        return BTFrame(level, func, address, int(found[1], 16), _module(found[4]),
                       _offset(address), via[1] if via else "")
    found = _START.match(line)
    if found:
        address = int(found[2], 16)
        return BTFrame(level, found[1], address, None, _module(found[3]), _offset(address))
    found = _EXCEPTION.match(line)
    if found:
        return BTFrame(-1, found[1], -1, -1, None, int(found[2] or -1))
    return None


def _module(text: str | None) -> str | None:
    return f" {text}" if text else None


def _offset(address: int) -> int:
    _name, offset = addr2sym(address, True)
    return -1 if offset is None else offset


def bt_mergestacks(btlist: Iterable[BTStack], precise: bool = False, count: int = 1,
                   reverse: bool = False, tt: Any = None, verbose: int = 0) -> None:
    """Print stacks that are equal once, with the tasks that have them; rare ones first.

    `count` is how many there must be; `tt` is a task table, to show how long they are there.
    """
    groups: defaultdict[str, list[BTStack]] = defaultdict(list)
    for stack in btlist:
        key = stack.getFullSignature() if precise else stack.getSimpleSignature()
        groups[key].append(stack)
    for group in sorted(groups.values(), key=len, reverse=reverse):
        if len(group) >= count:
            _print_group(group, precise, tt, verbose)


def _print_group(group: list[BTStack], precise: bool, tt: Any, verbose: int) -> None:
    print(f"\n------- {len(group)} stacks like that: ----------")
    print(group[-1] if precise else group[-1].simplerepr())
    tasks = [task for task in (tt.getByTid(stack.pid) for stack in group) if task] if tt else []
    if tasks:
        ages = sorted((task.Ran_ago, task.pid) for task in tasks)
        (young, first), (old, last) = ages[0], ages[-1]
        print(f"    youngest={young / 1000:.0f}s(pid={first}), "
              f"oldest={old / 1000:.0f}s(pid={last})")
    print("\n   ........................")
    for name, times in sorted(Counter(stack.cmd for stack in group).items()):
        print(f"     {one_line(name):<30} {times} times")
    if verbose:
        print("   ... PIDs ...")
        pids = sorted(stack.pid for stack in group)
        for start in range(0, len(pids), 10):
            print("".join(f"{pid:6} " for pid in pids[start:start + 10]).rstrip())


# -- who has a function on the stack ------------------------------------------------------------

class fastSubroutineStacks:
    """Which threads have which functions on their stacks.

    funcpids      function -> set of the tids
    functasks     function -> set of the addresses of their task_structs
    alltaskaddrs  addresses of all task_structs that have a stack
    """

    def __init__(self) -> None:
        from LinuxDump.Tasks import TaskTable       # it needs this module
        self.funcpids: defaultdict[str, set[int]] = defaultdict(set)
        self.functasks: defaultdict[str, set[int]] = defaultdict(set)
        self.alltaskaddrs: list[int] = []
        tids = {int(task.ts): task.ts.pid for task in TaskTable().allThreads()}
        for stack, members in stacks.group_stacks(tids):
            if stack.frames:
                self.alltaskaddrs += members
            for function in stack.functions:
                self.functasks[function].update(members)
                self.funcpids[function].update(tids[task] for task in members)

    def find_pids_byfuncname(self, func: str | re.Pattern[str]) -> set[int]:
        """Threads with a function: names separated by `|`, or a compiled regexp for its begin."""
        if isinstance(func, str):
            names = {name.strip() for name in func.split("|")} & self.funcpids.keys()
        else:
            names = {name for name in self.funcpids if func.match(name)}
        return set().union(*(self.funcpids[name] for name in names))


@memoize_cond(CU_LIVE | CU_PYMOD)
def subroutine_stacks() -> fastSubroutineStacks:
    """The same, of all threads, read once in a session: not to be changed."""
    return fastSubroutineStacks()


def verifyFastSet(dset: set[int], func: str | re.Pattern[str]) -> None:
    """Remove from a set of tids those that have no function on the stack that matches."""
    dset -= {tid for tid in dset if not _has_function(tid, func)}


def _has_function(tid: int, func: str | re.Pattern[str]) -> bool:
    from LinuxDump.Tasks import TaskTable
    task = TaskTable().getByTid(tid)
    try:
        return task is not None and bool(stack_of_task(task).hasfunc(func))
    except IndexError:
        return False


def funcsMatch(dsets: fastSubroutineStacks, refunc: str) -> dict[str, set[int]]:
    """The tids by each function that matches, and by `refunc` itself all of them."""
    pattern = re.compile(refunc)
    found = {name: set(pids) for name, pids in dsets.funcpids.items() if pattern.search(name)}
    return {**found, refunc: set().union(*found.values())}


def get_threads_subroutines_slow() -> tuple[dict[str, set[int]], dict[str, set[int]], list[int]]:
    """(funcpids, functasks, alltaskaddrs) of fastSubroutineStacks."""
    found = fastSubroutineStacks()
    return found.funcpids, found.functasks, found.alltaskaddrs
