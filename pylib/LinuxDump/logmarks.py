"""Owns what the kernel's log tells of trouble: which kind, when, and of which task.

Must not know how the log is stored, nor how bad any of it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from LinuxDump.printk import Record, kernel_log
from pykdump.plaintext import one_line, printable

_ANNOUNCED = "Machine check events logged"
_PANIC = re.compile(r"^Kernel panic - not syncing: (.*)", re.M)


class Mark(NamedTuple):
    """A message that tells of trouble.

    kind    "oops", "warning", "soft-lockup" ...: a name of KINDS
    line    the line of it that does, without what a terminal obeys
    pid     of the task that it is about, None if it names none
    comm    of that, "" if it names none
    """

    kind: str
    record: Record
    line: str
    pid: int | None
    comm: str


# One line for each event, though the kernel prints more.
KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.M)) for kind, pattern in (
        ("oops", r": [0-9a-f]{4,16} \[#\d+\]"),
        ("warning", r"^WARNING: .*\bat |^BUG: (?:scheduling while atomic: "
                    r"(?P<comm>.*)/(?P<pid>\d+)/|sleeping function called)"),
        ("soft-lockup", r"BUG: soft lockup - CPU#\d+ stuck for .*\[(?P<comm>.*):(?P<pid>\d+)\]"),
        ("hard-lockup", r"[Ww]atchdog.* detected hard LOCKUP on cpu"),
        ("rcu-stall", r"INFO: rcu\w* (?:self-)?detected (?:expedited )?stalls?"),
        ("hung-task", r"INFO: task (?P<comm>.*):(?P<pid>\d+) blocked for more than"),
        ("oom", r"(?:^|: )(?:Out of memory|Memory cgroup out of memory): "
                r"Killed process (?P<pid>\d+) \((?P<comm>.*?)\)"),
        ("allocation", r"page allocation failure"),
        ("bad-page", r"^BUG: Bad (?:page|rss-counter)"),
        ("slab", r"^BUG \S+ \(.*\): "),
        # bit 61 of the status: it was not
        ("corrected", r"\[Hardware Error\]: CPU \d+: Machine Check: \d+ Bank \d+: "
                      r"[89cd][0-9a-f]{15}"),
        ("machine-check", r"\[Hardware Error\]: (?:Machine check|CPU \d+: Machine Check|event s)"),
        ("io-error", r"I/O error, dev \w|^Buffer I/O error on dev"
                     r"|critical (?:medium|target) error"),
        ("filesystem", r"(?:EXT[234]-fs|BTRFS|F2FS-fs):? (?:error|critical)"
                       r"|XFS \(.*\): (?:Metadata (?:corruption|CRC)|Corruption"
                       r"|Filesystem has been shut|.*[Ss]hutting down filesystem)"),
        ("clock", r"Marking clocksource '.*' as unstable|clocksource: Long readout interval"),
    ))


def kernel_messages() -> Sequence[Record]:
    """What the kernel itself has logged, the oldest first; nothing if the log cannot be read."""
    try:
        return [record for record in kernel_log().records if record.facility == 0]
    except TypeError:       # of a kernel that keeps it in another way
        return []


def panic_messages() -> list[str]:
    """What panic() printed, each time that it was entered, without its heading."""
    found = (_PANIC.search(record.text) for record in kernel_messages())
    return [printable(each[1]).strip() for each in found if each]


def marks(records: Iterable[Record]) -> list[Mark]:
    """Those of some messages that tell of trouble, in their order."""
    found = [mark for mark in map(_mark, records) if mark]
    return [mark for mark, after in zip(found, [*found[1:], None])
            if not (after and _announces(mark, after))]


def _announces(mark: Mark, after: Mark) -> bool:
    """Does a message only say that another one follows, which it does."""
    return _ANNOUNCED in mark.line and after.kind in ("corrected", "machine-check") \
        and after.record.seconds - mark.record.seconds < 1


def _mark(record: Record) -> Mark | None:
    for kind, pattern in KINDS:
        hit = pattern.search(record.text)
        if hit:
            line = line_around(record.text, hit.start())
            named = hit.groupdict()
            pid = named.get("pid")
            return Mark(kind, record, line, int(pid) if pid else None,
                        one_line(named.get("comm") or ""))
    return None


def line_around(text: str, at: int) -> str:
    """The line of a text that a place is in, without what a terminal obeys."""
    start = text.rfind("\n", 0, at) + 1
    return printable(text[start:].partition("\n")[0])


def before_panic(records: Sequence[Record]) -> Sequence[Record]:
    """The messages up to the first panic; all of them without one."""
    end = next((at for at, record in enumerate(records) if _PANIC.search(record.text)),
               len(records))
    return records[:end]
