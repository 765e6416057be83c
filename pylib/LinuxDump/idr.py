"""Owns struct idr: small numbers that stand for pointers.

Must not know what the pointers are.
"""

from __future__ import annotations

from collections.abc import Iterator

from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import pylog, walk_idr

__all__ = ("idr_for_each",)


def idr_for_each(idr: int) -> Iterator[tuple[int, int]]:
    """(number, pointer) by rising number; damage is reported in the log."""
    numbers, pointers, report = walk_idr(idr)
    yield from zip(numbers, pointers)
    if not report.whole:
        pylog.error(f"idr at 0x{idr:x}: {report}")
