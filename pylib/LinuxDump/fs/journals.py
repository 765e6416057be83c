"""Owns journals of jbd2, which ext3 and ext4 write: transactions, and who has handles of them.

Must not know who waits for a transaction.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.fs.health import JBD2_ABORT
from LinuxDump.fs.superblocks import all_superblocks, operations
from pykdump.API import (CU_LIVE, EnumInfo, HZ, columns, crash, memoize_cond, readSU, readU64,
                         sym2addr, walk_list)

_HANDLE = "struct jbd2_journal_handle"
_MAX_TASKS = 1 << 22
# Names of t_state, which has no name of its own for them in every kernel, in their order.
_STATES = ("running", "locked", "switching", "flushing", "committing", "committing, data written",
           "committing, journal written", "committing, callbacks", "finished")


class Transaction(NamedTuple):
    """One transaction of a journal.

    age      seconds since it was begun; requested: since its end was asked for, None if it was not
    updates  handles that are open: operations that have begun to change something
    """

    transaction: Any        # struct transaction_s
    tid: int
    state: str
    age: float
    requested: float | None
    updates: int

    @property
    def open(self) -> bool:
        """May new operations join it."""
        return self.state == "running"


class Journal(NamedTuple):
    """A journal of a mounted filesystem."""

    journal: Any            # struct journal_s
    sb: Any                 # struct super_block
    device: str             # as /proc/fs/jbd2 calls it: "sda1-8"
    task: Any               # struct task_struct of its thread, NULL if it has none
    running: Transaction | None
    committing: Transaction | None
    aborted: bool
    error: int              # what jbd2 returns since then: a negative errno, 0 if none
    wanted: int             # tid that was last asked to be committed
    done: int               # tid that was last committed


def journal_of(sb: Any) -> Journal | None:
    """The journal of a struct super_block, None if it has none; crash.error if unreadable."""
    if operations(sb) != "ext4_sops":
        return None
    journal = readSU("struct ext4_sb_info", sb.s_fs_info).s_journal
    if not journal:
        return None
    return Journal(journal, sb, str(journal.j_devname), journal.j_task,
                   _transaction(journal.j_running_transaction),
                   _transaction(journal.j_committing_transaction),
                   bool(journal.j_flags & JBD2_ABORT), journal.j_errno,
                   journal.j_commit_request, journal.j_commit_sequence)


@memoize_cond(CU_LIVE)
def journals() -> tuple[list[Journal], list[str]]:
    """All journals, and what could not be read."""
    found, problems = all_superblocks()
    made = []
    for sb in found:
        try:
            journal = journal_of(sb)
        except (crash.error, KeyError, TypeError) as err:
            problems.append(f"the journal of {sb}: {err}")
            continue
        if journal is not None:
            made.append(journal)
    return made, problems


@memoize_cond(CU_LIVE)
def _states() -> dict[int, str]:
    """Values of t_state: 4.x had the same order but no T_SWITCH."""
    try:
        values = EnumInfo("T_RUNNING")
    except (TypeError, crash.error):
        return dict(enumerate(_STATES))
    return dict(zip(sorted(values.values()), _STATES))


def _transaction(transaction: Any) -> Transaction | None:
    if not transaction:
        return None
    jiffies = readU64(sym2addr("jiffies"))
    asked = transaction.t_requested
    state = int(transaction.t_state)
    return Transaction(transaction, transaction.t_tid, _states().get(state, f"state {state}"),
                       _since(jiffies, transaction.t_start), _since(jiffies, asked)
                       if asked else None, transaction.t_updates.counter)


def _since(jiffies: int, then: int) -> float:
    passed = (jiffies - then) & ((1 << 64) - 1)
    return 0.0 if passed >> 63 else passed / HZ


@memoize_cond(CU_LIVE)
def handle_owners() -> dict[int, list[int]]:
    """Address of a transaction -> the tasks that have handles of it.

    A task's journal_info is its handle while it changes something; other filesystems keep other
    things there, which do not lead to a transaction of a journal.
    """
    init = readSU("struct task_struct", sym2addr("init_task"))
    leaders, _report = walk_list(init.tasks, "struct task_struct", "tasks", limit=_MAX_TASKS)
    tasks: dict[int, Any] = {}
    for leader in leaders:
        try:
            threads, _report = walk_list(leader.signal.thread_head, "struct task_struct",
                                         "thread_node", limit=_MAX_TASKS)
        except crash.error:
            threads = [leader]      # it is about to go
        tasks.update((int(thread), thread) for thread in (leader, *threads))
    known = {int(each.transaction) for journal in journals()[0]
             for each in (journal.running, journal.committing) if each}
    owners: dict[int, list[int]] = {}
    chosen = list(tasks.values())
    handles = columns(chosen, "struct task_struct", ["journal_info"])[0]
    for task, handle in zip(chosen, handles):
        if not handle:
            continue
        try:
            transaction = int(readSU(_HANDLE, handle).h_transaction)
        except (crash.error, IndexError, KeyError):
            continue
        if transaction in known:
            owners.setdefault(transaction, []).append(int(task))
    return owners
