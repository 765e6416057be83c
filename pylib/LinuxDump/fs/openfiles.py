"""Owns tables of open files: which descriptors lead to which struct file.

Must not know what the files are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from pykdump.API import readmem

_MAX_FDS = 1 << 24


def open_files(files: Any) -> Iterator[tuple[int, int]]:
    """(fd, address of its struct file) of a struct files_struct, ascending; crash.error."""
    fdt = files.fdt
    count = fdt.max_fds
    if not 0 < count <= _MAX_FDS:
        return
    bits = int.from_bytes(readmem(fdt.open_fds, (count + 7) // 8), "little")
    used = bits.bit_length()
    if not used:
        return
    table = struct.unpack(f"{used}Q", readmem(fdt.fd, used * 8))
    for fd, file in enumerate(table):
        if file and bits >> fd & 1:
            yield fd, file
