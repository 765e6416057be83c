"""Kernel modules of guests, built from their source with the headers of the kernel's package.

For a kernel of another suite they are built in a root directory of that suite.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.lab import LabError, cache, roots
from tests.lab.kernels import Kernel
from tests.lab.progress import Progress
from tests.lab.roots import Bind

HEADERS = Path("/usr/src")
INSIDE = "/mpykdump"
ERROR_LINES = 12
KEPT = 3


def build(source: Path, kernel: Kernel, progress: Progress) -> bytes:
    """The module of one C file for a kernel, built when the cache has none.

    Raises LabError without headers, or if it fails.
    """
    name = f"{source.stem}.ko"
    text = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    modules = cache.root() / "guest-modules"
    family = f"{kernel.release}-{source.stem}-"
    place = cache.entry(modules / (family + text), holds=[name],
                        fill=lambda partial: _make(source, kernel, partial, progress))
    cache.prune(modules, family + "*", KEPT)
    return (place / name).read_bytes()


def _make(source: Path, kernel: Kernel, target: Path, progress: Progress) -> None:
    """Leave the module in the folder `target`."""
    folder = target / source.stem
    folder.mkdir()
    shutil.copy(source, folder)
    (folder / "Kbuild").write_text(f"obj-m := {source.stem}.o\n")
    if kernel.suite is None:
        _make_here(folder, kernel.release)
    else:
        _make_in_root(folder, kernel.suite, kernel.release, progress)
    shutil.move(folder / f"{source.stem}.ko", target)
    shutil.rmtree(folder)


def _make_here(folder: Path, release: str) -> None:
    headers = HEADERS / f"linux-headers-{release}"
    if not headers.is_dir():
        raise LabError(f"{headers} is not there, which builds the guest's module\n"
                       f"as root, run: apt-get install --no-install-recommends {headers.name}")
    result = subprocess.run(_command(headers, folder), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        tail = "\n".join(result.stdout.splitlines()[-ERROR_LINES:])
        raise LabError(f"cannot build {folder.name}.c for {release}:\n{tail}")


def _make_in_root(folder: Path, suite: str, release: str, progress: Progress) -> None:
    root = roots.for_modules(suite, release, progress)
    command = _command(HEADERS / f"linux-headers-{release}", Path(INSIDE))
    sys.stdout.flush()
    status = roots.run(root, [Bind(folder, INSIDE, writable=True)], INSIDE,
                       {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
                       ["sh", "-c", 'exec "$@" >make.log 2>&1', "sh", *command])
    if status != 0:
        lines = (folder / "make.log").read_text(errors="replace").splitlines()
        tail = "\n".join(lines[-ERROR_LINES:])
        raise LabError(f"cannot build {folder.name}.c for {release} of {suite}:\n{tail}")


def _command(headers: Path, folder: Path) -> list[str]:
    # in what BUG() says the file is named without the folder
    return ["make", "-C", str(headers), f"M={folder}", f"KCFLAGS=-fmacro-prefix-map={folder}/=",
            "modules"]
