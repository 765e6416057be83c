"""Finds what is wrong with the lists, the tree and the stacks of tasks themselves."""

from __future__ import annotations

from collections.abc import Iterator

from LinuxDump.ancestry import ancestry
from LinuxDump.stackcheck import check_stacks
from LinuxDump.Tasks import TaskTable
from pykdump.API import crash, readS32, sym2addr

from .finding import Evidence, Finding, Severity

_SHOWN = 5
_LONG_CHAIN = 20


def findings() -> Iterator[Finding]:
    """Overwritten stacks, broken lists, loops of parents, and chains of processes that are long."""
    yield from _stacks()
    yield from _lists()
    found = ancestry(_LONG_CHAIN)
    for loop in found.loops:
        yield Finding("tasks.loop", Severity.CRITICAL,
                      f"{len(loop)} processes are each other's ancestors.",
                      tuple(Evidence("task", each.comm, each.task, each.pid)
                            for each in loop[:_SHOWN]), "pstree -p")
    for chain in found.chains[:1]:
        yield Finding("tasks.long-chain", Severity.NOTE,
                      f"A chain of {len(chain)} processes, each the child of the one before, ends "
                      f"with pid={chain[-1].pid} ({chain[-1].comm}).",
                      tuple(Evidence("task", each.comm, each.task, each.pid)
                            for each in (chain[0], chain[-1])),
                      f"pstree -p -t {chain[-1].pid} --parents")


def _stacks() -> Iterator[Finding]:
    corrupted = check_stacks().corrupted
    if corrupted:
        yield Finding("tasks.stack", Severity.CRITICAL,
                      f"{len(corrupted)} {'thread has' if len(corrupted) == 1 else 'threads have'}"
                      " a corrupted kernel stack.",
                      tuple(Evidence("task", f"{each.comm}: {each.reason}", each.task, each.pid)
                            for each in corrupted[:_SHOWN]), "crashinfo --checkstacks")


def _lists() -> Iterator[Finding]:
    table = TaskTable()
    found = sum(1 for task in table.allThreads() if task.ts.pid)
    broken = [text for text in table.problems if text.startswith("corrupted")]
    if broken:
        evidence = [Evidence("list", text) for text in broken[:_SHOWN]]
        yield Finding("tasks.list", Severity.CRITICAL,
                      f"The lists of tasks are damaged: {found} of {_counted()} threads could be "
                      "read.", tuple(evidence), "taskinfo")


def _counted() -> int | str:
    """Threads that the kernel counts."""
    try:
        return readS32(sym2addr("nr_threads"))
    except (crash.error, IndexError):
        return "an unknown number of"
