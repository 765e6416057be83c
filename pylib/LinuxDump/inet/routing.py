"""Owns routes.

Must not know sockets nor neighbours.
"""

from __future__ import annotations

import socket as _socket

from LinuxDump.absent import absent
from LinuxDump.inet import *  # noqa: F401,F403 - programs take both from here

print_fib, print_fib_rules, print_rt_hash, fib_flags_trans = absent(
    __name__, "print_fib", "print_fib_rules", "print_rt_hash", "fib_flags_trans")


def inet_make_mask(n: int) -> int:
    """The mask of a network of n bits (0 to 32), as it is stored."""
    return _socket.htonl(0xffffffff << 32 - n & 0xffffffff)
