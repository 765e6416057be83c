"""Owns which detectors there are, and runs them: each fails alone.

Must not know what any of them looks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import NamedTuple

from pykdump.errors import in_one_line
from pykdump.timelimit import time_limit

from .finding import Finding

DETECTORS = ("panics", "tasklists", "hangs", "scheduler", "storage", "filesystems", "nfs",
             "memory", "slabs", "frequencies", "logmarks", "taints")
"""Modules of this package, in the order in which findings of one severity are told."""


class Triage(NamedTuple):
    """What all detectors together have found."""

    findings: list[Finding]
    """The most severe first."""

    failed: dict[str, str]
    """Detectors that could not look, with the reason in one line."""


def detect(names: Iterable[str] = DETECTORS, left: Callable[[], float] | None = None) -> Triage:
    """Run detectors, all of them unless told; a detector that fails is named, the others go on.

    So is one that takes more seconds than are `left` when it begins.  KeyboardInterrupt and
    SystemExit pass.
    """
    findings: list[Finding] = []
    failed = {}
    for name in names:
        try:
            with time_limit(left() if left else None):
                findings += import_module(f"{__package__}.{name}").findings()
        except Exception as err:
            failed[name] = in_one_line(err)
    return Triage(sorted(findings, key=lambda finding: -finding.severity), failed)
