"""Owns the names of the bits in thread_info.flags, which no debug information has."""

from __future__ import annotations

import _pykdump
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import member_offset

# x86-64, of 5.10 to 6.12
_X86 = {1: "NOTIFY_RESUME", 2: "SIGPENDING", 3: "NEED_RESCHED", 4: "SINGLESTEP", 5: "SSBD",
        9: "SPEC_IB", 10: "SPEC_L1D_FLUSH", 11: "USER_RETURN_NOTIFY", 12: "UPROBE",
        13: "PATCH_PENDING", 14: "NEED_FPU_LOAD", 15: "NOCPUID", 16: "NOTSC",
        17: "NOTIFY_SIGNAL", 20: "MEMDIE", 21: "POLLING_NRFLAG", 22: "IO_BITMAP",
        23: "SPEC_FORCE_UPDATE", 24: "FORCED_TF", 25: "BLOCKSTEP", 27: "LAZY_MMU_UPDATES",
        29: "ADDR32"}
# Until 5.11 moved what concerns system calls into thread_info.syscall_work.
_X86_SYSCALLS = {0: "SYSCALL_TRACE", 6: "SYSCALL_EMU", 7: "SYSCALL_AUDIT", 8: "SECCOMP",
                 10: "SPEC_FORCE_UPDATE", 17: "IA32", 18: "SLD", 28: "SYSCALL_TRACEPOINT",
                 30: "X32"}


def flag_names() -> dict[int, str]:
    """Bit number -> name for this kernel; empty where they are not known."""
    if str(_pykdump.dump_info()["machine"]).lower() != "x86_64":
        return {}
    if member_offset("struct thread_info", "syscall_work") >= 0:
        return _X86
    return _X86 | _X86_SYSCALLS


def decode_tflags(flags: int, offset: int = 0) -> str:
    """A line for each bit that is set."""
    names = flag_names()
    bits = (bit for bit in range(flags.bit_length()) if flags >> bit & 1)
    return "\n".join(" " * offset + f"bit {bit} " + (f"TIF_{names[bit]}" if bit in names
                                                     else "None") for bit in bits)
