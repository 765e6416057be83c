"""Finds a driver that makes many CPUs slow when it sets their frequencies."""

from __future__ import annotations

from collections.abc import Iterator

from LinuxDump import CpuFreq
from pykdump.API import sys_info

from .finding import Evidence, Finding, Severity

_ONE_BY_ONE = "pcc-cpufreq"     # which asks the firmware, under one lock for all CPUs
_FEW = 4                        # CPUs with which the kernel itself does without a complaint


def findings() -> Iterator[Finding]:
    """One finding of the driver that serves one CPU at a time."""
    if CpuFreq.driver() != _ONE_BY_ONE:
        return
    many = sys_info.CPUS > _FEW
    yield Finding("frequencies.pcc", Severity.WARNING if many else Severity.NOTE,
                  f"Frequencies of {sys_info.CPUS} CPUs are set by {_ONE_BY_ONE}, for one of them "
                  f"at a time{': on a busy machine they wait for each other' if many else ''}.",
                  (Evidence("driver", _ONE_BY_ONE, CpuFreq.driver_address()),))
