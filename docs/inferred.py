# SPDX-License-Identifier: GPL-3.0-or-later
"""Owns the types that a source does not write down: mypy infers them, here they are spelled.

Must not know what a stub is.
"""

from __future__ import annotations

import pathlib
import sys

from mypy import nodes, types
from mypy.build import build
from mypy.config_parser import parse_config_file
from mypy.modulefinder import BuildSource
from mypy.options import Options


def infer(sources: dict[str, pathlib.Path], root: pathlib.Path) -> dict[str, nodes.MypyFile]:
    """Module -> what mypy knows of it, by the settings of the project.

    Raises mypy.errors.CompileError for what is no Python.
    """
    options = Options()
    parse_config_file(options, lambda: None, str(root / "setup.cfg"), sys.stdout, sys.stderr)
    options.incremental = False     # what comes from the cache has no trees
    result = build([BuildSource(str(path), name) for name, path in sources.items()], options)
    return {name: result.files[name] for name in sources}


class Spelling:
    """Types of one module as its stub may write them; `imports` are the modules that it needs."""

    def __init__(self, tree: nodes.MypyFile) -> None:
        self._tree = tree
        self.imports: set[str] = set()

    def known(self, name: str, owner: str = "") -> nodes.SymbolNode | None:
        """What a name of the module, or of a class of it, stands for."""
        names = self._tree.names
        if owner:
            holder = names.get(owner)
            if holder is None or not isinstance(holder.node, nodes.TypeInfo):
                return None         # a class within one
            names = holder.node.names
        symbol = names.get(name)
        return symbol.node if symbol else None

    def spell(self, kind: types.Type | None) -> str:
        """A type in Python; what cannot be written is Any."""
        if kind is None:
            return self._of("typing", "Any")
        kind = types.get_proper_type(kind)
        if isinstance(kind, types.NoneType):
            return "None"
        if isinstance(kind, types.Instance):
            if kind.type.fullname == "builtins.tuple":
                return f"tuple[{self.spell(kind.args[0])}, ...]"
            return self._class(kind.type) + self._arguments(list(kind.args))
        if isinstance(kind, types.UnionType):
            return " | ".join(dict.fromkeys(map(self.spell, kind.items)))
        if isinstance(kind, types.TupleType):
            return self._tuple(kind)
        if isinstance(kind, types.LiteralType):
            return self.spell(kind.fallback)
        if isinstance(kind, types.TypeType):
            return f"type[{self.spell(kind.item)}]"
        if isinstance(kind, (types.CallableType, types.Overloaded)):
            return self._callable(kind)
        return self._of("typing", "Any")

    def _class(self, info: nodes.TypeInfo) -> str:
        name = info.fullname.removeprefix(info.module_name + ".")
        short = self._tree.names.get(name)
        if short is not None and short.node is info:
            return name
        return self._of(info.module_name, name)

    def _of(self, module: str, name: str) -> str:
        if module == "builtins":
            return name
        self.imports.add(module)
        return f"{module}.{name}"

    def _arguments(self, kinds: list[types.Type]) -> str:
        return f"[{', '.join(map(self.spell, kinds))}]" if kinds else ""

    def _tuple(self, kind: types.TupleType) -> str:
        if kind.partial_fallback.type.fullname != "builtins.tuple":
            return self._class(kind.partial_fallback.type)
        items = [self.spell(each) for each in kind.items]
        if len(items) > 1 and len(set(items)) == 1:
            return f"tuple[{items[0]}, ...]"
        return f"tuple[{', '.join(items) or '()'}]"

    def _callable(self, kind: types.CallableType | types.Overloaded) -> str:
        first = kind.items[0]
        if kind.is_type_obj():
            return f"type[{self.spell(first.ret_type)}]"
        arguments = "..."
        if len(kind.items) == 1 and all(each == nodes.ARG_POS for each in first.arg_kinds):
            arguments = f"[{', '.join(map(self.spell, first.arg_types))}]"
        return f"{self._of('collections.abc', 'Callable')}[{arguments}, " \
               f"{self.spell(first.ret_type)}]"
