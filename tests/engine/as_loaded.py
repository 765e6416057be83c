"""Compares modules with their stubs, in an interpreter of its own: mypy's stubtest, with the engine
in the place that crash would give it.

    python3 -m tests.engine.as_loaded ARGUMENTS OF STUBTEST
"""

import sys

from mypy import stubtest

from tests.engine import world


def main() -> int:
    sys.modules["crash"], sys.modules["_pykdump"] = world.crash, world.pykdump
    sys.path.insert(0, "pylib")
    from pykdump import gdbtypes

    gdbtypes.attach(world.crash)
    return stubtest.test_stubs(stubtest.parse_options(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
