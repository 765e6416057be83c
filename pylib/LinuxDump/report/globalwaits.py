"""Owns what waits at global variables: semaphores, queues of waiters, work that is queued.

Must not know what is in memory that has no symbol.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import _pykdump
from LinuxDump.locks import queued_tasks, rwsem_holders
from LinuxDump.Tasks import decode_waitq
from pykdump.API import (addr2sym, crash, exec_crash_command, pylog, readSU, struct_size,
                         sym2addr)
from pykdump.plaintext import one_line

_SEM, _QUEUE, _WORK, _DELAYED = ("struct rw_semaphore", "struct wait_queue_head",
                                 "struct work_struct", "struct delayed_work")
# C types of variables, and of the objects that they are looked at as
_TYPES = {_SEM: _SEM, _QUEUE: _QUEUE, "wait_queue_head_t": _QUEUE, _WORK: _WORK, _DELAYED: _WORK}
_DATA = frozenset("dDbB")
_PADDING = 64              # bytes up to the next variable at most
_END = 1 << 64
_PENDING = 1                # a bit of work_struct.data


class Global(NamedTuple):
    """A global variable: its symbol, and the object at it."""

    name: str
    obj: Any


def _globals() -> Iterator[tuple[str, Global]]:
    """Variables in data and bss of those types, as (type of the object, variable).

    Of others the types are not asked for, which takes long: there must be room for one of these
    up to the next symbol, and not for much more.
    """
    left_out = _bounds("__per_cpu_start", "__per_cpu_end"), _bounds("__init_begin", "__init_end")
    sizes = {struct_size(name) for name in _TYPES if name.startswith("struct")}
    data = [(address, name) for address, kind, name in _symbols() if kind in _DATA]
    for (address, name), (following, _name) in zip(data, [*data[1:], (_END, "")]):
        room = following - address
        if not any(size <= room < size + _PADDING for size in sizes) \
                or any(start <= address < end for start, end in left_out):
            continue
        wanted = _TYPES.get(_pykdump.variable_type(name) or "")
        if wanted:
            yield wanted, Global(name, readSU(wanted, address))


def _symbols() -> Iterator[tuple[int, str, str]]:
    """All symbols of the kernel and its modules by address: (address, letter of nm, name)."""
    for line in exec_crash_command("sym -l").splitlines():
        words = line.split()
        if len(words) == 3 and len(words[1]) == 3:
            yield int(words[0], 16), words[1][1], words[2]


def _bounds(start: str, end: str) -> tuple[int, int]:
    return sym2addr(start), sym2addr(end)


def show(verbose: int) -> None:
    """Print semaphores by whether somebody has them, queues with waiters, and queued work."""
    found: dict[str, list[Global]] = {_SEM: [], _QUEUE: [], _WORK: []}
    for kind, each in _globals():
        found[kind].append(each)
    held, others = _semaphores(found[_SEM])
    print(" -- rw_semaphores with count > 0 --")
    for line in held:
        print(line)
    print(" -- rw_semaphores with count <= 0 --")
    for line in others if verbose else []:
        print(line)
    if not verbose:
        print(f"     {len(others)} of them, rerun with '-v' to get a list")
    print(" -- Non-empty wait_queue_head --")
    for each in found[_QUEUE]:
        _attempt(_print_queue, each)
    print(" -- Non-empty struct work_struct --")
    for each in found[_WORK]:
        _attempt(_print_work, each)


def _semaphores(variables: list[Global]) -> tuple[list[str], list[str]]:
    """Lines of those that somebody has, or waits for, and of the others."""
    held: list[str] = []
    others: list[str] = []
    for name, sem in variables:
        try:
            count = sem.count.counter
            lines = held if count > 0 or sem.wait_list.next != sem.wait_list else others
            lines.append(f"     {name:<35} {count}{_holders(sem)}")
        except crash.error as err:
            pylog.error(f"{name}: {err}")
    return held, others


def _holders(sem: Any) -> str:
    writer, readers, _reader = rwsem_holders(sem)
    words = []
    if writer:
        task = readSU("struct task_struct", writer)
        words.append(f"writer pid={task.pid} cmd={one_line(task.comm)}")
    if readers:
        words.append(f"readers={readers}")
    if sem.wait_list.next != sem.wait_list:
        words.append(f"waiting={len(queued_tasks(sem, 'struct rwsem_waiter'))}")
    return "".join(f"  {word}" for word in words)


def _attempt(show_one: Any, variable: Global) -> None:
    try:
        show_one(variable)
    except crash.error as err:
        pylog.error(f"{variable.name}: {err}")


def _print_queue(variable: Global) -> None:
    head = variable.obj.head
    if head.next in (head, 0):
        return              # nobody waits, or nobody has made it a queue
    print(f"     {variable.name}")
    for task in decode_waitq(variable.obj):
        try:
            print(f"\t{task.pid:8}  {one_line(task.comm)}")
        except crash.error:
            print(f"\t          not a task: 0x{task:x}")


def _print_work(variable: Global) -> None:
    if variable.obj.data.counter & _PENDING:
        func = int(variable.obj.func)
        print(f"     {variable.name:<35} func=<{addr2sym(func) or hex(func)}>")
