"""What runs while one dump file is measured."""

import os
import subprocess
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.bench.runners import Crash, Drgn

NAMES = 400


@dataclass(frozen=True)
class Target:
    """What is measured: a dump file in one format, and the plug-in."""

    format: str
    vmlinux: Path
    vmcore: Path
    plugin: Path


class Sessions:
    """Everything that runs on one target; leaving the block ends it all."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._stack = ExitStack()

    def __enter__(self) -> "Sessions":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def crash(self) -> Crash:
        """One more crash."""
        home = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        crash = Crash(self._target.vmlinux, self._target.vmcore, home)
        self._stack.callback(crash.close)
        return crash

    def drgn(self) -> Drgn:
        """One more process with drgn."""
        drgn = Drgn(self._target.vmlinux, self._target.vmcore)
        self._stack.callback(drgn.close)
        return drgn


def pin(*processes: int) -> None:
    """Let them all run on one and the same CPU."""
    cpu = max(os.sched_getaffinity(0))
    for process in processes:
        os.sched_setaffinity(process, {cpu})


def symbol_names(vmlinux: Path) -> list[str]:
    """Names of functions, spread over the kernel, that are there once, also without a suffix."""
    listing = subprocess.run(["nm", str(vmlinux)], stdout=subprocess.PIPE, text=True, check=True)
    kinds: defaultdict[str, str] = defaultdict(str)
    for *_, kind, name in map(str.split, listing.stdout.splitlines()):
        kinds[name.partition(".")[0]] += kind       # crash drops what gcc adds: name.part.0
    names = sorted(name for name, kind in kinds.items() if kind == "T")
    return names[::len(names) // NAMES][:NAMES]
