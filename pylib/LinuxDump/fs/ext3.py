"""Owns what is shown of the sizes of ext2, ext3 and ext4 filesystems.

Must not know other filesystems.
"""

from __future__ import annotations

from LinuxDump.fs import getMount
from LinuxDump.fs.health import health, unreadable
from LinuxDump.fs.superblocks import operations
from LinuxDump.fs.usage import usage
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import crash, pylog, readSU
from pykdump.plaintext import one_line

_KIB = 1024


def showExt3() -> None:
    """Print sizes of mounted ext2, ext3 and ext4 filesystems, each once: nothing without any."""
    seen: set[int] = set()
    for mnt, address, kind, device, point in getMount():
        sb = readSU("struct super_block", address)
        try:
            if address in seen or operations(sb) != "ext4_sops":
                continue
            seen.add(address)
            found, state = usage(sb), health(sb)
        except (crash.error, KeyError, TypeError) as err:
            pylog.error(one_line(f"{device} on {point}: {unreadable(err)}"))
            continue
        if found is None:
            continue
        words = ", ".join(state.words())
        line = one_line(f"<struct mount 0x{mnt:x}> {kind} {device} {point}")
        print(f"{line}  ({words})" if words else line)
        for number, text in ((found.blocks * found.block_size // _KIB,
                              "size of fs in 1KB blocks"),
                             (found.block_size, "block size"), (found.free, "free blocks"),
                             (found.available, "free blocks for non-root"),
                             (found.files, "inodes"), (found.files_free, "free inodes")):
            print(f"{number:10d}    {text}")
