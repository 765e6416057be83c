"""Owns constant expressions of C: their tokens and their values.

Values are computed without losing bits: only what is unsigned, or was cast, has a width.  Must
not know macros: names are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class CError(ValueError):
    """Text that is no constant expression."""


class Value(NamedTuple):
    """A number, and its width if it is unsigned."""

    number: int
    bits: int = 0


_TOKEN = re.compile(r"""
    \s*(?: (?P<number> 0[xX][0-9a-fA-F]+ | 0[bB][01]+ | \d+ ) (?P<suffix>[a-zA-Z_]\w*)?(?![.\w])
     | (?P<name> [A-Za-z_]\w* )
     | (?P<char> L?'(?:\\.[^']*|[^\\'])' )
     | (?P<string> "(?:\\.|[^"\\])*" )
     | (?P<op> \#\# | << | >> | <= | >= | == | != | && | \|\| | \.\.\. | [-+*/%&|^~!<>?:(),\#] )
     | (?P<other> \S ) )""", re.VERBOSE)

_SUFFIXES = {"": 0, "U": 32, "L": 0, "LL": 0, "UL": 64, "LU": 64, "ULL": 64, "LLU": 64}
_ESCAPES = {"n": 10, "t": 9, "r": 13, "0": 0, "a": 7, "b": 8, "f": 12, "v": 11}

_BINARY = {
    "*": 10, "/": 10, "%": 10, "+": 9, "-": 9, "<<": 8, ">>": 8, "<": 7, ">": 7, "<=": 7, ">=": 7,
    "==": 6, "!=": 6, "&": 5, "^": 4, "|": 3, "&&": 2, "||": 1,
}
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "<": int.__lt__, ">": int.__gt__, "<=": int.__le__, ">=": int.__ge__, "==": int.__eq__,
    "!=": int.__ne__,
}

# Words of which types are made, and how many bits those that decide have; negative: signed.
_WORDS = {
    "char": -8, "short": -16, "int": -32, "long": -64, "signed": 0, "unsigned": 0, "const": 0,
    "volatile": 0, "__force": 0, "__bitwise": 0, "__nocast": 0, "struct": 0, "union": 0, "enum": 0,
    "_Bool": 8, "bool": 8, "void": 0, "size_t": 64, "ssize_t": -64, "loff_t": -64, "gfp_t": 32,
    "uintptr_t": 64, "intptr_t": -64, "ptrdiff_t": -64, "uint": 32, "ulong": 64, "ushort": 16,
    "uchar": 8,
}
_SIZED = re.compile(r"(?:__)?(?P<sign>u|s|le|be|uint|int)(?P<bits>8|16|32|64)(?:_t)?\Z")
_MAX_DEPTH = 60


class Token(NamedTuple):
    """A word of C text."""

    kind: str       # number, name, char, string, op
    text: str
    value: Value | None = None


def tokenize(text: str) -> list[Token]:
    """The tokens of a text; CError where there is none."""
    tokens = []
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None or found["other"]:
            raise CError(f"unexpected {text[position:].strip()[:20]!r}")
        position = found.end()
        kind = "number" if found["number"] else str(found.lastgroup)
        value = None
        if kind == "number":
            value = _number(found["number"], found["suffix"] or "")
        elif kind == "char":
            value = _character(found["char"])
        tokens.append(Token(kind, found[0].strip(), value))
    return tokens


def _number(digits: str, suffix: str) -> Value | None:
    """None if the suffix is none: what is pasted to a number may be anything."""
    bits = _SUFFIXES.get(suffix.upper())
    if bits is None:
        return None
    plain = digits[:1] != "0"
    octal = digits[:1] == "0" and digits.isdigit()
    try:
        number = int(digits, 8 if octal else 0)
    except ValueError:
        raise CError(f"{digits} is no number") from None
    # As in C, what is not decimal is unsigned when it needs the highest bit.
    if not bits and not plain and number.bit_length() in (32, 64):
        bits = 64 if "L" in suffix.upper() or number.bit_length() == 64 else 32
    if bits == 32 and number.bit_length() > 32:
        bits = 64
    return Value(number, bits)


def _character(text: str) -> Value:
    inner = text.removeprefix("L")[1:-1]
    if not inner.startswith("\\"):
        return Value(ord(inner))
    rest = inner[1:]
    if rest[0] == "x":
        return Value(int(rest[1:], 16))
    if rest.isdigit():
        return Value(int(rest, 8))
    return Value(_ESCAPES.get(rest, ord(rest[0])))


def type_bits(words: list[str]) -> int | None:
    """The width of a type, negative if signed, 0 if unknown; None if it is no type at all."""
    pointer = words[-1:] == ["*"]
    names = [word for word in words if word != "*"]
    tagged = names[:1] and names[0] in ("struct", "union", "enum")
    bits = 0
    for name in names:
        sized = _SIZED.match(name)
        if sized:
            bits = int(sized["bits"]) * (-1 if sized["sign"] in ("s", "int") else 1)
        elif name in _WORDS:
            if abs(_WORDS[name]) not in (0, 32) or not bits:
                bits = _WORDS[name] or bits
        elif not name.endswith("_t") and not tagged:
            return None
    if not names:
        return None
    if "unsigned" in names:
        bits = abs(bits) or 32
    elif "signed" in names:
        bits = bits or -32
    return 64 if pointer else bits


class Parser:
    """Computes the value of tokens; `lookup` gives the values of names or raises CError."""

    def __init__(self, tokens: list[Token], lookup: Callable[[str], Value]) -> None:
        self._tokens = tokens
        self._at = 0
        self._lookup = lookup
        self._depth = 0

    def value(self) -> Value:
        """Of all tokens; CError if they are no expression."""
        result = self._conditional()
        if self._at < len(self._tokens):
            raise CError(f"unexpected {self._tokens[self._at].text!r}")
        return result

    def _peek(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _take(self, text: str) -> bool:
        if self._peek() != text:
            return False
        self._at += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise CError(f"{text!r} is missing before {self._peek() or 'the end'!r}")

    @contextmanager
    def _nested(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise CError("too deeply nested")
        yield
        self._depth -= 1

    def _conditional(self) -> Value:
        condition = self._binary(1)
        if not self._take("?"):
            return condition
        with self._nested():
            yes = self._conditional()
            self._expect(":")
            no = self._conditional()
        return yes if condition.number else no

    def _binary(self, lowest: int) -> Value:
        left = self._unary()
        while (priority := _BINARY.get(self._peek(), 0)) >= lowest:
            operator = self._tokens[self._at].text
            self._at += 1
            left = _combine(operator, left, self._binary(priority + 1))
        return left

    def _unary(self) -> Value:
        with self._nested():
            return self._operand()

    def _operand(self) -> Value:
        if self._at >= len(self._tokens):
            raise CError("the expression is not complete")
        token = self._tokens[self._at]
        self._at += 1
        if token.value is not None:
            return token.value
        if token.text == "(":
            return self._cast() or self._parenthesised()
        if token.text == "sizeof":
            return self._sizeof()
        if token.kind == "name":
            return self._lookup(token.text)
        if token.text in ("-", "+", "~", "!") and token.kind == "op":
            operand = self._unary()
            number = {"-": -operand.number, "+": operand.number, "~": ~operand.number,
                      "!": int(not operand.number)}[token.text]
            return _wrapped(number, 0 if token.text == "!" else operand.bits)
        raise CError("a text is no number" if token.kind == "string"
                     else f"unexpected {token.text!r}")

    def _parenthesised(self) -> Value:
        result = self._conditional()
        self._expect(")")
        return result

    def _type(self) -> int | None:
        """A type in parentheses, the first of which was taken; None if it is none."""
        end = self._at
        while end < len(self._tokens) and (self._tokens[end].kind == "name"
                                           or self._tokens[end].text == "*"):
            end += 1
        words = [token.text for token in self._tokens[self._at:end]]
        if end >= len(self._tokens) or self._tokens[end].text != ")":
            return None
        bits = type_bits(words)
        if bits is not None:
            self._at = end + 1
        return bits

    def _cast(self) -> Value | None:
        bits = self._type()
        if bits is None:
            return None
        operand = self._unary()
        if bits == 0:
            return operand          # a type of an unknown size
        if bits > 0:
            return _wrapped(operand.number, bits)
        sign = 1 << (-bits - 1)
        return Value(((operand.number + sign) & ((1 << -bits) - 1)) - sign)

    def _sizeof(self) -> Value:
        self._expect("(")
        bits = self._type()
        if not bits:
            raise CError("the size is not known")
        return Value(abs(bits) // 8, 64)


def _wrapped(number: int, bits: int) -> Value:
    if not bits:
        return Value(number)
    # Narrower ones are promoted by the next operator.
    return Value(number & ((1 << bits) - 1), bits)


def _combine(operator: str, left: Value, right: Value) -> Value:
    a, b = left.number, right.number
    if operator in ("<<", ">>"):
        if not 0 <= b < 64:
            raise CError(f"shifted by {b}")
        return _wrapped(a << b if operator == "<<" else a >> b, left.bits)
    if operator in _COMPARE:
        return Value(int(_COMPARE[operator](a, b)))
    if operator == "&&":
        return Value(int(bool(a and b)))
    if operator == "||":
        return Value(int(bool(a or b)))
    if operator in "/%" and b == 0:
        raise CError("division by zero")
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if operator in "/%" else 0
    number = {"*": a * b, "/": quotient, "%": a - b * quotient, "+": a + b, "-": a - b,
              "&": a & b, "^": a ^ b, "|": a | b}[operator]
    return _wrapped(number, max(left.bits, right.bits))
