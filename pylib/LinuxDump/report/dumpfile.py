"""Whether the dump has all that it should have."""

from __future__ import annotations

import os
import struct
from typing import Any, NamedTuple

import _pykdump
from pykdump.API import exec_crash_command, pylog

_ELF = b"\x7fELF\x02\x01"
_HEADER = struct.Struct("<16xHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_LOAD = 1
_MORE_SEGMENTS = 0xffff      # than the header can tell


def show(verbose: int) -> None:
    """Warn of a dump whose writer did not come to its end, and of a file that has been cut."""
    found = data()
    if found["incomplete"]:
        pylog.warning("DUMP is incomplete: who wrote it says that it did not come to its end")
    size, wanted = found["size"], found["wanted"]
    if wanted and size < wanted:
        pylog.warning(f"PARTIAL DUMP with size(vmcore)={size} < {wanted}, which its headers "
                      f"promise: {100 * size // wanted}% of it is there")


def data() -> dict[str, Any]:
    """The file, its size, and what its ELF headers promise; both in bytes, null if unknown.

    Other formats compress, so that their sizes tell nothing.
    """
    path = str(_pykdump.dump_info()["dumpfile"])
    sizes = _sizes(path)
    return {"file": os.path.abspath(path), "incomplete": "[INCOMPLETE]" in
            exec_crash_command("sys"), "size": sizes.size, "wanted": sizes.wanted}


class _Sizes(NamedTuple):
    size: int | None
    wanted: int | None


def _sizes(path: str) -> _Sizes:
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(_HEADER.size)
            if not start.startswith(_ELF) or len(start) < _HEADER.size:
                return _Sizes(size, None)
            fields = _HEADER.unpack(start)
            at, stride, count = fields[4], fields[8], fields[9]
            if stride < _SEGMENT.size or count in (0, _MORE_SEGMENTS):
                return _Sizes(size, None)
            file.seek(at)
            segments = file.read(stride * count)
    except (OSError, OverflowError):
        return _Sizes(None, None)       # a live system, or a file that is gone
    ends = [0]
    for start_of in range(0, len(segments) - _SEGMENT.size + 1, stride):
        kind, _flags, offset, _virtual, _physical, length, _memory, _align = \
            _SEGMENT.unpack_from(segments, start_of)
        if kind == _LOAD:
            ends.append(offset + length)
    return _Sizes(size, max(ends) or None)
