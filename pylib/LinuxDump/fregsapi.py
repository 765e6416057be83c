"""Owns the search for what registers held in the frames of a stack.

Must not know what is done with the values.
"""

from __future__ import annotations

from LinuxDump.absent import absent
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here

__version__ = "1.04"

DisasmFlavor, search_for_registers, disasm = absent(__name__, "DisasmFlavor",
                                                    "search_for_registers", "disasm")
