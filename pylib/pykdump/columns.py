"""Owns columns: the same members of many structs, read in one call into typed arrays.

    tasks, report = walk_list(head, "struct task_struct", "tasks", as_column=True)
    table = columns(tasks, "struct task_struct", ["pid", "comm", "mm.pgd"])
    numpy.asarray(table.pid)                    # no copy
    for pid, comm in table.rows("pid", "comm"): ...

The reading is the engine's.  Must not know what the structs are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

import _pykdump

if TYPE_CHECKING:
    from _pykdump import Column


class Columns(tuple["Column", ...]):
    """Columns of one length, by number, by path (`table["mm.pgd"]`), and as attributes.

    The attribute of a path is the path, "_" in the place of what is no letter (`table.mm_pgd`).
    """

    address: Column
    """Where the structs are, in the order of the rows."""
    names: tuple[str, ...]
    """The paths."""

    def __new__(cls, address: Column, names: Sequence[str], made: Iterable[Any]) -> Columns:
        self = super().__new__(cls, made)
        self.address = address
        self.names = tuple(names)
        return self

    @overload
    def __getitem__(self, key: str | SupportsIndex) -> Column: ...

    @overload
    def __getitem__(self, key: slice) -> tuple[Column, ...]: ...

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        if key not in self.names:
            raise KeyError(key)
        return super().__getitem__(self.names.index(key))

    def __getattr__(self, name: str) -> Column:
        for path, column in zip(self.names, self):
            if "".join(c if c.isalnum() else "_" for c in path) == name:
                return column
        raise AttributeError(f"there is no column {name}: {', '.join(self.names)}")

    def rows(self, *paths: str) -> Iterator[tuple[Any, ...]]:
        """The values row by row, of all columns unless told; None where there is no value."""
        return zip(*(self[path] for path in paths or self.names))

    def __repr__(self) -> str:
        return f"<Columns {', '.join(self.names)}: {len(self.address)} rows>"


def columns(addresses: Any, struct: str, paths: Sequence[str] | str) -> Columns:
    """The values at each path of the structs at the addresses.

    addresses   a Column (of a walk, or of another table), any buffer of 64-bit integers
                (array("Q"), numpy), or a sequence of ints and StructResults; None is NULL
    struct      their type, such as "struct task_struct"
    paths       members as Eval takes them: "pid", "mm.pgd", "signal.rlim[7].rlim_cur"

    Integers, enums, bit fields and pointers become integers of their size, char arrays bytes
    (text as values), other arrays rows of numbers, embedded structs their addresses.  Units are
    the kernel's.  A row whose chain has a NULL pointer or leads to memory that cannot be read is
    0 in the array, None as a value, False in Column.valid, and counted in Column.faults.

    TypeError for an unknown type, a value that cannot be read and addresses that are none;
    KeyError for a missing member.
    """
    if isinstance(paths, str):
        paths = [paths]
    address, made = _pykdump.columns(addresses, struct, paths)
    return Columns(address, paths, made)
