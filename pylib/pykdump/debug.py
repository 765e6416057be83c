"""The face of the remote debugger for programs: `from pykdump import debug; debug.set_trace()`.

`epython --listen PROG` needs no change of the program.
"""

from .remote import set_trace

__all__ = ["set_trace"]
