"""Owns disks: the struct gendisk of each, its partitions, and what /proc and /sys count of them.

Must not know requests, nor what is on a disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from LinuxDump.kobjects import dev_name
from LinuxDump.percpu import percpu_ptr
from pykdump.API import (CU_LIVE, addr2sym, container_of, crash, member_offset, memoize_cond,
                         pylog, readPtr, readSU, struct_exists, sym2addr, sys_info, walk_list,
                         walk_xarray)

_MAX_DISKS = 100_000
_MINOR_BITS = 20
_PARTNO = 0xff
_READ_ONLY = 1 << 1                             # GD_READ_ONLY of gendisk.state
_DELETED = 1                                    # a bit of klist_node.n_klist


class Stats(NamedTuple):
    """What a disk or partition has done, as the columns of /proc/diskstats.

    Times are in ns, sectors of 512 bytes; each tuple is of reads, writes, discards, flushes.
    """

    ios: tuple[int, ...]
    merges: tuple[int, ...]
    sectors: tuple[int, ...]
    nsecs: tuple[int, ...]
    in_flight: tuple[int, int]
    """Of devices that take bios: (reads, writes) that were begun and not ended."""


class Part(NamedTuple):
    """A partition, or the whole disk, which has number 0."""

    struct: Any         # struct block_device; struct hd_struct before 5.11
    name: str
    number: int
    dev: tuple[int, int]
    start: int          # sectors of 512 bytes, as is the size
    size: int
    readonly: bool

    def stats(self) -> Stats:
        """Sum of what CPUs have counted; crash.error if it cannot be read."""
        return _stats(self.struct)


class Disk(NamedTuple):
    """A block device with all its partitions."""

    gendisk: Any
    name: str
    whole: Part
    parts: list[Part]

    @property
    def queue(self) -> Any:
        """struct request_queue."""
        return self.gendisk.queue

    @property
    def driver(self) -> str:
        """The symbol of its struct block_device_operations: "lo_fops"; its address if none."""
        fops = self.gendisk.fops
        return addr2sym(int(fops)) or f"0x{int(fops):x}"

    @property
    def takes_bios(self) -> bool:
        """Is it one without requests, as zram and the device mapper have."""
        return not self.queue.mq_ops

    @property
    def elevator(self) -> str:
        """The name of its I/O scheduler, "none" without one."""
        elevator = self.queue.elevator
        return str(elevator.type.elevator_name) if elevator else "none"


class DiskList(NamedTuple):
    """Disks, and what could not be read of them: sentences with addresses."""

    disks: list[Disk]
    problems: list[str]


def _block_class() -> Any:
    """struct subsys_private of the class of block devices; None if there is none."""
    block = sym2addr("block_class")
    if not block:
        return None
    try:
        return readSU("struct class", block).p or None
    except KeyError:
        pass
    # 6.4: 2df418cf4b72 ("driver core: class: remove subsystem private pointer from struct class")
    classes, _report = walk_list(readSU("struct kset", readPtr(sym2addr("class_kset"))).list,
                                 "struct kobject", "entry", limit=_MAX_DISKS)
    for each in classes:
        private = container_of(container_of(each, "struct kset", "kobj"),
                               "struct subsys_private", "subsys")
        if getattr(private, "class") == block:
            return private
    return None


@memoize_cond(CU_LIVE)
def all_disks() -> DiskList:
    """Every disk that the kernel has, by device number."""
    private = _block_class()
    if private is None:
        return DiskList([], ["there is no class of block devices in this kernel"])
    nodes, report = walk_list(private.klist_devices.k_list, "struct klist_node", "n_node",
                              limit=_MAX_DISKS)
    problems = [] if report.whole else [f"block devices: {report}; {len(nodes)} could be read"]
    wanted = sym2addr("disk_type")
    disks = []
    for node in nodes:
        try:
            if int(node.n_klist) & _DELETED:
                continue
            # 5.1: 570d020012 ("driver core: Move klist nodes into device_private")
            device = container_of(node, "struct device_private", "knode_class").device
            if device.type == wanted:
                disks.append(_disk(_gendisk_of(device)))
        except (crash.error, IndexError) as err:
            problems.append(f"a block device at {node}: {err}")
    return DiskList(sorted(disks, key=lambda disk: (disk.whole.dev, disk.name)), problems)


def disks() -> list[Disk]:
    """The same; what could not be read is reported in the log."""
    found = all_disks()
    for text in found.problems:
        pylog.error(text)
    return found.disks


def _gendisk_of(device: Any) -> Any:
    if member_offset("struct block_device", "bd_device") >= 0:
        # 5.11: 0d02129e76ed ("block: merge struct block_device and struct hd_struct")
        return container_of(device, "struct block_device", "bd_device").bd_disk
    part = container_of(device, "struct hd_struct", "__dev")
    return container_of(part, "struct gendisk", "part0")


def _disk(gendisk: Any) -> Disk:
    name = str(gendisk.disk_name)
    if gendisk.hasField("part_tbl") and _has_bdevs():
        _numbers, found, _report = walk_xarray(gendisk.part_tbl, "struct block_device",
                                               limit=1 << 16)
        parts = [_bdev_part(bdev, name) for bdev in found]
        whole = _bdev_part(gendisk.part0, name)
    else:
        parts = [_old_part(part, gendisk, name) for part in _old_table(gendisk)]
        whole = _old_part(gendisk.part0, gendisk, name)
    # 5.12: 947139bf3cc9 ("block: propagate BLKROSET on the whole device to all partitions")
    if gendisk.state & _READ_ONLY:
        whole = whole._replace(readonly=True)
        parts = [part._replace(readonly=True) for part in parts]
    return Disk(gendisk, name, whole, [part for part in parts if part.number])


def _has_bdevs() -> bool:
    return member_offset("struct block_device", "bd_stats") >= 0 \
        or not struct_exists("struct hd_struct")


def _bdev_part(bdev: Any, disk: str) -> Part:
    if bdev.hasField("bd_partno"):
        number, readonly = bdev.bd_partno, bool(bdev.bd_read_only)
    else:
        # 6.10: 1116b9fa15c0 ("bdev: infrastructure for flags")
        flags = bdev.__bd_flags.counter
        number, readonly = flags & _PARTNO, bool(flags & 0x100)
    dev = bdev.bd_dev
    if bdev.hasField("bd_nr_sectors"):      # 5.16: f09313c57a17
        size = bdev.bd_nr_sectors
    else:
        size = bdev.bd_inode.i_size >> 9
    return Part(bdev, _part_name(bdev.bd_device, disk, number), number,
                (dev >> _MINOR_BITS, dev & (1 << _MINOR_BITS) - 1), bdev.bd_start_sect, size,
                readonly)


def _part_name(device: Any, disk: str, number: int) -> str:
    return dev_name(device) if number else disk


def _old_table(gendisk: Any) -> list[Any]:
    table = gendisk.part_tbl
    if not table:
        return []
    found = []
    for number in range(1, min(table.len, 1 << 16)):
        part = table.part[number]
        if part:
            found.append(part)
    return found


def _old_part(part: Any, gendisk: Any, disk: str) -> Part:
    dev = part.__dev.devt
    return Part(part, _part_name(part.__dev, disk, part.partno), part.partno,
                (dev >> _MINOR_BITS, dev & (1 << _MINOR_BITS) - 1), part.start_sect,
                part.nr_sects, bool(part.policy))


def _stats(part: Any) -> Stats:
    pointer = part.bd_stats if part.hasField("bd_stats") else part.dkstats
    sums = {member: [0, 0, 0, 0] for member in ("ios", "merges", "sectors", "nsecs")}
    flying = [0, 0]
    for cpu in range(sys_info.CPUS):
        copy = percpu_ptr(pointer, cpu)
        for member, values in sums.items():
            for group, value in enumerate(getattr(copy, member)):
                values[group] += value
        for way, count in enumerate(copy.in_flight):
            flying[way] += count.a.counter
    return Stats(tuple(sums["ios"]), tuple(sums["merges"]), tuple(sums["sectors"]),
                 tuple(sums["nsecs"]), (max(flying[0], 0), max(flying[1], 0)))


def named(devices: Iterable[Disk]) -> dict[int, Disk]:
    """Address of a struct gendisk -> the Disk."""
    return {int(disk.gendisk): disk for disk in devices}
