"""What a program does that is started outside of crash: it gives its help, and tells the way in.

Programs import this where there is no module `crash`.
"""

import ast
import os
import runpy
import signal
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

_HELP = {"-h", "--help"}


class _Absent(Exception):
    """In place of a class or a function; an error, since it may be one that is caught."""

    def __init__(self, *_args: Any, **_named: Any) -> None:
        super().__init__()

    def __iter__(self) -> Iterator[Any]:
        return iter(())


class _NotHere(ModuleType):
    """In place of a module that only crash has, for programs to come as far as their help."""

    __all__: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        thing: Any = 1 if name.isupper() else type(name, (_Absent,), {})
        setattr(self, name, thing)
        return thing


def help_of(program: str) -> None:
    """Print a program's help: its own, or what its file says of it."""
    for name in ("crash", "_pykdump"):
        sys.modules[name] = _NotHere(name)
    sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(program)), "..", "pylib"))
    try:
        runpy.run_path(program, run_name="__main__")
    except SystemExit:
        return
    except Exception:       # it wants more of the dump than is here
        pass
    with open(program, encoding="utf-8") as file:
        print(ast.get_docstring(ast.parse(file.read())) or os.path.basename(program))


def main() -> int:
    """Obey the command line of the program that has imported this; the exit status."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)       # a reader may have seen enough
    program = sys.argv[0]
    name = os.path.basename(program).removesuffix(".py")
    asked = bool(_HELP & set(sys.argv[1:]))
    if asked:
        help_of(program)
    print(f"{name} runs in crash: make triage PROG={name} VMLINUX=... DUMP=... ARGS=..., "
          f"or crash> epython {program}", file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


if __name__ != "__main__":
    sys.exit(main())
