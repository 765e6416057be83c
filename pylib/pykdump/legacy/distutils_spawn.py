"""`distutils.spawn`, as far as programs use it: where a command is."""

from __future__ import annotations

import os
import shutil

__all__ = ["find_executable"]


def find_executable(executable: str, path: str | None = None) -> str | None:
    """The file that runs under this name, searched in `path` or PATH; None if there is none."""
    if os.path.isfile(executable):
        return executable
    return shutil.which(executable, path=path)
