"""Owns how full filesystems are: what statfs of each would have said.

Each kind counts in its own way; of those that are not known here there are no numbers.  Members of
filesystems that are modules come from the modules' own types.  Must not know mounts, nor what is
too full.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from LinuxDump.fs.superblocks import operations
from LinuxDump.percpu import percpu_counter_sum
from pykdump.API import PAGESIZE, EnumInfo, crash, readSU, walk_list

_MAX_LISTED = 10_000
_MAXICOUNT = (1 << 56) - 1      # XFS_MAXINUMBER
_TMPFS_INODE = 1024             # BOGO_INODE_SIZE
# enumerator of enum btrfs_raid_types -> copies of each block, of those that have more than one
_COPIES = {"BTRFS_RAID_RAID10": 2, "BTRFS_RAID_RAID1": 2, "BTRFS_RAID_DUP": 2,
           "BTRFS_RAID_RAID1C3": 3, "BTRFS_RAID_RAID1C4": 4}
_STRIPE, _RESERVED = 1 << 16, 1 << 20       # BTRFS_STRIPE_LEN, BTRFS_DEVICE_RANGE_RESERVED
_DATA, _METADATA = 1, 4                     # BTRFS_BLOCK_GROUP_...


class Usage(NamedTuple):
    """What statfs says, in blocks of `block_size` bytes.

    `available` is what is free for users without privileges.  `files` are all inodes that there
    can be, 0 for a filesystem that has no such number.
    """

    block_size: int
    blocks: int
    free: int
    available: int
    files: int
    files_free: int

    @property
    def used_percent(self) -> float | None:
        """As df has it: of what users may have; None without blocks."""
        used = self.blocks - self.free
        whole = used + self.available
        return 100 * used / whole if whole > 0 else None

    @property
    def files_percent(self) -> float | None:
        """Inodes that are used; None without a number of them."""
        return 100 * (self.files - self.files_free) / self.files if self.files > 0 else None


def usage(sb: Any) -> Usage | None:
    """The numbers of a struct super_block; None of a kind that is not known.

    crash.error if memory cannot be read, KeyError if this kernel has members elsewhere, TypeError
    if the dump does not tell the types of a filesystem's module.
    """
    count = _KINDS.get(operations(sb))
    return count(sb) if count else None


def _positive(counter: Any) -> int:
    return max(percpu_counter_sum(counter), 0)


def _halves(es: Any, name: str) -> int:
    return getattr(es, f"{name}_hi") << 32 | getattr(es, f"{name}_lo")


def _ext4(sb: Any) -> Usage:
    info = readSU("struct ext4_sb_info", sb.s_fs_info)
    es = info.s_es
    bits = min(info.s_cluster_bits, 63)
    free = max(_positive(info.s_freeclusters_counter) - _positive(info.s_dirtyclusters_counter), 0)
    free <<= bits
    wide = es.s_feature_incompat & 0x80     # INCOMPAT_64BIT: upper halves are there
    blocks, reserved = (_halves(es, name) if wide else getattr(es, f"{name}_lo")
                        for name in ("s_blocks_count", "s_r_blocks_count"))
    kept = reserved + (info.s_resv_clusters.counter << bits)
    return Usage(sb.s_blocksize, blocks - (info.s_overhead << bits), free, max(free - kept, 0),
                 es.s_inodes_count, _positive(info.s_freeinodes_counter))


def _xfs(sb: Any) -> Usage:
    mount = readSU("struct xfs_mount", sb.s_fs_info)
    geometry = mount.m_sb
    inodes, unused = _positive(mount.m_icount), _positive(mount.m_ifree)
    try:
        free = mount.m_fdblocks
    except KeyError:            # 6.15: 712bae96631852c1 ("xfs: generalize the freespace ...")
        free = mount.m_free[0].count
    unavailable = mount.m_alloc_set_aside
    if mount.hasField("m_allocbt_blks"):    # 5.13: fd43cf600cf6
        unavailable += mount.m_allocbt_blks.counter
    free = max(_positive(free) - unavailable, 0)
    log = geometry.sb_logblocks if geometry.sb_logstart else 0
    files = min(inodes + (free << min(geometry.sb_inopblog, 63)), _MAXICOUNT)
    most = mount.m_ino_geo.maxicount
    files = max(min(files, most) if most else files, geometry.sb_icount)
    return Usage(geometry.sb_blocksize, geometry.sb_dblocks - log, free, free, files,
                 max(files - (inodes - unused), 0))


def _btrfs(sb: Any) -> Usage:
    info = readSU("struct btrfs_fs_info", sb.s_fs_info)
    size = sb.s_blocksize
    copies = {number: _COPIES.get(name, 1)
              for name, number in EnumInfo("enum btrfs_raid_types").items()}
    spaces, _report = walk_list(info.space_info, "struct btrfs_space_info", "list",
                                limit=_MAX_LISTED)
    used, free_data, factor, mixed = 0, 0, 1, False
    for space in spaces:
        used += space.disk_used
        if space.flags & _DATA:
            free_data += space.disk_total - space.disk_used
            mixed = mixed or bool(space.flags & _METADATA)
            for kind, head in enumerate(space.block_groups):
                if head.next != head:
                    factor = copies.get(kind, 1)
    whole = readSU("struct btrfs_super_block", info.super_copy).total_bytes
    blocks = whole // factor // size
    free = blocks - used // factor // size
    if not mixed:
        free -= info.global_block_rsv.size // size
    available = (free_data + _btrfs_unallocated(info)) // factor // size
    return Usage(size, blocks, max(free, 0), available, 0, 0)


def _btrfs_unallocated(info: Any) -> int:
    """Bytes of devices that belong to no chunk, as far as chunks can be made of them."""
    devices, _report = walk_list(info.fs_devices.devices, "struct btrfs_device", "dev_list",
                                 limit=_MAX_LISTED)
    total = 0
    for device in devices:
        room = (device.total_bytes - device.bytes_used) // _STRIPE * _STRIPE
        if room > _RESERVED:
            total += room - _RESERVED
    return total


def _tmpfs(sb: Any) -> Usage:
    info = readSU("struct shmem_sb_info", sb.s_fs_info)
    free = info.max_blocks - percpu_counter_sum(info.used_blocks) if info.max_blocks else 0
    files_free = 0
    if info.max_inodes:
        # 6.6: e07c469e979d ("tmpfs: track free_ispace instead of free_inodes")
        files_free = info.free_ispace // _TMPFS_INODE if info.hasField("free_ispace") \
            else info.free_inodes
    return Usage(PAGESIZE, info.max_blocks, free, free, info.max_inodes, files_free)


def _overlay(sb: Any) -> Usage | None:
    """What the uppermost layer has."""
    below = layers(sb)
    return usage(below[0].mnt_sb) if below else None


def layers(sb: Any) -> list[Any]:
    """The struct vfsmount of an overlay's layers, the upper one first, if it has one."""
    info = readSU("struct ovl_fs", sb.s_fs_info)
    try:
        # 5.8: 94375f9d5103 ("ovl: generalize the lower_layers[] array")
        found = [layer.mnt for layer in _array(info.layers, min(info.numlayer, 500))]
    except KeyError as err:
        raise crash.error(f"the layers of an overlay are elsewhere: {err}") from None
    return [mount for mount in found if mount]


def _array(first: Any, count: int) -> list[Any]:
    return [first[number] for number in range(count)]


# The symbol of a filesystem's struct super_operations -> the function
_KINDS: dict[str, Callable[[Any], Usage | None]] = {
    "ext4_sops": _ext4, "xfs_super_operations": _xfs, "btrfs_super_ops": _btrfs,
    "shmem_ops": _tmpfs, "ovl_super_operations": _overlay,
}
