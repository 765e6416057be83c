"""Owns memory of cgroups: what each uses and may use.

Must not know which tasks are in them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.kernfs import kernfs_fullpath
from pykdump.API import (CU_LIVE, CU_PYMOD, PAGESIZE, EnumInfo, crash, memoize_cond, readSU,
                         readU64, sym2addr, walk_list)

_NO_LIMIT = (1 << 63) // 4096 - 1       # PAGE_COUNTER_MAX; limits of more are none
_MAX_DEPTH = 100
_MAX_GROUPS = 1 << 20
_EVENTS = {"low": "MEMCG_LOW", "high": "MEMCG_HIGH", "max": "MEMCG_MAX", "oom": "MEMCG_OOM",
           "oom_kill": "MEMCG_OOM_KILL"}


class Group(NamedTuple):
    """A cgroup of the memory controller; sizes in bytes, limits None where there is none.

    address   of the struct mem_cgroup
    path      as /proc/PID/cgroup shows it
    version   2, or 1 for a hierarchy of the first kind
    usage     what is charged to it and to those below it
    peak      the most that ever was
    high      above it, its tasks are slowed down
    max       more it does not get
    swap      what of it is swapped out; of version 1 what swap adds to memory
    events    how often something happened, by the names of memory.events; here and below
    """

    address: int
    path: str
    version: int
    usage: int
    peak: int
    high: int | None
    max: int | None
    swap: int
    swap_max: int | None
    events: dict[str, int]

    @property
    def struct(self) -> Any:
        """The struct mem_cgroup."""
        return readSU("struct mem_cgroup", self.address)


@memoize_cond(CU_LIVE | CU_PYMOD)
def groups() -> list[Group]:
    """All cgroups of the memory controller below the root, a parent before its children.

    None on a kernel without them.  What cannot be read is left out.
    """
    root = sym2addr("root_mem_cgroup")
    found: list[Group] = []
    if root and readU64(root):
        _descend(readSU("struct mem_cgroup", readU64(root)).css, found, set(), 0)
    return found


def above(task: Any) -> list[int]:
    """The cgroups that the memory of a task_struct counts in, its own first: addresses of
    struct mem_cgroup, the root's included.

    crash.error if they cannot be read, TypeError on a kernel without them.
    """
    css = task.cgroups.subsys[EnumInfo("enum cgroup_subsys_id")["memory_cgrp_id"]]
    found: list[int] = []
    while css and len(found) < _MAX_DEPTH:
        found.append(int(css))
        css = css.parent
    return found


def _descend(css: Any, found: list[Group], seen: set[int], depth: int) -> None:
    # The css is the first member of a struct mem_cgroup.
    children, _report = walk_list(css.children, "struct cgroup_subsys_state", "sibling",
                                  limit=_MAX_GROUPS)
    for child in children:
        if int(child) in seen or depth > _MAX_DEPTH or len(seen) > _MAX_GROUPS:
            continue
        seen.add(int(child))
        try:
            found.append(_group(child))
            _descend(child, found, seen, depth + 1)
        except crash.error:
            continue


def _group(css: Any) -> Group:
    memcg = readSU("struct mem_cgroup", int(css))
    version = 2 if int(css.cgroup.root) == sym2addr("cgrp_dfl_root") else 1
    memory = memcg.memory
    usage = memory.usage.counter
    high = memory.high if memory.hasField("high") else memcg.high
    # one union, of which each version uses its own
    swap = memcg.swap if version == 2 else memcg.memsw
    swapped = swap.usage.counter if version == 2 else swap.usage.counter - usage
    return Group(int(css), kernfs_fullpath(css.cgroup.kn), version, _bytes(usage),
                 _bytes(memory.watermark), _limit(high), _limit(memory.max), _bytes(swapped),
                 _limit(swap.max), _events(memcg))


def _bytes(pages: int) -> int:
    return max(pages, 0) * PAGESIZE


def _limit(pages: int) -> int | None:
    return None if pages >= _NO_LIMIT else pages * PAGESIZE


def _events(memcg: Any) -> dict[str, int]:
    items = EnumInfo("enum memcg_memory_event")
    counts = memcg.memory_events
    return {name: counts[items[item]].counter for name, item in _EVENTS.items()
            if item in items and items[item] < len(counts)}
