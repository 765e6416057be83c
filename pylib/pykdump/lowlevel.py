"""Owns the reading of memory by type: scalars, structs, global variables.

Must not know lists, nor what the kernel keeps where.
"""

from __future__ import annotations

from typing import Any

import _pykdump
import crash

from . import missing, variables
from .registry import registerModuleAttr

readSU = _pykdump.readSU
readmem = crash.readmem
readPtr = crash.readPtr
readProcessMem = crash.readProcessMem
_read = crash.readInt

debugDeref: int


def _observe(level: object) -> None:
    """Follow the switch: nothing is observed, and nothing slower, while it is 0."""
    if level:
        _pykdump.observe_reads(_show_deref if level == 1 else _show_read)
    else:
        _pykdump.observe_reads(None)


def _show_deref(sname: str, member: str, address: int) -> None:
    if _is_pointer(sname, member):
        _show_read(sname, member, address)


def _show_read(sname: str, member: str, address: int) -> None:
    print(f"deref: <{sname} 0x{address:x}>.{member}")


def _is_pointer(sname: str, member: str) -> bool:
    from . import typeinfo
    field = typeinfo.members(sname).get(member)
    return field is not None and field.ctype.endswith("*")


registerModuleAttr("debugDeref", default=0, on_change=_observe,
                   help="print dereferences: 1 pointers that are followed, 2 all members read")


def readU8(addr: int) -> int:
    """The unsigned 8 bits at an address; crash.error if unreadable."""
    return _read(addr, 1)


def readU16(addr: int) -> int:
    """The unsigned 16 bits at an address; crash.error if unreadable."""
    return _read(addr, 2)


def readU32(addr: int) -> int:
    """The unsigned 32 bits at an address; crash.error if unreadable."""
    return _read(addr, 4)


def readU64(addr: int) -> int:
    """The unsigned 64 bits at an address; crash.error if unreadable."""
    return _read(addr, 8)


def readS32(addr: int) -> int:
    """The signed 32 bits at an address; crash.error if unreadable."""
    return _read(addr, 4, True)


def readS64(addr: int) -> int:
    """The signed 64 bits at an address; crash.error if unreadable."""
    return _read(addr, 8, True)


readUInt = readU32
readULong = readU64
readLong = readS64


def readInt(addr: int, size: int | None = None, *how: bool) -> int:
    """A C int; with a size any integer of so many bytes, as crash.readInt(addr, size, signed)."""
    return readS32(addr) if size is None else _read(addr, size, *how)


def readSymbol(name: str) -> Any:
    """The value of a global variable, read by its type as a member is (see StructResult).

    TypeError for an unknown symbol or one without a known type, crash.error if unreadable.
    """
    address = crash.sym2addr(name)
    if not address:
        raise TypeError(missing.symbol(name))
    ctype = variables.type_of(name)
    if variables.is_nameless(ctype):
        return _pykdump.read_variable(name, address)
    return _pykdump.read_value(ctype, address)


def Addr(obj: int, extra: int = 0) -> int:
    """The address that an object stands for, as a plain int."""
    return int(obj) + extra


def Deref(obj: Any) -> Any:
    """What a pointer points to; a struct is its own target.  IndexError for NULL."""
    return obj.Deref
