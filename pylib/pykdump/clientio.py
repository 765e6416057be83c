"""Owns what a client sees of Python: its text stream, its console, sys.stdout while it is served.

Must not know where the client came from or what it wants.
"""

from __future__ import annotations

import code
import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType

from .channel import Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

_CHUNK = 1 << 14        # characters sent at once at most before a newline or a flush


class Interrupted(KeyboardInterrupt):
    """The client has pressed Ctrl-C, or has left."""


class ClientStream(io.TextIOBase):
    """A client's terminal as a file: what is written before a line is asked for is the prompt."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._pending = ""
        self._finished = False

    encoding = "utf-8"
    errors = "surrogatepass"

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._pending += text
        if len(self._pending) > _CHUNK:
            self.flush()
        return len(text)

    def flush(self) -> None:
        text, self._pending = self._pending, ""
        if text:
            self._channel.send(output=text)

    def finish(self) -> None:
        """From now on no line is asked for."""
        self._finished = True

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        """A line; "" for Ctrl-D; Interrupted for Ctrl-C; Gone when the client has left."""
        if self._finished:
            return ""
        text, newline, prompt = self._pending.rpartition("\n")
        self._pending = text + newline
        self.flush()
        self._channel.send(prompt=prompt)
        while True:
            message = self._channel.receive()
            if "interrupt" in message:
                raise Interrupted
            if "eof" in message:
                return ""
            if "line" in message:
                if self._channel.interrupted():     # while it was received
                    raise Interrupted
                return f"{message['line']}\n"


class _OfOneThread(io.TextIOBase):
    """sys.stdout of the thread that made it; other threads go on with theirs."""

    def __init__(self, mine: io.TextIOBase, others: TextIO) -> None:
        self._thread = threading.get_ident()
        self._mine = mine
        self._others = others

    def _stream(self) -> TextIO | io.TextIOBase:
        return self._mine if threading.get_ident() == self._thread else self._others

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return self._stream().write(text)

    def flush(self) -> None:
        self._stream().flush()

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        return self._stream().readline()


@contextmanager
def served(stream: ClientStream) -> Iterator[None]:
    """sys.stdin, sys.stdout and sys.stderr are the client's."""
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = _OfOneThread(stream, sys.stdin)         # type: ignore[assignment]
    sys.stdout = _OfOneThread(stream, sys.stdout)       # type: ignore[assignment]
    sys.stderr = _OfOneThread(stream, sys.stderr)       # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


class Guard:
    """Ctrl-C of a client ends its code, and nothing else."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._running = False

    def run(self, code: CodeType, names: dict[str, Any]) -> None:
        """Run the client's code; Interrupted for Ctrl-C, or when the client leaves."""
        try:
            self._running = True
            self.on_alert(None)         # pressed before this has begun
            exec(code, names)
        finally:
            self._running = False

    def on_alert(self, frame: FrameType | None) -> None:
        """For alerts.watch."""
        if self._running and self._channel.interrupted():
            raise Interrupted


class Console(code.InteractiveConsole):
    """Python's prompt at a client; it must be `served`."""

    def __init__(self, stream: ClientStream, names: dict[str, object], guard: Guard) -> None:
        super().__init__(names)
        self._stream = stream
        self._guard = guard

    def raw_input(self, prompt: str = "") -> str:
        self._stream.write(prompt)
        line = self._stream.readline()
        if not line:
            raise EOFError
        return line[:-1]

    def runcode(self, code: CodeType) -> None:
        try:
            self._guard.run(code, self.locals)      # type: ignore[arg-type]
        except SystemExit:
            raise
        except Interrupted:
            self.write("KeyboardInterrupt\n")
        except BaseException as err:    # it must not end the program that was interrupted
            if err.__traceback__ is not None:
                err.__traceback__ = err.__traceback__.tb_next   # this frame is left out there
            self.showtraceback()

    def converse(self, banner: str) -> None:
        """Until Ctrl-D or exit(); Gone when the client leaves."""
        try:
            self.interact(banner, "")
        except SystemExit:
            pass
