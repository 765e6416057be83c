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
