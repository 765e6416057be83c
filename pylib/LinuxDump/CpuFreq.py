"""Owns what is known of the frequencies of CPUs.

Must not know any driver.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump import percpu
from LinuxDump.absent import Late
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import CU_LIVE, crash, memoize_cond, pylog, readPtr, readSU, sym2addr
from pykdump.plaintext import one_line


@memoize_cond(CU_LIVE)
def _policies() -> list[Any]:
    """struct cpufreq_policy of each CPU, NULL without one; TypeError without CONFIG_CPU_FREQ."""
    return [readSU("struct cpufreq_policy", readPtr(address))
            for address in percpu.get_cpu_var("cpufreq_cpu_data")]


cpufreq_cpu_data = Late(_policies)


class Frequencies(NamedTuple):
    """The frequencies of a CPU, in kHz."""

    cpu: int
    policy: Any             # struct cpufreq_policy; several CPUs may have one
    governor: str           # "schedutil"; "" for drivers that choose themselves
    min: int
    max: int
    cur: int                # the last one that was set
    hardware_min: int
    hardware_max: int


def frequencies() -> list[Frequencies]:
    """Of each CPU that has a policy; [] for a kernel, or a machine, without.

    What cannot be read is reported in the log.
    """
    if not sym2addr("cpufreq_cpu_data"):
        return []
    found = []
    for cpu, policy in enumerate(cpufreq_cpu_data):
        if not policy:
            continue
        try:
            governor, info = policy.governor, policy.cpuinfo
            name = one_line(governor.name) if governor else ""
            found.append(Frequencies(cpu, policy, name, policy.min, policy.max, policy.cur,
                                     info.min_freq, info.max_freq))
        except crash.error as err:
            pylog.error(f"{policy} of CPU {cpu} cannot be read: {err}")
    return found


def driver_address() -> int:
    """Where the struct cpufreq_driver of the driver is that sets frequencies; 0 if there is none.

    crash.error if that cannot be read.
    """
    address = sym2addr("cpufreq_driver")
    return readPtr(address) if address else 0


def driver() -> str:
    """The driver that sets frequencies: "intel_pstate"; "" if there is none."""
    try:
        pointer = driver_address()
        return one_line(readSU("struct cpufreq_driver", pointer).name) if pointer else ""
    except (crash.error, TypeError):
        return ""


def print_cpufreq() -> None:
    """Print governor and frequencies of each CPU that has a policy; kHz."""
    for known in frequencies():
        print(f"  CPU{known.cpu} {known.policy} {known.governor}".rstrip())
        print(f"      Frequencies: min={known.min} max={known.max} cur={known.cur}")
