"""ELF headers of dumps: those that QEMU writes become those that /proc/vmcore has.

QEMU puts section headers where makedumpfile looks for program headers, and tells physical
addresses only, with which drgn cannot begin. Nothing here touches a file.
"""

import struct
from dataclasses import dataclass, replace

from tests.lab import LabError

PT_LOAD = 1

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_RWX = 7


@dataclass(frozen=True)
class Program:
    """A program header."""

    kind: int
    flags: int
    offset: int
    virtual: int
    physical: int
    size: int
    memory_size: int
    alignment: int


@dataclass(frozen=True)
class Layout:
    """Where a kernel keeps itself and all memory: what its page tables would tell."""

    text: int               # virtual address of the kernel image
    text_physical: int
    text_size: int
    page_offset: int        # virtual address of physical address 0


def programs(head: bytes) -> list[Program]:
    """The program headers of a core file that begins with `head`. Raises LabError."""
    if len(head) < _HEADER.size or head[:6] != b"\x7fELF\x02\x01":
        raise LabError("the dump is no 64-bit little-endian ELF file")
    fields = _HEADER.unpack_from(head)
    start, size, count = fields[5], fields[9], fields[10]
    if size != _PROGRAM.size or not count or start + size * count > len(head):
        raise LabError("the dump's program headers are not where they should be")
    return [Program(*_PROGRAM.unpack_from(head, start + size * index)) for index in range(count)]


def file_offset(segments: list[Program], physical: int) -> int:
    """Where the file has the byte of a physical address. Raises LabError when nowhere."""
    for segment in segments:
        if segment.kind == PT_LOAD and 0 <= physical - segment.physical < segment.size:
            return segment.offset + physical - segment.physical
    raise LabError(f"the dump does not have physical address {physical:#x}")


def as_proc_vmcore(head: bytes, layout: Layout) -> bytes:
    """The headers as /proc/vmcore has them, in place of the bytes that `head` begins with.

    That is: no sections, program headers right behind the ELF header, one more for the kernel
    image, and virtual addresses for all. No content moves. Raises LabError.
    """
    old = programs(head)
    image = Program(PT_LOAD, _RWX, file_offset(old, layout.text_physical), layout.text,
                    layout.text_physical, layout.text_size, layout.text_size, 0)
    notes = [segment for segment in old if segment.kind != PT_LOAD]
    memory = [replace(segment, flags=_RWX, virtual=layout.page_offset + segment.physical)
              for segment in old if segment.kind == PT_LOAD]
    new = [*notes, image, *memory]
    ident, kind, machine, version, entry = _HEADER.unpack_from(head)[:5]
    header = _HEADER.pack(ident, kind, machine, version, entry, _HEADER.size, 0, 0,
                          _HEADER.size, _PROGRAM.size, len(new), 0, 0, 0)
    result = header + b"".join(_PROGRAM.pack(*vars(segment).values()) for segment in new)
    if len(result) > min(segment.offset for segment in old):
        raise LabError("the dump has no room for another program header")
    return result
