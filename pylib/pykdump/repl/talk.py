"""Owns where the REPL's lines come from and where its answers go.

A terminal is talked to even if the command's output goes elsewhere: into a file goes all that is
typed and answered, into a pipe the answers alone.  Without a terminal the lines are those that
follow in crash's own input.  Must not know what the lines mean.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import _pykdump

from .. import output, terminal
from .history import History

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_NO_COLOURS = ("", "dumb", "unknown")


class Talk:
    """With whoever writes the lines."""

    interactive = False     # a person, who wants to be asked

    def ask(self, prompt: str) -> str:
        """The next line, without its end; EOFError when there is none."""
        line = _pykdump.input_line()
        if not line:
            raise EOFError
        return line.decode("utf-8", "surrogateescape").rstrip("\r\n")

    def broken(self) -> bool:
        """Whether nobody can read the answers any more."""
        return output.failure() is not None


class _Person(Talk):
    interactive = True

    def __init__(self, screen: TextIO, transcript: _Transcript | None, history: History) -> None:
        self._keyboard, self._screen = sys.stdin, screen
        self._transcript = transcript
        self._history = history

    def ask(self, prompt: str) -> str:
        streams = sys.stdin, sys.stdout
        # Line editing wants the terminal itself.
        sys.stdin, sys.stdout = self._keyboard, self._screen
        try:
            line = self._history.input(prompt)
        except EOFError:
            print()
            raise
        finally:
            sys.stdin, sys.stdout = streams
        if self._transcript is not None:
            self._transcript.note(f"{prompt}{line}\n")
        return line

    def broken(self) -> bool:
        return self._transcript is None and super().broken()


class _Transcript(io.TextIOBase):
    """The screen and a file."""

    def __init__(self, screen: TextIO, file: TextIO) -> None:
        self._screen = screen
        self._file: TextIO | None = file

    def write(self, text: str) -> int:
        self.note(text)
        return self._screen.write(text)

    def note(self, text: str) -> None:
        """Write to the file alone.  What cannot be written there is no reason to stop talking."""
        if self._file is None:
            return
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as err:
            self._file = None
            self._screen.write(f"repl: the file ends here: {err.strerror}\n")

    def flush(self) -> None:
        self._screen.flush()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._screen.fileno()


@contextmanager
def conversation(history: History) -> Iterator[Talk]:
    """sys.stdin, sys.stdout and sys.stderr are whom is talked to; raises terminal.NoTerminal."""
    errors = sys.stderr
    try:
        if not os.isatty(0):
            sys.stderr = sys.stdout
            yield Talk()
            return
        written = sys.stdout
        with terminal.conversation(), history:
            screen, transcript = sys.stdout, None
            if output.is_regular(written):
                transcript = _Transcript(screen, written)
                sys.stdout = transcript     # type: ignore[assignment]
            elif not written.isatty():
                sys.stdout = written
            sys.stderr = sys.stdout
            yield _Person(screen, transcript, history)
    finally:
        sys.stderr = errors


def colours() -> bool:
    """Whether what is printed now may have colours."""
    return (sys.stdout.isatty() and "NO_COLOR" not in os.environ
            and os.environ.get("TERM", "") not in _NO_COLOURS)


def width() -> int:
    """Columns to print in."""
    size = _size()
    return 80 if size is None else max(size.columns, 20)


def height() -> int | None:
    """Lines that are seen at once; None where they are not read on a terminal."""
    size = _size()
    return None if size is None else max(size.lines, 10)


def _size() -> os.terminal_size | None:
    # Not shutil's: line editing leaves in the environment what the size was.
    try:
        return os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return None         # no terminal


def page(text: str) -> None:
    """Print a text, through a pager if it is longer than the screen."""
    lines = height()
    if lines is None or text.count("\n") < lines or os.environ.get("TERM", "") in _NO_COLOURS:
        print(text)
        return
    import subprocess
    command = os.environ.get("PAGER") or "less -R"
    sys.stdout.flush()
    try:
        subprocess.run(command, shell=True, input=text + "\n", text=True, errors="replace",
                       stdout=sys.stdout.fileno(), check=False)
    except OSError:         # a pager that is left early, or cannot be started
        pass
