"""Owns the counters that /proc/net/snmp and netstat show.

Must not know what they mean.
"""

from __future__ import annotations

from LinuxDump.absent import absent
from LinuxDump.inet import *  # noqa: F401,F403 - programs take both from here

snmp4_tables = [f"{name}_statistics" for name in ("ip", "icmp", "tcp", "udp", "net")]

SnmpTable = absent(__name__, "SnmpTable")
