"""Owns hooks of netfilter.

Must not know sockets' tables.
"""

from __future__ import annotations

from LinuxDump.absent import absent
from LinuxDump.inet import *  # noqa: F401,F403 - programs take both from here

nf = absent(__name__, "nf")
