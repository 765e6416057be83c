"""Owns what is mounted by NFS: the struct nfs_server of each superblock, and how it is mounted.

Must not know requests, nor what programs print.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.fs import getMount
from LinuxDump.fs.superblocks import all_superblocks, operations
from LinuxDump.inet import get_ns_net
from LinuxDump.inet.netdevice import get_host_IPs
from LinuxDump.nfs.iostats import Stats, stats
from LinuxDump.nfs.options import mount_options, peer, sockaddr, version_text
from LinuxDump.nfs.rpc import ADDRESS, transports
from pykdump.API import CU_LIVE, crash, memoize_cond, readSU

_SUPERS = ("nfs_sops", "nfs4_sops")
_SB_RDONLY, _SB_SYNCHRONOUS = 1, 1 << 4


class Share(NamedTuple):
    """What a server exports and this machine has mounted.

    server      struct nfs_server
    sb          struct super_block
    hostname    of the server, as it was mounted
    address     its IP address; "" of other families
    version     "3", "4.1"
    source      "host:/path"; "" if the first process does not have it mounted
    points      where it has
    """

    server: Any
    sb: Any
    hostname: str
    address: str
    version: str
    source: str
    points: list[str]

    @property
    def name(self) -> str:
        """What is mounted, and where: "host:/path (/mnt)"."""
        where = f" ({self.points[0]})" if self.points else ""
        return f"{self.source or self.hostname}{where}"


class ShareList(NamedTuple):
    """Shares, and what could not be read of them: sentences."""

    shares: list[Share]
    problems: list[str]


def share_of(sb: Any) -> Any:
    """struct nfs_server of a superblock, None if it is not of NFS.

    crash.error; TypeError if the dump does not have the module's types.
    """
    return readSU("struct nfs_server", sb.s_fs_info) if operations(sb) in _SUPERS else None


def stats_of(sb: Any) -> Stats | None:
    """What NFS counts of a superblock, None if it is not of NFS; errors as of `share_of`."""
    server = share_of(sb)
    return None if server is None else stats(server)


def all_options(server: Any) -> list[str]:
    """Options of a struct nfs_server with those that are as by default; crash.error, KeyError."""
    flags = server.super.s_flags
    shown = ["ro" if flags & _SB_RDONLY else "rw", *(["sync"] if flags & _SB_SYNCHRONOUS else [])]
    own, _complete = mount_options(server, defaults=True)
    return [*shown, *own, f"addr={peer(server.nfs_client.cl_rpcclient, ADDRESS)}"]


@memoize_cond(CU_LIVE)
def shares() -> ShareList:
    """All superblocks of NFS; TypeError if there are some, and not the module's types."""
    supers, problems = all_superblocks()
    mounted: dict[int, list[tuple[str, str]]] = {}
    for _mnt, sb, _kind, source, point in getMount():
        mounted.setdefault(sb, []).append((source, point))
    found = []
    for sb in supers:
        try:
            server = share_of(sb)
            if server is None:
                continue
            client = server.nfs_client
            rows = mounted.get(int(sb), [])
            found.append(Share(server, sb, str(client.cl_hostname), sockaddr(client.cl_addr)[1],
                               version_text(server), rows[0][0] if rows else "",
                               [point for _source, point in rows]))
        except (crash.error, IndexError) as err:
            problems.append(f"the NFS mount of {sb}: {err}")
    return ShareList(found, problems)


def share_with(clnt: Any) -> Share | None:
    """That whose requests a struct rpc_clnt makes, None if it is of none.  crash.error."""
    wanted = int(clnt)
    for each in shares().shares:
        if wanted in (int(each.server.client), int(each.server.client_acl),
                      int(each.server.nfs_client.cl_rpcclient)):
            return each
    return None


def shares_by(xprt: Any) -> list[Share]:
    """Those whose requests may go by a struct rpc_xprt.  crash.error."""
    return [each for each in shares().shares if xprt in transports(each.server.client)]


def own_shares() -> list[Share]:
    """Those of the selected network namespace that a server there exports.  crash.error."""
    v4, v6 = get_host_IPs()
    return [each for each in shares().shares if each.server.nfs_client.cl_net == get_ns_net()
            and (each.address in v4 | v6 or each.address.startswith("127."))]
