"""Owns what the kernel's DWARF tells of the frames of a stack: which functions were inlined, what
their parameters and variables are, and what calls passed.

The stack and the registers that are put in come from stacks and frameregs; where variables are is
computed in the engine.  Must not know what values stand for, nor how they are printed.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import _pykdump
from LinuxDump.dlkm import lsmod
from LinuxDump.frameregs import GRADES, FrameRegisters, Known
from LinuxDump.modparts import sections
from pykdump.API import DCache, crash, readSU
from pykdump.dlkmload import loaded_files

# By the numbers that DWARF gives them.
REGISTERS = ("rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
             *(f"r{number}" for number in range(8, 16)))
_NUMBERS = {name: number for number, name in enumerate(REGISTERS)}
_WORD, _HALF = 8, 4
# The number of a register -> (value, doubt)
_Values = dict[int, tuple[int, int]]
_Question = tuple[int, bool, Optional[str], int, _Values, _Values]


class Variable(NamedTuple):
    """A parameter or variable of a function, in a frame.

    name       None if it has none
    ctype      as C has it: "struct file *"
    size       in bytes, 0 if it is not known
    parameter  is it a parameter
    passed     is it one that the compiler has left: the function is called with it
    register   where the function gets it; None if on the stack, or not at all
    constant   the compiler knew its value, so that nobody passes it
    now        what it holds now, as an int (of a struct: where it is); None if that is not known
    grade      of that: "certain", "likely" or "memory", as of frameregs.Known
    how        where that was found, in words; why it is not known
    """

    name: str | None
    ctype: str
    size: int
    parameter: bool
    passed: bool
    register: str | None
    constant: bool
    now: int | None
    grade: str
    how: str


class Scope(NamedTuple):
    """A function at a place of the code: by itself, or inlined into the one of the next scope.

    name       None if it has none
    file       of the line that it executes; None if it is not known
    line       0 if it is not known
    inlined    whether it has no frame of its own
    variables  its parameters and variables
    """

    name: str | None
    file: str | None
    line: int
    inlined: bool
    variables: list[Variable]

    @property
    def parameters(self) -> list[Variable]:
        """The parameters among the variables, as they are declared."""
        return [each for each in self.variables if each.parameter]


class DwarfFrame(NamedTuple):
    """What DWARF tells of one frame.

    scopes  the functions at its place, the innermost first and the frame's own last; empty if
            nothing is known of that code
    passed  register -> Known: what the caller passed, by the DWARF of its call
    note    why the call does not tell; or empty
    cut     has the DWARF more than was taken: it is damaged, or huge
    """

    scopes: list[Scope]
    passed: dict[str, Known]
    note: str
    cut: bool


def dwarf_of_frames(found: list[FrameRegisters]) -> list[DwarfFrame]:
    """What DWARF tells of each frame of a stack, whose registers frameregs has found.

    TypeError if there is no DWARF for the kernel; frames in code that it does not describe are
    empty.  Those of modules are described where crash has loaded the module's debug information.
    """
    for module in {each.frame.module for each in found} - {None}:
        _add_module(module)
    asked = [_question(each, outer) for each, outer in zip(found, [*found[1:], None])]
    return [_frame(number, answer, found)
            for number, answer in enumerate(_pykdump.dwarf_frames(asked))]


def _question(each: FrameRegisters, outer: FrameRegisters | None) -> _Question:
    frame = each.frame
    registers = _numbered(each.call)
    if not frame.exact and _NUMBERS["rsp"] not in registers:
        registers[_NUMBERS["rsp"]] = (frame.at + _WORD, 0)
    cfa = outer.frame.at + _WORD if outer is not None and not outer.frame.regs else 0
    return (frame.ip, frame.exact, frame.module, cfa, registers, _numbered(each.entry))


def _numbered(registers: dict[str, Known]) -> _Values:
    return {_NUMBERS[name]: (known.value, GRADES.index(known.grade))
            for name, known in registers.items() if known.bits == 64}


def _add_module(name: str) -> None:
    """Have the DWARF of a module used, if crash has loaded its debug information."""
    # Who types "mod -s" between two commands is not noticed otherwise.
    done = DCache.tmp.dwarf_modules or {}
    DCache.tmp.dwarf_modules = done
    if name in done:
        return
    done[name] = path = loaded_files().get(name)
    if path is None:
        return
    try:
        module = readSU("struct module", lsmod()[name])
        places = {each.name: each.address for each in sections(module)}
        _pykdump.dwarf_file_add(name, path, places)
    except (TypeError, KeyError, crash.error):
        return          # it has no DWARF: as if it were not loaded


def _frame(number: int, answer: Any, found: list[FrameRegisters]) -> DwarfFrame:
    scopes = [Scope(scope.name, scope.file, scope.line, scope.inlined,
                    [_variable(each, found, number) for each in scope.variables])
              for scope in answer.scopes]
    halves = {each.register for each in scopes[-1].parameters if 0 < each.size <= _HALF} \
        if scopes else set()
    passed = {}
    for place, (value, doubt, callers, followed) in answer.passed.items():
        if place < len(REGISTERS):
            name = REGISTERS[place]
            bits = 32 if name in halves else 64
            passed[name] = Known(value & (1 << bits) - 1, bits, GRADES[doubt],
                                 _calls(found, number, callers, followed))
    return DwarfFrame(scopes, passed, answer.note, answer.cut)


def _calls(found: list[FrameRegisters], number: int, callers: int, followed: bool) -> str:
    """Where a value was passed, of a frame that is so many calls within where it was found."""
    names = [each.frame.function or f"0x{each.frame.ip:x}"
             for each in found[number + 1:number + 1 + callers]]
    text = f"call site in {', '.join(names)}"
    return f"{text}, of a register that was followed there" if followed else text


def _variable(each: Any, found: list[FrameRegisters], number: int) -> Variable:
    register = REGISTERS[each.register] if each.register in range(len(REGISTERS)) else None
    how = each.note
    if each.value is None:
        pass
    elif each.constant:
        how = "constant"
    elif each.callers:
        how = _calls(found, number, each.callers, each.followed)
    elif each.followed:
        how = f"register of {found[number].frame.function} that was followed"
    return Variable(each.name, each.type, each.size, each.parameter, each.passed, register,
                    each.constant, each.value, GRADES[each.doubt], how)
