"""Filesystems that are frozen, shut down, or have met an error."""

from __future__ import annotations

from typing import Any

from LinuxDump.fs.mounted import Filesystem, filesystems
from pykdump.API import pylog
from pykdump.plaintext import one_line


def show(verbose: int) -> None:
    """Warn of frozen ones, with -v by name; one line for each that an error has stopped."""
    found = filesystems()
    for text in found.problems:
        pylog.error(text)
    frozen = [each for each in found.filesystems if each.health.frozen]
    if frozen:
        pylog.warning("There are frozen FS, rerun with '-v' to get a list")
    for each in frozen if verbose else ():
        print(f"   {each.sb} {one_line(each.name)} is frozen ({each.health.frozen})")
    for each in found.filesystems:
        if each.health.shutdown or each.health.aborted:
            print(f"   {each.sb} "
                  + one_line(f"{each.name}: {', '.join(each.health.words())}"))
    if found.untold and verbose:
        untold = one_line(", ".join(found.untold))
        print(f"   not looked into: {untold} (the dump has no types of these modules)")


def data() -> list[dict[str, Any]]:
    """One object a filesystem that is not well: superblock, name, and what is the matter."""
    return [_record(each) for each in filesystems().filesystems
            if each.health.frozen or each.health.shutdown or each.health.aborted]


def _record(each: Filesystem) -> dict[str, Any]:
    return {"superblock": f"0x{int(each.sb):x}", "name": each.name, "points": each.points,
            "frozen": each.health.frozen, "shutdown": each.health.shutdown,
            "aborted": each.health.aborted, "errors": each.health.errors}
