"""Owns mpykdump-run: one program, on one dump, in a crash that is started for it and ended.

Runs outside of crash.  Must not know what the program does.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from typing import IO, BinaryIO, NamedTuple

STATUS_FD = "MPYKDUMP_STATUS_FD"
_FAILED = 1             # crash, or the plug-in in it, has not come so far
_WRONG = 2              # the command line
_LONGEST = 1400         # bytes of a line that crash reads whole
_NO_SEARCH = "--no_panic"
_PLAIN = re.compile(r"[\w@%+=:,./~*?^-]+\Z")


class RunError(Exception):
    """There is nothing to run; says why."""


def main(argv: list[str], plugin: str) -> int:
    """Obey a command line; the exit status: the program's own, as far as there was one."""
    args = _parser().parse_args(argv)
    try:
        crash = _split(args.crash)
        for what, file in (("VMLINUX", args.vmlinux), ("DUMP", args.dump)):
            _check_file(what, file)
        command = _command(args.program, args.arguments, plugin)
        lines = [f"extend {_quoted(plugin)}", command, "quit"]
        loaded = f"{plugin}: shared object loaded\n"
        return _run(crash, args.vmlinux, args.dump, lines, loaded)
    except RunError as err:
        print(f"mpykdump-run: {err}", file=sys.stderr)
        return _WRONG


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mpykdump-run", description="Run one program on a dump, in a crash that is started "
        "for it.  Programs of the folders in PYKDUMPPATH come before those of the plug-in.  The "
        f"exit status is the program's, {_FAILED} where crash could not open the dump.")
    parser.add_argument("--crash", default="crash", metavar="COMMAND",
                        help="crash, with options if it needs some: 'crash --kaslr=auto'")
    parser.add_argument("vmlinux", metavar="VMLINUX", help="the kernel's file with symbols")
    parser.add_argument("dump", metavar="DUMP", help="the dump")
    parser.add_argument("program", metavar="PROGRAM", help="its name, as epython takes it")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS",
                        help="the program's own, options too")
    return parser


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as err:
        raise RunError(f"--crash: {err}") from None
    if not words:
        raise RunError("--crash: which command?")
    return words


def _check_file(what: str, file: str) -> None:
    if not file:
        raise RunError(f"{what} is not given")
    try:
        with open(file, "rb"):
            pass
    except OSError as err:
        raise RunError(f"{what}: {file}: {err.strerror}") from None


def _command(program: str, arguments: list[str], plugin: str) -> str:
    # Of a command of crash nothing in the current directory is taken.
    words = [program] if program in _registered(plugin) else ["epython", program]
    line = " ".join(map(_quoted, [*words, *arguments]))
    if len(line.encode()) > _LONGEST:
        raise RunError(f"the arguments are longer than the {_LONGEST} bytes that crash reads")
    return line


def _registered(plugin: str) -> set[str]:
    from zipimport import ZipImportError, zipimporter

    try:
        code = zipimporter(os.path.join(plugin, "progs")).get_code("commands")
    except ZipImportError as err:
        raise RunError(f"{plugin}: {err}") from None
    names: dict[str, tuple[tuple[str, ...], ...]] = {}
    exec(code, names)
    return {command[0] for command in names["COMMANDS"]}


def _quoted(word: str) -> str:
    """A word as crash reads it back."""
    if _PLAIN.match(word):
        return word
    if word.isprintable() and '"' not in word:      # of other quotes crash knows nothing
        return f'"{word}"'
    raise RunError(f"{word!r} cannot be typed to crash")


class _Ended(NamedTuple):
    """How a crash has ended: its status as Popen gives it, that of the program if one ran, and
    whether its own search for the task that panicked may be to blame."""

    crash: int
    program: int | None
    searched: bool


def _run(crash: list[str], vmlinux: str, dump: str, lines: list[str], loaded: str) -> int:
    ended = _run_once(crash, vmlinux, dump, lines, loaded)
    if ended.program is None and ended.crash > 0 and ended.searched and _NO_SEARCH not in crash:
        print("mpykdump-run: crash could not open the dump; once more without its search for the "
              f"task that panicked ({_NO_SEARCH})", file=sys.stderr)
        ended = _run_once([*crash, _NO_SEARCH], vmlinux, dump, lines, loaded)
    if ended.program is not None:
        return ended.program
    where = "the plug-in was not loaded" if ended.crash == 0 else "crash could not open the dump"
    print(f"mpykdump-run: {where} ({_how(ended.crash)})", file=sys.stderr)
    return _FAILED


def _run_once(crash: list[str], vmlinux: str, dump: str, lines: list[str], loaded: str) -> _Ended:
    read, write = os.pipe()
    searched = True
    with tempfile.NamedTemporaryFile("w", prefix="mpykdump-run-", suffix=".crash") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        # Neither what people have in ~/.crashrc nor a pager: another extend, a question.
        command = [*crash, "-s", "--no_crashrc", "--no_scroll", "-i", file.name, vmlinux, dump]
        try:
            child = subprocess.Popen(command, pass_fds=[write],
                                     stdout=None if os.isatty(1) else subprocess.PIPE,
                                     env={**os.environ, STATUS_FD: str(write)})
        except OSError as err:
            raise RunError(f"{shlex.join(crash)}: {err.strerror}") from None
        finally:
            os.close(write)
        signal.signal(signal.SIGINT, signal.SIG_IGN)    # it is the program's, which crash runs
        if child.stdout is not None:
            searched = _copy(child.stdout, loaded.encode())
        ended = child.wait()
    os.set_blocking(read, False)
    try:
        told = os.read(read, 4096).decode("ascii", "replace").split()
    except BlockingIOError:
        told = []
    os.close(read)
    said = int(told[-1]) & 0xff if told and told[-1].isdecimal() else None
    return _Ended(ended, said, searched)


def _copy(output: IO[bytes], loaded: bytes) -> bool:
    """What a program prints to standard output; what is said before it to standard error.

    True if crash has complained of a stack before: it looks for who panicked by backtraces.
    """
    target: BinaryIO = sys.stderr.buffer
    searched = False
    try:
        for line in output:
            target.write(line)
            target.flush()
            if line == loaded:
                target = sys.stdout.buffer
            searched = searched or target is sys.stderr.buffer and line.startswith(b"bt: ")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)    # Python flushes it once more
    output.close()
    return searched


def _how(ended: int) -> str:
    return f"crash ended with status {ended}" if ended >= 0 else f"crash died of signal {-ended}"
