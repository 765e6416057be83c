"""Owns crash.gdb_whatis and crash.gdb_typeinfo: descriptions of types as dictionaries.

Must not read memory, nor ask gdb for what the engine knows.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import _pykdump
import crash

# The numbers of gdb 10; programs compare with the names.
TYPE_CODES = {
    "PTR": 1, "ARRAY": 2, "STRUCT": 3, "UNION": 4, "ENUM": 5, "FUNC": 7, "INT": 8, "FLT": 9,
    "VOID": 10, "BOOL": 21,
}
_TYPE_CODE_ERROR = 14       # what has no debug information
_CODES = {
    "pointer": "PTR", "array": "ARRAY", "struct": "STRUCT", "union": "UNION", "enum": "ENUM",
    "function": "FUNC", "int": "INT", "float": "FLT", "void": "VOID", "bool": "BOOL",
}
# Compilers write "long unsigned int", gdb what people write.
_PLAIN = {
    "short int": "short", "short unsigned int": "unsigned short", "long int": "long",
    "long unsigned int": "unsigned long", "long long int": "long long",
    "long long unsigned int": "unsigned long long", "__int128 unsigned": "unsigned __int128",
}
_UNKNOWN = re.compile(r"type = (<.* variable, no debug info>)")

_Description = tuple[str, "str | None", int, bool, int, Any, Any]


def attach(module: ModuleType) -> None:
    """Make the functions and constants part of module crash."""
    for name, code in TYPE_CODES.items():
        setattr(module, f"TYPE_CODE_{name}", code)
    setattr(module, "gdb_whatis", gdb_whatis)
    setattr(module, "gdb_typeinfo", gdb_typeinfo)


def gdb_typeinfo(name: str) -> dict[str, Any]:
    """What a type is; crash.error if there is none of that name."""
    return _dictionary(_asked(_pykdump.describe_type, name))


def gdb_whatis(expression: str) -> dict[str, Any]:
    """What the type of a C expression is: a symbol, a path from one, anything that gdb reads."""
    try:
        found = _dictionary(_asked(_pykdump.describe_expression, expression))
    except crash.error:
        found = _without_type(expression)
        if not found:
            raise
    return {**found, "fname": expression}


def dictionary(described: _Description) -> dict[str, Any]:
    """The same of what the engine's describe_type returned."""
    return _dictionary(described)


def _asked(describe: Any, text: str) -> _Description:
    if not isinstance(text, str):
        raise crash.error("invalid parameter type")
    try:
        return describe(text)
    except (TypeError, ValueError, crash.error) as err:
        raise crash.error(f"PyKdump/GDB error {err}") from None


def _without_type(name: str) -> dict[str, Any]:
    """What is said of a symbol of which only the address is known; {} if it is no symbol."""
    if not isinstance(name, str) or not name.isidentifier() or not crash.sym2addr(name):
        return {}
    found = _UNKNOWN.match(crash.get_GDB_output(f"whatis {name}") or "")
    if not found:
        return {}
    return {"basetype": found[1], "codetype": _TYPE_CODE_ERROR, "typelength": 0}


def _code(kind: str) -> int:
    return TYPE_CODES[_CODES[kind]]


def _dictionary(described: _Description) -> dict[str, Any]:
    """A type with its typedefs, dimensions and stars taken off and noted."""
    found: dict[str, Any] = {}
    dims: list[int] = []
    stars = 0
    while described[0] in ("typedef", "array", "pointer"):
        kind, name, _size, _signed, length, target, _content = described
        if kind == "typedef":
            found.setdefault("typedef", name)
        elif kind == "array":
            dims.append(length)
        else:
            stars += 1
        described = target
    kind, name, size, signed, _length, _target, _content = described
    found["basetype"] = _basetype(kind, name)
    found["codetype"] = _code("pointer" if stars else kind)
    # void and functions have no size; gdb says what a pointer to them steps over
    found["typelength"] = 8 if stars else 1 if kind in ("void", "function") else size
    if stars:
        found["stars"] = stars
        found["ptrbasetype"] = _code(kind)
    if dims:
        found["dims"] = dims
    if kind == "int":
        found["uint"] = int(not signed)
    return _with_content(found, described)


def _basetype(kind: str, name: str | None) -> str:
    if kind in ("struct", "union", "enum"):
        return f"{kind} {name}" if name else kind
    if kind == "function":
        return "(func)"
    return _PLAIN.get(name or "", name or "")


def _with_content(found: dict[str, Any], described: _Description) -> dict[str, Any]:
    kind, _name, _size, _signed, _length, target, content = described
    if content is None:
        return found
    if kind == "enum":
        found["edef"] = [[name, value] for name, value in content]
    elif kind == "function":
        found["prototype"] = [
            {**_dictionary(target), "fname": "returntype"},
            *({**_dictionary(each), "fname": f"arg{i}"} for i, each in enumerate(content))]
    else:
        found["body"] = [_member(*member) for member in content]
    return found


def _member(name: str, bitoffset: int, bitsize: int, described: _Description) -> dict[str, Any]:
    found = {**_dictionary(described), "fname": name, "bitoffset": bitoffset}
    if bitsize:
        found["bitsize"] = bitsize
    return found
