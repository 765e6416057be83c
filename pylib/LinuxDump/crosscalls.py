"""Owns function calls between CPUs (smp_call_function and its kin), sent by interrupt.

Must not know who is interested in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from LinuxDump.percpu import get_cpu_var, percpu_ptr
from pykdump.API import addr2sym, crash, readPtr, readSU, readU32, sym2addr, sys_info

_LOCKED, _SYNC = 0x01, 0x10         # CSD_FLAG_LOCK, CSD_TYPE_SYNC
_TYPES = 0xf0                       # CSD_FLAG_TYPE_MASK
_CALLS = (0x00, _SYNC)              # CSD_TYPE_ASYNC and _SYNC; others are work and wake-ups
_MAX_QUEUE = 10_000
_WORDS = 4                          # of a struct __call_single_data


class Call(NamedTuple):
    """A function that one CPU has asked another to run, and that has not ended.

    csd       address of its struct __call_single_data
    cpu       the CPU that is to run it; None where that is not known
    function  address of the function
    queued    whether it has yet to be begun
    """

    csd: int
    cpu: int | None
    function: int
    queued: bool


def queued_calls() -> list[Call]:
    """Calls that the CPUs have in their queues."""
    return [call for cpu, head in enumerate(get_cpu_var("call_single_queue"))
            for call in _queue(cpu, head)]


def _queue(cpu: int, head: int) -> Iterator[Call]:
    seen: set[int] = set()
    try:
        node = readPtr(head)
        while node and node not in seen and len(seen) < _MAX_QUEUE:
            seen.add(node)
            # 5.9: 4b44a21dd640 ("irq_work, smp: Allow irq_work on call_single_queue")
            csd = readSU("struct __call_single_data", node)
            if csd.node.u_flags & _TYPES in _CALLS:
                yield Call(node, cpu, int(csd.func), True)
            node = readPtr(node)
    except (crash.error, KeyError):
        return      # a CPU that was never there, damage, or a kernel from before 5.9


def calls_of(cpu: int, stack: tuple[int, tuple[int, ...]]) -> list[Call]:
    """Calls that a CPU waits for: those it sent to many, and one to a single CPU.

    `stack`: address and words of the part of the stack that is in use, where the latter is.
    crash.error if they cannot be read.
    """
    queued = {call.csd: call for call in queued_calls()}
    candidates = [*_to_many(cpu), *_to_one(*stack, queued)]
    return [queued.get(call.csd, call) for call in candidates]


def _to_many(cpu: int) -> Iterator[Call]:
    data = readSU("struct call_function_data", get_cpu_var("cfd_data")[cpu])
    try:
        # 5.13: a5aa5ce30018 ("smp: Inline on_each_cpu_cond() and on_each_cpu()") has it in a
        # struct of its own, 6.4: 1a71c9ad5d6b ("smp: reduce NMI traffic ...") no longer
        each = data.csd
    except KeyError:
        each = data.pcpu
    if not each:
        return
    for target in range(sys_info.CPUS):
        csd = readSU("struct __call_single_data", percpu_ptr(int(each), target))
        try:
            if csd.node.u_flags & _LOCKED:
                yield Call(int(csd), target, int(csd.func), False)
        except crash.error:
            continue        # a CPU that was never there


def _to_one(low: int, words: tuple[int, ...], queued: dict[int, Call]) -> Iterator[Call]:
    """What smp_call_function_single has on its stack: locked, to be waited for."""
    for index in range(len(words) - _WORDS + 1):
        address = low + 8 * index
        flags, function = words[index + 1] & 0xffff_ffff, words[index + 2]
        if flags == _LOCKED | _SYNC and (address in queued or _is_function(function)):
            yield Call(address, None, function, False)


def _is_function(address: int) -> bool:
    name, offset = addr2sym(address, True)
    return bool(name) and offset == 0
