"""Finds what the log tells of trouble before the kernel died: one finding of each kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from LinuxDump import logmarks, panics
from LinuxDump.logclock import time_jumps
from LinuxDump.logmarks import Mark
from LinuxDump.printk import Record
from LinuxDump.taskrows import task_rows
from pykdump.plaintext import one_line

from .finding import Evidence, Finding, Severity

_KINDS = {
    "oops": (Severity.ERROR, "oopses, after which the kernel went on"),
    "warning": (Severity.WARNING, "warnings of the kernel's own checks"),
    "soft-lockup": (Severity.ERROR, "soft lockups"),
    "hard-lockup": (Severity.ERROR, "hard lockups"),
    "rcu-stall": (Severity.ERROR, "RCU stalls"),
    "hung-task": (Severity.WARNING, "complaints of hung tasks"),
    "oom": (Severity.WARNING, "processes killed for want of memory"),
    "allocation": (Severity.WARNING, "allocations of memory that failed"),
    "bad-page": (Severity.ERROR, "pages in a bad state"),
    "slab": (Severity.ERROR, "corrupted slab objects"),
    "machine-check": (Severity.ERROR, "machine checks"),
    "corrected": (Severity.WARNING, "errors that the hardware has corrected"),
    "io-error": (Severity.ERROR, "I/O errors"),
    "filesystem": (Severity.ERROR, "errors of filesystems"),
    "clock": (Severity.NOTE, "complaints of a clock"),
}
# The kinds of lines that a panic brings with it, itself.
_OWN = {
    **dict.fromkeys(("null-dereference", "bad-pointer", "bug", "list-corruption", "exception",
                     "slab-corruption", "stack-overflow", "double-fault"), "oops"),
    "warning": "warning", "scheduling-while-atomic": "warning",
    "soft-lockup": "soft-lockup", "hard-lockup": "hard-lockup",
    "rcu-stall": "rcu-stall", "hung-task": "hung-task", "machine-check": "machine-check",
}
_REPORT = 2.0       # s that the kernel takes to report what it dies of
_BACK = 1.0         # s that the log's clock must go back to be said so


def findings() -> Iterator[Finding]:
    """What the log tells that is not of the panic itself."""
    records = logmarks.before_panic(logmarks.kernel_messages())
    kinds: defaultdict[str, list[Mark]] = defaultdict(list)
    for mark in logmarks.marks(records):
        kinds[mark.kind].append(mark)
    own = _OWN.get(panics.panic().cause)
    if own:
        kinds[own] = [mark for mark in kinds[own][:-1]
                      if mark.record.seconds < records[-1].seconds - _REPORT]
    for kind, found in kinds.items():
        if found:
            yield _finding(kind, found)
    yield from _clock(records)


def _finding(kind: str, found: list[Mark]) -> Finding:
    severity, what = _KINDS[kind]
    first, last = found[0].record, found[-1].record
    when = f"at {first.seconds:.1f} s" if len(found) == 1 \
        else f"from {first.seconds:.1f} s to {last.seconds:.1f} s"
    shown = list(dict.fromkeys((found[0], found[-1])))
    return Finding(f"log.{kind}", severity,
                   f"The log has {what}: {len(found)}, {when} after the boot.",
                   tuple(Evidence("log", f"{mark.record.stamp} {mark.line}{_still(mark)}",
                                  pid=mark.pid) for mark in shown), "tslog")


def _still(mark: Mark) -> str:
    """What has become of the task that a line names."""
    if mark.pid is None:
        return ""
    row = next((row for row in task_rows() if row.pid == mark.pid), None)
    if row is None:
        return "  (it has ended)"
    same = one_line(row.comm) == mark.comm
    return f"  (now {row.state})" if same else f"  (its pid is now {row.comm}'s)"


def _clock(records: Sequence[Record]) -> Iterator[Finding]:
    """Places in the log where its clock goes back."""
    jumps = [jump for jump in time_jumps(records, back=_BACK) if jump.kind == "backwards"]
    if jumps:
        before, after = jumps[0].before, jumps[0].after
        yield Finding("log.time", Severity.NOTE,
                      f"The log's clock goes back {len(jumps)} times, first from "
                      f"{before.seconds:.1f} s to {after.seconds:.1f} s.",
                      tuple(Evidence("log", f"{record.stamp} {_first_line(record)}")
                            for record in (before, after)), "tslog")


def _first_line(record: Record) -> str:
    return one_line(record.text.partition("\n")[0])
