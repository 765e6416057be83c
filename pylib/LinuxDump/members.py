"""Owns names that programs use for members which kernels keep in different places.

They are given when a module that needs them is first asked for something, not at import.  Must
not compute anything: each row is a chain of members, the first that a kernel has counts, or a
function of the struct.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pykdump.API import container_of, readSU, structSetAttr, structSetProcAttr

# struct -> attribute -> chains
_Chains = dict[str, dict[str, tuple[str, ...]]]

_IP_SOCKS = ("struct inet_sock", "struct tcp_sock", "struct udp_sock", "struct raw_sock")
_TIMEWAIT = ("struct inet_timewait_sock", "struct tcp_timewait_sock")

_TASKS: _Chains = {
    "struct task_struct": {
        # 5.14: 2f064a59a11f ("sched: Change task_struct::state")
        "state": ("__state", "state"),
        "_Last_ran": ("sched_info.last_arrival", "se.exec_start"),
        "Uid": ("real_cred.uid.val", "real_cred.uid"),
        "User": ("real_cred.user",),
        "Realparent": ("real_parent",),
    },
    "struct rq": {"Timestamp": ("clock",)},
}
_FILES: _Chains = {
    "struct dentry": {
        # 6.8: da549bdd15c2 ("dentry: switch the lists of children to hlist")
        "D_child": ("d_sib", "d_child"),
    },
    "struct rb_node": {"rb_parent_color": ("__rb_parent_color",)},
    "struct request": {"Flags": ("cmd_flags",)},
    "struct file": {"Dentry": ("f_path.dentry",), "Mnt": ("f_path.mnt",)},
    "struct file_lock": {
        # 6.9: a69ce85ec9af ("filelock: split common fields into struct file_lock_core")
        "Inode": ("c.flc_file.f_inode", "fl_file.f_inode"),
    },
}
_NET: _Chains = {
    "struct net_device": {"open": ("netdev_ops.ndo_open",),
                          "get_stats": ("netdev_ops.ndo_get_stats64",)},
    "struct fib_nh": {
        # 5.2: b75ed8b1aa9c ("ipv4: Rename fib_nh entries")
        "nh_dev": ("nh_common.nhc_dev",), "nh_gw": ("nh_common.nhc_gw.ipv4",)},
    "struct rtable": {"Dst": ("dst",)},
}
_NFS: _Chains = {
    "struct rpc_task": {
        "P_name": ("tk_msg.rpc_proc.p_name",), "P_proc": ("tk_msg.rpc_proc.p_proc",),
        "CL_procinfo": ("tk_client.cl_procinfo",), "CL_vers": ("tk_client.cl_vers",),
        "CL_prog": ("tk_client.cl_prog",)},
    "struct nfs_server": {"Hostname": ("nfs_client.cl_hostname",),
                          "Rpccl": ("nfs_client.cl_rpcclient",)},
    "struct svc_sock": {"SockList": ("sk_xprt.xpt_list",)},
    "struct nlm_file": {"Inode": ("f_file.f_inode",)},
}

# Of struct sock, and of those that begin with one.
_SOCK = {
    "type": "sk_type", "protocol": "sk_protocol", "rcvbuf": "sk_rcvbuf", "sndbuf": "sk_sndbuf",
    "rmem_alloc_counter": "sk_backlog.rmem_alloc.counter",
    "wmem_alloc_counter": "sk_wmem_alloc.refs.counter", "user_data": "sk_user_data",
    "Socket": "sk_socket", "ack_backlog": "sk_ack_backlog",
    "max_ack_backlog": "sk_max_ack_backlog",
}
# Of struct sock_common, and of all that begin with one.
_COMMON = {
    "family": "skc_family", "Family": "skc_family", "state": "skc_state",
    "Src": "skc_rcv_saddr", "Dst": "skc_daddr", "Src6": "skc_v6_rcv_saddr", "Dst6": "skc_v6_daddr",
    "dport": "skc_dport", "Dport": "skc_dport", "Net": "skc_net.net",
}
_CONNECTIONS: _Chains = {
    "struct tcp_sock": {
        "topt": ("",), "Rto": ("inet_conn.icsk_rto",),
        "Retransmits": ("inet_conn.icsk_retransmits",), "CA_state": ("inet_conn.icsk_ca_state",),
        "l_opt": ("inet_conn.icsk_accept_queue",),
        "accept_queue": ("inet_conn.icsk_accept_queue.rskq_accept_head",),
        "Nonagle": ("nonagle",), "sport": ("inet_conn.icsk_inet.inet_sport",)},
    "struct inet_sock": {"sport": ("inet_sport",)},
    "struct udp_sock": {"uopt": ("",), "sport": ("inet.inet_sport",)},
    "struct raw_sock": {"sport": ("inet.inet_sport",)},
    "struct inet_timewait_sock": {"Sport": ("tw_sport",), "Timeout": ("tw_timer.expires",)},
    "struct tcp_timewait_sock": {"Sport": ("tw_sk.tw_sport",),
                                 "Timeout": ("tw_sk.tw_timer.expires",)},
    "struct unix_sock": {"Uaddr": ("addr",), "socket": ("sk.sk_socket",)},
}


def _give(chains: _Chains) -> None:
    for sname, names in chains.items():
        for attr, candidates in names.items():
            structSetAttr(sname, attr, candidates)


def _name_sockets() -> None:
    begin_with_sock = (*_IP_SOCKS, "struct unix_sock")
    for attr, chain in _SOCK.items():
        structSetAttr("struct sock", attr, chain, begin_with_sock)
    for attr, chain in _COMMON.items():
        structSetAttr("struct sock_common", attr, chain,
                      ("struct sock", *begin_with_sock, *_TIMEWAIT, "struct request_sock"))
    _give(_CONNECTIONS)
    structSetProcAttr("struct unix_sock", "Peer", lambda s: readSU("struct unix_sock", s.peer))
    for sname, member in (("struct socket", "socket"), ("struct socket_alloc", "")):
        structSetProcAttr(sname, "Inode", _inode_within(member))
        structSetProcAttr(sname, "Ino", _number_of(_inode_within(member)))


def _name_nfs() -> None:
    _give(_NFS)
    structSetProcAttr("struct nfs_client", "Saddr4",
                      lambda client: readSU("struct sockaddr_in", client.cl_addr))


def _inode_within(member: str) -> Callable[[Any], Any]:
    """The inode beside a struct socket, which is `member` of a struct socket_alloc, or of that."""
    def follow(struct: Any) -> Any:
        around = container_of(struct, "struct socket_alloc", member) if member else struct
        return around.vfs_inode
    return follow


def _number_of(inode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda struct: inode(struct).i_ino


_GROUPS: dict[str, Callable[[], None]] = {
    "tasks": lambda: _give(_TASKS), "files": lambda: _give(_FILES), "net": lambda: _give(_NET),
    "nfs": _name_nfs, "sockets": _name_sockets,
}
_named: set[str] = set()


def name_members(group: str) -> None:
    """Give the names of a group: "tasks", "files", "net", "sockets" or "nfs"; once in a session."""
    if group not in _named:
        _GROUPS[group]()
        _named.add(group)
