"""Progress of long work, as lines for people: what is being done, and how long it took."""

import sys
import threading
import time
from contextlib import contextmanager
from typing import Callable, Iterator, Optional, TextIO

TICK = 0.2
SPINNER = "|/-\\"


class Progress:
    """Reports stages to a callback, or to a stream (stderr unless told).

    A callback gets one finished line a call. A stream which is a terminal also shows the running
    stage with its elapsed time. `seconds` holds the time each finished stage took.
    """

    def __init__(self, report: Optional[Callable[[str], None]] = None,
                 stream: Optional[TextIO] = None) -> None:
        self.seconds: dict[str, float] = {}
        self._stream = stream or sys.stderr
        self._report = report or self._print
        self._live = report is None and self._stream.isatty()

    def note(self, text: str) -> None:
        """Report one line which is not a stage."""
        self._report(text)

    @contextmanager
    def stage(self, text: str) -> Iterator[None]:
        """Report `text` with the time its block took; a block which raises is reported failed."""
        start = time.monotonic()
        if not self._live:
            self._report(f"{text} ...")
        try:
            with self._spinning(text, start):
                yield
        except BaseException:
            self._report(f"{text}: failed after {time.monotonic() - start:.1f} s")
            raise
        self.seconds[text] = round(time.monotonic() - start, 1)
        self._report(f"{text}: {self.seconds[text]:.1f} s")

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)

    @contextmanager
    def _spinning(self, text: str, start: float) -> Iterator[None]:
        """On a terminal, show the stage and its elapsed time until the block ends."""
        if not self._live:
            yield
            return
        ended = threading.Event()
        spinner = threading.Thread(target=self._spin, args=(text, start, ended), daemon=True)
        spinner.start()
        try:
            yield
        finally:
            ended.set()
            spinner.join()
            self._stream.write("\r\033[K")
            self._stream.flush()

    def _spin(self, text: str, start: float, ended: threading.Event) -> None:
        turn = 0
        while not ended.wait(TICK):
            mark = SPINNER[turn % len(SPINNER)]
            self._stream.write(f"\r\033[K{mark} {text} {time.monotonic() - start:.0f} s")
            self._stream.flush()
            turn += 1
