"""Owns the ways in which epython can run a program: under a debugger, a profiler ...

They are chosen by options before the program's name (`epython --pdb PROG`).  Each is a class in a
module of its own, imported when it is asked for.  Must not know how programs are found.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from .programs import Program


class ModeError(Exception):
    """A mode that cannot be had as asked; the program must not run."""


class Mode:
    """One way to run a program; the base does nothing.

    traceback   the style in which an error is shown, None: that of the session
    """

    traceback: str | None = None

    def __init__(self, value: str | None) -> None:
        """`value`: what followed `=`, None without.  Raises ModeError when it is of no use."""

    @contextmanager
    def around(self, program: Program) -> Iterator[None]:
        """Active while the program's code runs."""
        yield

    def failed(self, err: BaseException) -> None:
        """The program ended with `err`, which has been reported."""


class _Row:
    __slots__ = ("flag", "shown", "module", "name", "help")

    def __init__(self, flag: str, shown: str, module: str, name: str, help: str) -> None:
        self.flag = flag
        self.shown = shown          # the value, as the help shows it; empty: takes none
        self.module = module
        self.name = name
        self.help = help


_MODES: tuple[_Row, ...] = (
    _Row("--tb", "=STYLE", "pykdump.errors", "Style",
         "how an error is shown: short, long or locals"),
    _Row("--pdb", "", "pykdump.debugger", "PostMortem", "debug the exception that ends a program"),
    _Row("--profile", "[=FILE]", "pykdump.profiler", "Profile",
         "tell which functions take how long; FILE: for KCachegrind too"),
    _Row("--listen", "[=ADDR]", "pykdump.remote", "Listen", "wait for a remote debugger first"),
)
_ROWS = {row.flag: row for row in _MODES}


def parse(argument: str) -> Mode | None:
    """The mode that an argument asks for, None when it is no mode; ModeError for a bad value."""
    flag, equals, value = argument.partition("=")
    row = _ROWS.get(flag)
    if row is None:
        return None
    if equals and not row.shown:
        raise ModeError(f"{flag} takes no value")
    if equals and not value:
        raise ModeError(f"{flag}: a value is missing")
    kind: type[Mode] = getattr(importlib.import_module(row.module), row.name)
    return kind(value if equals else None)


def help_text() -> str:
    """The lines of `epython --help` about modes."""
    return "\n".join(f"  {row.flag + row.shown:<20} {row.help}" for row in _MODES)


def around(modes: Sequence[Mode], program: Program) -> AbstractContextManager[object]:
    """All of them around a program, the first outermost."""
    stack = ExitStack()
    try:
        for mode in modes:
            stack.enter_context(mode.around(program))
    except BaseException:
        stack.close()
        raise
    return stack
