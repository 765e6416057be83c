"""Owns the look into a text for the names that it uses, and those it can do without.

Must not know which names matter.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator, Set

# All that a text does when it only looks for modules.
_IMPORTS = (ast.Import, ast.ImportFrom, ast.Assign)
# What a handler does that has another way when something is missing.
_ALTERNATIVES = (ast.Import, ast.ImportFrom, ast.Assign, ast.Pass)


class Uses:
    """The names in a text, by what it does with them; SyntaxError if it is not Python."""

    def __init__(self, text: bytes, file: str) -> None:
        self._table = symtable.symtable(text, file, "exec")  # type: ignore[arg-type]
        self.guarded: set[str] = set()              # looked for, and done without
        self.guarded_imports: set[str] = set()
        self.attributes: set[str] = set()
        self.pairs: set[tuple[str, str]] = set()    # last name of a module, name in it
        self.stars: set[str] = set()
        self.modules: set[str] = set()              # imported
        self._called: dict[str, str] = {}           # name here -> last name of the module
        nodes = list(ast.walk(ast.parse(text, file)))
        for node in nodes:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self._import(node)
        for node in nodes:
            self._look(node)

    def needed(self, candidates: Set[str]) -> set[str]:
        """Those of the names that the text takes from around it, as if they were built in."""
        read: set[str] = set()
        made: set[str] = set(self.guarded)
        tables = [self._table]
        while tables:
            table = tables.pop()
            tables += table.get_children()
            for name in candidates & set(table.get_identifiers()):
                symbol = table.lookup(name)
                top = table is self._table
                if (top or symbol.is_declared_global()) and (
                        symbol.is_assigned() or symbol.is_imported()):
                    made.add(name)
                elif symbol.is_referenced() and (top or symbol.is_global()):
                    read.add(name)
        return read - made

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            self.modules.update(alias.name for alias in node.names)
        elif node.module and not node.level:
            self.modules.add(node.module)
        for alias in node.names:
            last = alias.name.rpartition(".")[2]
            if alias.asname:
                self._called[alias.asname] = last
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                if last == "*":
                    self.stars.add(node.module)
                self.pairs.add((node.module.rpartition(".")[2], last))

    def _look(self, node: ast.AST) -> None:
        if isinstance(node, ast.Attribute):
            self.attributes.add(node.attr)
            self._pair(node.value, node.attr)
        elif isinstance(node, ast.Call):
            match node:             # with a third argument it can do without
                case ast.Call(func=ast.Name(id="getattr"),
                              args=[value, ast.Constant(value=str(name))]):
                    self._pair(value, name)
        elif isinstance(node, ast.Try):
            self._guard(node)

    def _pair(self, value: ast.expr, name: str) -> None:
        if isinstance(value, ast.Name):
            self.pairs.add((self._called.get(value.id, value.id), name))
        elif isinstance(value, ast.Attribute):
            self.pairs.add((value.attr, name))

    def _guard(self, node: ast.Try) -> None:
        caught = {name for handler in node.handlers for name in _caught(handler)}
        inside = [part for statement in node.body for part in ast.walk(statement)]
        if "NameError" in caught:
            self.guarded.update(part.id for part in inside if isinstance(part, ast.Name))
        elif caught & {"Exception", "BaseException"}:
            match node.body[0]:
                case ast.Expr(value=ast.Name(id=name)) | ast.Assign(value=ast.Name(id=name)):
                    self.guarded.add(name)
        expected = caught & {"ImportError", "ModuleNotFoundError"} or (
            caught & {"Exception", "BaseException"}
            and all(isinstance(part, _IMPORTS) for part in node.body))
        if expected and any(isinstance(part, _ALTERNATIVES)
                            for handler in node.handlers for part in ast.walk(handler)):
            for part in inside:
                if isinstance(part, ast.Import):
                    self.guarded_imports.update(alias.name for alias in part.names)
                elif isinstance(part, ast.ImportFrom) and part.module:
                    self.guarded_imports.add(part.module)


def _caught(handler: ast.ExceptHandler) -> Iterator[str]:
    """Names of the exceptions that a handler takes."""
    if handler.type is None:
        yield "BaseException"
    elif isinstance(handler.type, ast.Tuple):
        yield from (part.id for part in handler.type.elts if isinstance(part, ast.Name))
    elif isinstance(handler.type, ast.Name):
        yield handler.type.id
