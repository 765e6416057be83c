"""Owns devices of the device mapper: their names, tables, and what waits in them.

Whether there are any is told by the disks, not by the list of modules.  Must not know requests,
nor what the devices are used for.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.disks import Disk, disks
from LinuxDump.percpu import percpu_ptr
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (crash, dbits2str, pylog, readS64, readSU, struct_exists, sys_info,
                         walk_list)
from pykdump.plaintext import one_line

_DRIVERS = frozenset(("dm_blk_dops", "dm_rq_blk_dops"))
_MAX_TARGETS = 10_000
_MAX_BIOS = 100_000
_MIB = 1 << 20
FLAGS = {"BLOCK_IO_FOR_SUSPEND": 1, "SUSPENDED": 2, "FROZEN": 4, "FREEING": 8, "DELETING": 16,
         "NOFLUSH_SUSPENDING": 32, "DEFERRED_REMOVE": 64, "SUSPENDED_INTERNALLY": 128}


class Target(NamedTuple):
    """A part of a mapped device: sectors of 512 bytes, and which type has them.

    args    its words of the table, as `dmsetup table` shows them; devices only, of types that are
            not known here
    """

    begin: int
    length: int
    kind: str
    args: str


class Mapped(NamedTuple):
    """A device of the device mapper."""

    md: Any             # struct mapped_device
    disk: Disk
    name: str           # as `dmsetup ls` has it
    uuid: str
    flags: int
    opened: int         # how often it is open
    pending: int        # bios or requests that it has taken and not ended
    deferred: list[Any]     # struct bio that wait until it is resumed

    @property
    def suspended(self) -> bool:
        """Does it keep what it is given, as `dmsetup suspend` makes it."""
        return bool(self.flags & (FLAGS["SUSPENDED"] | FLAGS["SUSPENDED_INTERNALLY"]))

    @property
    def state(self) -> str:
        """The names of its flags, "" of none."""
        return dbits2str(self.flags, FLAGS) if self.flags else ""

    def table(self) -> list[Target]:
        """Its live table; [] without one.  crash.error if it cannot be read."""
        if not self.md.map:
            return []
        table = readSU("struct dm_table", self.md.map)
        count = min(table.num_targets, _MAX_TARGETS)
        return [_target(table, table.targets[number]) for number in range(count)]


def is_mapped(disk: Disk) -> bool:
    """Is a disk one of the device mapper."""
    return disk.driver in _DRIVERS


def mapped(disk: Disk) -> Mapped:
    """What there is of a disk that is_mapped(); crash.error, and TypeError without its types."""
    md = readSU("struct mapped_device", disk.gendisk.private_data)
    cell = readSU("struct hash_cell", md.interface_ptr) if md.interface_ptr else None
    return Mapped(md, disk, str(cell.name) if cell else disk.name,
                  str(cell.uuid or "") if cell else "", md.flags, md.open_count.counter,
                  _pending(md, disk), _deferred(md))


def all_mapped() -> tuple[list[Mapped], list[str]]:
    """All, and what could not be read: one sentence without the types of dm-mod."""
    found, problems = [], []
    chosen = [disk for disk in disks() if is_mapped(disk)]
    if chosen and not struct_exists("struct mapped_device"):
        return [], [f"{len(chosen)} devices of the device mapper, but no types of dm_mod: the "
                    "dump has no BTF of it, and its debug information is not loaded"]
    for disk in chosen:
        try:
            found.append(mapped(disk))
        except (crash.error, IndexError, KeyError) as err:
            problems.append(f"{one_line(disk.name)}: {err}")
    return found, problems


def _pending(md: Any, disk: Disk) -> int:
    try:
        # 5.18: 9f6dc6337610 ("dm: interlock pending dm_io and dm_wait_for_bios_completion")
        counters = md.pending_io
    except KeyError:
        return sum(disk.whole.stats().in_flight)
    return max(sum(readS64(percpu_ptr(int(counters), cpu)) for cpu in range(sys_info.CPUS)), 0)


def _deferred(md: Any) -> list[Any]:
    found: list[Any] = []
    bio = md.deferred.head
    seen: set[int] = set()
    while bio and int(bio) not in seen and len(found) < _MAX_BIOS:
        seen.add(int(bio))
        found.append(bio)
        bio = bio.bi_next
    return found


def _target(table: Any, target: Any) -> Target:
    kind = str(target.type.name)
    if kind == "linear" and struct_exists("struct linear_c"):
        linear = readSU("struct linear_c", target.private)
        args = f"{linear.dev.name} {linear.start}"
    elif kind == "error":
        args = ""
    else:
        inside, _report = walk_list(table.devices, "struct dm_dev_internal", "list",
                                    limit=_MAX_TARGETS)
        args = " ".join(str(each.dm_dev.name) for each in inside)
    return Target(target.begin, target.len, kind, args)


# -- names that programs use ----------------------------------------------------------------------

def get_dm_devices() -> list[tuple[Any, str]]:
    """(struct mapped_device, name) of all; what cannot be read is reported in the log."""
    found, problems = all_mapped()
    for text in problems:
        pylog.error(text)
    return [(each.md, each.name) for each in found]


def bdev_name(bdev: Any) -> str:
    """The name of the disk of a struct block_device."""
    return str(bdev.bd_disk.disk_name)


def get_size(gendisk: Any) -> float:
    """The size of a struct gendisk in MiB; 0 if the kernel has none of this address."""
    return next((disk.whole.size * 512 / _MIB for disk in disks() if disk.gendisk == gendisk), 0.0)


def dm_table_exists(md: Any) -> bool:
    """Has a struct mapped_device a live table."""
    return bool(md.map)


def context_struct_exists(s_name: str, name: str, message: int = 1) -> bool:
    """Is a struct of a target known; if not, that is said unless `message` is 0."""
    if struct_exists(s_name):
        return True
    if message:
        print(f"{name}: {s_name} is not known: the debug information of its module is not there")
    return False


def get_dm_target_name(table: Any, name: str) -> str:
    """The type of the first target of a struct dm_table, "" without one; `name` is for errors."""
    try:
        return str(table.targets[0].type.name) if table and table.num_targets else ""
    except crash.error as err:
        raise crash.error(f"{name}: {err}") from None


def get_md_mpath_from_gendisk(gendisk: Any, devices: list[tuple[Any, str]]) -> Any:
    """The (struct mapped_device, name) among `devices` whose table has a gendisk, or None."""
    for md, name in devices:
        if not md.map:
            continue
        inside, _report = walk_list(readSU("struct dm_table", md.map).devices,
                                    "struct dm_dev_internal", "list", limit=_MAX_TARGETS)
        if any(each.dm_dev.bdev.bd_disk == gendisk for each in inside):
            return md, name
    return None


def get_pvsize(bdev: Any) -> float:
    """The size of a struct block_device in MiB."""
    found = (part for disk in disks() for part in (disk.whole, *disk.parts))
    return next((part.size * 512 / _MIB for part in found if part.struct == bdev), 0.0)


def get_sysfs_state(gendisk: Any) -> str:
    """online, or missing for one that the kernel has no more."""
    return "online" if any(disk.gendisk == gendisk for disk in disks()) else "missing"


def get_vg_lv_names(text: str) -> list[str]:
    """[volume group, logical volume] of a name of the device mapper: a dash in either is doubled.

    The second is "" in a name that is not of LVM.
    """
    mark = "\0"
    group, _dash, volume = text.replace("--", mark).partition("-")
    return [group.replace(mark, "-"), volume.replace(mark, "-")]
