"""Finds memory that is short, lost or badly shared out: pressure, swap, cgroups, fragmentation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from LinuxDump import memcg, meminfo, psi, stacks, swap, zones
from LinuxDump.taskmem import resident
from LinuxDump.taskrows import Row, task_rows
from LinuxDump.vmalloc import callers
from pykdump.API import PAGESIZE, columns, readU32

from .finding import Evidence, Finding, Severity

_MB = 1 << 20
_SMALL_ZONE = 20            # a zone of less than 1/20 of memory (DMA) may be empty
_STALLED = 10.0             # percent of 10 s in which nobody got on: nobody notices less
_SCARCE = 10                # available percent of memory below which waste matters
_BIG_PROCESS = 25           # percent of memory; of those that run, the one to ask
_FULL_SWAP = 95             # percent used: what is left is taken in seconds
_AT_LIMIT = 98              # percent of a cgroup's limit; a cgroup near it is nothing unusual
_VMALLOC = 10               # percent of memory; healthy machines have 1 or 2
_HUGE_UNUSED = 10           # percent of memory in huge pages that nobody has asked for
_COMMITTED = 95             # percent of the limit, when the kernel keeps to it
_STRICTLY = 2               # vm.overcommit_memory
_LOOKED_AT = 4096           # blocks of each free list; a damaged one is so at its beginning mostly
_SHOWN = 5
_PF_MEMALLOC, _PF_KSWAPD = 0x800, 0x20000
_RECLAIM = {"try_to_free_pages", "try_to_free_mem_cgroup_pages", "try_to_compact_pages",
            "mem_cgroup_handle_over_high"}
_SHRINKERS = {"do_shrink_slab", "shrink_slab"}


def findings() -> Iterator[Finding]:
    """What is short, with who waits for it and who has it; then what is damaged."""
    info = meminfo.meminfo()
    scarce = info.available * 100 < info.total * _SCARCE
    yield from _pressure(info)
    yield from _swap()
    yield from _groups()
    if scarce:
        yield from _processes(info)
        yield from _huge_pages(info)
    yield from _vmalloc(info)
    yield from _commit(info)
    yield from _fragmentation()
    yield from _free_lists()


def _percent(part: int, whole: int) -> int:
    return 100 * part // whole if whole > 0 else 0


def _mb(size: int) -> str:
    return f"{size / _MB:.0f} MB"


# -- pressure -----------------------------------------------------------------------------------

def _waiting() -> list[tuple[Row, list[str]]]:
    """Threads that free memory for themselves, or are held back, with their stacks' functions."""
    rows = task_rows()
    flags = columns([row.task for row in rows], "struct task_struct", ["flags"])[0]
    found = []
    for row, flag in zip(rows, flags):
        if row.active or not (flag or 0) & _PF_MEMALLOC and row.code != "UN":
            continue
        functions = stacks.stack_of(row.task).functions
        if (flag or 0) & _PF_KSWAPD or _RECLAIM.intersection(functions):
            found.append((row, functions))
    return found


def _stuck_in(functions: list[str]) -> str:
    """The function of a driver that holds reclaim up: what shrinking caches has called."""
    for caller, called in zip(functions[1:], functions):
        if caller in _SHRINKERS and called not in _SHRINKERS:
            return called
    return ""


def _pressure(info: meminfo.MemInfo) -> Iterator[Finding]:
    low = [zone for zone in zones.zones()
           if zone.free < zone.min and zone.managed * PAGESIZE * _SMALL_ZONE > info.total]
    waiting = _waiting()
    tasks = [(row, functions) for row, functions in waiting if _RECLAIM.intersection(functions)]
    pressure = psi.of_system("memory")
    stalled = pressure.full.avg10 if pressure and pressure.full else 0.0
    if not low and not tasks and stalled < _STALLED:
        return
    parts = [f"zone {zone.name} of node {zone.node} has {zone.free} free pages, its min is "
             f"{zone.min}" for zone in low]
    if tasks:
        parts.append(f"{len(tasks)} threads wait until memory is freed")
    if stalled >= _STALLED:
        parts.append(f"for {stalled:.0f}% of the last 10 s nothing else was done")
    evidence = [Evidence("zone", f"{zone.name} free {zone.free}, min {zone.min}, low {zone.low}",
                         zone.address) for zone in low]
    culprits = Counter(filter(None, (_stuck_in(functions) for _row, functions in waiting)))
    for function, count in culprits.most_common(1):
        if count > 1:
            evidence.append(Evidence("function", f"{function} holds {count} threads up that "
                                     "free memory"))
    evidence += [Evidence("task", f"{row.comm} in {functions[2] if functions[2:] else '??'}",
                          row.task, row.pid) for row, functions in tasks[:_SHOWN]]
    severity = Severity.ERROR if low and tasks else Severity.WARNING
    yield Finding("memory.pressure", severity, f"Memory is short: {'; '.join(parts)}.",
                  tuple(evidence), "crashinfo -v")


def _swap() -> Iterator[Finding]:
    devices = swap.devices()
    size, used = sum(d.size for d in devices), sum(d.used for d in devices)
    if size and _percent(used, size) >= _FULL_SWAP:
        yield Finding("memory.swap-full", Severity.WARNING,
                      f"Swap is full: {_mb(used)} of {_mb(size)} are used.",
                      tuple(Evidence("swap", device.name, device.address)
                            for device in devices[:_SHOWN]), "swap")


def _groups() -> Iterator[Finding]:
    for group in memcg.groups():
        name, limit = ("max", group.max) if group.max is not None and \
            _percent(group.usage, group.max) >= _AT_LIMIT else ("high", group.high)
        hit = group.events.get(name, 0)
        if limit is None or _percent(group.usage, limit) < _AT_LIMIT or not hit:
            continue
        yield Finding(
            "memory.cgroup", Severity.WARNING,
            f"Cgroup {group.path} is at its limit: {_mb(group.usage)} of memory.{name}="
            f"{_mb(limit)}, which it has hit {hit} times.",
            (Evidence("mem_cgroup", group.path, group.address),), "crashinfo -v")


def _processes(info: meminfo.MemInfo) -> Iterator[Finding]:
    for process in resident():
        share = _percent(process.pages * PAGESIZE, info.total)
        if share > _BIG_PROCESS:
            yield Finding("memory.process", Severity.WARNING,
                          f"{process.comm} has {share}% of memory while it is short.",
                          (Evidence("task", process.comm, process.task, process.pid),),
                          f"taskinfo --pidinfo={process.pid}")


def _huge_pages(info: meminfo.MemInfo) -> Iterator[Finding]:
    for size in meminfo.huge_pages():
        unused = max(size.free - size.reserved, 0) * size.size
        if _percent(unused, info.total) >= _HUGE_UNUSED:
            yield Finding("memory.huge-pages", Severity.WARNING,
                          f"{_mb(unused)} are kept for huge pages that nobody uses, while memory "
                          "is short.", (), "crashinfo -v")


def _vmalloc(info: meminfo.MemInfo) -> Iterator[Finding]:
    taken = info.vmalloc - info.kernel_stacks       # which are there as well
    if _percent(taken, info.total) < _VMALLOC:
        return
    evidence = tuple(Evidence("caller", f"{name}: {count} areas, {_mb(size)}")
                     for name, count, size in callers()[:_SHOWN])
    yield Finding("memory.vmalloc", Severity.WARNING,
                  f"{_percent(taken, info.total)}% of memory, {_mb(taken)}, was taken by vmalloc, "
                  "without the stacks of threads.", evidence, "kmem -v")


def _commit(info: meminfo.MemInfo) -> Iterator[Finding]:
    share = _percent(info.committed, info.commit_limit)
    if meminfo.overcommit()[0] == _STRICTLY and share >= _COMMITTED:
        yield Finding("memory.commit", Severity.WARNING,
                      f"{share}% of the memory that may be promised is (vm.overcommit_memory=2): "
                      "processes get no more.", (), "crashinfo -v")


# -- the page allocator -------------------------------------------------------------------------

def _fragmentation() -> Iterator[Finding]:
    for node in zones.nodes():
        # What kswapd and kcompactd have been asked for.
        order = max(node.kswapd_order, node.kcompactd_max_order)
        own = [zone for zone in zones.zones() if zone.node == node.node_id]
        free = sum(zone.free for zone in own)
        if 0 < order < 64 and free >= 4 << order and not any(
                sum(zone.blocks[order:]) for zone in own):
            yield Finding("memory.fragmentation", Severity.WARNING,
                          f"Node {node.node_id} has {free} free pages and no block of "
                          f"{(PAGESIZE << order) >> 10} KB, for which threads have asked.",
                          tuple(Evidence("zone", f"{zone.name} blocks {zone.blocks}", zone.address)
                                for zone in own), "kmem -f")


def _free_lists() -> Iterator[Finding]:
    for zone in zones.zones():
        damaged = [own for own in zones.free_lists(zone, _LOOKED_AT) if own.problem]
        # Somebody may have been at it when the machine stopped.
        if damaged and not _is_locked(zone.struct):
            yield Finding("memory.free-lists", Severity.CRITICAL,
                          f"{len(damaged)} lists of free pages of zone {zone.name} are damaged.",
                          tuple(Evidence("list", f"order {own.order} {own.kind}: {own.problem}",
                                         own.place or own.head) for own in damaged[:_SHOWN]),
                          "kmem -f")


def _is_locked(zone: Any) -> bool:
    return bool(readU32(int(zone) + zone.fieldOffset("lock")))
