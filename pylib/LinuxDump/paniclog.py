"""Owns what the log alone tells of a kernel's end, for dumps whose stacks do not.

Must not know stacks, nor how any of it is worded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from LinuxDump.printk import Record
from pykdump.plaintext import one_line

_NEAR = 400         # messages before the end that may be of it
# Of what panic() printed, and of reports before it; the first that fits counts.
_BY_PANIC = tuple((cause, re.compile(pattern)) for cause, pattern in (
    ("sysrq", r"sysrq triggered crash"), ("machine-check", r"[Mm]achine check"),
    ("hard-lockup", r"[Hh]ard LOCKUP"), ("nmi", r"NMI"), ("soft-lockup", r"softlockup"),
    ("rcu-stall", r"RCU Stall"), ("hung-task", r"hung_task"),
    ("oom", r"[Oo]ut of memory|deadlocked on memory"), ("stack-overflow", r"stack overflow"),
    ("scheduling-while-atomic", r"scheduling while atomic"),
    ("stack-corruption", r"stack-protector"), ("init-died", r"Attempted to kill init"),
    ("no-root", r"Unable to mount root"), ("warning", r"panic_on_warn"),
))
_BY_REPORT = tuple((cause, re.compile(pattern, re.M)) for cause, pattern in (
    ("sysrq", r"^sysrq: Trigger a crash"),
    ("null-dereference", r"NULL pointer dereference"),
    ("bad-pointer", r"nable to handle (?:kernel paging request|page fault)"
                    r"|^(?:Oops: )?general protection fault"),
    ("list-corruption", r"^list_(?:add|del) corruption"),
    ("slab-corruption", r"kernel BUG at mm/sl[au]b\.c"), ("bug", r"kernel BUG at "),
    ("stack-overflow", r"stack guard page"), ("double-fault", r"double fault"),
))
_OOPS = re.compile(r"Fatal exception")
_RIP = re.compile(r"RIP: 0010:(?P<function>[\w.]+)\+0x(?P<offset>[0-9a-f]+)/0x[0-9a-f]+"
                  r"(?: \[(?P<module>[\w-]+)\])?")
_WHO = re.compile(r"CPU: (?P<cpu>\d+) (?:UID: \d+ )?PID: (?P<pid>\d+) Comm: (?P<comm>.*?) "
                  r"(?:Kdump: loaded )?(?:Tainted|Not tainted)")


class LoggedFrame(NamedTuple):
    """Where it was, as a frame of a stack has it."""

    function: str
    offset: int
    module: str | None
    ip: int = 0
    at: int = 0
    regs: int = 0


class Report(NamedTuple):
    """What the log tells: cause as in panics.Panic, the function, and whose doing it was."""

    cause: str
    frame: LoggedFrame | None
    cpu: int | None
    pid: int | None
    comm: str


def report_of(records: Sequence[Record], message: str) -> Report | None:
    """What the messages up to the panic tell, and what panic() printed; None for nothing."""
    cause = next((name for name, pattern in _BY_PANIC if pattern.search(message)), None)
    text = "\n".join(record.text for record in records[-_NEAR:])
    if cause is None and _OOPS.search(message):
        cause = next((name for name, pattern in _BY_REPORT if pattern.search(text)), "exception")
    if cause is None:
        return None
    rips, tasks = list(_RIP.finditer(text)), list(_WHO.finditer(text))
    frame = None
    if rips and cause not in ("sysrq", "oom", "init-died", "no-root", "machine-check",
                              "scheduling-while-atomic"):
        function, offset, module = rips[-1].groups()
        frame = LoggedFrame(function, int(offset, 16), module)
    if not tasks:
        return Report(cause, frame, None, None, "")
    cpu, pid, comm = tasks[-1].groups()
    return Report(cause, frame, int(cpu), int(pid), one_line(comm))
