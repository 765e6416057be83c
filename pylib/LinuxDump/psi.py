"""Owns pressure stall information: how much of the time tasks wait for memory, I/O and CPUs.

Must not know why they wait.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.vmstat import numbers
from pykdump.API import EnumInfo, crash, member_size, readSU, struct_exists, sym2addr

_FIXED = 1 << 11
_RESOURCES = {"cpu": "CPU", "memory": "MEM", "io": "IO"}
_WINDOWS = 3


class Stall(NamedTuple):
    """A share of time; as in /proc/pressure.

    avg10, avg60, avg300   percent of the last 10, 60, 300 seconds, a few seconds old
    total                  microseconds since boot, likewise
    """

    avg10: float
    avg60: float
    avg300: float
    total: int


class Pressure(NamedTuple):
    """How much of the time some tasks, and all that could run, waited for a resource."""

    some: Stall
    full: Stall | None      # None where the kernel does not know it: of CPUs before 5.13


def of_system(resource: str) -> Pressure | None:
    """Of "cpu", "memory" or "io" of the whole machine; None if the kernel does not keep it.

    KeyError for another resource, crash.error if it cannot be read.
    """
    group = sym2addr("psi_system")
    return of_group(readSU("struct psi_group", group), resource) if group else None


def of_group(group: Any, resource: str) -> Pressure | None:
    """The same of a struct psi_group, which a cgroup has as well."""
    name = _RESOURCES[resource]
    if not struct_exists("struct psi_group") or not group:
        return None
    states = EnumInfo("enum psi_states")
    return Pressure(_stall(group, states[f"PSI_{name}_SOME"]),
                    _stall(group, states[f"PSI_{name}_FULL"]) if f"PSI_{name}_FULL" in states
                    else None)


def _stall(group: Any, state: int) -> Stall:
    # Arrays of two dimensions: windows of each state, and states of each that wants averages, of
    # whom the first is meant.
    if not 0 <= state < member_size("struct psi_group", "avg") // (8 * _WINDOWS):
        raise crash.error(f"{group} has no state {state}")
    ten, sixty, most = (round(value / _FIXED, 2) for value in numbers(
        int(group) + group.fieldOffset("avg") + 8 * _WINDOWS * state, _WINDOWS))
    total = numbers(int(group) + group.fieldOffset("total") + 8 * state, 1)[0]
    return Stall(ten, sixty, most, total // 1000)
