"""Owns what is known of the dump and the machine it is from, as crash's `sys` tells it.

Asked when first needed.  Must not know the kernel's structures.
"""

from __future__ import annotations

import functools
import re

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
    """Keys of `sys` as items and attributes, and some with values of other types."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        self._load()
        return super().__getattr__(name)

    def __missing__(self, name: str) -> object:
        if "kernel" in self:
            raise KeyError(name)
        self._load()
        return self[name]

    def _load(self) -> None:
        if "kernel" in self:
            return
        for line in crash.exec_crash_command("sys").splitlines():
            key, colon, value = line.partition(": ")
            if colon:
                self[key.strip()] = value.strip()
        info = _pykdump.dump_info()
        self.update(
            CPUS=info["cpus"], DUMPFILE=info["dumpfile"], HZ=info["hz"], livedump=info["live"],
            machine=info["machine"].lower(), kernel=KernelRev(info["release"]), pointersize=8,
            pointermask=(1 << 64) - 1)


sys_info = _SysInfo()
