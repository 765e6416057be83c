"""Owns the options that every program understands without parsing them.

They are recognised anywhere on the line by their exact names and removed before the program
sees its arguments.  Modules that act on one subscribe with `on`.  Must not know what programs
do with theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace

from .registry import parse_int

# The module that sets `resolve_usens` when it is imported; the framework knows no tasks itself.
_USENS_PROVIDER = "LinuxDump.Tasks"
_LARGEST = 2 ** 31 - 1


class OptionError(Exception):
    """An option that cannot be honoured; the program must not run."""


class _Option:
    __slots__ = ("flag", "dest", "default", "metavar", "help", "wanted", "least")

    def __init__(self, flag: str, dest: str, default: object, metavar: str | None, help: str,
                 wanted: str = "", least: int | None = None) -> None:
        self.flag = flag
        self.dest = dest
        self.default = default
        self.metavar = metavar      # None: takes no value
        self.help = help
        self.wanted = wanted        # what a good value is, for the error
        self.least = least          # smallest number allowed, None: any text

    def convert(self, text: str) -> object:
        if self.metavar == "FILE":
            if text.startswith("-"):
                raise OptionError(f"{self.flag}: {text!r} is not {self.wanted}")
            return text
        try:
            number = parse_int(text)
        except ValueError:
            number = None
        if number is None or self.least is not None and number < self.least:
            raise OptionError(f"{self.flag}: {text!r} is not {self.wanted}")
        if number > _LARGEST:
            raise OptionError(f"{self.flag}: {text} is more than {_LARGEST}")
        return number


_OPTIONS = {option.flag: option for option in (
    _Option("--experimental", "experimental", False, None,
            "enable experimental features"),
    _Option("--debug", "debug", 0, "N",
            "set the debug level", "a whole number"),
    _Option("--timeout", "timeout", 120, "N",
            "set default timeout for crash commands",
            "a whole number of seconds greater than 0", 1),
    _Option("--maxel", "Maxel", 10000, "N",
            "set maximum number of list elements to traverse",
            "a whole number greater than 0", 1),
    _Option("--usens", "usens", None, "PID",
            "use namespace of the specified PID", "a PID", 0),
    _Option("--reload", "reload", False, None,
            "reload already imported modules from LinuxDump"),
    _Option("--dumpcache", "dumpcache", False, None,
            "accepted, does nothing now"),
    _Option("--ofile", "ofile", None, "FILE",
            "write the output to FILE", "a file name"),
)}


class Options(SimpleNamespace):
    """Values of the global options for one command."""

    experimental: bool
    debug: int
    timeout: int
    Maxel: int
    usens: int | None
    reload: bool
    dumpcache: bool
    ofile: str | None


def defaults() -> Options:
    """What holds where a command line says nothing."""
    return Options(**{option.dest: option.default for option in _OPTIONS.values()})


API_options = defaults()
"""The values in force.  One object for the session: programs hold references to it."""

# pid -> its nsproxy, or None when there is no such task; set by the module that knows tasks.
resolve_usens: Callable[[int], object | None] | None = None
_nsproxy: object | None = None


def parse(arguments: list[str]) -> tuple[Options, list[str]]:
    """Split the global options from a program's own arguments."""
    values = defaults()
    rest = []
    remaining = iter(arguments)
    for argument in remaining:
        flag, equals, text = argument.partition("=")
        option = _OPTIONS.get(flag)
        if option is None:
            rest.append(argument)
        elif option.metavar is None:
            if equals:
                raise OptionError(f"{flag} takes no value")
            setattr(values, option.dest, True)
        else:
            given = text if equals else next(remaining, "")
            if not given:
                raise OptionError(f"{flag}: a value is missing")
            setattr(values, option.dest, option.convert(given))
    return values, rest


def nsproxy_of(pid: int) -> object:
    """The namespaces of a task; OptionError when they cannot be had."""
    if resolve_usens is None:
        import importlib
        try:
            importlib.import_module(_USENS_PROVIDER)
        except Exception as err:    # kernel knowledge may fail on this kernel in any way
            raise OptionError(f"--usens: {_USENS_PROVIDER} is not available: {err}") from err
    if resolve_usens is None:
        raise OptionError(f"--usens: {_USENS_PROVIDER} does not know namespaces")
    try:
        nsproxy = resolve_usens(pid)
    except Exception as err:
        raise OptionError(f"--usens: {pid}: {err}") from err
    if nsproxy is None:
        raise OptionError(f"There is no PID={pid}")
    return nsproxy


def get_nsproxy() -> object | None:
    """The namespaces chosen with --usens, None for those of the init task."""
    return _nsproxy


def set_nsproxy(pid: int | None) -> None:
    """Choose the namespaces of a task from within a program."""
    global _nsproxy
    _nsproxy = None if pid is None else nsproxy_of(pid)


_subscribers: dict[str, list[Callable[[object], None]]] = {}


def on(name: str, act: Callable[..., None]) -> None:
    """Call `act(value)` with the value of option `name` (as typed, no dashes) at each command."""
    _subscribers.setdefault(_OPTIONS["--" + name].dest, []).append(act)


def apply(values: Options, nsproxy: object | None = None) -> None:
    """Put checked values in force for everybody."""
    global _nsproxy
    _nsproxy = nsproxy
    vars(API_options).update(vars(values))
    for dest, value in vars(values).items():
        for act in _subscribers.get(dest, ()):
            act(value)


def current() -> tuple[Options, object | None]:
    """What is in force, for `apply` to go back to."""
    return Options(**vars(API_options)), _nsproxy


def help_text() -> str:
    """What `epython --ehelp` prints."""
    lines = ["usage: epython <common options> command ...", "", "common options:"]
    for option in _OPTIONS.values():
        shown = f"{option.flag} {option.metavar}" if option.metavar else option.flag
        default = option.default
        known = f" (default {default})" if option.metavar and default is not None else ""
        lines.append(f"  {shown:<20}  {option.help}{known}")
    return "\n".join(lines)


def _set_crash_timeout(seconds: int) -> None:
    crash = sys.modules.get("crash")
    if crash is not None:
        crash.default_timeout = seconds  # type: ignore[attr-defined]


on("timeout", _set_crash_timeout)
