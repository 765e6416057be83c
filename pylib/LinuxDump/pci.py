"""Owns resources of the machine, ranges of addresses and ports, and PCI devices.

Devices are found by the buses they are on.  Must not know any driver.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from LinuxDump.kobjects import dev_name
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import crash, pylog, readSU, sym2addr, walk_list
from pykdump.plaintext import one_line

__all__ = ("print_PCI_devices", "print_PCI_resources")

_MAX_RESOURCES = 100_000
_MAX_DEPTH = 32
_MAX_BUSES, _MAX_DEVICES = 65_536, 1 << 20
_NAME = re.compile(r"([0-9a-f]{4,}):[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\Z")


class PCIDevice(NamedTuple):
    """A PCI device."""

    name: str           # "0000:00:1f.2": domain, bus, slot, function
    device: Any         # struct pci_dev
    pci_class: int      # 24 bits: class, subclass, interface
    vendor: int
    product: int        # what the vendor calls it
    revision: int
    driver: str         # "" without one


def pci_devices() -> list[PCIDevice]:
    """The PCI devices by address; those that cannot be read are reported in the log."""
    found = []
    for device in get_PCI_devices():
        try:
            driver = device.driver
            found.append(PCIDevice(
                _name(device), device, getattr(device, "class"), device.vendor, device.device,
                device.revision, one_line(driver.name or "") if driver else ""))
        except crash.error as err:
            pylog.error(f"{device}: {err}")
    return sorted(found)


def get_PCI_devices() -> list[Any]:
    """struct pci_dev of all devices, bus by bus; [] for a kernel without PCI."""
    found: list[Any] = []
    for bus in _buses():
        found += _listed(bus.devices, "struct pci_dev", "bus_list", f"devices of {bus}")
        if len(found) > _MAX_DEVICES:
            pylog.error(f"there are more than {_MAX_DEVICES} PCI devices")
            break
    return found


def _buses() -> Iterator[Any]:
    """struct pci_bus of all, those below others after them."""
    root = sym2addr("pci_root_buses")
    pending = _listed(root, "struct pci_bus", "node", "PCI root buses") if root else []
    seen: set[int] = set()
    while pending:
        bus = pending.pop(0)
        if int(bus) in seen or len(seen) >= _MAX_BUSES:
            pylog.error(f"{bus} is below itself, or there are too many")
            continue
        seen.add(int(bus))
        yield bus
        pending += _listed(bus.children, "struct pci_bus", "node", f"buses below {bus}")


def _listed(head: int, sname: str, member: str, what: str) -> list[Any]:
    found, report = walk_list(head, sname, member, limit=_MAX_DEVICES)
    if not report.whole:
        pylog.error(f"{what}: {report}")
    return list(found)


def _name(device: Any) -> str:
    """The device's own name; made of its address if that is damaged."""
    try:
        name = str(dev_name(device.dev))
    except crash.error:
        name = ""
    if _NAME.match(name):
        return name
    bus = device.bus
    return f"????:{bus.number if bus else 0:02x}:{device.devfn >> 3:02x}.{device.devfn & 7}"


def print_PCI_devices(v: int = 0) -> None:
    """Print address, class, vendor, product and revision of each device; v: struct pci_dev, too."""
    for known in pci_devices():
        if v:
            print(f" {known.device} ".center(60, "-"))
        driver = f" {known.driver}" if v and known.driver else ""
        print(f"{known.name} {known.pci_class >> 8:04x}: {known.vendor:04x}:{known.product:04x} "
              f"(rev {known.revision:02x}){driver}")


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
                label = one_line(resource.name or "<BAD>")
            except crash.error:
                label = "<BAD>"
            print(f"{'  ' * depth}{resource.start:0{digits}x}-{resource.end:0{digits}x} : {label}")


def print_pci(verbose: int = 0) -> None:
    """Print PCI devices, then addresses and ports: what `crashinfo --pci` shows."""
    print_PCI_devices(verbose)
    print_PCI_resources(verbose)
