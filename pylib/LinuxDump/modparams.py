"""Owns the parameters of modules and their values, as /sys/module/NAME/parameters shows them.

What reads a parameter in the kernel tells its type.  Must not know any module.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pykdump.API import (PTR_SIZE, addr2sym, crash, pylog, readInt, readmem, readPtr, readSU)
from pykdump.plaintext import one_line

_MAX_PARAMETERS, _MAX_ELEMENTS, _MAX_TEXT = 4096, 1024, 4096
# By the function that shows them: size, signed, how they are written.
_NUMBERS = {"byte": (1, False, "d"), "short": (2, True, "d"), "ushort": (2, False, "d"),
            "int": (4, True, "d"), "uint": (4, False, "d"), "long": (8, True, "d"),
            "ulong": (8, False, "d"), "ullong": (8, False, "d"), "hexint": (4, False, "#010x")}
_TRUTHS = {"bool": "NY", "invbool": "YN"}
UNKNOWN = "(?)"


class Parameter(NamedTuple):
    """A parameter of a module."""

    name: str
    value: str          # as sysfs shows it; "(?)" of a type that only the module knows
    kind: str           # "int", "bool", "charp", "array" ...; the function that shows it; or ""
    mode: int           # its permissions in sysfs; 0: it is not there


def parameters(module: Any) -> list[Parameter]:
    """The parameters of a struct module, in its own order; damage is reported in the log."""
    found: list[Parameter] = []
    try:
        first, count = module.kp, min(module.num_kp, _MAX_PARAMETERS)
        for index in range(count if first else 0):
            found.append(_parameter(first[index]))
    except crash.error as err:
        pylog.error(f"parameters of {module}: {err}")
    return sorted(found)


def _parameter(param: Any) -> Parameter:
    kind = _kind(int(param.ops))
    try:
        value = _value(kind, int(param.arg))
    except crash.error:
        value = UNKNOWN
    return Parameter(one_line(param.name or ""), value, kind, param.perm)


def _kind(ops: int) -> str:
    """What shows a parameter: param_get_int is "int"."""
    if not ops:
        return ""
    shows = addr2sym(readSU("struct kernel_param_ops", ops).get) or ""
    return shows.removeprefix("param_get_") if shows != "param_array_get" else "array"


def _value(kind: str, address: int) -> str:
    if kind in _NUMBERS:
        size, signed, form = _NUMBERS[kind]
        return format(readInt(address, size, signed), form)
    if kind in _TRUTHS:
        return _TRUTHS[kind][bool(readInt(address, 1))]
    if kind == "charp":
        pointer = readPtr(address)
        return _string(pointer, _MAX_TEXT) if pointer else "(null)"
    if kind == "string":
        what = readSU("struct kparam_string", address)
        return _string(int(readPtr(int(what) + what.fieldOffset("string"))), what.maxlen)
    if kind == "array":
        return _array(readSU("struct kparam_array", address))
    return UNKNOWN


def _array(what: Any) -> str:
    counter = readPtr(int(what) + what.fieldOffset("num"))
    count = min(readInt(counter, 4) if counter else what.max, what.max, _MAX_ELEMENTS)
    kind = _kind(int(what.ops))
    if kind == "array":
        return UNKNOWN      # there are none of arrays; the damage would be without end
    elements = readPtr(int(what) + what.fieldOffset("elem"))
    return ",".join(_value(kind, elements + index * what.elemsize) for index in range(count))


def _string(address: int, most: int) -> str:
    """A C string, which may end at a page that cannot be read."""
    most = min(most, _MAX_TEXT)
    data = b""
    while len(data) < most and b"\0" not in data:
        length = min(most - len(data), PTR_SIZE * 32 - (address + len(data)) % (PTR_SIZE * 32))
        try:
            data += readmem(address + len(data), length)
        except (crash.error, IndexError):
            if not data:
                raise crash.error(f"text at 0x{address:x} cannot be read") from None
            break
    return one_line(data.partition(b"\0")[0].decode("utf-8", "backslashreplace"))
