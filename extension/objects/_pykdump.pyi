"""Module `_pykdump`: the engine as the framework uses it.  Not for programs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import CodeType
from typing import Any, Literal, final, overload

from crash import StructResult

version: str
"""Of the plug-in."""
build_info: str
"""What the plug-in was built from and with, for people."""

# input of the session

def input_line() -> bytes:
    """The next line that crash would read as a command, where its input is no terminal.

    b"" at the end of the input.
    """

# output of the current command; OSError when it cannot be written

def output_write(data: bytes | bytearray | memoryview, /) -> int:
    """Write to the output of the current command; the number of bytes.  OSError."""

def output_flush() -> None:
    """Hand what was written to crash's output.  OSError."""

def output_reset(discard: bool, /) -> None:
    """Forget that writes failed; or from now on drop what is written."""

def output_failure() -> int:
    """errno of the first failed write of the command, or 0."""

def output_fileno() -> int:
    """The descriptor of the output."""

def output_isatty() -> bool:
    """Whether the output is a terminal."""

def output_leave_pager() -> None:
    """Wait for crash's pager to end; what follows goes to the terminal itself."""

def stdout_kind() -> Literal["terminal", "pipe", "file"]:
    """What the output of the command is."""

# signals

def call_outside_loops(callable: Callable[[], object], /) -> None:
    """For handlers of signals: now, or when the loop of the engine that runs has ended."""

# what is analysed

def dump_info() -> dict[str, Any]:
    """What is analysed: dumpfile, namelist, release, machine, cpus, hz, live."""

def types_source() -> str | None:
    """Where types come from, as people may read it; None if there are none."""

def module_file(module: str, path: str | None = None, /) -> tuple[
        Literal["fits", "stripped", "foreign", "unusable"], str | None, str]:
    """What a file is to a module of the dump, the file, and why it does not fit ("" if it does).

    It fits when it is of the very module that is loaded (its build ID, else its srcversion, name
    and release say so) and has debug information; "stripped": it has none.  Without a path it is
    the file that types are taken from, or the best that was found; None if there is none.
    """

# who watches the messages that cross into crash

def trace_set(callback: Callable[[str, Any], object] | None,
              /) -> Callable[[str, Any], object] | None:
    """The callback before.  TypeError for what cannot be called."""

def trace_get() -> Callable[[str, Any], object] | None:
    """The callback; None if there is none."""

def trace_event(event: str, args: tuple[object, ...], /) -> None:
    """Call the callback, unless this is its own doing; raises what it raises."""

def wire_kinds() -> tuple[str, ...]:
    """The kinds of messages that there are."""

def wire_open(fd: int, /) -> None:
    """Where lines are written; -1: nowhere."""

def wire_watch(kinds: frozenset[str], summing: bool, /) -> None:
    """Write messages of these kinds; or sum them up."""

def wire_write(text: str, /) -> None:
    """Write a line of the trace."""

def wire_error() -> int:
    """errno of what has ended the trace since this was last asked, or 0."""

def wire_summary() -> list[tuple[str, str, int, int, float]]:
    """(kind, FILE:LINE, messages, bytes, seconds), which is forgotten."""

# types: TypeError for an unknown one

def type_size(type: str, /) -> int:
    """Bytes of a type.  TypeError for an unknown one, and for one without size."""

def type_members(type: str, /) -> list[tuple[str, int, int, str, int]]:
    """(name, offset in bits, size in bits or 0, type, size of the type in bytes)."""

def type_enumerators(type: str, /) -> dict[str, int]:
    """The enumerators of an enum, in its order: name to value.  TypeError."""

def variable_type(name: str, /) -> str | None:
    """The type of a variable in C; None if it is not known."""

def symbol_names(prefix: str, limit: int, /) -> list[str]:
    """Names of symbols that begin with `prefix`, in crash's order, at most `limit`; of modules too.

    Empty where crash cannot list them.
    """

def type_names(space: Literal["struct", "union", "enum", "typedef"], /) -> list[str]:
    """Of all definitions, in the order of the debug information; "typedef" has base types too."""

def type_definitions(space: Literal["struct", "union", "enum", "typedef"], /
                     ) -> list[tuple[str, int, bool, Any]]:
    """(name, size, is signed, content) of all definitions.

    The content of a struct or union is a list of (name, bit offset, bit size or 0, type, bytes,
    content of a type without name or None); of an enum one of (name, value); of a typedef (type,
    content of a type without name or None); of a base type None.
    """

_Description = tuple[str, str | None, int, bool, int, Any, Any]

def describe_type(type: str, /) -> _Description:
    """(kind, name, size, is signed, length of an array, target, content).

    The target is the description of what a pointer points to, an array has, a function returns, a
    typedef names.  The content of a function is the list of descriptions of its parameters; of an
    enum one of (name, value); of a struct or union that was asked for, or that has no name, one of
    (name, bit offset, bit size or 0, description).
    """

def describe_expression(text: str, /) -> _Description:
    """The type of a C expression, described as by describe_type; TypeError, crash.error."""

def set_factories(*, varinfo: Callable[[Any, str], Any] | None = ...,
                  typeinfo: Callable[[Any], Any] | None = ...,
                  structinfo: Callable[[Any], Any] | None = ...,
                  enuminfo: Callable[[Any], Any] | None = ...,
                  nomember: Callable[[str], str] | None = ...) -> None:
    """What makes the descriptions that objects have: of a member, a type, a struct, an enum.

    The type is given by its name, or as describe_type does where it has none.  `nomember` gets
    the text of the KeyError for a member that is not there, and returns what it is to say.
    """

# pseudo-attributes

def set_attribute(type: str, name: str, value: Any, offset: int | None = ..., /) -> None:
    """An attribute of the class of a struct that comes before a member of its name."""

def read_chain(struct: StructResult, chain: str, /) -> Any:
    """As StructResult.Eval, of members only."""

# values

def readSU(type: str, address: int, /) -> StructResult:
    """The struct of that type at an address; TypeError if there is no such type.

    No memory is read: that is done when a member is asked for.  The name is "struct x", "union x"
    or that of a typedef; the address may be 0, negative, or another struct.
    """

def read_value(type: str, address: int, /) -> Any:
    """What is at an address, read as a member of that type is; TypeError, crash.error."""

def read_variable(name: str, address: int, /) -> Any:
    """By the type of that variable, which may have no name.  TypeError for an unknown one."""

def list_nodes(
        head: int, offset: int, limit: int, struct: str | None = ..., back: int = ...,
        circular: bool = ..., /
) -> tuple[list[Any], Literal["whole", "limit", "cycle", "error"], int, str]:
    """Walk a chain of pointers; nodes are objects of `struct`, at their address less `back`.

    How it ended, the address of the last node and, for an error, the reason.
    """

# walks: what was found and (end, address, places skipped, message); pykdump.walk has the rest

_Report = tuple[str, int, int, str]

def walk_list(head: int, struct: str | None = ..., member: str | None = ..., /, *,
              limit: int = ..., as_column: bool = ...) -> tuple[Any, _Report]:
    """The elements of a list_head."""

def walk_hlist(head: int, struct: str | None = ..., member: str | None = ..., /, *,
               limit: int = ..., as_column: bool = ...) -> tuple[Any, _Report]:
    """The elements behind an hlist_head."""

def walk_hlist_nulls(head: int, struct: str | None = ..., member: str | None = ..., /, *,
                     limit: int = ..., as_column: bool = ...) -> tuple[Any, _Report]:
    """The elements behind an hlist_nulls_head."""

def walk_hlist_bl(head: int, struct: str | None = ..., member: str | None = ..., /, *,
                  limit: int = ..., as_column: bool = ...) -> tuple[Any, _Report]:
    """The elements behind an hlist_bl_head."""

def walk_llist(head: int, struct: str | None = ..., member: str | None = ..., /, *,
               limit: int = ..., as_column: bool = ...) -> tuple[Any, _Report]:
    """The elements behind an llist_head."""

def walk_plist(head: int, struct: str | None = ..., member: str | None = ..., /, *,
               limit: int = ..., as_column: bool = ...) -> tuple[Any, _Report]:
    """The elements behind a plist_head."""

def walk_rbtree(root: int, struct: str | None = ..., member: str | None = ..., /, *,
                limit: int = ..., as_column: bool = ...) -> tuple[Any, _Report]:
    """The elements of an rb_root or rb_root_cached, in the tree's order."""

def walk_hash(table: int, heads: int, struct: str | None = ..., member: str | None = ..., /, *,
              kind: str = ..., limit: int = ...,
              as_column: bool = ...) -> tuple[Any, _Report]:
    """The elements of the chains behind `heads` heads; ValueError for an unknown kind."""

def walk_xarray(xarray: int, struct: str | None = ..., /, *, limit: int = ...,
                as_column: bool = ...) -> tuple[Any, Any, _Report]:
    """(indices, entries, report) of an xarray or radix_tree_root."""

def walk_idr(idr: int, struct: str | None = ..., /, *, limit: int = ...,
             as_column: bool = ...) -> tuple[Any, Any, _Report]:
    """(IDs, pointers, report) of an idr."""

def walk_maple(tree: int, struct: str | None = ..., /, *, limit: int = ...,
               as_column: bool = ...) -> tuple[Any, Any, Any, _Report]:
    """(first indices, last indices, entries, report) of a maple_tree."""

def walk_percpu(pointer: int, struct: str | None = ..., /, *, limit: int = ...,
                as_column: bool = ...) -> tuple[Any, Any, _Report]:
    """(CPUs, addresses, report) of a per-CPU symbol or pointer."""

def walk_pointers(array: int, count: int, struct: str | None = ..., /, *, stride: int = ...,
                  limit: int = ..., as_column: bool = ...) -> tuple[Any, Any, _Report]:
    """(indices, pointers, report) of those in an array that are not NULL."""

def walk_slab(cache: int | str, struct: str | None = ..., /, *, limit: int = ...,
              as_column: bool = ..., free: bool = ...) -> tuple[Any, _Report]:
    """The allocated (or free) objects of a kmem_cache, or of the cache of a name; KeyError."""

def slab_sums() -> tuple[list[int], list[int], list[int], list[int], _Report]:
    """(caches, slabs, objects, inuse, report): of each kmem_cache what its slabs say, added up."""

def slab_check(cache: int, limit: int, /
               ) -> tuple[list[int], list[int], list[int], list[int], _Report]:
    """(kinds, slabs, places, values, report): where slabs of a kmem_cache contradict themselves."""

# columns

@final
class ColumnFault(tuple[str, int, int, int, str]):
    """Why rows of a column have no value."""

    @property
    def reason(self) -> Literal["null", "unmapped", "excluded", "absent", "fault"]:
        """Why: a NULL pointer, or what is wrong with the memory."""

    @property
    def count(self) -> int:    # type: ignore[override]
        """Rows without a value for this reason."""
    @property
    def row(self) -> int:
        """The first of them."""
    @property
    def address(self) -> int:
        """What could not be read there, 0 for "null"."""
    @property
    def message(self) -> str:
        """The same in words."""

@final
class Column:
    """A typed array of values from the dump, which cannot be changed.

    It has the buffer protocol: numpy.asarray(column) and memoryview(column) are no copies. Rows
    without a value are zero there, and None as values.
    """

    @property
    def name(self) -> str:
        """The path that was read."""
    @property
    def type(self) -> str:
        """The C type of the values."""
    @property
    def format(self) -> str:
        """Of an element, as module struct has it: "Q", "i", "?", "16s" ..."""
    @property
    def valid(self) -> Column:
        """Bools: whether a row has a value."""
    @property
    def missing(self) -> int:
        """Rows without a value."""
    @property
    def faults(self) -> list[ColumnFault]:
        """Why rows have no value, a record for each reason."""

    def tolist(self) -> list[Any]:
        """The values as a list, None in rows without one."""

    def objects(self, struct: str = ..., /) -> list[StructResult | None]:
        """The structs at the addresses; TypeError where the values are none."""
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    @overload
    def __getitem__(self, index: int, /) -> Any: ...
    @overload
    def __getitem__(self, rows: slice, /) -> Column: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

def columns(addresses: Any, struct: str, paths: Sequence[str],
            /) -> tuple[Column, tuple[Column, ...]]:
    """A column of the addresses, and one of the values at each path."""

def observe_reads(observer: Callable[[str, str, int], object] | None, /) -> None:
    """Call it with (type, member, address of the struct) before each read; None: no more."""

# caches

def purge_caches(kind: Literal["memory", "types"], /) -> None:
    """Forget pages of memory, or all types and what was made of them."""

def symbols_signature() -> int:
    """Another one after the debug information of a module has been loaded or dropped."""

def cache_statistics() -> dict[str, int]:
    """Of the page cache: hits, misses, failed, pages, capacity."""

def cache_set_pages(pages: int, /) -> None:
    """How many pages the cache may keep; 0 turns it off."""

def after_fork() -> None:
    """In a child: open the dump anew, since both would move one file offset."""

# what is read from the dump, not from the cache, while a program is profiled

def profile_start() -> None:
    """Count what is read from now on, by the function that reads."""

def profile_stop() -> list[tuple[CodeType, int, float]]:
    """By the innermost Python function: its code, reads, seconds."""

# searching: (addresses, complete, pages searched, excluded, skipped for another reason)

_Found = tuple[list[int], bool, int, int, int]

def ranges() -> list[tuple[int, int, str]]:
    """(start, end, name) of the ranges of the kernel's address space."""

def search_words(start: int, end: int, value: int, mask: int, size: int, limit: int,
                 progress: Callable[[int], object] | None = ..., /) -> _Found:
    """Find aligned words of `size` bytes that are `value` in the bits of `mask`.

    `progress` is called with the address reached, now and then.
    """

def search_bytes(start: int, end: int, needle: bytes, limit: int,
                 progress: Callable[[int], object] | None = ..., /) -> _Found:
    """Find bytes, wherever they begin."""

def readable_run(start: int, end: int, pages: int, /) -> tuple[int, bytes, int, int]:
    """The first readable pages from `start` on that lie one behind the other; b"" at the end."""

# kernel stacks

@final
class StackFrame(tuple[int, int, int, bool, bool, str | None, int, str | None]):
    """One frame of a kernel stack."""

    @property
    def ip(self) -> int:
        """Address of the instruction."""
    @property
    def at(self) -> int:
        """Where on the stack it was saved; of the innermost frame the stack pointer."""
    @property
    def regs(self) -> int:
        """Address of the struct pt_regs of what was interrupted here; 0 for a call."""
    @property
    def exact(self) -> bool:
        """Is ip that of the next instruction, and no return address."""
    @property
    def guessed(self) -> bool:
        """Was the frame found by a frame pointer, without a table."""
    @property
    def function(self) -> str | None:
        """The function that ip is in; None if it is in none."""
    @property
    def offset(self) -> int:
        """Of ip from the address of the function's symbol, bytes."""
    @property
    def module(self) -> str | None:
        """The kernel module of the function; None of the kernel proper."""

@final
class Stack(tuple[list[StackFrame], str, int, str]):
    """A kernel stack."""

    @property
    def frames(self) -> list[StackFrame]:
        """The innermost first."""
    @property
    def end(self) -> Literal["whole", "user", "error"]:
        """How it ended: at its beginning, at the entry from user space, or in damage."""
    @property
    def user_regs(self) -> int:
        """Address of the struct pt_regs that user space was left with; 0 without."""
    @property
    def message(self) -> str:
        """Why it could not be followed further; empty if it was."""

def unwind(start: int | Mapping[str, int], task: int = ..., /) -> Stack:
    """The stack of a task that is on no CPU, or of what a CPU was doing.

    `start`: address of a task_struct, or the registers ip, sp and, if known, bp, dx, di, r10 and
    r13; then `task` is the address of the task that was on the CPU, whose tracers' return
    addresses are not to be restored without.  By the kernel's ORC tables; by frame pointers where
    there are none.  Damage ends a stack with a message; TypeError without struct task_struct,
    pt_regs or inactive_task_frame, KeyError without the registers ip and sp.
    """

def unwind_groups(tasks: Iterable[int], /) -> list[tuple[Stack, list[int]]]:
    """Stacks of tasks that are on no CPU: each different one once, with the tasks that have it."""

@final
class DwarfVariable(tuple[str | None, str, int, bool, bool, int | None, bool, int | None, int, int,
                          bool, str]):
    """A parameter or variable of a function, in a frame."""

    @property
    def name(self) -> str | None:
        """None if it has none."""
    @property
    def type(self) -> str:
        """As C has it: "struct file *"."""
    @property
    def size(self) -> int:
        """In bytes; 0 if it is not known."""
    @property
    def parameter(self) -> bool:
        """Is it a parameter of the function."""
    @property
    def passed(self) -> bool:
        """Is it a parameter that the function is really called with."""
    @property
    def register(self) -> int | None:
        """The one that it is in when the function is entered, by DWARF's number; None."""
    @property
    def constant(self) -> bool:
        """Does the code know its value, so that it is nowhere."""
    @property
    def value(self) -> int | None:
        """What it holds now, of a struct its address; None if it is not known."""
    @property
    def doubt(self) -> int:
        """0: the value is certain; 1: likely; 2: made of memory that may have changed."""
    @property
    def callers(self) -> int:
        """How many calls, outwards, passed it to where it was found; 0: none."""
    @property
    def followed(self) -> bool:
        """Was a register used that `entry` of the frame had."""
    @property
    def note(self) -> str:
        """Why the value is not known; or empty."""

@final
class DwarfScope(tuple[str | None, str | None, int, bool, list[DwarfVariable]]):
    """A function at a place of the code, by itself or inlined."""

    @property
    def name(self) -> str | None:
        """None if it has none."""
    @property
    def file(self) -> str | None:
        """Of the line that is executed in it; None if it is not known."""
    @property
    def line(self) -> int:
        """0 if it is not known."""
    @property
    def inlined(self) -> bool:
        """Is it a part of the function of the next scope."""
    @property
    def variables(self) -> list[DwarfVariable]:
        """Its parameters and variables, as they are declared."""

@final
class DwarfFrame(tuple[list[DwarfScope], dict[int, tuple[int, int, int, bool]], str, bool]):
    """What the DWARF tells of one frame."""

    @property
    def scopes(self) -> list[DwarfScope]:
        """The innermost first; the last is the function. Empty: its code is not described."""
    @property
    def passed(self) -> dict[int, tuple[int, int, int, bool]]:
        """What its caller passed: number of a register -> (value, doubt, callers, followed)."""
    @property
    def note(self) -> str:
        """Why the call does not tell what it passed; or empty."""
    @property
    def cut(self) -> bool:
        """Has the DWARF more of this place than was taken."""

def dwarf_frames(
        frames: Iterable[tuple[int, bool, str | None, int, Mapping[int, tuple[int, int]],
                               Mapping[int, tuple[int, int]]]], /) -> list[DwarfFrame]:
    """What the DWARF of the namelist, and of modules, tells of the frames of a stack.

    A frame is (ip, exact, module, cfa, registers, entry), the innermost first: `ip` a return
    address, or with `exact` that of an instruction; `module` its name, None for the kernel itself;
    `cfa` the stack pointer before the function was called, 0 if unknown; `registers` at the call of
    the next inner frame, and `entry` when the function was entered: {number: (value, doubt)}.
    Numbers are DWARF's.  TypeError if there is no DWARF for the kernel, or no libdw; ValueError for
    more than 512 frames, or a number that is no register's.
    """

def dwarf_file_add(module: str, path: str, sections: dict[str, int], /) -> None:
    """Say which file has the DWARF of a module, and where its sections were loaded.

    TypeError if there is no such file, or no DWARF in it.
    """
