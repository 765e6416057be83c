"""Owns kobjects, devices' names and klists, the lists that devices are on.

Must not know any kind of device.
"""

from __future__ import annotations

from typing import Any

from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import readSUListFromHead

_MAX_NODES = 20_000


def klistAll(klist: Any) -> list[Any]:
    """struct klist_node of all that is on a struct klist."""
    return readSUListFromHead(klist.k_list, "n_node", "struct klist_node", maxel=_MAX_NODES)


def kobj_name(kobj: Any) -> str:
    """The name of a struct kobject, "" if it has none."""
    return str(kobj.name or "")


def dev_name(dev: Any) -> str:
    """The name of a struct device."""
    return str(dev.init_name or kobj_name(dev.kobj))
