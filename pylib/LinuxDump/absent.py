"""Owns stand-ins: for functions that are not written yet, and for what is made when first used.

A module with the former can be imported, and what it has works; a call of what is not there yet
raises an error that names it.  Must not know what any of them would do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn


class NotThereYet(NotImplementedError):
    """A function of LinuxDump that there is not yet."""


def absent(module: str, *names: str) -> Any:
    """A function for each name that raises NotThereYet when called; of one name the function."""
    functions = tuple(_stand_in(f"{module}.{name}") for name in names)
    return functions if len(functions) > 1 else functions[0]


def _stand_in(name: str) -> Callable[..., NoReturn]:
    def stand_in(*args: Any, **options: Any) -> NoReturn:
        raise NotThereYet(f"{name} is not there yet in this version of mpykdump")

    stand_in.__name__ = stand_in.__qualname__ = name.rpartition(".")[2]
    stand_in.__doc__ = "Not there yet: calling it raises NotThereYet."
    return stand_in


class Late:
    """An object that is made when it is used: what depends on the dump, or takes time to make."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def _made(self) -> Any:
        return self._make()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._made(), name)

    def __getitem__(self, key: Any) -> Any:
        return self._made()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._made())

    def __contains__(self, item: object) -> bool:
        return item in self._made()

    def __len__(self) -> int:
        return len(self._made())

    def __repr__(self) -> str:
        return repr(self._made())
