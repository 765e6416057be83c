"""modinfo: the modules of the kernel, what they taint, who uses them, how they were set up."""

from __future__ import annotations

import fnmatch
import json
import sys
from collections.abc import Iterator
from optparse import OptionParser, Values
from typing import TYPE_CHECKING, Any

if "crash" not in sys.modules:
    import outside  # noqa: F401

if TYPE_CHECKING:
    from LinuxDump.dlkm import Module
    from LinuxDump.modparts import Section, Symbol

__version__ = "1.0"

_WIDTH = 75
_PAGE = 4096
# What symbols are listed by: the title, and the sections that are meant.
_PARTS = ((".text", (".text",)), (".bss", (".bss",)), (".data", (".data",)),
          (".readonly_data", (".rodata",)))
_NOT_READABLE = "(not readable)"
# What a debug file is to the module, in words.
_VERDICTS = {"fits": "matches", "foreign": "is of another build"}


def _parse() -> tuple[Values, list[str]]:
    parser = OptionParser(prog="modinfo", usage="%prog [options] [PATTERN ...]",
                          version=f"MODINFO version {__version__}",
                          description="List the modules of the kernel, by address: all, or those "
                          "whose names match a pattern (nf_*).",
                          epilog="M is the name of a module, or the address of its struct module. "
                          "docs/modinfo.md describes what --json prints.")
    parser.add_option("-t", dest="tainted", action="store_true",
                      help="only modules that taint the kernel")
    parser.add_option("-g", dest="gaps", action="store_true",
                      help="how much memory each takes, and what is free before it")
    parser.add_option("-a", dest="addresses", action="store_true",
                      help="the range of addresses each is in")
    parser.add_option("-u", dest="unloaded", action="store_true",
                      help="look for unloaded modules in what is free between others")
    parser.add_option("-l", "--long", action="store_true",
                      help="state, users, taints, and whether there is debug information that fits")
    parser.add_option("-p", "--parameters", action="store_true", help="parameters and their values")
    parser.add_option("-s", "--sections", action="store_true", help="where sections were loaded")
    parser.add_option("--details", metavar="M", help="all of one module, with its symbols")
    parser.add_option("--disasm", metavar="M", help="disassemble the functions of one module")
    parser.add_option("--json", action="store_true", help="the same as JSON")
    return parser.parse_args()


# -- which modules --------------------------------------------------------------------------------

def _same(name: str) -> str:
    return name.replace("-", "_")


def _matching(known: list[Module], patterns: list[str]) -> list[Module]:
    wanted = [_same(pattern) for pattern in patterns]
    return [module for module in known if not wanted
            or any(fnmatch.fnmatchcase(_same(module.name), pattern) for pattern in wanted)]


def _named(known: list[Module], text: str) -> Module | None:
    for module in known:
        if _same(module.name) == _same(text) or f"{module.module:x}" == text.removeprefix("0x"):
            return module
    print(f"The module {text} does not exist")
    return None


def _objects() -> dict[str, str]:
    """Of modules whose debug information crash has loaded, the file it is from."""
    import crash

    try:
        lines = crash.exec_crash_command("mod").splitlines()[1:]
    except crash.error:
        return {}
    rows = (line.split() for line in lines)
    return {row[1]: row[4] for row in rows if len(row) > 4 and not row[4].startswith("(")}


# -- the list -------------------------------------------------------------------------------------

def _print_list(shown: list[Module], known: list[Module], options: Values) -> None:
    from LinuxDump.dlkm import allocated, allocations

    areas = allocations() if options.gaps or options.addresses or options.unloaded else {}
    ends = sorted(allocated(module, areas) for module in known)
    files = _objects() if options.long else {}
    gaps = " ALLOC_SIZE    GAPSIZE" if options.gaps else ""
    print(f"{'struct module *':<18} {'MODULE_NAME':<25} {'SIZE':>10}{gaps}")
    previous = 0
    for module in shown:
        start, end = allocated(module, areas)
        before = max((area[1] for area in ends if area[1] <= start), default=0)
        if options.unloaded and before and start - before > _PAGE and before >= previous:
            _print_remains(before, start)
        previous = start
        line = f"0x{module.module:x} {module.name:<25} {module.size:10d}"
        if options.gaps:
            line += f" {end - start:10d} {start - before if before else 0:10d}"
        _print_coloured(line, "LIGHTRED" if options.tainted else "")
        if options.addresses:
            print(f"   addr range : 0x{start:x} - 0x{end:x}")
        if options.long:
            _print_more(module, files)
        if options.parameters:
            _print_parameters(module)
        if options.sections:
            _print_sections(module)


def _print_coloured(line: str, colour: str) -> None:
    """Print a line in a colour of crashcolor, in none if that is empty."""
    from LinuxDump import crashcolor

    if colour:
        crashcolor.set_color(getattr(crashcolor, colour))
    print(line)
    if colour:
        crashcolor.set_color(crashcolor.RESET)


def _print_more(module: Module, files: dict[str, str]) -> None:
    facts = [module.state]
    if module.refcount is not None:
        facts.append(f"refcount {module.refcount}")
    if module.users:
        facts.append("used by " + ",".join(module.users))
    if module.permanent:
        facts.append("permanent")
    if module.letters:
        facts.append(f"taints {_taints(module.letters)}")
    facts += [f"debug information {_debuginfo(module, files)}", _debug_file(module)]
    print(f"   {', '.join(facts)}")


def _debuginfo(module: Module, files: dict[str, str]) -> str:
    file = files.get(module.name)
    if file is None:
        return "not loaded"
    return file if _fits(module, file) else f"{file} (of another build)"


def _fits(module: Module, file: str) -> bool:
    """Whether a file is that of the module, as far as both tell."""
    from _pykdump import module_file

    return module_file(module.name, file)[0] in ("fits", "stripped")


def _debug_file(module: Module) -> str:
    """What was found where debug files of modules lie."""
    path, verdict = _found(module)
    return f"debug file {path} {verdict}" if path else verdict


def _found(module: Module) -> tuple[str | None, str]:
    from _pykdump import module_file

    kind, path, reason = module_file(module.name)
    if path is None or kind == "stripped":
        return None, "no debug file found"
    return path, _VERDICTS.get(kind) or f"is of no use: {reason}"


def _taints(letters: str) -> str:
    from LinuxDump.dlkm import TAINTS

    words = ", ".join(TAINTS[letter] for letter in letters if letter in TAINTS)
    return f"{letters} ({words})"


def _print_parameters(module: Module) -> None:
    from LinuxDump.modparams import parameters

    for parameter in parameters(module.module):
        hidden = "" if parameter.mode else "  (not in sysfs)"
        print(f"   {parameter.name}={parameter.value}{hidden}")


def _print_sections(module: Module) -> None:
    from LinuxDump.modparts import sections

    for section in sections(module.module):
        print(f"   0x{section.address:x} {section.name}")


def _print_remains(start: int, end: int) -> None:
    from LinuxDump.dlkm import find_remains

    for address, name in find_remains(start, end):
        _print_coloured(f"0x{address:x} {name:<25} (unloaded)", "MAGENTA")


def _print_taints(tainted: list[Module]) -> None:
    from LinuxDump.dlkm import TAINTS, last_unloaded, unloaded_tainted_modules

    if tainted:
        print("=" * _WIDTH)
        print(f"There are {len(tainted)} tainted modules")
        for module in tainted:
            print(f"    {module.name} {_taints(module.letters)}")
    gone = unloaded_tainted_modules()
    if gone:
        print("Unloaded modules that had tainted the kernel:")
        for unloaded in gone:
            words = ", ".join(TAINTS.get(letter, letter) for letter in unloaded.letters)
            print(f"    {unloaded.name} {unloaded.letters} ({words}), {unloaded.times} times")
    last = last_unloaded()
    if last:
        letters = f" ({last.letters})" if last.letters else ""
        _print_coloured(f"\tLast unloaded module : {last.name}{letters}", "BLUE")


# -- one module -----------------------------------------------------------------------------------

def _part(address: int, where: list[Section]) -> str:
    """The section that an address is in."""
    name = ""
    for section in where:
        if section.address > address:
            break
        name = section.name
    return name


def _print_details(module: Module) -> None:
    from LinuxDump.modparts import build_id, sections, symbols

    struct = module.module
    where = sections(struct)
    found = symbols(struct)
    facts = [("struct module", f"0x{struct:x}"), ("name", module.name),
             ("version", module.version), ("source ver", module.srcversion),
             ("init", _init(module, found)),
             ("exit", _function(_pointer(struct, "exit"), found)),
             ("state", module.state), ("size", f"{module.size}"),
             ("address", f"0x{module.start:x} - 0x{module.end:x}"),
             ("refcount", "" if module.refcount is None else f"{module.refcount}"),
             ("used by", ",".join(module.users)),
             ("taints", _taints(module.letters) if module.letters else ""),
             ("build ID", build_id(struct, where)),
             ("debug info", _debuginfo(module, _objects())),
             ("debug file", " ".join(filter(None, _found(module))))]
    for title, value in facts:
        print(f"{title:<15} : {value}".rstrip())
    print("parameters")
    _print_parameters(module)
    print("sections")
    _print_sections(module)
    for title, names in _PARTS:
        print(f"{title} section")
        for symbol in reversed(found):
            if _part(symbol.address, where).startswith(names):
                print(f"   0x{symbol.address:x} ({symbol.kind}) {symbol.name}")


def _pointer(struct: Any, member: str) -> int:
    import crash

    try:
        return int(getattr(struct, member))
    except (crash.error, KeyError):
        return 0


def _init(module: Module, known: list[Symbol]) -> str:
    """The code of a live module's initialisation is gone, and others may be in its place."""
    address = _pointer(module.module, "init")
    if not address or module.state != "Live":
        return _function(address, known)
    return f"0x{address:x} (freed)"


def _function(address: int, known: list[Symbol]) -> str:
    names = [symbol.name for symbol in known if symbol.address == address]
    return f"0x{address:x} {' '.join(names)}".rstrip() if address else ""


def _disassemble(module: Module) -> None:
    from LinuxDump.modparts import symbols

    functions = {symbol.address: symbol for symbol in symbols(module.module)
                 if symbol.kind in "tTwW" and symbol.size
                 and module.start <= symbol.address < module.end}
    if not functions:
        print(f"The kernel keeps no functions of {module.name}")
    for start, symbol in functions.items():
        print(f"---------- BEGIN disassemble {symbol.name}() ----------")
        for line in _instructions(start, min(start + symbol.size, module.end)):
            print(line)
        print(f"========== END   disassemble {symbol.name}() ==========")


def _instructions(start: int, end: int) -> Iterator[str]:
    import crash
    from pykdump.API import exec_gdb_command

    try:
        text = exec_gdb_command(f"disassemble 0x{start:x},0x{end:x}")
    except crash.error as err:
        text = f"{err}"
    lines = (text or "").splitlines()
    body = [line for line in lines if line.startswith(("   0x", "=> 0x"))]
    yield from body
    if not body:
        yield f"   0x{start:x}: {_NOT_READABLE}"


# -- JSON -----------------------------------------------------------------------------------------

def _json(shown: list[Module]) -> dict[str, Any]:
    from LinuxDump.dlkm import kernel_taints, last_unloaded, unloaded_tainted_modules

    files = _objects()
    last = last_unloaded()
    return {"modules": [_as_json(module, files) for module in shown],
            "kernel_taints": kernel_taints(),
            "last_unloaded": last._asdict() if last else None,
            "unloaded_tainted": [gone._asdict() for gone in unloaded_tainted_modules()]}


def _as_json(module: Module, files: dict[str, str]) -> dict[str, Any]:
    from LinuxDump.modparts import build_id, sections
    from LinuxDump.modparams import parameters

    where = sections(module.module)
    file = files.get(module.name)
    path, verdict = _found(module)
    return {"module": f"0x{module.module:x}", "name": module.name, "state": module.state,
            "size": module.size, "start": f"0x{module.start:x}", "end": f"0x{module.end:x}",
            "refcount": module.refcount, "users": list(module.users),
            "permanent": module.permanent, "taints": module.letters, "version": module.version,
            "srcversion": module.srcversion, "build_id": build_id(module.module, where),
            "debuginfo": file, "debuginfo_fits": _fits(module, file) if file else None,
            "debug_file": path, "debug_file_verdict": verdict,
            "parameters": {parameter.name: parameter.value
                           for parameter in parameters(module.module)},
            "sections": {section.name: f"0x{section.address:x}" for section in where}}


def main() -> None:
    options, patterns = _parse()
    from LinuxDump.dlkm import modules

    known = sorted(modules(), key=lambda module: int(module.module))
    one = options.disasm or options.details
    if one:
        chosen = _named(known, one)
        if chosen is not None:
            (_disassemble if options.disasm else _print_details)(chosen)
        return
    shown = _matching(known, patterns)
    tainted = [module for module in shown if module.tainting]
    if options.tainted:
        shown = tainted
    if options.json:
        json.dump(_json(shown), sys.stdout, indent=1)
        print()
        return
    if patterns and not shown:
        print(f"No module is named like {' '.join(patterns)}")
        return
    _print_list(shown, known, options)
    _print_taints(tainted)


if __name__ == "__main__":
    main()
