"""Owns IPython as the REPL's face: what is here is given to it.

Must not know when it is wanted.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import crash

from .. import terminal
from . import commands, console, display, inspection
from .completion import candidates


_PROMPTS = ("ps1", "ps2", "ps3")


def usable() -> bool:
    """Whether there is IPython and a terminal for it; else says what there is instead."""
    if not os.isatty(0) or not sys.stdout.isatty():
        print("repl: IPython wants a terminal, so this is the REPL without it")
    elif importlib.util.find_spec("IPython") is None:
        print("repl: IPython is not installed (python3-ipython), so this is the REPL without it")
    else:
        return True
    return False


def interact() -> object:
    """Talk until that is enough."""
    try:
        with terminal.conversation():
            print(console.greeting())
            _talk(console.namespace())
            print("Returning to crash")
    except terminal.NoTerminal as err:
        return f"repl: {err}"
    return None


_shell: Any = None      # one for the session: it keeps its lines in a database


def _talk(names: dict[str, Any]) -> None:
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.output import create_output

    global _shell
    # To this stream: the one of the last time is closed.
    with _prompts_kept(), create_app_session(output=create_output(sys.stdout)):
        if _shell is None:
            _shell = _made(names)
        else:
            _shell.init_user_ns()
            _shell.init_prompt_toolkit_cli()
        own = {name: names[name] for name in _shell.user_ns_hidden if name in names}
        try:
            _shell.mainloop()
        finally:
            for name in own:            # In, Out, get_ipython: not for programs
                names.pop(name, None)


@contextmanager
def _prompts_kept() -> Iterator[None]:
    """IPython gives the module sys prompts, which are no use elsewhere."""
    before = {name: vars(sys)[name] for name in _PROMPTS if name in vars(sys)}
    try:
        yield
    finally:
        for name in _PROMPTS:
            vars(sys).pop(name, None)
        vars(sys).update(before)


def _made(names: dict[str, Any]) -> Any:
    from IPython.terminal.embed import InteractiveShellEmbed
    from traitlets.config import Config

    config = Config()
    config.Completer.use_jedi = False           # it reads members to know their types
    config.TerminalInteractiveShell.confirm_exit = False
    config.InteractiveShellEmbed.confirm_exit = False
    shell = InteractiveShellEmbed(config=config, user_module=sys.modules["__main__"],
                                  user_ns=names, banner1="", exit_msg="")
    _teach(shell, names)
    return shell


def _teach(shell: Any, names: dict[str, Any]) -> None:
    """Let it show structs, complete what is of the kernel, and know our commands."""
    def show(value: object, printer: Any, _cycle: bool) -> None:
        alone = not printer.output_width and not printer.buffer_width
        printer.text("\n".join(display.lines(value)) if alone else str(value))

    def complete(completer: Any, text: str) -> list[str]:
        typed, found = candidates(completer.text_until_cursor, names)
        if not text.endswith(typed):
            return []
        before = text[:len(text) - len(typed)]
        return sorted({before + name for name in found
                       if name.startswith(typed) and (typed or not name.startswith("_"))})

    def asked(source: bool) -> Callable[[str], None]:
        return lambda about: inspection.tell(about.strip(), names, source)

    shell.display_formatter.formatters["text/plain"].for_type(crash.StructResult, show)
    shell.set_custom_completer(complete, 0)
    for name in ("run", "crash", "reload"):
        shell.register_magic_function(
            lambda rest, name=name: commands.COMMANDS[name].obey(rest, shell), "line", name)
    shell.register_magic_function(asked(False), "line", "pinfo")
    shell.register_magic_function(asked(True), "line", "pinfo2")
