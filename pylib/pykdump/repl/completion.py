"""Owns what Tab completes: names, members of structs by their types, and what strings name.

Runs no code of people's and reads no member of a struct: a chain of members is followed by
types as far as they lead.  Must not know how lines are edited.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import os
import re
from collections.abc import Iterable
from types import ModuleType
from typing import Any

import _pykdump
import crash

from .. import archive, path, typeinfo
from ..loggers import Log
from .commands import COMMANDS

_log = Log(__name__)

_MOST = 2000            # symbols
_SPACES = ("struct", "union", "enum")
# Functions by what their strings name.
_SYMBOLS = frozenset(("readSymbol", "sym2addr", "sym2alladdr", "symbol_exists", "whatis", "sym",
                      "funcargs"))
_TYPES = frozenset(("readSU", "getSizeOf", "struct_size", "union_size", "struct_exists", "SUInfo",
                    "getStructInfo", "member_offset", "member_size", "castTo", "EnumInfo",
                    "type_length", "container_of", "readSUListFromHead", "readSUArray"))
_MEMBERS = frozenset(("Eval", "hasField", "fieldOffset"))
# Calls that read the dump and do nothing else: these are followed.
_READERS = frozenset(("readSymbol", "readSU"))
_OWN = frozenset(dir(int))


class Completer:
    """What readline asks."""

    delimiters = " \t\n`~!@#$^&*()-=+[{]}\\|;:'\",<>/?.%"

    def __init__(self, names: dict[str, Any], readline: ModuleType) -> None:
        self._names = names
        self._readline = readline
        self._found: list[str] = []

    def complete(self, word: str, state: int) -> str | None:
        """The completion of a word by its number; None after the last."""
        if state == 0:
            line = self._readline.get_line_buffer()[:self._readline.get_endidx()]
            try:
                self._found = self._completions(line, word)
            except Exception as err:    # readline has nobody to tell
                _log.debug("no completions of %r: %s", line, err)
                self._found = []
        return self._found[state] if state < len(self._found) else None

    def _completions(self, line: str, word: str) -> list[str]:
        if not line.strip():
            return ["    "]
        typed, found = candidates(line, self._names)
        done = len(typed) - len(word)       # what is before the word stays
        return sorted({name[done:] for name in found
                       if name.startswith(typed) and (typed or not name.startswith("_"))})


def candidates(line: str, names: dict[str, Any]) -> tuple[str, Iterable[str]]:
    """(what is typed of the last name, names that may be meant) at the end of a line."""
    if line.startswith("%run "):
        return _programs(line.removeprefix("%run ").lstrip())
    if re.fullmatch(r"%\w*", line):
        return line, [f"%{name}" for name in COMMANDS]
    if line.startswith(("%crash ", "!")):
        return "", ()
    line = re.sub(r"\A%time\s+|\A\?+", "", line)
    string = _open_string(line)
    if string is not None:
        return _in_string(*string, names)
    typed = re.search(r"\w*\Z", line)
    assert typed is not None
    before = line[:typed.start()]
    if before.endswith("."):
        return typed[0], _attributes(_last_expression(before[:-1]), names, typed[0])
    tag = re.search(r"\b(struct|union|enum)\s+\Z", before)
    if tag is not None:
        return typed[0], _pykdump.type_names(tag[1])  # type: ignore[arg-type]
    return typed[0], _global(names)


def _global(names: dict[str, Any]) -> list[str]:
    known = {**vars(builtins), **names}
    return [name + "(" if callable(value) else name for name, value in known.items()] \
        + [word for word in (*keyword.kwlist, *keyword.softkwlist) if word != "_"]


def _programs(typed: str) -> tuple[str, Iterable[str]]:
    if " " in typed:
        return "", ()
    if "/" in typed:
        folder = os.path.dirname(typed)
        return typed, [os.path.join(folder, name)
                       for name in _listed(os.path.expanduser(folder or "/"))]
    found = [name for folder in (path.CURRENT, *path.user_dirs()) for name in _listed(folder)
             if name.endswith(".py")]
    return typed, [*(name.removesuffix(".py") for name in found), *archive.program_names()]


def _listed(folder: str) -> list[str]:
    try:
        return [entry.name + ("/" if entry.is_dir() else "") for entry in os.scandir(folder)]
    except OSError:
        return []


# -- in strings --

def _open_string(line: str) -> tuple[str, str] | None:
    """(what is before a string that is not closed, what is typed of it); None if there is none."""
    quote = None
    start = 0
    skip = False
    for place, char in enumerate(line):
        if skip:
            skip = False
        elif char == "\\":
            skip = True
        elif quote is None and char in "'\"":
            quote, start = char, place
        elif char == quote:
            quote = None
        elif quote is None and char == "#":
            return None
    return None if quote is None else (line[:start], line[start + 1:])


def _in_string(before: str, text: str, names: dict[str, Any]) -> tuple[str, Iterable[str]]:
    tag, blank, rest = text.partition(" ")
    if blank and tag in _SPACES:
        return rest, _pykdump.type_names(tag)  # type: ignore[arg-type]
    holder, function, arguments = _call(before)
    if function in _MEMBERS:
        *outer, typed = text.split(".")
        sname = _struct_of(holder, names)
        return typed, _members(sname, ".".join(outer)) if sname else ()
    if function in _SYMBOLS:
        return text, _symbols(text)
    named = re.findall(r"""["']((?:struct|union) \w+)["']""", arguments)
    if named:
        return text, _members(named[-1], "")
    if function in _TYPES:
        # Twice: readline closes a string after the only name that it may be.
        return text, [*_SPACES, *(f"{space} " for space in _SPACES),
                      *_pykdump.type_names("typedef")]
    return text, ()


def _call(before: str) -> tuple[str, str, str]:
    """(object, function, earlier arguments) of the call that a text ends within."""
    depth = 0
    for place in range(len(before) - 1, -1, -1):
        depth += (before[place] in ")]}") - (before[place] in "([{")
        if depth < 0:
            expression = _last_expression(before[:place])
            holder, _dot, function = expression.rpartition(".")
            return holder, function, before[place + 1:]
    return "", "", ""


def _symbols(typed: str) -> list[str]:
    return _pykdump.symbol_names(typed, _MOST) if typed else []


# -- after a dot --

def _last_expression(text: str) -> str:
    """The name, chain, element or call that a text ends with."""
    place = len(text)
    while place:
        char = text[place - 1]
        if char in ")]":
            place = _opening(text, place - 1)
        elif char.isalnum() or char in "_.":
            place -= 1
        else:
            break
        if place < 0:
            return ""
    return text[place:]


def _opening(text: str, closing: int) -> int:
    """Where the bracket was opened that is closed there; -1 if it was not.  Strings are skipped."""
    depth = 0
    quote = None
    for place in range(closing, -1, -1):
        char = text[place]
        if quote is not None:
            quote = None if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            depth += (char in ")]") - (char in "([")
            if not depth:
                return place
    return -1


def _attributes(expression: str, names: dict[str, Any], typed: str) -> Iterable[str]:
    node = _parsed(expression)
    if isinstance(node, ast.Name) and node.id == "PYKD" and not typed.startswith("_"):
        return _symbols(typed)
    sname = _struct_of(expression, names)
    if sname is not None:
        return [*_members(sname, ""), *_methods(sname)]
    value = _value(node, names)
    return dir(value) if value is not None else ()


def _methods(sname: str) -> list[str]:
    try:
        kind = type(_pykdump.readSU(sname, 0))
    except (TypeError, crash.error):
        return []
    return [name for name in dir(kind) if name not in _OWN]


def _members(sname: str, chain: str) -> list[str]:
    """The members of a struct, or of what a chain of its members leads to."""
    inner = _led_to(sname, chain) if chain else sname
    try:
        return list(typeinfo.members(inner)) if inner else []
    except TypeError:
        return []


def _led_to(sname: str, chain: str) -> str | None:
    """The struct that a chain of members of a struct leads to."""
    field = typeinfo.resolve(sname, chain)
    if field is None:
        return None
    name = re.sub(r"[ *]+$|(?: ?\[\d*\])+$", "", field.ctype)
    while name != (name := re.sub(r"[ *]+$|(?: ?\[\d*\])+$", "", name)):
        pass
    return name


def _parsed(expression: str) -> ast.expr | None:
    try:
        return ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _struct_of(expression: str, names: dict[str, Any]) -> str | None:
    """The struct that an expression is, or points to, by its type alone; None if it is none."""
    chain: list[str] = []
    node = _parsed(expression)
    while node is not None:
        value = _value(node, names)
        if isinstance(value, crash.StructResult):
            return _led_to(value.PYT_symbol, ".".join(chain)) if chain else value.PYT_symbol
        if isinstance(node, ast.Attribute):
            chain.insert(0, node.attr)
            node = node.value
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
            node = node.value           # an element has the type of the others
        else:
            return None
    return None


def _value(node: ast.expr | None, names: dict[str, Any]) -> Any:
    """What an expression is, if that can be known without running anybody's code; else None."""
    if isinstance(node, ast.Name):
        return names.get(node.id, getattr(builtins, node.id, None))
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Attribute):
        return _attribute(_value(node.value, names), node.attr)
    if isinstance(node, ast.Subscript):
        holder, index = _value(node.value, names), _value(node.slice, names)
        if type(holder) in (list, tuple, dict):
            try:
                return holder[index]
            except (LookupError, TypeError):
                return None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) \
            and node.func.id in _READERS and not node.keywords:
        function = names.get(node.func.id)
        if function is getattr(_api(), node.func.id):
            try:
                return function(*(_value(argument, names) for argument in node.args))
            except (crash.error, TypeError, ValueError):
                return None
    return None


def _attribute(holder: Any, name: str) -> Any:
    """An attribute that is kept as such: no property is asked, no member read."""
    if isinstance(holder, ModuleType):
        return vars(holder).get(name)
    if holder is None or isinstance(holder, crash.StructResult):
        return None
    if isinstance(holder, type):
        return vars(holder).get(name)
    own = getattr(holder, "__dict__", {}) if type(holder).__getattribute__ \
        is object.__getattribute__ else {}
    return own.get(name) if isinstance(own, dict) else None


def _api() -> ModuleType:
    from .. import API

    return API
