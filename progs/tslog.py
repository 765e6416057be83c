"""tslog: the kernel's log with the time of day."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from optparse import OptionParser, OptionValueError, Values
from typing import TYPE_CHECKING, Any

if "crash" not in sys.modules:
    import outside  # noqa: F401

if TYPE_CHECKING:
    from LinuxDump.logclock import LogClock
    from LinuxDump.printk import Log, Record

__version__ = "1.0"

_NS = 1_000_000_000
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
_OTHER_NAMES = {"panic": 0, "error": 3, "warning": 4}
_LATEST = 253_402_300_799 * _NS      # the year 9999: later ones cannot be printed

_EPILOG = """\
TIME is a date and time (2026-11-21, "2026-11-21 04:58", 04:58:34 of the last day), seconds since
boot as dmesg shows them (12.5), or a time before the last message (-30s, -5m, -2h, -1d). LEVEL is
a name or number, which means this and what is more urgent, or a list of them: warn,err.
docs/tslog.md tells how the time of day is found, and what --json prints."""


def _zone(_option: Any, opt: str, text: str, parser: Any) -> None:
    parser.values.zone = _zone_of(opt, text)


def _zone_of(opt: str, text: str) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    offset = re.fullmatch(r"([+-])(\d\d):?(\d\d)?", text)
    if offset:
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise OptionValueError(f"option {opt}: no time zone {text!r}: Europe/Paris, UTC or +02:00 "
                               "are some") from None


def _levels(_option: Any, opt: str, text: str, parser: Any) -> None:
    numbers = [_level(opt, name) for name in text.split(",")]
    parser.values.levels = set(numbers) if len(numbers) > 1 else set(range(numbers[0] + 1))


def _level(opt: str, name: str) -> int:
    if name in _LEVELS:
        return _LEVELS.index(name)
    if name in _OTHER_NAMES:
        return _OTHER_NAMES[name]
    if name in map(str, range(len(_LEVELS))):
        return int(name)
    raise OptionValueError(f"option {opt}: no level {name!r}: {' '.join(_LEVELS)}, or 0 to 7")


def _pattern(_option: Any, opt: str, text: str, parser: Any) -> None:
    try:
        parser.values.pattern = re.compile(text)
    except re.error as err:
        raise OptionValueError(f"option {opt}: {text!r} is no regular expression: {err}") from None


def _parse() -> Values:
    parser = OptionParser(prog="tslog", version=f"TSLOG version {__version__}", epilog=_EPILOG,
                          description="Print the kernel's log with the time of day of each "
                          "message, in the time zone of whoever reads it.")
    parser.add_option("--utc", action="store_const", const=timezone.utc, dest="zone",
                      help="times in UTC")
    parser.add_option("--tz", action="callback", callback=_zone, type="string", metavar="ZONE",
                      help="times of another zone: Europe/Paris, +02:00")
    parser.add_option("--relative", action="store_true",
                      help="seconds before the last message instead")
    parser.add_option("--raw", action="store_true",
                      help="seconds since boot instead, as dmesg prints them")
    parser.add_option("--subseconds", action="store_true", help="microseconds, too")
    parser.add_option("--caller", action="store_true",
                      help="who printed it: T17 a thread, C1 an interrupt on a CPU")
    parser.add_option("--since", metavar="TIME", help="only messages from then on")
    parser.add_option("--until", metavar="TIME", help="only messages up to then")
    parser.add_option("--level", action="callback", callback=_levels, type="string",
                      metavar="LEVEL", help="only messages that are so urgent")
    parser.add_option("--grep", action="callback", callback=_pattern, type="string", metavar="RE",
                      help="only messages in which a regular expression matches")
    parser.add_option("--json", action="store_true", help="the same as JSON")
    parser.set_defaults(zone=None, levels=None, pattern=None)
    options, _rest = parser.parse_args()
    if options.relative and options.raw:
        parser.error("--relative and --raw are different times")
    return options


# -- which messages -------------------------------------------------------------------------------

class _Times:
    """Stamps of the log as the times that people read and type."""

    def __init__(self, records: list[Record], clock: LogClock | None, zone: tzinfo | None) -> None:
        self.clock = clock
        self.last = records[-1].ts_nsec
        self._zone = zone

    def of(self, stamp: int) -> datetime:
        """The time of day of a stamp; one that cannot be is the last or first that can."""
        assert self.clock is not None
        wall = min(max(self.clock.realtime(stamp), 0), _LATEST)
        # datetime's own way from nanoseconds would be by a float
        day = datetime.fromtimestamp(wall // _NS, timezone.utc)
        return day.replace(microsecond=wall % _NS // 1000).astimezone(self._zone)

    def limit(self, opt: str, text: str) -> Callable[[int], float]:
        """What a TIME means: a function of a stamp that is negative before it, or positive."""
        before = re.fullmatch(r"-(\d{1,12}(?:\.\d{1,20})?)([smhd]?)", text)
        if before:
            wanted = self.last - int(Decimal(before[1]) * _UNITS[before[2]] * _NS)
            return lambda stamp: stamp - wanted
        if re.fullmatch(r"\d{1,12}(\.\d{1,20})?", text):
            since_boot = int(Decimal(text) * _NS)
            # as it is printed: a message at 1.5000004 is one of 1.500000
            return lambda stamp: stamp // 1000 - since_boot // 1000
        moment = self._moment(opt, text)
        return lambda stamp: (self.of(stamp) - moment).total_seconds()

    def _moment(self, opt: str, text: str) -> datetime:
        if self.clock is None:
            sys.exit(f"tslog: {opt}={text}: the kernel does not show the time of day")
        day = self.of(self.last)
        try:
            if re.fullmatch(r"\d\d?:\d\d.*", text):
                text = f"{day:%Y-%m-%d} {text.rjust(5, '0') if len(text) == 4 else text}"
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=self._zone) if self._zone else moment.astimezone()
        except (ValueError, OverflowError):
            sys.exit(f"tslog: {opt}: {text!r} is no time: 2026-11-21, 04:58:34, 12.5 and -5m are "
                     "some")
        return moment


def _chosen(records: list[Record], times: _Times, options: Values) -> Iterator[Record]:
    since = times.limit("--since", options.since) if options.since else None
    until = times.limit("--until", options.until) if options.until else None
    for record in records:
        if options.levels is not None and record.level not in options.levels:
            continue
        if options.pattern is not None and not options.pattern.search(record.text):
            continue
        if since is not None and since(record.ts_nsec) < 0:
            continue
        if until is not None and until(record.ts_nsec) > 0:
            continue
        yield record


# -- printing -------------------------------------------------------------------------------------

def _head(record: Record, times: _Times, options: Values) -> str:
    """What is before the text of a message."""
    if options.raw or times.clock is None and not options.relative:
        head = record.stamp
    elif options.relative:
        head = f"{(record.ts_nsec - times.last) / _NS:13.6f}"
    else:
        moment = times.of(record.ts_nsec)
        head = f"{moment:%Y-%m-%d %H:%M:%S}"
        if options.subseconds:
            head += f".{moment.microsecond:06}"
    if options.caller:
        head += f" {record.caller:>6}"
    return head + " "


def _print_text(records: Iterator[Record], times: _Times, options: Values) -> None:
    from pykdump.plaintext import printable

    previous = None
    for record in records:
        head = _head(record, times, options)
        first, *more = printable(record.text).split("\n")
        goes_on = record.cont and record.seq - 1 == previous
        print(f"{'':{len(head)}}{first}" if goes_on else f"{head}{first}")
        previous = record.seq
        for line in more:
            print(f"{'':{len(head)}}{line}")


def _print_notes(log: Log) -> None:
    from pykdump.API import pylog

    for problem in log.problems:
        pylog.warning_onexit(f"the log is damaged: {problem}")
    if log.missing:
        pylog.warning_onexit(f"{log.missing} messages between those that were printed are missing")
    if log.overwritten:
        pylog.info(f"{log.overwritten} older messages were overwritten")
    if log.dropped:
        pylog.info(f"{log.dropped} messages had no room when they were printed")


def _clock_notes(clock: LogClock | None) -> Iterator[str]:
    if clock is None:
        yield "the kernel does not show its clocks: times are seconds since boot"
        return
    if clock.log_now is None:
        yield "the drift of the log's clock is not known"
    else:
        yield (f"the log's clock was {abs(clock.drift_ns) / _NS:.3f} s "
               f"{'behind' if clock.drift_ns >= 0 else 'ahead'} after "
               f"{clock.log_now / _NS:.0f} s ({clock.drift_ppm:+.0f} ppm), which is compensated")
    for suspend in clock.suspends:
        length = "a while" if suspend.slept_ns is None else f"{suspend.slept_ns / _NS:.3f} s"
        yield f"at {suspend.at_ns / _NS:.6f} the machine slept {length} ({suspend.kind})"
    if clock.uncertain:
        first, last, most = clock.uncertain
        yield (f"times from {first / _NS:.6f} to {last / _NS:.6f} may be up to {most / _NS:.3f} s "
               "late: the log does not tell how long each suspend was")
    elif clock.unplaced_ns:
        yield (f"the machine slept {clock.unplaced_ns / _NS:.3f} s more than the log tells; times "
               "before may be so much late")
    if clock.set_ns:
        yield (f"the clock was set by {clock.set_ns / _NS:+.0f} s since boot; times are by the "
               "clock as it was at the end")


# -- JSON -----------------------------------------------------------------------------------------

def _json(log: Log, records: Iterator[Record], times: _Times | None) -> dict[str, Any]:
    clock = times.clock if times else None
    return {
        "records": [_as_json(record, times) for record in records],
        "overwritten": log.overwritten, "missing": log.missing, "dropped": log.dropped,
        "problems": list(log.problems), "clock": _clock_json(clock), "jumps": _jumps(log, clock)}


def _as_json(record: Record, times: _Times | None) -> dict[str, Any]:
    return {
        "seq": record.seq,
        "time": times.of(record.ts_nsec).isoformat() if times and times.clock else None,
        "ts_nsec": record.ts_nsec, "level": record.level, "facility": record.facility,
        "caller": record.caller, "cont": record.cont, "subsystem": record.subsystem,
        "device": record.device, "text": record.text}


def _clock_json(clock: LogClock | None) -> dict[str, Any] | None:
    if clock is None:
        return None
    return {"realtime_ns": clock.clocks.realtime, "monotonic_ns": clock.clocks.monotonic,
            "slept_ns": clock.clocks.slept, "log_ns": clock.log_now, "drift_ns": clock.drift_ns,
            "drift_ppm": round(clock.drift_ppm, 3), "set_ns": clock.set_ns,
            "suspends": [{"kind": suspend.kind, "at_ns": suspend.at_ns,
                          "slept_ns": suspend.slept_ns} for suspend in clock.suspends],
            "unplaced_ns": clock.unplaced_ns}


def _jumps(log: Log, clock: LogClock | None) -> list[dict[str, Any]]:
    from LinuxDump.logclock import time_jumps

    return [{"kind": jump.kind, "seconds": jump.seconds, "before": jump.before.seq,
             "after": jump.after.seq, "reason": jump.reason}
            for jump in time_jumps(log.records, clock=clock)]


def main() -> None:
    options = _parse()
    from LinuxDump.logclock import log_clock
    from LinuxDump.printk import kernel_log
    from pykdump.API import pylog

    try:
        log = kernel_log()
    except TypeError as err:
        sys.exit(f"tslog: {err}")
    clock = log_clock(log.records)
    times = _Times(log.records, clock, options.zone) if log.records else None
    records = _chosen(log.records, times, options) if times else iter(())
    if options.json:
        json.dump(_json(log, records, times), sys.stdout, indent=1)
        print()
        return
    if times is None:
        print("The log is empty")
    elif not any(record.ts_nsec for record in log.records):
        print("No timestamps")
    else:
        _print_text(records, times, options)
    _print_notes(log)
    if times and not options.raw and not options.relative:
        for note in _clock_notes(clock):
            pylog.info(note)


if __name__ == "__main__":
    main()
