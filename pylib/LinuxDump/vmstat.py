"""Owns the kernel's counters of memory: of zones, of nodes and of events, with what CPUs have not
added yet.

Counters have the names of the kernel's enumerators ("NR_FREE_PAGES"); `vmstat` has those of
/proc/vmstat.  Must not know what the numbers mean.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from pykdump import missing
from pykdump.API import (CU_LIVE, CU_PYMOD, EnumInfo, columns, crash, memoize_cond, readmem,
                         readU64, struct_exists, sym2addr, walk_percpu)

_MAX_ITEMS = 4096       # of an enum of counters: far more than any kernel has
_MAX_NAME = 64


def numbers(address: int, count: int) -> list[int]:
    """Signed 64-bit numbers one behind the other; crash.error if they cannot be read."""
    if not 0 <= count <= _MAX_ITEMS:
        raise crash.error(f"{count} counters are more than any kernel has")
    return list(struct.unpack(f"<{count}q", readmem(address, 8 * count))) if count else []


def _symbol(name: str) -> int:
    address = sym2addr(name)
    if not address:
        raise KeyError(missing.symbol(name))
    return address


def _items(enum: str, end: str) -> dict[str, int]:
    """The enumerators below one that counts them."""
    values = EnumInfo(enum)
    return {name: value for name, value in values.items() if 0 <= value < values[end]}


@memoize_cond(CU_PYMOD)
def zone_items() -> dict[str, int]:
    """Counters of zones: name -> place."""
    return _items("enum zone_stat_item", "NR_VM_ZONE_STAT_ITEMS")


@memoize_cond(CU_PYMOD)
def node_items() -> dict[str, int]:
    """Counters of nodes: name -> place."""
    return _items("enum node_stat_item", "NR_VM_NODE_STAT_ITEMS")


@memoize_cond(CU_PYMOD)
def event_items() -> dict[str, int]:
    """Events: name -> place."""
    return _items("enum vm_event_item", "NR_VM_EVENT_ITEMS")


def _pending(pointer: int, sname: str, member: str, count: int) -> list[int]:
    """What CPUs have counted and not added yet, summed up; 0 for CPUs that cannot be read."""
    sums = [0] * count
    _cpus, places, _report = walk_percpu(pointer, as_column=True)
    for row in columns(places, sname, [member])[0]:
        for i, value in enumerate((row or ())[:count]):
            sums[i] += value
    return sums


def _zone_pending(zone: Any, count: int) -> list[int]:
    # 5.14: 28f836b6777b ("mm/page_alloc: split per cpu page lists and zone stats")
    if zone.hasField("per_cpu_zonestats"):
        return _pending(zone.per_cpu_zonestats, "struct per_cpu_zonestat", "vm_stat_diff", count)
    return _pending(zone.pageset, "struct per_cpu_pageset", "vm_stat_diff", count)


def _named(items: Mapping[str, int], values: list[int]) -> dict[str, int]:
    # A counter may be a moment behind and below zero, which the kernel shows as none.
    return {name: max(values[place], 0) for name, place in items.items() if place < len(values)}


def _member(obj: Any, name: str, count: int) -> list[int]:
    return numbers(int(obj) + obj.fieldOffset(name), count)


def of_zone(zone: Any, exact: bool = True) -> dict[str, int]:
    """Counters of a struct zone, by enumerators; in pages, if the name does not say otherwise.

    exact: with what CPUs have not added yet, which /proc leaves out.  crash.error.
    """
    items = zone_items()
    count = max(items.values(), default=-1) + 1
    values = _member(zone, "vm_stat", count)
    if exact:
        values = [a + b for a, b in zip(values, _zone_pending(zone, count))]
    return _named(items, values)


def of_node(node: Any, exact: bool = True) -> dict[str, int]:
    """Counters of a struct pglist_data, like those of a zone.

    Those whose names end in _B are in pages too, those that end in _KB are not.
    """
    items = node_items()
    count = max(items.values(), default=-1) + 1
    values = _member(node, "vm_stat", count)
    if exact:
        pending = _pending(node.per_cpu_nodestats, "struct per_cpu_nodestat", "vm_node_stat_diff",
                           count)
        values = [a + b for a, b in zip(values, pending)]
    return _named(items, values)


@memoize_cond(CU_LIVE | CU_PYMOD)
def totals() -> dict[str, int]:
    """All zones and nodes together, as the kernel adds them up and /proc/meminfo shows them.

    What CPUs have not added yet is left out: some hundred pages on a large machine.  crash.error.
    """
    return {**_named(zone_items(), numbers(_symbol("vm_zone_stat"), len_of(zone_items()))),
            **_named(node_items(), numbers(_symbol("vm_node_stat"), len_of(node_items())))}


def len_of(items: Mapping[str, int]) -> int:
    """How many places there are."""
    return max(items.values(), default=-1) + 1


@memoize_cond(CU_LIVE | CU_PYMOD)
def events() -> dict[str, int]:
    """What has happened since boot, by enumerators ("PGFAULT"), summed over CPUs."""
    count = len_of(event_items())
    return _named(event_items(),
                  _pending(_symbol("vm_event_states"), "struct vm_event_state", "event", count))


# -- the names of /proc/vmstat ------------------------------------------------------------------

def _texts(first: int, count: int) -> list[str]:
    """Names out of the kernel's table."""
    table = _symbol("vmstat_text")
    if not 0 <= count <= _MAX_ITEMS:
        raise crash.error(f"{count} counters are more than any kernel has")
    found = []
    for i in range(first, first + count):
        text = readmem(readU64(table + 8 * i), _MAX_NAME)
        found.append(text.partition(b"\0")[0].decode("ascii", "replace"))
    return found


def _numa() -> list[int]:
    """Counters of NUMA hits and misses, which zones have; none on a kernel without NUMA."""
    # 5.14: f19298b9516c ("mm/vmstat: convert NUMA statistics to basic NUMA counters")
    if sym2addr("vm_numa_event"):
        count = EnumInfo("enum numa_stat_item")["NR_VM_NUMA_EVENT_ITEMS"]
        return numbers(_symbol("vm_numa_event"), count)
    if sym2addr("vm_numa_stat"):
        return numbers(_symbol("vm_numa_stat"),
                       EnumInfo("enum numa_stat_item")["NR_VM_NUMA_STAT_ITEMS"])
    return []


def _between() -> int:
    """How many names lie between those of nodes and those of events: limits of writing back..."""
    # 6.11: f4cb78af91e3 ("mm: add system wide stats items category")
    for enum, end in (("enum vm_stat_item", "NR_VM_STAT_ITEMS"),
                      ("enum writeback_stat_item", "NR_VM_WRITEBACK_STAT_ITEMS")):
        if struct_or_enum(enum):
            return EnumInfo(enum)[end]
    return 0


def struct_or_enum(name: str) -> bool:
    """Whether the kernel has a type of this full name."""
    if not name.startswith("enum "):
        return struct_exists(name)
    try:
        EnumInfo(name)
    except TypeError:
        return False
    return True


def vmstat() -> dict[str, int]:
    """The lines of /proc/vmstat as the dump has them: pages, kB or events.

    Huge pages are counted in pages, also where /proc shows how many there are.  Limits of writing
    back, which /proc computes, are left out.  KeyError, crash.error.
    """
    zones = numbers(_symbol("vm_zone_stat"), len_of(zone_items()))
    nodes = numbers(_symbol("vm_node_stat"), len_of(node_items()))
    first = zones + _numa() + nodes
    found = dict(zip(_texts(0, len(first)), (max(value, 0) for value in first)))
    counted = _pending(_symbol("vm_event_states"), "struct vm_event_state", "event",
                       len_of(event_items()))
    found.update(zip(_texts(len(first) + _between(), len(counted)), counted))
    return found
