"""Python 2's `exceptions`: the built-in exceptions, and their old common base."""

from __future__ import annotations

import builtins

StandardError = Exception
_BUILT_IN = {name: value for name, value in vars(builtins).items()
             if isinstance(value, type) and issubclass(value, BaseException)}
globals().update(_BUILT_IN)
__all__ = ["StandardError", *_BUILT_IN]
