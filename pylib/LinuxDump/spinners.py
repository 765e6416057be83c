"""Owns CPUs that spin for a queued spinlock: which lock it is, and who is likely to have it.

A spinlock does not know who has it.  It is looked for where the address of the lock is: on the
stacks of others, or in the code that their functions have run before they came to where they are.
Must not know whether that is bad, nor what is printed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from LinuxDump import stacks
from LinuxDump.runqueues import latest_clock
from LinuxDump.taskrows import Row, task_rows
from LinuxDump.waiters import CERTAIN, LIKELY, UNKNOWN, name_of
from pykdump.API import (CU_LIVE, CU_PYMOD, crash, memoize_cond, readmem, readSU, readU32,
                         sys_info)

_SLOWPATH = re.compile(r"(native_|__pv_|pv_)?queued_spin_lock_slowpath$")
_LOCKING = re.compile(r"(do|_|__)*raw_spin_|(_|__)*spin_lock|queued_spin_lock")
_LOCKED = 0xff
_TAIL_SHIFT = 16            # of CPUs that queue behind the first one: index of 2 bits, CPU + 1
_INDEX_BITS = 2
_KERNEL = 1 << 63
# Where the lock's address may be: it comes in di, which few instructions need for anything else.
_REGISTERS = ("di", "bx", "bp", "r12", "r13", "r14", "r15", "si", "ax", "cx", "dx", "r8", "r9")
_NS = 1_000_000_000
_MOST_CODE = 1 << 14
_MOST_STACK = 1 << 15
_SIGNED = struct.Struct("<i")


class Holder(NamedTuple):
    """Who seems to have a lock; `cpu` is where it runs, None if it sleeps."""

    task: int
    pid: int
    comm: str
    cpu: int | None
    confidence: str         # "likely"
    reason: str             # in words


class Spinner(NamedTuple):
    """A CPU that spins.

    task        address of the task_struct that it runs, with its pid and name
    function    what takes the lock
    lock        address of the lock, 0 if it is not known
    name        its symbol, or its type and address
    confidence  of the lock: "certain", "likely" or "unknown"
    seconds     that the task has been on the CPU
    """

    cpu: int
    task: int
    pid: int
    comm: str
    function: str
    lock: int
    name: str
    confidence: str
    seconds: float
    holder: Holder | None


@memoize_cond(CU_LIVE | CU_PYMOD)
def spinners() -> list[Spinner]:
    """The CPUs that were in the slow path of a spinlock, by number; none on other machines."""
    rows = {row.task: row for row in task_rows()}
    found = []
    for task, cpu in sorted(stacks.running().items(), key=lambda item: item[1]):
        row = rows.get(task)
        spinner = _spinner(row, cpu) if row else None
        if spinner is not None:
            found.append(spinner)
    busy = {spinner.task for spinner in found}
    others = [row for row in rows.values() if row.task not in busy and row.pid]
    holders = {lock: _holder(lock, others) for lock in {each.lock for each in found if each.lock}}
    return [each._replace(holder=holders.get(each.lock)) for each in found]


def _spinner(row: Row, cpu: int) -> Spinner | None:
    frames = stacks.stack_of(row.task).frames
    at = next((index for index, frame in enumerate(frames)
               if frame.function and _SLOWPATH.match(frame.function)), None)
    if at is None:
        return None
    caller = next((frame.function for frame in frames[at + 1:]
                   if frame.function and not _LOCKING.match(frame.function)), "??")
    lock, confidence = _lock(frames[at], cpu)
    name = name_of(lock, "raw_spinlock_t") if lock else ""
    return Spinner(cpu, row.task, row.pid, row.comm, caller, lock, name, confidence,
                   _on_cpu(row.task), None)


def _on_cpu(task: int) -> float:
    try:
        arrived = readSU("struct task_struct", task).sched_info.last_arrival
        return max(latest_clock() - arrived, 0) / _NS
    except (crash.error, KeyError):
        return 0.0


# -- which lock ---------------------------------------------------------------------------------

def _lock(frame: Any, cpu: int) -> tuple[int, str]:
    """The lock that a CPU in the slow path waits for, and how sure that is."""
    for number, address in enumerate(_candidates(frame, cpu)):
        try:
            value = readU32(address)
        except crash.error:
            continue
        tail = value >> _TAIL_SHIFT
        last = (tail >> _INDEX_BITS) - 1
        if value & _LOCKED == 1 and last < sys_info.CPUS:
            queued = value >> 8 & 1 or last == cpu
            return address, CERTAIN if number == 0 and queued else LIKELY
    return 0, UNKNOWN


def _candidates(frame: Any, cpu: int) -> Iterator[int]:
    """What the registers held that look like addresses of locks."""
    try:
        if frame.regs:
            regs = readSU("struct pt_regs", frame.regs)
            values = [getattr(regs, name) for name in _REGISTERS]
        else:
            known = stacks.cpu_registers().get(cpu, {})
            values = [known.get(name, 0) for name in _REGISTERS]
    except (crash.error, KeyError):
        return
    for value in values:
        if value & _KERNEL and value % 4 == 0:
            yield value


# -- who has it ---------------------------------------------------------------------------------

def _holder(lock: int, others: Iterable[Row]) -> Holder | None:
    """Of those that run first, then of those that sleep."""
    running = stacks.running()
    candidates = sorted(others, key=lambda row: (row.task not in running, row.pid))
    seen: dict[int, str | None] = {}
    for row in candidates:
        reason = _in_section(row.task, lock, seen)
        if reason:
            return Holder(row.task, row.pid, row.comm, running.get(row.task), LIKELY, reason)
    return None


def _in_section(task: int, lock: int, seen: dict[int, str | None]) -> str | None:
    """Why a task seems to be in the critical section; None if nothing shows that it is."""
    frames = stacks.stack_of(task).frames
    for frame in frames:
        if frame.ip not in seen:
            seen[frame.ip] = _code_has(frame, lock)
        if seen[frame.ip]:
            return seen[frame.ip]
    return _stack_has(frames, lock)


def _code_has(frame: Any, lock: int) -> str | None:
    """Does a function use the lock's address before the place that it has come to."""
    if not frame.function or not 0 < frame.offset <= _MOST_CODE:
        return None
    start = frame.ip - frame.offset
    try:
        code = readmem(start, frame.offset)
    except crash.error:
        return None
    reason = f"whose function {frame.function} has come past a use of the lock"
    if (lock & 0xffffffff).to_bytes(4, "little") in code and lock >> 31 == (1 << 33) - 1:
        return reason       # as a number in an instruction
    for place in range(len(code) - 3):
        # relative to the instruction behind it
        if start + place + 4 + _SIGNED.unpack_from(code, place)[0] == lock:
            return reason
    return None


def _stack_has(frames: list[Any], lock: int) -> str | None:
    """Is the lock's address on a stack, between its first and last frames."""
    places = [frame.at for frame in frames]
    if not places:
        return None
    needle = lock.to_bytes(8, "little")
    low = min(places)
    size = min(max(places) - low + 8, _MOST_STACK)
    try:
        memory = readmem(low, size)
    except crash.error:
        return None
    at = memory.find(needle)
    while at >= 0 and at % 8:
        at = memory.find(needle, at + 1)
    return None if at < 0 else f"on whose stack the lock's address is, at 0x{low + at:x}"
