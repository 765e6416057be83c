"""Dumps as production machines have them, made of the one QEMU wrote.

`elf` is what /proc/vmcore of a capture kernel is; makedumpfile makes `kdump` of it, with some
pages left out or none.
"""

import re
import struct
import subprocess
from pathlib import Path

from tests.lab import LabError, packages
from tests.lab.elf import Layout, as_proc_vmcore, file_offset, programs

NAME = "vmcore"
# Which pages makedumpfile leaves out: none, or all it can (zero, cache, user, free).
EVERYTHING = 0
FILTERED = 31
COMMAND = ("makedumpfile", "-c", "--message-level", "4", "-d")
# It prints progress for ever where /proc is not mounted.
TIMEOUT = 180.0
ERROR_LINES = 8
HEAD_SIZE = 64 << 10
KERNEL_MAP = 0xffffffff80000000     # x86-64: __START_KERNEL_map


def elf(source: Path, vmlinux: Path, directory: Path) -> None:
    """Leave in `directory` a copy, called NAME, of QEMU's dump `source`. Raises LabError."""
    copy = directory / NAME
    _run(["cp", "--sparse=always", str(source), str(copy)])
    copy.chmod(0o600)
    with copy.open("r+b") as file:
        head = file.read(HEAD_SIZE)
        info = vmcoreinfo(head)
        symbols = _symbols(vmlinux, int(info["KERNELOFFSET"], 16))
        shift = int(info["NUMBER(phys_base)"]) - KERNEL_MAP
        file.seek(file_offset(programs(head), symbols["page_offset_base"] + shift))
        page_offset = struct.unpack("<Q", file.read(8))[0]
        layout = Layout(symbols["_text"], symbols["_text"] + shift,
                        symbols["_end"] - symbols["_text"], page_offset)
        file.seek(0)
        file.write(as_proc_vmcore(head, layout))


def kdump(source: Path, directory: Path, level: int) -> None:
    """Leave in `directory` the kdump file, called NAME, of what `elf` made. Raises LabError."""
    packages.require(["dump"])
    _run([*COMMAND, str(level), str(source), str(directory / NAME)])


def vmcoreinfo(head: bytes) -> dict[str, str]:
    """The pairs of the VMCOREINFO note in the first bytes of a dump.

    Raises LabError when there is none, or when it lacks what `elf` needs.
    """
    pairs = re.findall(rb"(?m)^([A-Z]+(?:\([\w.]+\))?)=([\w.:+-]+)$", head)
    info = {name.decode(): value.decode() for name, value in pairs}
    for name in ("KERNELOFFSET", "NUMBER(phys_base)"):
        if name not in info:
            raise LabError(f"the dump's VMCOREINFO does not have {name}")
    return info


def _symbols(vmlinux: Path, offset: int) -> dict[str, int]:
    """The symbols that `elf` needs, where they are in the dump."""
    listing = _run(["nm", str(vmlinux)])
    found = re.findall(r"(?m)^([0-9a-f]+) \w (page_offset_base|_text|_end)$", listing)
    if len(found) != 3:
        raise LabError(f"{vmlinux} does not have the symbols of an x86-64 kernel")
    return {name: int(address, 16) + offset for address, name in found}


def _run(command: list[str]) -> str:
    """What it printed; LabError with the last lines when it fails or does not end in time."""
    try:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{command[0]} did not end within {TIMEOUT:.0f} s") from error
    except OSError as error:
        raise LabError(f"cannot run {command[0]}: {error.strerror}") from error
    if result.returncode != 0:
        tail = "\n".join(result.stdout.splitlines()[-ERROR_LINES:])
        raise LabError(f"{command[0]} failed:\n{tail}")
    return result.stdout
