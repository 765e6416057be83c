"""Owns the life of a session and of each command in it; what the C side calls.

Must not know about the kernel, nor what any program does.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext

import crash

from . import API  # noqa: F401 - registers the framework's switches from the start
from . import repl  # noqa: F401 - likewise
from . import (archive, attach, execution, forks, gdbtypes, loggers, memocaches, modes, monkey,
               options, output, path, programs, registry, reload, settings, shadow, wire)
from .Generic import DCache
from .Misc import argv2s
from .logging import pylog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_USAGE = "usage: epython [-h] [-v] [-p] [-d N] [-m] [--ehelp] program [arguments]"
_HELP = f"""{_USAGE}

Run a Python program on this dump.

  -h, --help     show this help
  -v, --version  show versions
  -p, --path     show where modules are searched
  -d N           set the debug level
  -m             the program is a module of Python's library
  --ehelp        show the options that all programs have in common
{modes.help_text()}
A program is searched in the current directory, in the directories of PYKDUMPPATH
and in the plug-in itself; its .py may be left out."""


_log = loggers.Log(__name__)


class _Refused(Exception):
    """The command line cannot be honoured; no program is run."""


class _Job:
    """A command line that has been checked: everything that running it needs."""

    __slots__ = ("program", "warnings", "arguments", "typed", "values", "nsproxy", "file", "modes")

    def __init__(self, program: programs.Program, warnings: list[str], arguments: list[str],
                 typed: list[str], values: options.Options, nsproxy: object | None,
                 file: TextIO | None, chosen: list[modes.Mode]) -> None:
        self.program = program
        self.warnings = warnings
        self.arguments = arguments
        self.typed = typed              # with the global options
        self.values = values
        self.nsproxy = nsproxy
        self.file = file
        self.modes = chosen


class _Clock:
    """What a command takes."""

    def __init__(self) -> None:
        self._started = self._now()

    @staticmethod
    def _now() -> tuple[float, float, float]:
        import resource
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (time.monotonic(), time.process_time(), children.ru_utime + children.ru_stime)

    def report(self) -> None:
        real, cpu, children = (now - then for now, then in zip(self._now(), self._started))
        tail = f", Child processes: {children:6.2f}s" if children > 0.001 else ""
        print(f"\n ** Execution took {real:6.2f}s (real) {cpu:6.2f}s (CPU){tail}")


_build_info = ""


def start(so_path: str, build_info: str,
          pykdumppath: str | None) -> list[tuple[str, str, str, str]]:
    """Prepare the interpreter; the programs that become crash commands of their own."""
    global _build_info
    if not _build_info:     # once: the interpreter outlives an unload of the plug-in
        forks.install()
        output.know_dump()
        settings.load()
        _set_loggers(os.environ.get("PYKDUMP_LOG", ""))
    _build_info = build_info
    sys.dont_write_bytecode = True      # people's directories are not ours to write to
    sys.argv = [""]
    crash.exec_epython_command = lambda *argv: run_nested(list(argv))
    gdbtypes.attach(crash)
    path.setup(so_path, pykdumppath)
    shadow.install()
    wire.start(build_info)
    sys.breakpointhook = _breakpoint
    attach.start()
    return programs.commands()


def _set_loggers(levels: str) -> None:
    try:
        loggers.set_from(levels)
    except registry.RegistryError as err:
        output.complain(f"mpykdump: PYKDUMP_LOG is ignored: {err}")


def _breakpoint(*, header: str | None = None) -> None:
    """`breakpoint()`; the debugger is imported when it is first wanted."""
    from . import debugger

    debugger.breakpoint_at(sys._getframe(1), header)


def stop() -> None:
    """The plug-in is unloaded."""
    attach.stop()
    wire.stop()
    output.restore()
    shadow.remove()


def run_command(argv: list[str]) -> int:
    """Run one crash command to its end; never raises."""
    status = _run_command(argv)
    _tell(status)
    return status


def _tell(status: int) -> None:
    """Let mpykdump-run, if it has started this crash, know how a command has ended."""
    pipe = os.environ.get("MPYKDUMP_STATUS_FD", "")
    if pipe.isdecimal():
        try:
            os.write(int(pipe), b"%d\n" % (status & 0xff))
        except (OSError, OverflowError):
            pass            # nobody listens any more


def _run_command(argv: list[str]) -> int:
    try:
        try:
            output.begin()
            memocaches.refresh_typeinfo()
            return _run_line(argv)
        except KeyboardInterrupt as err:
            return execution.report(err)
        except OSError:
            if output.failure() is None:
                raise
            return 1                    # output.end says why
        finally:
            path.restore()
            shadow.restore()
            monkey.undo()
            output.end()
    except BaseException as err:        # whatever it is, crash's prompt must come back
        output.complain(f"epython: {type(err).__name__}: {err}")
        return 1


def run_nested(argv: list[str], own_names: bool = True) -> int:
    """Run a program from within a program, as a part of the same command.

    With `own_names` what it leaves in `__main__` goes with it.
    """
    command = argv if argv[:1] == ["epython"] else ["epython", *argv]
    options_before = options.current()
    oldargv = getattr(sys, "__oldargv", None)
    try:
        job = _prepare(command)
        if isinstance(job, str):
            print(job)
            return 0
        borrowed = execution.borrowed_main() if own_names else nullcontext()
        with borrowed, output.redirected(job.file):
            return _run_program(job, own_file=output.is_regular(job.file))
    except _REFUSALS as err:
        print(_told(err))
        return 2
    finally:
        setattr(sys, "__oldargv", oldargv)
        options.apply(*options_before)


def _run_line(argv: list[str]) -> int:
    clock = _Clock()
    pylog.cleanup()
    DCache.tmp.clear()
    try:
        job = _prepare(argv)
    except _REFUSALS as err:
        print(_told(err))
        clock.report()
        return 2
    if isinstance(job, str):
        print(job)
        return 0
    with output.redirected(job.file):
        try:
            own_file = output.is_file() if job.file is None else output.is_regular(job.file)
            status = _run_program(job, own_file)
        except KeyboardInterrupt as err:
            status = execution.report(err)
        pylog.print_summary()
        wire.command_done()
        clock.report()
    return status


_REFUSALS = (_Refused, modes.ModeError, options.OptionError, programs.ProgramError)


def _told(err: Exception) -> str:
    if isinstance(err, (modes.ModeError, options.OptionError)):
        return f"epython: {err} (program not run)"
    return str(err)


def _prepare(argv: list[str]) -> _Job | str:
    """Check a whole command line before anything is done; text when it only asks something."""
    values, arguments = options.parse(argv[1:])
    registered = argv[0] != "epython"
    chosen: list[modes.Mode] = []
    library = False
    if registered:
        name, typed = argv[0], argv[1:]
    else:
        answer = _own_options(arguments, values, chosen)
        if answer is not None:
            return answer
        library = arguments[0] == "-m"
        if library:
            del arguments[0]
        if not arguments:
            return _USAGE
        name = arguments.pop(0)
        typed = argv[1:]
        typed.remove(name)
    programs.show_warnings(values.debug)    # finding may compile
    program, warnings = ((programs.find_module(name), []) if library
                         else programs.find(name, registered))
    nsproxy = None if values.usens is None else options.nsproxy_of(values.usens)
    try:
        file = None if values.ofile is None else output.open_file(values.ofile)
    except OSError as err:
        raise options.OptionError(f"--ofile: {values.ofile}: {err.strerror}") from err
    return _Job(program, warnings, arguments, typed, values, nsproxy, file, chosen)


def _own_options(arguments: list[str], values: options.Options,
                 chosen: list[modes.Mode]) -> str | None:
    """Take epython's own options from the front; text when they ask for some."""
    while arguments and arguments[0].startswith("-") and arguments[0] != "-m":
        option = arguments.pop(0)
        if option == "-d":
            debug, _ = options.parse(["--debug", *arguments[:1]])
            values.debug = debug.debug
            del arguments[0]
            continue
        mode = modes.parse(option)
        if mode is not None:
            chosen.append(mode)
            continue
        answer = _ANSWERS.get(option)
        if answer is None:
            raise _Refused(f"epython: unknown option {option}\n{_USAGE}")
        return answer()
    return None if arguments else _USAGE


def _versions() -> str:
    return f"{_build_info}\nPython {sys.version}\n{path.so_path()}"


def _paths() -> str:
    version, bracket, compiler = sys.version.partition("[")
    return f"{version.rstrip()}\n{bracket}{compiler}\n{sys.path}"


_ANSWERS = {
    "-h": lambda: _HELP, "--help": lambda: _HELP,
    "-v": _versions, "--version": _versions,
    "-p": _paths, "--path": _paths,
    "--ehelp": options.help_text,
}


def _run_program(job: _Job, own_file: bool) -> int:
    """Run a checked command line."""
    options.apply(job.values, job.nsproxy)
    setattr(sys, "__oldargv", [job.program.argv0, *job.typed])
    if job.values.usens is not None:
        print(f" *=*=* Using namespaces of PID {job.values.usens}  *=*=*")
    if own_file:
        output.print_header(_as_typed(job))
    archive.refresh()
    for warning in job.warnings + shadow.warnings(job.program):
        print(warning)
    if job.values.reload:
        with path.for_program(job.program.directory):
            reload.reload_user_modules(sys.stdout)
    loggers.reapply()
    _log.info("%s starts, arguments %s", job.program.path, job.arguments)
    status = execution.run(job.program, job.arguments, job.modes)
    _log.info("%s has ended, status %s", job.program.path, status)
    return status


def _as_typed(job: _Job) -> str:
    return argv2s([os.path.basename(job.program.argv0), *job.typed])
