"""Owns mounts: those of each mount namespace, and all that /proc/PID/mountinfo says of them.

Must not know filesystems, nor how programs print mounts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from LinuxDump.fs import superblocks
from LinuxDump.fs.inodes import device
from LinuxDump.fs.paths import Paths, all_paths, real_mount
from pykdump.API import (CU_LIVE, crash, member_offset, memoize_cond, pylog, readSU, sym2addr,
                         symbol_exists, walk_list, walk_rbtree)

_STRUCT = "struct mount"
_NAMESPACE = "struct mnt_namespace"
_CURSOR = 0x10000000
_MAX_MASTERS = 1000
_SHOWN_PROBLEMS = 20
Root = tuple[int, int]

# mnt_flags in the order of /proc/PID/mountinfo
_MNT_READONLY = 0x40
_MNT_FLAGS = ((0x01, "nosuid"), (0x02, "nodev"), (0x04, "noexec"), (0x08, "noatime"),
              (0x10, "nodiratime"), (0x20, "relatime"),
              (0x80, "nosymfollow"))      # 5.10: dab741e0e02b ("Add a "nosymfollow" mount option.")
_ESCAPED = {ord(char): f"\\{ord(char):03o}" for char in " \t\n\\"}


class Mount(NamedTuple):
    """A mount, with the fields of a line of /proc/PID/mountinfo.

    root and point are paths: what of its filesystem is mounted, and where, seen from the root
    that was asked for; `reachable` says whether it can be seen from there, as /proc requires.
    """

    mnt: Any                # struct mount
    sb: Any                 # struct super_block
    id: int
    parent: int             # the id of the mount that it is on; its own for the first
    dev: tuple[int, int]    # (major, minor) of the superblock
    root: str
    point: str
    options: list[str]      # of this mount: "rw" or "ro" first
    optional: list[str]     # "shared:1", "master:1", "propagate_from:1", "unbindable"
    fstype: str
    source: str
    super_options: superblocks.Options
    reachable: bool

    @property
    def line(self) -> str:
        """The line of /proc/PID/mountinfo."""
        major, minor = self.dev
        return " ".join([str(self.id), str(self.parent), f"{major}:{minor}", escaped(self.root),
                         escaped(self.point), ",".join(self.options), *self.optional, "-",
                         escaped(self.fstype), escaped(self.source, "#"),
                         ",".join(self.super_options.shown)])


class MountList(NamedTuple):
    """Mounts, and what could not be read of them: sentences with addresses."""

    mounts: list[Any]
    problems: list[str]


def report(problems: list[str]) -> None:
    """Put problems into the log."""
    for text in problems[:_SHOWN_PROBLEMS]:
        pylog.error(text)
    if len(problems) > _SHOWN_PROBLEMS:
        pylog.error(f"{len(problems) - _SHOWN_PROBLEMS} more problems with mounts")


def escaped(text: str, more: str = "") -> str:
    """Text as /proc writes it: blanks, tabs, newlines and backslashes as octal numbers."""
    return text.translate(_ESCAPED | {ord(char): f"\\{ord(char):03o}" for char in more})


def init_namespace() -> Any:
    """The mount namespace of the first process; crash.error if there is none."""
    init = readSU("struct task_struct", sym2addr("init_task"))
    space = readSU("struct task_struct", _first_process(init)).nsproxy
    return (space or init.nsproxy).mnt_ns


def _first_process(init: Any) -> int:
    """The task_struct of process 1, which has the idle task as its parent; else the idle task."""
    found, _report = walk_list(init.children, "struct task_struct", "sibling")
    return next((task for task in found if task.pid == 1), init)


def structs(space: Any) -> MountList:
    """The struct mount of a struct mnt_namespace, in the order of /proc/PID/mountinfo."""
    if space.hasField("list"):
        found, ended = walk_list(space.list, _STRUCT, "mnt_list")
    else:
        # 6.8: 2eea9ce4310d ("mounts: keep list of mounts in an rbtree")
        found, ended = walk_rbtree(space.mounts, _STRUCT, "mnt_node")
    problems = []
    if not ended.whole:
        problems.append(f"mounts of {space}: {ended}; {len(found)} could be read")
    if not space.hasField("list"):
        return MountList(found, problems)
    kept = []
    for mnt in found:
        try:
            # 5.8: 9f6c61f96f2d ("proc/mounts: add cursor"): one who reads /proc/PID/mounts
            if not mnt.mnt.mnt_flags & _CURSOR:
                kept.append(mnt)
        except crash.error as err:
            problems.append(f"a mount of {space}: {err}")
    return MountList(kept, problems)


def namespaces(tasks: Iterable[Any]) -> list[Any]:
    """Every struct mnt_namespace that some of the struct task_struct live in, or the kernel lists.

    Those that no task is in come last, of kernels that have a list (6.11).
    """
    found: dict[int, Any] = {}
    for task in tasks:
        try:
            proxy = task.nsproxy
            if proxy and proxy.mnt_ns:
                found.setdefault(int(proxy.mnt_ns), proxy.mnt_ns)
        except crash.error as err:
            pylog.error(f"namespaces of {task}: {err}")
    if symbol_exists("mnt_ns_tree") and member_offset(_NAMESPACE, "mnt_ns_tree_node") >= 0:
        # 6.11: 1901c92497bd ("fs: keep an index of current mount namespaces")
        listed, ended = walk_rbtree(sym2addr("mnt_ns_tree"), _NAMESPACE, "mnt_ns_tree_node")
        if not ended.whole:
            pylog.error(f"the tree of mount namespaces: {ended}")
        for space in listed:
            found.setdefault(int(space), space)
    return list(found.values())


def mounts(space: Any, root: Any = None) -> MountList:
    """Each Mount of a namespace, seen from a struct path (a task's fs.root), or from the top.

    What cannot be read is among the problems.
    """
    found, problems = structs(space)
    reader = _Reader(all_paths(), root)
    made = []
    for mnt in found:
        try:
            made.append(reader.mount(mnt))
        except crash.error as err:
            problems.append(f"{mnt} of {space}: {err}")
    return _counted(made, problems, found, space)


def _counted(made: list[Any], problems: list[str], found: list[Any], space: Any) -> MountList:
    if len(made) < len(found):
        problems.append(f"{len(made)} of {len(found)} mounts of {space} could be read")
    return MountList(made, problems)


def _source(mnt: Any) -> str:
    return superblocks.source(mnt.mnt.mnt_sb, str(mnt.mnt_devname or "none"))


class _Reader:
    """Makes a Mount of a struct mount."""

    def __init__(self, paths: Paths, root: Any) -> None:
        self._paths = paths
        self._root: Root = (0, 0)
        if root is not None and root.dentry:
            self._root = (int(real_mount(root.mnt)), int(root.dentry))
        self._supers: dict[int, tuple[str, superblocks.Options, tuple[int, int]]] = {}

    def mount(self, mnt: Any) -> Mount:
        vfsmount = mnt.mnt
        sb, top, flags = vfsmount.mnt_sb, vfsmount.mnt_root, vfsmount.mnt_flags
        kind, super_options, dev = self._super(sb)
        way = self._paths.way(mnt, top, self._root)
        options = ["ro" if flags & _MNT_READONLY else "rw"]
        options += [name for bit, name in _MNT_FLAGS if flags & bit]
        if _is_idmapped(vfsmount):
            options.append("idmapped")
        return Mount(mnt, sb, mnt.mnt_id, mnt.mnt_parent.mnt_id, dev, self._paths.inside(top),
                     way.text, options, self._optional(mnt, flags), kind,
                     _source(mnt), super_options,
                     way.end == ("root" if any(self._root) else "top"))

    def _super(self, sb: Any) -> tuple[str, superblocks.Options, tuple[int, int]]:
        known = self._supers.get(sb)
        if known is None:
            known = self._supers[sb] = (superblocks.fstype(sb), superblocks.options(sb),
                                        device(sb.s_dev))
        return known

    def _optional(self, mnt: Any, flags: int) -> list[str]:
        try:
            # 6.17: 406fea799925 ("mount: separate the flags accessed only under namespace_sem")
            tree_flags = mnt.mnt_t_flags
            shared, unbindable = tree_flags & 1, tree_flags & 2
        except KeyError:
            shared, unbindable = flags & 0x1000, flags & 0x2000
        fields = [f"shared:{mnt.mnt_group_id}"] if shared else []
        master = mnt.mnt_master
        if master:
            fields.append(f"master:{master.mnt_group_id}")
            source = self._dominating(mnt)
            if source and source != master.mnt_group_id:
                fields.append(f"propagate_from:{source}")
        return fields + (["unbindable"] if unbindable else [])

    def _dominating(self, mnt: Any) -> int:
        """The nearest group of peers above that can be seen, 0 if none."""
        master = mnt.mnt_master
        for _ in range(_MAX_MASTERS):
            if not master:
                return 0
            peers, _report = walk_list(master.mnt_share, _STRUCT, "mnt_share")
            for peer in [master, *peers]:
                if peer.mnt_ns == mnt.mnt_ns and self._is_seen(peer):
                    return peer.mnt_group_id
            master = master.mnt_master
        raise crash.error(f"the masters of {mnt} have no end: {_MAX_MASTERS} of them")

    def _is_seen(self, mnt: Any) -> bool:
        end = self._paths.way(mnt, mnt.mnt.mnt_root, self._root).end
        return end == ("root" if any(self._root) else "top")


def _is_idmapped(vfsmount: Any) -> bool:
    """Are users of the filesystem others in this mount."""
    if vfsmount.hasField("mnt_idmap"):
        # 6.2: 256c8aed2b42 ("fs: introduce dedicated idmap type for mounts")
        return bool(vfsmount.mnt_idmap) and vfsmount.mnt_idmap != sym2addr("nop_mnt_idmap")
    if vfsmount.hasField("mnt_userns"):     # 5.12
        owner = vfsmount.mnt_userns
        return bool(owner) and owner not in (sym2addr("init_user_ns"), vfsmount.mnt_sb.s_user_ns)
    return False


@memoize_cond(CU_LIVE)
def first_rows() -> MountList:
    """(mount, superblock, type, device, mountpoint) of the first process's mounts."""
    space = init_namespace()
    found, problems = structs(space)
    paths = all_paths()
    rows = []
    for mnt in found:
        try:
            vfsmount = mnt.mnt
            sb = vfsmount.mnt_sb
            rows.append((int(mnt), int(sb), superblocks.fstype(sb), _source(mnt),
                         paths.way(mnt, vfsmount.mnt_root).text))
        except crash.error as err:
            problems.append(f"{mnt} of {space}: {err}")
    return _counted(rows, problems, found, space)
