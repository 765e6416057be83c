"""What the first process has mounted."""

from __future__ import annotations

from LinuxDump.fs import getMount
from LinuxDump.fs.mounts import escaped
from pykdump.plaintext import one_line


def show(verbose: int) -> None:
    """Print it as crash's `mount` does, blanks in names as /proc/mounts has them."""
    rows = [tuple(map(one_line, (f"{mnt:x}", f"{sb:x}", kind, escaped(device), escaped(point))))
            for mnt, sb, kind, device, point in getMount()]
    rows.insert(0, ("MOUNT", "SUPERBLK", "TYPE", "DEVNAME", "DIRNAME"))
    for mnt, sb, kind, device, point in rows:
        print(f"{mnt:^16} {sb:^16} {kind:<6} {device:<9} {point}")


def data() -> list[dict[str, str]]:
    """One object a mount: its address, that of its superblock, type, device, and where it is."""
    names = ("mount", "superblock", "type", "device", "point")
    return [dict(zip(names, (f"0x{mnt:x}", f"0x{sb:x}", kind, device, point)))
            for mnt, sb, kind, device, point in getMount()]
