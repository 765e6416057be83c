"""Module `crash`: memory, symbols and commands of the dump, under the names programs know.

Addresses are ints of 64 bits; negative ones are taken modulo 2**64.  What does not fit raises
`crash.error`, what is no int TypeError.
"""

from collections.abc import Callable
from typing import Any, SupportsIndex, overload

KVADDR: int
UVADDR: int
PHYSADDR: int
XENMACHADDR: int
FILEADDR: int
AMBIGUOUS: int
PAGESIZE: int
PAGE_CACHE_SHIFT: int
HZ: int
WARNING: str
version: str
Crash_run: str
Crash_build: str
default_timeout: int

class error(Exception):
    """crash, gdb or the dump could not do what was asked."""

class ArgumentError(error, TypeError):
    """A function of this module got what it cannot take."""

class FaultError(error):
    """Memory that cannot be read."""

    address: int

class UnmappedError(FaultError):
    """No page is mapped at the address."""

class ExcludedError(FaultError):
    """The page was left out when the dump was written, to make it smaller."""

class AbsentError(FaultError):
    """The page is not in the dump: it is incomplete, or there was no such memory."""

class ChainError(KeyError, TypeError):
    """A struct has no such chain of members."""

class StructResult(int):
    """A struct or union in memory, or a pointer to one: an int that is its address.

    Attributes are its members, read when asked for: KeyError for a missing one, crash.error for
    memory that cannot be read, IndexError for a pointer of a NULL struct at offset 0.  What a
    program assigns to an attribute is that object's own and hides a member.

    s + i and s[i] step by the size of the struct; other arithmetic is that of the address.
    """

    PYT_symbol: str
    PYT_size: int
    PYT_sinfo: Any
    """The SUInfo of the type."""
    PYT_attrcache: dict[str, int | None]
    """Pseudo-attributes: where each is, None if not in the struct itself."""

    def __new__(cls, sname: str | int, addr: int = 0) -> StructResult: ...
    @property
    def Deref(self) -> StructResult: ...
    def shortStr(self) -> str: ...
    def hasField(self, name: str) -> bool: ...
    def fieldOffset(self, name: str) -> int: ...
    def isNamed(self, type: str) -> bool: ...
    def castTo(self, type: str) -> StructResult: ...
    def Dump(self, indent: int = 0) -> None:
        """Print all members, those of embedded structs too."""

    def getDeref(self) -> StructResult: ...
    def Eval(self, chain: str) -> Any: ...
    @overload
    def __getitem__(self, index: int) -> StructResult: ...
    @overload
    def __getitem__(self, index: str) -> Any:
        """The VarInfo of a member; KeyError."""

    def __getattr__(self, name: str) -> Any: ...
    def __setattr__(self, name: str, value: Any) -> None: ...
    def __len__(self) -> int: ...

class tPtr(int):
    """A pointer to anything but a struct: an int that knows what it points to.

    IndexError for NULL, TypeError for what has no size.  What a pointer to pointers leads to is a
    tPtr of one level less, but p[i] of pointers to structs is the struct.
    """

    @property
    def Deref(self) -> Any: ...
    @property
    def ptrlev(self) -> int: ...
    @property
    def ti(self) -> Any:
        """The TypeInfo of the pointer."""

    @property
    def ptype(self) -> Any: ...
    def __getitem__(self, index: int) -> Any: ...

class intDimensionlessArray(int):
    """An array of unknown length: its address, whose elements are read by index."""

    @property
    def ti(self) -> Any: ...
    def __getitem__(self, index: int) -> Any: ...

class Array0(int):
    """An array of pointers, of one or an unknown number."""

    @property
    def ti(self) -> Any: ...
    def __getitem__(self, index: int) -> Any: ...

class Array1(list[Any]):
    """An array of pointers: a list whose elements are read when they are wanted.

    a[i] takes any index, as C does.
    """

class tEnum(int):
    """A value of an enum type: an int that prints its name."""

    @property
    def einfo(self) -> Any:
        """The EnumInfo of the type."""

class SmartString(str):
    """Text read from memory: a str that remembers where it is from.

    It ends at the first NUL; indices and slices are of all that was read.  int() gives the address
    of the pointer that it was reached through.
    """

    def __new__(cls, s: bytes | tPtr | intDimensionlessArray, addr: int | None = None,
                ptr: int | None = None) -> SmartString: ...
    def __int__(self) -> int: ...
    @property
    def ByteArray(self) -> bytes: ...
    @property
    def addr(self) -> int | None: ...
    @property
    def ptr(self) -> int | None: ...

# memory

def readmem(address: int, size: int, mtype: int = ..., /) -> bytes: ...
def readPtr(address: int, mtype: int = ..., /) -> int: ...
def readInt(address: int, size: int, signed: bool = ..., mtype: int = ..., /) -> int: ...
def readProcessMem(task: int, address: int, size: int, /) -> bytes:
    """User memory of a task; pages that were not in memory raise crash.FaultError."""

def getFullBuckets(start: int, bsize: int, items: int, chain_off: int, /) -> list[int]:
    """The pointers that are not NULL in a table of `items` buckets of `bsize` bytes."""

def getFullBucketsH(start: int, bsize: int, items: int, chain_off: int,
                    /) -> list[tuple[int, int]]: ...
def getListSize(head: int, offset: int = ..., maxel: int = ..., /) -> int: ...
def uvtop(task: int, address: int, /) -> int: ...
def phys_to_page(physical: int, /) -> int: ...
def PAGEOFFSET(address: int, /) -> int: ...

# symbols and types

def symbol_exists(name: str, /) -> int: ...
def sym2addr(name: str, /) -> int: ...
def sym2alladdr(name: str, /) -> list[int]: ...
@overload
def addr2sym(address: int, /) -> str | None: ...
@overload
def addr2sym(address: int, loose: bool, /) -> tuple[str | None, int | None]: ...
def addr2mod(address: int, /) -> str | None: ...
def struct_size(tag: str, /) -> int: ...
def union_size(tag: str, /) -> int: ...
def member_offset(tag: str, member: str, /) -> int: ...
def member_size(tag: str, member: str, /) -> int: ...
def get_NR_syscalls() -> int: ...
def enumerator_value(name: str, /) -> int | None: ...

# commands

def exec_crash_command(line: str, no_stdout: bool = ..., /) -> str: ...
def exec_crash_command_bg2(line: str, /) -> tuple[int, int]:
    """Run a command in a child: (descriptor to read what it prints from, its process ID)."""

def crash_set_error(target: str, /) -> str | None:
    """Where crash's errors go: "default", "redirect" or a file; returns where they went."""

def set_default_timeout(seconds: int, /) -> int: ...
def setprocname(name: str, /) -> None: ...
def get_GDB_output(line: str, /) -> str | None: ...

# of pykdump/gdbtypes.py

TYPE_CODE_PTR: int
TYPE_CODE_ARRAY: int
TYPE_CODE_STRUCT: int
TYPE_CODE_UNION: int
TYPE_CODE_ENUM: int
TYPE_CODE_FUNC: int
TYPE_CODE_INT: int
TYPE_CODE_FLT: int
TYPE_CODE_VOID: int
TYPE_CODE_BOOL: int
def gdb_whatis(expression: str) -> dict[str, Any]: ...
def gdb_typeinfo(name: str) -> dict[str, Any]: ...
def get_epython_cmds() -> list[str]: ...
def register_epython_prog(name: str, summary: str, synopsis: str, help: str, /) -> bool: ...

exec_epython_command: Callable[..., int]
"""Runs a program from within a program; set by the framework."""

# tasks and files

def pid_to_task(pid: int, /) -> int: ...
def task_to_pid(task: int, /) -> int | None: ...
def is_task_active(task: int, /) -> bool: ...
def get_task_mem_usage(task: int, /) -> tuple[int, int]: ...
def set_readmem_task(task: int, /) -> None: ...
def get_uptime() -> int: ...
def get_pathname(dentry: int, vfsmount: int, /) -> str: ...

# numbers

@overload
def mem2long(source: bytes, signed: bool = ...) -> int: ...
@overload
def mem2long(source: bytes, signed: bool = ..., array: SupportsIndex = ...) -> Any: ...
def FD_ISSET(fd: int, bits: bytes, /) -> int: ...
def sLong(value: int, /) -> int: ...
def le32_to_cpu(value: int, /) -> int: ...
def cpu_to_le32(value: int, /) -> int: ...
def le16_to_cpu(value: int, /) -> int: ...
