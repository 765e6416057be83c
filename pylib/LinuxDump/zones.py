"""Owns the page allocator: nodes, zones, their watermarks and free lists.

Must not know who has the pages that are not free.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump import vmstat
from pykdump import missing
from pykdump.API import (CU_LIVE, CU_PYMOD, EnumInfo, columns, crash, memoize_cond, readSU, readS32,
                         sym2addr, walk_list, walk_percpu, walk_pointers)

_MAX_NODES = 1 << 10
_MAX_ORDERS = 64
MOST_BLOCKS = 100_000
"""Of a free list that are looked at, as many as /proc/pagetypeinfo counts."""


class FreeList(NamedTuple):
    """Free blocks of one size and migrate type.

    order     a block has 2 ** order pages
    kind      migrate type, as /proc/pagetypeinfo calls it
    head      address of the struct list_head
    blocks    how many there are, up to MOST_BLOCKS
    problem   what is wrong with the list, in words, or empty
    place     address of what is wrong, 0 without problem
    """

    order: int
    kind: str
    head: int
    blocks: int
    problem: str
    place: int


class Zone(NamedTuple):
    """A zone of a node; sizes in pages.

    address     of the struct zone
    number      of the zone in its node
    spanned     with holes; present: without; managed: of these the page allocator has
    free        as the kernel counts it
    min, low, high, boost   watermarks, boost is in the first three
    high_atomic reserved for urgent allocations of several pages
    reserves    what each kind of zone may not take from here (lowmem_reserve)
    areas       addresses of struct free_area by order
    blocks      free blocks by order, as the kernel counts them (/proc/buddyinfo)
    cached      pages that CPUs keep for themselves
    """

    address: int
    node: int
    number: int
    name: str
    start: int
    spanned: int
    present: int
    managed: int
    free: int
    min: int
    low: int
    high: int
    boost: int
    high_atomic: int
    reserves: tuple[int, ...]
    areas: tuple[int, ...]
    blocks: tuple[int, ...]
    cached: int

    @property
    def struct(self) -> Any:
        """The struct zone."""
        return readSU("struct zone", self.address)


@memoize_cond(CU_LIVE | CU_PYMOD)
def nodes() -> list[Any]:
    """Each struct pglist_data that has memory; crash.error, KeyError."""
    table = sym2addr("node_data")
    if not table:           # a kernel without NUMA
        only = sym2addr("contig_page_data")
        if not only:
            raise KeyError(missing.symbol("node_data"))
        return [readSU("struct pglist_data", only)]
    ids = readS32(sym2addr("nr_node_ids")) if sym2addr("nr_node_ids") else 1
    if not 0 < ids <= _MAX_NODES:
        raise crash.error(f"nr_node_ids is {ids}")
    _numbers, found, _report = walk_pointers(table, ids, "struct pglist_data")
    return [node for node in found if node.node_present_pages]


@memoize_cond(CU_LIVE | CU_PYMOD)
def zones() -> list[Zone]:
    """The zones that have memory, by node and zone; crash.error if they cannot be read."""
    found = []
    for node in nodes():
        for number, zone in enumerate(node.node_zones[:_count_zones(node)]):
            if zone.present_pages:
                found.append(_zone(node, number, zone))
    return found


def _count_zones(node: Any) -> int:
    return min(max(node.nr_zones, 0), len(node.node_zones))


def _zone(node: Any, number: int, zone: Any) -> Zone:
    boost = zone.watermark_boost if zone.hasField("watermark_boost") else 0
    marks = [mark + boost for mark in zone._watermark]
    areas = zone.free_area[:_MAX_ORDERS]
    return Zone(
        int(zone), node.node_id, number, str(zone.name), zone.zone_start_pfn, zone.spanned_pages,
        zone.present_pages, zone.managed_pages.counter,
        vmstat.of_zone(zone, exact=False)["NR_FREE_PAGES"], marks[0], marks[1], marks[2], boost,
        zone.nr_reserved_highatomic, tuple(zone.lowmem_reserve), tuple(map(int, areas)),
        tuple(area.nr_free for area in areas), _cached(zone))


def _cached(zone: Any) -> int:
    """Pages on the lists of CPUs."""
    if zone.hasField("per_cpu_pageset"):    # 5.14: 28f836b6777b
        pointer, sname, member = zone.per_cpu_pageset, "struct per_cpu_pages", "count"
    else:
        pointer, sname, member = zone.pageset, "struct per_cpu_pageset", "pcp.count"
    _cpus, places, _report = walk_percpu(pointer, as_column=True)
    return sum(count for count in columns(places, sname, [member])[0] if count)


def migrate_types() -> list[str]:
    """The names of migrate types, as /proc/pagetypeinfo has them."""
    values = EnumInfo("enum migratetype")
    last = values["MIGRATE_TYPES"]
    names = {"UNMOVABLE": "Unmovable", "MOVABLE": "Movable", "RECLAIMABLE": "Reclaimable",
             "HIGHATOMIC": "HighAtomic", "CMA": "CMA", "ISOLATE": "Isolate"}
    short = {value: names.get(name[len("MIGRATE_"):], name) for name, value in values.items()
             if name != "MIGRATE_PCPTYPES"}
    return [short.get(value, f"type {value}") for value in range(last)]


def free_lists(zone: Zone, most: int = MOST_BLOCKS) -> list[FreeList]:
    """The free lists of a zone by order and migrate type, walked and checked, `most` blocks each.

    crash.error if the zone cannot be read; a list that cannot is one with a problem.
    """
    kinds = migrate_types()
    found = []
    for order, area in enumerate(zone.areas):
        heads = readSU("struct free_area", area).free_list
        for kind, head in zip(kinds, heads if isinstance(heads, list) else [heads]):
            found.append(_free_list(order, kind, int(head), most))
    return found


def _free_list(order: int, kind: str, head: int, most: int) -> FreeList:
    # 5.14: bf75f200569d ("mm/page_alloc: add page->buddy_list and page->pcp_list")
    pages, report = walk_list(head, "struct page", "lru", limit=most, as_column=True)
    problem, place = "", 0
    if report.end not in ("whole", "limit"):
        problem, place = f"{report.message or 'a list in a circle'}", report.at
    for page, (private, mark) in zip(pages, columns(pages, "struct page",
                                                    ["private", "page_type"]).rows()):
        if mark is None or not _is_buddy(mark):
            problem, place = f"a page with type 0x{mark or 0:x} is on it, which is not free", page
        elif private != order:
            problem, place = f"a block of order {private} is on it", page
        if place == page:
            break
    return FreeList(order, kind, head, len(pages), problem, place)


@memoize_cond(CU_PYMOD)
def _buddy_mark() -> tuple[int, int]:
    """(mask, value) of the page_type of a page that heads a free block."""
    try:
        types = dict(EnumInfo("enum pagetype"))
    except TypeError:
        types = {}
    if "PGTY_buddy" in types:       # 6.12: 4ffca5a96678 ("mm: support only one page_type per page")
        return 0xff000000, types["PGTY_buddy"] << 24 & 0xff000000
    # A page has a type when the base's bits are set, and this one when its own bit is clear.
    # 6.11: ff202303c398 ("mm: convert page type macros to enum")
    base = types.get("PAGE_TYPE_BASE", 0xf0000000) & 0xffffffff
    return base | types.get("PG_buddy", 0x80), base


def _is_buddy(page_type: int) -> bool:
    mask, value = _buddy_mark()
    return page_type & mask == value
