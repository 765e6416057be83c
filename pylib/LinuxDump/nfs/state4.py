"""Owns the state that an NFSv4 client has: its lease, who has what open or locked, delegations.

Must not know what programs print.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.fs.paths import all_paths
from pykdump.API import HZ, readU64, sym2addr, walk_hlist, walk_list, walk_rbtree

_LIMIT = 1_000_000
_READ, _WRITE = 1, 2

# Names of bits, from 0 on; the kernel has them in enums of its module, which are not in a dump.
STATE_FLAGS = (
    "LK_STATE_IN_USE", "NFS_DELEGATED_STATE", "NFS_OPEN_STATE", "NFS_O_RDONLY_STATE",
    "NFS_O_WRONLY_STATE", "NFS_O_RDWR_STATE", "NFS_STATE_RECLAIM_REBOOT",
    "NFS_STATE_RECLAIM_NOGRACE", "NFS_STATE_POSIX_LOCKS", "NFS_STATE_RECOVERY_FAILED",
    "NFS_STATE_MAY_NOTIFY_LOCK", "NFS_STATE_CHANGE_WAIT", "NFS_CLNT_DST_SSC_COPY_STATE",
    "NFS_CLNT_SRC_SSC_COPY_STATE", "NFS_SRV_SSC_COPY_STATE")
DELEGATION_FLAGS = (
    "NFS_DELEGATION_NEED_RECLAIM", "NFS_DELEGATION_RETURN", "NFS_DELEGATION_RETURN_IF_CLOSED",
    "NFS_DELEGATION_REFERENCED", "NFS_DELEGATION_RETURNING", "NFS_DELEGATION_REVOKED",
    "NFS_DELEGATION_TEST_EXPIRED", "NFS_DELEGATION_INODE_FREEING",
    "NFS_DELEGATION_RETURN_DELAYED")


class Lease(NamedTuple):
    """Of a struct nfs_client: seconds that it lasts, and since it was renewed."""

    time: int
    age: int

    @property
    def expired(self) -> bool:
        """Whether the server may have forgotten this client."""
        return self.age > self.time


class Delegation(NamedTuple):
    """What a server lets this client do with a file without asking.

    mode    "r", "w" or "rw"
    flags   of DELEGATION_FLAGS
    """

    delegation: Any
    inode: Any
    path: str       # within its filesystem; "" if it is not known
    mode: str
    flags: list[str]


class State(NamedTuple):
    """A file that an owner has open.

    flags   of STATE_FLAGS
    opens   how often it is open for reading, for writing, and for both
    locks   struct nfs4_lock_state: who has locks of it
    """

    state: Any
    inode: Any
    path: str
    mode: str
    flags: list[str]
    opens: tuple[int, int, int]
    locks: list[Any]


class Owner(NamedTuple):
    """Who has files open: all processes with the same credentials."""

    owner: Any      # struct nfs4_state_owner
    uid: int
    states: list[State]


def lease(client: Any) -> Lease:
    """Of a struct nfs_client.  crash.error."""
    passed = (readU64(sym2addr("jiffies")) - client.cl_last_renewal) % (1 << 64)
    return Lease(client.cl_lease_time // HZ, passed // HZ)


def delegations(server: Any) -> list[Delegation]:
    """Of a struct nfs_server.  crash.error, TypeError without the module's types."""
    found, _report = walk_list(server.delegations, "struct nfs_delegation", "super_list",
                               limit=_LIMIT)
    return [delegation(each) for each in found]


def delegation(each: Any) -> Delegation:
    """What a struct nfs_delegation is.  crash.error."""
    return Delegation(each, each.inode, _path(each.inode), _mode(each.type),
                      bits(each.flags, DELEGATION_FLAGS))


def owners(server: Any) -> list[Owner]:
    """Who has something open by a struct nfs_server.  crash.error, TypeError as above."""
    found, _report = walk_rbtree(server.state_owners, "struct nfs4_state_owner",
                                 "so_server_node", limit=_LIMIT)
    return [owner(each) for each in found]


def owner(each: Any) -> Owner:
    """What a struct nfs4_state_owner is.  crash.error."""
    found, _report = walk_list(each.so_states, "struct nfs4_state", "open_states", limit=_LIMIT)
    return Owner(each, each.so_cred.fsuid.val, [state(one) for one in found])


def state(each: Any) -> State:
    """What a struct nfs4_state is.  crash.error."""
    locks, _report = walk_list(each.lock_states, "struct nfs4_lock_state", "ls_locks",
                               limit=_LIMIT)
    return State(each, each.inode, _path(each.inode), _mode(each.state),
                 bits(each.flags, STATE_FLAGS), (each.n_rdonly, each.n_wronly, each.n_rdwr),
                 list(locks))


def bits(value: int, names: tuple[str, ...]) -> list[str]:
    """Names of the bits that are set, from the lowest on; "bit N" of those without."""
    return [names[bit] if bit < len(names) else f"bit {bit}"
            for bit in range(value.bit_length()) if value >> bit & 1]


def _mode(mode: int) -> str:
    return ("r" if mode & _READ else "") + ("w" if mode & _WRITE else "")


def _path(inode: Any) -> str:
    if not inode:
        return ""
    names, _report = walk_hlist(inode.i_dentry, "struct dentry", "d_u.d_alias", limit=1)
    return all_paths().inside(names[0]) if names else ""
