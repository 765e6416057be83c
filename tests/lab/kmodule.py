"""Kernel modules of guests, built from their source with the headers of the kernel's package."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from tests.lab import LabError, cache

HEADERS = Path("/usr/src")
ERROR_LINES = 12
KEPT = 3


def build(source: Path, release: str) -> bytes:
    """The module of one C file for a kernel, built when the cache has none.

    Raises LabError without headers, or if it fails.
    """
    name = f"{source.stem}.ko"
    text = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    modules = cache.root() / "guest-modules"
    family = f"{release}-{source.stem}-"
    place = cache.entry(modules / (family + text), holds=[name],
                        fill=lambda partial: _make(source, release, partial))
    cache.prune(modules, family + "*", KEPT)
    return (place / name).read_bytes()


def _make(source: Path, release: str, target: Path) -> None:
    """Leave the module in the folder `target`."""
    headers = HEADERS / f"linux-headers-{release}"
    if not headers.is_dir():
        raise LabError(f"{headers} is not there, which builds the guest's module\n"
                       f"as root, run: apt-get install --no-install-recommends {headers.name}")
    folder = target / source.stem
    folder.mkdir()
    shutil.copy(source, folder)
    (folder / "Kbuild").write_text(f"obj-m := {source.stem}.o\n")
    # in what BUG() says the file is named without the folder
    result = subprocess.run(["make", "-C", str(headers), f"M={folder}",
                             f"KCFLAGS=-fmacro-prefix-map={folder}/=", "modules"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            check=False)
    if result.returncode != 0:
        tail = "\n".join(result.stdout.splitlines()[-ERROR_LINES:])
        raise LabError(f"cannot build {source.name} for {release}:\n{tail}")
    shutil.move(folder / f"{source.stem}.ko", target)
    shutil.rmtree(folder)
