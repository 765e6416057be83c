"""The Python side of mpykdump: programs' life, caches, options and the API they import.

The C side calls `pykdump.session`, programs import `pykdump.API`.  Here is what watches them.
"""

from .tracing import gettrace, settrace

__all__ = ["gettrace", "settrace"]
