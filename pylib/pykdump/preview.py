"""Owns values on one line: short, whatever they are, and without reading the dump.

For people who look for an error or a leak.  Must not know why somebody looks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType
from typing import Any

import crash

_LENGTH = 100           # characters of a value
_TEXT = 70              # characters of a text, bytes of bytes
_ITEMS = 5              # of a container
_DEPTH = 2              # containers in containers
_BITS = 256             # of an int that is written out
_VALUES = 25            # of a frame
# What a frame has by these is named in its source, and no news.
_DEFINITIONS = (ModuleType, FunctionType, BuiltinFunctionType, type)


_CONTAINERS: tuple[tuple[Any, str], ...] = (
    (list, "[]"), (tuple, "()"), (set, "{}"), (frozenset, "{}"), (deque, "[]"))


def of(value: object) -> str:
    """A value on one line of bounded length; that of an object whose repr fails is its type."""
    return _cut(_shown(value, _DEPTH))


def of_frame(frame: FrameType) -> dict[str, str]:
    """The variables of a frame by name, but for modules, functions and classes.

    Of a module's or program's own frame those that its code uses: a star import leaves many more.
    """
    variables = frame.f_locals
    names: Iterable[str] = list(variables)
    if frame.f_locals is frame.f_globals:
        names = [name for name in frame.f_code.co_names if name in variables]
    wanted = [name for name in names
              if not name.startswith("__") and not isinstance(variables[name], _DEFINITIONS)]
    shown = {name: of(variables[name]) for name in wanted[:_VALUES]}
    if len(wanted) > _VALUES:
        shown["..."] = f"{len(wanted) - _VALUES} more"
    return shown


def dictionary(module: ModuleType) -> dict[str, Any]:
    """The variables of a module; a lazy one stays so."""
    variables: dict[str, Any] = ModuleType.__getattribute__(module, "__dict__")
    return variables


def _shown(value: Any, depth: int) -> str:
    try:
        return _text(value, depth)
    except KeyboardInterrupt:
        raise
    except BaseException as err:        # __repr__ is other people's code
        failure = type(err).__name__
        return f"<{type(value).__name__} at 0x{id(value):x}, its repr fails: {failure}>"


def _text(value: Any, depth: int) -> str:
    kind = type(value)
    # By its type: asking a lazy module for its class would load it.
    if issubclass(kind, crash.StructResult):
        return crash.StructResult.__str__(value)
    if issubclass(kind, str):
        text = str.__getitem__(value, slice(_TEXT))      # that of a SmartString has more
        return repr(text) + ("..." if str.__len__(value) > _TEXT else "")
    if issubclass(kind, (bytes, bytearray)):
        return repr(bytes(value[:_TEXT])) + ("..." if len(value) > _TEXT else "")
    if issubclass(kind, int) and int.bit_length(value) > _BITS:
        return f"<{kind.__name__} of {int.bit_length(value)} bits>"
    if issubclass(kind, list) and kind.__module__ == crash.__name__:
        return f"<{kind.__name__} of {len(value)}>"         # its elements are in the dump
    if issubclass(kind, dict):
        pairs = (f"{_shown(key, depth - 1)}: {_shown(item, depth - 1)}"
                 for key, item in dict.items(value))
        return _container(value, dict, "{}", pairs, depth)
    for base, brackets in _CONTAINERS:
        if issubclass(kind, base):
            items = (_shown(item, depth - 1) for item in base.__iter__(value))
            return _container(value, base, brackets, items, depth)
    if issubclass(kind, ModuleType):
        return f"<module {dictionary(value).get('__name__')}>"
    if kind.__repr__ is object.__repr__:
        return f"<{kind.__qualname__} at 0x{id(value):x}>"
    return " ".join(repr(value).split())


def _container(value: Any, base: Any, brackets: str, items: Iterator[str], depth: int) -> str:
    kind = type(value)
    name = "" if kind in (dict, list, tuple, set) else kind.__name__
    length = base.__len__(value)
    if not depth:
        return f"{name}{brackets[0]}{'...' if length else ''}{brackets[1]}"
    shown = list(islice(items, _ITEMS))
    if length > _ITEMS:
        shown.append(f"... {length - _ITEMS} more")
    return f"{name}{brackets[0]}{', '.join(shown)}{brackets[1]}"


def _cut(text: str) -> str:
    return text if len(text) <= _LENGTH else text[:_LENGTH] + "..."
