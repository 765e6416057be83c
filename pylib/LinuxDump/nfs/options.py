"""Owns the options of NFS mounts, as /proc/PID/mountinfo and /proc/PID/mountstats have them.

Must not know who mounts what where, nor requests.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from LinuxDump.nfs.rpc import ADDRESS, NETID
from pykdump.API import HZ, readmem

_AF_INET, _AF_INET6 = 2, 10
_NFS_PORT = 2049
_UNSPECIFIED_PORT = 0xffff
_V4 = 4

# nfs_server.flags
SOFT, SOFTERR, NONLM = 0x1, 0x400000, 0x200
_LEGACY_INTERFACE = 0x80000
_LOOKUP_NONEG, _LOOKUP_NONE = 0x10000, 0x20000
_LOCAL_FLOCK, _LOCAL_FCNTL = 0x100000, 0x200000
_WRITE_EAGER, _WRITE_WAIT, _NO_ALIGNWRITE = 0x1000000, 0x2000000, 0x10000000
_NETUNREACH_FATAL = 0x40000000
# Those that are words of their own, in the kernel's order.
_FLAGS = ((SOFT, "soft"), (SOFTERR, "softerr"), (0x800000, "softreval"), (0x8, "posix"),
          (0x10, "nocto"), (0x20, "noac"), (NONLM, "nolock"), (0x800, "noacl"),
          (0x4000, "nordirplus"),
          (0x20000000, "rdirplus=force"),       # 6.15
          (0x8000, "nosharecache"), (0x40000, "noresvport"))
# Higher ones are not known here.
_KNOWN = 0x7fffffff

# nfs_server.options
_FSCACHE, _MIGRATION = 1, 2

# What is not shown of nfs_server if it is so: seconds.
_DEFAULT_AGES = {"acregmin": 3, "acregmax": 60, "acdirmin": 30, "acdirmax": 60}
_FLAVORS = {0: "null", 1: "sys", 390003: "krb5", 390004: "krb5i", 390005: "krb5p",
            390006: "lkey", 390007: "lkeyi", 390008: "lkeyp", 390009: "spkm", 390010: "spkmi",
            390011: "spkmp"}
_PROTOCOLS = {6: "tcp", 17: "udp"}
_TLS = {1: "tls", 2: "mtls"}


def peer(clnt: Any, which: int) -> str:
    """What a struct rpc_clnt calls its server: ADDRESS, PORT or NETID.  crash.error."""
    return str(clnt.cl_xprt.address_strings[which] or "")


def sockaddr(storage: Any) -> tuple[int, str, int]:
    """(family, address, port) of a struct sockaddr; the text is "" of other families than IP's."""
    data = readmem(int(storage), 28)
    family, port = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "big")
    if family == _AF_INET:
        return family, str(ipaddress.IPv4Address(data[4:8])), port
    if family == _AF_INET6:
        return family, ipaddress.IPv6Address(data[8:24]).compressed, port
    return family, "", 0


def mount_options(server: Any, defaults: bool = False) -> tuple[list[str], bool]:
    """Those that NFS adds to "rw" or "ro" of a struct nfs_server, and whether these are all.

    With `defaults` as in mountstats, which has those that are as they are by default, too, but
    not the address.
    crash.error, KeyError.
    """
    client, flags = server.nfs_client, server.flags
    version = client.rpc_ops.version
    own = [f"vers={version_text(server)}", f"rsize={server.rsize}", f"wsize={server.wsize}"]
    if server.bsize:
        own.append(f"bsize={server.bsize}")
    own.append(f"namlen={server.namelen}")
    for name, default in _DEFAULT_AGES.items():
        value = getattr(server, name)
        if defaults or value != default * HZ:
            own.append(f"{name}={value // HZ}")
    if not flags & (SOFT | SOFTERR):
        own.append("hard")
    own += [word for bit, word in _FLAGS if flags & bit]
    # 6.15: the transport's errors that are a server's end
    if server.client.hasField("cl_netunreach_fatal"):
        fatal = "ENETDOWN:ENETUNREACH" if flags & _NETUNREACH_FATAL else "none"
        own.append(f"fatal_neterrors={fatal}")
    own.append(f"proto={peer(server.client, NETID)}")
    if client.cl_nconnect:
        own.append(f"nconnect={client.cl_nconnect}")
    # 5.15
    if version == _V4 and client.hasField("cl_max_connect") and client.cl_max_connect > 1:
        own.append(f"max_connect={client.cl_max_connect}")
    if server.port != (_NFS_PORT if version == _V4 else 0):
        own.append(f"port={server.port}")
    own += _transport(server, client)
    own += [f"clientaddr={client.cl_ipaddr}"] if version == _V4 \
        else _mountd(server, flags, defaults)
    own += _last(server, flags)
    if not defaults:
        own.append(f"addr={peer(client.cl_rpcclient, ADDRESS)}")
    return own, not flags & ~_KNOWN


def version_text(server: Any) -> str:
    """The version that a struct nfs_server is mounted with: "3", "4.1"."""
    client = server.nfs_client
    version = client.rpc_ops.version
    return f"4.{client.cl_minorversion}" if version == _V4 else str(version)


def _transport(server: Any, client: Any) -> list[str]:
    timeout = server.client.cl_timeout
    flavor = server.client.cl_auth.au_flavor
    own = [f"timeo={10 * timeout.to_initval // HZ}", f"retrans={timeout.to_retries}",
           f"sec={_FLAVORS.get(flavor, 'unknown')}"]
    # 6.5: c8407f2e560c ("NFS: Add an "xprtsec=" NFS mount option")
    if client.hasField("cl_xprtsec") and client.cl_xprtsec.policy in _TLS:
        own.append(f"xprtsec={_TLS[client.cl_xprtsec.policy]}")
    return own


def _mountd(server: Any, flags: int, defaults: bool) -> list[str]:
    """How the mount daemon was asked, of versions that have one."""
    if flags & _LEGACY_INTERFACE:
        return []
    family, address, _port = sockaddr(server.mountd_address)
    own = []
    if address or defaults:
        own.append(f"mountaddr={address or 'unspecified'}")
    if server.mountd_version or defaults:
        own.append(f"mountvers={server.mountd_version}")
    if server.mountd_port not in (0, _UNSPECIFIED_PORT) or defaults:
        own.append(f"mountport={server.mountd_port}")
    protocol = _PROTOCOLS.get(server.mountd_protocol, "") if address else ""
    if protocol and family == _AF_INET6:
        protocol += "6"
    return [*own, f"mountproto={protocol or ('auto' if defaults else '')}"]


def _last(server: Any, flags: int) -> list[str]:
    own = []
    if server.options & _FSCACHE:
        unique = server.fscache_uniq if server.hasField("fscache_uniq") else None
        own.append(f"fsc={unique}" if unique else "fsc")
    if server.options & _MIGRATION:
        own.append("migration")
    if flags & _LOOKUP_NONEG:
        own.append(f"lookupcache={'none' if flags & _LOOKUP_NONE else 'pos'}")
    local = {0: "none", _LOCAL_FLOCK: "flock", _LOCAL_FCNTL: "posix"}
    own.append(f"local_lock={local.get(flags & (_LOCAL_FLOCK | _LOCAL_FCNTL), 'all')}")
    if flags & _NO_ALIGNWRITE:
        own.append("noalignwrite")
    if flags & _WRITE_EAGER:
        own.append(f"write={'wait' if flags & _WRITE_WAIT else 'eager'}")
    return own
