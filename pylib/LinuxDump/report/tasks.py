"""How many threads there are, in which states, and how many ran of late."""

from __future__ import annotations

from typing import Any

from LinuxDump.Tasks import summarize, tasksSummary


def show(verbose: int) -> None:
    """Print what `taskinfo --summary` prints."""
    tasksSummary()


def data() -> dict[str, Any]:
    """Threads that ran in the last so many seconds, those in each state, and all."""
    found = summarize()
    return {"recent": {str(seconds): count for seconds, count in found.recent.items()},
            "states": found.states, "threads": found.threads,
            "own_namespaces": found.own_namespaces}
