"""The last of the kernel's log."""

from __future__ import annotations

from LinuxDump.printk import kernel_log, log_lines
from pykdump.API import pylog

_LINES = 40


def show(verbose: int) -> None:
    """Print the last 40 lines, all of them with -v."""
    log = kernel_log()
    lines = list(log_lines(log.records))
    for line in lines if verbose else lines[-_LINES:]:
        print(line)
    for text in log.problems:
        pylog.error(text)


def data() -> list[str]:
    """All lines."""
    return list(log_lines(kernel_log().records))
