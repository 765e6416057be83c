"""Whether more waits for CPUs than they can serve, by the load averages of the kernel."""

from __future__ import annotations

from typing import Any

from LinuxDump.runqueues import online_cpus
from pykdump.API import pylog, readULong, sym2addr

_FRACTION = 1 << 11         # FIXED_1 of the kernel
_HIGH = 2.0                 # for each CPU


def show(verbose: int) -> None:
    """Warn when the load of 1 or 5 minutes is more than two for each CPU."""
    found = data()
    if found["high"]:
        text = ", ".join(f"{number:.2f}" for number in found["averages"])
        pylog.warning(f"High Load Averages: {text} on {found['cpus']} CPUs")


def data() -> dict[str, Any]:
    """The averages of 1, 5 and 15 minutes, how many CPUs are online, and whether that is high."""
    address = sym2addr("avenrun")
    averages = [readULong(address + 8 * index) / _FRACTION for index in range(3)]
    cpus = len(online_cpus())
    return {"averages": [round(number, 2) for number in averages], "cpus": cpus,
            "high": max(averages[:2]) > _HIGH * cpus}
