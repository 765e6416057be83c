"""Owns sysfs: where in it a device is, and under which name.

Must not know any kind of device but that block devices have a directory `block`.
"""

from __future__ import annotations

from typing import Any

from LinuxDump.kernfs import decode_kernfs_node, kernfs_fullpath, kndir_iterate
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import crash

sysfs_fullpath = kernfs_fullpath


def gendev2sd(gendev: Any) -> Any:
    """The kernfs_node of a struct device; None if it is not in sysfs."""
    return gendev.kobj.sd or None


def blockdev_name(sd: Any) -> str:
    """The block device below a device's kernfs_node, "" if there is none."""
    try:
        for child in kndir_iterate(sd):
            name, kind = decode_kernfs_node(child)
            if (name, kind) == ("block", "/"):
                return next((str(disk.name) for disk in kndir_iterate(child)), "")
            if name.startswith("block:"):       # a link of its own: sysfs before 2.6.27
                return name.partition(":")[2]
    except crash.error:
        return "Bad sysfs_dirent"
    return ""
