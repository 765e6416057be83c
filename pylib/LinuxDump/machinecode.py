"""Owns instructions of x86-64 as data: the kernel's text as it is in the dump, patches and all.

Capstone decodes them; it is loaded when the first instruction is asked for.  Must not know what
instructions do beyond the registers they write, nor where functions begin.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pykdump.API import crash, readmem

REG64 = ("RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RBP", "RSP",
         *(f"R{number}" for number in range(8, 16)))
REG32 = ("EAX", "EBX", "ECX", "EDX", "ESI", "EDI", "EBP", "ESP",
         *(f"R{number}D" for number in range(8, 16)))
REG16 = ("AX", "BX", "CX", "DX", "SI", "DI", "BP", "SP",
         *(f"R{number}W" for number in range(8, 16)))
REG8 = ("AL", "BL", "CL", "DL", "SIL", "DIL", "BPL", "SPL",
        *(f"R{number}B" for number in range(8, 16)))
_REG8_HIGH = ("AH", "BH", "CH", "DH")

_CHUNK = 64         # bytes that are decoded at a time
_LONGEST = 15       # bytes of an instruction
_PAGE = 4096

# What is written beyond the first operand, wherever Capstone's own tables leave it open.
_ALSO = {"cpuid": ("rax", "rbx", "rcx", "rdx"), "rdtsc": ("rax", "rdx"),
         "rdtscp": ("rax", "rcx", "rdx"), "rdpmc": ("rax", "rdx"), "rdmsr": ("rax", "rdx"),
         "xgetbv": ("rax", "rdx"), "mul": ("rax", "rdx"), "div": ("rax", "rdx"),
         "idiv": ("rax", "rdx"), "imul": ("rax", "rdx"), "cmpxchg": ("rax",),
         "cmpxchg8b": ("rax", "rdx"), "cmpxchg16b": ("rax", "rdx"), "cdq": ("rdx",),
         "cqo": ("rdx",), "cwd": ("rdx",), "cdqe": ("rax",), "cwde": ("rax",), "cbw": ("rax",),
         "syscall": ("rcx", "r11"), "in": ("rax",), "lahf": ("rax",), "xlatb": ("rax",),
         "loop": ("rcx",)}
_STRINGS = ("movs", "stos", "lods", "scas", "cmps", "ins", "outs")
_STRING_REGISTERS = ("rax", "rcx", "rsi", "rdi")
# These only read their first operand.
_READERS = frozenset(("push", "cmp", "test", "bt", "call", "jmp", "mul", "div", "idiv"))
# These write their first operand, the stack pointer perhaps, and no other register.
_PLAIN = frozenset((
    "mov", "movabs", "lea", "movzx", "movsx", "movsxd", "push", "pop", "call", "jmp", "ret", "nop",
    "cmp", "test", "xor", "add", "sub", "and", "or", "inc", "dec", "neg", "not", "shl", "shr",
    "sar", "adc", "sbb", "endbr64", "ud2", "int3", "bt", "bts", "btr"))


class NoDecoder(crash.error):
    """The library that decodes instructions is not installed."""


class Register(NamedTuple):
    """A register as an operand: that of 64 bits which it is a part of, and the bytes of the part.

    `low` is false for AH, BH, CH and DH.
    """

    name: str
    size: int
    low: bool


class Immediate(NamedTuple):
    """A number in the instruction, unsigned in 64 bits."""

    value: int


class Memory(NamedTuple):
    """segment:disp(base, scaled, scale), of `size` bytes; names are empty without."""

    base: str
    scaled: str
    scale: int
    disp: int
    segment: str
    size: int


Operand = Any       # Register | Immediate | Memory


class Insn(NamedTuple):
    """An instruction.

    name      in Intel's syntax, without prefixes
    operands  Register, Immediate, Memory; what is written comes first.  Others are left out.
    writes    registers of 64 bits which are, or of which a part is, written
    text      name and operands as Capstone prints them
    """

    address: int
    size: int
    name: str
    operands: tuple[Operand, ...]
    writes: frozenset[str]
    text: str

    @property
    def end(self) -> int:
        """Address behind it: the return address of a call."""
        return self.address + self.size

    @property
    def target(self) -> int | None:
        """Where a jump or call goes to; None if no number tells."""
        first = self.operands[0] if self.operands else None
        return first.value if isinstance(first, Immediate) else None


_registers: dict[str, Register] = {
    name.lower(): Register(wide.lower(), size, True)
    for names, size in ((REG64, 8), (REG32, 4), (REG16, 2), (REG8, 1))
    for name, wide in zip(names, REG64)}
_registers.update((name.lower(), Register(wide.lower(), 1, False))
                  for name, wide in zip(_REG8_HIGH, REG64))


class _Decoder:
    """Capstone, with its numbers as names."""

    def __init__(self) -> None:
        try:
            import capstone
            from capstone import x86
        except ImportError as err:
            raise NoDecoder("instructions cannot be decoded: Python's capstone is not there "
                            f"(apt install python3-capstone): {err}") from None
        self._capstone = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        self._capstone.detail = True
        self._kinds = (x86.X86_OP_REG, x86.X86_OP_IMM, x86.X86_OP_MEM)
        self._names: dict[int, str] = {0: ""}

    def _register_name(self, number: int) -> str:
        name = self._names.get(number)
        if name is None:
            name = self._names[number] = self._capstone.reg_name(number) or ""
        return name

    def _operands(self, found: Any) -> tuple[Operand, ...]:
        register, immediate, memory = self._kinds
        operands: list[Operand] = []
        for operand in found.operands:
            if operand.type == register:
                name = self._register_name(operand.reg)
                operands.append(_registers.get(name) or Register(name, operand.size, True))
            elif operand.type == immediate:
                operands.append(Immediate(operand.imm & 0xffffffffffffffff))
            elif operand.type == memory:
                mem = operand.mem
                operands.append(Memory(self._register_name(mem.base),
                                       self._register_name(mem.index), mem.scale, mem.disp,
                                       self._register_name(mem.segment), operand.size))
        return tuple(operands)

    def _writes(self, found: Any, name: str, operands: tuple[Operand, ...]) -> frozenset[str]:
        first = operands[0] if operands else None
        reads = name in _READERS or (name == "imul" and len(operands) == 1)
        writes = {first.name} if isinstance(first, Register) and not reads else set()
        if name in _PLAIN:
            return frozenset(writes)
        try:
            _read, written = found.regs_access()
        except Exception:           # noqa: B902 - of Capstone: the instruction has no tables
            written = ()
        for number in written:
            register = _registers.get(self._register_name(number))
            if register:
                writes.add(register.name)
        writes.update(_ALSO.get(name, ()))
        if name.startswith(_STRINGS):
            writes.update(_STRING_REGISTERS)
        if name in ("xchg", "xadd"):
            writes.update(each.name for each in operands if isinstance(each, Register))
        return frozenset(writes)

    def decode(self, code: bytes, address: int) -> list[Insn]:
        insns = []
        for found in self._capstone.disasm(code, address):
            name = found.insn_name()
            operands = self._operands(found)
            insns.append(Insn(found.address, found.size, name, operands,
                              self._writes(found, name, operands),
                              f"{found.mnemonic} {found.op_str}".rstrip()))
        return insns


_decoders: list[_Decoder] = []


def _decoder() -> _Decoder:
    if not _decoders:
        _decoders.append(_Decoder())
    return _decoders[0]


def _code(address: int) -> bytes:
    """Some bytes of text; fewer at the end of what can be read.  crash.error if there is none."""
    try:
        return readmem(address, _CHUNK)
    except crash.error:
        rest = -address % _PAGE
        if not 0 < rest < _CHUNK:
            raise
        return readmem(address, rest)


class Code:
    """Instructions of the dump, each decoded once."""

    def __init__(self) -> None:
        self._known: dict[int, Insn] = {}

    def at(self, address: int) -> Insn | None:
        """The instruction at an address; None if the bytes there are none or cannot be read.

        NoDecoder without the library that decodes.
        """
        if address not in self._known:
            try:
                decoded = _decoder().decode(_code(address), address)
            except (crash.error, IndexError) as err:
                if isinstance(err, NoDecoder):
                    raise
                return None
            for insn in decoded:
                self._known.setdefault(insn.address, insn)
        return self._known.get(address)
