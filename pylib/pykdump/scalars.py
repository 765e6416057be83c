"""Owns the sizes of C's integers on the kernel's machine, and conversions between them.

Must not read memory.
"""

from __future__ import annotations

from typing import Any

INT_SIZE = 4
LONG_SIZE = PTR_SIZE = pointersize = 8
BITS_PER_INT = 32
BITS_PER_LONG = 64
INT_MASK = 0xffffffff
LONG_MASK = 0xffffffffffffffff
INT_MAX = 0x7fffffff
LONG_MAX = 0x7fffffffffffffff


def unsigned16(value: int) -> int:
    """The value as 16 bits without a sign.  The others likewise."""
    return value & 0xffff


def unsigned32(value: int) -> int:
    return value & INT_MASK


def unsigned64(value: int) -> int:
    return value & LONG_MASK


uInt = unsigned32
uLong = unsigned64


def ALIGN(value: int, alignment: int) -> int:
    """The value rounded up to a multiple of a power of two."""
    return (value + alignment - 1) & ~(alignment - 1)


def atomic_t(obj: Any) -> int:
    """The value of an atomic_t; KeyError for a struct that has no counter."""
    return obj.counter
