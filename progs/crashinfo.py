"""crashinfo: what a dump is of, section by section, and what is wrong with it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from io import StringIO
from optparse import OptionParser, Values
from typing import TYPE_CHECKING, Any, NamedTuple

if "crash" not in sys.modules:
    import outside  # noqa: F401

if TYPE_CHECKING:
    from LinuxDump.report.details import Detail
    from LinuxDump.report.sections import Section
    from LinuxDump.triage.detectors import Triage

__version__ = "2.0"

_FAST = 15.0        # seconds that --fast takes at most


def _parse() -> tuple[Values, OptionParser]:
    from LinuxDump.report.details import DETAILS

    parser = OptionParser(prog="crashinfo",
                          description="Report on a dump, and rank what is wrong with it.")
    parser.add_option("-v", dest="verbose", action="count", default=0, help="more of everything")
    parser.add_option("-q", dest="quiet", action="store_true",
                      help="only problems and findings")
    parser.add_option("--fast", action="store_true",
                      help=f"without what takes time, in {_FAST:.0f} s at most")
    parser.add_option("--json", action="store_true",
                      help="the same as JSON (docs/crashinfo.md describes it)")
    parser.add_option("--version", action="store_true", help="show the version and exit")
    for detail in DETAILS:
        if detail.values:
            parser.add_option(detail.option, dest=detail.name, nargs=len(detail.values),
                              metavar=" ".join(detail.values), help=f"only {detail.help}")
        else:
            parser.add_option(detail.option, dest=detail.name, action="store_true",
                              help=f"only {detail.help}")
    options, _rest = parser.parse_args()
    return options, parser


# -- one detail ---------------------------------------------------------------------------------

def _detail(options: Values) -> Detail | None:
    """The detail that is wanted rather than the report; the first of several."""
    from LinuxDump.report.details import DETAILS

    return next((detail for detail in DETAILS if getattr(options, detail.name) is not None), None)


def _show_detail(detail: Detail, options: Values) -> None:
    from pykdump.API import pylog
    from pykdump.errors import in_one_line

    typed = getattr(options, detail.name)
    values = () if not detail.values else typed if isinstance(typed, tuple) else (typed,)
    try:
        detail.show(values, options.verbose)
    except Exception as err:
        pylog.error(f"{detail.option}: {in_one_line(err)}")


# -- the report ---------------------------------------------------------------------------------

class _Clock:
    """How much time there is for what comes next."""

    def __init__(self, fast: bool) -> None:
        from pykdump.API import API_options

        self._each = float(API_options.timeout)
        self._end = time.monotonic() + _FAST if fast else None

    def left(self) -> float:
        """Seconds; 0 when there are none."""
        if self._end is None:
            return self._each
        return max(min(self._end - time.monotonic(), self._each), 0)


class _Report(NamedTuple):
    """What was left out, and what is left of the time."""

    clock: _Clock
    skipped: list[str]

    def run(self, options: Values, each: Callable[[Section, float], None]) -> None:
        """Call a function with each section that there is time for, and how much."""
        from LinuxDump.report.sections import SECTIONS

        for section in SECTIONS:
            if section.details and not options.verbose:
                continue
            left = self.clock.left()
            if options.fast and (section.slow or not left):
                self.skipped.append(section.title or section.name)
            else:
                each(section, left)


def _report(options: Values) -> None:
    from LinuxDump.report import sections

    report = _Report(_Clock(options.fast), [])
    with redirect_stdout(StringIO()) if options.quiet else nullcontext():
        sections.print_title(f"*** Crashinfo v{__version__} ***", "=")
    _print_findings(_triage(report))
    with redirect_stdout(StringIO()) if options.quiet else nullcontext():
        report.run(options, lambda section, left: sections.show(section, options.verbose, left))
    if report.skipped:
        print(f"\nLeft out by --fast: {', '.join(report.skipped)}")


def _triage(report: _Report) -> Triage:
    from LinuxDump.triage.detectors import detect

    return detect(left=report.clock.left)


def _print_findings(triage: Triage) -> None:
    from LinuxDump.report.sections import print_title

    print_title("Findings")
    if not triage.findings:
        print("Nothing found that is wrong.")
    for number, finding in enumerate(triage.findings, 1):
        first, *rest = finding.lines()
        print(f"{number:3}. {first}")
        for line in rest:
            print(f" {line}")
    for name, reason in triage.failed.items():
        print(f"  not looked for: {name} ({reason})")


def _print_json(options: Values) -> None:
    from LinuxDump.report import sections

    report = _Report(_Clock(options.fast), [])
    told: dict[str, Any] = {}

    def add(section: Section, left: float) -> None:
        told[section.name] = sections.record(section, left)

    with redirect_stdout(StringIO()):       # of what sections complain: it is not JSON
        triage = _triage(report)
        report.run(options, add)
    json.dump({"version": __version__,
               "findings": [finding.record() for finding in triage.findings],
               "failed": triage.failed, "skipped": report.skipped, "sections": told},
              sys.stdout, indent=1)
    print()


def main() -> None:
    options, _parser = _parse()
    if options.version:
        print(f"CRASHINFO version {__version__}")
        if options.verbose:
            import _pykdump
            print(f"C-Module version: {_pykdump.version}")
        return
    detail = _detail(options)
    if detail is not None:
        _show_detail(detail, options)
    else:
        (_print_json if options.json else _report)(options)


if __name__ == "__main__":
    main()
