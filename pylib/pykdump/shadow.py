"""Owns the guard that keeps other people's files from standing in for known modules.

A dump directory may hold a `re.py`; with '.' first on sys.path it would replace the standard
library's.  Its finders also see what else an import of a person's needs: `legacy`.
Must not know how programs are found or run.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

from . import deepbind, forks, monkey, path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .programs import Program

_FRAMEWORK = frozenset(("pykdump", "crash", "_pykdump"))
# Replaceable through PYKDUMPPATH or from beside the program, not by what lies in a dump directory.
_KERNEL_KNOWLEDGE = "LinuxDump"


class GuardedFinder(PathFinder):
    """Python's own path finder, which looks for protected names in protected places only."""

    @classmethod
    def find_spec(cls, fullname: str, path: Sequence[str] | None = None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        """As of the standard finder, on the path that a module may come from."""
        if path is None:
            monkey.importing(fullname)
            path = _search_path(fullname)
        return forks.forking(deepbind.bound(super().find_spec(fullname, path, target)))


def complete(module: ModuleType, file: str) -> None:
    """Give a module the names of older Pythons that its text uses."""
    from .legacy import source
    try:
        with open(file, "rb") as stream:
            text = stream.read()
    except OSError:
        return              # reported where the text is compiled
    for name, value in source.prepare(text, file).items():
        vars(module).setdefault(name, value)


def _create_module(loader: SourceFileLoader, spec: ModuleSpec) -> ModuleType | None:
    """Makes a module of a person's with what its text needs, whoever asked for the file.

    When it is made, not when it is executed: tracebacks stay as they are known.
    """
    if spec.name.partition(".")[0] in _FRAMEWORK or path.is_protected(loader.path):
        return None
    module = ModuleType(spec.name)
    complete(module, loader.path)
    return module


class LegacyFinder:
    """Asked last: for modules that this Python does not have."""

    @staticmethod
    def find_spec(fullname: str, path: Sequence[str] | None = None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        """Of the stand-in for a module; None if there is none."""
        from .legacy import modules
        return modules.find_spec(fullname)


def _search_path(name: str) -> list[str] | None:
    if name in _FRAMEWORK:
        return [path.framework_dir()]
    if name in sys.stdlib_module_names:
        return path.protected_dirs()
    if name == _KERNEL_KNOWLEDGE and path.program_dir() != path.CURRENT:
        return [entry for entry in sys.path if entry not in ("", path.CURRENT)]
    return None


# What importing needs; a program may add to the lists, and may not take from them for the next one.
_machinery: list[tuple[list[Any], list[Any]]] = []


def install() -> None:
    """Put the guard in the place of Python's path finder."""
    _replace(PathFinder, GuardedFinder)
    if LegacyFinder not in sys.meta_path:
        sys.meta_path.append(LegacyFinder)
    setattr(SourceFileLoader, "create_module", _create_module)
    _machinery[:] = [(sys.meta_path, list(sys.meta_path)), (sys.path_hooks, list(sys.path_hooks))]


def restore() -> None:
    """Put back what a program has removed from the machinery of imports."""
    for hooks, needed in _machinery:
        for position, hook in enumerate(needed):
            if hook not in hooks:
                hooks.insert(position, hook)
    for name, (hooks, _needed) in zip(("meta_path", "path_hooks"), _machinery):
        setattr(sys, name, hooks)


def remove() -> None:
    """Give the import system its own finder back."""
    _replace(GuardedFinder, PathFinder)
    if LegacyFinder in sys.meta_path:
        sys.meta_path.remove(LegacyFinder)
    if "create_module" in vars(SourceFileLoader):
        delattr(SourceFileLoader, "create_module")
    _machinery.clear()


def _replace(old: type[PathFinder], new: type[PathFinder]) -> None:
    for position, finder in enumerate(sys.meta_path):
        if finder is old:
            sys.meta_path[position] = new


# absolute directory -> (time of its last change, names of protected modules in it)
_scanned: dict[str, tuple[int, list[str]]] = {}
_warned: set[str] = set()


def warnings(program: Program) -> list[str]:
    """One line for each file that would stand in for a known module, once a session.

    The program itself may have any name.
    """
    directories = [path.CURRENT, *path.user_dirs()]
    if program.directory is not None and program.directory not in directories:
        directories.append(program.directory)
    lines = []
    for directory in directories:
        for entry in _suspects(directory):
            file = os.path.join(directory, entry)
            key = os.path.abspath(file)
            if key in _warned or _same(file, program):
                continue
            reason = _reason(entry.partition(".")[0], directory, program)
            if reason is not None:
                _warned.add(key)
                lines.append(f"epython: warning: {file} is ignored: {reason}")
    return lines


def _same(file: str, program: Program) -> bool:
    return program.kind == "file" and os.path.abspath(file) == os.path.abspath(program.path)


def _reason(name: str, directory: str, program: Program) -> str | None:
    if name in _FRAMEWORK:
        return f"'{name}' is a module of the framework"
    if name in sys.stdlib_module_names:
        return f"'{name}' is a module of the standard library"
    if directory == path.CURRENT != program.directory:
        return f"'{name}' of the current directory is not used, name its place in PYKDUMPPATH"
    return None


def _suspects(directory: str) -> list[str]:
    key = os.path.abspath(directory)
    try:
        changed = os.stat(key).st_mtime_ns
        known = _scanned.get(key)
        if known is None or known[0] != changed:
            with os.scandir(key) as entries:
                known = changed, sorted(_protected(entries))
            _scanned[key] = known
    except OSError:
        return []           # not there, or not ours to read: nothing is imported from it
    return known[1]


def _protected(entries: Iterable[os.DirEntry[str]]) -> Iterable[str]:
    for entry in entries:
        name, dot, suffix = entry.name.partition(".")
        if name not in sys.stdlib_module_names and name not in _FRAMEWORK \
                and name != _KERNEL_KNOWLEDGE:
            continue
        if dot:
            importable = dot + suffix in importlib.machinery.all_suffixes()
        else:
            importable = os.path.isfile(os.path.join(entry.path, "__init__.py"))
        if importable:
            yield entry.name
