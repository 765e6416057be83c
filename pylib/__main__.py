"""The plug-in's file as a program: `python3 mpykdump.so attach PID`, and `run`."""

import os
import sys
from types import ModuleType


def main() -> int:
    archive = os.path.dirname(os.path.abspath(__file__))
    # The package itself needs the engine, which is in crash alone; some of its modules do not.
    package = ModuleType("pykdump")
    package.__path__ = [os.path.join(archive, "pylib", "pykdump")]
    sys.modules["pykdump"] = package
    from pykdump import attach_client, editor, run_client

    if sys.argv[1:2] == ["--for-server"]:
        editor.serve_adapter(sys.argv)
    if sys.argv[1:2] == ["run"]:
        return run_client.main(sys.argv[2:], archive)
    if sys.argv[1:2] != ["attach"]:
        print("usage: python3 mpykdump.so attach PID ...\n"
              "       python3 mpykdump.so run VMLINUX DUMP PROGRAM [ARGS ...]\n"
              "To load it into crash: extend mpykdump.so", file=sys.stderr)
        return 2
    return attach_client.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
