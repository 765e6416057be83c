"""Kernel modules of guests, built from their source with the headers of the kernel's package."""

import shutil
import subprocess
from pathlib import Path

from tests.lab import LabError

HEADERS = Path("/usr/src")
ERROR_LINES = 12


def build(source: Path, release: str, scratch: Path) -> bytes:
    """The module of one C file for a kernel. Raises LabError without headers, or if it fails."""
    headers = HEADERS / f"linux-headers-{release}"
    if not headers.is_dir():
        raise LabError(f"{headers} is not there, which builds the guest's module\n"
                       f"as root, run: apt-get install --no-install-recommends {headers.name}")
    folder = scratch / source.stem
    folder.mkdir()
    shutil.copy(source, folder)
    (folder / "Kbuild").write_text(f"obj-m := {source.stem}.o\n")
    result = subprocess.run(["make", "-C", str(headers), f"M={folder}", "modules"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            check=False)
    if result.returncode != 0:
        tail = "\n".join(result.stdout.splitlines()[-ERROR_LINES:])
        raise LabError(f"cannot build {source.name} for {release}:\n{tail}")
    module = (folder / f"{source.stem}.ko").read_bytes()
    shutil.rmtree(folder)
    return module
