"""Owns how an error of a program is shown.

Must not know how programs are found or run.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from . import archive, modes, registry
from .plaintext import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from traceback import TracebackException

    from .programs import Program


_STYLES = ("short", "long", "locals")
_MOST_ERRORS = 10           # of a chain, each raised while the one before was handled
_MOST_GROUPS = 5            # of errors, one in the other
_LINE = 200
_MOST_ALIKE = 3             # frames of one line, one after the other
_CAUSE = "  which caused:"
_CONTEXT = "  and while this was handled:"


def _style(text: object) -> str:
    if text not in _STYLES:
        raise registry.RegistryError(f"{text!r} is none of {', '.join(_STYLES)}")
    return str(text)


tracebackStyle: str
registry.registerModuleAttr("tracebackStyle", default="long", type=_style, listed=False,
                            help="how errors of programs are shown: short, long or locals")


class Style(modes.Mode):
    """`--tb=STYLE`: how an error of this program is shown."""

    def __init__(self, value: str | None) -> None:
        if value is None:
            raise modes.ModeError("--tb: a value is missing")
        try:
            self.traceback = _style(value)
        except registry.RegistryError as err:
            raise modes.ModeError(f"--tb: {err}") from err


def show(err: BaseException, program: Program | None, style: str | None = None) -> None:
    """Print the traceback of what ended a program, in a style or that of the session."""
    _know_source(program)
    style = style or tracebackStyle
    for line in _short(err) if style == "short" else _long(err, style == "locals"):
        print(line)
    _advise(err)


def in_one_line(err: BaseException) -> str:
    """What happened, for a report that goes on: "KeyError: 'x'", at most 200 characters."""
    text = one_line(" ".join(str(err).split()))
    name = type(err).__qualname__
    line = f"{name}: {text}" if text else name
    return line if len(line) <= _LINE else line[:_LINE - 4] + " ..."


def _advise(err: BaseException) -> None:
    """Print what to write instead, when the error comes from an old program."""
    from .legacy import advice

    line = advice.line(err)
    if line is not None:
        print(line)


def _long(err: BaseException, with_locals: bool) -> Iterator[str]:
    """As Python shows it, with the variables of each frame if they are wanted."""
    import traceback

    report = traceback.TracebackException(type(err), err, of_program(err.__traceback__),
                                          compact=True)
    if with_locals:
        _add_locals(report, err)
    for lines in report.format():
        yield lines.rstrip("\n")


def _add_locals(report: TracebackException, err: BaseException) -> None:
    """Python's own way would write out whole values, and read the dump for it."""
    from traceback import walk_tb

    from . import preview

    pending: list[tuple[TracebackException | None, BaseException | None]] = [(report, err)]
    while pending:
        shown, what = pending.pop()
        if shown is None or what is None:
            continue
        for summary, (frame, _line) in zip(shown.stack, walk_tb(of_program(what.__traceback__))):
            summary.locals = preview.of_frame(frame)
        pending += (shown.__cause__, what.__cause__), (shown.__context__, what.__context__)
        if isinstance(what, BaseExceptionGroup):
            pending.extend(zip(getattr(shown, "exceptions", None) or (), what.exceptions))


def _short(err: BaseException, depth: int = _MOST_GROUPS) -> Iterator[str]:
    """One line for each frame, and what happened."""
    chain = _chain(err)
    if len(chain) > _MOST_ERRORS:
        yield f"  ... {len(chain) - _MOST_ERRORS} earlier errors"
    for link, joint in chain[-_MOST_ERRORS:]:
        yield from _frames(link)
        yield from _message(link, depth)
        if joint:
            yield joint


def _chain(err: BaseException) -> list[tuple[BaseException, str]]:
    """An error and what led to it, the first one first, each with how it led to the next."""
    chain = [(err, "")]
    seen = {id(err)}
    while True:
        if err.__cause__ is not None:
            before, joint = err.__cause__, _CAUSE
        elif err.__context__ is not None and not err.__suppress_context__:
            before, joint = err.__context__, _CONTEXT
        else:
            return chain[::-1]
        if id(before) in seen:
            return chain[::-1]
        seen.add(id(before))
        chain.append((before, joint))
        err = before


def _frames(err: BaseException) -> Iterator[str]:
    from itertools import groupby
    from traceback import extract_tb

    frames = extract_tb(of_program(err.__traceback__))
    for place, group in groupby(frames, key=lambda frame: (frame.filename, frame.lineno)):
        alike = list(group)
        for frame in alike[:_MOST_ALIKE]:
            yield f"{place[0]}:{place[1]} in {frame.name}: {frame.line}"
        if len(alike) > _MOST_ALIKE:
            yield f"  ... {len(alike) - _MOST_ALIKE} more times"


def _message(err: BaseException, depth: int) -> Iterator[str]:
    from traceback import format_exception_only

    lines = "".join(format_exception_only(type(err), err)).splitlines()
    if isinstance(err, SyntaxError):
        place = f"{err.filename}:{err.lineno}: "
        lines = [place + line for line in lines if not line.startswith(" ")][:1]
    yield from lines
    if isinstance(err, BaseExceptionGroup) and depth:
        for inner in err.exceptions[:_MOST_ERRORS]:
            yield from (f"  {line}" for line in _short(inner, depth - 1))


def _know_source(program: Program | None) -> None:
    """Let tracebacks have the lines of a program that is no file."""
    import linecache

    if program is not None and program.kind == "archive":
        source = archive.program_source(program.name)
        if source is not None:
            file = program.code().co_filename   # what it was called when it was compiled
            linecache.cache[file] = (len(source), None, source.splitlines(True), file)


def of_program(tb: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames that started the program."""
    while tb is not None and _is_ours(tb.tb_frame.f_globals.get("__package__")):
        tb = tb.tb_next
    return tb


def _is_ours(package: object) -> bool:
    return isinstance(package, str) and package.partition(".")[0] == __package__
