"""Owns which sections the report of a dump has and in which order, and shows them.

Each fails alone, in one line.  Must not know what is in any of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

from pykdump.API import pylog
from pykdump.errors import in_one_line

_WIDTH = 75


class Section(NamedTuple):
    """A section of the report.

    name    its module in this package, and its member in JSON
    title   what its box says; None: it has none
    slow    may take more than a tenth of a second on a large dump: left out by --fast
    """

    name: str
    title: str | None = None
    slow: bool = False


SECTIONS = (
    Section("system"),
    Section("cpustacks", "Per-cpu Stacks ('bt -a')"),
)


def print_title(title: str, line: str = "-") -> None:
    """Print the title of a section in its box."""
    frame = f"+{line * (len(title) + 2)}+".center(_WIDTH).rstrip()
    print(f"\n{frame}\n>{f'| {title} |'.center(_WIDTH - 2, line)}<\n{frame}")


def show(section: Section, verbose: int) -> None:
    """Print a section; one that fails is an error of the command, in one line."""
    if section.title:
        print_title(section.title)
    try:
        _module(section).show(verbose)
    except Exception as err:
        pylog.error(f"{section.title or section.name}: {in_one_line(err)}")


def record(section: Section) -> Any:
    """What a section says, as JSON shows it; one that fails is {"error": why}."""
    try:
        return _module(section).data()
    except Exception as err:
        return {"error": in_one_line(err)}


def _module(section: Section) -> Any:
    return import_module(f"{__package__}.{section.name}")
