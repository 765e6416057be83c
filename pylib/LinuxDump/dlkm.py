"""Owns the modules that were loaded in the kernel: where they are, who uses them, what they taint.

    for module in modules():
        print(module.name, module.size, module.refcount, module.letters)

Nothing here needs debug information of a module.  Damage is reported in the log, and what was found
is delivered.  Must not know how modules are printed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (PAGESIZE, columns, crash, enumerator_value, pylog, readmem, readSU,
                         readSymbol, readU32, readU64, struct_exists, sym2addr, symbol_exists,
                         walk_list)
from pykdump.plaintext import one_line

_MAX_MODULES, _MAX_USERS, _MAX_LISTS, _MAX_TAINTS = 10_000, 10_000, 4096, 64
_NO_NAME = "<not readable>"
# Of kernels without a table of their own, before 4.10; by the number of the bit.
_LETTERS = "PFSRMBUDAWCIOELKXTNJ"
# What a module can do to its kernel, in words.
TAINTS = {"P": "proprietary", "F": "forced to load", "R": "forced to unload", "C": "staging",
          "O": "out of tree", "E": "unsigned", "K": "live patch", "X": "distribution's own",
          "T": "randomised structs", "N": "in-kernel test", "S": "on CPUs out of specification",
          "M": "machine check", "B": "bad page", "U": "on request of user space", "D": "died",
          "A": "ACPI table replaced", "W": "warning", "I": "firmware bug", "L": "soft lockup",
          "J": "fwctl"}
_STATES = {"MODULE_STATE_LIVE": "Live", "MODULE_STATE_COMING": "Loading",
           "MODULE_STATE_GOING": "Unloading", "MODULE_STATE_UNFORMED": "Unformed"}
_KERNEL = 0xdead000000000000     # what poisoned pointers begin with; the kernel is behind
_ALIGNED, _NAME_BYTES, _MAX_GAP = 64, 56, 64 << 20
_NAME = re.compile(rb"([a-zA-Z][\w-]{1,54})\0")


class Module(NamedTuple):
    """A loaded module."""

    module: Any             # struct module
    name: str
    state: str              # "Live", "Loading", "Unloading", "Unformed"
    base: int               # where its code is
    size: int               # bytes of the core, of which all is memory that stays
    start: int              # the lowest address of it
    end: int                # the first address behind it, without the guard page
    refcount: int | None    # None: this kernel does not unload modules
    users: tuple[str, ...]  # modules that need it
    permanent: bool         # cannot be unloaded
    letters: str            # of its taints: "POE"; "" for none
    version: str
    srcversion: str

    @property
    def tainting(self) -> bool:
        """Whether it taints the kernel."""
        return bool(self.letters)


class Unloaded(NamedTuple):
    """A module that is not there any more."""

    name: str
    letters: str            # of its taints
    times: int | None       # how often it was unloaded; None: not known


def lsmod() -> dict[str, int]:
    """Names of the modules, and where the struct module of each is.

    They come as in /proc/modules, the one that was loaded last first.
    """
    return {text_of(module, "name"): int(module) for module in _structs()}


def modules() -> list[Module]:
    """All modules, the one that was loaded last first; those that cannot be read are reported."""
    found = []
    for module in _structs():
        try:
            found.append(module_of(module))
        except crash.error as err:
            pylog.error(f"module at 0x{module:x} cannot be read: {err}")
    return found


def module_of(module: Any) -> Module:
    """What a struct module says; crash.error if it cannot be read."""
    base, size, start, end = layout(module)
    state = str(module.state)
    return Module(
        module, text_of(module, "name"), _STATES.get(state, state), base, size, start, end,
        refcount(module), users(module), _is_permanent(module), letters(module.taints),
        text_of(module, "version"), text_of(module, "srcversion"))


def _structs() -> list[Any]:
    head = sym2addr("modules")
    if not head:
        return []           # a kernel without modules
    found, report = walk_list(head, "struct module", "list", limit=_MAX_MODULES)
    if not report.whole:
        pylog.error(f"list of modules, after {len(found)}: {report}")
    return list(found)


def layout(module: Any) -> tuple[int, int, int, int]:
    """(address of the code, bytes, first address, end) of what stays of a struct module."""
    if module.hasField("core_layout"):
        core = module.core_layout
        return int(core.base), core.size, int(core.base), int(core.base) + core.size
    # 6.4: ac3b43283923 ("module: replace module_layout with module_memory")
    parts = [(int(part.base), part.size) for number, part in enumerate(module.mem)
             if number not in _init_parts() and part.size]
    if not parts:
        return int(module), 0, int(module), int(module)
    return (int(module.mem[0].base), sum(size for _base, size in parts),
            min(base for base, _size in parts), max(base + size for base, size in parts))


def _init_parts() -> tuple[int | None, ...]:
    return tuple(map(enumerator_value, ("MOD_INIT_TEXT", "MOD_INIT_DATA", "MOD_INIT_RODATA")))


def refcount(module: Any) -> int | None:
    """How many use a struct module; None on kernels that do not unload modules."""
    try:
        count: int = module.refcnt.counter
    except KeyError:
        return None
    return count - 1        # MODULE_REF_BASE, that of the kernel itself


def users(module: Any) -> tuple[str, ...]:
    """The names of modules that need a struct module, as /proc/modules lists them."""
    if not module.hasField("source_list"):
        return ()
    found, report = walk_list(module.source_list, "struct module_use", "source_list",
                              limit=_MAX_USERS)
    if not report.whole:
        pylog.error(f"users of {text_of(module, 'name')}: {report}")
    return tuple(text_of(use, "source.name") for use in found)


def _is_permanent(module: Any) -> bool:
    return module.hasField("exit") and bool(module.init) and not module.exit


def text_of(struct: Any, chain: str) -> str:
    """Text that a chain of members leads to, as people may see it; of damage, that it is."""
    try:
        return as_text(struct.Eval(chain))
    except crash.error:
        return _NO_NAME


def as_text(value: Any) -> str:
    """Text out of memory on one line, without what a terminal obeys."""
    return one_line(value or "")


# -- taints ---------------------------------------------------------------------------------------

def letters(mask: int) -> str:
    """The letters of a mask of taints, of a module's or of the kernel's: "POE"."""
    table = _letters()
    return "".join(table[bit] if bit < len(table) else f"({bit})"
                   for bit in range(_MAX_TAINTS) if mask >> bit & 1)


def _letters() -> str:
    """The kernel's own table.

    4.10: 7fd8329ba502 ("taint/module: Clean up global and module taint flags handling")
    """
    if not symbol_exists("taint_flags"):
        return _LETTERS
    try:
        return "".join(chr(flag.c_true & 0x7f) for flag in readSymbol("taint_flags"))
    except crash.error:
        return _LETTERS


def kernel_taints() -> str:
    """The letters of what has tainted the kernel; "" for nothing.  crash.error, TypeError."""
    return letters(readU64(sym2addr("tainted_mask")))


def tainting_modules() -> list[Module]:
    """The loaded modules that taint the kernel."""
    return [module for module in modules() if module.tainting]


def last_unloaded() -> Unloaded | None:
    """The module that was unloaded last; None if none was, or the kernel does not tell."""
    address = sym2addr("last_unloaded_module")
    if not address:
        return None
    record = readSymbol("last_unloaded_module")
    try:
        # 6.0: 6f1dae1d84b6 ("module: Show the last unloaded module's taint flag(s)")
        name, taints = as_text(record.name), as_text(record.taints).strip("()+-")
    except (AttributeError, KeyError):
        name, taints = as_text(record), ""
    except crash.error:
        return None
    return Unloaded(name, taints, None) if name else None


def unloaded_tainted_modules() -> list[Unloaded]:
    """Modules that tainted the kernel and were unloaded; [] on kernels that keep no list.

    5.19: 99bd9956551b ("module: Introduce module unload taint tracking"), an option of the kernel.
    """
    head = sym2addr("unloaded_tainted_modules")
    if not head or not struct_exists("struct mod_unload_taint"):
        return []
    found, report = walk_list(head, "struct mod_unload_taint", "list", limit=_MAX_MODULES)
    if not report.whole:
        pylog.error(f"list of unloaded tainted modules, after {len(found)}: {report}")
    unloaded = []
    for record in found:
        try:
            unloaded.append(Unloaded(text_of(record, "name"),
                                     letters(record.taints), int(record.count)))
        except crash.error as err:
            pylog.error(f"{record}: {err}")
    return unloaded


# -- memory between modules -----------------------------------------------------------------------

def allocations() -> dict[int, int]:
    """Of each area of vmalloc()ed memory its start and end, which is behind the guard page.

    Until 6.8 there was one list of all, since then there are several.
    """
    found: dict[int, int] = {}
    for head in _area_lists():
        areas, report = walk_list(head, "struct vmap_area", "list", as_column=True)
        if not report.whole:
            pylog.error(f"areas of vmalloc: {report}")
        for start, end in columns(areas, "struct vmap_area", ["va_start", "va_end"]).rows():
            if start is not None and end is not None:
                found[start] = end
    return found


def _area_lists() -> Iterator[int]:
    if symbol_exists("vmap_area_list"):
        yield sym2addr("vmap_area_list")
    elif symbol_exists("vmap_nodes"):
        count = min(readU32(sym2addr("nr_vmap_nodes")), _MAX_LISTS)
        first = readSymbol("vmap_nodes")
        for number in range(count):
            yield int(first[number].busy.head)


def allocated(module: Module, areas: dict[int, int]) -> tuple[int, int]:
    """(start, end) of the area a module is in, with its guard page."""
    if module.start in areas:
        return module.start, max(areas[module.start], module.end)
    return module.start, -(-module.end // PAGESIZE) * PAGESIZE + PAGESIZE


def find_remains(start: int, end: int) -> list[tuple[int, str]]:
    """(address, name) of what looks like a struct module that is not used any more.

    Between two addresses; memory that was given back is not there any more, and not read.
    """
    nowhere = readSU("struct module", 0)
    where = {name: nowhere.fieldOffset(name) for name in ("state", "list", "name")}
    found = []
    for page in range(start & -PAGESIZE, min(end, start + _MAX_GAP), PAGESIZE):
        try:
            data = readmem(page, PAGESIZE)
        except crash.error:
            continue
        for at in range(0, PAGESIZE - where["name"] - _NAME_BYTES, _ALIGNED):
            name = _remains(data[at:], where)
            if name:
                found.append((page + at, name))
    return found


def _remains(data: bytes, where: dict[str, int]) -> str:
    """The name, if it is plausible: a state, a list that leads into the kernel, text."""
    name = _NAME.match(data, where["name"])
    following, before = struct.unpack_from("<QQ", data, where["list"])
    if name is None or min(following, before) < _KERNEL or data[where["state"]] > 3:
        return ""
    return name[1].decode()
