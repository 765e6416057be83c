"""Owns what is shown of ext3 filesystems.

Must not know other filesystems.
"""

from __future__ import annotations

from LinuxDump.absent import absent
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import readSUListFromHead, sym2addr

_MAX_SUPERBLOCKS = 100_000
_show = absent(__name__, "showExt3")


def showExt3() -> None:
    """Print what there is of mounted ext3 filesystems: nothing without any."""
    for sb in readSUListFromHead(sym2addr("super_blocks"), "s_list", "struct super_block",
                                 maxel=_MAX_SUPERBLOCKS):
        if sb.s_type.name == "ext3":
            _show()
