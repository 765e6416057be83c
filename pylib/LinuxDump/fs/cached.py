"""Owns what the kernel keeps in memory of a filesystem: inodes, dentries, pages to be written.

Must not know any one filesystem.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.percpu import percpu_counter_sum
from pykdump.API import columns, member_offset, readSU, readU32, sym2addr, walk_list

_MAX_INODES = 1 << 24
_MAX_NODES = 1 << 10
_MAX_LINKS = 1 << 16        # names of one inode
_RECLAIMABLE, _WRITEBACK = 0, 1     # enum wb_stat_item


class Cached(NamedTuple):
    """What is in memory of a filesystem.

    inodes      struct inode; unused: those that may be thrown away
    dentries    names of them; those that lead to no inode are not counted
    dirty       pages to be written, writeback: pages that are being written; both of all
                filesystems on the device. None for a filesystem without one
    problems    what could not be read
    """

    inodes: int
    unused: int
    dentries: int
    dirty: int | None
    writeback: int | None
    problems: list[str]


def cached(sb: Any) -> Cached:
    """What there is of a struct super_block; crash.error if that cannot be read."""
    problems = []
    inodes, report = walk_list(sb.s_inodes, "struct inode", "i_sb_list", limit=_MAX_INODES,
                               as_column=True)
    if not report.whole:
        problems.append(f"inodes of {sb}: {report}; {len(inodes)} could be read")
    dirty, writeback = _pages(sb)
    return Cached(len(inodes), _unused(sb.s_inode_lru), _names(inodes), dirty, writeback, problems)


def _names(inodes: Any) -> int:
    """Dentries of inodes: the first of each, and then those behind it."""
    nodes = [first for first in columns(inodes, "struct inode", ["i_dentry.first"])[0] if first]
    total = 0
    for _ in range(_MAX_LINKS):
        total += len(nodes)
        if not nodes:
            break
        nodes = [behind for behind in columns(nodes, "struct hlist_node", ["next"])[0] if behind]
    return total


def _unused(lru: Any) -> int:
    count = min(readU32(sym2addr("nr_node_ids")) if sym2addr("nr_node_ids") else 1, _MAX_NODES)
    total = 0
    for number in range(count):
        items = lru.node[number].nr_items
        # 6.13: d5353da2b9b2: an atomic_long_t
        total += items.counter if hasattr(items, "counter") else items
    return max(total, 0)


def _pages(sb: Any) -> tuple[int | None, int | None]:
    bdi = sb.s_bdi
    if not bdi or bdi == sym2addr("noop_backing_dev_info"):
        return None, None
    # with CONFIG_CGROUP_WRITEBACK a device has one for each cgroup that writes to it
    if member_offset("struct bdi_writeback", "bdi_node") >= 0:
        found, _report = walk_list(bdi.wb_list, "struct bdi_writeback", "bdi_node",
                                   limit=_MAX_INODES)
    else:
        found = [bdi.wb]
    counts = [0, 0]
    for wb in found or [readSU("struct bdi_writeback", bdi.wb)]:
        for which in (_RECLAIMABLE, _WRITEBACK):
            counts[which] += max(percpu_counter_sum(wb.stat[which]), 0)
    return counts[0], counts[1]
