"""Owns slab caches as data: what each has, what it grows by, and where it is damaged.

Must not know whose objects they are; where slabs are is the engine's (pykdump.walk).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pykdump import missing
from pykdump.API import (CU_LIVE, CU_PYMOD, PAGESIZE, columns, crash, memoize_cond, readSU, readU64,
                         struct_size, sym2addr, walk_list)
from pykdump.walk import SlabProblem, SlabSum, slab_check, slab_sums

_CACHE = "struct kmem_cache"
_MAX_CACHES = 1 << 16
_MAX_NODES = 1 << 10
_MAX_SLABS = 1 << 20
_RECLAIMABLE = 0x20000          # SLAB_RECLAIM_ACCOUNT
_OBJECTS = 0xffff               # of kmem_cache.oo; above it is the order of a slab's pages
_MAX_ORDER = 20
_MOST_CHECKED = 20_000


class Cache(NamedTuple):
    """A slab cache; sizes in bytes.

    address       of the struct kmem_cache
    object_size   as its users asked for; size: from one object to the next
    per_slab      objects of a slab, slab_size: its bytes, unless memory was short
    slabs, objects   how many it has, and for how many objects there is room
    inuse         objects that slabs count as taken; those on a CPU's list are among them
    reclaimable   can be given back when memory is short: SReclaimable
    """

    address: int
    name: str
    object_size: int
    size: int
    per_slab: int
    slab_size: int
    slabs: int
    objects: int
    inuse: int
    reclaimable: bool

    @property
    def memory(self) -> int:
        """Bytes of all its slabs, if all have the usual size."""
        return self.slabs * self.slab_size

    @property
    def struct(self) -> Any:
        """The struct kmem_cache."""
        return readSU(_CACHE, self.address)


class Caches(NamedTuple):
    """All slab caches, and how well that went.

    strays     addresses that pages of slabs name as their cache, which are on no list of caches
    incomplete what could not be read, in words, or empty
    """

    caches: list[Cache]
    strays: dict[int, SlabSum]
    incomplete: str


@memoize_cond(CU_LIVE | CU_PYMOD)
def all_caches() -> Caches:
    """Every slab cache, in the order of the kernel's list; KeyError without SLUB.

    The first call reads the kernel's memory map.
    """
    head = sym2addr("slab_caches")
    if not head:
        raise KeyError(missing.symbol("slab_caches"))
    found, listed = walk_list(head, _CACHE, "list", limit=_MAX_CACHES)
    sums, seen = slab_sums()
    nothing = SlabSum(0, 0, 0)
    table = columns(found, _CACHE, ["object_size", "size", "oo.x", "flags"])
    caches = []
    for cache, row in zip(found, table.rows()):
        if None not in row:
            caches.append(_cache(cache, row, sums.pop(int(cache), nothing)))
    reports = [str(report) for report in (listed, seen) if not report.whole]
    return Caches(caches, sums, "; ".join(reports))


def _cache(cache: Any, row: tuple[Any, ...], own: SlabSum) -> Cache:
    object_size, size, packed, flags = row
    try:
        name = str(cache.name)
    except crash.error:
        name = "??"
    return Cache(int(cache), name, object_size, size, packed & _OBJECTS,
                 PAGESIZE << min(packed >> 16, _MAX_ORDER), own.slabs, own.objects, own.inuse,
                 bool(flags & _RECLAIMABLE))


def largest(count: int) -> list[Cache]:
    """Those with most memory, the largest first."""
    return sorted(all_caches().caches, key=lambda cache: -cache.memory)[:count]


def cache_named(name: str) -> Cache:
    """By its name, as in /proc/slabinfo; KeyError if there is none."""
    for cache in all_caches().caches:
        if cache.name == name:
            return cache
    raise KeyError(f"no slab {name}")


# -- nodes --------------------------------------------------------------------------------------

class NodeList(NamedTuple):
    """What a node of the machine has of a cache.

    slabs, objects   as the kernel counts them
    partial          slabs on the list of those that have free objects, as the kernel counts them
    listed           how many there are; free: their free objects
    problem, place   what is wrong with the list, in words, and where; empty and 0 if nothing is
    """

    node: int
    slabs: int
    objects: int
    partial: int
    listed: int
    free: int
    problem: str
    place: int


def node_lists(cache: Cache) -> list[NodeList]:
    """The nodes that have slabs of a cache; crash.error if it cannot be read."""
    nodes = cache.struct.node
    found = []
    for number, node in enumerate(nodes[:_MAX_NODES] if isinstance(nodes, list) else [nodes]):
        if number and number >= _node_ids():
            break
        if node:
            found.append(_node_list(cache, number, node))
    return found


def _node_ids() -> int:
    address = sym2addr("nr_node_ids")
    return min(readU64(address) & 0xffffffff, _MAX_NODES) if address else 1


@memoize_cond(CU_PYMOD)
def _slab_struct() -> tuple[str, str]:
    """The struct of a slab, and its member that links it.

    5.17: d122019bf061 ("mm: Split slab into its own type")
    """
    try:
        struct_size("struct slab")
        readSU("struct slab", 0).fieldOffset("slab_cache")
        return "struct slab", "slab_list"
    except (TypeError, KeyError):
        return "struct page", "slab_list"


def _node_list(cache: Cache, number: int, node: Any) -> NodeList:
    sname, link = _slab_struct()
    slabs, report = walk_list(node.partial, sname, link, limit=_MAX_SLABS, as_column=True)
    problem, place = "", 0
    if report.end not in ("whole", "limit"):
        problem, place = report.message or "a list in a circle", report.at
    free = 0
    table = columns(slabs, sname, ["slab_cache", "objects", "inuse"])
    for slab, (owner, objects, inuse) in zip(slabs, table.rows()):
        if owner != cache.address:
            problem, place = "a slab of another cache is on it", slab
            break
        free += max(objects - inuse, 0)
    counted = node.nr_slabs.counter if node.hasField("nr_slabs") else -1
    objects = node.total_objects.counter if node.hasField("total_objects") else -1
    return NodeList(number, counted, objects, node.nr_partial, len(slabs), free, problem, place)


class SlabInfo(NamedTuple):
    """A line of /proc/slabinfo: what the kernel counts."""

    name: str
    active: int
    objects: int
    size: int
    per_slab: int
    pages_per_slab: int
    slabs: int


def slabinfo() -> list[SlabInfo]:
    """What /proc/slabinfo would have shown; caches that cannot be read are left out.

    Objects that are free but on a CPU's list count as active, as they do there.
    """
    found = []
    for cache in all_caches().caches:
        try:
            nodes = node_lists(cache)
        except crash.error:
            continue
        objects = sum(node.objects for node in nodes)
        found.append(SlabInfo(
            cache.name, objects - sum(node.free for node in nodes), objects, cache.size,
            cache.per_slab, cache.slab_size // PAGESIZE, sum(node.slabs for node in nodes)))
    return found


# -- damage -------------------------------------------------------------------------------------

class Problem(NamedTuple):
    """Something in a slab cache that contradicts itself.

    text    one line
    slab    address of the slab's memory, 0 if it is not about one
    place   address of what is damaged
    """

    cache: Cache
    text: str
    slab: int
    place: int


class Damage(NamedTuple):
    """What is wrong with slab caches.

    problems    by cache
    unchecked   caches of which not all slabs were looked at
    unreadable  caches of which something could not be read, with the reason
    """

    problems: list[Problem]
    unchecked: list[str]
    unreadable: dict[str, str]


@memoize_cond(CU_LIVE | CU_PYMOD)
def damage(most: int = _MOST_CHECKED) -> Damage:
    """Looks for damage in the free lists of all caches, in up to `most` slabs in all.

    The smallest caches come first, so that what a large machine has most of is left out.
    """
    problems: list[Problem] = []
    unchecked: list[str] = []
    unreadable: dict[str, str] = {}
    left = most
    for cache in sorted(all_caches().caches, key=lambda cache: cache.slabs):
        found, report = slab_check(cache.address, limit=left)
        left -= min(cache.slabs, left)
        problems += [Problem(cache, _text(problem), problem.slab, problem.place or problem.slab)
                     for problem in found]
        if report.end == "limit":
            unchecked.append(cache.name)
        elif not report.whole:
            unreadable[cache.name] = str(report)
        try:
            lists = node_lists(cache)
        except crash.error as err:
            unreadable[cache.name] = str(err)
            continue
        problems += [Problem(cache, f"list of partial slabs of node {node.node}: {node.problem}",
                             0, node.place) for node in lists if node.problem]
    return Damage(problems, unchecked, unreadable)


def _text(problem: SlabProblem) -> str:
    slab, place, value = (f"0x{number:x}" for number in problem[1:])
    link = f"the link in free object {place}" if problem.place else "its first free object"
    return {
        "counts": f"slab {slab} says that it has {problem.value} objects, which cannot be",
        "outside": f"slab {slab}: {link} leads to {value}, out of the slab" if problem.value else
                   f"slab {slab}: {link} is outside of the slab",
        "circle": f"slab {slab}: {link} leads back to {value}, which is on the list already",
        "length": f"slab {slab} has {problem.value} objects on its free list, not as many as it "
                  "counts as free",
        "cpu": f"the free list of a CPU leads from {place} to {value}, which is no object of it",
    }[problem.kind]
