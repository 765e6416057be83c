"""Owns what is known of the dump and the machine it is from, as crash's `sys` tells it.

Asked when first needed.  Must not know the kernel's structures.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import _pykdump
import crash

from .Generic import Bunch


RHDIR = "/usr/lib/debug/lib/modules"
"""Where distributions install the debug information of modules, by release."""


class KernelRev(str):
    """A kernel release: compared by the numbers in it, equal as text."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The first three numbers, 0 for those that are not there."""
        found = [int(number) for number in re.findall(r"\d+", self.partition("-")[0])]
        return tuple((found + [0, 0, 0])[:3])

    def __lt__(self, other: str) -> bool:
        return self.numbers < KernelRev(other).numbers

    def __gt__(self, other: str) -> bool:
        return self.numbers > KernelRev(other).numbers

    def __le__(self, other: str) -> bool:
        return not self > other

    def __ge__(self, other: str) -> bool:
        return not self < other

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
            if dict.__contains__(self, name):
                return dict.__getitem__(self, name)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return dict.__contains__(self, name) or self._loaded().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        return dict.__iter__(self._loaded())

    def __len__(self) -> int:
        return dict.__len__(self._loaded())

    def __bool__(self) -> bool:
        return True

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default

    def keys(self) -> Any:
        return dict.keys(self._loaded())

    def values(self) -> Any:
        return dict.values(self._loaded())

    def items(self) -> Any:
        return dict.items(self._loaded())

    def __str__(self) -> str:
        return "\n".join(f"{key} {self[key]}" for key in sorted(self))

    def _load_engine(self) -> None:
        info = _pykdump.dump_info()
        self.update(
            CPUS=info["cpus"], DUMPFILE=info["dumpfile"], HZ=info["hz"], livedump=info["live"],
            machine=info["machine"].lower(), kernel=KernelRev(info["release"]), pointersize=8,
            pointermask=(1 << 64) - 1, DebugDir=os.path.dirname(info["namelist"]))
        installed = os.path.join(RHDIR, info["release"])
        self["debuginfo"] = installed if os.path.isdir(installed) else self["DebugDir"]

    def _loaded(self) -> dict[str, Any]:
        """With all keys; as a plain dictionary, that asking it does not come here again."""
        if not dict.__contains__(self, "RELEASE"):
            self._load_engine()
            self._load_sys()
        return dict(dict.items(self))

    def _load_sys(self) -> None:
        for line in crash.exec_crash_command("sys").splitlines():
            key, colon, value = line.partition(": ")
            if colon:
                self.setdefault(key.strip(), value.strip())


sys_info = _SysInfo()
"""What is known of the dump and its machine, as attributes and as items.

CPUS            how many, an int
HZ              jiffies of a second, an int
kernel          the release, a KernelRev
machine         "x86_64"
pointersize     bytes of a pointer
pointermask     a pointer with all bits set
livedump        whether it is a live system
DUMPFILE        the dump
DebugDir        the folder of the namelist
debuginfo       the folder where distributions have debug information of modules, else DebugDir

and the keys of crash's `sys`, in capitals, as text: RELEASE, MEMORY, sys_info["LOAD AVERAGE"] ...
"""
