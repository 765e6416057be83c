"""Owns the terminal while a debugger talks to a person, wherever the program's output goes.

Must not know what is said.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from . import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_STDIN, _STDOUT = 0, 1
_GLANCE = 0.2           # seconds


class NoTerminal(Exception):
    """Nobody can be talked to; says why."""


@contextmanager
def conversation() -> Iterator[None]:
    """sys.stdin and sys.stdout are the terminal; raises NoTerminal when there is none.

    crash's pager is waited for, and gone for the rest of the command: both cannot read keys.
    """
    if not os.isatty(_STDIN):
        raise NoTerminal("standard input is no terminal")
    output.leave_pager()
    before = sys.stdin, sys.stdout
    with _screen() as screen:
        assert sys.__stdin__ is not None
        sys.stdin, sys.stdout = sys.__stdin__, screen
        try:
            yield
        finally:
            sys.stdin, sys.stdout = before


@contextmanager
def awake() -> Iterator[None]:
    """Around input(): Ctrl-C is seen whenever it is pressed.

    Python's line editing learns of a signal because that ends its waiting for a key, so one that
    comes just before would not be seen until the line is complete: its waiting is ended now and
    then.  Not where a program has an alarm of its own.
    """
    if signal.getsignal(signal.SIGALRM) != signal.SIG_DFL or any(
            signal.getitimer(signal.ITIMER_REAL)):
        yield
        return
    signal.signal(signal.SIGALRM, _glance)
    try:
        signal.setitimer(signal.ITIMER_REAL, _GLANCE, _GLANCE)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _glance(number: int, frame: FrameType | None) -> None:
    pass


@contextmanager
def _screen() -> Iterator[TextIO]:
    """The terminal to write to: line editing wants standard output where that is one."""
    if os.isatty(_STDOUT):
        raw = io.FileIO(_STDOUT, "w", closefd=False)
    else:
        try:
            raw = io.FileIO("/dev/tty", "w")
        except OSError as err:
            raise NoTerminal(f"/dev/tty: {err.strerror}") from err
    with io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace",
                          line_buffering=True) as screen:
        yield screen
