"""Owns totals: what /proc/meminfo says of memory, from the kernel's counters.

Must not know how they are printed.
"""

from __future__ import annotations

from typing import NamedTuple

from LinuxDump import swap, vmstat, zones
from LinuxDump.percpu import percpu_counter_sum
from pykdump import missing
from pykdump.API import (CU_LIVE, CU_PYMOD, PAGESIZE, memoize_cond, readS32, readS64, readSU,
                         readU64, sym2addr, walk_list)

_KB = 1 << 10
_MAX_SIZES = 16
_MAX_INODES = 1 << 20


class HugePages(NamedTuple):
    """Huge pages of one size: numbers of pages, the size in bytes.

    reserved   promised to mappings, still free
    surplus    beyond what was asked for
    """

    size: int
    total: int
    free: int
    reserved: int
    surplus: int


class MemInfo(NamedTuple):
    """Memory of the machine; all in bytes, as the lines of /proc/meminfo with these names.

    total, free, available     MemTotal, MemFree, MemAvailable
    buffers, cached            Buffers, Cached
    swap_cached                SwapCached
    active_anon ... unevictable, mlocked    lists of reclaim
    swap_total, swap_free      SwapTotal, SwapFree
    dirty, writeback           Dirty, Writeback
    anon, mapped, shmem        AnonPages, Mapped, Shmem
    reclaimable                KReclaimable: slabs and what else can be given back
    slab_reclaimable, slab_unreclaimable    SReclaimable, SUnreclaim
    kernel_stacks, page_tables KernelStack, PageTables
    commit_limit, committed    CommitLimit, Committed_AS
    vmalloc, percpu            VmallocUsed, Percpu
    poisoned                   HardwareCorrupted
    anon_huge                  AnonHugePages
    hugetlb                    Hugetlb: huge pages of all sizes
    """

    total: int
    free: int
    available: int
    buffers: int
    cached: int
    swap_cached: int
    active_anon: int
    inactive_anon: int
    active_file: int
    inactive_file: int
    unevictable: int
    mlocked: int
    swap_total: int
    swap_free: int
    dirty: int
    writeback: int
    anon: int
    mapped: int
    shmem: int
    reclaimable: int
    slab_reclaimable: int
    slab_unreclaimable: int
    kernel_stacks: int
    page_tables: int
    commit_limit: int
    committed: int
    vmalloc: int
    percpu: int
    poisoned: int
    anon_huge: int
    hugetlb: int

    @property
    def slab(self) -> int:
        """Slab: both kinds together."""
        return self.slab_reclaimable + self.slab_unreclaimable


def _number(name: str, width: int = 8) -> int:
    """A variable of the kernel that is a number, 0 if there is none."""
    address = sym2addr(name)
    if not address:
        return 0
    return readS64(address) if width == 8 else readS32(address)


def _required(name: str) -> int:
    if not sym2addr(name):
        raise KeyError(missing.symbol(name))
    return _number(name)


@memoize_cond(CU_LIVE | CU_PYMOD)
def meminfo() -> MemInfo:
    """The totals of the dump; KeyError, crash.error if the kernel's counters cannot be had."""
    count = vmstat.totals()

    def pages(*names: str) -> int:
        """A counter by the first of its names that this kernel has."""
        return next((count[name] for name in names if name in count), 0)

    total = _required("_totalram_pages")
    buffers = _block_device_pages()
    swap_total, swap_free = swap.total_and_free()
    swap_cached = count["NR_SWAPCACHE"] if "NR_SWAPCACHE" in count else _swap_cache()
    sizes = huge_pages()
    hugetlb = sum(size.total * size.size for size in sizes)
    lru = {name: pages(f"NR_{name}") for name in (
        "ACTIVE_ANON", "INACTIVE_ANON", "ACTIVE_FILE", "INACTIVE_FILE", "UNEVICTABLE")}
    reclaimable = pages("NR_SLAB_RECLAIMABLE_B", "NR_SLAB_RECLAIMABLE") \
        + pages("NR_KERNEL_MISC_RECLAIMABLE")
    in_pages = {
        "total": total, "free": pages("NR_FREE_PAGES"),
        "available": _available(pages("NR_FREE_PAGES"), lru["ACTIVE_FILE"] + lru["INACTIVE_FILE"],
                                reclaimable),
        "buffers": buffers,
        "cached": max(pages("NR_FILE_PAGES") - swap_cached - buffers, 0),
        "swap_cached": swap_cached,
        "active_anon": lru["ACTIVE_ANON"], "inactive_anon": lru["INACTIVE_ANON"],
        "active_file": lru["ACTIVE_FILE"], "inactive_file": lru["INACTIVE_FILE"],
        "unevictable": lru["UNEVICTABLE"], "mlocked": pages("NR_MLOCK"),
        "swap_total": swap_total, "swap_free": swap_free,
        "dirty": pages("NR_FILE_DIRTY"), "writeback": pages("NR_WRITEBACK"),
        "anon": pages("NR_ANON_MAPPED"), "mapped": pages("NR_FILE_MAPPED"),
        "shmem": pages("NR_SHMEM"), "reclaimable": reclaimable,
        "slab_reclaimable": pages("NR_SLAB_RECLAIMABLE_B", "NR_SLAB_RECLAIMABLE"),
        "slab_unreclaimable": pages("NR_SLAB_UNRECLAIMABLE_B", "NR_SLAB_UNRECLAIMABLE"),
        "page_tables": pages("NR_PAGETABLE"),
        "commit_limit": _commit_limit(total, hugetlb // PAGESIZE, swap_total),
        "committed": committed(), "vmalloc": _number("nr_vmalloc_pages"),
        "percpu": _number("pcpu_nr_populated") * _number("pcpu_nr_units", 4),
        "poisoned": _number("num_poisoned_pages"),
        # 5.11: 69473e5de873 ("mm: memcontrol: convert NR_ANON_THPS account to pages"), when
        # page tables became a counter of nodes
        "anon_huge": pages("NR_ANON_THPS") * (
            1 if "NR_PAGETABLE" in vmstat.node_items() else 512),
    }
    return MemInfo(kernel_stacks=pages("NR_KERNEL_STACK_KB") * _KB, hugetlb=hugetlb,
                   **{name: value * PAGESIZE for name, value in in_pages.items()})


def _available(free: int, file: int, reclaimable: int) -> int:
    """Pages that programs could get without swapping, as si_mem_available estimates it."""
    low = sum(zone.low for zone in zones.zones())
    available = free - _number("totalreserve_pages")
    for part in (file, reclaimable):
        available += part - min(part // 2, low)
    return max(available, 0)


def _block_device_pages() -> int:
    """Pages of block devices themselves, which are the buffers."""
    pointer = sym2addr("blockdev_superblock")
    if not pointer or not readU64(pointer):
        return 0
    inodes, _report = walk_list(readSU("struct super_block", readU64(pointer)).s_inodes,
                                "struct inode", "i_sb_list", limit=_MAX_INODES)
    return sum(inode.i_mapping.nrpages for inode in inodes)


def _swap_cache() -> int:
    """Pages of the swap cache before 5.12: b6038942480e ("mm: memcg: add swapcache stat...")."""
    table = sym2addr("swapper_spaces")
    counts = sym2addr("nr_swapper_spaces")
    if not table or not counts:
        return 0
    found = 0
    for number in range(len(swap.devices())):
        spaces, count = readU64(table + 8 * number), readS32(counts + 4 * number)
        if spaces and 0 < count < _MAX_INODES:
            first = readSU("struct address_space", spaces)
            found += sum(first[i].nrpages for i in range(count))
    return found


def committed() -> int:
    """Pages that have been promised to processes; crash.error."""
    return max(percpu_counter_sum(readSU("struct percpu_counter", sym2addr("vm_committed_as"))), 0)


def overcommit() -> tuple[int, int]:
    """(vm.overcommit_memory, vm.overcommit_ratio): how freely memory is promised; 2 is strictly."""
    return _number("sysctl_overcommit_memory", 4), _number("sysctl_overcommit_ratio", 4)


def _commit_limit(total: int, hugetlb: int, swap_total: int) -> int:
    kilobytes = _number("sysctl_overcommit_kbytes")
    allowed = kilobytes * _KB // PAGESIZE if kilobytes else \
        (total - hugetlb) * overcommit()[1] // 100
    return allowed + swap_total


@memoize_cond(CU_LIVE | CU_PYMOD)
def huge_pages() -> list[HugePages]:
    """Huge pages of each size that the kernel knows, the default size first."""
    table, count = sym2addr("hstates"), _number("hugetlb_max_hstate", 4)
    if not table or not 0 < count <= _MAX_SIZES:
        return []
    first, default = readSU("struct hstate", table), _number("default_hstate_idx", 4)
    order = sorted(range(count), key=lambda number: number != default)
    return [HugePages(PAGESIZE << min(state.order, 40), state.nr_huge_pages, state.free_huge_pages,
                      state.resv_huge_pages, state.surplus_huge_pages)
            for state in (first[number] for number in order)]
