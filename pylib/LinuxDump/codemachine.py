"""Owns what instructions of x86-64 do to values: a machine that runs them on states.

Must not know functions, nor in which order their instructions run.
"""

from __future__ import annotations

from collections.abc import Callable

from LinuxDump.codevalues import (CALLEE_SAVED, ENTRY_SP, MASK, REGISTERS, Atom, State, Value,
                                  depth_of, distance_of, low, mentions, moved, signed)
from LinuxDump.machinecode import Immediate, Insn, Memory, Operand, Register
from pykdump.API import addr2sym

_CLOBBERED = tuple(name for name in REGISTERS if name not in CALLEE_SAVED and name != "rsp")
_FRAME = 1 << 14        # bytes
_DEEPEST = 4            # loads within loads
_TRACERS = ("__fentry__", "ftrace_caller", "ftrace_regs_caller", "ftrace_stub")


class Machine:
    """Runs instructions on states."""

    def __init__(self) -> None:
        self.stacks: set[Atom | None] = {ENTRY_SP}      # atoms that the stack pointer has had
        self.lowest: dict[Atom | None, int] = {}    # address of the stack that went elsewhere
        self._made: set[Atom] = set()

    # -- atoms --

    def _fresh(self, state: State, atom: Atom) -> Value:
        """The value of an atom that the present instruction makes: what it made before is old."""
        if atom in self._made:
            for name, value in state.registers.items():
                if mentions(value, atom):
                    state.registers[name] = None
            for slot, (_size, value) in list(state.slots.items()):
                if mentions(value, atom) or slot[0] == atom:
                    del state.slots[slot]
        self._made.add(atom)
        return atom, 0

    # -- reading --

    def register(self, state: State, insn: Insn, name: str) -> Value | None:
        """What a register holds, by a name if it is not known."""
        value = state.registers.get(name)
        if value is None and name in state.registers:
            value = state.registers[name] = self._fresh(state, ("at", insn.address, name))
        return value

    def address(self, state: State, insn: Insn, memory: Memory) -> Value | None:
        """The address of an operand, without its segment."""
        disp = memory.disp & MASK
        if memory.base in ("rip", "eip"):
            return None, (insn.end + disp) & MASK
        value: Value | None = (None, disp)
        if memory.base:
            value = moved(self.register(state, insn, memory.base), disp)
        if memory.scaled and memory.scaled not in ("riz", "eiz"):
            index = state.registers.get(memory.scaled)
            if index is None or index[0] is not None:
                self._taken(value)
                return None
            value = moved(value, index[1] * memory.scale)
        return value

    def _taken(self, value: Value | None) -> None:
        if value is not None and value[0] in self.stacks:
            distance = distance_of(value)
            self.lowest[value[0]] = min(distance, self.lowest.get(value[0], distance))

    def is_private(self, where: Value) -> bool:
        """Does nobody else know of a slot: what the function has put there is in it still."""
        atom, distance = where[0], distance_of(where)
        return (atom != ENTRY_SP or distance < 0) and distance + 8 <= self.lowest.get(atom, _FRAME)

    def load(self, state: State, insn: Insn, memory: Memory,
             with_sign: bool = False) -> Value | None:
        """What is in memory."""
        where = self.address(state, insn, memory)
        if where is None or depth_of(where) >= _DEEPEST:
            return None
        if memory.segment == "gs":
            return self._fresh(state, ("gs", insn.address, where, memory.size))
        if memory.segment == "fs":
            return None
        if where[0] not in self.stacks or not self.is_private(where):
            return self._fresh(state, ("mem", insn.address, where, memory.size, with_sign))
        held = state.slots.get(where)
        if held is None:
            if memory.size != 8:
                return None
            self._forget(state, where, 8)
            held = state.slots[where] = 8, self._fresh(state, ("at", insn.address, "slot"))
        size, value = held
        return value if size == memory.size == 8 else low(value) if memory.size == 4 else None

    def read(self, state: State, insn: Insn, operand: Operand) -> Value | None:
        """What an operand is; of 32 bits of a register the lower half of it."""
        if isinstance(operand, Immediate):
            return None, operand.value
        if isinstance(operand, Memory):
            return self.load(state, insn, operand)
        if operand.size == 8:
            return self.register(state, insn, operand.name)
        return low(self.register(state, insn, operand.name)) if operand.size == 4 else None

    # -- writing --

    def _forget(self, state: State, where: Value, size: int) -> None:
        """Drop what is overwritten."""
        atom, offset = where
        for distance in range(-7, size):
            slot = atom, (offset + distance) & MASK
            held = state.slots.get(slot)
            if held is not None and (distance >= 0 or held[0] > -distance):
                del state.slots[slot]

    def assign(self, state: State, insn: Insn, name: str, value: Value | None) -> None:
        """A register gets a value."""
        if name in state.registers:
            state.registers[name] = value
            state.set_at[name] = insn.address

    def store(self, state: State, insn: Insn, where: Value | None, size: int,
              value: Value | None) -> None:
        """Memory gets a value.  What is not on the stack does not matter."""
        if where is None or where[0] not in self.stacks:
            return
        self._forget(state, where, size)
        if value is not None and size in (4, 8):
            state.slots[where] = size, value

    def write(self, state: State, insn: Insn, operand: Operand, value: Value | None) -> None:
        """An operand gets a value; of 32 bits of a register the rest becomes 0."""
        if isinstance(operand, Memory):
            if operand.segment not in ("gs", "fs"):
                self.store(state, insn, self.address(state, insn, operand), operand.size,
                           low(value) if operand.size == 4 else value)
        elif isinstance(operand, Register):
            if operand.size == 4:
                value = low(value)
            self.assign(state, insn, operand.name, value if operand.size >= 4 else None)

    # -- instructions --

    def run(self, state: State, insn: Insn) -> None:
        """The state behind an instruction."""
        run = _RUN.get(insn.name)
        if run is not None:
            run(self, state, insn)
        elif not insn.name.startswith("j"):
            self.unknown(state, insn)

    def unknown(self, state: State, insn: Insn) -> None:
        """Only what it writes is known."""
        for operand in insn.operands:
            if isinstance(operand, Memory) and operand.segment not in ("gs", "fs"):
                self.store(state, insn, self.address(state, insn, operand),
                           self._extent(state, insn, operand), None)
        for name in insn.writes:
            self.assign(state, insn, name, None)

    def _extent(self, state: State, insn: Insn, memory: Memory) -> int:
        """How many bytes may be written."""
        if not insn.text.startswith("rep"):
            return max(memory.size, 1)
        count = state.registers["rcx"]
        return min(count[1] * memory.size, _FRAME) if count and count[0] is None else _FRAME

    def mov(self, state: State, insn: Insn) -> None:
        if len(insn.operands) != 2:         # a segment or control register
            self.unknown(state, insn)
            return
        target, source = insn.operands
        value = self.read(state, insn, source)
        if isinstance(source, Register) and source.name == "rsp" and not (
                isinstance(target, Register) and target.name == "rbp"):
            self._taken(value)
        self.write(state, insn, target, value)

    def extend(self, state: State, insn: Insn) -> None:
        target, source = insn.operands
        with_sign = insn.name != "movzx"
        if isinstance(source, Memory):
            value = self.load(state, insn, source, with_sign)
            where = value[0] if value is not None else None
            if with_sign and (where is None or where[0] != "mem"):
                value = signed(value) if source.size == 4 else None
        else:
            value = self.read(state, insn, source)
            value = signed(value) if with_sign else value
        self.write(state, insn, target, value)

    def lea(self, state: State, insn: Insn) -> None:
        target, source = insn.operands
        value = self.address(state, insn, source)
        if target.name != "rsp":
            self._taken(value)
        self.write(state, insn, target, value)

    def add(self, state: State, insn: Insn) -> None:
        target, source = insn.operands
        if not isinstance(target, Register) or target.size < 4:
            self.unknown(state, insn)
            return
        left, right = self.read(state, insn, target), self.read(state, insn, source)
        value = None
        if left is not None and right is not None:
            if insn.name == "sub":
                right = (None, -right[1]) if right[0] is None else None
            elif left[0] is None:
                left, right = right, left
            if right is not None and right[0] is None and (
                    target.size == 8 or left[0] is None):
                value = moved(left, right[1])
        if insn.name == "sub" and target == source:
            value = None, 0
        self.write(state, insn, target, value)

    def step(self, state: State, insn: Insn) -> None:
        target = insn.operands[0]
        if not isinstance(target, Register) or target.size != 8:
            self.unknown(state, insn)
            return
        self.write(state, insn, target, moved(self.read(state, insn, target),
                                              1 if insn.name == "inc" else -1))

    def bits(self, state: State, insn: Insn) -> None:
        target, source = insn.operands
        if not isinstance(target, Register) or target.size < 4:
            self.unknown(state, insn)
            return
        value: Value | None = None
        if insn.name == "xor" and target == source:
            value = None, 0
        elif insn.name == "or" and source == Immediate(MASK):
            value = None, MASK
        elif insn.name == "and" and target.name == "rsp":
            value = self._fresh(state, ("at", insn.address, "rsp"))
            self.stacks.add(value[0])
        self.write(state, insn, target, value)

    def choose(self, state: State, insn: Insn) -> None:
        target, source = insn.operands
        left, right = self.read(state, insn, target), self.read(state, insn, source)
        self.write(state, insn, target, left if left == right else None)

    def swap(self, state: State, insn: Insn) -> None:
        left, right = insn.operands
        if not isinstance(left, Register) or not isinstance(right, Register) or left.size != 8:
            if left != right:
                self.unknown(state, insn)
            return
        values = state.registers.get(left.name), state.registers.get(right.name)
        self.assign(state, insn, left.name, values[1])
        self.assign(state, insn, right.name, values[0])

    def push(self, state: State, insn: Insn) -> None:
        value = self.read(state, insn, insn.operands[0]) if insn.operands else None
        top = moved(self.register(state, insn, "rsp"), -8)
        state.registers["rsp"] = top
        self.store(state, insn, top, 8, value)

    def pop(self, state: State, insn: Insn) -> None:
        top = self.register(state, insn, "rsp")
        held = state.slots.get(top) if top is not None else None
        state.registers["rsp"] = moved(top, 8)
        if insn.operands:
            self.write(state, insn, insn.operands[0],
                       held[1] if held is not None and held[0] == 8 else None)

    def leave(self, state: State, insn: Insn) -> None:
        state.registers["rsp"] = state.registers["rbp"]
        self.pop(state, insn._replace(operands=(Register("rbp", 8, True),)))

    def call(self, state: State, insn: Insn) -> None:
        if _is_tracer(insn):
            return
        self._drop_below(state)
        for name in _CLOBBERED:
            self.assign(state, insn, name, None)

    def _drop_below(self, state: State) -> None:
        """What is below the stack pointer is no more: whoever is called uses it."""
        top = state.registers["rsp"]
        if top is None:
            return
        for slot in [slot for slot in state.slots
                     if slot[0] == top[0] and distance_of(slot) < distance_of(top)]:
            del state.slots[slot]

    def nothing(self, state: State, insn: Insn) -> None:
        """No register or slot that is known changes."""


_RUN: dict[str, Callable[[Machine, State, Insn], None]] = {
    "mov": Machine.mov, "movabs": Machine.mov, "movzx": Machine.extend,
    "movsx": Machine.extend, "movsxd": Machine.extend, "lea": Machine.lea,
    "add": Machine.add, "sub": Machine.add, "inc": Machine.step, "dec": Machine.step,
    "xor": Machine.bits, "or": Machine.bits, "and": Machine.bits, "xchg": Machine.swap,
    "push": Machine.push, "pushfq": Machine.push, "pop": Machine.pop, "popfq": Machine.pop,
    "leave": Machine.leave, "call": Machine.call,
    **{name: Machine.nothing for name in (
        "cmp", "test", "nop", "bt", "endbr64", "ud2", "hlt", "int3", "ret", "lfence", "mfence",
        "sfence", "pause", "cld", "cli", "sti", "clac", "stac")},
    **{f"cmov{condition}": Machine.choose for condition in (
        "a", "ae", "b", "be", "e", "g", "ge", "l", "le", "ne", "no", "np", "ns", "o", "p", "s")},
}


def _is_tracer(insn: Insn) -> bool:
    """Is it the call at a function's entry that ftrace has put there: it changes no register."""
    target = insn.target
    if target is None:
        return False
    name, _offset = addr2sym(target, True)
    return name is None or name in _TRACERS
