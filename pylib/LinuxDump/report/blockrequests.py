"""Requests of block devices that had not come to their end."""

from __future__ import annotations

from typing import Any

from LinuxDump import blkmq, dm
from LinuxDump.Dev import print_request_queues, print_request_slab
from LinuxDump.disks import disks
from pykdump.plaintext import one_line


def show(verbose: int) -> None:
    """Warn if there are some; with -v print each of them."""
    print_request_slab(-1)
    if verbose:
        print_request_queues(verbose)
        print_request_slab(verbose)
    found, problems = dm.all_mapped()
    for each in found:
        if each.suspended:
            print(f"   {one_line(f'{each.name} ({each.disk.name})')} is suspended; bios that wait "
                  f"for its resumption: {len(each.deferred)}")
    for text in problems if verbose else ():
        print(f"   {text}")


def data() -> list[dict[str, Any]]:
    """One object a request in use: disk, address, operation, sector, bytes, state, age ..."""
    return [{**each._asdict(), "rq": f"0x{int(each.rq):x}", "disk": disk.name}
            for disk in disks() for each in blkmq.requests(disk.queue).requests if each.begun]
