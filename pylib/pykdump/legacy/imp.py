"""Python's `imp` over importlib: loading modules from files, as collections of programs do."""

from __future__ import annotations

import _imp
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import tokenize
from importlib.machinery import (ExtensionFileLoader, ModuleSpec, SourceFileLoader,
                                 SourcelessFileLoader)
from types import ModuleType

from .. import shadow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

SEARCH_ERROR, PY_SOURCE, PY_COMPILED, C_EXTENSION, PY_RESOURCE = range(5)
PKG_DIRECTORY, C_BUILTIN, PY_FROZEN, PY_CODERESOURCE, IMP_HOOK = range(5, 10)

Description = tuple[str, str, int]      # suffix, mode to open with, kind

acquire_lock = _imp.acquire_lock
release_lock = _imp.release_lock
lock_held = _imp.lock_held
is_frozen = _imp.is_frozen
is_builtin = _imp.is_builtin

cache_from_source = importlib.util.cache_from_source
source_from_cache = importlib.util.source_from_cache
new_module = ModuleType
reload = importlib.reload


def get_magic() -> bytes:
    return importlib.util.MAGIC_NUMBER


def get_tag() -> str:
    tag = sys.implementation.cache_tag
    assert tag is not None
    return tag


def get_suffixes() -> list[Description]:
    machinery = importlib.machinery
    return [*((suffix, "rb", C_EXTENSION) for suffix in machinery.EXTENSION_SUFFIXES),
            *((suffix, "r", PY_SOURCE) for suffix in machinery.SOURCE_SUFFIXES),
            *((suffix, "rb", PY_COMPILED) for suffix in machinery.BYTECODE_SUFFIXES)]


def find_module(name: str, path: list[str] | None = None,
                ) -> tuple[IO[str] | IO[bytes] | None, str | None, Description]:
    """(open file, its path, description) of a module without dots; ImportError if none is found."""
    if not isinstance(name, str):
        raise TypeError(f"'name' must be a str, not {type(name).__name__}")
    if path is None:
        if is_builtin(name):
            return None, None, ("", "", C_BUILTIN)
        if is_frozen(name):
            return None, None, ("", "", PY_FROZEN)
        path = sys.path
    for entry in path:
        package = os.path.join(entry, name)
        if any(os.path.isfile(os.path.join(package, f"__init__{suffix}"))
               for suffix in (".py", ".pyc")):
            return None, package, ("", "", PKG_DIRECTORY)
        for suffix, mode, kind in get_suffixes():
            file = package + suffix
            if os.path.isfile(file):
                opened: IO[str] | IO[bytes]
                opened = tokenize.open(file) if kind == PY_SOURCE else open(file, "rb")
                return opened, file, (suffix, mode, kind)
    raise ImportError(f"No module named {name!r}", name=name)


def load_module(name: str, file: object, filename: str | None, details: Description) -> ModuleType:
    """Load what `find_module` found, also over a module that is loaded."""
    kind = details[2]
    if kind in (PY_SOURCE, PY_COMPILED, C_EXTENSION) and file is None:
        raise ValueError(f"file object required for import (type code {kind})")
    if kind in (C_BUILTIN, PY_FROZEN):
        return importlib.import_module(name)
    if filename is None or kind not in _LOADERS:
        raise ImportError(f"Don't know how to import {name} (type code {kind})", name=name)
    return _LOADERS[kind](name, filename)


def load_source(name: str, pathname: str, file: object = None) -> ModuleType:
    """The module that the file makes; it is sys.modules[name] from now on."""
    return _load(name, pathname, SourceFileLoader(name, pathname))


def load_compiled(name: str, pathname: str, file: object = None) -> ModuleType:
    return _load(name, pathname, SourcelessFileLoader(name, pathname))


def load_dynamic(name: str, path: str, file: object = None) -> ModuleType:
    return _load(name, path, ExtensionFileLoader(name, path))


def load_package(name: str, path: str) -> ModuleType:
    for suffix in (".py", ".pyc"):
        if os.path.exists(file := os.path.join(path, f"__init__{suffix}")):
            return load_source(name, file) if suffix == ".py" else load_compiled(name, file)
    raise ValueError(f"{path!r} is not a package")


_LOADERS: dict[int, Callable[[str, str], ModuleType]] = {
    PY_SOURCE: load_source, PY_COMPILED: load_compiled, C_EXTENSION: load_dynamic,
    PKG_DIRECTORY: load_package}


def _load(name: str, file: str,
          loader: SourceFileLoader | SourcelessFileLoader | ExtensionFileLoader) -> ModuleType:
    locations = None
    if os.path.basename(file).startswith("__init__."):
        locations = [os.path.dirname(file)]
    spec = importlib.util.spec_from_file_location(
        name, file, loader=loader, submodule_search_locations=locations)
    assert isinstance(spec, ModuleSpec)
    known = sys.modules.get(name)
    if known is not None:
        if isinstance(loader, SourceFileLoader):
            shadow.complete(known, file)
        known.__spec__ = spec
        known.__file__ = file
        loader.exec_module(known)
        return sys.modules[name]
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return sys.modules[name]
