"""Owns the running of commands of crash and gdb on behalf of programs.

Those that may take long run in a child, which ends when its time is over; what it has printed
until then is kept.  Must not know what the commands print.
"""

from __future__ import annotations

import codecs
import os
import signal
import time
from contextlib import suppress
# By name: programs that patch the module (eventlet) take it away.
from select import POLLIN
from select import poll as new_poll
from types import TracebackType

import crash

from .loggers import Log
from .logging import pylog

_log = Log(__name__)
_CHUNK = 1 << 16


def exec_gdb_command(line: str) -> str | None:
    """What a command of gdb prints, without "\\r"; None if it fails."""
    _log.debug("gdb %s", line)
    text = crash.get_GDB_output(line)
    return None if text is None else text.replace("\r", "")


def exec_command(line: str) -> None:
    """Run a crash command, and print what it prints, or why it failed."""
    _log.debug("%s", line)
    try:
        print(crash.exec_crash_command(line), end="")
    except crash.error as err:
        print(err)


def exec_crash_command_bg(line: str, timeout: float | None = None) -> str:
    """What a crash command prints that runs in a child; maybe only the beginning of it.

    It has `timeout` seconds, else those of --timeout.  What did not come to its end is in the
    log, as a timeout or an error.
    """
    seconds = crash.default_timeout if timeout is None else timeout
    readable, pid = crash.exec_crash_command_bg2(line)
    _log.debug("%s, in process %d, for at most %s s", line, pid, seconds)
    in_time = False
    try:
        text, in_time = _read(readable, time.monotonic() + seconds)
    finally:
        os.close(readable)
        if not in_time:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        status = _reap(pid)
    if not in_time:
        pylog.timeout(f"{line} ({seconds}s)")
    elif status:
        pylog.error(f"<{line}> ended with status {status}")
    return text


def _read(readable: int, deadline: float) -> tuple[str, bool]:
    """What can be read until the deadline, and whether that is all."""
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    parts: list[str] = []
    poll = new_poll()
    poll.register(readable, POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        if not poll.poll(left * 1000):
            break
        data = os.read(readable, _CHUNK)
        parts.append(decoder.decode(data, final=not data))
        if not data:
            return "".join(parts), True
    parts.append(decoder.decode(b"", final=True))
    return "".join(parts), False


def _reap(pid: int) -> int:
    """The exit status of this child, no other; negative for a signal."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return 0                # somebody else has waited for all children


class SuppressCrashErrors:
    """A context in which messages of failing crash commands go to a file, else nowhere."""

    def __init__(self, target: str = os.devnull) -> None:
        self._target = target
        self._before: str | None = None

    def __enter__(self) -> SuppressCrashErrors:
        self._before = crash.crash_set_error(self._target)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 tb: TracebackType | None) -> None:
        if self._before is not None:
            crash.crash_set_error(self._before)
