"""Owns what can be typed to the REPL that is no Python: %commands, !commands and questions.

Must not know how Python code is run.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

import crash

from ..logging import pylog
from . import inspection
from .history import History

_USUAL = 20             # lines of history


class Console(Protocol):
    """What commands need of the REPL."""

    names: dict[str, object]
    history: History

    def execute(self, text: str) -> None:
        """Run a text of Python."""


class _Command(NamedTuple):
    usage: str
    help: str
    obey: Callable[[str, Console], None]


_WORD = re.compile(r"%(\w+)(?:\s+(.*))?\Z", re.DOTALL)


def obey(line: str, console: Console) -> bool:
    """Do what a line says if it is no Python; whether it was none."""
    text = line.strip()
    if text.startswith("!"):
        _shell(text[1:].strip())
    elif text.startswith("%"):
        _percent(text, console)
    else:
        return _question(text, console)
    return True


def _question(text: str, console: Console) -> bool:
    about = text.strip("?").strip()
    if text in ("?", "??"):
        _help("", console)
    elif text.startswith("?"):
        inspection.tell(about, console.names, source=text.startswith("??"))
    elif text.endswith("?") and inspection.is_nameable(about):
        inspection.tell(about, console.names, source=text.endswith("??"))
    else:
        return False
    return True


def _percent(text: str, console: Console) -> None:
    found = _WORD.match(text)
    command = COMMANDS.get(found[1]) if found else None
    if found is None or command is None:
        print(f"{text.split()[0]} is no command of the REPL, %help lists them")
        return
    command.obey((found[2] or "").strip(), console)


# -- the commands --

def _help(rest: str, console: Console) -> None:
    wide = max(len(command.usage) for command in COMMANDS.values())
    lines = [f"  {command.usage:<{wide}}  {command.help}" for command in COMMANDS.values()]
    others = (("!COMMAND", "a command of the shell"),
              ("THING?", "what it is: a struct, type, symbol, function, any object"),
              ("THING??", "its source, too"),
              ("Tab", "completes names, members, and types and symbols in strings"),
              ("_", "the last result"), ("exit(), Ctrl-D", "return to crash"))
    lines += [f"  {what:<{wide}}  {text}" for what, text in others]
    print("\n".join(lines))


def _run(rest: str, console: Console) -> None:
    from .. import session

    try:
        words = shlex.split(rest)
    except ValueError as err:
        print(f"%run: {err}")
        return
    if not words:
        print("%run: which program? As in: %run taskinfo --summary")
        return
    try:
        session.run_nested(["epython", *words], own_names=False)
    finally:
        pylog.print_summary()
        pylog.cleanup()


def _crash(rest: str, console: Console) -> None:
    command, bar, filter = rest.partition("|")
    if not command.strip():
        print("%crash: which command? As in: %crash bt")
        return
    try:
        text = crash.exec_crash_command(command.strip())
    except crash.error as err:
        print(err)
        return
    if bar:
        _shell(filter.strip(), text)
    else:
        print(text.rstrip("\n"))


def _time(rest: str, console: Console) -> None:
    real, cpu = time.monotonic(), time.process_time()
    try:
        if rest and not obey(rest, console):
            console.execute(rest)
    finally:
        print(f"{time.monotonic() - real:.3f}s (real) {time.process_time() - cpu:.3f}s (CPU)")


def _debug(rest: str, console: Console) -> None:
    from .. import debugger, errors

    tb = errors.of_program(getattr(sys, "last_traceback", None))
    if tb is None:
        print("%debug: there was no error")
        return
    post_mortem = debugger.Debugger()
    post_mortem.reset()
    post_mortem.interaction(None, tb)


def _reload(rest: str, console: Console) -> None:
    from .. import reload

    reload.reload_user_modules(sys.stdout)


def _history(rest: str, console: Console) -> None:
    lines = console.history.lines()
    if rest and not rest.isdecimal():
        print(f"%history: {rest!r} is no number of lines")
        return
    for line in lines[-(int(rest) if rest else _USUAL):]:
        print(line)


def _shell(command: str, text: str | None = None) -> None:
    if not command:
        print("which command of the shell? As in: !ls")
        return
    sys.stdout.flush()
    try:
        straight = sys.stdout.isatty()
        done = subprocess.run(command, shell=True, input=text, text=True, errors="replace",
                              stdout=None if straight else subprocess.PIPE,
                              stderr=None if straight else subprocess.STDOUT, check=False)
    except OSError as err:
        print(f"sh: {err.strerror}")
        return
    if done.stdout:
        print(done.stdout, end="")


COMMANDS = {
    "run": _Command("%run PROGRAM ARGS", "run a program; the names it leaves can be used", _run),
    "crash": _Command("%crash COMMAND [| SHELL]", "a command of crash", _crash),
    "time": _Command("%time LINE", "how long a line takes", _time),
    "debug": _Command("%debug", "the debugger where the last error came from", _debug),
    "reload": _Command("%reload", "load modules again that were edited, as --reload does",
                       _reload),
    "history": _Command("%history [N]", f"the last N lines typed ({_USUAL})", _history),
    "help": _Command("%help", "this", _help),
}
