"""Owns sockets: from an open file to the socket behind it, and what kind of socket that is.

Programs find all that concerns sockets here.  Must not know tasks, nor how connections are kept
in tables.
"""

from __future__ import annotations

import functools
import socket as _socket
import sys      # noqa: F401 - programs take it from here
from typing import Any

from LinuxDump import Constants
from LinuxDump.absent import Late, absent
from LinuxDump.inet import *  # noqa: F401,F403 - programs take both from here
from LinuxDump.inet.endpoints import (IP_conn_tw, IP_rqs, IP_sock,  # noqa: F401 - likewise
                                      format_sockaddr_in, tcpState)
from LinuxDump.inet.skbuff import skb_shinfo, walk_skb  # noqa: F401 - likewise
from LinuxDump.inet.socktables import (get_AF_UNIX, get_RAW, get_RAW6,  # noqa: F401 - likewise
                                       get_TCP_ESTABLISHED, get_TCP_LISTEN, get_TCP_TIMEWAIT,
                                       get_UDP)
from LinuxDump.Time import j_delay
from pykdump.API import (CEnum, HZ, container_of, crash, member_size, readmem, readSU, readU64,
                         sym2addr)

P_FAMILIES = Constants(PF_UNSPEC=0, PF_UNIX=1, PF_LOCAL=1, PF_FILE=1, PF_INET=2, PF_INET6=10,
                       PF_KEY=15, PF_NETLINK=16, PF_PACKET=17, PF_RDS=21, PF_TIPC=30,
                       PF_BLUETOOTH=31, PF_ALG=38, PF_VSOCK=40, PF_KCM=41, PF_QIPCRTR=42,
                       PF_SMC=43, PF_XDP=44, PF_MCTP=45)

PROTONAMES = {0: "ip", 1: "icmp", 2: "igmp", 4: "ipip", 6: "tcp", 17: "udp", 41: "ipv6",
              47: "gre", 50: "esp", 51: "ah", 58: "icmpv6", 132: "sctp", 136: "udplite",
              255: "raw", 262: "mptcp"}

sockTypes = Late(functools.cache(lambda: CEnum("""{
    SOCK_STREAM = 1, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, SOCK_DCCP, SOCK_PACKET = 10
}""")))
TCP_CA_STATE = Late(functools.cache(lambda: CEnum(
    "{ TCP_CA_Open, TCP_CA_Disorder, TCP_CA_CWR, TCP_CA_Recovery, TCP_CA_Loss }")))

# The old layout of struct sock, which no supported kernel has.
sock_V1 = False

(print_accept_queue, print_skbuff_head, decode_skbuf, decode_IP_header, decode_TCP_header,
 analyze_tcp_rcv_win) = absent(
     __name__, "print_accept_queue", "print_skbuff_head", "decode_skbuf", "decode_IP_header",
     "decode_TCP_header", "analyze_tcp_rcv_win")

_S_IFMT, _S_IFSOCK = 0o170000, 0o140000


def protoName(n: int) -> str:
    """The name of an IP protocol."""
    return PROTONAMES.get(n) or f"proto={n}"


def inode2socketaddr(inode: Any) -> int | None:
    """The address of the struct socket that an inode belongs to, None for another inode."""
    if not inode or inode.i_mode & _S_IFMT != _S_IFSOCK:
        return None
    # A socket in the filesystem (bound to a path) is an inode of that filesystem.
    if inode.i_sb.s_type.name != "sockfs":
        return None
    around: Any = container_of(inode, "struct socket_alloc", "vfs_inode")
    return int(around.socket)


def decodeSock(sock: Any) -> tuple[int, int, str, bool]:
    """(family, type, name of the protocol, is it IP) of a struct sock."""
    sock = readSU("struct sock", sock)
    try:
        family = sock.__sk_common.skc_family
        is_inet = family in (_socket.AF_INET, _socket.AF_INET6)
        name = protoName(sock.sk_protocol) if is_inet else ""
        return family, sock.sk_type, name, is_inet
    except crash.error:
        return -1, 1, "CORRUPTED", False


def unix_sock(s: Any) -> tuple[int, int | None, str]:
    """(state, inode number, path) of a UNIX socket; `@name` for one without a file."""
    s = readSU("struct unix_sock", s)
    try:
        return s.sk.__sk_common.skc_state, _ino(s.sk.sk_socket), _unix_path(s.addr)
    except crash.error:
        return -1, None, "!Cannot read memory!"


def _ino(sock: Any) -> int | None:
    """The inode number of a struct socket; an orphaned sock has none."""
    if not sock:
        return None
    around: Any = container_of(sock, "struct socket_alloc", "socket")
    return around.vfs_inode.i_ino


def _unix_path(address: Any) -> str:
    if not address:
        return ""
    family = member_size("struct sockaddr_un", "sun_family")
    length = address.len - family
    if length <= 0:
        return ""
    raw = readmem(int(address.name) + family, length)
    if raw[:1] == b"\0":
        return "@" + raw[1:].decode("utf-8", "backslashreplace")
    return raw.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def retrans_since(stamp: int) -> str:
    """How long ago it was `stamp`, a 32-bit number of jiffies."""
    now = readU64(sym2addr("jiffies_64"))
    seconds = ((now - stamp) % (1 << 32)) / HZ
    return f"{seconds:6.1f}s" if seconds < 60 else j_delay(stamp, now)
