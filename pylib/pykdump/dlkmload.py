"""Owns the loading of debug information of kernel modules into crash.

What was known of types and variables before is forgotten, since a module brings more of both.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import _pykdump
import crash

from . import memocaches
from .loggers import Log
from .registry import registerModuleAttr
from .sysinfo import sys_info

_log = Log(__name__)
debugDLKM: int
"""Switch: report loading of module debug information, the commands of crash too if 2."""
registerModuleAttr("debugDLKM", default=0,
                   help="report loading of module debug information")

_SUFFIXES = (".ko.debug", ".ko", ".ko.xz", ".ko.gz", ".ko.zst")


def lsModules() -> list[str]:
    """Names of the modules that were loaded in the kernel."""
    lines = _mod("mod").splitlines()[1:]
    return [words[1] for words in map(str.split, lines) if len(words) > 1]


def loaded_files() -> dict[str, str]:
    """The modules whose debug information is loaded into crash, and the files that have it."""
    lines = _mod("mod").splitlines()[1:]
    rows = [line.split(None, 4) for line in lines if "(not loaded)" not in line]
    return {row[1]: row[4].strip() for row in rows if len(row) > 4}


def loadModule(name: str, ofile: str | None = None, altname: str | None = None) -> bool:
    """Load the debug information of a module, from `ofile` or from where it is found.

    `altname` is the module's file name where it differs.  False if there is none; nothing else
    changes then.  A file of another module or build is refused in one line.  Types of a module
    whose debug file lies in the usual place are found without this; crash's own commands need it.
    """
    names = {known.replace("-", "_"): known for known in lsModules()}
    module = names.get(name.replace("-", "_"))
    if module is None:
        _report(f"{name} is not a module of this kernel")
        return False
    if ofile is not None and not os.path.isfile(ofile):
        _report(f"{module}: there is no file {ofile}")
        return False
    path, refused = _choose(module, [os.path.abspath(ofile)] if ofile
                            else _candidates(module, altname))
    if path is not None and "mod:" not in _mod(f"mod -s {module} {path}".rstrip()):
        kind, _file, refused = _pykdump.module_file(module)
        if kind != "foreign":
            memocaches.purge_typeinfo()
            _report(f"{module}: loaded{' from ' + path if path else ''}")
            return True
        _mod(f"mod -d {module}")
    if path is None or refused:
        print(f"loadModule: {refused}")
    _report(f"{module}: no debug information found")
    return False


def _choose(module: str, candidates: Iterable[str]) -> tuple[str | None, str]:
    """The best file, "" to let crash search, or None and why none of them will do."""
    stripped, reasons = "", []
    for path in candidates:
        kind, _file, reason = _pykdump.module_file(module, path)
        if kind == "fits":
            return path, ""
        if kind == "stripped":
            stripped = stripped or path
        else:
            reasons.append((kind, reason))
    if stripped or not reasons:
        return stripped, ""
    return None, min(reasons)[1]        # the file of another build comes first


def delModule(name: str) -> None:
    """Forget the debug information of a module."""
    _mod(f"mod -d {name}")
    memocaches.purge_typeinfo()
    _report(f"{name}: unloaded")


def possibleModuleNames(name: str) -> list[str]:
    """A module's name, and its file's where the two differ by dashes and underscores."""
    return list(dict.fromkeys([name, name.replace("_", "-"), name.replace("-", "_")]))


def _candidates(module: str, altname: str | None) -> Iterator[str]:
    """Files in the current directory, where debug files are, and near the namelist."""
    stems = [altname] if altname else possibleModuleNames(module)
    names = [stem + suffix for stem in stems for suffix in _SUFFIXES]
    yield from (os.path.abspath(name) for name in names if os.path.isfile(name))
    found = _pykdump.module_file(module)[1]
    if found is not None and altname is None:
        yield found
    for top in dict.fromkeys((sys_info.debuginfo, sys_info.DebugDir)):
        for folder, _folders, files in os.walk(top):
            yield from (os.path.join(folder, name) for name in names if name in files)


def _mod(command: str) -> str:
    try:
        text = crash.exec_crash_command(command)
    except crash.error as err:
        text = f"mod: {err}"
    _log.debug("%s", command)
    if debugDLKM > 1:
        print(f"dlkm: {command}\n{text}", end="")
    return text


def _report(text: str) -> None:
    _log.info("%s", text)
    if debugDLKM:
        print(f"dlkm: {text}")
