"""Owns what vmalloc has given out, by who asked for it.

Must not know what is in it.
"""

from __future__ import annotations

from typing import Any

from pykdump.API import (PAGESIZE, addr2mod, addr2sym, columns, readS32, readSU, readU64, sym2addr,
                         walk_rbtree)

_MAX_AREAS = 1 << 22
_MAX_NODES = 1 << 12


def _roots() -> list[int]:
    """Addresses of the trees of areas in use."""
    # 6.9: d093602919ad ("mm: vmalloc: remove global vmap_area_root rb-tree")
    if sym2addr("vmap_area_root"):
        return [sym2addr("vmap_area_root")]
    if not sym2addr("vmap_nodes") or not sym2addr("nr_vmap_nodes"):
        return []
    first = readSU("struct vmap_node", readU64(sym2addr("vmap_nodes")))
    return [int(first[i].busy.root)
            for i in range(min(max(readS32(sym2addr("nr_vmap_nodes")), 0), _MAX_NODES))]


def callers() -> list[tuple[str, int, int]]:
    """(function that asked, number of areas, bytes of memory), the most memory first."""
    sums: dict[int, list[int]] = {}
    for root in _roots():
        found, _report = walk_rbtree(root, "struct vmap_area", "rb_node", limit=_MAX_AREAS,
                                     as_column=True)
        for pages, caller in columns(found, "struct vmap_area",
                                     ["vm.nr_pages", "vm.caller"]).rows():
            if pages and caller:
                own = sums.setdefault(caller, [0, 0])
                own[0] += 1
                own[1] += pages * PAGESIZE
    return sorted(((_named(caller), count, size) for caller, (count, size) in sums.items()),
                  key=lambda row: -row[2])


def _named(address: int) -> str:
    found: Any = addr2sym(address, True)
    module = addr2mod(address)
    return f"{found[0] or hex(address)}" + (f" [{module}]" if module else "")
