"""Owns request queues of block devices and what is in flight on them.

Must not know drivers.
"""

from __future__ import annotations

from typing import Any

from LinuxDump import crashcolor     # noqa: F401 - programs take it from here
from LinuxDump.absent import absent
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here

# struct request_queue -> the name of its device, of the queues that were asked for
rq_names: dict[Any, str] = {}

get_all_request_queues, get_queue_requests = absent(__name__, "get_all_request_queues",
                                                    "get_queue_requests")
