"""Module `crash`: memory, symbols and commands of the dump, under the names programs know.

Addresses are ints of 64 bits; negative ones are taken modulo 2**64.  What does not fit raises
crash.error, what is no int ArgumentError, which is both a crash.error and a TypeError.  Sizes and
offsets are in bytes.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

if TYPE_CHECKING:
    from pykdump.structinfo import SUInfo, VarInfo
    from pykdump.typeinfo import EnumInfo
    from pykdump.typeobjects import TypeInfo

KVADDR: int
"""Memory type: virtual addresses of the kernel, the default."""
UVADDR: int
"""Memory type: virtual addresses of the task that was chosen (`set PID`, set_readmem_task)."""
PHYSADDR: int
"""Memory type: physical addresses."""
XENMACHADDR: int
"""Memory type: machine addresses of a Xen host."""
FILEADDR: int
"""Memory type of crash: offsets in the dump file.  Not readable here."""
AMBIGUOUS: int
"""What crash calls an address whose type it cannot tell.  Not readable here."""
PAGESIZE: int
"""Bytes of a page."""
PAGE_CACHE_SHIFT: int
"""Its binary logarithm."""
HZ: int
"""Jiffies of a second."""
WARNING: str
"""What warnings of the plug-in's C part begin with."""
version: str
"""Of the plug-in."""
Crash_run: str
"""The version of the crash that runs."""
Crash_build: str
"""The version of the crash whose header the plug-in was built with."""
default_timeout: int
"""Seconds that a command in the background gets; --timeout sets it when a program starts."""

class error(Exception):
    """crash, gdb or the dump could not do what was asked."""

class ArgumentError(error, TypeError):
    """A function of this module got what it cannot take."""

class FaultError(error):
    """Memory that cannot be read."""

    address: int
    """Of the first byte that could not be read."""

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

    Attributes are its members, read when asked for: KeyError for a missing one (hasattr and getattr
    raise it too: ask hasField), crash.error for memory that cannot be read, IndexError for a
    pointer of a NULL struct at offset 0.  What a program assigns to an attribute is that object's
    own and hides a member.

    What a member is read as, by its type in C:

    integer, bit field      int
    _Bool                   bool
    float, double           float
    enum                    tEnum, a bit field too; an array of them is a list of int
    struct, union           StructResult, and so is an array of one
    pointer to those        StructResult, whose address is 0 for NULL
    char x[N]               SmartString
    char *                  SmartString of at most 256 bytes; None for NULL
    pointer to function     int
    other pointer           tPtr
    array                   list, lists in lists for several dimensions
    unsigned x[1]           list of one; of a signed type the int itself
    x[], x[0]               intDimensionlessArray; of structs the struct at that address
    array of pointers       Array1, of one or none Array0

    Members of anonymous structs and unions are the outer one's.  A member that is called as an
    attribute of int (real, numerator ...) is reached with Eval.

    s + i and s[i] step by the size of the struct; other arithmetic (s - 8, 8 + s, s & mask) is that
    of the address.  len(s) is the size.
    """

    PYT_symbol: str
    """The name of the type: "struct task_struct"."""
    PYT_size: int
    """Bytes of the type."""
    PYT_sinfo: SUInfo
    """The members of the type."""
    PYT_attrcache: dict[str, int | None]
    """Pseudo-attributes: where each is, None if not in the struct itself."""

    def __new__(cls, sname: str | int, addr: int = 0) -> StructResult: ...
    @property
    def Deref(self) -> StructResult:
        """The struct itself: it is its own target."""

    def shortStr(self) -> str:
        """The text "<task_struct 0xffff...>"."""

    def hasField(self, name: str) -> bool:
        """Whether there is a member, or a pseudo-attribute, of that name; no chains."""

    def fieldOffset(self, name: str) -> int:
        """Bytes from the beginning of the struct to a member; KeyError for a missing one."""

    def isNamed(self, type: str) -> bool:
        """Whether the type has that name: "struct task_struct"."""

    def castTo(self, type: str) -> StructResult:
        """What is at the same address as another type; TypeError for an unknown one."""

    def Dump(self, indent: int = 0) -> None:
        """Print all members, those of embedded structs too."""

    def getDeref(self) -> StructResult:
        """The struct itself, as Deref."""

    def Eval(self, chain: str) -> Any:
        """The value at the end of a chain of members: "mm.pgd", "signal.rlim[7].rlim_cur".

        Pointers are followed.  The way is worked out once per chain, which makes this faster than
        the attributes one by one.  ChainError, a KeyError and TypeError, if there is no such chain;
        crash.error for memory that cannot be read.
        """

    @overload
    def __getitem__(self, index: int) -> StructResult: ...
    @overload
    def __getitem__(self, index: str) -> VarInfo: ...
    def __getattr__(self, name: str) -> Any: ...
    def __setattr__(self, name: str, value: Any) -> None: ...
    def __len__(self) -> int: ...

class tPtr(int):
    """A pointer to anything but a struct: an int that knows what it points to.

    p[i] is what is i elements further; + is that of the address.  What a pointer to pointers leads
    to is a tPtr of one level less, but p[i] of pointers to structs is the struct.  IndexError for
    NULL, TypeError for what has no size (void), crash.error for memory that cannot be read.
    """

    @property
    def Deref(self) -> Any:
        """What it points to; errors as of the class."""

    @property
    def ptrlev(self) -> int:
        """How many stars its type has."""

    @property
    def ti(self) -> TypeInfo:
        """The type of the pointer."""

    @property
    def ptype(self) -> TypeInfo:
        """The same, under another name."""

    def __getitem__(self, index: int) -> Any: ...

class intDimensionlessArray(int):
    """An array of unknown length: its address, whose elements are read by index.

    No index is out of range; crash.error for memory that cannot be read.
    """

    @property
    def ti(self) -> TypeInfo:
        """The type of the array."""

    def __getitem__(self, index: int) -> Any: ...

class Array0(int):
    """An array of pointers, of one or an unknown number: its address, elements by index.

    No index is out of range; crash.error for memory that cannot be read.
    """

    @property
    def ti(self) -> TypeInfo:
        """The type of the array."""

    def __getitem__(self, index: int) -> Any: ...

class Array1(list[Any]):
    """An array of pointers: a list whose elements are read when they are wanted.

    a[i] takes any index, as C does; crash.error for memory that cannot be read.
    """

class tEnum(int):
    """A value of an enum type: an int that prints its name ("%d" and hex() have the number)."""

    @property
    def einfo(self) -> EnumInfo:
        """The enumerators of the type."""

class SmartString(str):
    """Text read from memory: a str that remembers where it is from.

    It ends at the first NUL; indices and slices are of all that was read.  Bytes that are no ASCII
    are written with a backslash.  int() gives the address of the pointer that it was reached
    through.

    SmartString(s, addr, ptr) makes one of bytes, of what a tPtr leads to or of an array of unknown
    length; TypeError for a str.
    """

    def __new__(cls, s: bytes | tPtr | intDimensionlessArray, addr: int | None = None,
                ptr: int | None = None) -> SmartString: ...
    def __int__(self) -> int: ...
    @property
    def ByteArray(self) -> bytes:
        """All bytes that were read."""

    @property
    def addr(self) -> int | None:
        """The address of the text."""

    @property
    def ptr(self) -> int | None:
        """The value of the pointer that led to it; None for an array."""

# memory

def readmem(address: int, size: int, mtype: int = ..., /) -> bytes:
    """The bytes at an address, which is of a memory type: KVADDR, UVADDR, PHYSADDR, XENMACHADDR.

    Without it the kernel's, or what set_readmem_task says.  IndexError for NULL of the kernel,
    FaultError for memory that cannot be read, crash.error for a size of 0 or less.
    """

def readPtr(address: int, mtype: int = ..., /) -> int:
    """The pointer at an address, unsigned; memory types and errors as of readmem."""

def readInt(address: int, size: int, signed: bool = ..., mtype: int = ..., /) -> int:
    """The integer of 1 to 32 bytes at an address, unsigned unless told.

    FaultError for memory that cannot be read, NULL too; crash.error for another size.
    """

def readProcessMem(task: int, address: int, size: int, /) -> bytes:
    """User memory of a task (address of its task_struct).

    FaultError for pages that were not in memory or are not in the dump, crash.error for a task
    without user memory.
    """

def getFullBuckets(start: int, bsize: int, items: int, chain_off: int, /) -> list[int]:
    """The pointers that are not NULL in a table of `items` buckets of `bsize` bytes.

    The pointer is at `chain_off` in each bucket.  crash.error if any cannot be read.
    """

def getFullBucketsH(start: int, bsize: int, items: int, chain_off: int,
                    /) -> list[tuple[int, int]]:
    """The same with the numbers of the buckets: (bucket, pointer)."""

def getListSize(head: int, offset: int = 0, maxel: int = 10000, /) -> int:
    """How many nodes a list has, `maxel` at most.

    The pointer to the next is at `offset` in each; NULL, or being back at `head`, is the end.
    crash.error for memory that cannot be read.
    """

def uvtop(task: int, address: int, /) -> int:
    """The physical address behind a user address of a task; crash.error if there is none."""

def phys_to_page(physical: int, /) -> int:
    """The address of the struct page of a physical address; crash.error if there is none."""

def PAGEOFFSET(address: int, /) -> int:
    """Bytes from the beginning of its page to an address."""

# symbols and types

def symbol_exists(name: str, /) -> int:
    """1 if there is a symbol of that name, in the kernel or a module of it; else 0."""

def sym2addr(name: str, /) -> int:
    """The address of a symbol, of the first if there are several; 0 if there is none."""

def sym2alladdr(name: str, /) -> list[int]:
    """The addresses of all symbols of that name; an empty list if there is none."""

@overload
def addr2sym(address: int, /) -> str | None: ...
@overload
def addr2sym(address: int, loose: bool, /) -> tuple[str | None, int | None]:
    """The name of the symbol at exactly that address; None if there is none.

    With `loose`, (name, offset) of the last symbol at or before it; (None, None) if there is none.
    """

def addr2mod(address: int, /) -> str | None:
    """The name of the kernel module that an address is in; None if it is in none."""

def struct_size(tag: str, /) -> int:
    """Bytes of a struct, by its tag without "struct"; -1 if there is none."""

def union_size(tag: str, /) -> int:
    """Bytes of a union, by its tag without "union"; -1 if there is none."""

def member_offset(tag: str, member: str, /) -> int:
    """Bytes from the beginning of a struct or union to a member; -1 if there is none."""

def member_size(tag: str, member: str, /) -> int:
    """Bytes of a member of a struct or union; -1 if there is none."""

def get_NR_syscalls() -> int:
    """How many entries the kernel's table of system calls has; crash.error if it has none."""

def enumerator_value(name: str, /) -> int | None:
    """The value of an enumerator of any enum; None if there is none."""

# commands

def exec_crash_command(line: str, no_stdout: bool = False, /) -> str:
    """What a command of crash prints; it runs in this session, and may change it.

    Bytes that are no UTF-8 are written with a backslash.  With `no_stdout`, what the command prints
    to the terminal itself goes nowhere.  crash.error, with the text printed until then, when crash
    gives the command up, and when it prints nothing.  KeyboardInterrupt on Ctrl-C.
    """

def exec_crash_command_bg2(line: str, /) -> tuple[int, int]:
    """Run a command in a child: (descriptor to read what it prints from, its process ID).

    The child cannot change this session; who started it waits for it (os.waitpid) and closes the
    descriptor.  crash.error if there can be no child.
    """

def crash_set_error(target: str, /) -> str | None:
    """Where crash's errors go: "default", "redirect" or a file; returns where they went.

    None where crash has no such setting.  crash.error for a target that it does not take.
    """

def set_default_timeout(seconds: int, /) -> int:
    """Seconds that a command in the background gets; returns those it got before."""

def setprocname(name: str, /) -> None:
    """What this process is called in lists of processes, 15 bytes of it."""

def get_GDB_output(line: str, /) -> str | None:
    """What a command of gdb prints; None if it fails."""

# of pykdump/gdbtypes.py

TYPE_CODE_PTR: int
"""Of pointers, as `codetype` in descriptions of types."""
TYPE_CODE_ARRAY: int
"""Of arrays."""
TYPE_CODE_STRUCT: int
"""Of structs."""
TYPE_CODE_UNION: int
"""Of unions."""
TYPE_CODE_ENUM: int
"""Of enums."""
TYPE_CODE_FUNC: int
"""Of functions."""
TYPE_CODE_INT: int
"""Of integers, char too."""
TYPE_CODE_FLT: int
"""Of floating point numbers."""
TYPE_CODE_VOID: int
"""Of void."""
TYPE_CODE_BOOL: int
"""Of _Bool."""

def gdb_whatis(expression: str) -> dict[str, Any]:
    """What a variable, a function or an expression in C is; crash.error if it is unknown.

    The keys are those of gdb_typeinfo, and "fname", the expression.
    """

def gdb_typeinfo(name: str) -> dict[str, Any]:
    """What a type is, as a dictionary; crash.error if it is unknown.

    basetype        the name of what is left without stars and dimensions
    typelength      bytes, of an array those of an element
    codetype        one of TYPE_CODE_...; of an array that of an element
    typedef         the name of the typedef, if it is one
    stars           of a pointer, how many; ptrbasetype is the code of what they lead to
    dims            of an array, its dimensions
    uint            1 for unsigned integers
    body            of a struct or union, a list of such dictionaries, one a member, with "fname",
                    "bitoffset", and "bitsize" for bit fields
    edef            of an enum, a list of [name, value]
    prototype       of a function, a list of such dictionaries: what it returns, then its parameters
    """

def get_epython_cmds() -> list[str]:
    """The names of the plug-in's commands; the first is "epython"."""

def register_epython_prog(name: str, summary: str, synopsis: str, help: str, /) -> bool:
    """Make a program a command of crash, of the same name, with texts for crash's `help`.

    An alias of that name is deleted.  False, and a line that says why, if crash has a command of
    that name.
    """

exec_epython_command: Callable[..., int]
"""Runs a program from within a program: exec_epython_command("name", "arg", ...) -> its status."""

# tasks and files

def pid_to_task(pid: int, /) -> int:
    """The address of the task_struct of a task; 0 if there is none of that number."""

def task_to_pid(task: int, /) -> int | None:
    """The number of a task by the address of its task_struct; None if there is none."""

def is_task_active(task: int, /) -> bool:
    """Whether a task (address of its task_struct) was on a CPU."""

def get_task_mem_usage(task: int, /) -> tuple[int, int]:
    """(virtual, resident) size of a task in KiB; crash.error for what is no task."""

def set_readmem_task(task: int, /) -> None:
    """Make the user memory of a task what is read without a memory type; 0 the kernel's again.

    It ends with the program.  crash.error for what is no task.
    """

def get_uptime() -> int:
    """How long the system was up, in jiffies: divide by HZ for seconds."""

def get_pathname(dentry: int, vfsmount: int, /) -> str:
    """The path of a dentry, from the root of the mount on; crash.error for what is no dentry."""

# numbers

@overload
def mem2long(source: bytes, signed: bool = False) -> int: ...
@overload
def mem2long(source: bytes, signed: bool = False, array: SupportsIndex = 0) -> Any:
    """The number that 1, 2, 4 or 8 bytes are, the lowest first; unsigned unless told.

    With `array` of 2 or more, a list of so many numbers, which have equal shares of the bytes.
    crash.error for another number of bytes.
    """

def FD_ISSET(fd: int, bits: bytes, /) -> int:
    """1 if a bit is set in an fd_set; 0 if not, or if there are fewer bits."""

def sLong(value: int, /) -> int:
    """The value taken as 64 bits with a sign."""

def le32_to_cpu(value: int, /) -> int:
    """The lower 32 bits of a value, little-endian, as this machine has it."""

def cpu_to_le32(value: int, /) -> int:
    """The lower 32 bits of a value as little-endian."""

def le16_to_cpu(value: int, /) -> int:
    """The lower 16 bits of a value, little-endian, as this machine has it."""
