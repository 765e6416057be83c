"""Functions of the standard library that it does not have any more, written over what it has.

Each takes and returns what the old one did, but for texts, which are str.
"""

from __future__ import annotations

import functools
import html
import importlib.util
import inspect
import locale
import os
import platform
import string
import types
import unittest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import Loader
    from typing import Any, NamedTuple

    class ArgSpec(NamedTuple):
        args: list[str]
        varargs: str | None
        keywords: str | None
        defaults: tuple[Any, ...] | None
else:
    from collections import namedtuple
    ArgSpec = namedtuple("ArgSpec", "args varargs keywords defaults")


# -- inspect --

def getargspec(func: Callable[..., object]) -> ArgSpec:
    """Names and defaults of the arguments; ValueError for a function that has keyword-only ones."""
    spec = inspect.getfullargspec(func)
    if spec.kwonlyargs or spec.annotations:
        raise ValueError("Function has keyword-only parameters or annotations, "
                         "use inspect.signature() API which can support them")
    return ArgSpec(spec.args, spec.varargs, spec.varkw, spec.defaults)


def formatargspec(args: Sequence[str], varargs: str | None = None, varkw: str | None = None,
                  defaults: Sequence[object] | None = None, *_more: object) -> str:
    """The arguments as they stand in a definition: (a, b=1, *rest)."""
    first = len(args) - len(defaults or ())
    words = [name if place < first else f"{name}={(defaults or ())[place - first]!r}"
             for place, name in enumerate(args)]
    words += [f"*{varargs}"] if varargs else []
    words += [f"**{varkw}"] if varkw else []
    return f"({', '.join(words)})"


# -- string --

letters = string.ascii_letters
lowercase = string.ascii_lowercase
uppercase = string.ascii_uppercase


def join(words: Sequence[str], sep: str = " ") -> str:
    return sep.join(words)


def maketrans(old: Any, new: Any) -> object:
    return bytes.maketrans(old, new) if isinstance(old, bytes) else str.maketrans(old, new)


def translate(text: str, table: Any, deletions: str = "") -> str:
    for character in deletions:
        text = text.replace(character, "")
    return text.translate(table)


def atoi(text: str, base: int = 10) -> int:
    return int(text, base)


def zfill(value: object, width: int) -> str:
    return str(value).zfill(width)


# -- platform, sys, locale, os --

def linux_distribution(distname: str = "", version: str = "", id: str = "",
                       *_more: object, **_options: object) -> tuple[str, str, str]:
    """(name, version, code name) of the system that crash runs on, not of the dump's."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return distname, version, id
    return (release.get("NAME", distname), release.get("VERSION_ID", version),
            release.get("VERSION_CODENAME", id))


def setdefaultencoding(name: str) -> None:
    """Nothing: all text is Unicode."""


def exc_clear() -> None:
    """Nothing: an exception ends with its handler."""


def getcheckinterval() -> int:
    return 100


def setcheckinterval(interval: int) -> None:
    """Nothing: sys.setswitchinterval counts time."""


def format_number(percent: str, value: Any, grouping: bool = False, monetary: bool = False,
                  *additional: Any) -> str:
    return locale.format_string(percent, (value, *additional) if additional else value,
                                grouping, monetary)


def walk(top: str, func: Callable[[Any, str, list[str]], object], arg: object) -> None:
    """Call `func(arg, directory, names)` for each directory; it may remove some from names."""
    try:
        names = os.listdir(top)
    except OSError:
        return
    func(arg, top, names)
    for name in names:
        path = os.path.join(top, name)
        if os.path.isdir(path) and not os.path.islink(path):
            walk(path, func, arg)


# -- asyncio, html, importlib, pkgutil, operator, unittest --

def coroutine(func: Callable[..., Any]) -> Callable[..., Any]:
    """What a generator does with `yield from`, as a coroutine; a plain function too."""
    begin = types.coroutine(func)

    @functools.wraps(func)
    async def run(*args: Any, **kwargs: Any) -> Any:
        made = begin(*args, **kwargs)
        return await made if inspect.isawaitable(made) else made
    return run


def unescape(parser: object, s: str) -> str:
    return html.unescape(s)


def find_loader(name: str, path: object = None) -> Loader | None:
    spec = importlib.util.find_spec(name)
    return None if spec is None else spec.loader


def div(a: Any, b: Any) -> Any:
    """As `/` did: whole numbers are divided to a whole number."""
    return a // b if isinstance(a, int) and isinstance(b, int) else a / b


def makeSuite(testCaseClass: type[unittest.TestCase], prefix: str = "test",
              *_more: object) -> unittest.TestSuite:
    loader = unittest.TestLoader()
    loader.testMethodPrefix = prefix
    return loader.loadTestsFromTestCase(testCaseClass)
