"""Signs of trouble that stacks and states of threads show together."""

from __future__ import annotations

from typing import Any

from LinuxDump.Analysis import (check_hanging_nfsd, check_memory_pressure, check_possible_hang,
                                check_saphana, print_wait_for_AF_UNIX)
from LinuxDump.BTstack import subroutine_stacks
from LinuxDump.specialcases import check_specialcases
from LinuxDump.taskrows import task_rows
from pykdump.API import pylog

_LONG_MS = 120_000


def show(verbose: int) -> None:
    """Warn of threads that hang, wait for memory, serve NFS and hang, or wait for syslog."""
    stacks = subroutine_stacks().find_pids_byfuncname
    if check_possible_hang() > 1:
        print("   Run 'hanginfo' to get more details")
    check_memory_pressure(stacks)
    check_hanging_nfsd(stacks)
    print_wait_for_AF_UNIX(-1)
    check_specialcases(verbose)
    if check_saphana() == 2:
        pylog.info("This host is running SAP HANA")


def data() -> dict[str, Any]:
    """How many threads are uninterruptible for over two minutes; whether SAP HANA runs."""
    return {"hung": sum(1 for row in task_rows()
                        if row.ran_ago > _LONG_MS and row.code == "UN"),
            "saphana": check_saphana() == 2}
