"""Owns block devices as crashinfo and its relatives show them.

Must not know filesystems.
"""

from __future__ import annotations

from typing import Any

from LinuxDump.absent import absent
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import container_of

_MINOR_BITS = 20

(print_blkdevs, print_dm_devices, print_gendisk, print_request_queues, print_blk_cpu_done,
 print_request_slab, get_blkreq_fromslab, get_blkdevs, get_gendisks, get_request_queues,
 get_blkreq_info, check_request_queue, get_requestqueue, decode_request, is_request_BAD,
 is_request_STARTED, is_request_WRITE, decode_rq_state, blk_rq_deadline) = absent(
     __name__, "print_blkdevs", "print_dm_devices", "print_gendisk", "print_request_queues",
     "print_blk_cpu_done", "print_request_slab", "get_blkreq_fromslab", "get_blkdevs",
     "get_gendisks", "get_request_queues", "get_blkreq_info", "check_request_queue",
     "get_requestqueue", "decode_request", "is_request_BAD", "is_request_STARTED",
     "is_request_WRITE", "decode_rq_state", "blk_rq_deadline")


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
