"""`make bench`: measures, prints a table, writes JSON."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bench import measure, report, rows, sessions
from tests.bench.runners import BenchError
from tests.lab import LabError, dumps, packages
from tests.lab.progress import Progress

BUILT = Path(__file__).resolve().parents[2] / "build" / "mpykdump.so"


def main() -> int:
    """1, with a message, when something does not run."""
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.bench",
        description="Measure ours, drgn and crash's own commands on the same dump files.")
    parser.add_argument("--quick", action="store_true",
                        help="few and short samples: to see that it runs, not to trust")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    parser.add_argument("--only", default="", metavar="TEXT",
                        help="only the repeated rows with TEXT in their names")
    arguments = parser.parse_args()
    try:
        _bench(arguments)
    except (BenchError, LabError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _bench(arguments: argparse.Namespace) -> None:
    progress = Progress()
    packages.require(["bench"])
    if not BUILT.exists():
        raise BenchError(f"{BUILT} is not there: run make")
    effort = measure.QUICK if arguments.quick else measure.FULL
    chosen = [(suite, tuple(row for row in suite.repeated if arguments.only in row.name))
              for suite in rows.SUITES]
    if arguments.only:
        chosen = [(suite, repeated) for suite, repeated in chosen if repeated]
    if not chosen:
        raise BenchError(f"no row has {arguments.only!r} in its name")
    results = []
    with tempfile.TemporaryDirectory() as directory:
        # Somebody may build it again in the meantime.
        plugin = Path(shutil.copy(BUILT, directory))
        for suite, repeated in chosen:
            dump = dumps.get(suite.guest, progress=progress)
            for name in suite.formats:
                vmcore = dump.production if name == rows.KDUMP else dump.production_elf
                target = sessions.Target(name, dump.vmlinux, vmcore, plugin)
                results += measure.measure(target, suite.first, repeated, effort, progress.note)
    machine = report.machine(dump.release)
    summaries = [report.summary(result) for result in results]
    if arguments.json:
        report.write_json(arguments.json, machine, summaries)
    for name, what in machine.items():
        print(f"{name}: {what}")
    print(f"\n{report.table(summaries)}")


if __name__ == "__main__":
    sys.exit(main())
