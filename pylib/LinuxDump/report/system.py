"""The machine and the dump, as crash's `sys` tells them."""

from __future__ import annotations

from typing import Any

from LinuxDump.dumpfile import dump_file, sys_text
from pykdump.API import pylog
from pykdump.plaintext import printable


def show(verbose: int) -> None:
    """Warn of a dump that is not whole, and print what `sys` prints."""
    for text in dump_file().problems:
        pylog.warning(text)
    print("\n" + printable(sys_text()), end="")


def data() -> dict[str, Any]:
    """The keys of `sys`, as it spells them, with their values as text; and "file"."""
    found: dict[str, Any] = {}
    for line in sys_text().splitlines():
        key, colon, value = line.partition(": ")
        if colon:
            found.setdefault(key.strip(), value.strip())
    found["file"] = {**dump_file()._asdict(), "problems": dump_file().problems}
    return found
