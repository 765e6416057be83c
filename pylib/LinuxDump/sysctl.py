"""Owns sysctl tables: what is tuned below /proc/sys.

Must not know what the settings mean.
"""

from __future__ import annotations

from LinuxDump.absent import absent
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here

getCtlTables, getCtlData = absent(__name__, "getCtlTables", "getCtlData")
