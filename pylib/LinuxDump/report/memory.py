"""Memory of the machine: crash's `kmem -i` from the kernel's own counters, and what is short.

crash takes long for its own on large machines, and counts slabs wrongly on some kernels.
"""

from __future__ import annotations

from typing import Any

from LinuxDump import kmem, memcg, psi, slabs, swap, vmstat, zones
from LinuxDump.taskmem import resident
from pykdump.API import PAGESIZE, pylog, readS32, sym2addr
from pykdump.plaintext import one_line

_KB, _MB, _GB = 1 << 10, 1 << 20, 1 << 30
_FREE_LITTLE = 10           # percent of memory: below it, what was promised is looked at
_HUGE_MANY, _HUGE_FREE = 50, 30         # percent: of memory in huge pages, of them not used
_SWAP_MANY, _SWAP_USED = 20, 15         # percent: swap of memory, used of swap
_BIG_PROCESS = 25           # percent of memory that one process has
_SHOWN = 5                  # caches, cgroups


def show(verbose: int) -> None:
    """Print the table, warnings under it, and with -v zones, caches, swap and cgroups."""
    info = kmem.meminfo()
    _print_table(info)
    _warn_of_totals(info)
    kmem.check_kmemf()
    _warn_of_writeback(info)
    _tell_damage()
    _warn_of_processes(info)
    _print_pressure()
    if verbose:
        _print_zones()
        _print_caches()
        _print_swap()
        _print_groups()


def data() -> dict[str, Any]:
    """Totals in bytes; zones, swap, the largest caches, cgroups, pressure, and damaged slabs."""
    damage = slabs.damage()
    return {
        "meminfo": kmem.meminfo()._asdict(),
        "huge_pages": [size._asdict() for size in kmem.huge_pages()],
        "zones": [_record(zone) for zone in zones.zones()],
        "swap": [{**device._asdict(), "address": f"0x{device.address:x}"}
                 for device in swap.devices()],
        "compressed": [device._asdict() for device in swap.compressed()],
        "caches": [{**cache._asdict(), "address": f"0x{cache.address:x}", "memory": cache.memory}
                   for cache in slabs.largest(_SHOWN)],
        "cgroups": [{**group._asdict(), "address": f"0x{group.address:x}"}
                    for group in memcg.groups()],
        "pressure": _pressure_record(),
        "damaged_slabs": [{"cache": problem.cache.name, "problem": problem.text,
                           "address": f"0x{problem.place:x}"} for problem in damage.problems],
    }


def _record(zone: zones.Zone) -> dict[str, Any]:
    return {**zone._asdict(), "address": f"0x{zone.address:x}",
            "areas": [f"0x{area:x}" for area in zone.areas]}


def _pressure_record() -> dict[str, Any]:
    found = {}
    for resource in ("cpu", "memory", "io"):
        pressure = psi.of_system(resource)
        found[resource] = pressure and {
            "some": pressure.some._asdict(), "full": pressure.full and pressure.full._asdict()}
    return found


# -- the table ----------------------------------------------------------------------------------

def _percent(part: int, whole: int) -> int:
    return 100 * part // whole if whole else 0


def size_text(size: int) -> str:
    """Bytes as crash prints them: 469.8 MB, 60 MB, 44 KB, 0."""
    for unit, name in ((_GB, "GB"), (_MB, "MB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}".replace(".0 ", " ")
    return f"{size // _KB} KB" if size else "0"


def _print_table(info: kmem.MemInfo) -> None:
    print(f"{'PAGES':>22}{'TOTAL':>13}{'PERCENTAGE':>16}")
    for name, size in (("TOTAL MEM", info.total), ("FREE", info.free),
                       ("USED", info.total - info.free), ("SHARED", info.mapped),
                       ("BUFFERS", info.buffers), ("CACHED", info.cached), ("SLAB", info.slab)):
        _print_line(name, size, info.total, "TOTAL MEM")
    huge = kmem.huge_pages()
    print()
    total = sum(size.total * size.size for size in huge)
    _print_line("TOTAL HUGE", total, total, "TOTAL HUGE")
    _print_line("HUGE FREE", sum(size.free * size.size for size in huge), total, "TOTAL HUGE")
    print()
    _print_line("TOTAL SWAP", info.swap_total, info.swap_total, "TOTAL SWAP")
    for name, size in (("SWAP USED", info.swap_total - info.swap_free),
                       ("SWAP FREE", info.swap_free)):
        _print_line(name, size, info.swap_total, "TOTAL SWAP")
    print()
    _print_line("COMMIT LIMIT", info.commit_limit, info.commit_limit, "COMMIT LIMIT")
    _print_line("COMMITTED", info.committed, info.commit_limit, "TOTAL LIMIT")


def _print_line(name: str, size: int, whole: int, of: str) -> None:
    share = "         ----" if name == of else f"  {_percent(size, whole):3d}% of {of}"
    print(f"{name:>13}  {size // PAGESIZE:7d}  {size_text(size):>11}{share}")


# -- what is short ------------------------------------------------------------------------------

def _warn_of_totals(info: kmem.MemInfo) -> None:
    if _percent(info.free, info.total) > _FREE_LITTLE:
        return
    share = _percent(info.committed, info.commit_limit)
    if share > 100:
        pylog.warning(f"Commited {share}%")
    else:
        print(f"  Commited {share}%")
    free = sum(size.free * size.size for size in kmem.huge_pages())
    if _percent(info.hugetlb, info.total) > _HUGE_MANY \
            and _percent(free, info.hugetlb) > _HUGE_FREE:
        pylog.warning(f"{info.hugetlb / _GB:.1f} GB of huge memory reserved but "
                      f"{_percent(free, info.hugetlb)}% of it is not used")
    used = info.swap_total - info.swap_free
    if _percent(info.swap_total, info.total) > _SWAP_MANY \
            and _percent(used, info.swap_total) > _SWAP_USED:
        pylog.warning("Significant swapping")


def _warn_of_writeback(info: kmem.MemInfo) -> None:
    ratio = readS32(sym2addr("vm_dirty_ratio")) if sym2addr("vm_dirty_ratio") else 0
    share = 100 * info.writeback / info.total if info.total else 0.0
    if ratio > 0 and share > ratio:
        pylog.warning(f" NR_WRITEBACK/TOTALRAM={share:.0f}% > vm_dirty_ratio={ratio}%")


def _tell_damage() -> None:
    damage = slabs.damage()
    if damage.problems:
        pylog.error("SLAB corruption\n" + "\n".join(
            f"\t{one_line(problem.cache.name)}: {problem.text}" for problem in damage.problems))
    if damage.unchecked:
        unchecked = one_line(", ".join(damage.unchecked))
        print(f"  Free lists not looked at in all slabs of: {unchecked}")
    for name, reason in damage.unreadable.items():
        print(f"  {one_line(name)}: {reason}")


def _warn_of_processes(info: kmem.MemInfo) -> None:
    for process in resident():
        share = 100 * process.pages * PAGESIZE / (info.total or 1)
        if share > _BIG_PROCESS:
            pylog.warning(f"PID={process.pid} CMD={one_line(process.comm)} "
                          f"uses {share:4.1f}% of total memory")


def _print_pressure() -> None:
    pressure = psi.of_system("memory")
    if pressure and pressure.full:
        print(f"\n  Stalled for memory: some tasks {pressure.some.avg10:.1f}%, all tasks "
              f"{pressure.full.avg10:.1f}% of 10 s")


# -- more, with -v ------------------------------------------------------------------------------

def _print_zones() -> None:
    print("\n  -- Zones, in pages --\n  NODE ZONE         MANAGED      FREE       MIN       LOW"
          "      HIGH   ON CPUS  FREE BLOCKS BY ORDER")
    for zone in zones.zones():
        print(f"  {zone.node:4d} {one_line(zone.name):<9} {zone.managed:10d}{zone.free:10d}"
              f"{zone.min:10d}{zone.low:10d}{zone.high:10d}{zone.cached:10d}"
              f"  {' '.join(map(str, zone.blocks))}")
    events = vmstat.events()
    stalls = sum(count for name, count in events.items() if name.startswith("ALLOCSTALL"))
    print(f"  Since boot: {stalls} allocations that had to reclaim, "
          f"{events.get('COMPACTSTALL', 0)} to compact, {events.get('OOM_KILL', 0)} OOM kills, "
          f"{events.get('PSWPOUT', 0)} pages swapped out")


def _print_caches() -> None:
    print(f"\n  -- The {_SHOWN} largest slab caches --\n"
          "  CACHE                 OBJECT SIZE     TAKEN     TOTAL     SLABS    MEMORY")
    for cache in slabs.largest(_SHOWN):
        print(f"  {one_line(cache.name):<22} {cache.object_size:10d}{cache.inuse:10d}"
              f"{cache.objects:10d}{cache.slabs:10d}{size_text(cache.memory):>10}")


def _print_swap() -> None:
    for device in swap.devices():
        print(f"\n  Swap: {one_line(device.name)} ({device.kind}), {size_text(device.used)} of "
              f"{size_text(device.size)} used, priority {device.priority}")
    for own in swap.compressed():
        print(f"  {one_line(own.name)}: {size_text(own.stored)} in {size_text(own.used)} of memory")


def _print_groups() -> None:
    for group in sorted(memcg.groups(), key=lambda group: -group.usage)[:_SHOWN]:
        limits = [f"{name} {size_text(limit)}" for name, limit in (
            ("high", group.high), ("max", group.max)) if limit is not None]
        print(f"  Cgroup {one_line(group.path)}: {size_text(group.usage)}"
              + (f" ({', '.join(limits)})" if limits else ""))
