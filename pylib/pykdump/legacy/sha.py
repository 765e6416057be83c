"""Python 2's `sha`."""

from __future__ import annotations

import hashlib

__all__ = ["sha", "new"]

sha = new = hashlib.sha1
