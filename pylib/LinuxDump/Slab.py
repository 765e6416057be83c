"""Owns addresses of slab objects, as programs ask for them, and what an address is in a slab.

Must not know how slabs are found: pykdump.API.walk_slab and the module slabs deliver them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.slabs import (Cache, all_caches, cache_named, damage, largest,  # noqa: F401
                             slabinfo)
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (PAGESIZE, EnumInfo, crash, phys_to_page, readSU, readU64, struct_size,
                         sym2addr, walk_percpu, walk_slab)

_MAX_PAGES = 1 << 11        # of a slab
_DIRECT_BASE = 0xffff888000000000
_DIRECT_SIZE = 1 << 46
_WORD = (1 << 64) - 1


def get_slab_addrs(slabname: str) -> tuple[list[int], list[int]]:
    """(allocated, free) objects of a cache, by its name as in /proc/slabinfo.

    KeyError for an unknown name.
    """
    cache = cache_named(slabname).address
    return walk_slab(cache)[0], walk_slab(cache, free=True)[0]


class Object(NamedTuple):
    """Where an address is in a slab.

    cache      of which it is
    slab       address of the slab's memory
    number     of the object; None before the first and behind the last
    address    of the object, offset: how far in it; of the slab without object
    allocated  None when the free list cannot be followed, and without object
    """

    cache: Cache
    slab: int
    number: int | None
    address: int
    offset: int
    allocated: bool | None

    def __str__(self) -> str:
        where = f"slab cache {self.cache.name} (0x{self.cache.address:x})"
        if self.number is None:
            return f"{where}, slab 0x{self.slab:x}, +{self.offset}: between objects"
        state = {True: "allocated", False: "free", None: "allocated or free"}[self.allocated]
        plus = f" +{self.offset}" if self.offset else ""
        return f"{where}, object 0x{self.address:x}{plus}, {state}"


def whatis_slab(addr: int) -> Object | None:
    """What an address is in a slab, None if it is in none; crash.error if that cannot be told."""
    base = readU64(sym2addr("page_offset_base")) if sym2addr("page_offset_base") else _DIRECT_BASE
    if not base <= addr < base + _DIRECT_SIZE:
        return None
    head = _head_of(phys_to_page(addr - base))
    if head is None:
        return None
    page, behind = head
    slab = _slab_at(page)
    caches = {cache.address: cache for cache in all_caches().caches}
    cache = caches.get(int(slab.slab_cache))
    if cache is None:
        return None
    start = addr - addr % PAGESIZE - behind * PAGESIZE
    pad = cache.struct.red_left_pad if cache.struct.hasField("red_left_pad") else 0
    number, offset = divmod(addr - start - pad, cache.size)
    if not 0 <= number < slab.objects:
        return Object(cache, start, None, start, addr - start, None)
    obj = start + pad + number * cache.size
    free = _is_free(cache, slab, obj)
    return Object(cache, start, number, obj, offset, None if free is None else not free)


def _slab_at(page: int) -> Any:
    """The struct slab of a page, which was a part of struct page before 5.17 (d122019bf061)."""
    try:
        slab = readSU("struct slab", page)
        slab.fieldOffset("slab_cache")
        return slab
    except (TypeError, KeyError):
        return readSU("struct page", page)


def _head_of(address: int) -> tuple[int, int] | None:
    """(the first struct page of a slab, how many pages behind it this one is); None for no slab."""
    page = readSU("struct page", address)
    behind = 0
    if page.compound_head & 1:
        head = page.compound_head & ~1
        behind, rest = divmod(address - head, struct_size("struct page"))
        if rest or not 0 < behind < _MAX_PAGES:
            return None
        page = readSU("struct page", head)
    return (int(page), behind) if _is_slab(page) else None


def _is_slab(page: Any) -> bool:
    flags = EnumInfo("enum pageflags")
    if "PG_slab" in flags:
        return bool(page.flags >> flags["PG_slab"] & 1)
    # 6.10: 46df8e73a4a3 ("mm: free up PG_slab"); 6.12: 4ffca5a96678
    types = dict(EnumInfo("enum pagetype")) if _has_enum("enum pagetype") else {}
    if "PGTY_slab" in types:
        return page.page_type >> 24 == types["PGTY_slab"] & 0xff
    base, bit = types.get("PAGE_TYPE_BASE", 0xf0000000), types.get("PG_slab", 0x1000)
    return page.page_type & (base | bit) & 0xffffffff == base & 0xffffffff


def _has_enum(name: str) -> bool:
    try:
        EnumInfo(name)
    except TypeError:
        return False
    return True


def _is_free(cache: Cache, slab: Any, obj: int) -> bool | None:
    """Is an object on the free list of its slab or of a CPU; None if a list cannot be followed."""
    own = _follow(cache, int(slab.freelist), cache.per_slab)
    firsts = [readSU("struct kmem_cache_cpu", cpu).freelist
              for cpu in walk_percpu(int(cache.struct.cpu_slab))[1]]
    lists = [own, *(_follow(cache, int(first), cache.per_slab) for first in firsts)]
    if any(obj in found for found, _whole in lists):
        return True
    return False if all(whole for _found, whole in lists) else None


def _follow(cache: Cache, first: int, most: int) -> tuple[set[int], bool]:
    """Objects of a free list, and whether it could be followed to its end."""
    found: set[int] = set()
    mixed = cache.struct.hasField("random")     # CONFIG_SLAB_FREELIST_HARDENED
    secret, offset = cache.struct.random if mixed else 0, cache.struct.offset
    while first:
        if first in found or len(found) > most:
            return found, False
        found.add(first)
        at = (first + offset) & _WORD
        try:
            link = readU64(at)
        except crash.error:
            return found, False
        # 5.7: 1ad53d9fa3f6 ("slub: improve bit diffusion for freelist ptr obfuscation")
        first = link ^ secret ^ int.from_bytes(at.to_bytes(8, "little"), "big") if mixed else link
    return found, True
