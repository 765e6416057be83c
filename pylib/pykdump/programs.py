"""Owns the way from the name a person typed to the code of a program.

Files are looked for where people keep theirs, then in the plug-in's archive.  Must not know how
a program is run.
"""

from __future__ import annotations

import os
import stat
import sys
import warnings
from types import CodeType

from . import archive, options, path
from .loggers import Log

_log = Log(__name__)

# A kernel dump or a log may have the name of a program; no program is as large.
_MAX_SOURCE = 16 << 20


class ProgramError(Exception):
    """No program can be run under that name; the text says why."""


class Program:
    """A program that was found.  `argv0` is what it sees as its own name.

    `old_names` are names of older Pythons that its code uses, known when the code is.
    """

    __slots__ = ("name", "path", "argv0", "kind", "old_names", "_code")

    def __init__(self, name: str, path: str, argv0: str, kind: str,
                 code: CodeType | None = None) -> None:
        self.name = name
        self.path = path
        self.argv0 = argv0
        self.kind = kind            # "file", "archive" or "module"
        self.old_names: dict[str, object] = {}
        self._code = code

    def code(self) -> CodeType:
        """The compiled program; SyntaxError or OSError when it cannot be had."""
        if self._code is None:
            self._code, self.old_names = _compiled(self.path)
        return self._code

    @property
    def directory(self) -> str | None:
        """Where the modules beside it are; None for a program that is no file of a person's."""
        if self.kind != "file":
            return None
        return os.path.dirname(self.argv0) or path.CURRENT


# path -> (what identifies its content, code, names of older Pythons that it uses)
_code_cache: dict[str, tuple[archive.Identity, CodeType, dict[str, object]]] = {}


def find(name: str, registered: bool) -> tuple[Program, list[str]]:
    """The program called `name`, and warnings about files that were passed over.

    A registered command is not looked for in the current directory: nothing there runs without
    being asked for.
    """
    warnings: list[str] = []
    candidates = _candidates(name, registered)
    rejected: Program | None = None
    for candidate in candidates:
        if not _is_regular(candidate):
            _log.debug("no program %s", candidate)
            continue
        program = Program(name, candidate, candidate, "file")
        if candidate.endswith(".py"):
            return program, warnings
        fault = _fault(program)
        if fault is None:
            return program, warnings
        rejected = rejected or program
        warnings.append(f"epython: warning: {candidate} is passed over: {fault}")
    inside = None if _names_a_file(name) else from_archive(name)
    if inside is not None:
        return inside, warnings
    if rejected is not None:
        return rejected, []         # its own error is the best answer there is
    raise ProgramError(_not_found(name, candidates))


def _names_a_file(name: str) -> bool:
    return "/" in name


def _candidates(name: str, registered: bool) -> list[str]:
    if _names_a_file(name):
        bases = [os.path.expanduser(name)]
    else:
        here = [] if registered else [path.CURRENT]
        bases = [os.path.join(directory, name) for directory in here + path.user_dirs()]
    return [candidate for base in bases for candidate in (base, base + ".py")]


def _is_regular(file: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(file).st_mode)
    except (OSError, ValueError):
        return False


def _fault(program: Program) -> str | None:
    """Why a file without .py is not a program, None when it is one."""
    try:
        if os.stat(program.path).st_size > _MAX_SOURCE:
            return "it is too large for a program"
        code = program.code()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "it is not Python"
    except OSError as err:
        return str(err.strerror)
    # `epython crashinfo > crashinfo` has just made an empty ./crashinfo.
    return None if code.co_names or code.co_consts != (None,) else "it is empty"


_warnings_shown = False     # then each time, so nothing is taken from the cache


def show_warnings(debug: int) -> None:
    """What Python finds old in a text (invalid escapes, `is` with a literal) is for its author."""
    global _warnings_shown
    _warnings_shown = debug > 0
    for category in (SyntaxWarning, DeprecationWarning):
        warnings.simplefilter("default" if _warnings_shown else "ignore", category)


options.on("debug", show_warnings)


def _compiled(file: str) -> tuple[CodeType, dict[str, object]]:
    from .legacy import source as legacy_source

    identity = archive.identity(file)
    cached = _code_cache.get(file)
    if cached is not None and cached[0] == identity and not _warnings_shown:
        return cached[1:]
    with open(file, "rb") as stream:
        source = stream.read()
    code = compile(source, file, "exec", dont_inherit=True)
    old_names = legacy_source.prepare(source, file)
    _code_cache[file] = identity, code, old_names
    return code, old_names


def from_archive(name: str) -> Program | None:
    """A program that comes with the plug-in."""
    stem = name[:-3] if name.endswith(".py") else name
    if not stem or "." in stem:
        return None
    code = archive.program_code(stem)
    if code is None:
        return None
    return Program(stem, archive.program_path(stem), stem, "archive", code)


def find_module(name: str) -> Program:
    """A module of the standard library, or the `__main__` of a package, to be run as a program."""
    from importlib.abc import InspectLoader
    from importlib.util import find_spec

    code = None
    if name.partition(".")[0] in sys.stdlib_module_names:
        try:
            spec = find_spec(name)
            if spec is not None and spec.submodule_search_locations is not None:
                spec = find_spec(f"{name}.__main__")
            if spec is not None and isinstance(spec.loader, InspectLoader):
                code = spec.loader.get_code(spec.name)
        except ImportError:
            pass                        # the parent is no package, or cannot be imported
    if code is None:
        raise ProgramError(f"epython: -m: <{name}> is no module of Python's library to be run")
    return Program(name, code.co_filename, name, "module", code)


def commands() -> list[tuple[str, str, str, str]]:
    """(name, short text, synopsis, help) of the programs that are crash commands too."""
    listing = from_archive("commands")
    if listing is None:
        return []
    namespace: dict[str, object] = {}
    exec(listing.code(), namespace)
    known = namespace["COMMANDS"]
    assert isinstance(known, tuple)
    return [command for command in known if from_archive(command[0]) is not None]


def _not_found(name: str, candidates: list[str]) -> str:
    for candidate in candidates:
        if os.path.isdir(candidate):
            return f"epython: {candidate} is a directory, not a program"
    if _names_a_file(name):
        places = " and ".join(candidates)
    else:
        searched = dict.fromkeys(os.path.dirname(candidate) for candidate in candidates)
        places = ", ".join([*searched, os.path.join(path.so_path(), "progs")])
    return f" Cannot find the program <{name}>\n  looked in {places}"
