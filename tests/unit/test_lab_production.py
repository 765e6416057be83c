"""A dump's headers as production machines have them; no file is made and nothing is run."""

import struct

import pytest

from tests.lab import LabError
from tests.lab.elf import Layout, Program, as_proc_vmcore, file_offset, programs
from tests.lab.production import vmcoreinfo

HEADER = "<16sHHIQQQIHHHHHH"
PROGRAM = "<IIQQQQQQ"
IDENT = b"\x7fELF\x02\x01\x01" + bytes(9)
SECTIONS = b"s" * 128
NOTE = b"note" * 8
AT = 360
LAYOUT = Layout(text=0xffffffff81000000, text_physical=0x2000, text_size=0x1000,
                page_offset=0xffff888000000000)


def note(offset: int = AT) -> bytes:
    return struct.pack(PROGRAM, 4, 0, offset, 0, 0, len(NOTE), len(NOTE), 0)


def load(offset: int, physical: int, size: int) -> bytes:
    return struct.pack(PROGRAM, 1, 0, offset, 0, physical, size, size, 0)


def qemu_elf(tables: bytes, count: int, *, start: int = 192, ident: bytes = IDENT) -> bytes:
    """As QEMU 7.2 writes it: sections, then programs, and e_ehsize is not the header's size."""
    header = struct.pack(HEADER, ident, 4, 62, 1, 0, start, 64, 0, 8, 56, count, 64, 2, 1)
    return header + SECTIONS + tables


GOOD = qemu_elf(note() + load(400, 0, 0x4000) + load(400 + 0x4000, 0x100000, 0x1000), 3) + NOTE


def test_headers_become_those_of_proc_vmcore() -> None:
    head = as_proc_vmcore(GOOD, LAYOUT)
    fields = struct.unpack_from(HEADER, head)
    assert fields == (IDENT, 4, 62, 1, 0, 64, 0, 0, 64, 56, 4, 0, 0, 0)
    assert len(head) == 64 + 4 * 56 <= AT
    base = LAYOUT.page_offset
    assert programs(head) == [
        Program(4, 0, AT, 0, 0, len(NOTE), len(NOTE), 0),
        Program(1, 7, 400 + 0x2000, LAYOUT.text, 0x2000, 0x1000, 0x1000, 0),
        Program(1, 7, 400, base, 0, 0x4000, 0x4000, 0),
        Program(1, 7, 400 + 0x4000, base + 0x100000, 0x100000, 0x1000, 0x1000, 0)]


def test_physical_addresses_are_found() -> None:
    segments = programs(GOOD)
    assert file_offset(segments, 0x3fff) == 400 + 0x3fff
    assert file_offset(segments, 0x100000) == 400 + 0x4000
    for nowhere in (-1, 0x4000, 0x101000):
        with pytest.raises(LabError, match="physical address"):
            file_offset(segments, nowhere)


@pytest.mark.parametrize("head, reason", [
    (b"", "no 64-bit"),
    (b"KDUMP   " + bytes(100), "no 64-bit"),
    (qemu_elf(note(), 1, ident=b"\x7fELF\x01\x01" + bytes(10)), "no 64-bit"),
    (qemu_elf(note(), 0), "not where they should be"),
    (qemu_elf(note(), 2), "not where they should be"),
    (qemu_elf(note(), 1, start=1 << 60), "not where they should be"),
    (qemu_elf(note() + load(400, 0, 0x1000), 2), "physical address 0x2000"),
    (qemu_elf(note(120) + load(400, 0, 0x4000), 2), "no room"),
])
def test_what_does_not_fit_is_refused(head: bytes, reason: str) -> None:
    with pytest.raises(LabError, match=reason):
        as_proc_vmcore(head, LAYOUT)


def test_vmcoreinfo_is_found_between_other_bytes() -> None:
    head = (b"\x7fELF\0VMCOREINFO\0\0OSRELEASE=6.1.0-56\nSYMBOL(_stext)=ffffffff81000000\n"
            b"NUMBER(phys_base)=-119537664\nKERNELOFFSET=8600000\nLENGTH(a.b)=4\n\0\0")
    info = vmcoreinfo(head)
    assert info["NUMBER(phys_base)"] == "-119537664"
    assert info["KERNELOFFSET"] == "8600000"
    assert info["LENGTH(a.b)"] == "4"


@pytest.mark.parametrize("head", [b"", b"KERNELOFFSET=0\n", b"\nNUMBER(phys_base)=0\n"])
def test_vmcoreinfo_without_what_is_needed_is_refused(head: bytes) -> None:
    with pytest.raises(LabError, match="VMCOREINFO"):
        vmcoreinfo(head)
