"""Finds filesystems that are full, frozen, shut down or stopped by an error, and stuck journals."""

from __future__ import annotations

from collections.abc import Iterator

from LinuxDump.fs.journals import Journal, Transaction, handle_owners, journals
from LinuxDump.fs.mounted import Filesystem, filesystems
from LinuxDump.taskrows import Row, task_rows

from .finding import Evidence, Finding, Severity

_FULL = 95          # percent
_STUCK = 30         # seconds that a commit may take
_SHOWN = 5          # tasks of a filesystem
_COMMAND = "mountshow --stats"


def findings() -> Iterator[Finding]:
    """Those that do not work first, then those that soon will not."""
    found = filesystems().filesystems
    for each in found:
        if each.health.shutdown:
            last = each.health.last
            yield _finding("shutdown", Severity.ERROR, each, "is shut down: nothing works on it "
                           f"any more{f', since an error: {last}' if last else ''}.")
        elif each.health.aborted:
            yield _aborted(each)
        if each.health.frozen:
            yield _frozen(each)
    for journal in journals()[0]:
        for transaction in (journal.committing, journal.running):
            if transaction and not transaction.open and transaction.age > _STUCK \
                    and not journal.aborted:
                yield _stuck(journal, transaction)
    for each in found:
        if each.health.errors and not each.health.aborted:
            last = each.health.last
            yield _finding("errors", Severity.WARNING, each, f"has counted {each.health.errors} "
                           f"errors{f', the last in {last}' if last else ''}.")
        yield from _full(each)


def _finding(kind: str, severity: Severity, each: Filesystem, says: str,
             evidence: tuple[Evidence, ...] = (), command: str = _COMMAND) -> Finding:
    return Finding(f"filesystems.{kind}", severity, f"{each.name} {says}",
                   (Evidence("super_block", each.name, int(each.sb)), *evidence), command)


def _aborted(each: Filesystem) -> Finding:
    last = each.health.last
    why = f": {last}" if last else ""
    return _finding("aborted", Severity.ERROR, each,
                    f"takes no more writes since an error{why}.")


def _frozen(each: Filesystem) -> Finding:
    rows = [row for row in _sleeping() if _waits_for(row, int(each.sb))]
    evidence = tuple(_task(row, "waits for it") for row in rows[:_SHOWN])
    if not rows:
        return _finding("frozen", Severity.WARNING, each, "is frozen; nobody waits for it yet.")
    count = f"{len(rows)} threads wait" if len(rows) > 1 else "one thread waits"
    return _finding("frozen", Severity.ERROR, each, f"is frozen, and {count} for its end; the "
                    f"longest for {max(row.ran_ago for row in rows) / 1000:.0f} s.", evidence,
                    "hanginfo")


def _stuck(journal: Journal, transaction: Transaction) -> Finding:
    rows = {row.task: row for row in task_rows()}
    owners = [rows[task] for task in handle_owners().get(int(transaction.transaction), ())
              if task in rows]
    held = ""
    if owners:
        held = f"; pid={owners[0].pid} ({owners[0].comm}) has a handle of it"
    elif transaction.updates:
        held = f"; {transaction.updates} handles of it are open"
    return Finding("filesystems.journal", Severity.ERROR,
                   f"The journal of {journal.device} does not get on: transaction "
                   f"{transaction.tid}, begun {transaction.age:.0f} s ago, is "
                   f"{transaction.state}{held}.",
                   (Evidence("transaction", f"{transaction.tid} of {journal.device}",
                             int(transaction.transaction)),
                    *(_task(row, "has a handle of it") for row in owners[:_SHOWN])),
                   f"bt {owners[0].pid}" if owners else "hanginfo")


def _full(each: Filesystem) -> Iterator[Finding]:
    # an overlay has the numbers of a filesystem that is there, too; what is read-only may be full
    if each.usage is None or each.kind == "overlay" or each.health.readonly:
        return
    used, inodes = each.usage.used_percent, each.usage.files_percent
    if used is not None and used >= _FULL:
        kept = each.usage.free - each.usage.available
        reserved = f", {kept} more are kept for root" if kept > 0 else ""
        yield _finding("full", Severity.WARNING, each,
                       f"is {_percent(used)}: {each.usage.available} of {each.usage.blocks} blocks "
                       f"of {each.usage.block_size} bytes are left{reserved}.")
    if inodes is not None and inodes >= _FULL:
        yield _finding("inodes", Severity.WARNING, each,
                       f"has few inodes left: {each.usage.files_free} of {each.usage.files}.")


def _percent(used: float) -> str:
    return "full" if used >= 100 else f"{int(used)} % full"


def _sleeping() -> list[Row]:
    return [row for row in task_rows() if "UNINTERRUPTIBLE" in row.state]


def _waits_for(row: Row, sb: int) -> bool:
    # looked at only where something is frozen
    from LinuxDump.waiters import wait_of

    wait = wait_of(row.task)
    return wait is not None and wait.kind == "frozen filesystem" and wait.obj == sb


def _task(row: Row, text: str) -> Evidence:
    return Evidence("task", f"{row.comm} {text} and has not run for "
                    f"{row.ran_ago / 1000:.0f} s", row.task, row.pid)
