"""Owns paths: what the kernel calls a dentry in a mount, as the links of /proc/PID show it.

A struct path is two pointers, mount and dentry; the way up from it goes from dentry to parent, and
from the root of a mount to where that is mounted.  Must not know which mounts there are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from LinuxDump.fs.dentries import IS_ROOT, get_dentry_name, is_unlinked
from pykdump.API import CU_LIVE, CU_LOAD, crash, member_offset, memoize_cond, readSU

# Each step of a way up costs at least two bytes of a path, of which the kernel shows 4096.
_MAX_STEPS = 4096
DELETED = " (deleted)"


class Way(NamedTuple):
    """How a path leads up.

    text    the path
    end     "root": to the root that was asked for; "top": to that of all mounts; "detached": to a
            mount that is in no namespace; "escaped": out of its mount
    """

    text: str
    end: str


@memoize_cond(CU_LOAD)
def _mnt_offset() -> int:
    """Where a struct mount has the struct vfsmount that others point to."""
    offset = member_offset("struct mount", "mnt")
    if offset < 0:
        raise TypeError("this kernel has no struct mount with a struct vfsmount in it")
    return offset


def real_mount(vfsmount: int) -> Any:
    """The struct mount of a struct vfsmount; TypeError on kernels before 3.3."""
    return readSU("struct mount", int(vfsmount) - _mnt_offset())


class Paths:
    """Ways up, each part of them read once."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[str, Any]] = {}        # dentry -> name, parent
        self._mounts: dict[int, tuple[int, Any, Any, bool]] = {}
        self._functions: dict[int, str] = {}                # struct dentry_operations -> d_dname

    def way(self, mnt: int, dentry: int, root: tuple[int, int] = (0, 0)) -> Way:
        """From a dentry in a struct mount up to `root`, another (mount, dentry), or to the top.

        crash.error for what cannot be read or has no end.
        """
        parts: list[str] = []
        here, at = int(mnt), int(dentry)
        for _ in range(_MAX_STEPS):
            if (here, at) == root:
                return Way(_joined(parts), "root")
            top, parent, point, attached = self._mount(here)
            if at == top:
                if parent == here:
                    return Way(_joined(parts), "top" if attached else "detached")
                here, at = int(parent), int(point)
                continue
            name, above = self._name(at)
            if above == at:
                return Way("/", "escaped")
            parts.append(name)
            at = int(above)
        raise crash.error(f"the path of <struct dentry 0x{dentry:x}> in <struct mount 0x{mnt:x}> "
                          f"has no end: {_MAX_STEPS} steps")

    def inside(self, dentry: int) -> str:
        """The path of a dentry from the root of its filesystem; crash.error as above."""
        parts: list[str] = []
        at = int(dentry)
        for _ in range(_MAX_STEPS):
            name, above = self._name(at)
            if above == at:
                return _joined(parts)
            parts.append(name)
            at = int(above)
        raise crash.error(f"the path of <struct dentry 0x{dentry:x}> has no end: "
                          f"{_MAX_STEPS} steps")

    def shown(self, mnt: int, dentry: Any, root: tuple[int, int] = (0, 0)) -> str:
        """What a link of /proc/PID says: the path, or what the filesystem calls its file."""
        operations = dentry.d_op
        if operations:
            make = _NAMED.get(self._d_dname(operations))
            if make and not (IS_ROOT(dentry) and dentry == self._mount(int(mnt))[0]):
                return make(dentry)
        text = self.way(mnt, dentry, root).text
        return text + DELETED if is_unlinked(dentry) else text

    def _d_dname(self, operations: Any) -> str:
        name = self._functions.get(operations)
        if name is None:
            function = operations.d_dname
            name = (crash.addr2sym(int(function)) or "") if function else ""
            self._functions[operations] = name
        return name

    def _name(self, dentry: int) -> tuple[str, Any]:
        known = self._names.get(dentry)
        if known is None:
            struct = readSU("struct dentry", dentry)
            known = self._names[dentry] = (get_dentry_name(struct), struct.d_parent)
        return known

    def _mount(self, mnt: int) -> tuple[int, Any, Any, bool]:
        """Its root, the mount it is on, the dentry it is on, whether it is in a namespace."""
        known = self._mounts.get(mnt)
        if known is None:
            struct = readSU("struct mount", mnt)
            parent, space = struct.mnt_parent, int(struct.mnt_ns)
            # a mount that is in no namespace has NULL or an error number there
            attached = bool(space) and space < (1 << 64) - 4096
            known = self._mounts[mnt] = (struct.mnt.mnt_root, parent, struct.mnt_mountpoint,
                                         attached)
        return known


@memoize_cond(CU_LIVE)
def all_paths() -> Paths:
    """Ways up that are shared by all who ask on a dump."""
    return Paths()


def _joined(parts: list[str]) -> str:
    return "/" + "/".join(reversed(parts))


def path_of(path: Any, root: tuple[int, int] = (0, 0)) -> str:
    """What /proc shows for a struct path, "" for an empty one; crash.error if unreadable."""
    dentry = path.dentry
    if not dentry:
        return ""
    return all_paths().shown(real_mount(path.mnt), dentry, root)


# -- filesystems that nobody mounts ------------------------------------------------------------

def _numbered(kind: str) -> Callable[[Any], str]:
    return lambda dentry: f"{kind}:[{dentry.d_inode.i_ino}]"


def _anonymous(dentry: Any) -> str:
    return f"anon_inode:{get_dentry_name(dentry)}"


def _nameless(dentry: Any) -> str:
    return f"/{get_dentry_name(dentry)}{DELETED}"


def _namespace(dentry: Any) -> str:
    inode = dentry.d_inode
    try:
        # 6.9: 1fa08aece425 ("nsfs: convert to path_from_stashed() helper")
        operations = readSU("struct ns_common", inode.i_private).ops
    except (KeyError, crash.error):
        operations = readSU("struct proc_ns_operations", dentry.d_fsdata)
    return f"{operations.name}:[{inode.i_ino}]"


def _dma_buffer(dentry: Any) -> str:
    name = readSU("struct dma_buf", dentry.d_fsdata).name
    return f"/{get_dentry_name(dentry)}:{name or ''}"


# The function that makes up a name -> the same
_NAMED: dict[str, Callable[[Any], str]] = {
    "pipefs_dname": _numbered("pipe"),
    "sockfs_dname": _numbered("socket"),
    "anon_inodefs_dname": _anonymous,
    "pidfs_dname": lambda dentry: "anon_inode:[pidfd]",
    "simple_dname": _nameless,      # shared memory, huge pages, AIO
    "ns_dname": _namespace,
    "dmabuffs_dname": _dma_buffer,
}
