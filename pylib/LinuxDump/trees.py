"""Owns red-black trees, and trees of pages, as programs have always walked them.

Damage is reported in the log, and what was found is delivered.  Must not know what hangs on the
trees.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (crash, pylog, readPtr, readSU, struct_exists, walk_rbtree,
                         walk_xarray)

__all__ = ("for_all_rbtree", "radix_tree_lookup_element", "rb_first", "rb_next", "rb_parent",
           "walk_page_tree")

_COLOUR = 3             # bits of a parent pointer that are none
_MAX_HEIGHT = 128       # no tree that fits into memory is as high
_SLOT_BITS = 6


def _root(root: Any) -> Any:
    """The struct rb_root, which may be within an rb_root_cached."""
    return root.rb_root if root.hasField("rb_root") else root


def for_all_rbtree(root: Any, sname: str | None = None,
                   smember: str | None = None) -> Iterator[Any]:
    """The structs of a red-black tree in its order, or its struct rb_nodes."""
    found, report = walk_rbtree(_root(root), sname or "struct rb_node", smember)
    yield from found
    if not report.whole:
        pylog.error(f"red-black tree at 0x{root:x}: {report}")


def _last(node: Any, side: str) -> Any:
    """The node at the end of a chain of left or right children."""
    for _ in range(_MAX_HEIGHT):
        below = getattr(node, side)
        if not below:
            return node
        node = below
    raise crash.error(f"red-black tree is damaged: no end at <struct rb_node 0x{node:x}>")


def rb_first(root: Any) -> Any:
    """The first struct rb_node; None of an empty tree."""
    top = _root(root).rb_node
    return _last(top, "rb_left") if top else None


def rb_parent(node: Any) -> Any:
    """The struct rb_node above, NULL at the top."""
    word = node.__rb_parent_color
    return readSU("struct rb_node", word & ~_COLOUR)


def rb_next(node: Any) -> Any:
    """The next struct rb_node in order: NULL after the last, None of one that is in no tree."""
    if rb_parent(node) == node:
        return None
    if node.rb_right:
        return _last(node.rb_right, "rb_left")
    for _ in range(_MAX_HEIGHT):
        above = rb_parent(node)
        if not above or above.rb_left == node:
            return above
        node = above
    raise crash.error(f"red-black tree is damaged: no top above <struct rb_node 0x{node:x}>")


def _layout(root: int) -> tuple[int, str, int]:
    """Address of the pointer to the top, the type of nodes, the bits that mark a node."""
    if struct_exists("struct xarray"):
        return root + readSU("struct xarray", 0).fieldOffset("xa_head"), "struct xa_node", 2
    return (root + readSU("struct radix_tree_root", 0).fieldOffset("rnode"),
            "struct radix_tree_node", 1)


def radix_tree_lookup_element(root: int, index: int) -> tuple[int | None, int | None]:
    """(what is stored at an index, the address of its slot); (None, None) if nothing is.

    The root is a struct xarray, or of kernels before 4.20 a struct radix_tree_root.
    """
    slot, sname, mark = _layout(int(root))
    entry = readPtr(slot)
    bound = 1               # of indices below the entry
    for _ in range(_MAX_HEIGHT):
        if entry & 3 != mark or entry < 4096:
            break
        node = readSU(sname, entry - mark)
        bound = 1 << min(node.shift + _SLOT_BITS, 64)
        if index >= bound:
            return None, None
        place = index >> node.shift & (1 << _SLOT_BITS) - 1
        slots = int(node) + node.fieldOffset("slots")
        entry = readPtr(slots + 8 * place)
        if entry & 3 == 2 and mark == 2 and entry < 4096:     # covered by an entry before it
            place = entry >> 2
            entry = readPtr(slots + 8 * place)
        slot = slots + 8 * place
        bound = 1 << node.shift
        index &= bound - 1
    return (entry, slot) if entry and index < bound else (None, None)


def walk_page_tree(ptree: int, checkfordups: bool = False) -> Iterator[int]:
    """What is stored in a tree of pages; with `checkfordups` repetitions are reported."""
    _indices, entries, report = walk_xarray(ptree)
    seen: set[int] = set()
    for entry in entries:
        if checkfordups and entry in seen:
            pylog.error(f"page tree at 0x{ptree:x}: 0x{entry:x} is there more than once")
        seen.add(entry)
        yield entry
    if not report.whole:
        pylog.error(f"page tree at 0x{ptree:x}: {report}")
