"""Owns what an instruction did that the CPU refused: its text, its address, its BUG().

Addresses are computed from the instruction and the registers, not taken from the log.  Must not
know stacks, tasks, or why the kernel died.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

from LinuxDump.dlkm import lsmod
from pykdump.API import (PAGESIZE, addr2mod, columns, crash, member_offset, readmem, readS32,
                         readSU, readU8, readU16, struct_size, sym2addr, symbol_exists)
from pykdump.plaintext import one_line

_TEXT = re.compile(r"<[^>]*>:\s*(.*)")
_OPERAND = re.compile(r"(?P<segment>%[a-z]s:)?(?P<offset>-?0x[0-9a-f]+)?"
                      r"\((?P<base>%\w+)?(?:,(?P<index>%\w+)(?:,(?P<scale>[1248]))?)?\)")
_ABSOLUTE = re.compile(r"(?<![\w$(])\*?(0x[0-9a-f]+)(?![\w(])")
_REGISTER = re.compile(r"%([re])?(ax|bx|cx|dx|si|di|bp|sp|ip|\d+)d?\Z")
_PER_CPU = ("%gs:", "%fs:")
# Their last operand is looked at, not written to.
_ONLY_READ = re.compile(r"(cmp|test|bt)[bwlq]?\s|call|jmp|push|prefetch")
_WORD = (1 << 64) - 1
_CANONICAL_BITS = 47
_WARNING = 1            # in the flags of a struct bug_entry
_MAX_BUGS = 1 << 20
_MAX_PATH = 256


class Fault(NamedTuple):
    """What an instruction was about to do.

    instruction   its text in AT&T syntax, "" if its code cannot be read
    address       that it meant; None if it means none or that cannot be told
    access        "read", "write" or "jump"; "" if not known
    """

    instruction: str
    address: int | None
    access: str


class Bug(NamedTuple):
    """A BUG() or WARN() in the source."""

    file: str
    line: int
    warning: bool


def fault_of(regs: Any) -> Fault:
    """What the instruction did that a struct pt_regs points to; crash.error if it is unreadable.

    Of several addresses in it that counts which cannot be read.
    """
    ip = regs.ip
    text = _disassembled(ip)
    if not text:
        return Fault("", ip, "jump")
    found = list(_addresses(text, regs))
    address = next((each for each in found if not readable(each)), found[0] if found else None)
    return Fault(text, address, _access(text) if found else "")


def readable(address: int) -> bool:
    """Can a byte be read there: does the kernel have memory at an address."""
    try:
        readmem(address, 1)
    except (crash.error, IndexError, OverflowError):
        return False
    return True


def is_null(address: int) -> bool:
    """Is an address what comes of a NULL pointer: a member of a struct that is not there."""
    return address < PAGESIZE or address > _WORD - PAGESIZE


def is_canonical(address: int) -> bool:
    """May an address be used at all (with four levels of page tables)."""
    return address >> _CANONICAL_BITS in (0, _WORD >> _CANONICAL_BITS)


def _disassembled(ip: int) -> str:
    try:
        found = _TEXT.search(crash.exec_crash_command(f"x/i 0x{ip:x}"))
    except crash.error:
        return ""
    text = found[1].strip() if found else ""
    return "" if "Cannot access" in text or text == "(bad)" else text


def _addresses(text: str, regs: Any) -> Iterator[int]:
    code, _, target = text.partition("#")
    if "(%rip)" in code:
        yield from (int(word, 16) for word in re.findall(r"0x[0-9a-f]+", target)[:1])
        return
    for found in _OPERAND.finditer(code):
        if found["segment"] in _PER_CPU:
            continue
        parts = [_register(regs, found["base"]), _register(regs, found["index"])]
        if None not in parts:
            base, index = (part or 0 for part in parts)
            offset = int(found["offset"] or "0", 16)
            yield base + index * int(found["scale"] or 1) + offset & _WORD
    if not _OPERAND.search(code) and not code.startswith(("call ", "j")):
        yield from (int(word, 16) & _WORD for word in _ABSOLUTE.findall(code))


def _register(regs: Any, name: str | None) -> int | None:
    """The value of a register that is named in an instruction, 0 without a name."""
    if not name:
        return 0
    found = _REGISTER.match(name)
    if not found:
        return None
    value: int = getattr(regs, f"r{found[2]}" if found[2].isdigit() else found[2])
    return value & 0xffffffff if found[1] == "e" or name.endswith("d") else value


def _access(text: str) -> str:
    code = text.partition("#")[0].strip()
    while code.startswith(("lock ", "rep ", "repz ", "repnz ")):
        code = code.partition(" ")[2]
    if _ONLY_READ.match(code) or not code.endswith(")"):
        return "read"
    return "write"


# -- BUG() and WARN() -----------------------------------------------------------------------------

def bug_at(address: int) -> Bug | None:
    """The BUG() or WARN() whose instruction is at an address; None if there is none.

    Raises crash.error if the table of them cannot be read.
    """
    start, count = _table_for(address)
    size = struct_size("struct bug_entry")
    if not start or not 0 < count <= _MAX_BUGS or size <= 0:
        return None
    entries = array("Q", (start + number * size & _WORD for number in range(count)))
    at = member_offset("struct bug_entry", "bug_addr_disp")
    if at < 0:      # they hold addresses: 32 bits, and those of a kernel before 2.6.38
        return None
    rows = columns(entries, "struct bug_entry", ["bug_addr_disp"])
    for entry, (offset,) in zip(entries, rows.rows()):
        if offset is not None and entry + at + offset & _WORD == address:
            return _bug(entry)
    return None


def _table_for(address: int) -> tuple[int, int]:
    """Where the entries for an address are, and how many."""
    name = addr2mod(address)
    if name:
        where = lsmod().get(name)
        if not where:
            return 0, 0
        module = readSU("struct module", where)
        return int(module.bug_table), module.num_bugs
    if not symbol_exists("__start___bug_table"):
        return 0, 0
    start, end = sym2addr("__start___bug_table"), sym2addr("__stop___bug_table")
    return start, (end - start) // max(struct_size("struct bug_entry"), 1)


def _bug(entry: int) -> Bug:
    at = entry + member_offset("struct bug_entry", "file_disp")
    offset = readS32(at)
    # From the member; before 5.19 from the entry: 2a9a72e290d4 ("bug: Use normal relative
    # pointers in 'struct bug_entry'").  Right is what is not in the middle of a string.
    begins = not 0x20 <= readU8(at + offset - 1 & _WORD) < 0x7f
    file = _string((at if begins else entry) + offset & _WORD)
    bug = readSU("struct bug_entry", entry)
    flags = readU16(entry + member_offset("struct bug_entry", "flags"))
    return Bug(file, bug.line, bool(flags & _WARNING))


def _string(address: int) -> str:
    """Text at an address; what is unreadable is left out."""
    data = b""
    while len(data) < _MAX_PATH and b"\0" not in data:
        try:
            data += readmem(address + len(data), 16)
        except (crash.error, IndexError):
            break
    text = data.partition(b"\0")[0].decode("utf-8", "backslashreplace")
    return one_line(text)
