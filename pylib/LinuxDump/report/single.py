"""Owns details that libraries print, as `crashinfo` asks for them: with what people type.

What they type is checked here, and wrong values are SystemExit with one line.  Must not know how
anything is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

from pykdump.API import crash, readmem

if TYPE_CHECKING:
    from LinuxDump.BTstack import BTStack

_WORD = (1 << 64) - 1
_KERNEL = 1 << 63
_HEX = re.compile(r"(0[xX])?[0-9a-fA-F]+")


def _refuse(text: str) -> NoReturn:
    raise SystemExit(f"crashinfo: error: {text}")


def _number(text: str) -> int:
    """What crash prints and people copy: hexadecimal, with 0x or without."""
    number = int(text, 16) if _HEX.fullmatch(text) else -1
    if not 0 <= number <= _WORD:
        _refuse(f"{text!r} is not a hexadecimal number")
    return number


def _address(text: str) -> int:
    """An address of the kernel's memory that can be read."""
    address = _number(text)
    if not address & _KERNEL:
        _refuse(f"0x{address:x} is no address of the kernel")
    try:
        readmem(address, 8)
    except crash.error as err:
        _refuse(f"0x{address:x} cannot be read: {err}")
    return address


def radix_tree_element(root: str, offset: str, verbose: int) -> None:
    """Print the node and the slot of an index."""
    from LinuxDump.trees import radix_tree_lookup_element

    node, slot = radix_tree_lookup_element(_address(root), _number(offset))
    print("   Not found" if node is None else f"  node=0x{node:x}, slot=0x{slot:x}")


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text.strip("\"'"))
    except re.error as err:
        _refuse(f"--findstacks: {text!r} is no regular expression: {err}")


def findstacks(regexp: str, verbose: int) -> None:
    """Print all stacks that have a function with a match."""
    pattern = _pattern(regexp)
    for stack in _all_stacks():
        if stack.hasfunc(pattern):
            print(stack)


def _all_stacks() -> Iterator[BTStack]:
    from LinuxDump.Tasks import TaskTable
    from LinuxDump.BTstack import stack_of_task

    for task in TaskTable().allThreads():
        try:
            yield stack_of_task(task)
        except IndexError:
            continue        # it has none: in user space, or dead


def checkstacks(verbose: int) -> None:
    """Check the stacks of all threads, and say how many."""
    from LinuxDump.report import stackcheck

    stackcheck.show(1)


def gone_workqueue(verbose: int) -> None:
    """Say what there is instead of workqueues with a thread for each CPU."""
    print("The kernel has had no workqueues of this kind since 2.6.36: use 'crashinfo "
          "--workqueues'")


def decodesyscalls(which: str, verbose: int) -> None:
    """Print stacks with the system calls of threads: of a PID, of a name, or of all."""
    from LinuxDump.BTstack import stack_of_task
    from LinuxDump.syscall import decode_Stacks
    from LinuxDump.Tasks import TaskTable

    table = TaskTable()
    if which == "all":
        tasks = [task for task in table.allThreads() if task.ts.mm]
    elif which.isdecimal():
        task = table.getByTid(int(which))
        tasks = [task] if task else []
    else:
        tasks = list(table.getThreadsByComm(which))
    if not tasks:
        _refuse(f"--decodesyscalls: there is no thread {which!r}")
    stacks = []
    for task in tasks:
        try:
            stacks.append(stack_of_task(task))
        except IndexError as err:
            print(f"  {err}")
    decode_Stacks(stacks)


def semaphore(address: str, verbose: int) -> None:
    """Print a struct semaphore and who waits for it."""
    from LinuxDump.KernLocks import decode_semaphore

    decode_semaphore(_address(address))


def rwsemaphore(address: str, verbose: int) -> None:
    """Print a struct rw_semaphore, who waits for it and who has it."""
    from LinuxDump.KernLocks import decode_rwsemaphore

    decode_rwsemaphore(_address(address))


def mutex(address: str, verbose: int) -> None:
    """Print a struct mutex, who waits for it and who has it."""
    from LinuxDump.KernLocks import decode_mutex

    decode_mutex(_address(address))


def workqueues(verbose: int) -> None:
    """Print workqueues."""
    from LinuxDump.WorkQueues import print_all_workqueues

    print_all_workqueues(verbose)


def blkreq(verbose: int) -> None:
    """Print block requests: of queues, of those that are done, and of the slab."""
    from LinuxDump import Dev

    for show in (Dev.print_request_queues, Dev.print_blk_cpu_done, Dev.print_request_slab):
        show(verbose)


def ext3(verbose: int) -> None:
    """Print sizes of ext3 filesystems; nothing without any."""
    from LinuxDump.fs.ext3 import showExt3

    showExt3()


def ls(path: str, verbose: int) -> None:
    """Print what the dentry cache has of a path, or of the dentry at an address."""
    from LinuxDump.fs.dcache import ls_pathname

    ls_pathname(path, verbose)


def filelock(verbose: int) -> None:
    """Print the locks of files as /proc/locks has them."""
    from LinuxDump.flock import print_locks

    print_locks()
