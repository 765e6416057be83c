"""Owns the text stream between Python and crash's current output.

crash decides per command where output goes (terminal, pager, pipe, file); the stream lives as
long as the session, so that a reference kept by a program (a logging handler) stays good.
Must not know what is printed.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import _pykdump

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_BUFFER_SIZE = 1 << 16


class _CrashOutput(io.RawIOBase):
    """Bytes into crash's output; the engine remembers the first failure."""

    # Straight to C: were there Python in between, Ctrl-C could come after the bytes are written
    # and before that is known, and they would be written again.
    write = _pykdump.output_write   # type: ignore[assignment]

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return _pykdump.output_fileno()

    def isatty(self) -> bool:
        return _pykdump.output_isatty()


class _Session:
    stream: io.TextIOWrapper | None = None
    dump = ""           # its file, absolute
    # What the interpreter had before the first command.
    originals: tuple[object, object, object, object] | None = None


def begin() -> io.TextIOWrapper:
    """Point sys.stdout and sys.stderr to crash's output for one command."""
    if _Session.stream is None or not _usable(_Session.stream):
        _Session.stream = io.TextIOWrapper(io.BufferedWriter(_CrashOutput(), _BUFFER_SIZE))
    _pykdump.output_reset(False)
    stream = _Session.stream
    # A program may have changed these for itself.
    stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n",
                       line_buffering=stream.isatty(), write_through=False)
    if _Session.originals is None:
        _Session.originals = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    # The double-underscore names too: programs restore from them after a redirection.
    sys.stdout = sys.stderr = stream
    sys.__stdout__ = sys.__stderr__ = stream
    return stream


def _usable(stream: TextIO) -> bool:
    try:
        return not stream.closed and stream.writable()
    except ValueError:      # a program has detached the buffer
        return False


def failure() -> OSError | None:
    """The error that ended this command's output, if one did."""
    number = _pykdump.output_failure()
    return OSError(number, os.strerror(number)) if number else None


def end() -> None:
    """Flush; report an output that could not be written, except a reader who has left."""
    flush()
    broken = failure()
    if broken is not None:
        _pykdump.output_reset(True)
        flush()
        if not isinstance(broken, BrokenPipeError):
            complain(f"epython: the output cannot be written: {broken.strerror}")
    restore()


def flush() -> None:
    """Hand over what is pending; a failure is remembered, not raised."""
    stream = _Session.stream
    if stream is None or not _usable(stream):
        return
    try:
        stream.flush()
        if not failure():
            _pykdump.output_flush()
    except OSError:
        pass                # remembered by the engine


def leave_pager() -> None:
    """What was printed has been seen in crash's pager; what follows goes to the terminal."""
    flush()
    stream = _Session.stream
    if stream is not None and _usable(stream) and not _pykdump.output_isatty():
        _pykdump.output_leave_pager()
        stream.reconfigure(line_buffering=stream.isatty())


def restore() -> None:
    """Give the interpreter its own streams back."""
    if _Session.originals is not None:
        (sys.stdout, sys.stderr,
         sys.__stdout__, sys.__stderr__) = _Session.originals  # type: ignore[assignment]
        _Session.originals = None


def complain(line: str) -> None:
    """One line to the process's stderr, for when crash's output is no more."""
    try:
        os.write(2, (line + "\n").encode("utf-8", "backslashreplace"))
    except OSError:
        pass                # nobody is left to be told


@contextmanager
def kept() -> Iterator[None]:
    """Undo what a program does to its streams: it may replace or close them."""
    stdout, stderr = sys.stdout, sys.stderr
    try:
        yield
    finally:
        if sys.stdout is not stdout:
            _flush_foreign(sys.stdout)
        sys.stdout, sys.stderr = stdout, stderr
        if not _usable(stdout):
            begin()


def _flush_foreign(stream: TextIO) -> None:
    try:
        stream.flush()
    except (AttributeError, OSError, ValueError):
        pass            # whatever the program put there, its output is its own business


@contextmanager
def redirected(file: TextIO | None) -> Iterator[None]:
    """sys.stdout into a file (--ofile), which is complete and closed afterwards."""
    if file is None:
        yield
        return
    stdout_before = sys.stdout
    sys.stdout = file
    try:
        yield
    finally:
        sys.stdout = stdout_before
        try:
            file.close()
        except OSError as err:
            print(f"epython: --ofile: {file.name}: {err.strerror}")


def open_file(name: str) -> TextIO:
    """The file of --ofile; OSError when it cannot be written."""
    return open(os.path.expanduser(name), "w", encoding="utf-8", errors="backslashreplace")


def is_file() -> bool:
    """Whether crash writes this command's output to a regular file."""
    return _pykdump.stdout_kind() == "file"


def is_regular(file: TextIO | None) -> bool:
    """Whether a file is a regular one, which is read later."""
    try:
        return file is not None and stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def know_dump() -> None:
    """Where the dump is, as long as nobody has left the folder that crash was started in."""
    _Session.dump = os.path.abspath(str(_pykdump.dump_info()["dumpfile"]))


def print_header(command_line: str) -> None:
    """Say which command on which dump wrote this file."""
    print()
    print("   " + f" {command_line} ".center(60, "*"))
    print(" " + f" {_Session.dump} ({_pykdump.dump_info()['release']}) ".center(77, "o"))
