"""Owns the kernel's clocks: jiffies, ktime and the timekeeper.

Must not know the clocks of run queues: those are with the tasks.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pykdump import missing
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (CU_LIVE, HZ, crash, member_offset, memoize_cond, readS64, readSU, readU64,
                         sym2addr)
from pykdump.plaintext import printable

__all__ = ("j_delay", "seconds_since_boot", "get_ktime_j", "get_uptime_fromcrash", "sched_clock")

_U32 = 1 << 32
_INT_MAX = (1 << 31) - 1
_NS = 1_000_000_000
_NTP_SHIFT = 32         # of timekeeper.ntp_tick, ns of a tick
# Jiffies start five minutes before they wrap in 32 bits, so that wrapping is noticed early.
_FIRST_SECONDS = -300


def j_delay(ts: int, jiffies: int, maxhours: int = 24) -> str:
    """How long before `jiffies` it was `ts`, as text; n/a for a time to come."""
    delta = (jiffies - ts) % _U32
    if delta > _INT_MAX:
        return "     n/a"
    seconds = delta / HZ
    hours = int(seconds) // 3600
    if hours > maxhours:
        return f">{maxhours}hours"
    if hours > 10:
        return f"{hours} hours"
    return f"{seconds:.2f} s"


def jiffies2ms(jiffies: int) -> float:
    """jiffies or jiffies_64 as ms since boot."""
    since = jiffies - _FIRST_SECONDS * HZ % _U32
    if since < 0:
        since += _U32       # the low half only, and it has wrapped
    return since * 1000 / HZ


def get_uptime_fromcrash() -> float:
    """Seconds since boot, by jiffies_64; TypeError if the kernel does not show it."""
    address = sym2addr("jiffies_64")
    if not address:
        raise TypeError(missing.symbol("jiffies_64"))
    return jiffies2ms(readU64(address)) / 1000


def ktime_t(t: Any) -> int:
    """A ktime in ns: a plain number since 4.10, a union with `tv64` before."""
    try:
        return t.tv64
    except (AttributeError, KeyError):
        return t


@memoize_cond(CU_LIVE)
def get_ktime_j() -> int | None:
    """ktime of the last update of jiffies, in ns; None if the kernel does not show it."""
    address = sym2addr("last_jiffies_update")
    return readS64(address) if address else None


def sched_clock() -> int | None:
    """The same as a clock: ns since boot."""
    return get_ktime_j()


def _timekeeper() -> Any:
    """struct timekeeper; None if the kernel does not show it."""
    # 6.17: 22c62b9a84b8 ("timekeeping: Introduce auxiliary timekeepers"); the core is the first
    address = sym2addr("timekeeper_data") or sym2addr("tk_core")
    if not address:
        return None
    offset = member_offset("struct tk_data", "timekeeper")      # 6.13
    # Before, the struct had no name: a seqcount and the timekeeper.
    return readSU("struct timekeeper", address + (8 if offset < 0 else offset))


def tkr_time() -> int | None:
    """CLOCK_MONOTONIC when the timekeeper was last updated, in ns; None if unknown."""
    timekeeper = _timekeeper()
    if timekeeper is None:
        return None
    base = timekeeper.tkr_mono
    return ktime_t(base.base) + (base.xtime_nsec >> base.shift)


def seconds_since_boot() -> float | None:
    """The same in seconds."""
    now = tkr_time()
    return None if now is None else now / _NS


def get_seconds() -> int | None:
    """The time of day: seconds since 1970; None if unknown."""
    timekeeper = _timekeeper()
    return None if timekeeper is None else timekeeper.xtime_sec


def boot_time() -> int | None:
    """When the machine was booted: ns since 1970, by the wall clock as it was last; or None."""
    timekeeper = _timekeeper()
    if timekeeper is None:
        return None
    return ktime_t(timekeeper.offs_real) - ktime_t(timekeeper.offs_boot)


@memoize_cond(CU_LIVE)
def ticks_per_second() -> int:
    """The kernel's HZ, by the length of its ticks; what crash takes it for if that is not shown.

    crash guesses where a kernel does not carry its configuration.
    """
    try:
        timekeeper = _timekeeper()
        nanoseconds = timekeeper.ntp_tick >> _NTP_SHIFT if timekeeper is not None else 0
    except (crash.error, KeyError):
        return HZ
    return round(_NS / nanoseconds) if 0 < nanoseconds < _NS else HZ


class Clocks(NamedTuple):
    """The kernel's clocks when the timekeeper was last updated, in ns."""

    monotonic: int      # since boot, while the machine was awake
    realtime: int       # since 1970, UTC
    slept: int          # how much of the time since boot was suspends


def clocks() -> Clocks | None:
    """What the clocks say; None if the kernel does not show them."""
    timekeeper = _timekeeper()
    if timekeeper is None:
        return None
    base = timekeeper.tkr_mono
    now = ktime_t(base.base) + (base.xtime_nsec >> base.shift)
    return Clocks(now, now + ktime_t(timekeeper.offs_real), ktime_t(timekeeper.offs_boot))


class timespec(NamedTuple):
    """A time of day: seconds since 1970, and nanoseconds."""

    tv_sec: int
    tv_nsec: int


def getboottime() -> timespec | None:
    """When the kernel was started; None if unknown."""
    booted = boot_time()
    return None if booted is None else timespec(*divmod(booted, _NS))


def get_uptime_fromproc() -> float:
    """Seconds since this machine was started: of a dump only on a live system."""
    with open("/proc/uptime", encoding="ascii") as uptime:
        return float(uptime.read().split()[0])


def get_ktime_t() -> None:
    """Print crash's `timer -r`: the clocks of high-resolution timers."""
    print(printable(crash.exec_crash_command("timer -r")), end="")
