"""Owns system calls: their table, and which one a task is in, with its arguments.

Arguments are those that user space has passed, as the kernel's stack keeps them; what they are
called is known where the kernel was built to trace system calls.  Must not know what the calls
do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from LinuxDump import stacks as _stacks
from LinuxDump.absent import Late
from LinuxDump.BTstack import BTStack
from LinuxDump.fs import open_files
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (CU_LIVE, PAGESIZE, addr2sym, crash, get_pathname, memoize_cond, pylog,
                         readmem, readProcessMem, readPtr, readSU, sym2addr)
from pykdump.plaintext import one_line

_MOST_CALLS = 4096
_MOST_ARGUMENTS = 6
_LONGEST = 256
_ENTRY = re.compile(r"do_syscall_64$|entry_SYSCALL_64|x64_sys_call$|entry_SYSENTER|"
                    r"entry_INT80|do_int80|do_fast_syscall_32$|do_SYSENTER_32$")
_COMPAT_CS = 0x23
# In which registers arguments are passed, by the members of struct pt_regs.
_REGISTERS = ("di", "si", "dx", "r10", "r8", "r9")
_REGISTERS32 = ("bx", "cx", "dx", "si", "di", "bp")
_ADDED = re.compile(r"^(__(x64|ia32|ia32_compat|do|se)_)?(compat_)?sys_(new(?=.?stat))?")
_TEXTS = ("const char *", "char *")
_SIGNED = {"int": 32, "pid_t": 32, "clockid_t": 32, "long": 64}
_FDS = ("unsigned int fd", "int fd", "unsigned long fd", "int dfd", "int epfd")


@memoize_cond(CU_LIVE)
def _table(symbol: str) -> list[str | None]:
    address = sym2addr(symbol)
    count = min(crash.get_NR_syscalls(), _MOST_CALLS)
    return [addr2sym(readPtr(address + 8 * number)) or None for number in range(count)]


def _table64() -> list[str | None]:
    return _table("sys_call_table") if sym2addr("sys_call_table") else []


# Names of the functions, by number; None for one that has no name.
sct = Late(_table64)


def __getattr__(name: str) -> Any:
    if name == "sct32":
        # The same for 32-bit programs; None without them.  6.9 has no such table any more:
        # 1e3ad78334a6 ("x86/syscall: Don't force use of indirect calls for system calls").
        return _table("ia32_sys_call_table") if sym2addr("ia32_sys_call_table") else None
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Call(NamedTuple):
    """A system call that a task is in.

    number     as user space has passed it
    name       without what kernels add: "read"; "" if it is not known
    arguments  (what it is: type and name, "" if unknown; value) of each
    """

    number: int
    name: str
    arguments: list[tuple[str, int]]


def _text(read: Callable[[int, int], bytes], address: int) -> str:
    """The text at an address, to its NUL or as far as it can be read."""
    raw = b""
    while len(raw) < _LONGEST and b"\0" not in raw:
        at = address + len(raw)
        try:
            raw += read(at, min(_LONGEST - len(raw), PAGESIZE - at % PAGESIZE))
        except crash.error:
            break
    return raw.partition(b"\0")[0].decode("utf-8", "backslashreplace")


@memoize_cond(CU_LIVE)
def _metadata() -> list[int]:
    """Address of the struct syscall_metadata of each number, 0 without one: kernels that can
    trace system calls have them."""
    table = sym2addr("syscalls_metadata")
    if not table:
        return []
    first = readPtr(table)
    return [readPtr(first + 8 * number) for number in range(len(sct))]


def _declared(number: int) -> list[str]:
    """The arguments of a call, type and name of each; empty if they are not known."""
    known = _metadata()
    address = known[number] if number < len(known) else 0
    if not address:
        return []
    meta = readSU("struct syscall_metadata", address)
    words = [[_text(readmem, readPtr(int(array) + 8 * index)) for array in (meta.types, meta.args)]
             for index in range(min(meta.nb_args, _MOST_ARGUMENTS))]
    return [f"{ctype}{'' if ctype.endswith('*') else ' '}{name}" for ctype, name in words]


def call_of(task: int) -> Call | None:
    """The system call that a task, the address of its task_struct, is in; None if in none.

    crash.error if its registers cannot be read, KeyError on other machines than x86.
    """
    stack = _stacks.stack_of(task)
    if not stack.regs or not any(map(_ENTRY.match, stack.functions)):
        return None
    regs = readSU("struct pt_regs", stack.regs)
    number = regs.orig_ax & 0xffffffff
    compat = regs.cs == _COMPAT_CS
    table = (__getattr__("sct32") or []) if compat else sct
    function = table[number] if number < len(table) else None
    name = _ADDED.sub("", function or "")
    values = [getattr(regs, register) for register in (_REGISTERS32 if compat else _REGISTERS)]
    declared = [] if compat else _declared(number)
    if declared or name and not compat and _metadata():
        return Call(number, name, list(zip(declared, values)))
    return Call(number, name, [("", value) for value in values])


def _shown(declared: str, value: int) -> str:
    bits = 0 if "*" in declared else _SIGNED.get(declared.rpartition(" ")[0], 0)
    if bits:
        value &= (1 << bits) - 1
        text = str(value - (1 << bits) if value >> bits - 1 else value)
    else:
        text = hex(value)
    return f"{declared}={text}" if declared else text


def _details(task: Any, call: Call) -> Iterator[str]:
    """What arguments lead to: the files of descriptors, texts of the program."""
    for declared, value in call.arguments:
        ctype = declared.rpartition("*")[0] + "*" if "*" in declared else ""
        if declared in _FDS:
            path = _path_of(task, value & 0xffffffff)
            if path:
                yield f"{declared.rpartition(' ')[2]}: {path}"
        elif ctype in _TEXTS and value and "buf" not in declared:
            text = _text(lambda at, size: readProcessMem(int(task), at, size), value)
            if text:
                yield f"{declared.rpartition('*')[2].strip()}: {text!r}"


def _path_of(task: Any, fd: int) -> str:
    for number, address in open_files(task.files) if task.files else ():
        if number == fd:
            file = readSU("struct file", address)
            path = get_pathname(file.f_path.dentry, file.f_path.mnt)
            return f"{file} {path}".rstrip()
    return ""


def decode_Stacks(stacks: Iterable[BTStack]) -> None:
    """Print stacks with the system calls that the tasks are in."""
    for stack in stacks:
        print(stack)
        try:
            call = call_of(stack.addr)
        except (crash.error, KeyError) as err:
            pylog.error(f"system call of pid {stack.pid} cannot be decoded: {err}")
            continue
        if call is None:
            print("this is not a system_call stack!")
            continue
        print("    ....... Decoding Syscall Args .......")
        arguments = ", ".join(_shown(*argument) for argument in call.arguments)
        print("    " + one_line(f"{call.name or f'call number {call.number}'}({arguments})"))
        try:
            for line in _details(readSU("struct task_struct", stack.addr), call):
                print(f"        {one_line(line)}")
        except crash.error as err:
            pylog.error(f"arguments of pid {stack.pid} cannot be followed: {err}")
