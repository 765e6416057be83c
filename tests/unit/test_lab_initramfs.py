"""The lab's cpio archives, read back field by field."""

import stat
from typing import Iterator

from tests.lab import initramfs

HEADER = 110


def members(archive: bytes) -> Iterator[tuple[str, int, int, bytes]]:
    """(path, mode, inode, data) of each member, the trailer included."""
    at = 0
    while at < len(archive):
        assert archive[at:at + 6] == b"070701"
        fields = [int(archive[start:start + 8], 16)
                  for start in range(at + 6, at + HEADER, 8)]
        inode, mode, size, name_size = fields[0], fields[1], fields[6], fields[11]
        name = archive[at + HEADER:at + HEADER + name_size]
        assert name.endswith(b"\0")
        start = (at + HEADER + name_size + 3) & ~3
        yield name[:-1].decode(), mode, inode, archive[start:start + size]
        at = (start + size + 3) & ~3


def test_members_come_back() -> None:
    archive = initramfs.archive([
        initramfs.directory("bin"),
        initramfs.program("bin/a", b"12345"),
        initramfs.plain("bin/empty", b""),
        initramfs.link("bin/sh", "busybox"),
    ])
    found = list(members(archive))
    assert [(path, data) for path, _, _, data in found] == [
        ("bin", b""), ("bin/a", b"12345"), ("bin/empty", b""), ("bin/sh", b"busybox"),
        ("TRAILER!!!", b"")]
    kinds = [stat.S_IFMT(mode) for _, mode, _, _ in found[:-1]]
    assert kinds == [stat.S_IFDIR, stat.S_IFREG, stat.S_IFREG, stat.S_IFLNK]
    assert found[1][1] & 0o777 == 0o755
    inodes = [inode for _, _, inode, _ in found[:-1]]
    assert len(set(inodes)) == len(inodes)


def test_everything_is_aligned() -> None:
    for length in range(9):
        archive = initramfs.archive([initramfs.plain("x" * (length + 1), b"y" * length)])
        assert len(archive) % 4 == 0
        assert next(members(archive))[3] == b"y" * length
