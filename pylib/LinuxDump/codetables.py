"""Owns the kernel's tables of places in its text where control goes on elsewhere.

From instructions that may fault to what mends it, and from branches that are switched by patching
to where they lead.  Must not know what instructions do.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pykdump.API import (CU_LIVE, CU_LOAD, crash, memoize_cond, readmem, readSU,
                         readSUListFromHead, struct_size, sym2addr)

_MOST = 1 << 24         # bytes of one table


def _relative(where: int, value: int) -> int:
    return (where + value) & 0xffffffffffffffff


def _pairs(start: int, size: int, entry: int) -> Iterator[tuple[int, int]]:
    """Two addresses at the beginning of each entry, as distances from their own places."""
    if not start or entry < 8 or not 0 < size <= _MOST:
        return
    try:
        data = readmem(start, size)
    except crash.error:
        return
    for at in range(0, len(data) - entry + 1, entry):
        code, target = struct.unpack_from("<ii", data, at)
        yield _relative(start + at, code), _relative(start + at + 4, target)


def _of_kernel(name: str, entry: int) -> Iterator[tuple[int, int]]:
    start, stop = sym2addr(f"__start_{name}"), sym2addr(f"__stop_{name}")
    return _pairs(start, stop - start, entry)


def _modules() -> Iterator[object]:
    head = readSU("struct list_head", sym2addr("modules"))
    yield from readSUListFromHead(head, "list", "struct module", maxel=10_000)


@memoize_cond(CU_LIVE | CU_LOAD)
def fixups() -> dict[int, tuple[int, ...]]:
    """Instruction that may fault -> where it goes on then."""
    size = struct_size("struct exception_table_entry")
    found = list(_of_kernel("__ex_table" if sym2addr("__start___ex_table") else "ex_table", size))
    return _gathered(found, "extable", "num_exentries", size)


@memoize_cond(CU_LIVE | CU_LOAD)
def switched() -> dict[int, tuple[int, ...]]:
    """Place of a jump or nop that is patched (a static branch) -> where the jump leads."""
    size = struct_size("struct jump_entry")
    return _gathered(list(_of_kernel("__jump_table", size)), "jump_entries",
                     "num_jump_entries", size)


def _gathered(found: list[tuple[int, int]], table: str, count: str,
              size: int) -> dict[int, tuple[int, ...]]:
    try:
        for module in _modules():
            found += _pairs(int(getattr(module, table)), getattr(module, count) * size, size)
    except (crash.error, IndexError, KeyError, TypeError):
        pass                # damage costs the modules behind it
    gathered: dict[int, tuple[int, ...]] = {}
    for code, target in found:
        gathered[code] = (*gathered.get(code, ()), target)
    return gathered
