"""Owns what is particular to some kinds of disks: files of loop devices, memory of zram.

Must not know requests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from LinuxDump.disks import Disk
from LinuxDump.dm import mapped
from LinuxDump.fs.paths import path_of
from pykdump.API import PAGESIZE, crash, readSU

_LOOP_READONLY = 1      # LO_FLAGS_READ_ONLY
_LOOP_BOUND = 1         # Lo_bound


def details(disk: Disk) -> dict[str, Any]:
    """What a disk's driver knows of it, {} of a driver that is not known here.

    loop: "file" (None if there is none), "offset" and "sizelimit" in bytes, "readonly".  zram:
    "disksize", "stored" and "compressed" in bytes, "same_pages", "algorithm".  dm: "name", "state",
    "pending", "deferred", "targets".  crash.error, KeyError and TypeError as of fs.usage.
    """
    tell = _KINDS.get(disk.driver)
    return tell(disk) if tell else {}


def described(disk: Disk) -> str:
    """The same in words, "" if there is nothing to say."""
    try:
        found = details(disk)
    except (crash.error, KeyError, TypeError) as err:
        return f"unreadable: {err}"
    if "file" in found:
        offset = f" at {found['offset']}" if found["offset"] else ""
        return f"loop of {found['file']}{offset}" if found["file"] else ""
    if "disksize" in found:
        return (f"zram: {found['stored']} bytes stored as {found['compressed']} by "
                f"{found['algorithm']}") if found["disksize"] else ""
    if "targets" in found:
        waiting = f", bios kept until it is resumed: {found['deferred']}" \
            if found["deferred"] else ""
        state = f" [{found['state']}]" if found["state"] else ""
        return f"dm: {found['name']} ({', '.join(found['targets'])}){state}{waiting}"
    return ""


def _loop(disk: Disk) -> dict[str, Any]:
    loop = readSU("struct loop_device", disk.gendisk.private_data)
    bound = loop.lo_state == _LOOP_BOUND and loop.lo_backing_file
    return {"file": path_of(loop.lo_backing_file.f_path) if bound else None,
            "offset": loop.lo_offset, "sizelimit": loop.lo_sizelimit,
            "readonly": bool(loop.lo_flags & _LOOP_READONLY)}


def _zram(disk: Disk) -> dict[str, Any]:
    zram = readSU("struct zram", disk.gendisk.private_data)
    stats = zram.stats
    return {"disksize": zram.disksize, "stored": stats.pages_stored.counter * PAGESIZE,
            "compressed": stats.compr_data_size.counter, "same_pages": stats.same_pages.counter,
            "algorithm": _algorithm(zram)}


def _algorithm(zram: Any) -> str:
    try:
        # 6.2: 84b33bf78889 ("zram: introduce recompress sysfs knob"): several of them
        return str(zram.comp_algs[0] or "")
    except KeyError:
        return str(zram.compressor)


def _mapped(disk: Disk) -> dict[str, Any]:
    found = mapped(disk)
    return {"name": found.name, "state": found.state, "pending": found.pending,
            "deferred": len(found.deferred),
            "targets": list(dict.fromkeys(target.kind for target in found.table()))}


# The symbol of a disk's struct block_device_operations -> the function
_KINDS: dict[str, Callable[[Disk], dict[str, Any]]] = {
    "lo_fops": _loop, "zram_devops": _zram, "zram_wb_devops": _zram, "dm_blk_dops": _mapped,
    "dm_rq_blk_dops": _mapped,
}
