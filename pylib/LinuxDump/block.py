"""Owns request queues of block devices as programs ask for them: by name, with their requests.

Must not know drivers.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Any, NamedTuple

from LinuxDump import blkmq
from LinuxDump import crashcolor     # noqa: F401 - programs take it from here
from LinuxDump.disks import disks
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import pylog

# struct request_queue -> the name of its device, of the queues that were asked for
rq_names: dict[Any, str] = {}


class RequestInfo(NamedTuple):
    """What is attached to each struct request as `_reqinfo_`.

    rq_alloc    when it was begun, in seconds relative to now: negative; 0 if unknown
    state       "in flight", "complete", or where it waits: "scheduler", "requeue list" ...
    """

    rq_alloc: float
    state: str


def get_all_request_queues(filter: str = "") -> Iterator[Any]:
    """struct request_queue of every disk, or of those whose names fit: "sda", "nvme*", part of one.

    rq_names knows their names then.
    """
    for disk in disks():
        if not filter or filter in disk.name or fnmatch.fnmatchcase(disk.name, filter):
            rq_names[disk.queue] = disk.name
            yield disk.queue


def get_queue_requests(rq: Any) -> list[Any]:
    """struct request of all that are in use in a queue, the oldest first, each with `_reqinfo_`.

    What cannot be read is reported in the log.
    """
    found = blkmq.requests(rq)
    for text in found.problems:
        pylog.error(text)
    for each in found.requests:
        state = each.place if each.state == "idle" else each.state
        each.rq._reqinfo_ = RequestInfo(-(each.age or 0.0), state)
    return [each.rq for each in found.requests]
