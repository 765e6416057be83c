"""Owns `sys.path`: which directories are searched for modules, in which order.

Must not know about programs' names or what a directory holds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

CURRENT = "."


class _Layout:
    """The directories of this session, computed once by `setup`."""

    so_path = ""
    user: list[str] = []            # entries of PYKDUMPPATH
    standard: list[str] = []        # the running Python's own library
    distribution: list[str] = []    # packages installed for it
    search: list[str] = []          # sys.path between programs
    program_dir: str | None = None  # directory of the program that runs, when it is a file


def setup(so_path: str, pykdumppath: str | None) -> None:
    """Compute the search path of the session and install it."""
    _Layout.so_path = so_path
    _Layout.user = split(pykdumppath or "")
    _Layout.standard = _standard_dirs()
    _Layout.distribution = _distribution_dirs()
    _Layout.search = [CURRENT, framework_dir(), *_Layout.standard, *_Layout.user, so_path,
                      os.path.join(so_path, "dist-packages"), *_Layout.distribution]
    restore()


def split(text: str) -> list[str]:
    """The entries of a PYKDUMPPATH, in order, each once."""
    entries = (os.path.expanduser(entry) for entry in text.split(":") if entry)
    return list(dict.fromkeys(entries))


def _standard_dirs() -> list[str]:
    library = os.path.dirname(os.__file__)
    major, minor = sys.version_info[:2]
    archive = os.path.join(os.path.dirname(library), f"python{major}{minor}.zip")
    candidates = (archive, library, os.path.join(library, "lib-dynload"))
    return [path for path in candidates if os.path.exists(path)]


def _distribution_dirs() -> list[str]:
    library = os.path.dirname(os.__file__)
    candidates = (os.path.join(os.path.dirname(library), "python3", "dist-packages"),
                  os.path.join(library, "site-packages"))
    return [path for path in candidates if os.path.isdir(path)]


def framework_dir() -> str:
    """The part of the archive that holds the package `pykdump`."""
    return os.path.join(_Layout.so_path, "pylib")


def user_dirs() -> list[str]:
    """The folders of PYKDUMPPATH, absolute."""
    return list(_Layout.user)


def so_path() -> str:
    """The file of the plug-in."""
    return _Layout.so_path


def program_dir() -> str | None:
    """The folder of the program that runs; None if it has none."""
    return _Layout.program_dir


def protected_dirs() -> list[str]:
    """Where modules come from that nothing else may replace."""
    return [framework_dir(), *_Layout.standard, *_Layout.distribution]


def is_protected(file: str) -> bool:
    """Whether `file` belongs to the framework, to Python, or to installed packages."""
    third_party = os.path.join(_Layout.so_path, "dist-packages")
    if any(file.startswith(entry + os.sep) for entry in (*protected_dirs(), third_party)):
        return True
    parts = file.split(os.sep)
    return "dist-packages" in parts or "site-packages" in parts


def restore() -> None:
    """Undo whatever a program did to sys.path."""
    sys.path = list(_Layout.search)


@contextmanager
def for_program(directory: str | None) -> Iterator[None]:
    """sys.path as a program sees it: its own directory first when it is a file."""
    path_before, dir_before = sys.path, _Layout.program_dir
    _Layout.program_dir = directory
    sys.path = list(_Layout.search)
    if directory is not None:
        sys.path.insert(0, directory)
    _forget_stale_directories()
    try:
        yield
    finally:
        _Layout.program_dir = dir_before
        sys.path = path_before


def _forget_stale_directories() -> None:
    """Let imports see files that have appeared, and follow a `cd` of crash.

    The finder of a relative directory remembers the absolute one it had when it was made, and
    a directory that did not exist is remembered as such.  The library's directories are left
    alone: they do not change, and listing them again costs.
    """
    cache = sys.path_importer_cache
    for entry, finder in list(cache.items()):
        if finder is None or not os.path.isabs(entry):
            del cache[entry]
        elif type(finder).__name__ == "FileFinder" and not is_protected(entry + os.sep):
            finder.invalidate_caches()
