"""Owns the command line of `epython repl`.

Here and not in the program, which leaves no name where people keep theirs.
"""

from __future__ import annotations

from . import main as start


def main() -> object:
    """Obey sys.argv; what the program ends with, as sys.exit takes it."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="repl", description="Talk Python with this session. %help says what else can be "
        "typed there; Ctrl-D returns to crash.")
    parser.add_argument("--ipython", action="store_true",
                        help="in IPython if it is installed (pyctl replShell=ipython: always)")
    parser.add_argument("--no-history", action="store_true",
                        help="without the lines of earlier sessions, and keep none of this")
    args = parser.parse_args()
    return start(args.ipython, not args.no_history)
