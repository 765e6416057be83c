"""Owns what a program says of its version.

Must not know programs.
"""

from __future__ import annotations

import _pykdump


def print_version(program: str, version: str, verbose: int) -> None:
    """Print a program's version; if `verbose` that of the plug-in, too."""
    print(f"{program} version {version}")
    if verbose:
        print(f"C-Module version: {_pykdump.version}")
