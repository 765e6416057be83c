"""Owns credentials: who a task is, and what counts against its user.

Must not know how they are printed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import enumerator_value

_MAX_GROUPS = 65536     # NGROUPS_MAX
_IDS = ("uid", "gid", "suid", "sgid", "euid", "egid", "fsuid", "fsgid")
NO_LIMIT = (1 << 64) - 1
RLIMITS = ("CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS",
           "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME")

_CAPABILITY_SETS = ("inheritable", "permitted", "effective", "bset", "ambient")
CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
    "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE")
_NO_NEW_PRIVS = 1       # bit 0 of task_struct.atomic_flags
_SECCOMP = ("disabled", "strict", "filter")


class Credentials(NamedTuple):
    """A struct cred; groups are the supplementary ones."""

    ids: dict[str, int]     # uid gid suid sgid euid egid fsuid fsgid
    groups: list[int]
    user: Any               # struct user_struct
    group_info: Any         # struct group_info


def kid(value: Any) -> int:
    """A kuid_t or kgid_t as a number, as the first user namespace has it."""
    try:
        return value.val
    except AttributeError:
        return value        # without user namespaces it was a plain number


def credentials(cred: Any) -> Credentials:
    """What a struct cred says; crash.error if it cannot be read."""
    ids = {name: kid(getattr(cred, name)) for name in _IDS}
    info = cred.group_info
    # 4.9 put the groups into one array, before they were in pages of their own.
    count = min(info.ngroups, _MAX_GROUPS) if info else 0
    groups = [kid(info.gid[index]) for index in range(count)]
    return Credentials(ids, groups, cred.user, info)


def capabilities(cred: Any) -> dict[str, int]:
    """Masks of the sets of capabilities: inheritable permitted effective bounding ambient."""
    return {{"bset": "bounding"}.get(name, name): _mask(getattr(cred, f"cap_{name}"))
            for name in _CAPABILITY_SETS}


def _mask(value: Any) -> int:
    try:
        return value.val        # 6.3: f122a08b197d ("capability: just use a 'single u64' ...")
    except KeyError:
        low, high = value.cap
        return low | high << 32


def capability_names(mask: int) -> list[str]:
    """CAP_CHOWN ...; those that are not known by their number."""
    return [f"CAP_{CAPABILITIES[bit]}" if bit < len(CAPABILITIES) else f"CAP_{bit}"
            for bit in range(mask.bit_length()) if mask >> bit & 1]


def no_new_privs(task: Any) -> bool:
    """Whether a task_struct can never gain privileges by running a program."""
    return bool(task.atomic_flags & _NO_NEW_PRIVS)


def seccomp(task: Any) -> str:
    """The mode of seccomp of a task_struct: disabled, strict or filter."""
    mode = task.seccomp.mode
    return _SECCOMP[mode] if mode < len(_SECCOMP) else f"mode {mode}"


def user_count(cred: Any, what: str) -> int:
    """How many of "NPROC" or "SIGPENDING" count against the user; KeyError if unknown."""
    index = enumerator_value(f"UCOUNT_RLIMIT_{what}")
    if index is not None:
        try:
            return cred.ucounts.rlimit[index].counter       # 6.0
        except KeyError:
            return cred.ucounts.ucount[index].counter       # 5.14
    return getattr(cred.user, {"NPROC": "processes", "SIGPENDING": "sigpending"}[what]).counter


def rlimits(signal: Any) -> list[tuple[str, int, int]]:
    """(name, current, maximum) of each resource limit; NO_LIMIT means none."""
    return [(f"RLIMIT_{name}", limit.rlim_cur, limit.rlim_max)
            for name, limit in zip(RLIMITS, signal.rlim)]
