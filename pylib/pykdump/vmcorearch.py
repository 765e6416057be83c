"""Where programs written for earlier versions find what machine the dump is from."""

from .scalars import BITS_PER_LONG, LONG_MASK, LONG_SIZE, PTR_SIZE, pointersize
from .sysinfo import sys_info

__all__ = ("BITS_PER_LONG", "LONG_MASK", "LONG_SIZE", "PTR_SIZE", "pointersize", "sys_info")
