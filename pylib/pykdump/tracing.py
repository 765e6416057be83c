"""Owns the events of a session, and who is told of them: a program's trace callback.

The wire trace hears the same events.  Most come from the engine; those of programs, imports and
reloads are told here.  Must not know what is done with them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import _pykdump

Callback = Callable[[str, Any], object]

_listener: Callable[[str, tuple[object, ...]], None] | None = None


def settrace(callback: Callback | None) -> Callback | None:
    """Let `callback(event, args)` be told of what a program does; the one before is returned.

    None ends it, as does the end of the program that has set it.  `args` is a tuple that
    depends on the event; it must be taken apart only when the event is a known one, since there
    may be more some day:

    program  (phase, name, detail)                "start": its arguments (list of str);
                                                  "end": the exception that ended it, or None;
                                                  not told after Ctrl-C
    import   (module, file)                       before its code runs; file may be None
    reload   (module, file)                       likewise
    command  (tool, line, bytes, seconds)         "crash", "gdb"; bytes: of what was printed
    read     (address, bytes, space, cached, seconds)   space: "KVADDR" and so on
    type     (what, name, answer, seconds)        "type", "variable" ...; answer: the bytes of
                                                  the type, None if there is none
    symbol   (asked, answer, seconds)             a name and its address, or an address and
                                                  (name, offset); answer None if there is none
    error    (event, asked, message)              instead of a read or command that has failed

    An exception in the callback becomes that of the traced operation.  What the callback does
    is not reported to it.  TypeError for what cannot be called.
    """
    before: Callback | None = _pykdump.trace_set(callback)
    _watch_imports()
    return before


def gettrace() -> Callback | None:
    """The callback set with `settrace`, or None."""
    return _pykdump.trace_get()


def listen(listener: Callable[[str, tuple[object, ...]], None] | None) -> None:
    """Tell the framework's own listener of events, too; it must not raise."""
    global _listener
    _listener = listener
    _watch_imports()


def tell(event: str, args: tuple[object, ...]) -> None:
    """Something has happened; raises what the callback raises."""
    if _listener is not None:
        _listener(event, args)
    _pykdump.trace_event(event, args)


@contextmanager
def program(name: str, arguments: list[str]) -> Iterator[None]:
    """A program runs.  A callback that it sets goes with it."""
    before = gettrace()
    ending: BaseException | None = None
    try:
        try:
            tell("program", ("start", name, arguments))
            yield
        except BaseException as err:
            if isinstance(err, KeyboardInterrupt):
                settrace(None)      # it may be the callback that was interrupted
            ending = err
            raise
        finally:
            tell("program", ("end", name, ending))
    finally:
        if gettrace() is not before:
            settrace(before)


class _ImportWatcher:
    """The first of all finders, while somebody is told: finds nothing of its own.

    The framework's own modules are nobody's concern.
    """

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        if name.partition(".")[0] == __package__:
            return None
        for finder in list(sys.meta_path):
            if finder is _ImportWatcher or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                tell("import", (name, spec.origin))
                return spec
        return None


def _watch_imports() -> None:
    watched = _listener is not None or gettrace() is not None
    if _ImportWatcher in sys.meta_path:
        if not watched:
            sys.meta_path.remove(_ImportWatcher)
    elif watched:
        sys.meta_path.insert(0, _ImportWatcher)
