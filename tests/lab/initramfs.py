"""Initial RAM file systems: cpio archives in the "newc" format, as the kernel unpacks them."""

import stat
from dataclasses import dataclass
from typing import Iterable

MAGIC = b"070701"
TRAILER = "TRAILER!!!"


@dataclass(frozen=True)
class File:
    """One member: `mode` includes the file type, `data` is content or a link's target."""

    path: str
    mode: int
    data: bytes = b""


def directory(path: str) -> File:
    """A directory which everybody may read."""
    return File(path, stat.S_IFDIR | 0o755)


def program(path: str, data: bytes) -> File:
    """An executable file."""
    return File(path, stat.S_IFREG | 0o755, data)


def plain(path: str, data: bytes) -> File:
    """A file which is only read."""
    return File(path, stat.S_IFREG | 0o644, data)


def link(path: str, target: str) -> File:
    """A symbolic link to `target`."""
    return File(path, stat.S_IFLNK | 0o777, target.encode())


def archive(files: Iterable[File]) -> bytes:
    """The archive of `files` in their order; a directory has to come before what it holds."""
    members = [_member(inode, file) for inode, file in enumerate(files, start=1)]
    return b"".join(members) + _member(0, File(TRAILER, 0))


def _member(inode: int, file: File) -> bytes:
    """Header, name and data, each padded to a multiple of four bytes."""
    name = file.path.encode() + b"\0"
    links, uid, gid, mtime, device, checksum = 1, 0, 0, 0, (0, 0), 0
    fields = (inode, file.mode, uid, gid, links, mtime, len(file.data), *device, *device,
              len(name), checksum)
    header = MAGIC + b"".join(b"%08X" % field for field in fields)
    return _padded(header + name) + _padded(file.data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
