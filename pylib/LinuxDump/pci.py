"""Owns resources of the machine, ranges of addresses and ports, and PCI devices.

Must not know any driver.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from LinuxDump.absent import absent
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import crash, pylog, readSU, sym2addr

__all__ = ("print_PCI_devices", "print_PCI_resources")

_MAX_RESOURCES = 100_000
_MAX_DEPTH = 32

print_PCI_devices, get_PCI_devices = absent(__name__, "print_PCI_devices", "get_PCI_devices")


def resources(name: str) -> Iterator[tuple[int, Any]]:
    """(depth, struct resource) of all below "iomem_resource" or "ioport_resource".

    Damage ends it, with a line in the log.
    """
    root = readSU("struct resource", sym2addr(name))
    # A stack of what is to be seen: the depth of a chain of siblings, and its first.
    pending = [(0, root.child)]
    for _ in range(_MAX_RESOURCES):
        if not pending:
            return
        depth, resource = pending.pop()
        if not resource or depth >= _MAX_DEPTH:
            continue
        try:
            sibling, child = resource.sibling, resource.child
        except crash.error as err:
            pylog.error(f"{name}: {err}")
            continue
        yield depth, resource
        pending += [(depth, sibling), (depth + 1, child)]
    if pending:
        pylog.error(f"{name} has more than {_MAX_RESOURCES} entries, or they are a circle")


def print_PCI_resources(v: int = 0) -> None:
    """Print addresses and ports as /proc/iomem and /proc/ioports do."""
    for name in ("iomem_resource", "ioport_resource"):
        print(name.center(70, "="))
        root = readSU("struct resource", sym2addr(name))
        digits = 4 if root.end < 1 << 16 else 8
        for depth, resource in resources(name):
            try:
                label = str(resource.name or "<BAD>")
            except crash.error:
                label = "<BAD>"
            print(f"{'  ' * depth}{resource.start:0{digits}x}-{resource.end:0{digits}x} : {label}")
