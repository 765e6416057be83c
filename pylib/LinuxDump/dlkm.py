"""Owns the list of modules that were loaded in the kernel.

Must not know their debug information.
"""

from __future__ import annotations

from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import pylog, sym2addr, walk_list

_MAX_MODULES = 10_000


def lsmod() -> dict[str, int]:
    """Names of the modules, and where the struct module of each is.

    They come as in /proc/modules, the one that was loaded last first.
    """
    head = sym2addr("modules")
    if not head:
        return {}           # a kernel without modules
    found, report = walk_list(head, "struct module", "list", limit=_MAX_MODULES)
    if not report.whole:
        pylog.error(f"list of modules: {report}")
    return {str(module.name): int(module) for module in found}
