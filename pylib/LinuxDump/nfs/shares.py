"""Owns what is mounted by NFS: the struct nfs_server of each superblock, and how it is mounted.

Must not know requests, nor what programs print.
"""

from __future__ import annotations

from typing import Any

from LinuxDump.fs.superblocks import operations
from LinuxDump.nfs.options import ADDRESS, mount_options, peer
from pykdump.API import readSU

_SUPERS = ("nfs_sops", "nfs4_sops")


def share_of(sb: Any) -> Any:
    """struct nfs_server of a superblock, None if it is not of NFS.

    crash.error; TypeError if the dump does not have the module's types.
    """
    return readSU("struct nfs_server", sb.s_fs_info) if operations(sb) in _SUPERS else None


def all_options(server: Any) -> list[str]:
    """Options of a struct nfs_server with those that are as by default; crash.error, KeyError."""
    flags = server.super.s_flags
    shown = ["ro" if flags & 1 else "rw", *(["sync"] if flags & 1 << 4 else [])]
    own, _complete = mount_options(server, defaults=True)
    return [*shown, *own, f"addr={peer(server.nfs_client.cl_rpcclient, ADDRESS)}"]
