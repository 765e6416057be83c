"""Owns which sections the report of a dump has and in which order, and shows them.

Each fails alone, in one line.  Must not know what is in any of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

from pykdump.API import pylog
from pykdump.errors import in_one_line
from pykdump.timelimit import OutOfTime, time_limit

_WIDTH = 75


class Section(NamedTuple):
    """A section of the report.

    name     its module in this package, and its member in JSON
    title    what its box says; None: it has none
    slow     may take more than a tenth of a second on a large dump: left out by --fast
    details  only with -v
    whole    its title with -v, if that is another
    """

    name: str
    title: str | None = None
    slow: bool = False
    details: bool = False
    whole: str | None = None


SECTIONS = (
    Section("system"),
    Section("cpustacks", "Per-cpu Stacks ('bt -a')"),
    Section("creation", "How This Dump Has Been Created"),
    Section("load"),
    Section("parents"),
    Section("tasks", "Tasks Summary"),
    Section("recent", "5 Most Recent Threads"),
    Section("memory", "Memory Usage (kmem -i)"),
    Section("blockrequests"),
    Section("uninterruptible"),
    Section("frozen"),
    Section("runqueues", "Scheduler Runqueues (per CPU)"),
    Section("network", "Network Status Summary"),
    Section("stackcheck", slow=True),
    Section("rss", slow=True),
    Section("hangs", slow=True),
    Section("mounted", "Mounted FS"),
    Section("dmesg", "Last 40 lines of dmesg buffer", whole="dmesg buffer"),
    Section("stacksummary", "A Summary Of Threads Stacks", slow=True, details=True),
)


def print_title(title: str, line: str = "-") -> None:
    """Print the title of a section in its box."""
    frame = f"+{line * (len(title) + 2)}+".center(_WIDTH).rstrip()
    print(f"\n{frame}\n>{f'| {title} |'.center(_WIDTH - 2, line)}<\n{frame}")


def show(section: Section, verbose: int, seconds: float | None = None) -> None:
    """Print a section; one that fails, or takes more seconds, is one line of the log."""
    if section.title:
        print_title(section.whole if verbose and section.whole else section.title)
    try:
        with time_limit(seconds):
            _module(section).show(verbose)
    except OutOfTime as err:
        pylog.warning(f"{section.title or section.name} {err}")
    except Exception as err:
        pylog.error(f"{section.title or section.name}: {in_one_line(err)}")


def record(section: Section, seconds: float | None = None) -> Any:
    """What a section says, as JSON shows it; one that fails is {"error": why}."""
    try:
        with time_limit(seconds):
            return _module(section).data()
    except Exception as err:
        return {"error": in_one_line(err)}


def _module(section: Section) -> Any:
    return import_module(f"{__package__}.{section.name}")
