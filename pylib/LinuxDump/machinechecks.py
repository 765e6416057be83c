"""Owns what the machine-check handler has seen on each CPU.

Must not know what the banks of a processor mean, nor whether the kernel died of it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.panicfunctions import bare
from LinuxDump.percpu import get_cpu_var
from LinuxDump.stacks import Stack
from pykdump.API import PAGESIZE, crash, readmem, readSU, struct_size, symbol_exists

_WORD = 8
_MAX_BANKS = 64
_IN_PROGRESS = 4            # of mcgstatus
_VALID = 1 << 63            # and these of a bank's status, which is first in struct mce
_UNCORRECTED = 1 << 61
_CORRUPT = 1 << 57          # the processor's context: nothing goes on from there


class MachineCheck(NamedTuple):
    """One record: `bank`, `status`, `misc` and `mcgstatus` as the registers had them.

    at       address of the struct mce
    address  that the bank told, 0 for none
    """

    cpu: int
    bank: int
    status: int
    mcgstatus: int
    address: int
    misc: int
    at: int

    @property
    def words(self) -> str:
        """What the status says on every processor."""
        said = ["uncorrected" if self.status & _UNCORRECTED else "corrected"]
        return ", ".join(said + ["context corrupt"] * bool(self.status & _CORRUPT))


def machine_checks() -> list[MachineCheck]:
    """What each CPU saw last in its handler, those that have seen something."""
    found = []
    for cpu, record in _records():
        try:
            if record.status & _VALID:
                found.append(_made(cpu, record))
        except crash.error:
            continue
    return found


def machine_check_on(stack: Stack) -> MachineCheck | None:
    """What the handler has on its stack: of an error of one CPU alone that is the only place.

    None if there is none, or nothing that looks like one.
    """
    frames = stack.frames
    at = next((number for number, frame in enumerate(frames)
               if bare(frame.function) == "do_machine_check"), None)
    if at is None or at == 0 or at + 1 == len(frames):
        return None
    start, end = frames[at - 1].at, frames[at + 1].at
    if not 0 < end - start < PAGESIZE:
        return None
    try:
        memory = readmem(start, end - start)
        for place in range(0, len(memory) - struct_size("struct mce"), _WORD):
            if int.from_bytes(memory[place:place + _WORD], "little") & _VALID:
                record = readSU("struct mce", start + place)
                if record.extcpu == stack.cpu and record.bank < _MAX_BANKS \
                        and record.mcgstatus & _IN_PROGRESS:
                    return _made(record.extcpu, record)
    except crash.error:
        return None
    return None


def _made(cpu: int, record: Any) -> MachineCheck:
    return MachineCheck(cpu, record.bank, record.status, record.mcgstatus, record.addr,
                        record.misc, int(record))


def _records() -> list[tuple[int, Any]]:
    """6.13: 750fd23926f1 ("x86/mce: Add wrapper for struct mce to export vendor specific info")."""
    if symbol_exists("hw_errs_seen"):
        return [(cpu, readSU("struct mce_hw_err", at).m)
                for cpu, at in enumerate(get_cpu_var("hw_errs_seen"))]
    if symbol_exists("mces_seen"):
        return [(cpu, readSU("struct mce", at)) for cpu, at in enumerate(get_cpu_var("mces_seen"))]
    return []           # a kernel that does not handle them
