"""Owns the sizes of C's integers on the kernel's machine, and conversions between them.

Must not read memory.
"""

from __future__ import annotations

from typing import Any

INT_SIZE = 4
"""Bytes of an int."""
LONG_SIZE = 8
"""Bytes of a long."""
PTR_SIZE = 8
"""Bytes of a pointer."""
pointersize = 8
"""Bytes of a pointer."""
BITS_PER_INT = 32
"""Bits of an int."""
BITS_PER_LONG = 64
"""Bits of a long."""
INT_MASK = 0xffffffff
"""An unsigned int with all bits set."""
LONG_MASK = 0xffffffffffffffff
"""An unsigned long with all bits set."""
INT_MAX = 0x7fffffff
"""The largest int."""
LONG_MAX = 0x7fffffffffffffff
"""The largest long."""


def unsigned16(value: int) -> int:
    """The value as 16 bits without a sign."""
    return value & 0xffff


def unsigned32(value: int) -> int:
    """The value as 32 bits without a sign."""
    return value & INT_MASK


def unsigned64(value: int) -> int:
    """The value as 64 bits without a sign."""
    return value & LONG_MASK


uInt = unsigned32
uLong = unsigned64


def ALIGN(value: int, alignment: int) -> int:
    """The value rounded up to a multiple of a power of two."""
    return (value + alignment - 1) & ~(alignment - 1)


def atomic_t(obj: Any) -> int:
    """The value of an atomic_t; KeyError for a struct that has no counter."""
    return obj.counter
