"""Owns values as expressions: what registers and stack slots hold in terms of a function's entry.

Must not know what instructions do, nor which numbers the values are.
"""

from __future__ import annotations

from typing import Any

CALLEE_SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")
REGISTERS = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
             *(f"r{number}" for number in range(8, 16)))

# A value is (atom, offset), their sum modulo 2^64; the atom of a number is None.  None is a value
# of which nothing is known.  Atoms:
#   ("in", register)                     what a register held at the function's entry
#   ("at", address, where)               what the instruction there found in a register or slot
#   ("mem", address, value, size, signed)  what it loaded from an address
#   ("gs", address, value, size)         what it loaded from the memory of its CPU
#   ("low", value), ("signed", value)    the lower 32 bits of a value, without and with sign
Atom = tuple[Any, ...]
Value = tuple[Atom | None, int]
ENTRY_SP: Atom = ("in", "rsp")

MASK = (1 << 64) - 1
_LOW = (1 << 32) - 1
_SIGN = 1 << 31
_HALVES = ("low", "signed")


def moved(value: Value | None, distance: int) -> Value | None:
    """A value plus a number."""
    return None if value is None else (value[0], (value[1] + distance) & MASK)


def low(value: Value | None) -> Value | None:
    """The lower 32 bits of a value."""
    if value is None:
        return None
    atom, offset = value
    return (None, offset & _LOW) if atom is None else (("low", _whole(value)), 0)


def signed(value: Value | None) -> Value | None:
    """The lower 32 bits of a value, their sign extended."""
    if value is None:
        return None
    atom, offset = value
    return (None, (offset & _LOW ^ _SIGN) - _SIGN & MASK) if atom is None \
        else (("signed", _whole(value)), 0)


def _whole(value: Value) -> Value:
    """One with the same lower half."""
    atom, offset = value
    return atom[1] if atom is not None and atom[0] in _HALVES and not offset else value


def mentions(value: Value | None, atom: Atom) -> bool:
    """Is a value, or what it was loaded by, made of an atom."""
    while value is not None:
        own = value[0]
        if own == atom:
            return True
        if own is None or own[0] in ("in", "at"):
            return False
        value = own[1] if own[0] in _HALVES else own[2]
    return False


def depth_of(value: Value | None) -> int:
    """How many loads, one by the other, and halves a value is made of."""
    depth = 0
    while value is not None and value[0] is not None and value[0][0] not in ("in", "at"):
        value = value[0][1] if value[0][0] in _HALVES else value[0][2]
        depth += 1
    return depth


class State:
    """What registers and stack slots hold at one place.

    registers  name -> value
    slots      (atom, offset) of an address on the stack -> (bytes, value)
    set_at     name -> address of the instruction that set it last
    """

    def __init__(self) -> None:
        self.registers: dict[str, Value | None] = {name: (("in", name), 0) for name in REGISTERS}
        self.slots: dict[Value, tuple[int, Value]] = {}
        self.set_at: dict[str, int] = {}

    def copy(self) -> State:
        """Another one that holds the same."""
        made = State.__new__(State)
        made.registers = dict(self.registers)
        made.slots = dict(self.slots)
        made.set_at = dict(self.set_at)
        return made

    def meet(self, other: State) -> bool:
        """Keep what another one agrees on; whether anything was lost."""
        lost = False
        for name, value in self.registers.items():
            if value is not None and other.registers[name] != value:
                self.registers[name] = None
                lost = True
        for slot in [slot for slot, held in self.slots.items() if other.slots.get(slot) != held]:
            del self.slots[slot]
            lost = True
        for name in [name for name, at in self.set_at.items() if other.set_at.get(name) != at]:
            del self.set_at[name]
        return lost


def distance_of(value: Value) -> int:
    """The offset, which may be negative."""
    offset = value[1]
    return offset - (1 << 64) if offset >> 63 else offset
