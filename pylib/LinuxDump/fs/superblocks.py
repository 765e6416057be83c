"""Owns superblocks: what kind of filesystem each is of, and with which options it is mounted.

What a filesystem adds to its options is known here for some; of the others the generic ones are
told, and that there may be more.  Must not know mounts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import _pykdump
from LinuxDump.creds import kid
from pykdump.API import (CU_LIVE, HZ, PAGESIZE, crash, loadModule, memoize_cond, readSU, readU64,
                         struct_exists, sym2addr, walk_list)

# SB_RDONLY and the others that /proc/PID/mountinfo shows, in its order.
_SB_RDONLY = 1
_FLAGS = ((1 << 4, "sync"), (1 << 7, "dirsync"), (1 << 6, "mand"), (1 << 25, "lazytime"))
_MAX_LAYERS = 500       # of an overlay
_MAX_SUPERBLOCKS = 100_000
_NAME = "char [256]"


class Options(NamedTuple):
    """Options of a superblock."""

    shown: list[str]    # "rw" or "ro" first, as /proc/PID/mountinfo ends its lines
    complete: bool      # False: the filesystem has more, which are not known here


def fstype(sb: Any) -> str:
    """The type as /proc shows it, with the subtype of a FUSE filesystem."""
    name = str(sb.s_type.name)
    try:
        subtype = sb.s_subtype
    except KeyError:
        return name
    return f"{name}.{subtype}" if subtype else name


def operations(sb: Any) -> str:
    """The symbol of its struct super_operations, by which its kind is known: "ext4_sops"."""
    return crash.addr2sym(int(sb.s_op)) or ""


def source(sb: Any, name: str) -> str:
    """What /proc calls the device of a mount: its own name for it, unless the kind has another."""
    if operations(sb) == "btrfs_super_ops" and struct_exists("struct btrfs_fs_info"):
        info = readSU("struct btrfs_fs_info", sb.s_fs_info)
        try:
            # 5.16: d24fa5c1da08 ("btrfs: convert latest_bdev type to btrfs_device and rename")
            device = info.fs_devices.latest_dev.name
            # 6.17: a string, without a struct rcu_string around it
            text = device if isinstance(device, str) \
                else _pykdump.read_value(_NAME, int(device.str))
            return str(text) or name
        except (KeyError, AttributeError):
            return name
    return name


def all_superblocks() -> tuple[list[Any], list[str]]:
    """Every struct super_block, and what could not be read: sentences with addresses."""
    found, report = walk_list(sym2addr("super_blocks"), "struct super_block", "s_list",
                              limit=_MAX_SUPERBLOCKS)
    return found, [] if report.whole else [f"superblocks: {report}; {len(found)} could be read"]


def options(sb: Any) -> Options:
    """All options; crash.error for a superblock that cannot be read."""
    flags = sb.s_flags
    shown = ["ro" if flags & _SB_RDONLY else "rw"]
    shown += [name for bit, name in _FLAGS if flags & bit]
    function = sb.s_op.show_options
    if not function:
        return Options(shown, True)
    own = _OWN.get(crash.addr2sym(int(function)) or "")
    if own is None:
        return Options(shown, False)
    try:
        more, complete = own(sb)
    except (KeyError, TypeError):       # the kernel, or what is known of it, has them elsewhere
        return Options(shown, False)
    return Options(shown + more, complete)


def _ids(opts: Any, uid: bool, gid: bool) -> list[str]:
    return ([f"uid={kid(opts.uid)}"] if uid else []) + ([f"gid={kid(opts.gid)}"] if gid else [])


def _tmpfs(sb: Any) -> tuple[list[str], bool]:
    info = readSU("struct shmem_sb_info", sb.s_fs_info)
    default = readU64(sym2addr("_totalram_pages")) // 2
    own = []
    if info.max_blocks != default:
        own.append(f"size={info.max_blocks * PAGESIZE // 1024}k")
    if info.max_inodes != default:
        own.append(f"nr_inodes={info.max_inodes}")
    if info.mode != 0o1777:
        own.append(f"mode={info.mode:03o}")
    own += _ids(info, kid(info.uid) != 0, kid(info.gid) != 0)
    # 5.9: ea3271f7196c ("tmpfs: support 64-bit inums per-sb")
    if info.hasField("full_inums") and info.full_inums:
        own.append("inode64")
    if info.hasField("noswap") and info.noswap:     # 6.4: 2c6efe9cf2d7 ("shmem: add support ...")
        own.append("noswap")
    policy = info.hasField("mpol") and info.mpol
    return own, not (policy or info.huge)


def _ramfs(sb: Any) -> tuple[list[str], bool]:
    mode = readSU("struct ramfs_fs_info", sb.s_fs_info).mount_opts.mode
    return ([] if mode == 0o755 else [f"mode={mode:o}"]), True


def _devpts(sb: Any) -> tuple[list[str], bool]:
    opts = readSU("struct pts_fs_info", sb.s_fs_info).mount_opts
    own = _ids(opts, opts.setuid, opts.setgid)
    own += [f"mode={opts.mode:03o}", f"ptmxmode={opts.ptmxmode:03o}"]
    if opts.max < 1 << 20:
        own.append(f"max={opts.max}")
    return own, True


def _debugfs(sb: Any) -> tuple[list[str], bool]:
    opts = readSU("struct debugfs_fs_info", sb.s_fs_info)
    opts = opts.mount_opts if opts.hasField("mount_opts") else opts     # 6.10: a20971c18752
    own = _ids(opts, kid(opts.uid) != 0, kid(opts.gid) != 0)
    return own + ([] if opts.mode == 0o700 else [f"mode={opts.mode:o}"]), True


_HIDDEN = {1: "noaccess", 2: "invisible", 4: "ptraceable"}


def _proc(sb: Any) -> tuple[list[str], bool]:
    info = readSU("struct proc_fs_info", sb.s_fs_info)
    own = [] if not kid(info.pid_gid) else [f"gid={kid(info.pid_gid)}"]
    if info.hide_pid:
        own.append(f"hidepid={_HIDDEN.get(info.hide_pid, info.hide_pid)}")
    return own + (["subset=pid"] if info.pidonly else []), True


def _kernfs(sb: Any) -> tuple[list[str], bool]:
    """sysfs has no options; cgroups have."""
    operations = readSU("struct kernfs_super_info", sb.s_fs_info).root.syscall_ops
    return [], not (operations and operations.show_options)


@memoize_cond(CU_LIVE)
def _load_overlay() -> None:
    """Its types are the module's, unless it is built in."""
    if not struct_exists("struct ovl_fs"):
        loadModule("overlay")


class Layers(NamedTuple):
    """What an overlay is made of, as its options say it."""

    lower: str      # with ":" between those of several
    upper: str      # "" of one that cannot be written
    work: str


def overlay_layers(sb: Any) -> Layers | None:
    """Of a superblock that is an overlay, None of others; crash.error, KeyError, TypeError."""
    if operations(sb) != "ovl_super_operations":
        return None
    _load_overlay()
    layers = readSU("struct ovl_fs", sb.s_fs_info)
    config = layers.config
    # 6.7: 0cea4c097d97 ("ovl: store and show the user provided lowerdir mount option")
    if config.hasField("lowerdirs"):
        data = min(layers.numdatalayer, _MAX_LAYERS)
        merged = min(layers.numlayer, _MAX_LAYERS) - data
        # the first is of the upper layer
        names = [str(_pykdump.read_value("char *", int(config.lowerdirs) + 8 * number))
                 for number in range(1, merged + data)]
        lower = ":".join(names[:merged - 1])
        lower += "".join(f"::{name}" for name in names[merged - 1:])
    else:
        lower = str(config.lowerdir)
    return Layers(lower, *(str(text) if text else "" for text in (config.upperdir, config.workdir)))


def _overlay(sb: Any) -> tuple[list[str], bool]:
    layers = overlay_layers(sb)
    if layers is None:
        return [], False
    own = [f"lowerdir={layers.lower}"]
    if layers.upper:
        own += [f"upperdir={layers.upper}", f"workdir={layers.work}"]
    # others depend on the defaults of the module
    return own, False


# Bits of ext4_sb_info.s_mount_opt, what es.s_errors is for them by default, and their words
_EXT4_ERRORS = ((0x20, 2, "errors=remount-ro"), (0x10, 1, "errors=continue"),
                (0x40, 3, "errors=panic"))
# Bits of s_mount_opt2 that are no options: STD_GROUP_SIZE, HURD_COMPAT, ABORT
_EXT4_FACTS = 0x2 | 0x4 | 0x100
# What else is shown of ext4 if it is not so, members of ext4_sb_info.
_EXT4_DEFAULTS = {"s_sb_block": 1, "s_stripe": 0, "s_max_dir_size_kb": 0,
                  "s_inode_readahead_blks": 32, "s_min_batch_time": 0, "s_max_batch_time": 15000}


def _ext4(sb: Any) -> tuple[list[str], bool]:
    info = readSU("struct ext4_sb_info", sb.s_fs_info)
    chosen, default, stored = info.s_mount_opt, info.s_def_mount_opt, info.s_es.s_errors
    own = [word for bit, number, word in _EXT4_ERRORS if chosen & bit and stored != number]
    others = (chosen ^ default) & ~sum(bit for bit, _number, _word in _EXT4_ERRORS)
    # 6.1: before, the kernel does not compare the second word
    if info.hasField("s_def_mount_opt2"):
        others |= (info.s_mount_opt2 ^ info.s_def_mount_opt2) & ~_EXT4_FACTS
    usual = all(getattr(info, name) == value for name, value in _EXT4_DEFAULTS.items())
    usual = usual and info.s_commit_interval in (0, 5 * HZ)
    return own, not others and usual and not kid(info.s_resuid) and not kid(info.s_resgid)


# Bits of xfs_mount.m_features in the order in which they are shown
_XFS_FEATURES = ((57, "ikeep"), (52, "wsync"), (49, "noalign"), (58, "swalloc"), (63, "nouuid"),
                 (62, "norecovery"), (10, "attr2"), (59, "filestreams"), (55, "grpid"),
                 (54, "discard"), (51, "largeio"), (60, "dax=always"), (61, "dax=never"))
_XFS_ALLOCSIZE, _XFS_SMALL_INODES = 1 << 50, 1 << 56
# The same of m_flags, before 5.15
_XFS_FLAGS = ((18, "ikeep"), (0, "wsync"), (7, "noalign"), (19, "swalloc"), (16, "nouuid"),
              (10, "norecovery"), (8, "attr2"), (24, "filestreams"), (9, "grpid"), (5, "discard"),
              (22, "largeio"), (26, "dax=always"), (27, "dax=never"))
_XFS_OLD_ALLOCSIZE, _XFS_OLD_SMALL_INODES = 1 << 12, 1 << 14


def _xfs(sb: Any) -> tuple[list[str], bool]:
    mount = readSU("struct xfs_mount", sb.s_fs_info)
    try:
        # 5.15: 2e973b2cd4cd ("xfs: convert remaining mount flags to state flags")
        chosen, names = mount.m_features, _XFS_FEATURES
        sized, small = chosen & _XFS_ALLOCSIZE, chosen & _XFS_SMALL_INODES
    except KeyError:
        chosen, names = mount.m_flags, _XFS_FLAGS
        sized, small = chosen & _XFS_OLD_ALLOCSIZE, chosen & _XFS_OLD_SMALL_INODES
    own = [word for bit, word in names if chosen >> bit & 1]
    own.append(f"inode{32 if small else 64}")
    if sized:
        own.append(f"allocsize={(1 << min(mount.m_allocsize_log, 63)) >> 10}k")
    if mount.m_logbufs > 0:
        own.append(f"logbufs={mount.m_logbufs}")
    if mount.m_logbsize > 0:
        own.append(f"logbsize={mount.m_logbsize >> 10}k")
    if mount.m_logname or mount.m_rtname or mount.m_qflags or mount.m_dalign or mount.m_swidth:
        return own, False
    return [*own, "noquota"], True


def _nfs(sb: Any) -> tuple[list[str], bool]:
    from LinuxDump.nfs.options import mount_options

    return mount_options(readSU("struct nfs_server", sb.s_fs_info))


# The function by which a filesystem shows its options -> (them, whether these are all)
_OWN: dict[str, Callable[[Any], tuple[list[str], bool]]] = {
    "shmem_show_options": _tmpfs,
    "ramfs_show_options": _ramfs,
    "devpts_show_options": _devpts,
    "proc_show_options": _proc,
    "kernfs_sop_show_options": _kernfs,
    "ovl_show_options": _overlay,
    "ext4_show_options": _ext4,
    "xfs_fs_show_options": _xfs,
    "debugfs_show_options": _debugfs,
    "nfs_show_options": _nfs,
}
