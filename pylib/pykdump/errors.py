"""Owns how an error of a program is shown.

Must not know how programs are found or run.
"""

from __future__ import annotations

import sys
from types import TracebackType

from . import archive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .programs import Program


def show(err: BaseException, program: Program | None) -> None:
    """Print the traceback of what ended a program."""
    import traceback

    _know_source(program)
    traceback.print_exception(type(err), err, _of_program(err.__traceback__), file=sys.stdout)
    _advise(err)


def _advise(err: BaseException) -> None:
    """Print what to write instead, when the error comes from an old program."""
    from .legacy import advice

    line = advice.line(err)
    if line is not None:
        print(line)


def _know_source(program: Program | None) -> None:
    """Let tracebacks have the lines of a program that is no file."""
    import linecache

    if program is not None and program.kind == "archive":
        source = archive.program_source(program.name)
        if source is not None:
            linecache.cache[program.path] = (len(source), None, source.splitlines(True),
                                             program.path)


def _of_program(tb: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames that started the program."""
    while tb is not None and _is_ours(tb.tb_frame.f_globals.get("__package__")):
        tb = tb.tb_next
    return tb


def _is_ours(package: object) -> bool:
    return isinstance(package, str) and package.partition(".")[0] == __package__
