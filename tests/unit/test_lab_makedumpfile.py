"""The beginning of an ELF dump, as makedumpfile wants it; makedumpfile itself is not run."""

import struct

import pytest

from tests.lab import LabError
from tests.lab.makedumpfile import programs_first

HEADER = "<16sHHIQQQIHHHHHH"
PROGRAM = "<IIQQQQQQ"
IDENT = b"\x7fELF\x02\x01\x01" + bytes(9)
SECTIONS = b"s" * 128
NOTE = b"note" * 8


def program(kind: int, offset: int) -> bytes:
    return struct.pack(PROGRAM, kind, 4, offset, 0, 0, 32, 32, 0)


def elf(programs: bytes, count: int, *, start: int = 192, ident: bytes = IDENT) -> bytes:
    """As QEMU 7.2 writes it: sections, then programs, and e_ehsize is not the header's size."""
    header = struct.pack(HEADER, ident, 4, 62, 1, 0, start, 64, 0, 8, 56, count, 64, 2, 1)
    return header + SECTIONS + programs


def test_tables_move_and_contents_stay() -> None:
    programs = program(4, 304) + program(1, 336)
    head = elf(programs, 2) + NOTE
    fixed = programs_first(head)
    assert len(fixed) == len(head)
    fields = struct.unpack_from(HEADER, fixed)
    assert fields[:5] == (IDENT, 4, 62, 1, 0)
    assert fields[5:] == (64, 0, 0, 64, 56, 2, 0, 0, 0)
    assert fixed[64:64 + len(programs)] == programs
    assert not fixed[64 + len(programs):304].strip(b"\0")
    assert fixed[304:] == NOTE


def test_good_order_stays() -> None:
    programs = program(1, 120)
    head = struct.pack(HEADER, IDENT, 4, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0) + programs + NOTE
    assert programs_first(head) == head


@pytest.mark.parametrize("head, reason", [
    (b"", "no 64-bit"),
    (b"KDUMP   " + bytes(100), "no 64-bit"),
    (elf(program(1, 400), 1, ident=b"\x7fELF\x01\x01" + bytes(10)), "no 64-bit"),
    (elf(program(1, 400), 0), "not where they should be"),
    (elf(program(1, 400), 2), "not where they should be"),
    (elf(program(1, 400), 1, start=1 << 60), "not where they should be"),
    (elf(program(1, 100), 1), "no room"),
])
def test_what_does_not_fit_is_refused(head: bytes, reason: str) -> None:
    with pytest.raises(LabError, match=reason):
        programs_first(head)
