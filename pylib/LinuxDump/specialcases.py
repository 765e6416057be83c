"""Owns checks for problems that are known of some software.

There are none yet.  Must not know what programs print around it.
"""

from __future__ import annotations

from pykdump.API import *  # noqa: F401,F403 - programs take the API from here


def check_specialcases(v: int = 0) -> None:
    """Run all checks; silent when none finds its problem."""
