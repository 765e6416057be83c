"""Module `_pykdump`: the engine as the framework uses it.  Not for programs."""

from collections.abc import Callable
from typing import Any, Literal

from crash import StructResult

version: str
build_info: str

# output of the current command; OSError when it cannot be written

def output_write(data: bytes | bytearray | memoryview, /) -> int: ...
def output_flush() -> None: ...
def output_fileno() -> int: ...
def output_isatty() -> bool: ...
def stdout_kind() -> Literal["terminal", "pipe", "file"]: ...

# what is analysed

def dump_info() -> dict[str, Any]: ...

# types: TypeError for an unknown one

def type_size(type: str, /) -> int: ...
def type_members(type: str, /) -> list[tuple[str, int, int, str, int]]:
    """(name, offset in bits, size in bits or 0, type, size of the type in bytes)."""

def type_enumerators(type: str, /) -> dict[str, int]: ...
def variable_type(name: str, /) -> str | None: ...
def type_names(space: Literal["struct", "union", "enum", "typedef"], /) -> list[str]:
    """Of all definitions, in the order of the debug information; "typedef" has base types too."""

def type_definitions(space: Literal["struct", "union", "enum", "typedef"], /
                     ) -> list[tuple[str, int, bool, Any]]:
    """(name, size, is signed, content) of all definitions.

    The content of a struct or union is a list of (name, bit offset, bit size or 0, type, bytes,
    content of a type without name or None); of an enum one of (name, value); of a typedef (type,
    content of a type without name or None); of a base type None.
    """


# values

def readSU(type: str, address: int, /) -> StructResult: ...
def read_value(type: str, address: int, /) -> Any: ...
def list_nodes(head: int, offset: int, limit: int, struct: str | None = ..., back: int = ...,
               /) -> tuple[list[Any], Literal["whole", "limit", "cycle", "error"], int, str]:
    """Walk a chain of pointers; nodes are objects of `struct`, at their address less `back`.

    How it ended, the address of the last node and, for an error, the reason.
    """

def observe_reads(observer: Callable[[str, str, int], object] | None, /) -> None: ...

# caches

def purge_caches(kind: Literal["memory", "types"], /) -> None: ...
def cache_statistics() -> dict[str, int]: ...
def cache_set_pages(pages: int, /) -> None: ...
def after_fork() -> None: ...

# searching: (addresses, complete, pages searched, excluded, skipped for another reason)

_Found = tuple[list[int], bool, int, int, int]

def ranges() -> list[tuple[int, int, str]]: ...
def search_words(start: int, end: int, value: int, mask: int, size: int, limit: int,
                 progress: Callable[[int], object] | None = ..., /) -> _Found: ...
def search_bytes(start: int, end: int, needle: bytes, limit: int,
                 progress: Callable[[int], object] | None = ..., /) -> _Found: ...
def readable_run(start: int, end: int, pages: int, /) -> tuple[int, bytes, int, int]:
    """The first readable pages from `start` on that lie one behind the other; b"" at the end."""
