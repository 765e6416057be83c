"""makedumpfile: ELF dumps become kdump files, as a production machine writes them."""

import os
import struct
import subprocess
from pathlib import Path

from tests.lab import LabError, packages

NAME = "vmcore"
# Which pages are left out: none, or all that people leave out (zero, cache, user, free).
EVERYTHING = 0
FILTERED = 31
COMMAND = ("makedumpfile", "-c", "--message-level", "4", "-d")
# It prints progress for ever where /proc is not mounted.
TIMEOUT = 180.0
ERROR_LINES = 8

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")


def write(elf: Path, directory: Path, level: int) -> None:
    """Leave in `directory` the kdump file, called NAME, of an ELF dump that QEMU wrote.

    Raises LabError.
    """
    packages.require(["dump"])
    copy = directory / "elf"
    _run(["cp", "--sparse=always", str(elf), str(copy)])
    copy.chmod(0o600)
    with copy.open("r+b") as file:
        head = programs_first(file.read(os.sysconf("SC_PAGE_SIZE")))
        file.seek(0)
        file.write(head)
    _run([*COMMAND, str(level), str(copy), str(directory / NAME)])
    copy.unlink()


def programs_first(head: bytes) -> bytes:
    """The beginning of an ELF file with its program headers right behind the ELF header.

    There makedumpfile looks for them, and there QEMU puts section headers, which nobody needs:
    they go. What the program headers tell stays where it is. `head` is the file's first bytes,
    which hold both tables. Raises LabError when it is no 64-bit ELF core file, or too short.
    """
    if len(head) < _HEADER.size or head[:6] != b"\x7fELF\x02\x01":
        raise LabError("the dump is no 64-bit little-endian ELF file")
    (ident, kind, machine, version, entry, start, _, flags, _, size, count, *_) = \
        _HEADER.unpack_from(head)
    table = head[start:start + size * count]
    if size != _PROGRAM.size or not count or len(table) != size * count:
        raise LabError("the dump's program headers are not where they should be")
    header = _HEADER.pack(ident, kind, machine, version, entry, _HEADER.size, 0, flags,
                          _HEADER.size, size, count, 0, 0, 0)
    moved = header + table
    first = min(_PROGRAM.unpack_from(table, at)[2] for at in range(0, len(table), size))
    if first < len(moved):
        raise LabError("the dump has no room for its program headers behind the ELF header")
    return (moved.ljust(start + len(table), b"\0") + head[start + len(table):])[:len(head)]


def _run(command: list[str]) -> None:
    """Run to the end within the time limit; a failure raises LabError with its last lines."""
    try:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{command[0]} did not end within {TIMEOUT:.0f} s") from error
    if result.returncode != 0:
        tail = "\n".join(result.stdout.splitlines()[-ERROR_LINES:])
        raise LabError(f"{command[0]} failed:\n{tail}")
