"""Owns swap: its devices and files, and what zram and zswap keep compressed.

Must not know who has been swapped out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.fs.paths import path_of
from pykdump.API import (CU_LIVE, CU_PYMOD, PAGESIZE, crash, loadModule, memoize_cond, readS32,
                         readS64, readSU, readU64, struct_exists, sym2addr, walk_idr, walk_list,
                         walk_pointers)

_SWP_USED, _SWP_WRITEOK = 1, 2
_MAX_DEVICES = 64
_S_IFMT, _S_IFBLK = 0o170000, 0o060000
# In a counter of pages: the device is on no list of those with free slots.
_OFF_LIST = 1 << 62


class Device(NamedTuple):
    """One area of swap; sizes in bytes.

    address   of the struct swap_info_struct
    name      path of the device or file; ?? if it cannot be read
    kind      "partition" or "file", as /proc/swaps says
    active    may be written to; False while swapoff empties it
    """

    address: int
    name: str
    kind: str
    size: int
    used: int
    priority: int
    active: bool


class Compressed(NamedTuple):
    """What a device of compressed memory, or zswap, holds; sizes in bytes.

    name     "zram0", "zswap"
    size     of the device, 0 for zswap
    stored   before compression
    used     memory that it takes
    """

    name: str
    size: int
    stored: int
    used: int


@memoize_cond(CU_LIVE | CU_PYMOD)
def devices() -> list[Device]:
    """Areas of swap that are in use, as in /proc/swaps; none on a kernel without swap."""
    table = sym2addr("swap_info")
    if not table:
        return []
    count = readS32(sym2addr("nr_swapfiles"))
    if not 0 <= count <= _MAX_DEVICES:
        raise crash.error(f"nr_swapfiles is {count}")
    _numbers, found, _report = walk_pointers(table, count, "struct swap_info_struct")
    return [_device(info) for info in found if info.flags & _SWP_USED and info.swap_map]


def _device(info: Any) -> Device:
    used = info.inuse_pages
    if not isinstance(used, int) or hasattr(type(used), "Eval"):
        # 6.13: b228386cf37c ("mm, swap: clean up plist removal and adding")
        used = used.counter & ~_OFF_LIST
    name, kind = "??", "partition"
    try:
        name = path_of(info.swap_file.f_path)
        mode = info.swap_file.f_path.dentry.d_inode.i_mode
        kind = "partition" if mode & _S_IFMT == _S_IFBLK else "file"
    except crash.error:
        pass
    return Device(int(info), name, kind, info.pages * PAGESIZE, used * PAGESIZE, info.prio,
                  bool(info.flags & _SWP_WRITEOK))


def total_and_free() -> tuple[int, int]:
    """Pages of swap that there are and that are free, as the kernel counts them."""
    if not sym2addr("total_swap_pages"):
        return 0, 0
    total, free = readS64(sym2addr("total_swap_pages")), readS64(sym2addr("nr_swap_pages"))
    # An area that swapoff empties is counted here as long as it takes.
    leaving = sum(device.used for device in devices() if not device.active) // PAGESIZE
    return total + leaving, max(free, 0) + leaving


def compressed() -> list[Compressed]:
    """Devices of zram, and zswap if it holds anything; what cannot be read is left out."""
    found = []
    try:
        found += _zrams()
    except (crash.error, KeyError, TypeError):
        pass
    used, stored = _zswap()
    if stored:
        found.append(Compressed("zswap", 0, stored, used))
    return found


def _zrams() -> list[Compressed]:
    index = sym2addr("zram_index_idr")
    if not index or not (struct_exists("struct zram") or loadModule("zram")):
        return []
    pool = "struct zs_pool"
    known = struct_exists(pool) or loadModule("zsmalloc")
    found = []
    for zram in walk_idr(index, "struct zram")[1]:
        if zram.disksize:
            taken = readSU(pool, zram.mem_pool).pages_allocated.counter if known else 0
            found.append(Compressed(str(zram.disk.disk_name), zram.disksize,
                                    zram.stats.pages_stored.counter * PAGESIZE,
                                    taken * PAGESIZE))
    return found


def _zswap() -> tuple[int, int]:
    """(used, stored) bytes of zswap."""
    stored = sym2addr("zswap_stored_pages")
    if not stored:
        return 0, 0
    size = sym2addr("zswap_pool_total_size")    # until 6.9: 91cdcd8d62d3 ("zswap: zswap_pool...")
    pages = readS64(stored)
    return (readU64(size) if size else _zswap_pools()) if pages else 0, max(pages, 0) * PAGESIZE


def _zswap_pools() -> int:
    head = sym2addr("zswap_pools")
    if not head or not struct_exists("struct zswap_pool"):
        return 0
    pools, _report = walk_list(head, "struct zswap_pool", "list", limit=_MAX_DEVICES)
    return sum(pool.zpool.pool.castTo("struct zs_pool").pages_allocated.counter
               for pool in pools) * PAGESIZE
