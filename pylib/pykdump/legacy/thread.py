"""Names of Python 2's `thread` that `_thread` does not have."""

from __future__ import annotations

import _thread

__all__ = ["start_new", "allocate", "exit_thread"]

start_new = _thread.start_new_thread
allocate = _thread.allocate_lock
exit_thread = _thread.exit
