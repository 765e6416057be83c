"""Owns one IP socket as programs hold it: addresses, ports, state and queues, and its line of text.

Must not know in which table it is.
"""

from __future__ import annotations

import functools
import socket as _socket
from typing import Any

from LinuxDump.absent import Late
from LinuxDump.inet import get_ns_net, ntodots, ntodots6, ntohs
from LinuxDump.members import name_members
from pykdump.API import CEnum, readSU, readU64, sym2addr

tcpState = Late(functools.cache(lambda: CEnum("""{
    TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECV, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_TIME_WAIT,
    TCP_CLOSE, TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_LISTEN, TCP_CLOSING, TCP_NEW_SYN_RECV,
    TCP_MAX_STATES
}""")))
_NAMES = {_socket.IPPROTO_TCP: "tcp", _socket.IPPROTO_UDP: "udp", 136: "udplite"}
_TCP, _UDPS = _socket.IPPROTO_TCP, (_socket.IPPROTO_UDP, 136)
_STATES, _LISTEN = range(1, 13), 10


def _address(family: int, address: Any, port: int) -> str:
    shown = ntodots(address) if family == _socket.AF_INET else ntodots6(address)
    return f"{shown}:{port or '*'}"


class _Endpoint:
    """What all kinds of IP sockets have.  Anything else is asked of the struct itself.

    family, protocol, sktype, state   numbers
    src, dst      addresses as they are stored: an int, or of IPv6 a list of four
    sport, dport  ports
    net           struct net
    """

    sktype: int = _socket.SOCK_STREAM
    protocol: int = _TCP

    def __init__(self, o: Any, common: Any) -> None:
        self.left = o
        self.family = common.skc_family
        self.state = common.skc_state
        if self.family == _socket.AF_INET:
            self.src, self.dst = common.skc_rcv_saddr, common.skc_daddr
        elif self.family == _socket.AF_INET6:
            self.src = common.skc_v6_rcv_saddr.in6_u.u6_addr32
            self.dst = common.skc_v6_daddr.in6_u.u6_addr32
        else:
            raise TypeError(f"{o} is no IP socket: its family is {self.family}")
        self.sport, self.dport = common.skc_num, ntohs(common.skc_dport)
        self.net = common.skc_net.net

    def __getattr__(self, name: str) -> Any:
        if name == "left" or name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return getattr(self.left, name)

    def wrongNameSpace(self) -> bool:
        """Is it of another network namespace than the one that was chosen."""
        return bool(self.net != get_ns_net())

    def _state(self) -> str:
        return tcpState[self.state].removeprefix("TCP_") if self.state in _STATES \
            else f"st={self.state}"

    def _protocol(self) -> str:
        name = "raw" if self.sktype == _socket.SOCK_RAW else _NAMES[self.protocol]
        return f"{name}6" if self.family == _socket.AF_INET6 else name

    def __str__(self) -> str:
        return (f"{self._protocol():<5} {_address(self.family, self.src, self.sport):<27}"
                f"{_address(self.family, self.dst, self.dport):<27}{self._state()}")


class ListenQueue:
    """Connections to a listening socket that are not established yet."""

    max_qlen_log = 0            # there is no limit of its own since 4.4
    syn_table = None            # half-open connections are in the table of all since 4.4

    def __init__(self, queue: Any) -> None:
        self.qlen = queue.qlen.counter
        self.qlen_young = queue.young.counter

    def hasField(self, name: str) -> bool:
        """Whether there is something of that name."""
        return getattr(self, name, None) is not None


class IP_sock(_Endpoint):
    """A struct sock, inet_sock, tcp_sock, udp_sock or raw_sock.

    TypeError for another family, KeyError for a protocol that does not fit its type.  With
    `details` it has rcvbuf sndbuf rmem_alloc wmem_alloc too; TCP: topt, rx_opt; when it listens
    sk_ack_backlog sk_max_ack_backlog l_opt accept_queue; UDP: uopt.
    """

    def __init__(self, o: Any, details: bool = False) -> None:
        name_members("sockets")
        sock = readSU("struct sock", o)
        super().__init__(o, sock.__sk_common)
        self.protocol, self.sktype = sock.sk_protocol, sock.sk_type
        if self.sktype != _socket.SOCK_RAW and self.protocol not in _NAMES:
            raise KeyError(f"{o} incorrect protocol={self.protocol}")
        # of a raw socket the number is that of the protocol
        if self.sktype != _socket.SOCK_RAW:
            self.sport = ntohs(readSU("struct inet_sock", o).inet_sport)
        self.user_data = sock.sk_user_data
        if details:
            self._details(sock)

    def _details(self, sock: Any) -> None:
        self.rcvbuf, self.sndbuf = sock.sk_rcvbuf, sock.sk_sndbuf
        self.rmem_alloc = sock.sk_backlog.rmem_alloc.counter
        self.wmem_alloc = sock.sk_wmem_alloc.refs.counter
        if self.sktype == _socket.SOCK_RAW:
            return
        if self.protocol in _UDPS:
            self.uopt = readSU("struct udp_sock", sock)
            return
        self.topt = tcp = readSU("struct tcp_sock", sock)
        self.rx_opt = tcp.rx_opt
        if self.state == _LISTEN:
            queue = tcp.inet_conn.icsk_accept_queue
            self.sk_ack_backlog = sock.sk_ack_backlog
            self.sk_max_ack_backlog = sock.sk_max_ack_backlog
            self.l_opt = ListenQueue(queue)
            self.accept_queue = queue.rskq_accept_head

    def _state(self) -> str:
        is_tcp = self.protocol == _TCP and self.sktype != _socket.SOCK_RAW
        return super()._state() if is_tcp else f"st={self.state}"


class IP_conn_tw(_Endpoint):
    """A connection in TIME_WAIT; with `details` tw_timeout and ttd, jiffies that are left."""

    def __init__(self, tw: Any, details: bool = False) -> None:
        timewait = readSU("struct inet_timewait_sock", tw)
        super().__init__(tw, timewait.__tw_common)
        self.sport = ntohs(timewait.tw_sport)
        if details:
            self.tw_timeout = timewait.tw_timer.expires
            self.ttd = max(0, self.tw_timeout - readU64(sym2addr("jiffies_64")))


class IP_rqs(_Endpoint):
    """A connection that is not established yet."""

    def __init__(self, o: Any, details: bool = False) -> None:
        super().__init__(o, readSU("struct request_sock", o).__req_common)

    def _state(self) -> str:
        return " SYN_RECV"


def format_sockaddr_in(sin: Any) -> str:
    """address:port of a struct sockaddr_in; TypeError for another family."""
    if sin.sin_family != _socket.AF_INET:
        raise TypeError(f"{sin} is of family {sin.sin_family}, not AF_INET")
    return f"{ntodots(sin.sin_addr.s_addr)}:{ntohs(sin.sin_port)}"
