"""Owns what is common to all of networking: addresses as text and the selected namespace.

Must not know any protocol.
"""

from __future__ import annotations

import re       # noqa: F401 - programs take these modules from here
import socket
import struct
from collections.abc import Sequence
from socket import htonl, ntohl, ntohs  # noqa: F401 - likewise
from typing import Any

from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (get_nsproxy, member_offset, readSU, readSUListFromHead, sym2addr)

# What set_ns_net has chosen for this session: one net, or all of them.
_selected: Any = None
_all = False


def ntodots(n: int, printzeroes: bool = True) -> str:
    """An IPv4 address, as it is stored (network order), in dots; 0 may be shown as `*`."""
    if not n and not printzeroes:
        return "*"
    return socket.inet_ntop(socket.AF_INET, struct.pack("=I", n))


def _words(address: Any) -> Sequence[int]:
    """The four 32-bit words of an IPv6 address: a list of them, or a struct in6_addr."""
    return address if isinstance(address, (list, tuple)) else address.in6_u.u6_addr32


def ntodots6(x: Any, printzeroes: bool = True) -> str:
    """An IPv6 address as text: four words as they are stored, or a struct in6_addr."""
    words = _words(x)
    if not any(words) and not printzeroes:
        return "*"
    return socket.inet_ntop(socket.AF_INET6, struct.pack("=4I", *words))


def ipv6_addr_v4mapped(in6: Any) -> bool:
    """Is it an IPv4 address in the clothes of IPv6 (::ffff:a.b.c.d)."""
    words = _words(in6)
    return words[0] == 0 and words[1] == 0 and words[2] == htonl(0x0000ffff)


def get_net_namespace_list() -> list[Any]:
    """struct net of every network namespace."""
    offset = member_offset("struct net", "list")
    if offset < 0:
        raise KeyError("<struct net> does not have a field <list>")
    return readSUListFromHead(sym2addr("net_namespace_list"), "list", "struct net",
                              maxel=1_000_000)


def get_ns_net() -> Any:
    """struct net in force: chosen with set_ns_net, by --usens, else that of the first process."""
    if _selected is not None:
        return _selected
    nsproxy: Any = get_nsproxy()
    if nsproxy is not None:
        return nsproxy.net_ns
    return readSU("struct net", sym2addr("init_net"))


def net_all() -> bool:
    """Have all network namespaces been chosen."""
    return _all


def set_ns_net(addr: int | str | None = None) -> bool:
    """Choose a network namespace by its address, "all" of them, or none; False if unknown."""
    global _selected, _all
    if addr is None or addr == "all":
        _selected, _all = None, addr == "all"
        return True
    found = next((net for net in get_net_namespace_list() if net == addr), None)
    if found is None:
        return False
    _selected, _all = found, False
    print(f" *=*=* Using {found} *=*=*")
    return True
