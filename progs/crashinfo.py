"""crashinfo: what a dump is of, section by section, and what is wrong with it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from importlib import import_module
from io import StringIO
from optparse import OptionParser, Values
from typing import TYPE_CHECKING, Any, NamedTuple

if "crash" not in sys.modules:
    import outside  # noqa: F401

from pykdump.versions import print_version

if TYPE_CHECKING:
    from LinuxDump.report.sections import Section
    from LinuxDump.triage.detectors import Triage

__version__ = "2.0"

_FAST = 15.0        # seconds that --fast takes at most
_SINGLE = "LinuxDump.report.single"


class _Detail(NamedTuple):
    """Something that an option shows in place of the report.

    option    as it is typed
    function  module:function that prints it; it is called with the values that were typed, and
              how verbose to be
    values    names of the values that are typed behind the option
    help      what it shows, in a few words
    """

    option: str
    function: str
    values: tuple[str, ...]
    help: str

    @property
    def name(self) -> str:
        """The name of its value among parsed options."""
        return self.option.lstrip("-")


# Of several that are typed, the first of these counts.
_DETAILS = (
    _Detail("--lws", "LinuxDump.report.globalwaits:show", (),
            "semaphores, wait queues and work that are global variables"),
    _Detail("--radix_tree_element", f"{_SINGLE}:radix_tree_element", ("ROOT", "OFFSET"),
            "what a radix tree or xarray has at an index; both hexadecimal"),
    _Detail("--pci", "LinuxDump.pci:print_pci", (), "PCI devices, and who has which addresses"),
    _Detail("--sysctl", "LinuxDump.sysctl:print_sysctl", (), "sysctl values"),
    _Detail("--findstacks", f"{_SINGLE}:findstacks", ("REGEXP",),
            "stacks with a function whose name has a match"),
    _Detail("--checkstacks", f"{_SINGLE}:checkstacks", (), "check stacks for corruption"),
    _Detail("--keventd_wq", f"{_SINGLE}:gone_workqueue", (), "see --workqueues"),
    _Detail("--kblockd_wq", f"{_SINGLE}:gone_workqueue", (), "see --workqueues"),
    _Detail("--blkreq", f"{_SINGLE}:blkreq", (), "block requests"),
    _Detail("--blkdevs", "LinuxDump.Dev:print_blkdevs", (), "block devices"),
    _Detail("--decodesyscalls", f"{_SINGLE}:decodesyscalls", ("PID|NAME|all",),
            "system calls that threads are in, with arguments"),
    _Detail("--semaphore", f"{_SINGLE}:semaphore", ("ADDR",), "a struct semaphore"),
    _Detail("--rwsemaphore", f"{_SINGLE}:rwsemaphore", ("ADDR",), "a struct rw_semaphore"),
    _Detail("--mutex", f"{_SINGLE}:mutex", ("ADDR",), "a struct mutex"),
    _Detail("--workqueues", f"{_SINGLE}:workqueues", (), "workqueues that have work, all with -v"),
    _Detail("--ext3", f"{_SINGLE}:ext3", (), "sizes of ext3 filesystems"),
    _Detail("--ls", f"{_SINGLE}:ls", ("PATH",), "what the dentry cache has of a path"),
    _Detail("--stacksummary", "LinuxDump.report.stacksummary:show", (),
            "stacks of all threads, equal ones once"),
    _Detail("--devmapper", "LinuxDump.Dev:print_dm_devices", (), "device-mapper devices"),
    _Detail("--runq", "LinuxDump.report.runqueues:show", (), "run queues"),
    _Detail("--umem", "LinuxDump.report.rss:show", (), "memory of all processes together"),
    _Detail("--filelock", f"{_SINGLE}:filelock", (), "locks of files"),
)


def _parse() -> Values:
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
    for detail in _DETAILS:
        if detail.values:
            parser.add_option(detail.option, dest=detail.name, nargs=len(detail.values),
                              metavar=" ".join(detail.values), help=f"only {detail.help}")
        else:
            parser.add_option(detail.option, dest=detail.name, action="store_true",
                              help=f"only {detail.help}")
    options, _rest = parser.parse_args()
    return options


# -- one detail ---------------------------------------------------------------------------------

def _wanted(options: Values) -> _Detail | None:
    """The detail that is wanted rather than the report."""
    return next((detail for detail in _DETAILS if getattr(options, detail.name) is not None), None)


def _show_detail(detail: _Detail, options: Values) -> None:
    from LinuxDump.absent import NotThereYet
    from pykdump.API import pylog
    from pykdump.errors import in_one_line

    typed = getattr(options, detail.name)
    values = () if not detail.values else typed if isinstance(typed, tuple) else (typed,)
    module, _colon, name = detail.function.partition(":")
    try:
        function: Any = getattr(import_module(module), name, None)
        if function is None:
            raise NotThereYet(f"{module}.{name} is not there yet in this version of mpykdump")
        function(*values, options.verbose)
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
    triage = _triage(report)        # first: there is time for it even when there is little
    with redirect_stdout(StringIO()) if options.quiet else nullcontext():
        sections.print_title(f"*** Crashinfo v{__version__} ***", "=")
        report.run(options, lambda section, left: sections.show(section, options.verbose, left))
    if report.skipped:
        print(f"\nLeft out by --fast: {', '.join(report.skipped)}")
    _print_findings(triage)         # last: it stays on the screen


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
    options = _parse()
    if options.version:
        print_version("CRASHINFO", __version__, options.verbose)
        return
    detail = _wanted(options)
    if detail is not None:
        _show_detail(detail, options)
    else:
        (_print_json if options.json else _report)(options)


if __name__ == "__main__":
    main()
