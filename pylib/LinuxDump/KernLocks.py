"""Owns locks as programs ask about them: who waits for one and who has it, as lists and printed.

Must not know how locks are laid out.
"""

from __future__ import annotations

from typing import Any

from LinuxDump.locks import owner_word, queued_tasks, rwsem_holders, spin_is_locked
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import crash, pylog, readSU
from pykdump.plaintext import one_line

ticket_spin_is_locked = spin_is_locked
_TASK = "struct task_struct"


def get_mutex_waiters(addr: int) -> list[Any]:
    """struct task_struct of those who wait for a struct mutex, in their order; some may be NULL."""
    return queued_tasks(readSU("struct mutex", addr), "struct mutex_waiter")


def get_rwsemaphore_tasks(addr: int) -> list[Any]:
    """The same for a struct rw_semaphore."""
    return queued_tasks(readSU("struct rw_semaphore", addr), "struct rwsem_waiter")


def _named(tasks: list[Any]) -> list[tuple[int, str]]:
    """(pid, name) of tasks by pid; what is no task is pid 0, and reported."""
    named = []
    for task in tasks:
        try:
            if not task:
                raise crash.error("a waiter without a task")
            named.append((task.pid, str(task.comm)))
        except crash.error as err:
            pylog.error(f"corrupted wait_list: {err}")
            named.append((0, "<bad task!!!>"))
    return sorted(named)


def _print_waiters(tasks: list[Any]) -> None:
    for pid, comm in _named(tasks):
        print(f"\t{pid:8}  {one_line(comm)}")


def _owner(address: int) -> str:
    pid, comm = _named([readSU(_TASK, address)])[0]
    return f"pid={pid} cmd={one_line(comm)}"


def decode_mutex(addr: int) -> None:
    """Print who waits for a struct mutex and who has it."""
    mutex = readSU("struct mutex", addr)
    print(f" {str(mutex).center(39, '-')}")
    try:
        tasks = get_mutex_waiters(mutex)
        if tasks:
            print("    Waiters on this mutex:")
            _print_waiters(tasks)
        owner, _flags = owner_word(mutex)
        if owner:
            print(f"    Owner of this mutex: {_owner(owner)}")
    except crash.error as err:
        pylog.error(f"{mutex} cannot be read: {err}")


def decode_semaphore(addr: int, v: int = 1) -> list[tuple[int, str]]:
    """(pid, name) of those who wait for a struct semaphore, by pid; with `v` they are printed."""
    sem = readSU("struct semaphore", addr)
    tasks = queued_tasks(sem, "struct semaphore_waiter")
    if v:
        print(sem)
        _print_waiters(tasks)
    return _named(tasks)


def decode_rwsemaphore(addr: int) -> None:
    """Print who waits for a struct rw_semaphore and who has it, as far as it knows."""
    sem = readSU("struct rw_semaphore", addr)
    print(sem)
    try:
        _print_waiters(get_rwsemaphore_tasks(sem))
        holders = rwsem_holders(sem)
        if holders.writer:
            print(f"    Writer of this rw_semaphore: {_owner(holders.writer)}")
        elif holders.readers:
            print("   Reader is the owner")
            if holders.reader:
                print(f"    Reader of this rw_semaphore: {_owner(holders.reader)}")
    except crash.error as err:
        pylog.error(f"{sem} cannot be read: {err}")
