"""Owns the names that were built into Python 2: a person's program gets those that it uses.

They are put among the program's own names, so that nobody else sees them.  Must not know how the
program was found.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import io
import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any


def apply(function: Callable[..., object], args: Sequence[object] = (),
          kwargs: Mapping[str, Any] | None = None) -> object:
    return function(*args, **(kwargs or {}))


def cmp(x: Any, y: Any) -> int:
    return (x > y) - (x < y)


def execfile(filename: str, globals: dict[str, Any] | None = None,
             locals: Mapping[str, object] | None = None) -> None:
    """Run a file among the names of the caller, or among those given."""
    from . import source

    caller = sys._getframe(1)
    if globals is None:
        globals = caller.f_globals
        if locals is None:
            locals = caller.f_locals
    with open(filename, "rb") as stream:
        text = stream.read()
    code = compile(text, filename, "exec", dont_inherit=True)
    for name, value in source.prepare(text, filename).items():
        globals.setdefault(name, value)
    exec(code, globals, locals)


class _File(type):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return open(*args, **kwargs)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, io.IOBase)


class file(metaclass=_File):
    """Opens a file when it is called; what `open` returns is an instance of it."""


NAMES: dict[str, object] = {
    "StandardError": Exception,
    "apply": apply,
    "basestring": str,
    "cmp": cmp,
    "execfile": execfile,
    "file": file,
    "intern": sys.intern,
    "long": int,
    "raw_input": input,
    "reduce": functools.reduce,
    "reload": importlib.reload,
    "unichr": chr,
    "unicode": str,
    "xrange": range,
}


class BuiltinModule(ModuleType):
    """Python 2's `__builtin__`: what is set there is seen everywhere, as ever."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        try:
            return getattr(builtins, name)
        except AttributeError:
            if name in NAMES:
                return NAMES[name]
            raise

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("__"):
            super().__setattr__(name, value)
        else:
            setattr(builtins, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(builtins, name)
