"""Owns the clocks that tasks are scheduled by: those of run queues, and of uptime.

Must not know tasks but for when one was put on a CPU.
"""

from __future__ import annotations

from typing import Any

from LinuxDump import percpu
from LinuxDump.Time import get_uptime_fromcrash
from pykdump.API import CU_LIVE, memoize_cond, readSU, sys_info

NS_PER_MS = 1_000_000


@memoize_cond(CU_LIVE)
def getRunQueues() -> list[Any]:
    """struct rq of each CPU."""
    addresses = percpu.get_cpu_var("runqueues")
    sys_info.runqueues_addrs = addresses
    return [readSU("struct rq", address) for address in addresses]


def sched_clock2ms(v: int) -> float:
    """A time of the scheduler's clock (ns) in ms."""
    return v / NS_PER_MS


def ms2uptime(ms: float) -> str:
    """A duration as `3 days, 04:05:06`."""
    days, seconds = divmod(int(ms // 1000), 86400)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{days} days, {clock}" if days else clock


def jiffie_clock_base() -> float:
    """ms since boot, by jiffies."""
    return get_uptime_fromcrash() * 1000


def get_uptime() -> str:
    """The same as text."""
    return ms2uptime(jiffie_clock_base())


def last_ran(ts: Any) -> int:
    """When a task was last put on a CPU, ns of the clock of run queues."""
    try:
        return ts.sched_info.last_arrival
    except KeyError:
        return ts.se.exec_start     # without CONFIG_SCHED_INFO: when its time was last counted
