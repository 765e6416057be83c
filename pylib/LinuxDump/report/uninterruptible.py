"""Threads that hang: those that did not run for half a minute."""

from __future__ import annotations

from typing import Any

from LinuxDump.BTstack import stack_of_task, subroutine_stacks
from LinuxDump.hangs import is_hung
from LinuxDump.taskrows import Row, task_rows
from LinuxDump.Tasks import TaskTable
from pykdump.API import pylog, readSU

_LONG_MS = 30_000
_OLDEST = 3
_NFS = ("nfs_wait_bit_killable", "rpc_wait_bit_killable", "nfs_wait_on_request",
        "nfs_file_fsync", "nfs_lookup_revalidate", "nfs4_do_close", "rpc_execute")
_COMMITTING = ("jbd2_log_wait_commit", "log_wait_commit", "jbd2_journal_commit_transaction",
               "journal_commit_transaction")


def show(verbose: int) -> None:
    """Print the three that hang longest, and warn of those in NFS and in journals."""
    hung = _hung()
    for count, text in ((len(_with(_NFS, hung)), "NFS processes in UNINTERRUPTIBLE state"),
                        (len(_with(_COMMITTING, hung)),
                         "processes in UNINTERRUPTIBLE state are committing journal")):
        if count:
            pylog.warning(f"{count} {text}")
    if hung:
        print("+++three oldest UNINTERRUPTIBLE threads")
    table = TaskTable()
    for row in hung[:_OLDEST]:
        print(f"   ... ran {row.ran_ago / 1000:.0f}s ago")
        try:
            print(stack_of_task(table.task(readSU("struct task_struct", row.task))))
        except IndexError as err:
            print(f"   {err}")


def data() -> dict[str, Any]:
    """Threads that have not run for 30 s, the oldest first, and which are in NFS or journals."""
    hung = _hung()
    return {"threads": [{"pid": row.pid, "comm": row.comm, "ran_ms_ago": row.ran_ago}
                        for row in hung],
            "nfs": [row.pid for row in _with(_NFS, hung)],
            "journal": [row.pid for row in _with(_COMMITTING, hung)]}


def _hung() -> list[Row]:
    found = [row for row in task_rows() if row.ran_ago > _LONG_MS and is_hung(row)]
    return sorted(found, key=lambda row: (-row.ran_ago, row.pid))


def _with(functions: tuple[str, ...], rows: list[Row]) -> list[Row]:
    """Those with one of some functions on their stacks."""
    if not rows:
        return []
    pids = subroutine_stacks().find_pids_byfuncname("|".join(functions))
    return [row for row in rows if row.pid in pids]
