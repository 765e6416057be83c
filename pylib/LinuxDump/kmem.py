"""Owns zones of memory as crash's `kmem -f` lists them.

Must not know the memory map: zones, counters and totals are those of the modules beside, which
programs get from here as well.
"""

from __future__ import annotations

import re
from typing import Any

from LinuxDump.meminfo import (HugePages, MemInfo, committed, huge_pages,  # noqa: F401
                               meminfo, overcommit)
from LinuxDump.vmstat import vmstat  # noqa: F401 - programs take it from here
from LinuxDump.zones import FreeList, Zone, free_lists, nodes, zones  # noqa: F401 - likewise
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import PAGESIZE, pylog

_FEW = 2                    # blocks of a size; fewer are too few
_SIZES = {1: "8Kb", 3: "32Kb"}      # what the kernel asks for most: order -> how it is called
_ZONE = re.compile(r"\s*(\d+)\s+(\w+)\s+(\d+)\s+(\d+)\s+[0-9a-f]+\s+[0-9a-f]+\s+\d+\s*$")
_AREA = re.compile(r"\s*(\d+)\s+(\d+k)\s+([0-9a-f]+)\s+(\d+)\s+(\d+)\s*$")
_NODE = re.compile(r"\s*NODE\s*$")


def parse_kmemf(text: str) -> list[list[Any]]:
    """The zones of the first node in the text of crash's `kmem -f`.

    Each is [number, name, [area, size, address, blocks, pages], ...], sizes like "4k".
    ValueError for a text without zones.
    """
    found: list[list[Any]] = []
    heads = 0
    for line in text.splitlines():
        heads += bool(_NODE.match(line))
        zone, area = _ZONE.match(line), _AREA.match(line)
        if heads > 1:
            break
        if zone:
            found.append([int(zone[1]), zone[2]])
        elif area and found:
            found[-1].append([int(area[1]), area[2], int(area[3], 16), int(area[4]), int(area[5])])
    if not found:
        raise ValueError("this is not what kmem -f prints: there is no zone in it")
    return found


def zone_rows(zone: Zone) -> list[Any]:
    """A zone of the dump in the form of parse_kmemf, one row for each size of blocks."""
    rows: list[Any] = [zone.number, zone.name]
    for order, (area, blocks) in enumerate(zip(zone.areas, zone.blocks)):
        rows.append([order, f"{(PAGESIZE << order) // 1024}k", area, blocks, blocks << order])
    return rows


def print_Zone(zone: list[Any]) -> None:
    """Print a zone in the form of parse_kmemf as a table."""
    print(f"\n   == Zone:{zone[1]} ==\n")
    print("AREA    SIZE  FREE_AREA_STRUCT     BLOCKS  PAGES")
    print("----    ----  ----------------     ------  -----")
    for area, size, address, blocks, pages in zone[2:]:
        print(f"{area:3d} {size:>9}  0x{address:016x} {blocks:7d} {pages:6d}")


def too_small(zone: Zone) -> list[int]:
    """Sizes, as orders, of which a zone has hardly any blocks, nor larger ones to take apart."""
    return [order for order in _SIZES
            if zone.managed and sum(zone.blocks[order:]) < _FEW]


def check_kmemf() -> bool:
    """Warn of zones that have hardly a block of 8 or 32 KB, with their tables; are there any?

    Of each node the largest zone is looked at: the others are small and not for everything.
    """
    largest: dict[int, Zone] = {}
    for zone in zones():
        if zone.node not in largest or zone.managed > largest[zone.node].managed:
            largest[zone.node] = zone
    fragmented = False
    for zone in largest.values():
        orders = too_small(zone)
        if orders:
            pylog.warning("fragmentation: " + " ".join(_SIZES[order] for order in orders))
            print("  Memory Fragmentation (kmem -f)")
            print_Zone(zone_rows(zone))
            fragmented = True
    return fragmented
