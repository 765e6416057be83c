"""Owns the way from typed text to code that runs in `__main__`.

Each text has a name of its own, under which tracebacks find its lines.  Must not know where it
comes from.
"""

from __future__ import annotations

import ast
import codeop
import linecache
from types import CodeType


class Cells:
    """The texts of a session, and what they have said about how the next are compiled."""

    _count = 0              # of the session: functions of an earlier REPL have their source still

    def __init__(self) -> None:
        self._compiler = codeop.CommandCompiler()

    def compiled(self, text: str) -> list[CodeType] | None:
        """The code of a text's statements; None if it is not complete.

        SyntaxError, ValueError, OverflowError, MemoryError or RecursionError if it is no Python.
        """
        name = f"<repl {Cells._count + 1}>"
        codes = self._statements(text, name)
        if codes is not None:
            Cells._count += 1
            linecache.cache[name] = (len(text), None, (text + "\n").splitlines(True), name)
        return codes

    def _statements(self, text: str, name: str) -> list[CodeType] | None:
        try:
            code = self._compiler(text, name, "single")
            return None if code is None else [code]
        except SyntaxError:
            pass            # or several statements, as they are pasted
        return [compile(ast.Interactive([statement]), name, "single",
                        self._compiler.compiler.flags)
                for statement in ast.parse(text, name).body]
