"""Owns zones of memory as crash's `kmem -f` lists them.

Must not know the memory map.
"""

from __future__ import annotations

from LinuxDump.absent import absent
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here

parse_kmemf, print_Zone, check_kmemf = absent(__name__, "parse_kmemf", "print_Zone", "check_kmemf")
