"""Owns what programs make of texts: constants from C headers, rows from tables.

    FLAGS = CDefine('''
    #define MS_RDONLY   1       /* Mount read-only */
    #define MS_LAZYTIME (1<<25)
    ''')
    FLAGS.MS_RDONLY, FLAGS["MS_LAZYTIME"], FLAGS.value2key(1)

Must not know what the constants are for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from . import options

if TYPE_CHECKING:
    from .cmacros import Reader, Skipped


def _report(skipped: list[Skipped]) -> None:
    if options.API_options.debug > 0:
        for line, text, reason in skipped:
            print(f"C text, line {line}: <{text}> is left out: {reason}")


class CDefine(dict):
    """The constants that `#define` lines give names: as items and as attributes.

    Expressions, casts, macros with parameters and conditions are understood; `known` are names
    that the text may use besides.  `skipped` has (line, text, reason) for each line that gave
    nothing.
    """

    skipped: list[Skipped]

    def __init__(self, text: str, known: Mapping[str, int] | None = None) -> None:
        from .cmacros import Reader

        reader = Reader(known)
        reader.read(text)
        super().__init__(reader.constants())
        for line, content in reader.other:
            reader.skip(line, content, "this is no #define")
        vars(self)["skipped"] = sorted(reader.skipped)
        _report(self.skipped)

    def __getattr__(self, name: str) -> int:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def value2key(self, value: int) -> str | None:
        """The last name of a value, None if it has none."""
        return next((name for name in reversed(self) if self[name] == value), None)


class _Lookup(dict):
    """Value to name, asked for like an item or like a function."""

    def __call__(self, value: int) -> str:
        return self[value]


class CEnum:
    """The enumerators of the text of an enum: names are attributes, `[value]` is the name.

    `vals` has the values by name, `lookup` the names by value, the first where there are
    several; `skipped` is as that of CDefine.
    """

    def __init__(self, text: str, known: Mapping[str, int] | None = None) -> None:
        from .cmacros import Reader

        reader = Reader(known)
        reader.read(text)
        self.vals: dict[str, int] = dict(_enumerators(reader))
        self.lookup = _Lookup((value, name) for name, value in reversed(self.vals.items()))
        self.skipped: list[Skipped] = sorted(reader.skipped)
        _report(self.skipped)

    def __getattr__(self, name: str) -> int:
        try:
            return vars(self)["vals"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __getitem__(self, value: int) -> str:
        return self.lookup[value]

    def __contains__(self, name: object) -> bool:
        return name in self.vals

    def __iter__(self) -> Iterator[str]:
        return iter(self.vals)

    def __len__(self) -> int:
        return len(self.vals)

    def getByName(self, name: str) -> int:
        """The value of an enumerator; KeyError."""
        return self.vals[name]

    def getAllNames(self) -> list[str]:
        """The names, in the order of the text."""
        return list(self.vals)

    def __repr__(self) -> str:
        return f"CEnum {self.vals}"


_ENUMERATOR = re.compile(r"(?P<name>[A-Za-z_]\w*)\s*(?:__\w+\s*(?:\(.*?\)+)?\s*)*"
                         r"(?:=\s*(?P<value>.*))?\Z", re.DOTALL)


def _enumerators(reader: Reader) -> Iterator[tuple[str, int]]:
    from .cexpr import CError, tokenize

    value: int | None = -1      # None: it follows from one that is not known
    for line, text in _pieces(reader.other):
        if text == "{":
            value = -1
            continue
        found = _ENUMERATOR.match(text)
        if found is None:
            reader.skip(line, text, "this is no enumerator")
            value = None
            continue
        if found["value"] is None and value is None:
            reader.skip(line, text, "the value before it is not known")
            continue
        try:
            value = value + 1 if found["value"] is None and value is not None \
                else reader.value_of(tokenize(found["value"])).number
        except CError as err:
            reader.skip(line, text, str(err))
            value = None
            continue
        reader.name_value(found["name"], value)
        yield found["name"], value


def _pieces(lines: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """What commas separate between braces, or everywhere if there are none; "{" begins an enum."""
    inside = not any("{" in text for _line, text in lines)
    depth = 0
    piece, began = "", 0
    for line, text in lines:
        for char in text + " ":
            if not inside:
                inside = char == "{"
                if inside:
                    yield line, char
            elif depth == 0 and char in ",}":
                if piece.strip():
                    yield began, piece.strip()
                piece = ""
                inside = char == ","
            else:
                depth += (char in "([") - (char in ")]")
                if not piece.strip():
                    began = line
                piece += char
    if piece.strip(" ;"):
        yield began, piece.strip(" ;")


def parser_header_tabs(text: str, sep: str | None = None) -> list[dict[str, str]]:
    """The rows of a table by the names in its first line.

    A column begins where its name does and ends before the next, unless `sep` separates them.
    """
    lines = [line.expandtabs() if sep is None else line for line in text.splitlines()
             if line.strip()]
    if not lines:
        return []
    if sep is not None:
        names = [name.strip() for name in lines[0].split(sep)]
        return [dict(zip(names, (word.strip() for word in line.split(sep)))) for line in lines[1:]]
    heads = list(re.finditer(r"\S+(?: \S+)*", lines[0]))
    starts = [0, *(head.start() for head in heads[1:])]
    ends: list[int | None] = [*starts[1:], None]
    return [{head[0]: line[start:end].strip() for head, start, end in zip(heads, starts, ends)}
            for line in lines[1:]]
