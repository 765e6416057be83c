"""Owns the search for registers in the frames of a BTStack, under the names that programs know.

What is found, and how, is in frameregs.  Must not know what is done with the values.
"""

from __future__ import annotations

import re
from typing import Any

from LinuxDump import frameregs, stacks
from LinuxDump.BTstack import BTFrame, BTStack
from LinuxDump.machinecode import REG8, REG16, REG32, REG64, Code  # noqa: F401 - programs' names
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import addr2sym, crash, exec_gdb_command, readmem, sys_info

__version__ = "1.04"

_MACHINE = "x86_64"
_SETTING = re.compile(r'(\w+)"?\.\s*$')
_MOST_DATA = 1 << 14        # bytes of one frame's stack


class DisasmFlavor:
    """While it is entered gdb disassembles in a flavor, "att" or "intel", with decimal numbers."""

    def __init__(self, flavor: str) -> None:
        self._flavor = flavor
        self._before: list[str] = []

    def __enter__(self) -> DisasmFlavor:
        self._before = [f"set {name} {_setting(name)}"
                        for name in ("disassembly-flavor", "output-radix")]
        exec_gdb_command(f"set disassembly-flavor {self._flavor}")
        exec_gdb_command("set output-radix 10")
        return self

    def __exit__(self, *exception: object) -> None:
        for command in self._before:
            exec_gdb_command(command)


def _setting(name: str) -> str:
    """What gdb has a setting set to: the last word of the sentence that it shows."""
    found = _SETTING.search(exec_gdb_command(f"show {name}") or "")
    if found is None:
        raise crash.error(f"gdb does not tell what {name} is")
    return found[1]


def is_supported() -> bool:
    """Is the dump of a machine whose instructions are understood: x86_64."""
    return sys_info.machine == _MACHINE


def search_for_registers(stack: BTStack, filter: str | re.Pattern[str] = "") -> Any:
    """Find what registers held when the functions of a stack were entered.

    `filter` is a substring of the names of the functions that are wanted, or a compiled regexp to
    search in them.  The result is the list of those frames, without the outermost one; 1 on
    other machines than x86_64.  Frames get

    reg           "RDI" ... -> (value, confidence): 0 if it was saved, else how many instructions
                  before the call it was set
    lookup_regs   whether the frame was wanted
    from_func     "called from 0x... <func+12>", "entered by exception at <func+12>"; "" for the
                  outermost frame
    sp            stack pointer at the function's entry, None if unknown
    stackdata     words of the frame's part of the stack, from `sp` of its callee on
    known         "RDI" ... -> frameregs.Known, with how it was found

    crash.error without the library that decodes instructions.
    """
    if not is_supported():
        return 1
    wanted = re.compile(re.escape(filter)) if isinstance(filter, str) else filter
    found = frameregs.registers_of_frames(stacks.stack_of(stack.addr))
    frame: Any
    for frame in stack.frames:
        frame.reg, frame.known, frame.from_func = {}, {}, ""
        frame.lookup_regs, frame.sp, frame.stackdata = False, None, []
    pairs = _paired(stack.frames, found)
    processed = []
    for frame, index in pairs[:-1]:
        if not wanted.search(frame.func):
            continue
        _describe(frame, found, index)
        processed.append(frame)
    return processed


def _paired(frames: list[BTFrame],
            found: list[frameregs.FrameRegisters]) -> list[tuple[Any, int]]:
    """Frames of bt that are frames of ours too, each with the number of it."""
    pairs, after = [], 0
    for frame in frames:
        for index in range(after, len(found)):
            ours = found[index].frame
            if ours.ip == frame.addr or (frame.addr == -1 and ours.regs
                                         and ours.function == frame.func):
                pairs.append((frame, index))
                after = index + 1
                break
    return pairs


def _describe(frame: Any, found: list[frameregs.FrameRegisters], index: int) -> None:
    each = found[index]
    frame.lookup_regs = True
    frame.known = {name.upper(): known for name, known in each.entry.items()}
    frame.reg = {name: (known.value, known.distance) for name, known in frame.known.items()}
    if index + 1 < len(found):
        outer = found[index + 1].frame
        frame.from_func = called_from(outer)
        frame.sp = None if outer.regs else outer.at
        frame.stackdata = _words(each.frame.at, outer.at)


def called_from(outer: Any) -> str:
    """How the function of a frame was entered, by the next outer one: a _pykdump.StackFrame."""
    name = f"<{outer.function}+{outer.offset}>" if outer.function else f"<0x{outer.ip:x}>"
    return f"entered by exception at {name}" if outer.regs else \
        f"called from 0x{outer.ip:x} {name}"


def _words(start: int, end: int) -> list[int]:
    if not start < end <= start + _MOST_DATA:
        return []
    try:
        data = readmem(start, end - start)
    except crash.error:
        return []
    return [int.from_bytes(data[at:at + 8], "little") for at in range(0, len(data) - 7, 8)]


def disasm(addr: int, nlines: int) -> list[str]:
    """Instructions from an address on, in Intel's syntax: "0xaddress <func+12>: text".

    Fewer if there are no more that can be read.
    """
    code, lines = Code(), []
    for _ in range(nlines):
        insn = code.at(addr)
        if insn is None:
            break
        name, offset = addr2sym(addr, True)
        lines.append(f"0x{addr:x} <{name}+{offset}>: {insn.text}")
        addr = insn.end
    return lines
