"""Owns the debugger: Python's pdb, at crash's prompt, for `breakpoint()` and `epython --pdb`.

Must not know how programs are run.
"""

from __future__ import annotations

import bdb
import inspect
import os
import pdb
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import CellType, CodeType, FrameType, FunctionType, SimpleNamespace, TracebackType
from weakref import WeakSet

import crash

from . import alerts, errors, output, suspended, terminal
from .modes import Mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .programs import Program

_SHOWN_AT_ENTRY = 10
# What follows a name in Python, and is no argument of a command of that name.
_GOES_ON = (".", "=", "(", "[", ",")


class Debugger(pdb.Pdb):
    """pdb that stays within the program, knows crash's commands, and finds the terminal."""

    def __init__(self) -> None:
        if sys.gettrace() is None:      # those of another program
            bdb.Breakpoint.clearBreakpoints()
        # .pdbrc of the current directory would be run, which may be somebody else's.
        super().__init__(nosigint=True, readrc=False)
        self.rcLines = _own_rc_lines()
        # 3.13 warns of files that were edited since any debugger has seen them: earlier runs count
        self._file_mtime_table: dict[str, float] = {}
        self._busy = False              # with a command
        self._talking = False
        self._unsaid: list[str] = []    # before the terminal is there

    # -- where it stops --

    def stop_here(self, frame: FrameType) -> bool:
        return super().stop_here(frame) and _in_program(frame)

    def trace_dispatch(self, frame: FrameType, event: str, arg: Any) -> Any:
        try:
            return super().trace_dispatch(frame, event, arg)
        except bdb.BdbQuit:             # `q` ends the program, and no error of it
            raise SystemExit from None

    def get_stack(self, f: FrameType | None,
                  t: TracebackType | None) -> tuple[list[tuple[FrameType, int]], int]:
        stack, current = super().get_stack(f, t)
        while len(stack) > 1 and not _is_program(stack[0][0]) and _in_program(stack[-1][0]):
            del stack[0]
            current -= 1
        return stack, max(current, 0)

    # -- the conversation --

    def _conversation(self) -> AbstractContextManager[None]:
        """sys.stdin and sys.stdout are whom it talks to."""
        return terminal.conversation()

    def interaction(self, *where: Any) -> None:
        try:
            with self._conversation():
                self.stdin, self.stdout = sys.stdin, sys.stdout
                self._talking = True
                while self._unsaid:
                    self.message(self._unsaid.pop(0))
                super().interaction(*where)
        except terminal.NoTerminal as err:
            print(f"pdb: {err}, so there is no debugger")
            self.set_continue()
        finally:
            self._talking = False
            for name in ("__return__", "__exception__"):    # for the next program they are not
                sys.modules["__main__"].__dict__.pop(name, None)

    def message(self, msg: str, end: str = "\n") -> None:
        if self._talking:
            print(msg, end=end, file=self.stdout)
        else:
            self._unsaid.append(msg)

    def _cmdloop(self) -> None:
        while True:
            try:
                self.cmdloop()
                return
            except KeyboardInterrupt:   # a command, or half a line, is given up; nothing: all of it
                if not self._busy and not _half_typed():
                    self.message("")
                    raise
                self._busy = False
                self.message("\n--KeyboardInterrupt--")

    def onecmd(self, line: str) -> bool:
        self._busy = True
        done = super().onecmd(line)
        self._busy = False
        return done

    # -- commands --

    def do_break(self, arg: str, temporary: bool = False) -> None:
        """b(reak) [([filename:]lineno | function) [, condition]]

        Stop at a line, or in a function of the program, whether it has been defined yet or not;
        without argument, list where the program stops.
        """
        with self._own_function(arg.partition(",")[0].strip().split(".")):
            super().do_break(arg, temporary)

    do_b = do_break

    @contextmanager
    def _own_function(self, names: list[str]) -> Iterator[None]:
        """A function that the program is yet to define stands for one that an earlier has left."""
        code = self._code_of(names)
        if code is None:
            yield
            return
        namespace = sys.modules["__main__"].__dict__
        stand_in: Any = FunctionType(code, namespace,
                                     closure=tuple(CellType() for _ in code.co_freevars))
        for name in reversed(names[1:]):
            stand_in = SimpleNamespace(**{name: stand_in})
        left = namespace[names[0]]
        namespace[names[0]] = stand_in
        try:
            yield
        finally:
            namespace[names[0]] = left

    def _code_of(self, names: list[str]) -> CodeType | None:
        """The program's code of such a function, when an earlier program's has the name now."""
        namespace = sys.modules["__main__"].__dict__
        found = namespace.get(names[0])
        for name in names[1:]:
            found = inspect.getattr_static(found, name, None)
        if not isinstance(found, FunctionType) or found.__globals__ is not namespace:
            return None
        inner = [frame.f_code for frame, _ in self.stack
                 if _is_program(frame) and frame.f_code.co_name == "<module>"][-1:]
        if any(code is found.__code__ for outer in inner for code in _codes_in(outer)):
            return None
        for name in names:
            inner = [code for outer in inner for code in _constants(outer) if code.co_name == name]
        return inner[-1] if inner else None

    def do_crash(self, arg: str) -> None:
        """crash command

        Run a command of crash and print what it prints: crash bt, or crash "bt".
        """
        if arg.startswith(_GOES_ON):
            self.default(f"crash {arg}")
            return
        if len(arg) > 1 and arg[0] == arg[-1] and arg[0] in "\"'":
            arg = arg[1:-1]
        if not arg.strip():
            self.error("which command of crash? As in: crash bt")
            return
        try:
            self.message(crash.exec_crash_command(arg).rstrip("\n"))
        except (crash.error, RuntimeError) as err:      # RuntimeError: in another thread
            self.error(str(err))

    def do_tasks(self, arg: str) -> None:
        """tasks

        List asyncio tasks that are not done, and greenlets that wait, with their stacks.
        """
        if arg:
            self.default(f"tasks {arg}")
            return
        found = suspended.everything()
        self.message("\n".join(map(str, found)) or "no asyncio tasks, no greenlets")


def _own_rc_lines() -> list[str]:
    try:
        with open(os.path.expanduser("~/.pdbrc"), encoding="utf-8", errors="replace") as file:
            return list(file)
    except OSError:
        return []


def _is_program(frame: FrameType) -> bool:
    return frame.f_globals is sys.modules["__main__"].__dict__


def _in_program(frame: FrameType | None) -> bool:
    while frame is not None and not _is_program(frame):
        frame = None if alerts.is_handler(frame) else frame.f_back
    return frame is not None


def _constants(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    """Of all functions and classes in some code, and it."""
    yield code
    for constant in _constants(code):
        yield from _codes_in(constant)


def _half_typed() -> bool:
    readline = sys.modules.get("readline")
    return readline is not None and bool(readline.get_line_buffer())


def breakpoint_at(frame: FrameType, header: str | None) -> None:
    """What `breakpoint()` does that is called in `frame`."""
    if not os.isatty(0):
        print("breakpoint(): standard input is no terminal, so there is no debugger")
        return
    debugger = Debugger()
    if header is not None:
        debugger.message(header)
    debugger.set_trace(frame)


class PostMortem(Mode):
    """epython --pdb: the debugger where a program's exception came from."""

    def __init__(self, value: str | None) -> None:
        super().__init__(value)
        self._earlier: WeakSet[Any] = WeakSet()     # of programs before this one
        self._cancelled: list[suspended.Suspended] = []

    @contextmanager
    def around(self, program: Program) -> Iterator[None]:
        """Keep what is waiting when asyncio.run gives up, which cancels it all."""
        import asyncio.runners as runners

        self._earlier.update(one.thing for one in suspended.everything())
        cancel: Any = getattr(runners, "_cancel_all_tasks", None)
        if cancel is None:
            yield
            return

        def remember(loop: Any) -> None:
            self._cancelled = [one for one in suspended.everything()
                               if one.thing not in self._earlier]
            cancel(loop)

        setattr(runners, "_cancel_all_tasks", remember)
        try:
            yield
        finally:
            setattr(runners, "_cancel_all_tasks", cancel)

    def failed(self, err: BaseException) -> None:
        if isinstance(err, SystemExit) or output.failure() is not None:
            return
        tb = errors.of_program(err.__traceback__)
        if tb is None:
            print("epython --pdb: the program has not begun, so there is nothing to look at")
            return
        try:
            with terminal.conversation():
                self._converse(tb)
        except terminal.NoTerminal as reason:
            print(f"epython --pdb: {reason}, so there is no debugger")

    def _converse(self, tb: TracebackType) -> None:
        print("Uncaught exception. Entering post mortem debugging"
              " (crash COMMAND: a command of crash; tasks: what waits; q: leave)")
        _list("When asyncio.run ended, it cancelled", self._cancelled)
        _list("Waiting", [one for one in suspended.everything()
                          if one.thing not in self._earlier])
        debugger = Debugger()
        debugger.reset()
        debugger.interaction(None, tb)


def _list(title: str, found: list[suspended.Suspended]) -> None:
    if not found:
        return
    print(f"{title}:")
    for one in found[:_SHOWN_AT_ENTRY]:
        print(one)
    if len(found) > _SHOWN_AT_ENTRY:
        print(f"... and {len(found) - _SHOWN_AT_ENTRY} more")
