"""Lists TCP sockets of the first network namespace out of the hash tables."""

import socket
import struct

from LinuxDump import *

TCP = CEnum("""
enum {
  TCP_ESTABLISHED = 1,
  TCP_SYN_SENT,
  TCP_SYN_RECV,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_TIME_WAIT,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_CLOSING,
  TCP_NEW_SYN_RECV,
  TCP_MAX_STATES          /* Leave at the end! */
};
""")
AF_INET = 2

socks = AttrSetter("struct sock", "struct inet_sock", "struct inet_timewait_sock")
socks.State = ["SKC.skc_state", "sk_state"]
socks.Family = "SKC.skc_family"
socks.Src = ["SKC.skc_rcv_saddr", "rcv_saddr"]
socks.Dst = ["SKC.skc_daddr", "daddr"]
socks.Sport = ["SKC.skc_num", "num"]
socks.Dport = "SKC.skc_dport"
socks.Net = ["SKC.skc_net.net", "SKC.skc_net"]
socks.Itself = ""
if not (socks.State and socks.Src and socks.Itself):
    print(WARNING, "this kernel's sockets are not known")


def ntohs(port):
    return struct.unpack(">H", struct.pack("<H", port))[0]


def ntodots(addr):
    return socket.inet_ntoa(struct.pack("<I", addr))


def chain(first, offset):
    """Sockets behind a pointer of a table, to the end mark of the table"""
    node = first
    while node and not node & 1:
        yield readSU("struct sock", node - offset)
        node = readPtr(node)


def all_sockets():
    tables = readSymbol("tcp_hashinfo")
    node = member_offset("struct sock_common", "skc_nulls_node")
    if node == -1:
        node = member_offset("struct sock_common", "skc_node")
    buckets = getFullBuckets(tables.ehash, struct_size("struct inet_ehash_bucket"),
                             tables.ehash_mask + 1, 0)
    for first in buckets:
        for s in chain(first, node):
            yield s
    try:
        listening, count = tables.lhash2, tables.lhash2_mask + 1
    except KeyError:
        print("no table of listening sockets")
        return
    size = struct_size("struct inet_listen_hashbucket")
    where = member_offset("struct inet_listen_hashbucket", "nulls_head")
    for first in getFullBuckets(listening, size, count, where):
        for s in chain(first, node):
            yield s


init_net = readSymbol("init_net")
listed = set()
for s in all_sockets():
    if s in listed or s.Family != AF_INET or s.Net != init_net:
        continue
    listed.add(s)
    print("%-12s %s:%d %s:%d" % (TCP[s.State][4:], ntodots(s.Src), s.Sport,
                                 ntodots(s.Dst), ntohs(s.Dport)))
print("%d sockets" % len(listed))
