"""Owns neighbours: which hardware addresses belong to IP addresses.

Must not know sockets' tables.
"""

from __future__ import annotations

from LinuxDump.absent import absent
from LinuxDump.inet import *  # noqa: F401,F403 - programs take both from here

print_neighbour_info = absent(__name__, "print_neighbour_info")
