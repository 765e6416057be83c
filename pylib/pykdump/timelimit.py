"""Owns limits of time: a piece of Python that takes too long ends with an exception.

Within loops of the engine too, which answer signals as they answer Ctrl-C; a command of crash
that runs comes to its own end first.  Must not know what is limited.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class OutOfTime(Exception):
    """A piece of work has not come to its end in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"failed to complete within the timeout period of {seconds:g}s")


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise OutOfTime in the block after so many seconds, None for never; not for nesting."""
    if seconds is None:
        yield
        return
    limit = max(seconds, 0.001)

    def end(number: int, frame: object) -> NoReturn:
        raise OutOfTime(limit)

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before if before is not None else signal.SIG_DFL)
