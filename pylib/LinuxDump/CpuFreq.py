"""Owns what is known of the frequencies of CPUs.

Must not know any driver.
"""

from __future__ import annotations

from typing import Any

from LinuxDump import percpu
from LinuxDump.absent import Late
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import CU_LIVE, crash, memoize_cond, pylog, readPtr, readSU


@memoize_cond(CU_LIVE)
def _policies() -> list[Any]:
    """struct cpufreq_policy of each CPU, NULL without one; TypeError without CONFIG_CPU_FREQ."""
    return [readSU("struct cpufreq_policy", readPtr(address))
            for address in percpu.get_cpu_var("cpufreq_cpu_data")]


cpufreq_cpu_data = Late(_policies)


def print_cpufreq() -> None:
    """Print governor and frequencies of each CPU that has a policy; kHz."""
    for cpu, policy in enumerate(cpufreq_cpu_data):
        if not policy:
            continue
        try:
            governor = policy.governor
            print(f"  CPU{cpu} {policy} {governor.name if governor else ''}".rstrip())
            print(f"      Frequencies: min={policy.min} max={policy.max} cur={policy.cur}")
        except crash.error as err:
            pylog.error(f"{policy} of CPU {cpu} cannot be read: {err}")
