"""Owns the tables in which the kernel keeps sockets: of TCP, UDP, raw IP and UNIX.

Sockets of all network namespaces are delivered, each once.  Damage is reported in the log, and
what was found is delivered.  Must not know what is in a socket beyond its state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from LinuxDump.inet import get_net_namespace_list
from LinuxDump.members import name_members
from pykdump.API import (crash, member_offset, pylog, readSU, struct_size, sym2addr,
                         walk_hash, walk_hlist_nulls, walk_pointers)

TCP_SYN_SENT, TCP_SYN_RECV, TCP_TIME_WAIT, TCP_LISTEN, TCP_NEW_SYN_RECV = 2, 3, 6, 10, 12
_LAST = (TCP_SYN_RECV, TCP_NEW_SYN_RECV, TCP_SYN_SENT, TCP_TIME_WAIT)
_KINDS = {TCP_TIME_WAIT: ("struct tcp_timewait_sock", "tw"),
          TCP_NEW_SYN_RECV: ("struct request_sock", "rqs")}
_MAX_BUCKETS = 1 << 24
_UNIX_BUCKETS = 512         # 2 * 256 until 6.0, one of that size since
_COMMON = "struct sock_common"


def _walked(walk: tuple[list[Any], Any], what: str) -> list[Any]:
    found, report = walk
    if not report.whole:
        pylog.error(f"{what}: {report}")
    return found


def _by_namespace(chains: Iterable[str], symbol: str, what: str) -> list[Any]:
    """The tables of all network namespaces, each once: at the end of a chain, or at a symbol."""
    found: dict[int, Any] = {}
    for net in get_net_namespace_list():
        for chain in chains:
            try:
                table = net.Eval(chain)
            except (KeyError, TypeError):
                continue
            except crash.error as err:
                pylog.error(f"{what} of {net}: {err}")
                continue
            if table:
                found.setdefault(int(table), table)
            break
    address = sym2addr(symbol)
    if not found and address:
        found[address] = readSU(f"struct {what}", address)
    return list(found.values())


def _hashinfos() -> list[Any]:
    """Tables of TCP; a namespace may have its own since 6.1.

    d1e5e6408b30 ("tcp: Introduce optional per-netns ehash.")
    """
    return _by_namespace(("ipv4.tcp_death_row.hashinfo",), "tcp_hashinfo", "inet_hashinfo")


def _buckets(mask: int, what: str) -> int:
    if 0 <= mask < _MAX_BUCKETS:
        return mask + 1
    pylog.error(f"{what}: a mask of 0x{mask:x} cannot be")
    return 0


def get_TCP_LISTEN() -> Iterator[Any]:
    """struct tcp_sock of those that listen."""
    name_members("sockets")
    bucket = "struct inet_listen_hashbucket"
    offset = member_offset(bucket, "nulls_head")
    stride = struct_size(bucket)
    for table in _hashinfos():
        if table.hasField("listening_hash"):    # with all of them until 5.19: cae3873c5b3a
            heads, count = table.listening_hash[0], len(table.listening_hash)
        else:
            heads, count = table.lhash2, _buckets(table.lhash2_mask, str(table))
        first = int(heads) + offset
        indices, pointers, report = walk_pointers(first, count, stride=stride)
        if not report.whole:
            pylog.error(f"{table}: {report}")
        for index, pointer in zip(indices, pointers):
            if pointer & 1:
                continue        # empty: the mark of the end
            for sock in _walked(walk_hlist_nulls(first + index * stride, _COMMON,
                                                 "skc_nulls_node"), str(table)):
                yield readSU("struct tcp_sock", sock)


def get_TCP_ESTABLISHED() -> Iterator[tuple[Any, str]]:
    """(struct, kind) of all that do not listen; half-open and finished ones last.

    The kind is "tcp" for a struct tcp_sock, "tw" for a struct tcp_timewait_sock, "rqs" for a
    struct request_sock.
    """
    name_members("sockets")
    late: dict[int, list[Any]] = {state: [] for state in _LAST}
    for table in _hashinfos():
        socks = _walked(walk_hash(table.ehash, _buckets(table.ehash_mask, str(table)), _COMMON,
                                  "skc_nulls_node", kind="hlist_nulls"), str(table))
        for sock in socks:
            state = sock.skc_state
            if state in late:
                late[state].append(sock)
            else:
                yield readSU("struct tcp_sock", sock), "tcp"
    for state, socks in late.items():
        sname, kind = _KINDS.get(state, ("struct tcp_sock", "tcp"))
        for sock in socks:
            yield readSU(sname, sock), kind


def get_TCP_TIMEWAIT() -> list[tuple[Any, str]]:
    """Nothing: since 3.13 get_TCP_ESTABLISHED has them."""
    return []


def get_UDP() -> Iterator[Any]:
    """struct udp_sock of all, IPv6 and UDP-Lite too.

    Namespaces may have tables of their own since 6.2: 9804985bf27f ("udp: Introduce optional
    per-netns hash table.").
    """
    name_members("sockets")
    tables = _by_namespace(("ipv4.udp_table",), "udp_table", "udp_table")
    lite = sym2addr("udplite_table")
    if lite:
        tables.append(readSU("struct udp_table", lite))
    stride = struct_size("struct udp_hslot")
    for table in tables:
        first = int(table.hash)
        indices, _heads, report = walk_pointers(first, _buckets(table.mask, str(table)),
                                                stride=stride)
        if not report.whole:
            pylog.error(f"{table}: {report}")
        for index in indices:
            for sock in _walked(walk_hash(first + index * stride, 1, _COMMON, "skc_node"),
                                str(table)):
                yield readSU("struct udp_sock", sock)


def _raw(symbol: str, sname: str) -> Iterator[Any]:
    name_members("sockets")
    address = sym2addr(symbol)
    if not address:
        return          # without IPv6
    heads = readSU("struct raw_hashinfo", address).ht
    nulls = heads[0].isNamed("struct hlist_nulls_head")     # in 6.0 only: 0daf07e52709
    kind, member = ("hlist_nulls", "skc_nulls_node") if nulls else ("hlist", "skc_node")
    for sock in _walked(walk_hash(int(heads[0]), len(heads), _COMMON, member, kind=kind), symbol):
        yield readSU(sname, sock)


def get_RAW() -> Iterator[Any]:
    """struct raw_sock of all of IPv4."""
    return _raw("raw_v4_hashinfo", "struct raw_sock")


def get_RAW6() -> Iterator[Any]:
    """struct inet_sock of all raw sockets of IPv6."""
    return _raw("raw_v6_hashinfo", "struct inet_sock")


def _unix_tables() -> Iterator[int]:
    old = sym2addr("unix_socket_table")
    if old:
        yield old
        return
    for net in get_net_namespace_list():
        # 6.0: cf2f225e2653 ("af_unix: Put a socket into a per-netns hash table.")
        yield int(net.unx.table.buckets)


def get_AF_UNIX() -> Iterator[Any]:
    """struct unix_sock of all."""
    name_members("sockets")
    for heads in _unix_tables():
        for sock in _walked(walk_hash(heads, _UNIX_BUCKETS, _COMMON, "skc_node"),
                            "table of UNIX sockets"):
            yield readSU("struct unix_sock", sock)
