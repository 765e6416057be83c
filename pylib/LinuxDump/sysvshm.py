"""Owns System V shared memory: its segments, and who maps them.

Must not know what else lies in an address space.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump import taskmem
from LinuxDump.creds import kid
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (CU_LIVE, addr2sym, crash, memoize_cond, pylog, readSU, sym2addr,
                         walk_idr)

_IPC_SHM_IDS = 2            # include/linux/ipc_namespace.h and ipc/util.h


class shminfo(NamedTuple):
    """A segment of System V shared memory; `perms` are the digits that ipcs prints."""

    key: int
    shmid: int
    uid: int
    perms: str
    bytes: int
    nattch: int


@memoize_cond(CU_LIVE)
def _segments() -> dict[tuple[int, int], shminfo]:
    address = sym2addr("init_ipc_ns")
    if not address:
        return {}           # without CONFIG_SYSVIPC
    _ids, pointers, report = walk_idr(readSU("struct ipc_namespace", address)
                                      .ids[_IPC_SHM_IDS].ipcs_idr)
    if not report.whole:
        pylog.error(f"segments of shared memory: {report}")
    found = {}
    for pointer in pointers:
        try:
            segment = readSU("struct shmid_kernel", pointer)
            perm = segment.shm_perm
            found[perm.key, perm.id] = shminfo(
                perm.key, perm.id, kid(perm.uid), f"{perm.mode & 0o777:o}",
                segment.shm_segsz, segment.shm_nattch)
        except crash.error as err:
            pylog.error(f"segment of shared memory at 0x{pointer:x} cannot be read: {err}")
    return found


def get_ipcs_m() -> dict[tuple[int, int], shminfo] | None:
    """Segments of the first IPC namespace by (key, shmid), None without any."""
    return dict(_segments()) or None


def vma2sysv(vma: Any) -> tuple[int, int] | None:
    """(key, shmid) of the segment that a struct vm_area_struct maps; None if it maps none."""
    file = vma.vm_file
    if not file or addr2sym(int(vma.vm_ops)) != "shm_vm_ops":
        return None
    shmid = readSU("struct shm_file_data", file.private_data).id
    return next((known for known in _segments() if known[1] == shmid), None)


def get_task_shm_usage(task: Any) -> int:
    """Bytes of System V shared memory that a task has mapped; crash.error if unreadable."""
    mm = task.mm
    return taskmem.sysv(mm) if mm else 0
