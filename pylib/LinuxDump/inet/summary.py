"""Owns sums over sockets and interfaces.

Must not know sockets' tables.
"""

from __future__ import annotations

from LinuxDump.absent import absent
from LinuxDump.inet import *  # noqa: F401,F403 - programs take both from here

TCPIP_Summarize, IF_Summarize = absent(__name__, "TCPIP_Summarize", "IF_Summarize")
