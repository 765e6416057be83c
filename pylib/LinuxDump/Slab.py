"""Owns addresses of slab objects, as programs ask for them.

Must not know how slabs are laid out: pykdump.API.walk_slab delivers the allocated ones.
"""

from __future__ import annotations

from LinuxDump.absent import absent
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here

get_slab_addrs = absent(__name__, "get_slab_addrs")
