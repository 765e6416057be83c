"""The lab's command line."""

import argparse
import json
import shlex
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Callable, Optional

from tests.lab import LabError, dumps, matrix, packages
from tests.lab.dumps import Dump
from tests.lab.progress import Progress

FORMATS: dict[str, Callable[[Dump], list[Path]]] = {
    "kdump": lambda dump: [dump.kdump],
    "elf": lambda dump: [dump.elf],
    "both": lambda dump: [dump.kdump, dump.elf],
    "production": lambda dump: [dump.production],
    "production-elf": lambda dump: [dump.production_elf],
    "filtered": lambda dump: [dump.filtered],
}


def main() -> int:
    """Run one command; 0 when done, 1 with a message when it cannot be done."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        return int(arguments.run(arguments))
    except (LabError, OSError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 130


def _interrupted(number: int, frame: Optional[FrameType]) -> None:
    """Being asked to end is like Ctrl-C: QEMU and temporary files go first."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.lab",
        description="Make real kernel dumps from Debian packages, and keep them in a cache.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("packages", help="install the Debian packages a purpose needs")
    command.add_argument("--for", dest="purposes", nargs="+", required=True, metavar="PURPOSE",
                         choices=packages.PURPOSES, help=", ".join(packages.PURPOSES))
    command.set_defaults(run=_packages)

    command = commands.add_parser("dump", help="make a dump, or find it in the cache")
    command.add_argument("--guest", default="busy", choices=sorted(dumps.GUESTS),
                         help="the system that is dumped (default: %(default)s)")
    command.add_argument("--format", default="kdump", choices=FORMATS,
                         help="whose path is printed (default: %(default)s); kdump and elf are "
                         "always made, the others when asked for")
    command.add_argument("--kernel", help="a Debian suite, whose current cloud kernel it is, or a "
                         "release as uname -r says it (default: the suite of this machine)")
    command.add_argument("--refresh", action="store_true",
                         help="look for a newer kernel and make the dump again")
    output = command.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print a description of the dump")
    output.add_argument("--env", action="store_true", help="print shell assignments")
    command.set_defaults(run=_dump)

    command = commands.add_parser("matrix", help="build and test in other Debian suites")
    command.add_argument("--suites", nargs="+", required=True, metavar="SUITE")
    command.add_argument("--kernels", nargs="+", required=True, metavar="KERNEL",
                         help="suites or releases, whose dumps are opened")
    command.add_argument("--tests", nargs="+", default=["tests"], metavar="PATH")
    command.add_argument("--expression", default="", help="chooses among the tests")
    command.set_defaults(run=_matrix)
    return parser


def _packages(arguments: argparse.Namespace) -> int:
    packages.ensure(arguments.purposes, Progress())
    return 0


def _dump(arguments: argparse.Namespace) -> int:
    dump = dumps.get(arguments.guest, kernel=arguments.kernel, refresh=arguments.refresh,
                     progress=Progress())
    chosen = FORMATS[arguments.format](dump)
    if arguments.json:
        print(json.dumps(dump.description(), indent=2))
    elif arguments.env:
        values = {"VMLINUX": dump.vmlinux, "VMCORE": chosen[0], "VMCORE_KDUMP": dump.kdump,
                  "VMCORE_ELF": dump.elf, "ORACLE": dump.oracle_file}
        for name, path in values.items():
            print(f"{name}={shlex.quote(str(path))}")
    else:
        for path in [dump.vmlinux, *chosen]:
            print(path)
    return 0


def _matrix(arguments: argparse.Namespace) -> int:
    rows = matrix.run(arguments.suites, arguments.kernels, arguments.tests, arguments.expression,
                      Progress())
    print(matrix.table(rows))
    return 0 if all(row.good() for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
