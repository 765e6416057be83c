"""Owns `epython --profile`: which functions of a program take how long.

cProfile sees functions.  That attributes of kernel objects are read from the dump it does not see:
those reads are counted and timed in C, by the Python function that runs, and become a row of their
own.  Must not know how programs are run.
"""

from __future__ import annotations

import cProfile
import importlib.util
import os
import pstats
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder

import _pykdump

from . import path
from .modes import Mode, ModeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType

    from .programs import Program

    # as module pstats has them: (file, line, name), (calls that are not recursive, calls,
    # own seconds, seconds, callers)
    Function = tuple[str, int, str]
    Edge = tuple[int, int, float, float]
    Row = tuple[int, int, float, float, dict[Function, Edge]]
    Table = dict[Function, Row]

_TOP = 20
_CONVERTER = "pyprof2calltree"
READS: Function = ("~", 0, "<reads of the dump through crash>")

_running = False


class Profile(Mode):
    """Measures while the program runs, and prints and writes when it ends, however it ends."""

    def __init__(self, value: str | None) -> None:
        super().__init__(value)
        if _running:
            raise ModeError("--profile: this command is being profiled already")
        self._file = None if value is None else os.path.abspath(os.path.expanduser(value))
        self._converter = _converter() if self._file else None
        if self._file and (os.path.isdir(self._file)
                           or not os.path.isdir(os.path.dirname(self._file))):
            raise ModeError(f"--profile: {value}: no file can be written there")

    @contextmanager
    def around(self, program: Program) -> Iterator[None]:
        global _running
        profile = cProfile.Profile()
        before = _pykdump.cache_statistics()
        _running = True
        _pykdump.profile_start()
        try:
            profile.enable()
            yield
        finally:
            profile.disable()
            reads = _pykdump.profile_stop()
            _running = False
            self._report(_table(profile, reads), before)

    def _report(self, table: Table, before: dict[str, int]) -> None:
        after = _pykdump.cache_statistics()
        print()
        stats = _stats(table)
        stats.strip_dirs().sort_stats("tottime").print_stats(_TOP)
        cached = after["hits"] - before["hits"]
        print(f"Reads of memory: {table[READS][1] if READS in table else 0} through crash, "
              f"{cached} from pages kept (their time is in the functions that read)")
        if self._file is None:
            return
        try:
            self._write(_stats(table), self._file)
        except OSError as err:
            print(f"epython: --profile: {err.filename or self._file}: {err.strerror}")

    def _write(self, stats: pstats.Stats, file: str) -> None:
        stats.dump_stats(file)
        print(f"Written: {file} (for python3 -m pstats)")
        if self._converter is None:
            print(f"No callgrind file: Debian's package {_CONVERTER} is not installed")
            return
        self._converter.convert(stats, f"{file}.callgrind")
        print(f"Written: {file}.callgrind (for kcachegrind, callgrind_annotate)")


def _converter() -> ModuleType | None:
    """The module that writes callgrind files, as the distribution has it and no other."""
    spec = PathFinder.find_spec(_CONVERTER, path.protected_dirs())
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Measured:
    """What pstats.Stats takes for a profile."""

    def __init__(self, table: Table) -> None:
        self.stats = table

    def create_stats(self) -> None:
        pass


def _stats(table: Table) -> pstats.Stats:
    return pstats.Stats(_Measured(dict(table)))     # type: ignore[arg-type]


def _table(profile: cProfile.Profile, reads: list[tuple[CodeType, int, float]]) -> Table:
    """cProfile's rows, and one of the reads, whose time is taken out of who read."""
    profile.create_stats()
    table: Table = {**profile.stats}    # type: ignore[list-item]
    callers: dict[Function, Edge] = {}
    for code, count, seconds in reads:
        function: Function = (code.co_filename, code.co_firstlineno, code.co_name)
        if function not in table:
            continue                # the frame: not the program
        reader = _reader(table, function, seconds)
        seconds = _take(table, reader, function, seconds)
        known = callers.get(reader, (0, 0, 0.0, 0.0))
        callers[reader] = (known[0] + count, known[1] + count,
                           known[2] + seconds, known[3] + seconds)
    if callers:
        count = sum(edge[1] for edge in callers.values())
        seconds = sum(edge[3] for edge in callers.values())
        table[READS] = (count, count, seconds, seconds, callers)
    return table


def _reader(table: Table, function: Function, seconds: float) -> Function:
    """Who has spent the time: the function, or else the C function it called that took longest."""
    if table[function][2] >= seconds:
        return function
    called = [name for name, row in table.items() if name[0] == "~" and function in row[4]]
    return max(called, key=lambda name: table[name][4][function][2], default=function)


def _take(table: Table, reader: Function, function: Function, seconds: float) -> float:
    """Take time out of a row's own; how much could be taken."""
    primitive, calls, own, total, callers = table[reader]
    if reader != function:
        edge = callers[function]
        seconds = min(seconds, own, edge[2])
        callers = {**callers, function: (edge[0], edge[1], edge[2] - seconds, edge[3])}
    seconds = min(seconds, own)
    table[reader] = (primitive, calls, own - seconds, total, callers)
    return seconds
