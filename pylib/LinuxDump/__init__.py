"""What is known about Linux: how a kernel's structures hold tasks, files, sockets and the rest.

Importing anything here touches no kernel: symbols and types are looked up when first needed, so
that every module can be imported on every dump.  A module is there for what it can really
answer; what a kernel does not have is the error of the call that asks for it.
"""

from __future__ import annotations

from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import Bunch

__version__ = "0.3"
__copyright__ = "GPL-3.0-or-later"


class Constants(Bunch):
    """Names and values that the kernel has as macros, which no debug information knows."""

    def __getattr__(self, name: str) -> int:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def value2key(self, value: int) -> str | None:
        """The last name of a value, None if it has none."""
        return next((name for name in reversed(self) if self[name] == value), None)
