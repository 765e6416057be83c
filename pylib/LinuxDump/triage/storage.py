"""Finds I/O that is stuck: requests older than their timeout, devices that keep what they get."""

from __future__ import annotations

from collections.abc import Iterator

from LinuxDump import blkmq, dm
from LinuxDump.blkmq import Request
from LinuxDump.disks import Disk, disks

from .finding import Evidence, Finding, Severity

_OLD = 30       # seconds, what most drivers give a request
_SHOWN = 3      # requests, and tasks, of a device


def findings() -> Iterator[Finding]:
    """Devices with requests that are too old, then suspended ones for which somebody waits."""
    for disk in disks():
        stuck = [each for each in blkmq.requests(disk.queue).requests if _is_stuck(each)]
        if stuck:
            yield _stuck(disk, stuck)
    for each in dm.all_mapped()[0]:
        if each.suspended and each.deferred:
            yield _suspended(each)


def _is_stuck(request: Request) -> bool:
    limit = min(request.timeout or _OLD, _OLD)
    return request.begun and (request.age or 0) > limit


def _stuck(disk: Disk, stuck: list[Request]) -> Finding:
    first = stuck[0]
    where = "its driver has not answered" if first.place == "driver" \
        else f"it is still in the {first.place}"
    timeout = f" with a timeout of {first.timeout:.0f} s" if first.timeout else ""
    which = f"{len(stuck)} requests on {disk.name} are stuck: the oldest" if len(stuck) > 1 \
        else f"A request on {disk.name} is stuck: it"
    sentence = (f"{which} is a {first.op} of {first.bytes} bytes at sector {first.sector}, begun "
                f"{first.age or 0:.0f} s ago{timeout}; {where}.")
    evidence = [Evidence("request", f"{each.op} at sector {each.sector}, {each.state}, "
                         f"{each.age or 0:.0f} s old", int(each.rq)) for each in stuck[:_SHOWN]]
    return Finding("storage.stuck-request", Severity.ERROR, sentence,
                   (*evidence, *_waiters([each.rq.bio for each in stuck])),
                   "crashinfo --blkreq -v")


def _suspended(each: dm.Mapped) -> Finding:
    count = f"{len(each.deferred)} bios wait" if len(each.deferred) > 1 else "a bio waits"
    return Finding("storage.suspended", Severity.ERROR,
                   f"{each.name} ({each.disk.name}) of the device mapper is suspended, and {count} "
                   "for its resumption.",
                   (Evidence("mapped_device", each.name, int(each.md)),
                    *_waiters(each.deferred)), "crashinfo --devmapper -v")


def _waiters(bios: list[object]) -> list[Evidence]:
    # whoever looks for them reads all stacks, which a healthy machine is spared
    from LinuxDump.iowaits import IoWaiters

    rows = IoWaiters().of(bios)
    return [Evidence("task", f"{row.comm} waits for it and has not run for "
                     f"{row.ran_ago / 1000:.0f} s", row.task, row.pid) for row in rows[:_SHOWN]]
