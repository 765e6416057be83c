"""Owns how a library function goes on when one object of many cannot be read.

Must not know what any object is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pykdump.API import crash, pylog


@contextmanager
def goes_on(what: str, obj: Any) -> Iterator[None]:
    """Around what reads one object: an unreadable one is an error of the command, in one line."""
    try:
        yield
    except (crash.error, IndexError) as err:
        pylog.error(f"{what} {obj} cannot be read: {err}".lstrip())
