"""Where programs written for earlier versions find what is in the API now."""

from typing import Any

from . import API

__all__ = API.__all__


def __getattr__(name: str) -> Any:
    return getattr(API, name)
