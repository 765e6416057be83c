"""Owns the time of day of messages in the kernel's log, and the jumps of its clock.

Messages are stamped by local_clock(), which runs by the CPU's counter: it is not disciplined as the
kernel's other clocks are, and stands still in a suspend.  Must not know how times are printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from LinuxDump import percpu
from LinuxDump.printk import Record
from LinuxDump.Time import Clocks, clocks
from pykdump.API import crash, readSU

_NS = 1_000_000_000
_SET = 2 * _NS                  # less is what reading an RTC, which counts seconds, explains
_NEAR, _SOON = 8, 5 * _NS       # messages after a jump that may tell why it was
_MOST_OFF = 0.01                # a counter that is further off has not been understood

_ENTRY = re.compile(r"PM: (?:suspend entry \((\S+)\)|hibernation: hibernation (entry)"
                    r"|(hibernation) entry)")
_EXIT = re.compile(r"PM: (?:suspend exit|hibernation: hibernation exit|hibernation exit)")
_RESUME = re.compile(r"Low-level resume complete|Enabling non-boot CPUs|resume from suspend-to-idle"
                     r"|Timekeeping suspended for")
_ABORTED = re.compile(r"PM: (?:Some devices failed|Device .* failed to|Wakeup pending"
                      r"|last active wakeup source)|Freezing .* (?:failed|aborted)", re.I)
_LENGTH = re.compile(r"Timekeeping suspended for (\d+)\.(\d+) seconds")
_RTC = re.compile(r"setting system clock to .* \((\d+)\)")
_REASONS = (
    (re.compile(r"clocksource|sched_clock: Marking|[Tt]imekeeping"), "change of clocks"),
    (re.compile(r"soft lockup|hard LOCKUP|rcu.*(?:stall|starved)"), "stall"),
    (re.compile(r"PM: suspend exit|Low-level resume complete|Restarting tasks"), "suspend"),
    (re.compile(r"blocked for more than \d+ seconds"), "hung task"),
)


class Suspend(NamedTuple):
    """A suspend of the machine that the log tells of."""

    kind: str               # "deep", "s2idle", "hibernation"
    entry: Record
    at_ns: int              # the log's clock while it slept
    exit: Record
    slept_ns: int | None    # None: not known of this one alone


class LogClock(NamedTuple):
    """Turns stamps of the log into the time of day."""

    clocks: Clocks
    log_now: int | None             # the log's clock at the moment of `clocks`; None: not known
    suspends: tuple[Suspend, ...]
    unplaced_ns: int                # time in suspends that none of these explains
    set_ns: int | None              # by how much the clock was set after boot; None: not known

    @property
    def drift_ns(self) -> int:
        """How far CLOCK_MONOTONIC is ahead of the log's clock at the end."""
        return 0 if self.log_now is None else self.clocks.monotonic - self.log_now

    @property
    def drift_ppm(self) -> float:
        """The same as parts in a million of the time that was measured."""
        return self.drift_ns * 1e6 / self.log_now if self.log_now else 0.0

    def monotonic(self, stamp: int) -> int:
        """CLOCK_MONOTONIC of a stamp, in ns: the drift came little by little."""
        if not self.log_now:
            return stamp
        return stamp + stamp * self.drift_ns // self.log_now

    def realtime(self, stamp: int) -> int:
        """The time of day of a stamp: ns since 1970, UTC, by the clock as it was at the end."""
        later = sum(suspend.slept_ns or 0 for suspend in self.suspends if stamp < suspend.at_ns)
        return self.clocks.realtime - self.clocks.monotonic + self.monotonic(stamp) - later

    @property
    def uncertain(self) -> tuple[int, int, int] | None:
        """(first stamp, last stamp, by how many ns) of times that suspends make uncertain."""
        unknown = [suspend for suspend in self.suspends if suspend.slept_ns is None]
        if len(unknown) < 2 or not self.unplaced_ns:
            return None
        return unknown[0].at_ns, unknown[-1].at_ns, self.unplaced_ns


class Jump(NamedTuple):
    """A place where the times of the log jump."""

    kind: str               # "backwards", "gap", "suspend"
    seconds: float          # of the time of day; unknown of some suspends: 0
    before: Record
    after: Record
    reason: str             # what messages nearby tell of: "suspend", "stall", ...; or ""


def log_clock(records: Sequence[Record]) -> LogClock | None:
    """The clock of a log; None if the kernel, or the dump, does not show its clocks."""
    try:
        now = clocks()
    except crash.error:
        return None
    if now is None:
        return None
    log_now = _log_now(now.monotonic)
    suspends, unplaced = _with_lengths(list(_suspends(records)), now.slept)
    clock = LogClock(now, log_now, tuple(suspends), unplaced, None)
    return clock._replace(set_ns=_clock_set(records, clock))


def time_jumps(records: Sequence[Record], gap: float = 60.0, back: float = 0.01,
               clock: LogClock | None = None) -> list[Jump]:
    """Jumps between messages that follow each other, in the order of the log.

    Gaps of at least `gap` seconds, steps backwards of at least `back`: CPUs stamp messages before
    they put them into the log, so that small steps are usual.  Suspends are of the clock's.
    """
    jumps = [Jump("suspend", (suspend.slept_ns or 0) / _NS, suspend.entry, suspend.exit,
                  suspend.kind) for suspend in (clock.suspends if clock else ())]
    for at in range(1, len(records)):
        before, after = records[at - 1], records[at]
        seconds = (after.ts_nsec - before.ts_nsec) / _NS
        if seconds >= gap or -seconds >= back:
            jumps.append(Jump("gap" if seconds > 0 else "backwards", seconds, before, after,
                              _reason(records[at:at + _NEAR])))
    return sorted(jumps, key=lambda jump: jump.after.seq)


def _reason(after: Sequence[Record]) -> str:
    soon = [record for record in after if record.ts_nsec - after[0].ts_nsec < _SOON]
    for pattern, reason in _REASONS:
        if any(pattern.search(record.text) for record in soon):
            return reason
    return ""


def _log_now(monotonic: int) -> int | None:
    """The log's clock at the last tick: run queues are stamped by it, at the same ticks."""
    stamps = []
    for address in percpu.get_cpu_var("runqueues"):
        try:
            stamps.append(int(readSU("struct rq", address).clock))
        except crash.error:
            continue        # no such CPU
    most = max(monotonic * _MOST_OFF, 10 * _NS)
    return max((stamp for stamp in stamps if abs(stamp - monotonic) <= most), default=None)


def _suspends(records: Sequence[Record]) -> Iterator[Suspend]:
    """Those that have happened, and whose end is in the log."""
    entry: tuple[Record, str] | None = None
    resumed: Record | None = None
    length: int | None = None
    aborted = False
    for record in records:
        begins = _ENTRY.search(record.text)
        if begins:
            kind = begins.group(1) or "hibernation"
            entry, resumed, length, aborted = (record, kind), None, None, False
        elif entry is None:
            continue
        elif _EXIT.search(record.text):
            if not aborted:
                yield Suspend(entry[1], entry[0], (resumed or record).ts_nsec, record, length)
            entry = None
        else:
            told = _LENGTH.search(record.text)
            if told:
                length = int(told.group(1)) * _NS + int(told.group(2).ljust(9, "0")[:9])
            if _RESUME.search(record.text):
                resumed = resumed or record
            aborted = aborted or bool(_ABORTED.search(record.text))


def _with_lengths(suspends: list[Suspend], slept: int) -> tuple[list[Suspend], int]:
    """Suspends with what can be known of how long each was, and the time that is left over."""
    left = max(slept - sum(suspend.slept_ns or 0 for suspend in suspends), 0)
    unknown = [at for at, suspend in enumerate(suspends) if suspend.slept_ns is None]
    if len(unknown) == 1:
        suspends[unknown[0]] = suspends[unknown[0]]._replace(slept_ns=left)
        left = 0
    return suspends, left


def _clock_set(records: Sequence[Record], clock: LogClock) -> int | None:
    """By how much the clock was set since the kernel took it from the RTC."""
    for record in records:
        told = _RTC.search(record.text)
        if told and record.facility == 0:
            apart = clock.realtime(record.ts_nsec) - int(told.group(1)) * _NS
            return apart if abs(apart) >= _SET else 0
    return None
