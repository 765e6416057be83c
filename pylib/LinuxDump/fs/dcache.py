"""Owns listings of directories, as far as the kernel has them cached, in the manner of ls -l.

Must not know any one filesystem.
"""

from __future__ import annotations

import posixpath
import stat
import string   # noqa: F401 - programs take it from here
import time
from typing import Any

from LinuxDump.fs import *  # noqa: F401,F403 - programs take everything of it from here
from LinuxDump.fs import dentries, getMount
from LinuxDump.fs.inodes import inode_time, owner
from LinuxDump.fs.mounts import init_namespace, structs
from pykdump.API import CU_LIVE, crash, memoize_cond, pylog, readSU
from pykdump.plaintext import one_line

# The values of stat.h, with predicates of the same names: S_ISDIR(mode) ...
from stat import (S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG,  # noqa: F401
                  S_IFSOCK, S_IRGRP, S_IROTH, S_IRUSR, S_IRWXG, S_IRWXO, S_IRWXU, S_ISBLK,
                  S_ISCHR, S_ISDIR, S_ISFIFO, S_ISGID, S_ISLNK, S_ISREG, S_ISSOCK, S_ISUID,
                  S_ISVTX, S_IWGRP, S_IWOTH, S_IWUSR, S_IXGRP, S_IXOTH, S_IXUSR)

S_IFMT = 0o170000       # of module stat it is a function

_NS_PER_S = 1_000_000_000
_MAX_STACKED = 1000     # mounts, one on the root of the other


def read_dir(dentry: Any) -> list[Any]:
    """The cached struct dentry in a directory, names without an inode too; [] if it is none.

    Damage is reported in the log, and what was found is delivered.
    """
    if not dentry:
        return []
    try:
        if not dentry.d_inode or not S_ISDIR(dentry.d_inode.i_mode):
            return []
        found, report = dentries.children(dentry)
    except crash.error as err:
        pylog.error(f"{dentry} cannot be listed: {err}")
        return []
    if not report.whole:
        pylog.error(f"children of {dentry}: {report}; {len(found)} could be read")
    return found


@memoize_cond(CU_LIVE)
def _mounted() -> dict[tuple[int, int], Any]:
    """(struct mount, dentry in it) -> the struct mount that covers it."""
    covers = {}
    for mnt in structs(init_namespace()).mounts:
        try:
            covers[int(mnt.mnt_parent), int(mnt.mnt_mountpoint)] = mnt
        except crash.error:
            continue        # getMount() reports it
    return covers


def _uppermost(mnt: int, dentry: Any) -> tuple[int, Any]:
    """What is seen at a dentry: the root of what is mounted there, if something is."""
    for _ in range(_MAX_STACKED):
        above = _mounted().get((int(mnt), int(dentry)))
        if not above:
            break
        mnt, dentry = above, above.mnt.mnt_root
    return mnt, dentry


def pathname2dentry(pn: str) -> tuple[Any, Any]:
    """(struct dentry, address of the struct mount) of a path of the first process.

    The dentry is None if the kernel has none cached, both if no mount matches.  Links are not
    followed.
    """
    if not pn.startswith("/"):
        return None, None
    path = posixpath.normpath("/" + pn.lstrip("/"))
    best = None
    for row in getMount():
        point = row[4]
        if point and (path == point or path.startswith(point.rstrip("/") + "/")):
            if best is None or len(point) >= len(best[4]):
                best = row
    if best is None:
        return None, None
    mnt, point = best[0], best[4]
    try:
        dentry = readSU("struct mount", mnt).mnt.mnt_root
        for name in path[len(point):].strip("/").split("/"):
            if name:
                dentry = _child(dentry, name)
            if dentry is None:
                break
    except crash.error as err:
        pylog.error(f"{path} cannot be looked up: {err}")
        dentry = None
    return dentry, mnt


def _child(dentry: Any, name: str) -> Any:
    for child in read_dir(dentry):
        try:
            if dentries.get_dentry_name(child) == name:
                return child
        except crash.error as err:
            pylog.error(f"the name of {child} cannot be read: {err}")
    return None


def print_dentry(dentry: Any, v: int = 0, vfsmnt: int = 0) -> None:
    """Print a line of ls -l; with `v` where the kernel has it.

    A name that is no more, or was looked up in vain, is shown with `v` above 1 only.  `vfsmnt`, a
    struct mount, lets the line be of what is mounted there.  crash.error for what cannot be read.
    """
    _print_named(dentry, dentries.get_dentry_name(dentry) or "/", v, vfsmnt)


def _print_named(dentry: Any, name: str, v: int, mnt: int) -> None:
    if not dentry.d_inode or dentries.is_unlinked(dentry):
        if v > 1:
            print(f" -- {dentry} (stale) {one_line(name)}")
        return
    if mnt:
        dentry = _uppermost(mnt, dentry)[1]
    inode = dentry.d_inode
    mode = inode.i_mode
    if v:
        print(f" -- {dentry} {one_line(name)}")
        print(f"{inode}  mode={mode:08o}")
    uid, gid = owner(inode)
    print(f" {stat.filemode(mode)} {uid:5} {gid:5} {inode.i_size:10} {_date(inode)} "
          f"{one_line(name)}")


def _date(inode: Any) -> str:
    try:
        then = time.localtime(inode_time(inode) // _NS_PER_S)
        return time.strftime("%Y-%m-%d %H:%M", then)
    except (OverflowError, ValueError, OSError):        # no time that a file can have
        return "????-??-?? ??:??"


def _order(name: str) -> tuple[str, str]:
    return name.lstrip(".").lower(), name


def ls_pathname(pn: str, v: int = 0) -> None:
    """List a path, or a struct dentry given by its address in hexadecimal."""
    mnt: Any = 0
    if pn.startswith("/"):
        dentry, mnt = pathname2dentry(pn)
    else:
        try:
            address = int(pn, 16)
        except ValueError:
            address = 0
        dentry = readSU("struct dentry", address) if 0 < address < 1 << 64 else None
    if dentry is None:
        print(f"Cannot list {pn}")
        return
    try:
        if not dentry.d_inode:
            print("Inode is unavailable")
            return
        name = posixpath.basename(pn.rstrip("/")) if mnt else dentries.get_dentry_name(dentry)
        _print_named(dentry, name or "/", v, 0)
    except crash.error as err:
        print(f"Cannot list {pn}: {err}")
        return
    if S_ISDIR(dentry.d_inode.i_mode):
        _print_directory(dentry, v, mnt)


def _print_directory(dentry: Any, v: int, mnt: int) -> None:
    print("=== Listing Directory Contents")
    named = []
    for child in read_dir(dentry):
        try:
            named.append((_order(dentries.get_dentry_name(child)), child))
        except crash.error as err:
            pylog.error(f"the name of {child} cannot be read: {err}")
    for _name, child in sorted(named, key=lambda pair: pair[0]):
        try:
            print_dentry(child, v, mnt or 0)
        except crash.error as err:
            pylog.error(f"{child} cannot be listed: {err}")
