"""Owns small helpers that programs share: names of enumerators, per-CPU sums, numbers as typed.

Must not know what they are used for.
"""

from __future__ import annotations

from typing import Any

from LinuxDump import percpu
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import EnumInfo, crash, readSU, readU64, sym2addr, sys_info


def _values(enum: str) -> dict[str, int]:
    return dict(EnumInfo(f"enum {enum}"))


def get_enum_string(val: int, enum: str) -> str:
    """The name of the enumerator at position `val` of an enum, in the order of values; UNKNOWN."""
    try:
        names = sorted(_values(enum).items(), key=lambda item: item[1])
        return names[val][0] if val >= 0 else "UNKNOWN"
    except (IndexError, TypeError):
        return "UNKNOWN"


def get_enum_tag_value(tag: str, enum: str) -> int | None:
    """The value of an enumerator, None if the enum has none of that name or is unknown."""
    try:
        return _values(enum).get(tag)
    except TypeError:
        return None


class get_per_cpu:
    """Per-CPU pointers of all CPUs.

    cpu    CPU -> its offset, as hexadecimal text
    count  number of CPUs
    """

    def __init__(self) -> None:
        self.count = sys_info.CPUS
        self.cpu = {cpu: f"{percpu.percpu_ptr(0, cpu):x}" for cpu in range(self.count)}

    def per_cpu_ptr(self, cpu: int, ptr: int) -> int:
        """Where a per-CPU pointer leads to on a CPU."""
        return percpu.percpu_ptr(int(ptr), cpu)

    def per_cpu_struct(self, cpu: int, ptr: int, name: str) -> Any:
        """The struct there; `name` without `struct`."""
        return readSU(f"struct {name}", self.per_cpu_ptr(cpu, ptr))

    def sum_values(self, ptr: int) -> int:
        """The sum of 64-bit counters; CPUs whose own cannot be read count nothing."""
        total = 0
        for cpu in range(self.count):
            try:
                total += readU64(self.per_cpu_ptr(cpu, ptr))
            except crash.error:
                continue        # no such CPU
        return total


def arg_value(text: str) -> int | float:
    """A number as people type it: 1.5, 0x1f, 017, b101, 1f, or a symbol; 0 for anything else."""
    if "." in text:
        try:
            return float(text)
        except ValueError:
            return 0
    if text[:1] == "0" and text.isdigit():
        return _int(text, 8)
    if text[:1] == "b" and text[1:] and set(text[1:]) <= set("01"):
        return int(text[1:], 2)
    for base in (0, 10, 16):
        value = _int(text, base)
        if value:
            return value
    return sym2addr(text)


def _int(text: str, base: int) -> int:
    try:
        return int(text, base)
    except ValueError:
        return 0
