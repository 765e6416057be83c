"""Owns the import of extension modules that must not bind to libraries inside crash.

crash exports the readline that gdb brings: Python's module of that name would bind to it, and
take over Tab and history at crash's own prompt.  Bound to its own library it leaves them alone.
Must not know who imports.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from types import ModuleType

_NAMES = frozenset(("readline",))


class _DeepLoader(ExtensionFileLoader):
    """Loads a shared object that looks for symbols in its own libraries first."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        before = sys.getdlopenflags()
        sys.setdlopenflags(os.RTLD_NOW | os.RTLD_DEEPBIND)
        try:
            return super().create_module(spec)
        finally:
            sys.setdlopenflags(before)


def bound(spec: ModuleSpec | None) -> ModuleSpec | None:
    """The same spec, with a loader that binds as the module needs it."""
    if spec is not None and spec.name in _NAMES and spec.origin is not None \
            and isinstance(spec.loader, ExtensionFileLoader):
        spec.loader = _DeepLoader(spec.name, spec.origin)
    return spec
