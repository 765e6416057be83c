"""Whether threads have overwritten the ends of their stacks."""

from __future__ import annotations

from typing import Any

from LinuxDump.stackcheck import check_stacks
from pykdump.API import pylog
from pykdump.plaintext import one_line


def show(verbose: int) -> None:
    """An error for each stack that is damaged; with -v how many were looked at."""
    found = check_stacks()
    for each in found.corrupted:
        pylog.error(f"Corrupted Stack Detected\n\tPID={each.pid} <struct task_struct "
                    f"0x{each.task:x}> CMD={one_line(each.comm)}\n\t{each.reason}")
    if verbose:
        print(f"  {found.checked} stacks checked, {found.unreadable} could not be read")


def data() -> dict[str, Any]:
    """Threads with damaged stacks, how many were checked, how many could not be read."""
    found = check_stacks()
    return {"checked": found.checked, "unreadable": found.unreadable,
            "corrupted": [{**each._asdict(), "task": f"0x{each.task:x}",
                           "stack": f"0x{each.stack:x}"} for each in found.corrupted]}
