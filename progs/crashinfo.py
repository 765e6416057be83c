"""crashinfo: what a dump is of, section by section, and what is wrong with it."""

from __future__ import annotations

import json
from optparse import OptionParser, Values
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from LinuxDump.report.sections import Section

__version__ = "2.0"


def _parse() -> Values:
    parser = OptionParser(prog="crashinfo",
                          description="Report on a dump, and rank what is wrong with it.")
    parser.add_option("-v", dest="verbose", action="count", default=0, help="more of everything")
    parser.add_option("-q", dest="quiet", action="store_true",
                      help="only problems and findings")
    parser.add_option("--fast", action="store_true", help="without sections that take time")
    parser.add_option("--json", action="store_true",
                      help="the same as JSON (docs/crashinfo.md describes it)")
    parser.add_option("--version", action="store_true", help="show the version and exit")
    options, _rest = parser.parse_args()
    return options


# -- the report -------------------------------------------------------------------------------

def _report(options: Values) -> None:
    from contextlib import nullcontext, redirect_stdout
    from io import StringIO

    from LinuxDump.report import sections

    chosen, skipped = _chosen(options)
    with redirect_stdout(StringIO()) if options.quiet else nullcontext():
        sections.print_title(f"*** Crashinfo v{__version__} ***", "=")
        for section in chosen:
            sections.show(section, options.verbose)
    _print_findings()
    if skipped:
        print(f"\nLeft out by --fast: {', '.join(skipped)}")


def _chosen(options: Values) -> tuple[list[Section], list[str]]:
    """Sections to show, and the names of those that are left out."""
    from LinuxDump.report.sections import SECTIONS

    return ([section for section in SECTIONS if not (options.fast and section.slow)],
            [section.name for section in SECTIONS if options.fast and section.slow])


def _print_findings() -> None:
    from LinuxDump.report.sections import print_title
    from LinuxDump.triage.detectors import detect

    triage = detect()
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
    from LinuxDump.triage.detectors import detect

    triage = detect()
    chosen, skipped = _chosen(options)
    print(json.dumps({
        "findings": [finding.record() for finding in triage.findings],
        "failed": triage.failed,
        "skipped": skipped,
        "sections": {section.name: sections.record(section) for section in chosen}}))


def main() -> None:
    options = _parse()
    if options.version:
        print(f"CRASHINFO version {__version__}")
        if options.verbose:
            import _pykdump
            print(f"C-Module version: {_pykdump.version}")
        return
    (_print_json if options.json else _report)(options)


if __name__ == "__main__":
    main()
