"""Owns the wire trace as people see it: its switches, its file, its summaries.

The engine writes the lines.  Must not know what the messages are about.
"""

from __future__ import annotations

import fcntl
import os
import sys
from fnmatch import fnmatchcase

import _pykdump

from . import registry, tracing
from .registry import registerModuleAttr

_KINDS: tuple[str, ...] = _pykdump.wire_kinds()
_STDERR = 2
_MOST_NAMES = 10            # of files that are there already
_MOST_PLACES = 20           # lines of a summary that name one

debugWire: int
wireFilter: str
wireSummary: int


class _File:
    """The trace file of this session, once there is one."""

    path = ""
    fd = -1
    identity = (0, 0)


class _Filter:
    """What is traced; everything, where nothing is said."""

    kinds = frozenset(_KINDS)
    programs: tuple[str, ...] = ()


_place = ""                 # where the trace goes, for people
_stderr = -1                # a descriptor of our own: programs may put another file under 2
_running: list[str] = []    # programs, each started by the one before
_last = ""                  # the program that a summary is about


# ---- the switches -------------------------------------------------------------------------------


def _on_wire(level: object) -> None:
    global _place
    if level not in (0, 1, 2):
        raise ValueError("0 is off, 1 a file, 2 stderr")
    if level:
        fd, _place = _open_file() if level == 1 else (_own_stderr(), "stderr")
        _pykdump.wire_open(fd)
        print(f"mpykdump: messages are traced to {_place}", flush=True)
    else:
        _pykdump.wire_open(-1)
    _update()


def _on_filter(text: object) -> None:
    kinds, programs = _parse(str(text))
    _Filter.kinds = kinds or frozenset(_KINDS)
    _Filter.programs = programs
    _update()


def _on_summary(level: object) -> None:
    if level not in (0, 1, 2):
        raise ValueError("0 is none, 1 in the trace, 2 in the output of the program")
    _update()


registerModuleAttr("debugWire", default=0, on_change=_on_wire, listed=False,
                   help="trace what crosses into crash: 1 to a file, 2 to stderr")
registerModuleAttr("wireFilter", default="", type=str, on_change=_on_filter, listed=False,
                   help="of which messages: 'kind=READ,TYPE program=taskinfo'")
registerModuleAttr("wireSummary", default=1, on_change=_on_summary, listed=False,
                   help="sum up the messages of each command: 1 in the trace, 2 in its output")


def _parse(text: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """The kinds and programs of a filter; ValueError says what can be said."""
    known = f"the kinds are {', '.join(_KINDS)}"
    kinds: frozenset[str] = frozenset()
    programs: tuple[str, ...] = ()
    for word in text.split():
        key, _, value = word.partition("=")
        names = tuple(name for name in value.split(",") if name)
        if not names or key not in ("kind", "program"):
            raise ValueError(f"{word!r} is neither kind=... nor program=...; {known}")
        if key == "program":
            programs += names
            continue
        for name in names:
            if name.upper() not in _KINDS:
                raise ValueError(f"there is no kind of message {name}; {known}")
        kinds |= {name.upper() for name in names}
    return kinds, programs


def _update() -> None:
    """Let the engine watch what is wanted just now, and nothing when nothing is."""
    on = bool(debugWire) or wireSummary == 2
    kinds = _Filter.kinds if on and _wants_program() else frozenset()
    _pykdump.wire_watch(kinds, bool(wireSummary))
    tracing.listen(_hear if on else None)


def _wants_program() -> bool:
    if not _Filter.programs:
        return True
    return bool(_running) and any(fnmatchcase(_running[-1], pattern)
                                  for pattern in _Filter.programs)


# ---- where it goes ------------------------------------------------------------------------------


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _open_file() -> tuple[int, str]:
    """A new file of our own, or the one that this process has made before."""
    if _is_ours():
        return _File.fd, _File.path
    base = os.path.join(os.environ.get("TMPDIR") or "/tmp", f"pykdump-debug-{os.getpid()}")
    for number in range(_MOST_NAMES):
        path = f"{base}.{number}" if number else base
        try:
            # Never through what is there: it is from another process of that number, or a trap.
            fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
                         | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        except OSError as err:
            raise ValueError(f"{path}: {err.strerror}") from err
        _File.path, _File.fd, _File.identity = path, fd, _identity(os.fstat(fd))
        return fd, path
    raise ValueError(f"{base} is there, and so are .1 to .{_MOST_NAMES - 1}: remove them")


def _is_ours() -> bool:
    try:
        return (_identity(os.fstat(_File.fd)) == _File.identity
                == _identity(os.lstat(_File.path)))
    except (OSError, ValueError):
        return False        # none was made, somebody has closed it, or removed the file


def _own_stderr() -> int:
    global _stderr
    try:
        if _stderr < 0:
            _stderr = fcntl.fcntl(_STDERR, fcntl.F_DUPFD_CLOEXEC, _STDERR + 1)
    except OSError as err:
        raise ValueError(f"stderr: {err.strerror}") from err
    return _stderr


# ---- a session's life ---------------------------------------------------------------------------


def start(build: str) -> None:
    """The plug-in is loaded: do what the environment asks for, unless a person has."""
    for variable, name in (("PYKDUMP_DEBUG_FILTER", "wireFilter"), ("PYKDUMP_DEBUG", "debugWire")):
        text = os.environ.get(variable)
        if not text or registry.find(name).typed is not None:
            continue
        try:
            registry.set_values({name: text})
        except registry.RegistryError as err:
            print(f"mpykdump: {variable}: {err} (nothing is traced)", flush=True)
            return
    version = sys.version.partition(" ")[0]
    _say(f"mpykdump {build} is loaded, Python {version}, dump {_pykdump.dump_info()['dumpfile']}",
         of_session=True)


def stop() -> None:
    """The plug-in is unloaded."""
    _say("mpykdump is unloaded", of_session=True)


def forked() -> None:
    """This is a new child: its messages are its own."""
    _pykdump.wire_summary()
    _say(f"forked from {os.getppid()}")


def command_done() -> None:
    """A command of crash is at its end: sum it up, and tell when the trace could not be kept."""
    failure = _pykdump.wire_error()
    if failure:
        registry.reset(["debugWire"])
        print(f"mpykdump: the trace has ended: {_place}: {os.strerror(failure)}")
    rows = _pykdump.wire_summary()
    if not rows or not wireSummary:
        return
    for line in _summed_up(rows):
        if wireSummary == 2:
            print(line)
        else:
            _pykdump.wire_write(line)


def _say(text: str, of_session: bool = False) -> None:
    if debugWire and "LIFE" in _Filter.kinds and (of_session or _wants_program()):
        _pykdump.wire_write(text)


def _hear(event: str, args: tuple[object, ...]) -> None:
    """The events of the framework, as lines."""
    global _last
    if event != "program":
        _say(f"{event} {args[0]} from {args[1] or 'nowhere'}")
        return
    phase, name, detail = args
    if phase == "start":
        _running.append(os.path.basename(str(name)).removesuffix(".py"))
        _update()
        _say(f"program {name} starts {detail}")
        return
    _say(f"program {name} ends" + (f" with {type(detail).__name__}: {detail}" if detail else ""))
    _last = _running.pop() if _running else ""
    _update()


# ---- summaries ----------------------------------------------------------------------------------

_Row = tuple[str, str, int, int, float]


def _summed_up(rows: list[_Row]) -> list[str]:
    lines = [f"messages of {_last}", f"  {'kind':<9} {'messages':>9} {'bytes':>12} {'ms':>10}"]
    for kind in _KINDS:
        mine = [row for row in rows if row[0] == kind]
        if mine:
            lines.append(_line(kind, *(sum(column) for column in list(zip(*mine))[2:])))
    lines.append("  by the line that asks")
    rows.sort(key=lambda row: row[4], reverse=True)
    lines += [_line(kind, *numbers) + f"  {place}"
              for kind, place, *numbers in rows[:_MOST_PLACES]]
    if len(rows) > _MOST_PLACES:
        lines.append(f"  and {len(rows) - _MOST_PLACES} lines more")
    return lines


def _line(kind: str, count: float, size: float, seconds: float) -> str:
    return f"  {kind:<9} {count:>9,} {size:>12,} {seconds * 1000:>10.2f}"
