"""Owns how a task is scheduled: policy, priority, CPUs, the control group it is in.

Must not know when it ran.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.kernfs import kernfs_fullpath
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import sys_info

_POLICIES = {0: "NORMAL", 1: "FIFO", 2: "RR", 3: "BATCH", 5: "IDLE", 6: "DEADLINE", 7: "EXT"}
_NICE_0 = 120
_WORD = 64


class Scheduling(NamedTuple):
    """How a task is scheduled."""

    policy: str         # "SCHED_NORMAL", ...
    prio: int           # the kernel's: less is more urgent, below 100 real-time
    nice: int
    rt_priority: int    # 1 to 99 for real-time policies, else 0
    cpus: list[int]     # where it may run, of those that there are


def scheduling(task: Any) -> Scheduling:
    """Of a task_struct; crash.error if it cannot be read."""
    policy = task.policy
    name = f"SCHED_{_POLICIES[policy]}" if policy in _POLICIES else f"policy {policy}"
    return Scheduling(name, task.prio, task.static_prio - _NICE_0, task.rt_priority,
                      allowed_cpus(task))


def allowed_cpus(task: Any) -> list[int]:
    """The CPUs that a task_struct may run on."""
    try:
        words = task.cpus_mask.bits     # 5.3: 3bd3706251ee ("sched/core: Provide a pointer ...")
    except KeyError:
        words = task.cpus_allowed.bits
    return [cpu for cpu in range(min(sys_info.CPUS, len(words) * _WORD))
            if words[cpu // _WORD] >> cpu % _WORD & 1]


def as_ranges(numbers: list[int]) -> str:
    """Ascending numbers as the kernel lists CPUs: 0-3,8."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def cgroup_path(task: Any) -> str:
    """The control group (version 2) of a task_struct, as a path from the root."""
    return kernfs_fullpath(task.cgroups.dfl_cgrp.kn)


def is_frozen(task: Any) -> bool:
    """Whether a task_struct is stopped by the freezer of its control group."""
    return bool(task.frozen)        # 5.2: 76f969e8948d ("cgroup: cgroup v2 freezer")
