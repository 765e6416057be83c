"""Owns what registers held in the frames of a stack: on entry of each function, and at its call.

What a function saved of its caller's registers is on the stack; what it has copied or kept in
registers that calls preserve was saved by functions it called; what its caller passed is found
from what that knew itself.  codeflow tells where all that is, the stack what it is.  Must not know
what the values mean, nor how they are printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from LinuxDump import stacks
from LinuxDump.codeflow import Site, function_start, site_of
from LinuxDump.codevalues import CALLEE_SAVED, ENTRY_SP, REGISTERS, Atom, Value
from LinuxDump.machinecode import Register
from pykdump.API import (addr2sym, crash, readInt, readSU, struct_size, sym2addr,
                         sym2alladdr)

ARGUMENTS = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")
CERTAIN, LIKELY, MEMORY = "certain", "likely", "memory"
GRADES = (CERTAIN, LIKELY, MEMORY)      # the best first
_MASK = (1 << 64) - 1
_LOW = (1 << 32) - 1
_THUNK = "__x86_indirect_thunk_"
_PT_REGS = {"rax": "ax", "rbx": "bx", "rcx": "cx", "rdx": "dx", "rsi": "si", "rdi": "di",
            "rbp": "bp", "rsp": "sp", **{f"r{number}": f"r{number}" for number in range(8, 16)}}
_MOST_ROUNDS = 16
_STACK = 1 << 14        # bytes


class Known(NamedTuple):
    """The value of a register.

    value     unsigned
    bits      64, or 32 if the upper half is not known
    grade     "certain"; "likely": if memory of the stack that others were told of has not changed,
              or if the call was made to this function; "memory": it was loaded from memory that
              may have changed since
    how       where it was found, in words
    distance  instructions from the one that set it to the call; 0 if it was saved
    """

    value: int
    bits: int
    grade: str
    how: str
    distance: int = 0

    def moved(self, by: int) -> Known:
        """The same plus a number."""
        if not by:
            return self
        mask = _MASK if self.bits == 64 else _LOW
        return self._replace(value=(self.value + by) & mask)


class FrameRegisters(NamedTuple):
    """What is known of one frame of a stack.

    frame  _pykdump.StackFrame
    entry  register -> Known: on entry of the frame's function
    call   the same when it called the function of the frame before it, or was interrupted
    other  register -> Known: another value found for what is in `entry`; one of them is wrong
    note   empty, or why there is no more
    """

    frame: Any
    entry: dict[str, Known]
    call: dict[str, Known]
    other: dict[str, Known]
    note: str


def _worse(*grades: str) -> str:
    return max(grades, key=GRADES.index)


class _Environment:
    """Numbers for the atoms of one frame's values."""

    def __init__(self, task: int) -> None:
        self._task = task
        self._atoms: dict[Atom, Known] = {}

    def bind(self, value: Value | None, known: Known) -> bool:
        """Learn from the number that a value is; whether that was something new."""
        atom, offset = value or (None, 0)
        if atom is None:
            return False
        known = known.moved(-offset)
        if atom[0] in ("low", "signed"):
            half = known._replace(value=known.value & _LOW, bits=32)
            return not offset and self.bind(atom[1], half)
        before = self._atoms.get(atom)
        if before is not None and _rank(before) <= _rank(known):
            return False
        self._atoms[atom] = known
        return True

    def of(self, value: Value | None) -> Known | None:
        """The number that a value is; None if it is not known."""
        if value is None:
            return None
        atom, offset = value
        if atom is None:
            return Known(offset, 64, CERTAIN, "constant")
        known = self._atoms.get(atom) or self._derived(atom)
        return None if known is None else known.moved(offset)

    def _derived(self, atom: Atom) -> Known | None:
        if atom[0] in ("low", "signed"):
            known = self.of(atom[1])
            if known is None:
                return None
            number = known.value & _LOW
            if atom[0] == "signed" and number >> 31:
                number += _MASK - _LOW
            return known._replace(value=number, bits=64)
        if atom[0] == "gs":
            return self._of_cpu(atom)
        if atom[0] == "mem":
            return self._loaded(atom)
        return None

    def _of_cpu(self, atom: Atom) -> Known | None:
        where = self.of(atom[2])
        if where is None or atom[3] != 8 or where.value not in current_places():
            return None
        return Known(self._task, 64, CERTAIN, "current")

    def _loaded(self, atom: Atom) -> Known | None:
        _kind, _address, value, size, signed = atom
        where = self.of(value)
        if where is None or where.bits != 64:
            return None
        try:
            number = readInt(where.value, size, signed)
        except (crash.error, IndexError):
            return None
        return Known(number & _MASK, 64, MEMORY, f"read from 0x{where.value:x}, {where.how}")


def current_places() -> frozenset[int]:
    """Where in the memory of a CPU the task is that runs on it."""
    # 6.2 to 6.14: e57ef2ed97c1 ("x86: Put hot per CPU variables into a struct")
    names = ("current_task", "pcpu_hot", "const_pcpu_hot")
    return frozenset(filter(None, map(sym2addr, names)))


class _Step:
    """One frame while its registers are looked for."""

    def __init__(self, frame: Any, task: int) -> None:
        self.frame = frame
        self.entry: dict[str, Known] = {}
        self.call: dict[str, Known] = {}
        self.other: dict[str, Known] = {}
        self.note = ""
        self.start: int | None = None       # address of the function
        self.site: Site | None = None
        self.sp: int | None = None          # before the call, or where it was interrupted
        self.environment = _Environment(task)
        self._find()

    def _find(self) -> None:
        frame = self.frame
        start = function_start(frame.ip if frame.exact else frame.ip - 1)
        if start is None:
            self.note = "it is no function that has a symbol"
            return
        for self.start in _entries(start):
            self.site = site_of(self.start, frame.ip, not frame.exact)
            if self.site is not None:
                return
        self.note = "no way from its entry leads there"

    def solve(self, entry_sp: int | None) -> None:
        """Give numbers to what the state at the call is made of."""
        if self.site is None:
            return
        state = self.site.state
        if entry_sp is not None:
            self.environment.bind((ENTRY_SP, 0), Known(entry_sp, 64, CERTAIN, "stack pointer"))
        if self.sp is not None:
            self.environment.bind(state.registers["rsp"],
                                  Known(self.sp, 64, CERTAIN, "stack pointer"))
        for name, known in self.call.items():
            self.environment.bind(state.registers[name], self.graded(known))
        slots = sorted(state.slots.items(), key=lambda slot: -slot[0][1])
        for _round in range(_MOST_ROUNDS):
            if not any([self._look(where, size, value) for where, (size, value) in slots]):
                break
        for name in REGISTERS:
            found = self.environment.of((("in", name), 0))
            if found is not None and name != "rsp":
                self.entry[name] = found

    def _look(self, where: Value, size: int, value: Value) -> bool:
        """Learn from a slot of the stack."""
        at = self.environment.of(where)
        if at is None or at.grade != CERTAIN or value[0] is None:
            return False
        if self.sp is not None and 0 < self.sp - at.value < _STACK:
            return False        # below the stack pointer: who interrupted it has used that
        try:
            number = readInt(at.value, size)
        except (crash.error, IndexError):
            return False
        grade = CERTAIN if self._is_private(where, value) else LIKELY
        known = Known(number, 64 if size == 8 else 32, grade, f"saved at 0x{at.value:x}")
        return self.environment.bind(value, self.graded(known))

    def _is_private(self, where: Value, value: Value) -> bool:
        """Does nobody else know of a slot: what it was given is in it still."""
        return (value[0] in _SAVED and not value[1]) or \
            (self.site is not None and where in self.site.private)

    def graded(self, known: Known) -> Known:
        """What follows from it by code of which not all ways are known."""
        if self.site is None or self.site.whole:
            return known
        return known._replace(grade=_worse(known.grade, LIKELY))


_SAVED = frozenset(("in", name) for name in CALLEE_SAVED)


def _entries(start: int) -> Iterator[int]:
    """Where a function begins, if a symbol is its beginning or that of its part seldom run."""
    name = addr2sym(start) or ""
    if ".cold" in name:
        yield from sym2alladdr(name.split(".cold")[0])
    yield start


# -- a stack ------------------------------------------------------------------------------------

def registers_of_frames(stack: stacks.Stack) -> list[FrameRegisters]:
    """What is known of the registers in each frame of a stack, innermost first.

    machinecode.NoDecoder without the library that decodes instructions.
    """
    steps = [_Step(frame, stack.task) for frame in stack.frames]
    if steps:
        _begin(steps[0], stack)
    for inner, outer in zip(steps, [*steps[1:], None]):
        _restore(inner, outer)
    for inner, outer in reversed(list(zip(steps, steps[1:]))):
        _pass(inner, outer)
    return [FrameRegisters(step.frame, step.entry, step.call, step.other, step.note)
            for step in steps]


def _begin(step: _Step, stack: stacks.Stack) -> None:
    """The registers of the innermost frame."""
    if stack.cpu is not None:
        numbers = stacks.cpu_registers().get(stack.cpu, {})
        step.call = {name: Known(numbers[short], 64, CERTAIN, f"register of CPU {stack.cpu}")
                     for name, short in _PT_REGS.items() if short in numbers}
        step.sp = numbers.get("sp")
        return
    try:
        saved = readSU("struct inactive_task_frame", step.frame.at)
        step.call = {name: Known(int(getattr(saved, short)), 64, CERTAIN, "saved by the switch")
                     for name, short in _PT_REGS.items() if name in CALLEE_SAVED}
        step.sp = step.frame.at + struct_size("struct inactive_task_frame")
    except (crash.error, IndexError, KeyError, TypeError) as err:
        step.note = str(err)


def _restore(inner: _Step, outer: _Step | None) -> None:
    """What the caller's registers were, from what the function has saved of them."""
    if outer is None:
        inner.solve(None)
        inner.entry = {}
        return
    if outer.frame.regs:
        inner.solve(None)
        inner.entry = {}        # it was not called, but entered by an interrupt
        outer.call, outer.sp = _interrupted(outer.frame.regs)
        return
    inner.solve(outer.frame.at)
    outer.sp = outer.frame.at + 8
    if outer.frame.guessed:
        return
    outer.call = {name: known for name, known in inner.entry.items()
                  if name in CALLEE_SAVED and known.bits == 64}


def _interrupted(address: int) -> tuple[dict[str, Known], int | None]:
    try:
        regs = readSU("struct pt_regs", address)
        found = {name: Known(int(getattr(regs, short)), 64, CERTAIN, f"pt_regs at 0x{address:x}")
                 for name, short in _PT_REGS.items()}
    except (crash.error, IndexError):
        return {}, None
    return found, found["rsp"].value


def _pass(inner: _Step, outer: _Step) -> None:
    """What the caller has passed."""
    site = outer.site
    if site is None or inner.start is None or outer.frame.regs:
        return
    grade = _call_grade(outer, site, inner.start)
    if grade is None:
        return
    for name in ARGUMENTS:
        known = outer.environment.of(site.state.registers[name])
        if known is not None:
            known = known._replace(grade=_worse(grade, known.grade),
                                   distance=site.distances.get(name, 0),
                                   how=f"passed: {known.how}")
            _accept(inner, name, outer.graded(known))


def _accept(step: _Step, name: str, known: Known) -> None:
    """Take a value that was passed for what a register held, if none that is better is known."""
    before = step.entry.get(name)
    if before is None:
        step.entry[name] = known
    elif differ(before, known):
        better, other = sorted((before, known), key=_rank)
        step.entry[name] = better
        if other.grade != MEMORY:       # which was changed since
            step.other[name] = other
    elif _rank(known) < _rank(before):
        step.entry[name] = known
    step.environment.bind((("in", name), 0), step.entry[name])


def _rank(known: Known) -> tuple[int, int]:
    """The lower the better."""
    return -known.bits, GRADES.index(known.grade)


def differ(one: Known, other: Known) -> bool:
    """Are two values of one register different, as far as both are known."""
    mask = _LOW if 32 in (one.bits, other.bits) else _MASK
    return one.value & mask != other.value & mask


def _call_grade(outer: _Step, site: Site, entry: int) -> str | None:
    """Was the call made to a function: certainly, likely, or (None) to another that jumped on."""
    if site.insn.name != "call":
        return None
    target, registers = site.insn.target, site.state.registers
    if target is not None:
        name = addr2sym(target) or ""
        if not name.startswith(_THUNK):
            return CERTAIN if target == entry else None
        where = outer.environment.of(registers.get(name[len(_THUNK):]))
    else:
        operand = site.insn.operands[0]
        where = outer.environment.of(registers.get(operand.name)) \
            if isinstance(operand, Register) else None
    if where is None:
        return LIKELY
    if where.value != entry:
        return None if where.grade == CERTAIN else LIKELY
    return CERTAIN if where.grade == CERTAIN else LIKELY
