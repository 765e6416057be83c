"""Owns the file of the dump: whether it has all that it should have.

Must not know what is in it.
"""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

import _pykdump
from pykdump.API import CU_LIVE, crash, memoize_cond

_ELF = b"\x7fELF\x02\x01"
_HEADER = struct.Struct("<16xHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_LOAD = 1
_MORE_SEGMENTS = 0xffff         # than the header can tell


class DumpFile(NamedTuple):
    """The file.

    incomplete  whether who wrote it says that it did not come to its end
    size        bytes, None of a live system
    wanted      bytes that its headers promise; None for formats that compress, whose sizes tell
                nothing
    """

    path: str
    incomplete: bool
    size: int | None
    wanted: int | None

    @property
    def problems(self) -> list[str]:
        """What is wrong with it, a sentence each."""
        found = []
        if self.incomplete:
            found.append("DUMP is incomplete: who wrote it did not come to its end")
        if self.wanted and self.size is not None and self.size < self.wanted:
            found.append(f"PARTIAL DUMP with size(vmcore)={self.size}, which is "
                         f"{100 * self.size // self.wanted}% of what its headers promise")
        return found


@memoize_cond(CU_LIVE)
def sys_text() -> str:
    """What crash's `sys` prints."""
    return crash.exec_crash_command("sys")


def dump_file() -> DumpFile:
    """The file of this dump, by its headers and by what crash says of it."""
    path = os.path.abspath(str(_pykdump.dump_info()["dumpfile"]))
    return DumpFile(path, "[INCOMPLETE]" in sys_text(), *_sizes(path))


def _sizes(path: str) -> tuple[int | None, int | None]:
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(_HEADER.size)
            if not start.startswith(_ELF) or len(start) < _HEADER.size:
                return size, None
            fields = _HEADER.unpack(start)
            at, stride, count = fields[4], fields[8], fields[9]
            if stride < _SEGMENT.size or count in (0, _MORE_SEGMENTS):
                return size, None
            file.seek(at)
            segments = file.read(stride * count)
    except (OSError, OverflowError):
        return None, None       # a live system, or a file that is gone
    ends = [0]
    for place in range(0, len(segments) - _SEGMENT.size + 1, stride):
        kind, _flags, offset, _virtual, _physical, length, _memory, _align = \
            _SEGMENT.unpack_from(segments, place)
        if kind == _LOAD:
            ends.append(offset + length)
    return size, max(ends) or None
