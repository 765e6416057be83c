"""Owns what of other people's text may be shown: names and messages out of a dump say what a
terminal obeys, or forge lines, if somebody wants them to.

What functions return as data stays as it is; whoever puts it into text for people takes it from
here.  Must not know what the text is.
"""

from __future__ import annotations


def one_line(text: object) -> str:
    """A text without what ends lines or a terminal obeys: such as \\n, \\x1b, \\u202e."""
    shown = str(text)
    return shown if shown.isprintable() else "".join(map(_shown, shown))


def printable(text: str) -> str:
    """The same of a text that may have tabs and several lines: these stay."""
    return text if text.isprintable() else "".join(
        char if char in "\n\t" else _shown(char) for char in text)


def _shown(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
