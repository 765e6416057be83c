"""Owns NFS and RPC: whether they are in use, flags, and the structs behind inodes.

Must not know what programs print.
"""

from __future__ import annotations

from typing import Any

from LinuxDump.dlkm import lsmod
from LinuxDump.inet import *  # noqa: F401,F403 - programs take both from here
from LinuxDump.members import name_members
from pykdump.API import CDefine, CU_LIVE, container_of, memoize_cond, pylog, readSU, symbol_exists

# include/linux/nfs_fs_sb.h and sunrpc/sched.h, where they are macros
NFS_flags = CDefine("""
#define NFS_MOUNT_SOFT          0x0001
#define NFS_MOUNT_INTR          0x0002
#define NFS_MOUNT_SECURE        0x0004
#define NFS_MOUNT_POSIX         0x0008
#define NFS_MOUNT_NOCTO         0x0010
#define NFS_MOUNT_NOAC          0x0020
#define NFS_MOUNT_TCP           0x0040
#define NFS_MOUNT_VER3          0x0080
#define NFS_MOUNT_KERBEROS      0x0100
#define NFS_MOUNT_NONLM         0x0200
#define NFS_MOUNT_BROKEN_SUID   0x0400
#define NFS_MOUNT_NOACL         0x0800
#define NFS_MOUNT_STRICTLOCK    0x1000
#define NFS_MOUNT_SECFLAVOUR    0x2000
#define NFS_MOUNT_NORDIRPLUS    0x4000
#define NFS_MOUNT_UNSHARED      0x8000
#define NFS_MOUNT_LOOKUP_CACHE_NONEG 0x10000
#define NFS_MOUNT_LOOKUP_CACHE_NONE  0x20000
#define NFS_MOUNT_NORESVPORT    0x40000
#define NFS_MOUNT_LEGACY_INTERFACE   0x80000
#define NFS_MOUNT_LOCAL_FLOCK   0x100000
#define NFS_MOUNT_LOCAL_FCNTL   0x200000
#define NFS_MOUNT_SOFTERR       0x400000
#define NFS_MOUNT_SOFTREVAL     0x800000
#define NFS_MOUNT_WRITE_EAGER   0x1000000
#define NFS_MOUNT_WRITE_WAIT    0x2000000
#define NFS_MOUNT_TRUNK_DISCOVERY    0x4000000
#define NFS_MOUNT_SHUTDOWN      0x8000000
#define NFS_MOUNT_NO_ALIGNWRITE 0x10000000
#define NFS_MOUNT_FORCE_RDIRPLUS     0x20000000
#define NFS_MOUNT_NETUNREACH_FATAL   0x40000000
""")
NFS_caps = CDefine("""
#define NFS_CAP_READDIRPLUS     0x0001
#define NFS_CAP_HARDLINKS       0x0002
#define NFS_CAP_SYMLINKS        0x0004
#define NFS_CAP_ACLS            0x0008
#define NFS_CAP_ATOMIC_OPEN     0x0010
#define NFS_CAP_LGOPEN          0x0020
""")
RPC_flags = CDefine("""
#define RPC_TASK_ASYNC          0x0001
#define RPC_TASK_SWAPPER        0x0002
#define RPC_TASK_MOVEABLE       0x0004
#define RPC_TASK_NULLCREDS      0x0010
#define RPC_CALL_MAJORSEEN      0x0020
#define RPC_TASK_DYNAMIC        0x0080
#define RPC_TASK_NO_ROUND_ROBIN 0x0100
#define RPC_TASK_SOFT           0x0200
#define RPC_TASK_SOFTCONN       0x0400
#define RPC_TASK_SENT           0x0800
#define RPC_TASK_TIMEOUT        0x1000
#define RPC_TASK_NOCONNECT      0x2000
#define RPC_TASK_NO_RETRANS_TIMEOUT 0x4000
#define RPC_TASK_CRED_NOREF     0x8000
""")


@memoize_cond(CU_LIVE)
def get_nfs_mounts() -> list[tuple[str, Any, str]]:
    """(hostname, struct nfs_server, mountpoint) of the first process's mounts of NFS.

    TypeError if there are some, and the dump does not have the module's types.
    """
    from LinuxDump.nfs.shares import shares

    return [(each.hostname, each.server, point) for each in shares().shares
            for point in each.points]


def if_loopback_NFS() -> bool:
    """Warn of mounts from this machine's own server; are there any.  Errors as above."""
    from LinuxDump.nfs.shares import own_shares

    addresses = sorted({each.address for each in own_shares()})
    for address in addresses:
        pylog.warning(f"NFS loopback mount -> {address}")
    return bool(addresses)


def print_nfs_inode(inode: Any) -> None:
    """Print an inode's struct nfs_inode, its number on the server, and its share."""
    own, server = NFS_I(inode), NFS_SERVER(inode)
    print(f"{own} fileid={own.fileid} {server} {server.nfs_client.cl_hostname}")


@memoize_cond(CU_LIVE)
def is_NFSD() -> bool:
    """Is there an NFS server in this kernel: its module is loaded, or it is built in."""
    return bool("nfsd" in lsmod() or symbol_exists("nfsd_program"))


def NFS_SB(sb: Any) -> Any:
    """struct nfs_server of a superblock."""
    return readSU("struct nfs_server", sb.s_fs_info)


def NFS_SERVER(inode: Any) -> Any:
    """struct nfs_server of an inode."""
    return NFS_SB(inode.i_sb)


def NFS_I(inode: int) -> Any:
    """struct nfs_inode of an inode."""
    return container_of(inode, "struct nfs_inode", "vfs_inode")


def init_Structures() -> None:
    """Name the members of RPC's and NFS's structs that kernels call differently."""
    name_members("nfs")
