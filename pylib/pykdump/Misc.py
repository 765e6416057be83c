"""Owns small helpers that programs find in the API, and that fit nowhere else."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from . import lazy, output
from .lowlevel import readSymbol

re_apidebug: re.Pattern[str] = re.compile(r"^--apidebug=(\d+)$")
"""An option of earlier versions, which did nothing else; programs take it from their lines."""


# The version of the interface that programs were written for.
_INTERFACE = "3.5.3"


class _Symbols(type):
    """Makes the global variables of the kernel attributes of a class."""

    def __getattr__(cls, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)      # Python itself asks for these
        return readSymbol(name)


class PYKD(metaclass=_Symbols):
    """Global variables for use in expressions: PYKD.jiffies, or PYKD.sym("jiffies").

    TypeError for an unknown one.
    """

    @staticmethod
    def sym(name: str) -> Any:
        """The value of a global variable, as readSymbol; TypeError if it is unknown."""
        return readSymbol(name)


class _PrettyPrinter:
    """A pprint.PrettyPrinter, made when it is used: it prints to where output goes then."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(lazy.module("pprint").PrettyPrinter(indent=4), name)

    def __call__(self, obj: object) -> None:
        self.pprint(obj)


pp = _PrettyPrinter()
"""Prints any object laid out: pp(obj), pp.pformat(obj)."""


def argv2s(argv: Sequence[str]) -> str:
    """A command line as it may be typed again."""
    return " ".join(f'"{word}"' if not word or re.search(r"\s", word) else word for word in argv)


def isfileoutput() -> bool:
    """Whether what a program prints goes to a regular file."""
    return output.is_file()


def getCurrentModule(depth: int = 0) -> ModuleType | None:
    """The module that calls this, or with a depth the one that called that."""
    return sys.modules.get(sys._getframe(depth + 1).f_globals["__name__"])


def printObject(obj: object) -> None:
    """Print the attributes of an object that are no functions."""
    print(f"{type(obj).__name__}:")
    for name in sorted(name for name in dir(obj) if not name.startswith("_")):
        value = getattr(obj, name)
        if not callable(value):
            print(f"  {name:<20} {value!r}")


def patch_default_kw(where: ModuleType | Callable[..., Any], name: str, value: object) -> None:
    """Give a keyword-only argument another default: of a function, or of all in a module."""
    functions = vars(where).values() if isinstance(where, ModuleType) else [where]
    for function in functions:
        defaults = getattr(function, "__kwdefaults__", None)
        if defaults and name in defaults:
            defaults[name] = value


def require_cmod_version(version: str | Sequence[int]) -> None:
    """End the program if it needs a later interface than this."""
    wanted = _numbers(version)
    if wanted > _numbers(_INTERFACE):
        print(f"This program needs version {'.'.join(map(str, wanted))} of the interface, "
              f"this is {_INTERFACE}")
        sys.exit(1)


def _numbers(version: str | Sequence[int]) -> tuple[int, ...]:
    if isinstance(version, str):
        return tuple(map(int, re.findall(r"\d+", version)))
    return tuple(version)
