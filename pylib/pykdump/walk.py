"""Owns walks over the kernel's data structures, as programs use them.

The walking is the engine's, in C: a walk is bounded by its limit, notices cycles and damage,
answers Ctrl-C, and delivers what it found however it ended.  Each function returns what it found
and a WalkReport.  Must not know what the elements are.

What all take:
    struct      the type of the elements ("struct task_struct"), which are StructResults then;
                without it they are ints.  TypeError for an unknown one
    member      where the struct has the node by which it is linked ("tasks", "se.run_node");
                KeyError for a missing one.  Without it the elements are the nodes themselves
    limit       elements at most
    as_column   deliver a Column of 64-bit addresses (indices, ...) rather than a list: no Python
                objects are made, and `columns` reads members of all of them at once
Addresses are ints; a StructResult is one.  KeyboardInterrupt on Ctrl-C, MemoryError; memory that
cannot be read is no exception but part of the report.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import _pykdump

LIMIT = 1 << 24


class WalkReport(NamedTuple):
    """How a walk ended."""

    end: str
    """"whole", "limit" (there is more), "cycle", "partial" (all but what is behind places that
    cannot be read or are damaged), or "error" (it could not go on)."""
    at: int
    """Address where a walk that did not end well stopped, or first left something out."""
    skipped: int
    """Places left out."""
    message: str
    """What was wrong at that address; empty when nothing was."""

    @property
    def whole(self) -> bool:
        """Whether everything was seen."""
        return self.end == "whole"

    def __str__(self) -> str:
        if self.end in ("whole", "limit"):
            return self.end
        skipped = f", {self.skipped} places skipped" if self.skipped else ""
        reason = f": {self.message}" if self.message else ""
        return f"{self.end} at 0x{self.at:x}{skipped}{reason}"


def walk_list(head: int, struct: str | None = None, member: str | None = None, *,
              limit: int = LIMIT, as_column: bool = False) -> tuple[Any, WalkReport]:
    """The elements of a list whose list_head is at `head`, which is not one of them."""
    found, report = _pykdump.walk_list(head, struct, member, limit=limit, as_column=as_column)
    return found, WalkReport(*report)


def walk_hlist(head: int, struct: str | None = None, member: str | None = None, *,
               limit: int = LIMIT, as_column: bool = False) -> tuple[Any, WalkReport]:
    """The elements behind an hlist_head."""
    found, report = _pykdump.walk_hlist(head, struct, member, limit=limit, as_column=as_column)
    return found, WalkReport(*report)


def walk_hlist_nulls(head: int, struct: str | None = None, member: str | None = None, *,
                     limit: int = LIMIT, as_column: bool = False) -> tuple[Any, WalkReport]:
    """The elements behind an hlist_nulls_head."""
    found, report = _pykdump.walk_hlist_nulls(head, struct, member, limit=limit,
                                              as_column=as_column)
    return found, WalkReport(*report)


def walk_hlist_bl(head: int, struct: str | None = None, member: str | None = None, *,
                  limit: int = LIMIT, as_column: bool = False) -> tuple[Any, WalkReport]:
    """The elements behind an hlist_bl_head, whose bit 0 is a lock."""
    found, report = _pykdump.walk_hlist_bl(head, struct, member, limit=limit, as_column=as_column)
    return found, WalkReport(*report)


def walk_hash(table: int, heads: int, struct: str | None = None, member: str | None = None, *,
              kind: str = "hlist", limit: int = LIMIT,
              as_column: bool = False) -> tuple[Any, WalkReport]:
    """The elements of all chains of a hash table: `heads` heads, one behind the other.

    The kind is "hlist", "hlist_nulls", "hlist_bl" or "llist"; ValueError for another.
    """
    found, report = _pykdump.walk_hash(table, heads, struct, member, kind=kind, limit=limit,
                                       as_column=as_column)
    return found, WalkReport(*report)


def walk_llist(head: int, struct: str | None = None, member: str | None = None, *,
               limit: int = LIMIT, as_column: bool = False) -> tuple[Any, WalkReport]:
    """The elements behind an llist_head, the last added first."""
    found, report = _pykdump.walk_llist(head, struct, member, limit=limit, as_column=as_column)
    return found, WalkReport(*report)


def walk_plist(head: int, struct: str | None = None, member: str | None = None, *,
               limit: int = LIMIT, as_column: bool = False) -> tuple[Any, WalkReport]:
    """The elements behind a plist_head, by priority; `member` is the plist_node."""
    found, report = _pykdump.walk_plist(head, struct, member, limit=limit, as_column=as_column)
    return found, WalkReport(*report)


def walk_rbtree(root: int, struct: str | None = None, member: str | None = None, *,
                limit: int = LIMIT, as_column: bool = False) -> tuple[Any, WalkReport]:
    """The elements of a red-black tree, in its order; `root` is the rb_root or rb_root_cached."""
    found, report = _pykdump.walk_rbtree(root, struct, member, limit=limit, as_column=as_column)
    return found, WalkReport(*report)


def walk_xarray(xarray: int, struct: str | None = None, *, limit: int = LIMIT,
                as_column: bool = False) -> tuple[Any, Any, WalkReport]:
    """Indices and entries of a struct xarray (or radix_tree_root), by rising index.

    Entries are as stored: pointers, or values shifted left by one with bit 0 set (swapped-out
    pages, for one).  An entry that covers several indices is there once, at the first.
    """
    indices, entries, report = _pykdump.walk_xarray(xarray, struct, limit=limit,
                                                    as_column=as_column)
    return indices, entries, WalkReport(*report)


def walk_idr(idr: int, struct: str | None = None, *, limit: int = LIMIT,
             as_column: bool = False) -> tuple[Any, Any, WalkReport]:
    """IDs and pointers of a struct idr, by rising ID."""
    ids, entries, report = _pykdump.walk_idr(idr, struct, limit=limit, as_column=as_column)
    return ids, entries, WalkReport(*report)


def walk_maple(tree: int, struct: str | None = None, *, limit: int = LIMIT,
               as_column: bool = False) -> tuple[Any, Any, Any, WalkReport]:
    """First indices, last indices (included) and entries of a struct maple_tree, by index."""
    firsts, lasts, entries, report = _pykdump.walk_maple(tree, struct, limit=limit,
                                                         as_column=as_column)
    return firsts, lasts, entries, WalkReport(*report)


def walk_percpu(pointer: int, struct: str | None = None, *,
                as_column: bool = False) -> tuple[Any, Any, WalkReport]:
    """Numbers of the possible CPUs, and where each has its own.

    `pointer` is the address of a per-CPU symbol, or the value of a per-CPU pointer.
    """
    cpus, addresses, report = _pykdump.walk_percpu(pointer, struct, as_column=as_column)
    return cpus, addresses, WalkReport(*report)


def walk_pointers(array: int, count: int, struct: str | None = None, *, stride: int = 8,
                  limit: int = LIMIT, as_column: bool = False) -> tuple[Any, Any, WalkReport]:
    """Indices and values of the pointers in an array that are not NULL, `stride` bytes apart."""
    indices, pointers, report = _pykdump.walk_pointers(array, count, struct, stride=stride,
                                                       limit=limit, as_column=as_column)
    return indices, pointers, WalkReport(*report)


def walk_slab(cache: int | str, struct: str | None = None, *, limit: int = LIMIT,
              as_column: bool = False, free: bool = False) -> tuple[Any, WalkReport]:
    """The allocated objects of a slab cache, or with `free` those that are not.

    The cache is a struct kmem_cache, or its name as slabinfo has it; KeyError for an unknown name.
    The first walk on a dump reads the kernel's whole memory map.
    """
    found, report = _pykdump.walk_slab(cache, struct, limit=limit, as_column=as_column, free=free)
    return found, WalkReport(*report)


class SlabSum(NamedTuple):
    """What the slabs of a cache say, added up."""

    slabs: int
    objects: int
    """There is room for so many in these slabs."""
    inuse: int
    """Of them not on a slab's own free list; what a CPU has on its list is among them."""


def slab_sums() -> tuple[dict[int, SlabSum], WalkReport]:
    """Address of each struct kmem_cache that has slabs -> what these say.

    Pages of slabs say of which cache they are: a damaged one may name what is none.  The first
    call on a dump reads the kernel's whole memory map, as `walk_slab` does.
    """
    caches, slabs, objects, inuse, report = _pykdump.slab_sums()
    return {cache: SlabSum(*sums) for cache, *sums in zip(caches, slabs, objects, inuse)}, \
        WalkReport(*report)


SLAB_FAULTS = ("counts", "outside", "circle", "length", "cpu")
"""What can be wrong with a slab:

counts    it says that it has more objects than its cache puts into one, or none
outside   its free list leads out of it: `value` is where, `place` the object with the bad link
circle    its free list comes back to an object that was on it: `value`
length    its free list has not as many objects as it counts as free: `value` is how many
cpu       the free list of a CPU leads to what is no object of the cache: `value`
"""


class SlabProblem(NamedTuple):
    """Where a slab contradicts itself."""

    kind: str
    """One of SLAB_FAULTS."""
    slab: int
    """Address of its memory; 0 for the list of a CPU."""
    place: int
    """The object whose link is bad, or where a CPU has its list; 0 when it is no link."""
    value: int


def slab_check(cache: int, *, limit: int = LIMIT) -> tuple[list[SlabProblem], WalkReport]:
    """Where slabs of a struct kmem_cache contradict themselves.

    Up to `limit` slabs with free objects are looked at, and the lists of all CPUs; a report that
    ends with "limit" says that there are more.  At most some hundred problems are told.
    """
    kinds, slabs, places, values, report = _pykdump.slab_check(cache, limit)
    return [SlabProblem(SLAB_FAULTS[kind], *where)
            for kind, *where in zip(kinds, slabs, places, values)], WalkReport(*report)
