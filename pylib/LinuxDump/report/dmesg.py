"""The last of the kernel's log."""

from __future__ import annotations

from pykdump.API import exec_crash_command

_LINES = 40


def show(verbose: int) -> None:
    """Print the last 40 lines, all of them with -v."""
    lines = _lines()
    for line in lines if verbose else lines[-_LINES:]:
        print(line)


def data() -> list[str]:
    """All lines."""
    return _lines()


def _lines() -> list[str]:
    return exec_crash_command("log").splitlines()
