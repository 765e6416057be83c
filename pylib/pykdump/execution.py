"""Owns the running of a program's code in `__main__` and what its end means.

There is one `__main__` for the session: names that a program leaves there are seen by the next.
Must not know how the program was found.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from . import errors, memocaches, modes, output, path, programs, tracing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_ABSENT = object()

_at_end: list[Callable[[], object]] = []        # called when the program that runs has ended


def run(program: programs.Program, argv: list[str], chosen: Sequence[modes.Mode] = ()) -> int:
    """Run a program to its end and report how it ended; the command's exit status.

    `chosen`: the modes to run it in.  KeyboardInterrupt passes: it ends the command, of which this
    program may be a part.
    """
    process = os.getpid()
    outer = len(_at_end)
    status = 0
    try:
        with _identity_of(program, argv), output.kept(), _own_sigint(), _own_trace(), \
                tracing.program(program.name, argv):
            code = program.code()
            memocaches.forget_modules(("__main__",))
            with _old_names(program.old_names) as namespace, modes.around(chosen, program):
                exec(code, namespace)
    except KeyboardInterrupt:
        status = 130
        raise
    except BaseException as err:    # the program must not take crash with it, whatever it does
        status = report(err, program, chosen)
        for mode in chosen:
            mode.failed(err)
    finally:
        while len(_at_end) > outer:
            _at_end.pop()()
        if os.getpid() != process:  # a child of the program: crash is not its to continue
            _leave(status)
    return status


def at_end(callback: Callable[[], object]) -> None:
    """Have `callback` called when the program that runs has ended, however it does."""
    _at_end.append(callback)


def _leave(status: int) -> NoReturn:
    output.flush()
    os._exit(status & 0xff)


@contextmanager
def _own_sigint() -> Iterator[None]:
    """A handler of Ctrl-C that a program installs is its own, and goes with it."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is not before:
            signal.signal(signal.SIGINT, before)


@contextmanager
def _own_trace() -> Iterator[None]:
    """A trace function that a program leaves (a debugger's) goes with it."""
    before = sys.gettrace()
    try:
        yield
    finally:
        if sys.gettrace() is not before:
            sys.settrace(before)


@contextmanager
def _identity_of(program: programs.Program, argv: list[str]) -> Iterator[None]:
    """sys.argv, sys.path and `__file__` of a program, as long as it runs."""
    namespace = sys.modules["__main__"].__dict__
    file_before = namespace.get("__file__", _ABSENT)
    argv_before = sys.argv
    namespace["__name__"] = "__main__"
    namespace["__doc__"] = None
    namespace["__file__"] = program.path
    sys.argv = [program.argv0, *argv]
    try:
        with path.for_program(program.directory):
            yield
    finally:
        sys.argv = argv_before
        if file_before is _ABSENT:
            namespace.pop("__file__", None)
        else:
            namespace["__file__"] = file_before


@contextmanager
def _old_names(names: dict[str, object]) -> Iterator[dict[str, object]]:
    """`__main__` with the names of older Pythons that a program uses, as long as it runs."""
    namespace = sys.modules["__main__"].__dict__
    added = {name: value for name, value in names.items() if name not in namespace}
    namespace.update(added)
    try:
        yield namespace
    finally:
        for name, value in added.items():
            if namespace.get(name) is value:
                del namespace[name]


@contextmanager
def borrowed_main() -> Iterator[None]:
    """A nested program may use `__main__`; the outer one gets its own names back."""
    namespace = sys.modules["__main__"].__dict__
    before = dict(namespace)
    try:
        yield
    finally:
        namespace.clear()
        namespace.update(before)


def report(err: BaseException, program: programs.Program | None = None,
           chosen: Sequence[modes.Mode] = ()) -> int:
    """Print what ended a program, in the way people expect it; the exit status."""
    if output.failure() is not None:
        return 1                    # told by output.end, if at all
    if isinstance(err, SystemExit):
        return _report_exit(err.code)
    if isinstance(err, KeyboardInterrupt):
        print("KeyboardInterrupt")
        return 130
    sys.last_type, sys.last_value, sys.last_traceback = type(err), err, err.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = err
    styles = (mode.traceback for mode in chosen)
    errors.show(err, program, next(filter(None, styles), None))
    return 1


def _report_exit(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        if code > 0:
            print(f" -- sys.exit({int(code)}) --")
        return int(code)
    print(code)
    return 1
