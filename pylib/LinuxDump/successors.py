"""Owns what became of members and symbols that programs ask for and kernels have moved.

Only said to people, in the error that such a program gets: nothing is computed from it.  Each row
names the upstream release and commit of the move.
"""

from __future__ import annotations

from typing import NamedTuple


class Move(NamedTuple):
    """Where something went."""

    now: str        # a member chain of the same struct, a symbol, or words
    since: str      # the first upstream release that has it so
    commit: str     # and the commit


# struct -> member -> its successors, newest first: the first that the dump's kernel has is named.
MEMBERS: dict[str, dict[str, tuple[Move, ...]]] = {
    "struct task_struct": {
        "state": (Move("__state", "5.14", "2f064a59a11f"),),
        "cpu": (Move("thread_info.cpu", "5.16", "bcf9033e5449"),),
        "thread_group": (Move("thread_node", "6.7", "8e1f385104ac"),),
        "pids": (Move("thread_pid", "4.19", "2c4704756cab"),),
        "cpus_allowed": (Move("cpus_mask", "5.3", "3bd3706251ee"),),
    },
    "struct mm_struct": {
        "mmap": (Move("mm_mt", "6.1", "763ecb035029"),),
        "mm_rb": (Move("mm_mt", "6.1", "763ecb035029"),),
    },
    "struct vm_area_struct": {
        "vm_next": (Move("vm_mm.mm_mt", "6.1", "763ecb035029"),),
        "vm_prev": (Move("vm_mm.mm_mt", "6.1", "763ecb035029"),),
    },
    "struct inode": {
        "i_atime": (Move("i_atime_sec", "6.11", "3aa63a569c64"),
                    Move("__i_atime", "6.7", "12cd44023651")),
        "i_mtime": (Move("i_mtime_sec", "6.11", "3aa63a569c64"),
                    Move("__i_mtime", "6.7", "12cd44023651")),
        "i_ctime": (Move("i_ctime_sec", "6.11", "3aa63a569c64"),
                    Move("__i_ctime", "6.6", "13bc24457850")),
    },
    "struct dentry": {
        "d_subdirs": (Move("d_children", "6.8", "da549bdd15c2"),),
        "d_child": (Move("d_sib", "6.8", "da549bdd15c2"),),
    },
    "struct mnt_namespace": {
        "list": (Move("mounts", "6.8", "2eea9ce4310d"),),
    },
    "struct address_space": {
        "page_tree": (Move("i_pages", "4.17", "b93b016313b3"),),
    },
    "struct file_lock": {
        f"fl_{name}": (Move(f"c.flc_{name}", "6.9", "a69ce85ec9af"),)
        for name in ("blocker", "list", "link", "blocked_requests", "blocked_member", "owner",
                     "flags", "type", "pid", "link_cpu", "wait", "file")
    },
    "struct module": {
        "core_layout": (Move("mem", "6.4", "ac3b43283923"),),
        "init_layout": (Move("mem", "6.4", "ac3b43283923"),),
    },
    "struct kernfs_node": {
        "parent": (Move("__parent", "6.15", "633488947ef6"),),
    },
    "struct pool_workqueue": {
        "delayed_works": (Move("inactive_works", "5.15", "f97a4a1a3f87"),),
    },
    "struct request": {
        "rq_disk": (Move("q.disk", "5.17", "f3fa33acca9f"),),
    },
    "struct inet_hashinfo": {
        "listening_hash": (Move("lhash2", "5.19", "cae3873c5b3a"),),
    },
}

# The same for symbols.
SYMBOLS: dict[str, tuple[Move, ...]] = {
    "pid_max": (Move("init_pid_ns.pid_max", "6.14", "7863dcc72d0f"),),
    "vmap_area_list": (Move("vmap_nodes", "6.9", "d093602919ad"),),
    "vmap_area_root": (Move("vmap_nodes", "6.9", "d093602919ad"),),
}
