# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the stubs: what editors, mypy and the reference know of the modules programs import.

    python3 docs/stubs.py build/stubs

For the modules in C they are the .pyi files beside it.  A module in Python is its own stub once
what functions do is taken out: signatures and docstrings stay, and the type of every public name,
which mypy infers where the source does not write it.
"""

from __future__ import annotations

import argparse
import ast
import copy
import pathlib
import shutil
from collections.abc import Iterator

from inferred import Spelling, infer
from mypy.nodes import MypyFile, Var
from mypy.types import CallableType, Overloaded, get_proper_type

ROOT = pathlib.Path(__file__).resolve().parents[1]
IN_C = (ROOT / "extension/objects/crash.pyi", ROOT / "extension/objects/_pykdump.pyi")
IN_PYTHON = (ROOT / "pylib/pykdump", ROOT / "pylib/LinuxDump")
# Stand-ins for modules of Python's library, which programs import by those names.
NOT_OURS = "legacy"

# All others are about how a function is called, not about what with.
KEPT_DECORATORS = frozenset((
    "abstractmethod", "cached_property", "classmethod", "contextmanager", "dataclass", "overload",
    "property", "setter", "staticmethod"))
DROPPED = frozenset(("TYPE_CHECKING", "__all__", "__slots__"))
Assignment = ast.Assign | ast.AnnAssign


class Module:
    """One source on its way to a stub."""

    def __init__(self, path: pathlib.Path, inferred: MypyFile) -> None:
        self.path = path
        self.tree = ast.parse(path.read_text(), str(path), type_comments=True)
        self.spelling = Spelling(inferred)
        self.statements = list(statements(self.tree.body))
        self.statements += [node for statement in self.statements
                            for node in _all_of_another(statement)]
        self.all = _names_in_all(self.statements)
        self.modules = {alias.name for node in self.statements if isinstance(node, ast.Import)
                        for alias in node.names}
        self.annotated = {node.target.id for node in self.statements
                          if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}

    def text(self) -> str:
        """The stub."""
        candidates = [node for statement in self.statements for node in self._reduced(statement)]
        kept = self._reachable(candidates)
        used = names_in([node for node in kept if not isinstance(node, ast.ImportFrom)])
        needed = [ast.Import([ast.alias(module)])
                  for module in sorted(self.spelling.imports - self.modules)]
        body = [*self._imports(used), *needed, *kept]
        if self.all is not None:
            body.append(ast.parse(f"__all__ = {self.all!r}").body[0])
        doc = ast.get_docstring(self.tree, clean=False)
        head = [ast.Expr(ast.Constant(doc))] if doc else []
        return layout(ast.Module([*head, *body], self.tree.type_ignores))

    # -- what is kept --

    def _reachable(self, candidates: list[ast.stmt]) -> list[ast.stmt]:
        """What is public, and what its types are made of."""
        wanted = {name for node in candidates for name in bound(node) if not hidden(name)}
        while True:
            kept = [node for node in candidates
                    if not bound(node) or wanted.intersection(bound(node))]
            more = wanted | names_in(kept)
            if more == wanted:
                return kept
            wanted = more

    def _imports(self, used: set[str]) -> Iterator[ast.stmt]:
        for node in self.statements:
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                yield node
                continue
            if not isinstance(node, (ast.Import, ast.ImportFrom)):
                continue
            names = []
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                if self.all is not None and name in self.all:
                    names.append(ast.alias(alias.name, name))
                elif name in used or alias.asname == alias.name:    # the latter hands it on
                    names.append(alias)
            if names:
                made = copy.copy(node)
                made.names = names
                yield made

    # -- what is left of it --

    def _reduced(self, node: ast.stmt, owner: str = "") -> Iterator[ast.stmt]:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if node.name not in self._overloaded(owner) or "overload" in decorators(node):
                yield self._function(node)
        elif isinstance(node, ast.ClassDef):
            yield self._class(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            yield from self._assignment(node, owner)
        elif is_text(node) and self._last_kept:
            yield node

    def _overloaded(self, owner: str) -> set[str]:
        places = [node.body for node in self.statements
                  if isinstance(node, ast.ClassDef) and node.name == owner]
        return {node.name for body in (places or [self.statements]) for node in body
                if isinstance(node, ast.FunctionDef) and "overload" in decorators(node)}

    _last_kept = False      # a text behind an assignment is about it

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
        self._last_kept = False
        made = copy.deepcopy(node)
        made.decorator_list = [each for each in made.decorator_list
                               if decorator(each) in KEPT_DECORATORS]
        made.args.defaults = [self._default(each) for each in made.args.defaults]
        made.args.kw_defaults = [each and self._default(each) for each in made.args.kw_defaults]
        made.body = [made.body[0]] if is_text(made.body[0]) else [ast.Expr(ast.Constant(...))]
        return made

    def _default(self, value: ast.expr) -> ast.expr:
        if isinstance(value, ast.Name):
            value = next((node.value for node in self.statements if isinstance(node, ast.Assign)
                          and value.id in bound(node)), value)
        return literal(value) or ast.Constant(...)

    def _class(self, node: ast.ClassDef) -> ast.stmt:
        made = copy.copy(node)
        made.decorator_list = [each for each in made.decorator_list
                               if decorator(each) in KEPT_DECORATORS]
        self._last_kept = False
        body = [each for statement in statements(node.body)
                for each in self._reduced(statement, node.name)
                if not all(hidden(name) for name in bound(each)) or not bound(each)]
        known = {name for each in body for name in bound(each)}
        body += self._attributes(node, known)
        doc = [node.body[0]] if is_text(node.body[0]) else []
        made.body = [*doc, *body] or [ast.Expr(ast.Constant(...))]
        self._last_kept = False
        return made

    def _attributes(self, node: ast.ClassDef, known: set[str]) -> Iterator[ast.stmt]:
        """What methods assign to attributes of self."""
        for method in node.body:
            if not isinstance(method, ast.FunctionDef) or not method.args.args:
                continue
            me = method.args.args[0].arg
            for inner in ast.walk(method):
                if not isinstance(inner, (ast.Assign, ast.AnnAssign)):
                    continue
                for target in targets(inner):
                    if not isinstance(target, ast.Attribute) or ast.unparse(target.value) != me \
                            or target.attr in known or hidden(target.attr):
                        continue
                    known.add(target.attr)
                    found = self.spelling.known(target.attr, node.name)
                    if isinstance(inner, ast.AnnAssign):
                        yield annotated(target.attr, inner.annotation)
                    elif isinstance(found, Var):
                        yield annotated(target.attr, self._spelled(found))

    def _assignment(self, node: Assignment, owner: str) -> Iterator[ast.stmt]:
        names = [name for name in bound(node) if name not in DROPPED]
        self._last_kept = bool(names)
        if isinstance(node, ast.AnnAssign):
            value = literal(node.value)
            if owner and node.value is not None and value is None:
                value = ast.Constant(...)       # there is a default
            yield from (annotated(name, node.annotation, value) for name in names)
            return
        for name in names:
            known = self.spelling.known(name, owner)
            if not owner and name in self.annotated or known is None:
                continue
            if isinstance(known, Var) and not self._is_function(known):
                alone = not any(isinstance(each, ast.Tuple) for each in node.targets)
                yield annotated(name, self._spelled(known), literal(node.value) if alone else None)
            else:
                yield self._alias(name, node)

    def _is_function(self, known: Var) -> bool:
        return known.type is not None \
            and isinstance(get_proper_type(known.type), (CallableType, Overloaded))

    def _alias(self, name: str, node: Assignment) -> ast.stmt:
        """Another name of a function or a class, or a type; not the module's own, an import."""
        value = node.value
        if isinstance(value, ast.Attribute):
            module = ast.unparse(value.value)
            if module in self.modules:
                return ast.ImportFrom(module, [ast.alias(value.attr, name)], 0)
        return ast.Assign([ast.Name(name)], value)

    def _spelled(self, known: Var) -> ast.expr:
        return ast.parse(self.spelling.spell(known.type), mode="eval").body


# -- syntax --

def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Those of a body, of the branch that type checkers see, and of what is tried."""
    for node in body[1:] if body and is_text(body[0]) else body:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from node.body
        elif isinstance(node, ast.Try):
            yield from node.body
        else:
            yield node


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) \
        and isinstance(node.value.value, str)


def targets(node: Assignment) -> list[ast.expr]:
    found = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [inner for each in found
            for inner in (each.elts if isinstance(each, ast.Tuple) else [each])]


def bound(node: ast.stmt) -> list[str]:
    """The names that a definition or assignment gives something."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        return [each.id for each in targets(node) if isinstance(each, ast.Name)]
    if isinstance(node, ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    return []


def hidden(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def decorator(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else ast.unparse(node)


def decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    return set(map(decorator, node.decorator_list))


def annotated(name: str, kind: ast.expr, value: ast.expr | None = None) -> ast.stmt:
    return ast.AnnAssign(ast.Name(name), kind, value, 1)


def literal(value: ast.expr | None) -> ast.expr | None:
    """The value of a constant, which readers want to know; nothing long."""
    if value is None or any(isinstance(node, (ast.Name, ast.Call, ast.JoinedStr))
                            for node in ast.walk(value)):
        return None
    if isinstance(value, ast.BinOp):
        value = ast.Constant(eval(ast.unparse(value)))      # 1 << 24
    return value if len(ast.unparse(value)) < 40 else None


def names_in(nodes: list[ast.stmt]) -> set[str]:
    """The names that are used, those in annotations between quotes too."""
    found = set()
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                found.add(inner.id)
            elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                try:
                    found |= names_in(list(ast.parse(inner.value).body))
                except SyntaxError:
                    pass            # a text
    return found


def _names_in_all(body: list[ast.stmt]) -> list[str] | tuple[str, ...] | None:
    for node in body:
        if isinstance(node, ast.Assign) and bound(node) == ["__all__"]:
            try:
                return ast.literal_eval(node.value)
            except ValueError:
                return None         # that of another module
    return None


def _all_of_another(node: ast.stmt) -> Iterator[ast.stmt]:
    """A module with the names of another: `__all__ = other.__all__`."""
    if isinstance(node, ast.Assign) and bound(node) == ["__all__"] \
            and isinstance(node.value, ast.Attribute):
        yield ast.ImportFrom(ast.unparse(node.value.value), [ast.alias("*")], 1)


def layout(module: ast.Module) -> str:
    return ast.unparse(ast.fix_missing_locations(module)) + "\n"


# -- files --

def write(folder: pathlib.Path) -> None:
    """Make all stubs anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in IN_C:
        shutil.copy(path, folder)
    sources = {".".join(path.relative_to(top.parent).with_suffix("").parts)
               .removesuffix(".__init__"): path
               for top in IN_PYTHON for path in sorted(top.rglob("*.py"))
               if path.parent.name != NOT_OURS}
    for name, inferred in infer(sources, ROOT).items():
        target = folder / sources[name].relative_to(ROOT / "pylib").with_suffix(".pyi")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Module(sources[name], inferred).text())
    for top in IN_PYTHON:
        (folder / top.name / "py.typed").touch()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="where to; what is there is deleted")
    write(parser.parse_args().folder)


if __name__ == "__main__":
    main()
