"""Python 2's `md5`."""

from __future__ import annotations

import hashlib

__all__ = ["md5", "new"]

md5 = new = hashlib.md5
