"""Owns the filesystems that there are: each superblock with its mounts, its numbers, its health.

Must not know what is wrong with any of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.fs import getMount
from LinuxDump.fs.health import Health, frozen_level, health, unreadable
from LinuxDump.fs.superblocks import all_superblocks, fstype
from LinuxDump.fs.usage import Usage, usage
from pykdump.API import CU_LIVE, crash, memoize_cond
from pykdump.plaintext import one_line

_SB_RDONLY = 1


class Filesystem(NamedTuple):
    """One superblock.

    points    where the first process has it mounted; [] if nowhere
    usage     None if there are no such numbers, or none are known
    """

    sb: Any
    kind: str
    device: str
    points: list[str]
    usage: Usage | None
    health: Health
    problems: list[str]     # what could not be read of its numbers

    @property
    def name(self) -> str:
        """Type, device, and where it is mounted: "ext4 on sda1 (/home)"."""
        where = f" ({self.points[0]})" if self.points else ""
        return f"{self.kind} on {self.device}{where}"


class FilesystemList(NamedTuple):
    """Filesystems, and what could not be read of them: sentences.

    untold    kinds whose modules' types the dump does not have: a kernel before 5.11, without
              debug information of modules
    """

    filesystems: list[Filesystem]
    problems: list[str]
    untold: list[str]


@memoize_cond(CU_LIVE)
def filesystems() -> FilesystemList:
    """All that the kernel has, in its order."""
    found, problems = all_superblocks()
    points: dict[int, list[str]] = {}
    for row in getMount():
        points.setdefault(row[1], []).append(row[4])
    made: list[Filesystem] = []
    untold: set[str] = set()
    for sb in found:
        try:
            kind, device = fstype(sb), str(sb.s_id)
            state = Health(frozen_level(sb), bool(sb.s_flags & _SB_RDONLY))
        except crash.error as err:
            problems.append(f"{sb}: {err}")
            continue
        numbers = None
        own: list[str] = []
        try:
            state = health(sb)
            numbers = usage(sb)
        except TypeError as err:
            own.append(unreadable(err))
            untold.add(kind)
        except (crash.error, KeyError, IndexError) as err:
            own.append(unreadable(err))
            problems.append(one_line(f"{kind} on {device} {sb}: {own[0]}"))
        made.append(Filesystem(sb, kind, device, points.get(int(sb), []), numbers, state, own))
    return FilesystemList(made, problems, sorted(untold))
