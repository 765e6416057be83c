"""Programs of this machine for a guest: each with the libraries that it is linked with."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Iterable

from tests.lab import LabError, initramfs

PLACE = "lab/tools"
SEARCHED = "/usr/sbin:/usr/bin:/sbin:/bin"


def files(names: Iterable[str]) -> list[initramfs.File]:
    """Programs in /lab/tools and their libraries where the loader looks for them.

    Raises LabError for a program that is not installed.
    """
    programs = {name: _found(name) for name in names}
    libraries = {path for program in programs.values() for path in _libraries(program)}
    folders = {str(parent)[1:] for path in libraries for parent in path.parents
               if len(parent.parts) > 1}
    return [
        *([initramfs.directory(PLACE)] if programs else []),
        *map(initramfs.directory, sorted(folders)),
        *(initramfs.program(f"{PLACE}/{name}", path.read_bytes())
          for name, path in programs.items()),
        *(initramfs.program(str(path)[1:], path.read_bytes()) for path in sorted(libraries)),
    ]


def _found(name: str) -> Path:
    path = shutil.which(name, path=SEARCHED)
    if path is None:
        raise LabError(f"a guest needs the program {name}, which is not installed")
    return Path(path)


def _libraries(program: Path) -> list[Path]:
    """What ldd says: `name => path (address)`, and the loader's own path."""
    listing = subprocess.run(["ldd", str(program)], stdout=subprocess.PIPE, text=True, check=True)
    return [Path(path) for path in re.findall(r"(?:=> |^\s+)(/\S+)", listing.stdout, re.M)]
