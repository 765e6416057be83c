"""The lab: makes real kernel dumps from Debian packages, and keeps them in a cache.

A guest (a Debian kernel, a static busybox, the script guests/NAME.sh) boots in QEMU, becomes a
small busy system, prints its own account of itself to the serial line and panics; QEMU then
writes the dump. Tests compare what a program reads from the dump with the guest's account.

From a shell:

    python3 -m tests.lab packages --for dump     install what the lab needs
    python3 -m tests.lab dump                    make the dump, or find it; print its paths
    python3 -m tests.lab dump --kernel trixie    the same of another suite's kernel

From Python:

    from tests.lab import dumps
    dump = dumps.get("busy")                     # a dumps.Dump; built when absent
    dump.vmlinux, dump.kdump, dump.elf           # paths
    dump.production, dump.production_elf, dump.filtered     # likewise, made when asked for
    dump.oracle["tasks"]                         # the guest's account

The account, `oracle.json`:

    {"uname": str, "nproc": int, "uptime": float, "loadavg": [float, float, float],
     "tasks": [{"pid": int, "tid": int, "tgid": int, "ppid": int,
                "name": str,        as /proc shows it; longer than comm for kernel threads
                "comm": str,        as task_struct.comm holds it, 15 characters at most
                "state": str,       R S D T t Z I
                "cpu": int, "uid": int, "gid": int, "threads": int, "pgrp": int, "session": int,
                "flags": int, "kthread": bool, "prio": int, "nice": int, "rt_priority": int,
                "policy": int, "start_ticks": int, "tracer": int, "nspid": [int],
                "vm_size_kb": int, "vm_rss_kb": int, "switches": [voluntary, involuntary]}],
     "mounts": [{"device", "point", "type", "options": [str]}],
     "modules": [{"name", "size": int, "refcount": int, "address": int, "users": [str]}],
     "meminfo": {name: int},        kB, or a plain count where /proc/meminfo gives no unit
     "sockets": {"tcp" | "tcp6" | "udp" | "udp6":
                     [{"local": [address, port], "remote": [address, port], "state": int,
                       "tx_queue": int, "rx_queue": int, "uid": int, "inode": int}],
                 "unix": [{"address": int, or None where the kernel hides it,
                           "refcount": int, "type": int, "state": int, "inode": int,
                           "path": str}]},
     "cmdline": {pid: [str]}, "environ": {pid: [str]}, "fds": {pid: {fd: target}},
     "links": {pid: {"exe" | "cwd" | "root": target}}, "mountinfo": {pid: [line]},
     "stacks": {"pid/tid": [function]}, "maps": {pid: [line]},
     "text": {section: str}}        every section as it was printed

JSON makes the keys of an object strings, so pid and fd are strings there. A task's pid is its
thread's own number (as crash says PID), the same as its tid; tgid is the process. The account
precedes the panic by some milliseconds: process 1 slept when it was printed, and is the one that
runs, and panics, in the dump; kernel threads may have moved on. The lab-* processes have not;
guests/states.c says what each of them is and holds.
"""


class LabError(Exception):
    """Something the lab needs is missing or went wrong; the message is meant for people."""
