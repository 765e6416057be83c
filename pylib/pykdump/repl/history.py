"""Owns the lines that were typed to the REPL: in line editing, and in a file between sessions.

Must not know what they mean.
"""

from __future__ import annotations

import os
from types import ModuleType, TracebackType

from .. import terminal

_LINES = 5000           # that are kept
_BYTES = 1 << 20        # that are read


def state_dir() -> str:
    """The folder for what the person's sessions remember, which may not exist yet."""
    state = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        state = os.path.expanduser("~/.local/state")
    return os.path.join(state, "mpykdump")


class History:
    """The lines of this session after those of earlier ones, while line editing has them."""

    def __init__(self, keep: bool) -> None:
        self._file = os.path.join(state_dir(), "repl_history") if keep else None
        self._before: list[str] = []
        self._readline: ModuleType | None = None

    def __enter__(self) -> History:
        try:
            import readline
        except ImportError:
            return self
        self._readline = readline
        self._before = self.lines()         # of a debugger
        readline.clear_history()
        for line in self._load():
            readline.add_history(line)
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None,
                 tb: TracebackType | None) -> None:
        if self._readline is None:
            return
        self._readline.clear_history()
        for line in self._before:
            self._readline.add_history(line)
        self._readline = None

    @property
    def edited(self) -> bool:
        """Whether lines are edited as they are typed."""
        return self._readline is not None

    def lines(self) -> list[str]:
        """What was typed, the oldest first."""
        if self._readline is None:
            return []
        count = self._readline.get_current_history_length()
        return [self._readline.get_history_item(number + 1) or "" for number in range(count)]

    def input(self, prompt: str) -> str:
        """Ask for a line, which is remembered; EOFError, KeyboardInterrupt."""
        if self._readline is None:
            return input(prompt)
        self._readline.set_auto_history(False)      # what programs ask for is not remembered
        try:
            with terminal.awake():
                text = input(prompt)
        finally:
            self._readline.set_auto_history(True)
        for line in text.splitlines():              # several, if they are pasted
            self._add(self._readline, line)
        return text

    def _add(self, readline: ModuleType, line: str) -> None:
        last = readline.get_history_item(readline.get_current_history_length())
        if not line.strip() or line == last:
            return
        readline.add_history(line)
        if self._file is not None:
            self._append(line)

    # -- the file --

    def _load(self) -> list[str]:
        if self._file is None:
            return []
        try:
            with open(_opened(self._file, os.O_RDONLY), "rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(max(0, size - _BYTES))
                text = file.read(_BYTES).decode("utf-8", "replace")
        except FileNotFoundError:
            return []
        except OSError as err:
            self._give_up("read", err)
            return []
        lines = ["".join(filter(str.isprintable, line.expandtabs(4)))
                 for line in text.splitlines()]
        if len(lines) > 2 * _LINES or size > _BYTES:
            self._shorten(lines[-_LINES:])
        return lines[-_LINES:]

    def _append(self, line: str) -> None:
        assert self._file is not None
        try:
            os.makedirs(os.path.dirname(self._file), 0o700, exist_ok=True)
            descriptor = _opened(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            with open(descriptor, "wb") as file:
                file.write(line.encode("utf-8", "backslashreplace") + b"\n")
        except OSError as err:
            self._give_up("written", err)

    def _shorten(self, lines: list[str]) -> None:
        assert self._file is not None
        new = f"{self._file}.{os.getpid()}"
        try:
            with open(_opened(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
                file.write("".join(f"{line}\n" for line in lines)
                           .encode("utf-8", "backslashreplace"))
            os.replace(new, self._file)
        except OSError as err:
            self._give_up("shortened", err)

    def _give_up(self, what: str, err: OSError) -> None:
        print(f"repl: the history cannot be {what}, this session's is not kept: "
              f"{self._file}: {err.strerror}")
        self._file = None


def _opened(file: str, flags: int) -> int:
    """A descriptor of a regular file of the person's own that nobody else may read."""
    import stat

    descriptor = os.open(file, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is no regular file")
        os.fchmod(descriptor, 0o600)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
