"""`make demo`: opens a real dump in crash with the plug-in loaded and types a few commands."""

import os
import sys
from pathlib import Path

import pexpect

from tests.lab import dumps
from tests.lab.progress import Progress

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "build" / "mpykdump.so"
PROMPT = "crash> "
COMMANDS = (
    f"extend {PLUGIN.relative_to(ROOT)}",
    "taskinfo --summ",
    "pstree -p",
    "epython pyctl --ls",
    "epython oldest 8",
    "epython -p",
)


def main() -> int:
    """Show the session on stdout; 1 when crash does not come back to its prompt."""
    dump = dumps.get("busy", progress=Progress())
    print(f"\n$ export PYKDUMPPATH=docs/examples\n$ crash -s {dump.vmlinux} {dump.kdump}",
          flush=True)
    session = pexpect.spawn(
        "crash", ["-s", str(dump.vmlinux), str(dump.kdump)], cwd=ROOT, encoding="utf-8",
        env={**os.environ, "PYKDUMPPATH": str(ROOT / "docs" / "examples"), "TERM": "dumb"},
        dimensions=(50, 200), timeout=120)
    session.logfile_read = sys.stdout
    try:
        session.expect_exact(PROMPT)
        for command in ("set scroll off", *COMMANDS):
            session.sendline(command)
            session.expect_exact(PROMPT)
        session.sendline("quit")
        session.expect(pexpect.EOF)
    except pexpect.ExceptionPexpect as err:
        print(f"\ndemo: crash did not answer: {type(err).__name__}", file=sys.stderr)
        return 1
    finally:
        session.close(force=True)
    print(f"\nThe same by hand:  crash {dump.vmlinux} {dump.kdump}\n"
          f"                   crash> extend {PLUGIN}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
