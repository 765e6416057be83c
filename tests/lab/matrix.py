"""Owns the matrix: the plug-in built and tested in roots of other suites, on several kernels.

Must not know how roots and dumps are made.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Iterator, Optional, Sequence
from xml.etree import ElementTree

from tests.lab import LabError, cache, dumps, roots
from tests.lab.dumps import Dump
from tests.lab.progress import Progress
from tests.lab.roots import Bind

PROJECT = Path(__file__).resolve().parents[2]
INSIDE = "/mpykdump"
CACHE_INSIDE = "/var/cache"
PYTHON = "/usr/bin/python3"
# What depends on the dump, and so on the kernel; the rest is run once.
EVERYTHING = "tests"
ON_A_DUMP = "tests/dump"
ANYWHERE = ("tests/unit", "tests/engine")
PASSED_ON = ("TERM", "PYKDUMP_TYPES")
HEADINGS = ("suite", "crash", "Python", "kernel", "passed", "failed", "skipped", "")


@dataclass(frozen=True)
class Counts:
    """How many tests ended in which way."""

    passed: int
    failed: int
    skipped: int


@dataclass(frozen=True)
class Row:
    """One run of tests in one suite; without counts it has not come to them."""

    suite: str
    crash: str = "-"
    python: str = "-"
    kernel: str = "-"
    counts: Optional[Counts] = None
    note: str = ""

    def good(self) -> bool:
        """Whether tests ran, and none failed."""
        return self.counts is not None and not self.counts.failed and not self.note

    def columns(self) -> tuple[str, ...]:
        """Texts for the columns of HEADINGS."""
        counts = ("-",) * 3 if self.counts is None else tuple(
            str(count) for count in (self.counts.passed, self.counts.failed, self.counts.skipped))
        return (self.suite, self.crash, self.python, self.kernel, *counts, self.note)


def run(suites: Sequence[str], kernels: Sequence[str], tests: Sequence[str],
        expression: str, progress: Progress) -> list[Row]:
    """Build and test in each suite; those of `tests` that need a dump on each kernel.

    What goes wrong in one suite is told in its row, and the others are run. Raises LabError when
    there can be no dump.
    """
    on_a_dump, anywhere = split(tests)
    chosen = _dumps(kernels, progress) if on_a_dump else []
    rows: list[Row] = []
    for suite in suites:
        try:
            root = roots.get(suite, progress)
        except LabError as error:
            progress.note(str(error))
            rows.append(Row(suite, note="no root"))
            continue
        rows += _tested(suite, root, anywhere, on_a_dump,
                        [dump.release for dump in chosen], expression, progress)
    return rows


def _dumps(kernels: Sequence[str], progress: Progress) -> list[Dump]:
    """The dumps of the kernels; all that tests ask for is made: the roots have no tools for it."""
    for kernel, guest in product(kernels, dumps.GUESTS):
        dumps.get(guest, kernel=kernel, progress=progress)
    chosen = [dumps.get(kernel=kernel, progress=progress) for kernel in kernels]
    for dump in chosen:
        progress.note(f"kernel {dump.release}: {dump.filtered}")
    return chosen


def split(tests: Sequence[str]) -> tuple[list[str], list[str]]:
    """(those that need a dump, those that do not)."""
    every = [part for test in tests
             for part in ((ON_A_DUMP, *ANYWHERE) if test == EVERYTHING else (test,))]
    on_a_dump = [test for test in every if test.startswith(ON_A_DUMP)]
    return on_a_dump, [test for test in every if test not in on_a_dump]


def table(rows: Sequence[Row]) -> str:
    """The rows for people."""
    lines = [HEADINGS, *(row.columns() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip()
                     for line in lines)


def counted(report: Path) -> Counts:
    """What pytest's report says of each test. Raises LabError when there is none or it is cut."""
    found: dict[tuple[str, str], set[str]] = {}
    try:
        for test in ElementTree.parse(report).iter("testcase"):
            name = test.attrib["classname"], test.attrib["name"]
            found.setdefault(name, set()).update(outcome.tag for outcome in test)
    except (OSError, ElementTree.ParseError, KeyError) as error:
        raise LabError(f"no results of the tests: {error}") from error
    if not found:
        raise LabError(f"{report} has no results")
    # One may fail, and then its fixture once more.
    failed = sum(bool(outcomes & {"failure", "error"}) for outcomes in found.values())
    skipped = sum(outcomes == {"skipped"} for outcomes in found.values())
    return Counts(len(found) - failed - skipped, failed, skipped)


def _tested(suite: str, root: Path, anywhere: list[str], on_a_dump: list[str],
            releases: list[str], expression: str, progress: Progress) -> Iterator[Row]:
    python = os.readlink(root / "usr/bin/python3")     # python3.13, a package of that name
    versions = (roots.version(root, "crash"), roots.version(root, python))
    build = _build_directory(suite, root)
    with progress.stage(f"building in {suite}"):
        status = _run(root, build, {}, ["make", "--silent", "all", "engine"])
    if status:
        yield Row(suite, *versions, note=f"not built: make ended with {status}")
        return
    runs = [("-", anywhere)] if anywhere else []
    runs += [(release, on_a_dump) for release in releases]
    for release, tests in runs:
        report = build / "results.xml"
        report.unlink(missing_ok=True)
        chosen = ["-k", expression] if expression else []
        with progress.stage(f"testing in {suite}, kernel {release}"):
            status = _run(root, build, {"LAB_KERNEL": release} if release != "-" else {}, [
                PYTHON, "-m", "pytest", "-p", "no:cacheprovider",
                f"--junitxml={INSIDE}/build/{report.name}", *chosen, *tests])
        try:
            counts = counted(report)
            note = "" if status == 0 or counts.failed else f"pytest ended with {status}"
            yield Row(suite, *versions, release, counts, note)
        except LabError as error:
            yield Row(suite, *versions, release, note=str(error))


def _build_directory(suite: str, root: Path) -> Path:
    """A build directory for this root; what was built in an older one is removed."""
    build = PROJECT / "build" / "matrix" / suite
    identity = f"{root} {root.stat().st_ctime_ns}\n"
    stamp = build / "root"
    if not stamp.exists() or stamp.read_text() != identity:
        shutil.rmtree(build, ignore_errors=True)
        build.mkdir(parents=True)
        stamp.write_text(identity)
    return build


def _run(root: Path, build: Path, environment: dict[str, str], command: list[str]) -> int:
    """Run a command in the project's folder; it may write to its own build folder alone."""
    sys.stdout.flush()
    given = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    fixed = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8",
             "XDG_CACHE_HOME": CACHE_INSIDE, "PYTHONDONTWRITEBYTECODE": "1",
             "HYPOTHESIS_STORAGE_DIRECTORY": "/tmp/hypothesis"}
    binds = [Bind(PROJECT, INSIDE), Bind(build, f"{INSIDE}/build", writable=True),
             Bind(cache.root(), f"{CACHE_INSIDE}/mpykdump", writable=True)]
    return roots.run(root, binds, INSIDE, {**fixed, **given, **environment}, command)
