"""Finds slab caches that are damaged, and those that have grown beyond measure."""

from __future__ import annotations

from collections.abc import Iterator

from LinuxDump import meminfo, slabs
from LinuxDump.slabs import Cache, Problem

from .finding import Evidence, Finding, Severity

_MB = 1 << 20
_ONE_CACHE = 10         # percent of memory in one cache that cannot be given back
_ALL_CACHES = 25        # percent of memory in all such
_SHOWN = 5


def findings() -> Iterator[Finding]:
    """Each damaged cache, then growth."""
    by_cache: dict[Cache, list[Problem]] = {}
    for problem in slabs.damage().problems:
        by_cache.setdefault(problem.cache, []).append(problem)
    for cache, problems in by_cache.items():
        yield _damaged(cache, problems)
    yield from _growth()


def _damaged(cache: Cache, problems: list[Problem]) -> Finding:
    evidence = [Evidence("kmem_cache", cache.name, cache.address)]
    evidence += [Evidence("slab", problem.text, problem.place) for problem in problems[:_SHOWN]]
    places = "a place" if len(problems) == 1 else f"{len(problems)} places"
    return Finding("slabs.corruption", Severity.CRITICAL,
                   f"Slab cache {cache.name} is damaged in {places}: something wrote to freed "
                   "objects, beyond the end of one, or freed one twice.",
                   tuple(evidence), f"kmem -s {cache.name}")


def _growth() -> Iterator[Finding]:
    info = meminfo.meminfo()
    total = info.total or 1
    big = [cache for cache in slabs.largest(_SHOWN)
           if not cache.reclaimable and cache.memory * 100 > total * _ONE_CACHE]
    if not big and info.slab_unreclaimable * 100 <= total * _ALL_CACHES:
        return
    names = ", ".join(f"{cache.name} has {cache.memory // _MB} MB in {cache.inuse} objects"
                      for cache in big)
    yield Finding("slabs.growth", Severity.WARNING,
                  f"{info.slab_unreclaimable * 100 // total}% of memory is in slabs that cannot be "
                  f"given back{': ' if names else ''}{names}.",
                  tuple(Evidence("kmem_cache", f"{cache.name} {cache.memory // _MB} MB",
                                 cache.address) for cache in big or slabs.largest(_SHOWN)),
                  f"kmem -s {big[0].name}" if big else "kmem -s")
