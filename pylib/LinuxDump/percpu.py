"""Owns per-CPU variables and pointers: where each CPU's copy is.

Must not know what is kept per CPU.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pykdump import missing
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (CU_LIVE, CU_LOAD, crash, memoize_cond, readS32, readU64, sym2addr,
                         symbol_exists, sys_info)
from pykdump.variables import type_of

_MASK = (1 << 64) - 1

Pointer = TypeVar("Pointer", bound=int)


@memoize_cond(CU_LIVE | CU_LOAD)
def _offsets() -> list[int]:
    """What to add to an offset for each CPU."""
    table = sym2addr("__per_cpu_offset")
    if not table:
        return [0] * sys_info.CPUS      # a kernel for one CPU: the variable itself
    return [readU64(table + cpu * 8) for cpu in range(sys_info.CPUS)]


def get_cpu_var(var: str | int) -> list[int]:
    """The address of each CPU's copy of a variable, by its name or its offset.

    TypeError for an unknown name.  A CPU that never was present may have a bogus copy.
    """
    if isinstance(var, str):
        if not symbol_exists(var):
            raise TypeError(missing.symbol(var))
        var = sym2addr(var)
    return [(var + offset) & _MASK for offset in _offsets()]


def get_cpu_var_type(name: str) -> str:
    """The C type of a per-CPU variable; TypeError if it is not known."""
    return type_of(name)


def percpu_ptr(ptr: Pointer, cpu: int) -> Pointer:
    """Where a per-CPU pointer leads to on a CPU: an object of the same type."""
    return type(ptr)((int(ptr) + _offsets()[cpu]) & _MASK)


def is_percpu_symbol(addr: int) -> bool:
    """Whether an address is a per-CPU variable of the kernel proper (not of a module)."""
    start, end = sym2addr("__per_cpu_start"), sym2addr("__per_cpu_end")
    return bool(end) and start <= addr < end


def percpu_counter_sum(fbc: Any) -> int:
    """The exact value of a struct percpu_counter: its count and what CPUs have not added yet."""
    total = fbc.count
    try:
        counters = int(fbc.counters)
    except KeyError:
        return total            # one CPU: there is only the count
    for offset in _offsets():
        try:
            total += readS32((counters + offset) & _MASK)
        except crash.error:
            continue            # no such CPU, so nothing of it is missing
    return total
