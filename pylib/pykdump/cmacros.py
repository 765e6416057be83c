"""Owns the reading of C text as headers have it: lines, directives, macros, enums.

Nothing ends the reading: what cannot be understood is kept with its line and a reason.  Must not
know what the names mean.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from .cexpr import CError, Parser, Token, Value, tokenize


class Skipped(NamedTuple):
    """A line that was left out."""

    line: int
    text: str
    reason: str


class _Macro(NamedTuple):
    line: int
    text: str
    parameters: list[str] | None    # None: not like a function
    body: list[Token]


# Of headers that everybody includes.
_COMMON = """\
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
#define _BITUL(n) (1UL << (n))
#define _BITULL(n) (1ULL << (n))
#define _AC(x, y) x##y
#define _UL(x) x##UL
#define _ULL(x) x##ULL
#define UL(x) x##UL
#define ULL(x) x##ULL
#define GENMASK(h, l) (((1UL << ((h) - (l) + 1)) - 1) << (l))
#define GENMASK_ULL(h, l) (((1ULL << ((h) - (l) + 1)) - 1) << (l))
#define __KERNEL__ 1
"""
_SPLICE = re.compile(r"\\[ \t]*\r?\n")
_COMMENT = re.compile(r"""//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""",
                      re.DOTALL)
_DEFINE = re.compile(r"(?P<name>[A-Za-z_]\w*)(?P<parameters>\([^()]*\))?\s*(?P<body>.*)", re.DOTALL)
_JOINED = "\0"          # where a line end was: the text goes on in the next line
_MAX_EXPANSION = 10_000
_MAX_NESTING = 100


def logical_lines(text: str, skipped: list[Skipped]) -> Iterator[tuple[int, str]]:
    """(number, text) of the lines without comments, those joined by a backslash as one."""
    def blank(found: re.Match[str]) -> str:
        comment = found[0]
        if comment[0] != "/":
            return comment
        if comment.startswith("/*") and (len(comment) < 4 or not comment.endswith("*/")):
            before = found.string[:found.start()]
            number = 1 + before.count("\n") + before.count(_JOINED)
            skipped.append(Skipped(number, comment.partition("\n")[0], "a comment without end"))
        return " " + _JOINED * (comment.count("\n") + comment.count(_JOINED))

    number = 1
    clean = _COMMENT.sub(blank, _SPLICE.sub(_JOINED, text.replace(_JOINED, " ")))
    for line in clean.split("\n"):
        yield number, line.replace(_JOINED, " ").strip()
        number += 1 + line.count(_JOINED)


class Reader:
    """The macros that a text defines, and the lines of it that are no directives."""

    def __init__(self, known: Mapping[str, int] | None = None, common: bool = True) -> None:
        self.skipped: list[Skipped] = []
        self.other: list[tuple[int, str]] = []
        self._macros: dict[str, _Macro] = dict(_common_macros()) if common else {}
        self._own: list[str] = []
        self._values: dict[str, Value] = {name: Value(value)
                                          for name, value in (known or {}).items()}
        # For each condition that the line is in: whether its lines count, whether any did.
        self._conditions: list[tuple[bool, bool]] = []

    def read(self, text: str) -> None:
        """A whole text, once in the life of a reader."""
        for line, content in logical_lines(text, self.skipped):
            if content.startswith("#"):
                self._directive(line, content)
            elif content and self._counts(line, content):
                self.other.append((line, content))

    def constants(self) -> dict[str, int]:
        """The names that were defined as a number; the others are among the skipped lines."""
        found = {}
        for name in self._own:
            macro = self._macros.get(name)
            if macro is None or macro.parameters is not None or not macro.body:
                continue            # undefined again, a function, a flag
            try:
                found[name] = self.value_of(macro.body, frozenset((name,))).number
            except CError as err:
                if name in self._values and [each.text for each in macro.body] == [name]:
                    continue        # "#define X X" beside an enumerator X
                self.skip(macro.line, macro.text, str(err))
        return found

    def value_of(self, tokens: list[Token], busy: frozenset[str] = frozenset()) -> Value:
        """The value of an expression with its macros replaced; CError."""
        return Parser(self._expanded(tokens, busy), self._named).value()

    def name_value(self, name: str, value: int) -> None:
        """Let a name that is no macro have a value."""
        self._values[name] = Value(value)

    def skip(self, line: int, text: str, reason: str) -> None:
        """Keep why a line gave nothing."""
        self.skipped.append(Skipped(line, text, reason))

    def _named(self, name: str) -> Value:
        try:
            return self._values[name]
        except KeyError:
            raise CError(f"{name} is not known") from None

    # -- directives --

    def _counts(self, line: int, text: str) -> bool:
        if all(counts for counts, _any in self._conditions):
            return True
        self.skip(line, text, "its condition is not true")
        return False

    def _directive(self, line: int, text: str) -> None:
        found = re.match(r"#\s*(\w*)\s*(.*)", text, re.DOTALL)
        assert found is not None
        word, rest = found[1], found[2]
        if word in ("if", "ifdef", "ifndef", "elif", "else", "endif"):
            self._condition(line, text, word, rest)
        elif not self._counts(line, text):
            return
        elif word == "define":
            self._define(line, text, rest)
        elif word == "undef":
            self._macros.pop(rest.strip(), None)
        elif word not in ("", "include", "pragma", "ident"):
            self.skip(line, text, f"#{word} is not understood")

    def _define(self, line: int, text: str, rest: str) -> None:
        found = _DEFINE.match(rest)
        if found is None:
            self.skip(line, text, "a name is missing")
            return
        parameters = None
        if found["parameters"]:
            parameters = [name.strip() for name in found["parameters"][1:-1].split(",")]
        try:
            body = tokenize(found["body"])
        except CError as err:
            self._macros.pop(found["name"], None)
            if parameters is None:
                self.skip(line, text, str(err))
            return
        name = found["name"]
        self._own = [each for each in self._own if each != name] + [name] \
            if name in self._macros else [*self._own, name]
        self._macros[name] = _Macro(line, text, parameters, body)

    def _condition(self, line: int, text: str, word: str, rest: str) -> None:
        if word in ("if", "ifdef", "ifndef"):
            true = self._is_true(line, text, word, rest)
            self._conditions.append((true, true))
        elif not self._conditions:
            self.skip(line, text, f"#{word} without #if")
        elif word == "endif":
            self._conditions.pop()
        else:
            _counts, any_before = self._conditions.pop()
            true = not any_before and (word == "else" or self._is_true(line, text, "if", rest))
            self._conditions.append((true, any_before or true))

    def _is_true(self, line: int, text: str, word: str, rest: str) -> bool:
        if word != "if":
            defined = rest.split(None, 1)[:1]
            return (bool(defined) and defined[0] in self._macros) == (word == "ifdef")

        def defined_as_number(found: re.Match[str]) -> str:
            return str(int((found[1] or found[2]) in self._macros))

        expression = re.sub(r"\bdefined\s*(?:\(\s*(\w+)\s*\)|(\w+))", defined_as_number, rest)
        expression = re.sub(r"\bIS_(?:ENABLED|BUILTIN|MODULE|REACHABLE)\s*\(\s*(\w+)()\s*\)",
                            defined_as_number, expression)
        try:
            tokens = self._expanded(tokenize(expression), frozenset())
            value = Parser(tokens, lambda name: self._values.get(name, Value(0))).value()
            return bool(value.number)
        except CError as err:
            self.skip(line, text, str(err))
            return False

    # -- expansion --

    def _expanded(self, tokens: list[Token], busy: frozenset[str]) -> list[Token]:
        """The tokens with all macros replaced; those in `busy` are being replaced already."""
        if len(busy) > _MAX_NESTING:
            raise CError("too deeply nested")
        result: list[Token] = []
        at = 0
        while at < len(tokens):
            token = tokens[at]
            at += 1
            macro = self._macros.get(token.text) if token.kind == "name" else None
            if macro is None or token.text in busy:
                result.append(token)
                continue
            body = macro.body
            if macro.parameters is not None:
                if at >= len(tokens) or tokens[at].text != "(":
                    result.append(token)
                    continue
                arguments, at = _arguments(tokens, at + 1)
                body = _substituted(macro, arguments, lambda given: self._expanded(given, busy))
            elif not body:
                continue
            result += self._expanded(body, busy | {token.text})
            if len(result) > _MAX_EXPANSION:
                raise CError("the macros never end")
        return result


@functools.lru_cache(maxsize=None)
def _common_macros() -> dict[str, _Macro]:
    reader = Reader(common=False)
    reader.read(_COMMON)
    return reader._macros


def _arguments(tokens: list[Token], at: int) -> tuple[list[list[Token]], int]:
    """What a macro is given, whose "(" is just before `at`, and what follows its ")"."""
    arguments: list[list[Token]] = [[]]
    depth = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token.text == ")" and depth == 0:
            return arguments, at
        if token.text == "," and depth == 0:
            arguments.append([])
            continue
        depth += (token.text == "(") - (token.text == ")")
        arguments[-1].append(token)
    raise CError("')' is missing")


def _substituted(macro: _Macro, arguments: list[list[Token]],
                 expand: Callable[[list[Token]], list[Token]]) -> list[Token]:
    """The body of a macro with what it is given in the place of its parameters."""
    parameters = macro.parameters or []
    if len(arguments) != len(parameters):
        raise CError(f"{len(arguments)} arguments for {macro.text!r}")
    given = dict(zip(parameters, arguments))
    result: list[Token] = []
    paste = False
    for at, token in enumerate(macro.body):
        if token.text == "##":
            paste = True
            continue
        followed = at + 1 < len(macro.body) and macro.body[at + 1].text == "##"
        piece = [token]
        if token.kind == "name" and token.text in given:
            piece = given[token.text]
            if not paste and not followed:
                piece = expand(piece)
        if paste and result and piece:
            piece = [*tokenize(result.pop().text + piece[0].text), *piece[1:]]
        result += piece
        paste = False
    return result
