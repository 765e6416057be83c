"""Owns network interfaces: which there are, their addresses, flags and counters.

Must not know sockets nor routes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from LinuxDump import percpu
from LinuxDump.inet import *  # noqa: F401,F403 - programs take both from here
from LinuxDump.inet import get_ns_net, ntodots, ntodots6
from LinuxDump.members import name_members
from pykdump.API import (ALIGN, CDefine, CU_LIVE, StructResult, addr2sym, crash, dbits2str,
                         enumerator_value, member_offset, memoize_cond, pylog, readmem, readPtr,
                         readSU, readU64, struct_size, sys_info, walk_list)
from pykdump.plaintext import one_line

_DEVICE = "struct net_device"
_MAX_DEVICES = 1_000_000
_MAX_ADDRESSES = 100_000
_MAX_ADDR_LEN = 32
_WIDTH = 78
_PRIVATE_ALIGN = 32

# include/uapi/linux/if_arp.h
ARP_HW = CDefine("""
#define ARPHRD_NETROM      0
#define ARPHRD_ETHER       1
#define ARPHRD_AX25        3
#define ARPHRD_IEEE802     6
#define ARPHRD_ARCNET      7
#define ARPHRD_IEEE1394    24
#define ARPHRD_INFINIBAND  32
#define ARPHRD_SLIP        256
#define ARPHRD_CAN         280
#define ARPHRD_PPP         512
#define ARPHRD_TUNNEL      768
#define ARPHRD_TUNNEL6     769
#define ARPHRD_LOOPBACK    772
#define ARPHRD_FDDI        774
#define ARPHRD_SIT         776
#define ARPHRD_IPGRE       778
#define ARPHRD_IEEE80211   801
#define ARPHRD_IP6GRE      823
#define ARPHRD_NETLINK     824
#define ARPHRD_VOID        0xFFFF
#define ARPHRD_NONE        0xFFFE
""")
# include/uapi/linux/if.h
IFF_FLAGS = CDefine("""
#define IFF_UP           0x1
#define IFF_BROADCAST    0x2
#define IFF_DEBUG        0x4
#define IFF_LOOPBACK     0x8
#define IFF_POINTOPOINT  0x10
#define IFF_NOTRAILERS   0x20
#define IFF_RUNNING      0x40
#define IFF_NOARP        0x80
#define IFF_PROMISC      0x100
#define IFF_ALLMULTI     0x200
#define IFF_MASTER       0x400
#define IFF_SLAVE        0x800
#define IFF_MULTICAST    0x1000
#define IFF_PORTSEL      0x2000
#define IFF_AUTOMEDIA    0x4000
#define IFF_DYNAMIC      0x8000
#define IFF_LOWER_UP     0x10000
#define IFF_DORMANT      0x20000
#define IFF_ECHO         0x40000
""")
# Bits of net_device.state and .features: the kernel has them in enums, this is what is looked up.
_LINK_STATES = ("START", "PRESENT", "NOCARRIER", "LINKWATCH_PENDING", "DORMANT", "TESTING")
_FEATURES = ("SG", "IP_CSUM", "HW_CSUM", "IPV6_CSUM", "HIGHDMA", "FRAGLIST", "HW_VLAN_CTAG_TX",
             "HW_VLAN_CTAG_RX", "HW_VLAN_CTAG_FILTER", "VLAN_CHALLENGED", "LLTX", "NETNS_LOCAL",
             "GRO", "LRO", "TSO", "UFO", "GSO_ROBUST", "TSO_ECN", "TSO6", "GSO_UDP_L4", "SCTP_CRC",
             "NTUPLE", "RXHASH", "RXCSUM", "LOOPBACK", "RXALL")
COUNTERS = ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors",
            "rx_dropped", "tx_dropped", "multicast", "collisions")


def dev_base_list() -> list[Any]:
    """struct net_device of the selected network namespace."""
    name_members("net")
    head = get_ns_net().dev_base_head
    found, report = walk_list(head, _DEVICE, "dev_list", limit=_MAX_DEVICES)
    if not report.whole:
        pylog.error(f"list of network devices: {report}")
    return found


# -- addresses ----------------------------------------------------------------------------------

def hwaddr2str(ha: int | bytes | Sequence[int], len: int) -> str:
    """A hardware address of so many bytes as 00:11:..., from where it is or its bytes."""
    count = min(max(len, 0), _MAX_ADDR_LEN)
    raw = readmem(ha, count) if isinstance(ha, int) and count else ha
    return bytes(raw)[:count].hex(":") if count and not isinstance(raw, int) else ""


def hardware_address(dev: Any) -> str:
    """The hardware address of an interface, "" without one."""
    return hwaddr2str(readPtr(int(dev) + member_offset(_DEVICE, "dev_addr")), dev.addr_len)


def get_ifa_list(dev: Any) -> list[Any]:
    """struct in_ifaddr of an interface."""
    inside = readSU("struct in_device", dev.ip_ptr)
    found: list[Any] = []
    address = inside.ifa_list if inside else None
    while address and address not in found and len(found) < _MAX_ADDRESSES:
        found.append(address)
        address = address.ifa_next
    return found


def inet6_addresses(dev: Any) -> list[Any]:
    """struct inet6_ifaddr of an interface."""
    inside = readSU("struct inet6_dev", dev.ip6_ptr)
    if not inside:
        return []
    found, report = walk_list(inside.addr_list, "struct inet6_ifaddr", "if_list",
                              limit=_MAX_ADDRESSES)
    if not report.whole:
        pylog.error(f"addresses of {dev}: {report}")
    return found


def get_inet6_devs() -> dict[Any, list[Any]]:
    """Interfaces that have IPv6, each with its struct inet6_ifaddr."""
    return {dev: inet6_addresses(dev) for dev in dev_base_list() if dev.ip6_ptr}


@memoize_cond(CU_LIVE)
def _addresses_of(net: int) -> tuple[set[str], set[str]]:
    v4: set[str] = set()
    v6: set[str] = set()
    for dev in dev_base_list():
        v4.update(ntodots(address.ifa_local) for address in get_ifa_list(dev))
        v6.update(ntodots6(address.addr) for address in inet6_addresses(dev))
    return v4, v6


def get_host_IPs() -> tuple[set[str], set[str]]:
    """The addresses of all interfaces of the selected namespace: (IPv4, IPv6) as text."""
    v4, v6 = _addresses_of(get_ns_net())
    return set(v4), set(v6)


def snetmask(mask: int) -> str:
    """A mask, as it is stored, as the number of its bits."""
    return str(mask.bit_count())


# -- counters -----------------------------------------------------------------------------------

# What an interface counts per CPU, by the function that sums it up; others count in `stats`.
_SUMMED_BY = {"dev_get_tstats64": "tstats", "loopback_get_stats64": "lstats",
              "dummy_get_stats64": "lstats"}


def _per_cpu_kind(dev: Any) -> str:
    """"lstats", "tstats", "dstats" or "": which member has the counters of each CPU."""
    if dev.hasField("pcpu_stat_type"):
        # 6.7: 34d21de99cea ("net: Move {l,t,d}stats allocation to core and convert veth & vrf")
        kind = int(dev.pcpu_stat_type)
        for name in ("lstats", "tstats", "dstats"):
            if kind and kind == enumerator_value(f"NETDEV_PCPU_STAT_{name.upper()}"):
                return name
    function = int(dev.netdev_ops.ndo_get_stats64)
    return _SUMMED_BY.get(addr2sym(function) or "", "") if function else ""


def _u64(value: Any) -> int:
    """An u64_stats_t: a number, or since 5.6 a struct around one."""
    return readU64(value) if isinstance(value, StructResult) else value


def getStats(dev: Any) -> dict[str, int]:
    """The counters of an interface, by the names of COUNTERS; crash.error if unreadable."""
    totals = {name: getattr(dev.stats, name) for name in COUNTERS}
    kind = _per_cpu_kind(dev)
    pointer = getattr(dev, kind) if kind else None
    if not pointer:
        return totals
    loops = addr2sym(int(dev.netdev_ops.ndo_get_stats64)) == "loopback_get_stats64"
    for cpu in range(sys_info.CPUS):
        own = percpu.percpu_ptr(pointer, cpu)
        own = readSU({"lstats": "struct pcpu_lstats", "tstats": "struct pcpu_sw_netstats",
                      "dstats": "struct pcpu_dstats"}[kind], own)
        if kind == "lstats":
            counted = {"tx_packets": _u64(own.packets), "tx_bytes": _u64(own.bytes)}
            if loops:       # all that it sends comes back
                counted |= {name.replace("tx", "rx"): n for name, n in counted.items()}
        else:
            counted = {name: _u64(getattr(own, name)) for name in COUNTERS[:4]}
        for name, count in counted.items():
            totals[name] += count
    return totals


# -- one interface in text ----------------------------------------------------------------------

def netdev_priv(dev: Any) -> int:
    """The address of what the driver keeps of an interface."""
    offset = member_offset(_DEVICE, "priv")     # 6.12: 13cabc47f8ae
    return int(dev) + (ALIGN(struct_size(_DEVICE), _PRIVATE_ALIGN) if offset < 0 else offset)


def _names_of_bits(value: int, names: Sequence[str], pattern: str) -> str:
    bits = ((name, enumerator_value(pattern.format(name))) for name in names)
    return "|".join(name for name, bit in bits if bit is not None and value >> bit & 1)


def print_If(dev: Any, details: int = 0) -> None:
    """Print an interface; what cannot be read ends it with one line."""
    try:
        for line in _lines(dev, details):
            print(line)
    except (crash.error, KeyError) as err:
        pylog.error(f"{dev} cannot be shown: {err}")


def _lines(dev: Any, details: int) -> list[str]:
    name = one_line(dev.name)
    kind = (ARP_HW.value2key(dev.type) or f"type={dev.type}").removeprefix("ARPHRD_")
    addresses = get_ifa_list(dev)
    first = f"{ntodots(addresses[0].ifa_local)}/{snetmask(addresses[0].ifa_mask)}" \
        if addresses else ""
    lines = [f" {name} {dev}  ".center(_WIDTH, "="),
             f"{name:<12} {first:<18}  mtu={dev.mtu}   {hardware_address(dev)}  {kind}"]
    lines += [f"  inet4 addr: {ntodots(address.ifa_local)}/{snetmask(address.ifa_mask)}"
              for address in addresses]
    lines += [f"  inet6 addr: {ntodots6(address.addr)}/{address.prefix_len}"
              for address in inet6_addresses(dev)]
    flags = dbits2str(dev.flags, IFF_FLAGS, 4)
    lines += [f"    flags=<{flags}>",
              f"    features=<{_names_of_bits(dev.features, _FEATURES, 'NETIF_F_{}_BIT')}>"]
    if details:
        states = _names_of_bits(dev.state, _LINK_STATES, "__LINK_STATE_{}")
        lines.append(f"    LINK_STATE  {dev.state} ({states})")
        ops = dev.netdev_ops
        lines.append(f"    open=<{addr2sym(int(ops.ndo_open)) or ''}>, "
                     f"stats=<{addr2sym(int(ops.ndo_get_stats64)) or ''}>")
        lines += [f"    {name:<12} {count}" for name, count in getStats(dev).items() if count]
    return lines
