"""Owns sums over sockets and interfaces: how many in which state, and what is unusual.

Must not know sockets' tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from LinuxDump.inet import *  # noqa: F401,F403 - programs take both from here
from LinuxDump.inet import get_ns_net, net_all
from LinuxDump.inet.endpoints import tcpState
from LinuxDump.inet.netdevice import dev_base_list
from LinuxDump.inet.socktables import (get_AF_UNIX, get_RAW, get_RAW6, get_TCP_ESTABLISHED,
                                       get_TCP_LISTEN, get_UDP)
from pykdump.API import (DCache, HZ, columns, crash, pylog, readU64, sym2addr)
from pykdump.plaintext import one_line

_SOCK = "struct sock"
_TCP = "struct tcp_sock"
_COMMON = "__sk_common."
_ESTABLISHED, _LISTEN = 1, 10
_MANY_RETRANSMITS = 3
_FULL = 0.75                # of a buffer
_OWN = 1                    # of what is to be sent: the count begins there
_UNIX_STATES = {1: "ESTABLISHED", 2: "SYN_SENT", 7: "CLOSE", 10: "LISTEN"}
_MAX_QUEUES = 4096


class UdpFull(NamedTuple):
    """A UDP socket with a buffer that is nearly full: bytes that it holds."""

    sock: int
    received: int
    to_send: int


class Summary(NamedTuple):
    """Sockets of the network namespace in force, or of all of them (see set_ns_net).

    tcp, udp, unix, raw   name of a state -> how many
    unusual               what is unusual with TCP -> how many; only what there is
    retransmits           the most retransmits of a connection
    full                  UDP sockets with full buffers
    """

    tcp: dict[str, int]
    udp: dict[str, int]
    unix: dict[str, int]
    raw: dict[str, int]
    unusual: dict[str, int]
    retransmits: int
    full: list[UdpFull]


def _name(state: int | None) -> str:
    if state is None:
        return "unreadable"
    return tcpState[state].removeprefix("TCP_") if 0 < state < 13 else f"st={state}"


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _rows(socks: Iterable[Any], struct: str, paths: list[str]) -> list[tuple[Any, ...]]:
    """Members of sockets that belong to the namespace in force; None for what is unreadable."""
    wanted = None if net_all() else int(get_ns_net())
    common = _COMMON if struct == _SOCK else f"inet_conn.icsk_inet.sk.{_COMMON}"
    read = columns(list(socks), struct, [f"{common}skc_net.net", *paths])
    return [row[1:] for row in read.rows() if wanted is None or row[0] in (wanted, None)]


def _states(socks: Iterable[Any]) -> Counter[str]:
    return Counter(_name(state) for state, in _rows(socks, _SOCK, [f"{_COMMON}skc_state"]))


def summarize() -> Summary:
    """Count all sockets; damage is reported in the log, and what was found is counted."""
    late: list[Any] = []
    tcp: list[Any] = list(get_TCP_LISTEN())
    for sock, kind in get_TCP_ESTABLISHED():
        (tcp if kind == "tcp" else late).append(sock)
    counts, unusual, retransmits = _tcp(tcp)
    # what has ended, or has only begun, has the common part of a socket only
    read = columns(late, "struct sock_common", ["skc_net.net", "skc_state"])
    wanted = None if net_all() else int(get_ns_net())
    counts.update(_name(state) for net, state in read.rows()
                  if wanted is None or net in (wanted, None))
    udp = list(get_UDP())
    unix = Counter(_UNIX_STATES.get(state, _name(state))
                   for state, in _rows(get_AF_UNIX(), _SOCK, [f"{_COMMON}skc_state"]))
    raw = _states([*get_RAW(), *get_RAW6()])
    return Summary(_sorted(counts), _sorted(_states(udp)), _sorted(unix), _sorted(raw), unusual,
                   retransmits, _full(udp))


def _tcp(socks: list[Any]) -> tuple[Counter[str], dict[str, int], int]:
    within = "inet_conn.icsk_inet.sk."
    rows = _rows(socks, _TCP, [
        f"{within}{_COMMON}skc_state", "inet_conn.icsk_retransmits", "rcv_wnd", "snd_wnd",
        f"{within}sk_ack_backlog", f"{within}sk_max_ack_backlog"])
    unusual: Counter[str] = Counter()
    most = 0
    for state, retransmits, receive, send, backlog, limit in rows:
        if None in (state, retransmits, receive, send, backlog, limit):
            continue
        if state == _LISTEN:
            if backlog:
                unusual["Listen Queue Full" if backlog > limit else "Listen Queue Non-empty"] += 1
            continue
        most = max(most, retransmits)
        if state == _ESTABLISHED:
            unusual["Receive Window Closed"] += receive == 0
            unusual["Send Window Closed"] += send == 0
        unusual["Doing Retransmission"] += retransmits > 0
    return (Counter(_name(row[0]) for row in rows),
            {what: count for what, count in sorted(unusual.items()) if count}, most)


def _full(socks: list[Any]) -> list[UdpFull]:
    paths = ["sk_backlog.rmem_alloc.counter", "sk_wmem_alloc.refs.counter", "sk_rcvbuf",
             "sk_sndbuf"]
    found = []
    wanted = None if net_all() else int(get_ns_net())
    read = columns(socks, _SOCK, [f"{_COMMON}skc_net.net", *paths])
    for sock, (net, received, to_send, rcvbuf, sndbuf) in zip(socks, read.rows()):
        if None in (received, to_send, rcvbuf, sndbuf) or wanted not in (None, net):
            continue
        if 0 < rcvbuf and received >= _FULL * rcvbuf \
                or 0 < sndbuf and to_send - _OWN >= _FULL * sndbuf:
            found.append(UdpFull(int(sock), received, to_send))
    return found


def TCPIP_Summarize(quiet: bool = False) -> None:
    """Print how many sockets are in which state; if `quiet` what is unusual only."""
    found = summarize()
    titles = (("TCP Connection Info", found.tcp), ("UDP Connection Info", found.udp),
              ("Unix Connection Info", found.unix), ("Raw sockets info", found.raw))
    for number, (title, counts) in enumerate(titles):
        if not quiet:
            print(f"{title}\n{'-' * len(title)}")
            for name, count in counts.items():
                print(f"    {name:>15}  {count:5}")
        if number == 0:
            _print_unusual(found)
        if not quiet:
            print()
    for full in found.full:
        pylog.warning(f"UDP buffer fill >=75%  rcv={full.received} snd={full.to_send} "
                      f"<struct udp_sock 0x{full.sock:x}>")
    if found.retransmits > _MANY_RETRANSMITS:
        DCache.tmp.tcp_max_retrans = found.retransmits


def _print_unusual(found: Summary) -> None:
    if found.unusual:
        print("  Unusual Situations:")
    for what, count in found.unusual.items():
        more = "  (run xportshow --retrans for details)" if what.startswith("Doing") else ""
        print(f"    {what + ':':<25} {count:6}{more}")


class Interface(NamedTuple):
    """An interface; seconds since it sent something, None if it does not tell."""

    name: str
    address: int
    sent_ago: float | None


def interfaces() -> list[Interface]:
    """Of the network namespace in force.

    When something was received interfaces do not say any more: that went in 4.11, 5b9f91b2f1aa.
    """
    now = readU64(sym2addr("jiffies_64"))
    return [Interface(str(dev.name), int(dev), _sent_ago(dev, now)) for dev in dev_base_list()]


def _sent_ago(dev: Any, now: int) -> float | None:
    """By the last of its queues."""
    stamps = []
    try:
        queues = dev._tx
        for index in range(min(dev.num_tx_queues, _MAX_QUEUES)):
            stamps.append(queues[index].trans_start)
    except crash.error as err:
        pylog.error(f"queues of {dev}: {err}")
    last = max(stamps, default=0)
    return (now - last) % (1 << 64) / HZ if last else None


def IF_Summarize(quiet: bool = False) -> None:
    """Print when each interface last sent something; nothing if `quiet`."""
    if quiet:
        return
    title = "Interfaces Info"
    print(f"{title}\n{'-' * len(title)}\n"
          "  How long ago (in seconds) interfaces transmitted/received?\n"
          f"    {'Name':<15} {'RX':>10} {'TX':>10}\n    {'-' * 15} {'-' * 10} {'-' * 10}")
    for each in interfaces():
        sent = "n/a" if each.sent_ago is None else f"{each.sent_ago:.1f}"
        print(f"    {one_line(each.name):<15} {'n/a':>10} {sent:>10}")
