"""Owns NFSv4's clients, servers, states and delegations as programs print them.

What they are is in LinuxDump.nfs; here are the classes around the structs.  Must not know RPC.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from LinuxDump.absent import Late
from LinuxDump.nfs import state4
from LinuxDump.nfs.options import mount_options
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import EnumInfo, crash, readSU

NFS4_CLIENT_STATE = Late(lambda: EnumInfo("enum nfs4_client_state"))
NFS_DELEGATION_FLAGS = {name: bit for bit, name in enumerate(state4.DELEGATION_FLAGS)}
NFS4_STATE_FLAGS = {name: bit for bit, name in enumerate(state4.STATE_FLAGS)}
# include/linux/nfs_fs_sb.h, where they are macros; bit numbers
SERVER_CAPABILITIES = {
    "NFS_CAP_READDIRPLUS": 0, "NFS_CAP_HARDLINKS": 1, "NFS_CAP_SYMLINKS": 2, "NFS_CAP_ACLS": 3,
    "NFS_CAP_ATOMIC_OPEN": 4, "NFS_CAP_LGOPEN": 5, "NFS_CAP_CASE_INSENSITIVE": 6,
    "NFS_CAP_CASE_PRESERVING": 7, "NFS_CAP_POSIX_LOCK": 14, "NFS_CAP_UIDGID_NOMAP": 15,
    "NFS_CAP_STATEID_NFSV41": 16, "NFS_CAP_ATOMIC_OPEN_V1": 17, "NFS_CAP_SECURITY_LABEL": 18,
    "NFS_CAP_SEEK": 19, "NFS_CAP_ALLOCATE": 20, "NFS_CAP_DEALLOCATE": 21,
    "NFS_CAP_LAYOUTSTATS": 22, "NFS_CAP_CLONE": 23, "NFS_CAP_COPY": 24,
    "NFS_CAP_OFFLOAD_CANCEL": 25, "NFS_CAP_LAYOUTERROR": 26, "NFS_CAP_COPY_NOTIFY": 27,
    "NFS_CAP_XATTR": 28, "NFS_CAP_READ_PLUS": 29, "NFS_CAP_FS_LOCATIONS": 30,
    "NFS_CAP_MOVEABLE": 31}
# Bits 6 to 13 before there was nfs_server.fattr_valid (5.13)
_OLD_CAPABILITIES = ("NFS_CAP_FILEID", "NFS_CAP_MODE", "NFS_CAP_NLINK", "NFS_CAP_OWNER",
                     "NFS_CAP_OWNER_GROUP", "NFS_CAP_ATIME", "NFS_CAP_CTIME", "NFS_CAP_MTIME")


def _capabilities(server: Any) -> dict[str, int]:
    if server.hasField("fattr_valid"):
        return SERVER_CAPABILITIES
    known = {name: bit for name, bit in SERVER_CAPABILITIES.items() if not 6 <= bit < 14}
    return known | {name: 6 + index for index, name in enumerate(_OLD_CAPABILITIES)}


def _names(value: int, table: Any) -> str:
    found = [name for name, bit in table.items() if value >> bit & 1]
    return " | ".join(found) or "none"


def _head(struct: Any, kind: str) -> None:
    print(f"(struct {kind} *)0x{int(struct):x}")


def _told(what: str, show: Callable[[], None]) -> None:
    """What `show` prints, or one line for a dump that does not have it."""
    try:
        show()
    except (KeyError, TypeError):
        print(f" {what} analysis not implemented for this kernel")
    except (crash.error, IndexError) as err:
        print(f" {what} cannot be read: {err}")


class nfs_client:
    """A struct nfs_client, or its address: a server that is talked to, and the lease there."""

    def __init__(self, c: Any) -> None:
        self.client = readSU("struct nfs_client", int(c))

    def state_info(self) -> None:
        """Print what its state manager is to do."""
        print(f" - cl_state = {_names(self.client.cl_state, NFS4_CLIENT_STATE)}")

    def lease_info(self) -> None:
        """Print its lease and whether it has expired; older versions of NFS have none."""
        found = state4.lease(self.client)
        if not found.time:
            print(f" - NFS version {self.client.rpc_ops.version}: no lease")
            return
        print(f" - cl_lease_time = {found.time} s, renewed {found.age} s ago")
        print(f" - NFS4 lease is {'' if found.expired else '_NOT_ '}expired")

    def print_verbose(self) -> None:
        """Print all that is known of it."""
        def show() -> None:
            print(f" - cl_hostname = {self.client.cl_hostname}, "
                  f"cl_clientid = 0x{self.client.cl_clientid:x}, "
                  f"minor version = {self.client.cl_minorversion}")
            self.state_info()
            self.lease_info()
        _head(self.client, "nfs_client")
        _told("client state", show)


class nfs_server:
    """A struct nfs_server, or its address: one filesystem of a server."""

    def __init__(self, s: Any) -> None:
        self.server = readSU("struct nfs_server", int(s))

    def print_capabilities(self) -> None:
        """Print what the server can do."""
        print(f" - caps = {_names(self.server.caps, _capabilities(self.server))}")

    def print_state_owners(self) -> None:
        """Print who has what open."""
        self._print_owners(True, False)

    def _print_owners(self, with_open: bool, with_locks: bool) -> None:
        def show() -> None:
            for each in state4.owners(self.server):
                owner = nfs4_state_owner(each.owner)
                owner.print_verbose(with_open, with_locks)
        _told("state owners", show)

    def print_delegations(self) -> None:
        """Print the delegations of its files."""
        def show() -> None:
            for each in state4.delegations(self.server):
                nfs_delegation(each.delegation).print_verbose()
        _told("delegations", show)

    def print_verbose(self, with_open_owners: bool = False, with_lock_owners: bool = False,
                      with_delegations: bool = False) -> None:
        """Print how it is mounted, and what is asked for."""
        def show() -> None:
            server = self.server
            print(f" - rsize = {server.rsize}, rpages = {server.rpages}")
            print(f" - wsize = {server.wsize}, wpages = {server.wpages}")
            print(f" - options = {','.join(mount_options(server, defaults=True)[0])}")
            self.print_capabilities()
        _head(self.server, "nfs_server")
        _told("server", show)
        if with_open_owners or with_lock_owners:
            self._print_owners(with_open_owners, with_lock_owners)
        if with_delegations:
            self.print_delegations()


class nfs_delegation:
    """A struct nfs_delegation, or its address."""

    def __init__(self, d: Any) -> None:
        self.delegation = readSU("struct nfs_delegation", int(d))

    def print_verbose(self) -> None:
        """Print which file it is of, and how it is."""
        _head(self.delegation, "nfs_delegation")
        found = state4.delegation(self.delegation)
        print(f" - file = {found.path}, inode = 0x{int(found.inode or 0):x}, "
              f"type = {found.mode}")
        print(f" - flags = {' | '.join(found.flags) or 'none'}")


class nfs4_state_owner:
    """A struct nfs4_state_owner, or its address."""

    def __init__(self, o: Any) -> None:
        self.owner = readSU("struct nfs4_state_owner", int(o))

    def print_verbose(self, with_open: bool = True, with_locks: bool = True) -> None:
        """Print whose it is, and its states: those that are open, or have locks."""
        _head(self.owner, "nfs4_state_owner")
        found = state4.owner(self.owner)
        print(f" - uid = {found.uid}, states = {len(found.states)}")
        for each in found.states:
            if with_open or with_locks and each.locks:
                nfs4_state(each.state).print_verbose()


class nfs4_state:
    """A struct nfs4_state, or its address: a file that is open."""

    def __init__(self, s: Any) -> None:
        self.state = readSU("struct nfs4_state", int(s))

    def print_verbose(self) -> None:
        """Print which file it is, how it is open, and who has locks of it."""
        _head(self.state, "nfs4_state")
        found = state4.state(self.state)
        print(f" - file = {found.path}, inode = 0x{int(found.inode or 0):x}, "
              f"mode = {found.mode or 'none'}")
        print(f" - n_rdonly = {found.opens[0]}, n_wronly = {found.opens[1]}, "
              f"n_rdwr = {found.opens[2]}")
        print(f" - flags = {' | '.join(found.flags) or 'none'}")
        for lock in found.locks:
            print(f" - lock state = 0x{int(lock):x}, owner = 0x{int(lock.ls_owner):x}")
