"""Sphinx extension: the reference, from the stubs in $MPYKDUMP_STUBS.

They are imported in the place of the modules that they describe, so nothing here needs crash or a
dump.  Docstrings are plain text for readers of the source, and are shown as that: paragraphs,
`code`, and what is laid out in columns or indented as it is.
"""

import __future__
import ast
import importlib
import importlib.util
import inspect
import os
import pathlib
import re
import sys
import types
import typing
from collections.abc import Iterable, Iterator
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from unittest import mock

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.ext import autodoc
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

STUBS = pathlib.Path(os.environ["MPYKDUMP_STUBS"])


# -- the stubs as modules --

class StubLoader(SourceFileLoader):
    """Runs a stub: annotations are not evaluated, the last of several signatures is the object."""

    def source_to_code(self, data: typing.Any, path: typing.Any, *,    # type: ignore[override]
                       _optimize: int = -1) -> types.CodeType:
        return compile(data, path, "exec", __future__.annotations.compiler_flag, True)

    def exec_module(self, module: types.ModuleType) -> None:
        with mock.patch.object(typing, "overload", lambda function: function):
            super().exec_module(module)
        for name in vars(module).get("__annotations__", {}):
            vars(module).setdefault(name, autodoc.UNINITIALIZED_ATTR)

    def path_stats(self, path: str) -> typing.Any:
        raise OSError("nothing is kept of a stub")


class StubFinder:
    """Finds stubs and nothing else."""

    tops = frozenset(path.stem for path in STUBS.iterdir())

    @classmethod
    def find_spec(cls, name: str, path: list[str] | None = None,
                  target: object = None) -> ModuleSpec | None:
        if name.partition(".")[0] not in cls.tops:
            return None
        for folder in path or [str(STUBS)]:
            spec = FileFinder(folder, (StubLoader, [".pyi"])).find_spec(name)
            if spec is not None:
                return spec
        return None


sys.meta_path.insert(0, StubFinder)    # type: ignore[arg-type]


# -- docstrings --

TABLE_ROW = re.compile(r"^\S.*\S {3,}\S")


def as_rst(text: str) -> Iterator[str]:
    """A docstring of ours: what is laid out in columns or indented stays so."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        lines = paragraph.splitlines()
        if paragraph.startswith(" ") or any(map(TABLE_ROW.match, lines)):
            yield from ("::", "", *(f"    {line}" for line in lines), "")
            continue
        for number, line in enumerate(lines):
            if line.startswith(" "):            # examples right below what they are of
                yield from ("", "::", "", *(f"    {each}" for each in lines[number:]))
                break
            yield re.sub(r"`([^`]+)`|([\\*|_<>])", mark, line)
        yield ""


def mark(match: re.Match[str]) -> str:
    return f"``{match[1]}``" if match[1] else f"\\{match[2]}"


def plain(_app: Sphinx, _what: str, _name: str, _obj: object, _options: object,
          lines: list[str]) -> None:
    lines[:] = as_rst("\n".join(lines))


class ClassDocumenter(autodoc.ClassDocumenter):
    """A class is at home wherever programs find it: each place is described, none is an alias."""

    def get_canonical_fullname(self) -> None:
        return None


# -- directives of the reference pages --

class Names(SphinxDirective):
    """Names of a module, each as what it is: `.. names:: pykdump.API`, and the names below."""

    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module = importlib.import_module(self.arguments[0])
        names = " ".join(self.content).split()
        missing = [name for name in names if name not in public_names(module)]
        if missing:
            raise self.error(f"{module.__name__} has no {', '.join(missing)}")
        return parsed(self, [f".. py:currentmodule:: {module.__name__}", "",
                             *described(module, names)])


class Modules(SphinxDirective):
    """A module with all its names, or each of a package in its own section: `.. modules:: crash`.

    After the argument are those that have a page of their own.
    """

    required_arguments = 1
    optional_arguments = 10

    def run(self) -> list[nodes.Node]:
        package, *elsewhere = self.arguments
        lines = []
        for name in stub_names(package):
            if name in elsewhere:
                continue
            module = importlib.import_module(name)
            self.env.note_dependency(module.__file__ or "")
            if (STUBS / package).is_dir():
                lines += [f"{name}", "-" * len(name), ""]
            lines += [f".. py:module:: {name}", "", *as_rst(module.__doc__ or ""),
                      *described(module, public_names(module))]
        return parsed(self, lines)


def stub_names(package: str) -> Iterator[str]:
    """The modules of a package, itself first, or one module that is none."""
    for path in sorted([STUBS / f"{package}.pyi", *(STUBS / package).rglob("*.pyi")]):
        if path.exists():
            inner = path.relative_to(STUBS).with_suffix("")
            yield ".".join(inner.parts).removesuffix(".__init__")


def public_names(module: types.ModuleType) -> list[str]:
    """What a module offers: what it lists, and what else it defines without hiding it."""
    body = ast.parse(pathlib.Path(module.__file__ or "").read_text()).body
    names = [*vars(module).get("__all__", ()), *(name for node in body for name in defined(node))]
    return [name for name in dict.fromkeys(names) if not name.startswith("_")
            and not isinstance(vars(module).get(name), typing.TypeVar)]


def defined(node: ast.stmt) -> list[str]:
    """The names that a statement of a stub makes its module's own."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.AnnAssign):
        return [ast.unparse(node.target)]
    if isinstance(node, ast.Assign):
        return [ast.unparse(target) for target in node.targets]
    if isinstance(node, ast.ImportFrom):
        return [alias.name for alias in node.names if alias.name == alias.asname]
    return []


def described(module: types.ModuleType, names: Iterable[str]) -> Iterator[str]:
    """The directives that describe names of a module."""
    for name in names:
        value = getattr(module, name)
        if isinstance(value, types.ModuleType):
            yield from (f".. py:data:: {name}", "", f"   The module :py:mod:`{value.__name__}`.")
        elif inspect.isclass(value):
            yield f".. autoclass:: {name}"
        elif inspect.isroutine(value):
            yield f".. autofunction:: {name}"
        else:
            yield from variable(module, name)
        yield ""


def variable(module: types.ModuleType, name: str) -> Iterator[str]:
    """A variable as the module describes it that it was imported from."""
    home, there = origin(module, name)
    yield f".. py:data:: {name}"
    if there in home.__annotations__:
        yield f"   :type: {home.__annotations__[there]}"
    value = getattr(home, there)
    if value is not autodoc.UNINITIALIZED_ATTR:
        yield f"   :value: {value!r}"
    told = ModuleAnalyzer.for_module(home.__name__).find_attr_docs().get(("", there), [])
    yield ""
    yield from (f"   {line}" for line in as_rst("\n".join(told)))


def origin(module: types.ModuleType, name: str) -> tuple[types.ModuleType, str]:
    """Where a name was given its value, and what it is called there."""
    for node in ast.parse(pathlib.Path(module.__file__ or "").read_text()).body:
        if not isinstance(node, ast.ImportFrom):
            continue
        for alias in node.names:
            if name == (alias.asname or alias.name):
                place = importlib.util.resolve_name("." * node.level + (node.module or ""),
                                                    module.__package__)
                return origin(importlib.import_module(place), alias.name)
    return module, name


def parsed(directive: SphinxDirective, lines: Iterable[str]) -> list[nodes.Node]:
    node = nodes.section()
    node.document = directive.state.document
    found = StringList(list(lines), directive.get_location())
    nested_parse_with_titles(directive.state, found, node)
    return node.children


def setup(app: Sphinx) -> None:
    app.add_autodocumenter(ClassDocumenter, override=True)
    app.add_directive("names", Names)
    app.add_directive("modules", Modules)
    app.connect("autodoc-process-docstring", plain)
