"""The machine and the dump, as crash's `sys` tells them."""

from __future__ import annotations

from typing import Any

from pykdump.API import exec_crash_command, sys_info


def show(verbose: int) -> None:
    """Print what `sys` prints."""
    print("\n" + exec_crash_command("sys"), end="")


def data() -> dict[str, Any]:
    """The keys of `sys`, as it spells them, and their values as text."""
    return {key: str(value) for key, value in sys_info.items()
            if key.isupper() and isinstance(value, str)}
