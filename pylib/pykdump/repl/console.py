"""Owns the REPL: asks for lines, runs them in `__main__`, shows what comes of it.

Must not know where lines come from, nor what the commands do.
"""

from __future__ import annotations

import builtins
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .. import API, execution, terminal
from . import commands, display, talk
from .cells import Cells
from .history import History

_NO_CODE = (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError)
_LEAVE = ("exit", "quit")


def interact(keep_history: bool) -> object:
    """Talk until that is enough; what the session is left with, as sys.exit takes it."""
    history = History(keep_history)
    try:
        with talk.conversation(history) as partner:
            return Console(partner, history).run()
    except terminal.NoTerminal as err:
        return f"repl: {err}"


def greeting() -> str:
    """What a REPL begins with."""
    return (f"PyKdump Embedded REPL: Python {platform.python_version()}\n"
            "Use Ctrl-D to return to crash\n\nfrom pykdump.API import *")


def namespace() -> dict[str, Any]:
    """The one `__main__`, with the API's names where it has none of its own."""
    names = sys.modules["__main__"].__dict__
    for name in API.__all__:
        if name not in names:
            names[name] = getattr(API, name)
    return names


class Console:
    """One REPL, from its greeting to its end."""

    def __init__(self, partner: talk.Talk, history: History) -> None:
        self.names = namespace()
        self.history = history
        self._partner = partner
        self._cells = Cells()
        self._lines: list[str] = []         # of a statement that is not complete

    def run(self) -> object:
        """As `interact`."""
        print(greeting())
        with _python_at_hand(), _last_result(self.names), _completion(self):
            code = self._until_left()
        if not self._partner.broken():
            print("Returning to crash")
        return code

    def _until_left(self) -> object:
        interrupted = False
        while not self._partner.broken():
            try:
                if interrupted:     # told here, where another Ctrl-C is no harm
                    interrupted = False
                    self._lines.clear()
                    print("\nKeyboardInterrupt")
                self._take(self._partner.ask(self._prompt()))
            except KeyboardInterrupt:
                interrupted = True
            except EOFError:
                return self._finish()
            except _Left as left:
                return left.code
        return None

    def _prompt(self) -> str:
        name, usual = ("ps2", "... ") if self._lines else ("ps1", ">>> ")
        return str(getattr(sys, name, usual))

    def _take(self, line: str) -> None:
        if not self._lines:
            if line.strip() in _LEAVE and line.strip() not in self.names:
                raise _Left(None)
            if commands.obey(line, self):
                return
        self._lines.append(line)
        self.execute("\n".join(self._lines), whole=False)

    def _finish(self) -> object:
        """The input has ended; so has a statement that was not complete."""
        try:
            if self._lines:
                self._lines.append("")
                self.execute("\n".join(self._lines), whole=True)
        except (KeyboardInterrupt, EOFError):
            pass
        except _Left as left:
            return left.code
        return None

    def execute(self, text: str, whole: bool = True) -> None:
        """Run a text; what is not complete is waited for, unless this is the whole of it."""
        try:
            codes = self._cells.compiled(text)
            if codes is None and whole:
                codes = self._cells.compiled(text + "\n")
            if codes is None and not whole:
                return
        except _NO_CODE as err:
            self._lines.clear()
            execution.report(err.with_traceback(None))
            return
        self._lines.clear()
        if codes is None:
            print("SyntaxError: this is not complete")
            return
        for code in codes:
            if not self._run(code):
                return

    def _run(self, code: Any) -> bool:
        """Run a statement; whether the next may run."""
        try:
            exec(code, self.names)
        except KeyboardInterrupt:
            raise
        except SystemExit as err:
            raise _Left(err.code) from None
        except BaseException as err:    # all that code can raise is something to tell
            execution.report(err)
            return False
        return True


class _Left(Exception):
    """The REPL is to be left."""

    def __init__(self, code: object) -> None:
        super().__init__()
        self.code = code


class _Exit:
    """exit() and quit()."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"{self._name}() or Ctrl-D returns to crash"

    def __call__(self, code: object = None) -> None:
        raise SystemExit(code)


_ABSENT = object()


@contextmanager
def _python_at_hand() -> Iterator[None]:
    """What Python's own REPL has, and how results are shown."""
    from .inspection import Help

    added = {"exit": _Exit("exit"), "quit": _Exit("quit"), "help": Help()}
    before = {name: getattr(builtins, name, _ABSENT) for name in added}
    hook = sys.displayhook
    for name, value in added.items():
        setattr(builtins, name, value)
    sys.displayhook = display.show
    try:
        yield
    finally:
        sys.displayhook = hook
        for name, value in before.items():
            if value is _ABSENT:
                delattr(builtins, name)
            else:
                setattr(builtins, name, value)


@contextmanager
def _last_result(names: dict[str, Any]) -> Iterator[None]:
    """`_` is the last result, not what a loop of some program has left there."""
    left = names.pop("_", _ABSENT)
    try:
        yield
    finally:
        if left is not _ABSENT:
            names.setdefault("_", left)


@contextmanager
def _completion(console: Console) -> Iterator[None]:
    """Tab completes, where lines are edited."""
    readline = sys.modules.get("readline")
    if readline is None or not console.history.edited:
        yield
        return
    from .completion import Completer

    before = readline.get_completer(), readline.get_completer_delims()
    completer = Completer(console.names, readline)
    readline.set_completer(completer.complete)
    readline.set_completer_delims(completer.delimiters)
    readline.parse_and_bind("tab: complete")
    try:
        yield
    finally:
        readline.set_completer(before[0])
        readline.set_completer_delims(before[1])
