"""Owns what a loaded module is made of: sections, symbols and build ID, out of the kernel itself.

Must not know files of modules, nor any module.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

from LinuxDump.dlkm import as_text, text_of
from pykdump.API import (PAGESIZE, columns, crash, pylog, readmem, readSU, readU32, readU64,
                         struct_size)

_MAX_SECTIONS, _MAX_SYMBOLS, _MAX_STRINGS, _MAX_NAME = 4096, 1 << 20, 1 << 26, 512
_MASK = (1 << 64) - 1
_BUILD_ID = 3           # type of that ELF note
_NOTE = 16              # bytes of its header, with the name "GNU"
_MAX_BUILD_ID = 64


class Section(NamedTuple):
    """A section of a module, where it was loaded; that of .init... is gone when it is live."""

    name: str
    address: int


class Symbol(NamedTuple):
    """A symbol of a module."""

    address: int
    size: int           # bytes
    kind: str           # as nm shows it: "t", "T", "d", "b", "r" ...
    name: str


def sections(module: Any) -> list[Section]:
    """The sections of a struct module, by address; [] if the kernel does not keep them."""
    try:
        return sorted(_sections(module.sect_attrs), key=lambda section: section.address)
    except KeyError:
        return []           # a kernel without CONFIG_KALLSYMS
    except crash.error as err:
        pylog.error(f"sections of {text_of(module, 'name')}: {err}")
        return []


def _sections(attrs: Any) -> Iterator[Section]:
    if not attrs:
        return
    if attrs.hasField("nsections"):
        for index in range(min(attrs.nsections, _MAX_SECTIONS)):
            attr = attrs.attrs[index]
            yield Section(text_of(attr, "battr.attr.name"), attr.address)
        return
    # 6.14: d8959b947a8d and 34f5ec0f8252 ("module: sysfs: Drop 'struct module_sect_attr'"): the
    # attributes alone, up to a NULL, and addresses as their private data.
    table = int(attrs.grp.bin_attrs)
    for index in range(_MAX_SECTIONS):
        address = readU64(table + index * 8)
        if not address:
            return
        attr = readSU("struct bin_attribute", address)
        yield Section(text_of(attr, "attr.name"), int(attr.private))


def build_id(module: Any, known: list[Section] | None = None) -> str:
    """The build ID of a struct module, in hexadecimal, from its note; "" if there is none."""
    for section in known if known is not None else sections(module):
        if section.name == ".note.gnu.build-id":
            try:
                length, kind = readU32(section.address + 4), readU32(section.address + 8)
                if kind == _BUILD_ID and 0 < length <= _MAX_BUILD_ID:
                    return readmem(section.address + _NOTE, length).hex()
            except crash.error:
                return ""
    return ""


def symbols(module: Any) -> list[Symbol]:
    """The symbols of a struct module by address, from its own table.

    [] on kernels that do not keep them, or as they did before 5.2, and what is damaged is left
    out.  5.2: 1c7651f43777 ("kallsyms: store type information in its own array")
    """
    try:
        table = module.kallsyms
        if not table or not table.hasField("typetab"):
            return []
        return sorted(_symbols(table))
    except KeyError:
        return []           # a kernel without CONFIG_KALLSYMS
    except crash.error as err:
        pylog.error(f"symbols of {text_of(module, 'name')}: {err}")
        return []


def _symbols(table: Any) -> Iterator[Symbol]:
    count, step = min(table.num_symtab, _MAX_SYMBOLS), struct_size("Elf64_Sym")
    kinds = readmem(_pointer(table, "typetab"), count) if count else b""
    where = array("Q", (_pointer(table, "symtab") + index * step & _MASK for index in range(count)))
    rows = list(columns(where, "Elf64_Sym", ["st_name", "st_value", "st_size"]).rows())
    names = _names(_pointer(table, "strtab"), [row[0] for row in rows if row[0] is not None])
    for kind, (name, value, size) in zip(kinds, rows):
        if name in names and value:
            yield Symbol(value, size, chr(kind) if 32 < kind < 127 else "?", names[name])


def _names(address: int, offsets: list[int]) -> dict[int, str]:
    """The texts at offsets in a table of strings; those that cannot be read are left out."""
    last = max((offset for offset in offsets if offset < _MAX_STRINGS), default=0)
    length = last + 1 + -(address + last + 1) % PAGESIZE
    data = readmem(address, length)
    try:
        data += readmem(address + length, _MAX_NAME)
    except crash.error:
        pass                # the table ends with its page
    return {offset: as_text(data[offset:offset + _MAX_NAME].partition(b"\0")[0].decode(
        "ascii", "backslashreplace")) for offset in offsets if offset <= last}


def _pointer(struct: Any, member: str) -> int:
    return readU64(int(struct) + struct.fieldOffset(member))
