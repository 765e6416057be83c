"""Python 3's `pipes`, as far as programs use it: quoting for the shell."""

from __future__ import annotations

from shlex import quote

__all__ = ["quote"]
