"""Owns what is known of the dump and the machine it is from, as crash's `sys` tells it.

Asked when first needed.  Must not know the kernel's structures.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import _pykdump
import crash

from .Generic import Bunch


@functools.total_ordering
class KernelRev(str):
    """A kernel release: compared by the numbers in it, equal as text."""

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(int(number) for number in re.findall(r"\d+", self)[:3])

    def __lt__(self, other: str) -> bool:
        return self.numbers < KernelRev(other).numbers

    def __gt__(self, other: str) -> bool:
        return self.numbers > KernelRev(other).numbers

    __eq__ = str.__eq__
    __hash__ = str.__hash__


class _SysInfo(Bunch):
    """What the engine knows at once, and the keys of `sys` when one of them is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __missing__(self, name: str) -> Any:
        # Keys of `sys` are in capitals; those of the engine come without running a command.
        for load in (self._load_engine, self._load_sys):
            load()
            if name in self:
                return self[name]
        raise KeyError(name)

    def _load_engine(self) -> None:
        info = _pykdump.dump_info()
        self.update(
            CPUS=info["cpus"], DUMPFILE=info["dumpfile"], HZ=info["hz"], livedump=info["live"],
            machine=info["machine"].lower(), kernel=KernelRev(info["release"]), pointersize=8,
            pointermask=(1 << 64) - 1)

    def _load_sys(self) -> None:
        for line in crash.exec_crash_command("sys").splitlines():
            key, colon, value = line.partition(": ")
            if colon:
                self.setdefault(key.strip(), value.strip())


sys_info = _SysInfo()
