"""Owns devices of the device mapper.

Must not know what they are used for.
"""

from __future__ import annotations

from LinuxDump.absent import absent
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here

(get_dm_devices, bdev_name, get_size, dm_table_exists, context_struct_exists, get_dm_target_name,
 get_md_mpath_from_gendisk, get_pvsize, get_sysfs_state) = absent(
     __name__, "get_dm_devices", "bdev_name", "get_size", "dm_table_exists",
     "context_struct_exists", "get_dm_target_name", "get_md_mpath_from_gendisk", "get_pvsize",
     "get_sysfs_state")


def get_vg_lv_names(text: str) -> list[str]:
    """[volume group, logical volume] of a name of the device mapper: a dash in either is doubled.

    The second is "" in a name that is not of LVM.
    """
    mark = "\0"
    group, _dash, volume = text.replace("--", mark).partition("-")
    return [group.replace(mark, "-"), volume.replace(mark, "-")]
