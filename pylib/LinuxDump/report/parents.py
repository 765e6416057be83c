"""Processes with more ancestors than programs have that do not run away."""

from __future__ import annotations

from typing import Any

from LinuxDump.ancestry import Process, ancestry
from pykdump.API import pylog
from pykdump.plaintext import one_line

_ENDS = 4       # of a chain that is shown folded
_MOST = 5       # chains


def show(verbose: int) -> None:
    """Print chains of 20 or more parents, folded in the middle; loops are errors."""
    found = ancestry()
    for loop in found.loops:
        pylog.error(f"Corrupted task table - pid/ppid loop at pid={loop[0].pid}")
    for chain in found.chains if verbose else found.chains[:_MOST]:
        pylog.warning(f"a long chain of processes, N={len(chain)}, last pid={chain[-1].pid}")
        folded = not verbose and len(chain) > 2 * _ENDS
        shown = chain[:_ENDS] if folded else chain
        print("\n".join(f"    {_shown(process)}" for process in shown))
        if folded:
            print(f"    ... {len(chain) - 2 * _ENDS} more ...")
            print("\n".join(f"    {_shown(process)}" for process in chain[-_ENDS:]))


def _shown(process: Process) -> str:
    return f"pid={process.pid} CMD={one_line(process.comm)}"


def data() -> dict[str, Any]:
    """Chains, from the oldest, and loops: lists of {"task", "pid", "comm"}."""
    found = ancestry()
    return {"chains": [list(map(_record, chain)) for chain in found.chains],
            "loops": [list(map(_record, loop)) for loop in found.loops]}


def _record(process: Process) -> dict[str, Any]:
    return {**process._asdict(), "task": f"0x{process.task:x}"}
