"""Owns block devices as crashinfo and its relatives show them.

Must not know filesystems.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from LinuxDump import blkmq
from LinuxDump.blkmq import Request
from LinuxDump.diskkinds import described
from LinuxDump.disks import Disk, all_disks, disks
from LinuxDump.percpu import get_cpu_var
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (HZ, PTR_SIZE, container_of, crash, member_size, pylog, readPtr,
                         readSU, sym2addr, symbol_exists, walk_list, walk_llist)
from pykdump.plaintext import one_line

_MINOR_BITS = 20
_MAX_MAJORS = 100_000
_MAX_DONE = 100_000
_MAJOR_HASH = 255


def decode_devt(dev: int) -> tuple[int, int]:
    """(major, minor) of a kernel's dev_t; of the old 16-bit ones too."""
    if dev >> 16:
        return dev >> _MINOR_BITS, dev & (1 << _MINOR_BITS) - 1
    return dev >> 8, dev & 0xff


def BDEV_I(inode: int) -> Any:
    """struct bdev_inode that an inode is in."""
    return container_of(inode, "struct bdev_inode", "vfs_inode")


def I_BDEV(inode: int) -> Any:
    """struct block_device of an inode."""
    return BDEV_I(inode).bdev


# -- devices --------------------------------------------------------------------------------------

class BlkDev:
    """The block devices of one driver: those of one major number."""

    def __init__(self, major: int, name: str, ops: Any, opsname: str) -> None:
        self.major, self.name, self.ops, self.opsname = major, name, ops, opsname
        self.minors: list[int] = []
        self.bdevs: list[Any] = []      # struct block_device; struct hd_struct before 5.11

    def shortstr(self) -> str:
        """Driver and operations: `driver=sd, bdops=<sd_fops>`."""
        return f"driver={one_line(self.name)}, bdops=<{self.opsname}>"


def major_names() -> dict[int, str]:
    """Names that drivers have registered for major numbers of block devices, as /proc/devices."""
    names: dict[int, str] = {}
    table = sym2addr("major_names")
    for number in range(_MAJOR_HASH) if table else ():
        entry = readPtr(table + 8 * number)
        for _ in range(_MAX_MAJORS):
            if not entry:
                break
            driver = readSU("struct blk_major_name", entry)
            if driver.major in names:
                break               # a circle
            names[driver.major] = driver.name if isinstance(driver.name, str) else ""
            entry = int(driver.next)
    return names


def get_blkdevs() -> tuple[dict[int, BlkDev], dict[int, Any]]:
    """(major -> BlkDev, dev_t -> struct block_device) of all disks and partitions."""
    names = major_names()
    drivers: dict[int, BlkDev] = {}
    devices: dict[int, Any] = {}
    for disk in disks():
        for part in (disk.whole, *disk.parts):
            major, minor = part.dev
            driver = drivers.get(major)
            if driver is None:
                driver = drivers[major] = BlkDev(major, names.get(major, ""), disk.gendisk.fops,
                                                 disk.driver)
            driver.minors.append(minor)
            driver.bdevs.append(part.struct)
            devices[major << _MINOR_BITS | minor] = part.struct
    return drivers, devices


def get_gendisks() -> list[tuple[int, Any]]:
    """(dev_t, struct gendisk) of all disks."""
    return [(_number(disk), disk.gendisk) for disk in disks()]


def _number(disk: Disk) -> int:
    major, minor = disk.whole.dev
    return major << _MINOR_BITS | minor


def print_blkdevs(v: int = 0) -> None:
    """Print the drivers of block devices; with `v` each disk, its scheduler and its queue."""
    by_major: dict[int, list[Disk]] = {}
    for disk in disks():
        by_major.setdefault(disk.whole.dev[0], []).append(disk)
    names = major_names()
    for major, members in sorted(by_major.items()):
        print(f"{major:3}  {one_line(names.get(major, '')):<16} {members[0].gendisk} "
              f"fops={members[0].driver}")
        for disk in members if v > 0 else ():
            _print_disk(disk)


def _print_disk(disk: Disk) -> None:
    print(f"   {disk.whole.dev[1]:2} {one_line(disk.name)}   {disk.whole.struct} {disk.gendisk}")
    print(f"       I/O Elevator={disk.elevator}")
    length, in_flight, count = check_request_queue(disk.queue)
    if disk.takes_bios:
        in_flight = sum(disk.whole.stats().in_flight)
    print(f"        {disk.queue} Len={length} in_flight={in_flight} count={count}")
    more = described(disk)
    if more:
        print(f"        {one_line(more)}")
    for part in disk.parts:
        print(f"       {part.dev[1]:2} {one_line(part.name)}   {part.struct} start={part.start} "
              f"size={part.size}")


def print_gendisk(v: int = 1) -> None:
    """Print errors of the list of disks; with `v` all of them and their partitions."""
    found = all_disks()
    for text in found.problems:
        pylog.error(text)
    for disk in found.disks:
        fops = disk.gendisk.fops
        if not fops:
            pylog.error(f"corrupted fops of {one_line(disk.name)} {disk.gendisk}")
        if v <= 0:
            continue
        opened = fops.open if fops else 0
        name = crash.addr2sym(int(opened)) if opened else None
        print(f"           {one_line(disk.name)} dev=0x{_number(disk):x} {disk.gendisk} "
              f"{name or disk.driver}")
        for part in disk.parts:
            print(f"              {one_line(part.name)} {part.struct}")


def print_dm_devices(verbose: int = 0) -> None:
    """Print the devices of the device mapper by minor number; with `verbose` their tables."""
    from LinuxDump.dm import all_mapped

    found, problems = all_mapped()
    print(" ========== Devicemapper devices ============")
    for each in sorted(found, key=lambda one: one.disk.whole.dev):
        print(f"{one_line(each.name):<40}  minor={each.disk.whole.dev[1]}")
        if verbose <= 0:
            continue
        print(f"    {each.md} flags=<{each.state}> open={each.opened} pending={each.pending} "
              f"deferred={len(each.deferred)}")
        for target in each.table():
            last = target.begin + target.length - 1
            print(f"       \\| logical  sectors {target.begin}->{last} "
                  + one_line(f"{target.kind} {target.args}").rstrip())
    for text in problems:
        pylog.error(text)
    if not found and not problems:
        print("    none: no disk of this kernel belongs to the device mapper")


# -- requests -------------------------------------------------------------------------------------

def get_request_queues() -> dict[Any, tuple[Any, Any]]:
    """struct request_queue -> (struct block_device, struct gendisk) of all disks."""
    return {disk.queue: (disk.whole.struct, disk.gendisk) for disk in disks()}


def get_requestqueue(bd: Any, gd: Any) -> Any:
    """struct request_queue of a struct gendisk."""
    return gd.queue


def check_request_queue(q: Any) -> tuple[int, int, int]:
    """(waiting, in flight, both) of a struct request_queue: counts of requests."""
    found = [each for each in blkmq.requests(q).requests if each.begun]
    flying = sum(each.state == "in flight" for each in found)
    return len(found) - flying, flying, len(found)


def get_blkreq_info() -> tuple[int, int, list[tuple[str, int, int]]]:
    """(requests, in flight, [(disk, requests, in flight)] of those disks that have some)."""
    rows = []
    for disk in disks():
        _length, flying, count = check_request_queue(disk.queue)
        if disk.takes_bios:
            flying = count = sum(disk.whole.stats().in_flight)
        if count:
            rows.append((disk.name, count, flying))
    return sum(row[1] for row in rows), sum(row[2] for row in rows), rows


def print_request_queues(v: int = 0) -> int:
    """Print how many requests there are, by disk with `v`; silent without any if `v` < 0."""
    count, flying, rows = get_blkreq_info()
    if v < 0 and not count:
        return 0
    print(f" -- Request Queues Analysis:     Count={count}, in_flight={flying}")
    for name, number, in_flight in rows if v > 0 else ():
        print(f"{one_line(name):<16} count={number:<4} in_flight={in_flight}")
    return count


def print_blk_cpu_done(v: int = 0) -> int | None:
    """Print how many requests are done but not told so to who waits, by CPU with `v`.

    None if the kernel has no such lists; silent without any if `v` < 0.
    """
    if not symbol_exists("blk_cpu_done"):
        return None
    lengths = [_done(head) for head in get_cpu_var("blk_cpu_done")]
    total = sum(lengths)
    if v >= 0 or total:
        print(f" -- Requests on blk_cpu_done:    Count={total}")
        for cpu, length in enumerate(lengths):
            if v > 0 and length:
                print(f"   CPU={cpu} Len={length}")
    return total


def _done(head: int) -> int:
    try:
        # 5.11: f9ab49184af0 ("blk-mq: Use llist_head for blk_cpu_done")
        if member_size("struct request", "ipi_list") == PTR_SIZE:
            return len(walk_llist(head, limit=_MAX_DONE, as_column=True)[0])
        return len(walk_list(head, limit=_MAX_DONE, as_column=True)[0])
    except crash.error as err:
        pylog.error(f"blk_cpu_done at 0x{head:x}: {err}")
        return 0


def _all_requests() -> Iterator[tuple[Disk, Request]]:
    for disk in disks():
        found = blkmq.requests(disk.queue)
        for text in found.problems:
            pylog.error(f"{one_line(disk.name)}: {text}")
        for each in found.requests:
            if each.begun:
                yield disk, each


def get_blkreq_fromslab() -> list[tuple[int, Any]]:
    """(jiffies since it was begun, struct request) of all, the youngest first.

    Requests have no slab any more: they are found by their tags.
    """
    return sorted((round((each.age or 0) * HZ), each.rq) for _disk, each in _all_requests())


def print_request_slab(v: int = 0) -> int:
    """Print how many requests there are and how old; with `v` each.

    With `v` < 0 there is only a warning, if there are some.
    """
    found = list(_all_requests())
    if v < 0:
        if found:
            pylog.warning("there are outstanding blk_dev requests")
        return len(found)
    started = sum(each.state != "idle" for _disk, each in found)
    writes = sum(is_request_WRITE(each.rq) for _disk, each in found)
    print(f" -- Requests from SLAB Analysis: Count={len(found)}, STARTED={started} WRITE={writes}")
    ages = [each.age for _disk, each in found if each.age is not None]
    if ages:
        print(f"      -- Since started: newest {min(ages):8.2f}s,  oldest {max(ages):8.2f}s")
    for disk, each in found if v > 0 else ():
        print(f"  {each.rq} {one_line(disk.name)} {_words(each)}")
    return len(found)


def _words(each: Request) -> str:
    age = "?" if each.age is None else f"{each.age:.2f}"
    late = f" overdue={each.overdue:.2f}s" if each.overdue else ""
    late += " timed-out" if each.timed_out else ""
    return (f"{each.op} sector={each.sector} bytes={each.bytes} {each.state} ({each.place}) "
            f"age={age}s timeout={each.timeout:.0f}s{late} hctx={each.hctx} tag={each.tag} "
            f"internal_tag={each.internal}")


def _find(rq: Any) -> Request | None:
    return next((each for each in blkmq.requests(rq.q).requests if each.rq == rq), None)


def decode_request(rq: Any, v: int = 0, reqscsmap: dict[Any, Any] | None = None) -> str:
    """A struct request in words; "not in use" for one without a tag."""
    found = _find(rq)
    text = f"{rq} {_words(found) if found else 'not in use'}"
    scsi = (reqscsmap or {}).get(rq)
    return f"{text} {scsi[1]}" if scsi else text


def is_request_BAD(rq: Any) -> str | None:
    """Why a struct request cannot be one, or None."""
    try:
        if rq.mq_hctx and rq.mq_hctx.queue != rq.q:
            return "its hardware queue belongs to another queue"
        if rq.tag < -1 or rq.internal_tag < -1:
            return f"bad tags {rq.tag}, {rq.internal_tag}"
    except crash.error as err:
        return str(err)
    return None


def is_request_STARTED(rq: Any) -> bool:
    """Has its driver been given it."""
    return bool(int(rq.state))


def is_request_WRITE(rq: Any) -> bool:
    """Does it move data to the device: the lowest bit of an operation says so."""
    return bool(int(rq.cmd_flags) & 1)


def decode_rq_state(rq: Any) -> str | None:
    """Where a struct request is: "driver", "scheduler" ...; None for one that is not in use."""
    found = _find(rq)
    return found.place if found else None


def blk_rq_deadline(rq: Any) -> str:
    """When its time is up, relative to the last tick: "in 12.34 s", "3.21 s ago"."""
    late = blkmq.late(rq)
    return f"{late:.2f} s ago" if late > 0 else f"in {-late:.2f} s"
