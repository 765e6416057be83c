"""Sockets and interfaces as LinuxDump has them, against the guest's own account."""

import json
import re

import pytest

from tests.dump.harness import untimed


@pytest.fixture
def told(crash):
    """A function: the value of an expression, after some statements, by way of JSON."""
    def tell(expression, before=""):
        return json.loads(crash.epython(
            "import json\nfrom LinuxDump.inet.proto import *\n"
            f"from LinuxDump.inet.netdevice import *\n{before}\n"
            f"print(json.dumps({expression}))\n"))
    return tell


SHOWN = "[[s.family, s.shown(s.src), s.sport, s.shown(s.dst), s.dport, s.state] for s in {}]"
HELP = """
def shown(self, address):
    return ntodots(address) if self.family == 2 else ntodots6(address)
IP_sock.shown = shown
mine = lambda socks: [s for s in map(IP_sock, socks) if not s.wrongNameSpace()]
"""


def expected(rows, family, state=None):
    return sorted([family, *row["local"], *row["remote"], row["state"]] for row in rows
                  if state is None or row["state"] == state)


def test_listening_sockets_are_those_of_the_guest(told, dump):
    sockets = dump.oracle["sockets"]
    assert sorted(told(SHOWN.format("mine(get_TCP_LISTEN())"), HELP)) \
        == expected(sockets["tcp"], 2, 10) + expected(sockets["tcp6"], 10, 10)


def test_connections_are_those_of_the_guest(told, dump):
    assert sorted(told(SHOWN.format("mine(s for s, k in get_TCP_ESTABLISHED() if k == 'tcp')"),
                       HELP)) == expected(dump.oracle["sockets"]["tcp"], 2, 1)
    assert told("list(get_TCP_TIMEWAIT())") == []


def test_udp_sockets_are_those_of_the_guest(told, dump):
    assert sorted(told(SHOWN.format("mine(get_UDP())"), HELP)) \
        == expected(dump.oracle["sockets"]["udp"], 2)


def test_there_are_no_raw_sockets(told):
    assert told("[len(list(get_RAW())), len(list(get_RAW6()))]") == [0, 0]


def test_unix_sockets_are_those_of_the_guest(told, dump):
    rows = dump.oracle["sockets"]["unix"]
    found = told("[[int(s), unix_sock(s)[1], unix_sock(s)[2], s.type] for s in get_AF_UNIX()"
                 " if s.Net == get_ns_net()]")
    assert sorted(found) \
        == sorted([row["address"], row["inode"], row["path"], row["type"]] for row in rows)


def test_the_peers_of_unix_sockets_have_each_other(told, dump):
    rows = [row for row in dump.oracle["sockets"]["unix"] if row["state"] == 3]
    pairs = told("[[int(s), int(s.Peer), s.Peer.Peer == s, s.socket.Ino, int(s.socket.Inode)]"
                 " for s in get_AF_UNIX() if s.Peer]")
    assert sorted(row["address"] for row in rows) == sorted(pair[0] for pair in pairs)
    assert all(same and inode for _s, _peer, same, _number, inode in pairs)
    assert {row["inode"] for row in rows} == {pair[3] for pair in pairs}


def test_a_socket_is_one_line(crash):
    lines = crash.epython("from LinuxDump.inet.proto import *\n"
                          "for s in get_TCP_LISTEN():\n    print(IP_sock(s))\n"
                          "for s in get_UDP():\n    print(IP_sock(s))\n").splitlines()
    assert f"{'tcp':6}{'127.0.0.1:8080':27}{'0.0.0.0:*':27}LISTEN" in lines
    assert f"{'tcp6':6}{'::1:7003':27}{':::*':27}LISTEN" in lines
    assert f"{'udp':6}{'127.0.0.1:7002':27}{'0.0.0.0:*':27}st=7" in lines


def test_details_of_sockets(told):
    details = told(
        "[[s.l_opt.qlen, s.l_opt.hasField('syn_table'), s.sk_ack_backlog, s.sk_max_ack_backlog,"
        " s.accept_queue == 0, s.rcvbuf > 0, s.wmem_alloc >= 0, s.topt == s.left] for s in"
        " (IP_sock(s, True) for s in get_TCP_LISTEN()) if s.sport == 8080]")
    assert details == [[0, False, 0, 9, True, True, True, True]]
    assert told("[s.rmem_alloc >= 768 for s in (IP_sock(s, True) for s in get_UDP())"
                " if s.sport == 7002]") == [True]


def test_members_of_sockets_have_the_names_that_programs_use(told):
    assert told("[[s.family, s.protocol, s.type, s.state, s.Src == s.Dst, ntohs(s.sport) in"
                " (7001, 32846) or ntohs(s.dport) == 7001, s.Net == get_ns_net(), s.Rto > 0,"
                " s.Retransmits, TCP_CA_STATE[s.CA_state], s.rcvbuf == s.inet_conn.icsk_inet.sk"
                ".sk_rcvbuf, s.topt == s] for s, k in get_TCP_ESTABLISHED()]") \
        == [[2, 6, 1, 1, True, True, True, True, 0, "TCP_CA_Open", True, True]] * 2


def test_what_waits_in_a_socket_is_walked(told, dump):
    waiting = sum(row["rx_queue"] for row in dump.oracle["sockets"]["tcp"])
    assert told("sum(skb.len for s, k in get_TCP_ESTABLISHED()"
                " for skb in walk_skb(readSU('struct sock', s).sk_receive_queue))") == waiting
    assert told("[skb_shinfo(skb).dataref.counter for s, k in get_TCP_ESTABLISHED()"
                " for skb in walk_skb(readSU('struct sock', s).sk_receive_queue)]") == [1]


def test_what_is_no_ip_socket_is_a_type_error(crash):
    assert "TypeError: " in crash.epython("from LinuxDump.inet.proto import *\n"
                                          "IP_sock(next(iter(get_AF_UNIX())))\n")


def test_names_of_states_and_types(told):
    assert told("[tcpState[10], tcpState.getByName('TCP_CLOSE'), len(tcpState.getAllNames()),"
                " sockTypes[2], TCP_CA_STATE[4], sock_V1]") \
        == ["TCP_LISTEN", 7, 13, "SOCK_DGRAM", "TCP_CA_Loss", False]


@pytest.mark.parametrize("call", [
    "list(walk_skb(readSU('struct sk_buff_head', 8)))",
    "unix_sock(8)", "decodeSock(8)", "print_If(readSU('struct net_device', 8), 1)"])
def test_damage_is_reported_and_nothing_raised(crash, call):
    crash.program("from LinuxDump.inet.proto import *\nfrom LinuxDump.inet.netdevice import *\n"
                  f"print({call})\n")
    text = untimed(crash.run("epython prog"))
    assert "Traceback" not in text
    assert "+++ERROR+++" in text or "CORRUPTED" in text or "!Cannot read memory!" in text


# -- interfaces --

def interfaces(dump):
    """name -> (MTU, hardware address, IPv4, IPv6), as `ip addr` has it."""
    found = {}
    for block in re.split(r"^\d+: ", dump.oracle["text"]["ifconfig"], flags=re.M)[1:]:
        found[block.partition(":")[0]] = (
            int(re.search(r"mtu (\d+)", block)[1]), re.search(r"link/\w+ (\S+)", block)[1],
            re.findall(r"inet (\S+)", block), re.findall(r"inet6 (\S+)", block))
    return found


def test_interfaces_are_those_of_the_guest(told, dump):
    rows = told("[[str(d.name), d.mtu, hardware_address(d),"
                " [f'{ntodots(a.ifa_local)}/{snetmask(a.ifa_mask)}' for a in get_ifa_list(d)],"
                " [f'{ntodots6(a.addr)}/{a.prefix_len}' for a in inet6_addresses(d)]]"
                " for d in dev_base_list()]")
    assert {name: tuple(rest) for name, *rest in rows} == interfaces(dump)


def test_the_addresses_of_the_host(told, dump):
    known = interfaces(dump).values()
    assert told("[sorted(addresses) for addresses in get_host_IPs()]") == [
        sorted(address.partition("/")[0] for row in known for address in row[column])
        for column in (2, 3)]


def test_counters_are_those_of_the_guest(told, dump):
    rows = (line.split() for line in dump.oracle["text"]["net/dev"].splitlines()[2:])
    names = ["rx_bytes", "rx_packets", "rx_errors", "rx_dropped", "tx_bytes", "tx_packets"]
    theirs = {row[0].rstrip(":"): [int(row[column]) for column in (1, 2, 3, 4, 9, 10)]
              for row in rows}
    assert told("{str(d.name): [getStats(d)[n] for n in " + repr(names) + "]"
                " for d in dev_base_list()}") == theirs


def test_an_interface_in_text(crash):
    lines = crash.epython("from LinuxDump.inet.netdevice import *\n"
                          "for d in dev_base_list():\n    print_If(d, 1)\n").splitlines()
    head = next(i for i, line in enumerate(lines) if " lab0 <struct net_device" in line)
    assert len(lines[head]) == 78 and lines[head].startswith("===")
    assert re.fullmatch(r"lab0 +192\.0\.2\.1/24 +mtu=1500   ([0-9a-f]{2}:){5}[0-9a-f]{2}  ETHER",
                        lines[head + 1])
    assert "    flags=<UP|BROADCAST|NOARP>" in lines[head:]
    assert any(re.fullmatch(r"    LINK_STATE  3 \(START\|PRESENT\)", line)
               for line in lines[head:])
    assert any(line.startswith("    features=<SG|") for line in lines[head:])


def test_hardware_addresses_of_bytes(told):
    assert told("[hwaddr2str(b'\\x00\\x11\\x22', 3), hwaddr2str([1, 2, 3], 2), hwaddr2str(8, 0)]") \
        == ["00:11:22", "01:02", ""]
