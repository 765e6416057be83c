"""Owns the plug-in's own file as a zip archive: its programs, and noticing that it was replaced.

Must not know how programs are found elsewhere or run.
"""

from __future__ import annotations

import os
import sys
from types import CodeType
from zipimport import ZipImportError, zipimporter

from . import path

Identity = tuple[int, ...]

_seen: Identity | None = None
_codes: dict[str, CodeType] = {}        # of programs, good for the file seen
_importer: zipimporter | None = None    # of programs, likewise


def identity(file: str) -> Identity:
    """What changes when the content of a file does, an edit within one second included."""
    info = os.stat(file)
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns


def refresh() -> None:
    """Read the archive's listing again when the file is another than before.

    Without this, importing from a plug-in that was rebuilt reads at places that are no more.
    """
    global _seen, _importer
    try:
        now = identity(path.so_path())
    except OSError:
        return              # gone: what is loaded must do
    if now == _seen:
        return
    _seen = now
    _codes.clear()
    _importer = None
    try:
        zipimporter(path.so_path()).invalidate_caches()     # the listing that new ones share
    except ZipImportError:
        return              # not an archive: a plug-in under development
    for finder in list(sys.path_importer_cache.values()):
        if isinstance(finder, zipimporter) and finder.archive == path.so_path():
            finder.invalidate_caches()


def program_path(stem: str) -> str:
    """Where the program `stem` would be in the plug-in."""
    return os.path.join(path.so_path(), "progs", stem + ".py")


def program_code(stem: str) -> CodeType | None:
    """Code of the program `stem`, compiled at build time if it was; None when there is none."""
    refresh()
    code = _codes.get(stem)
    if code is None:
        try:
            code = _codes[stem] = _programs().get_code(stem)
        except ZipImportError:
            return None
    return code


def program_source(stem: str) -> str | None:
    """Source of the program `stem`, for tracebacks."""
    try:
        return _programs().get_source(stem)
    except ZipImportError:
        return None


def program_names() -> list[str]:
    """The programs that come with the plug-in."""
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path.so_path()) as archive:
            names = archive.namelist()
    except (OSError, BadZipFile):
        return []
    return [os.path.basename(name)[:-3] for name in names
            if os.path.dirname(name) == "progs" and name.endswith(".py")]


def _programs() -> zipimporter:
    global _importer
    folder = os.path.join(path.so_path(), "progs")
    if _importer is None:
        _importer = zipimporter(folder)
    return _importer
