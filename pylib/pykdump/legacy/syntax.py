"""Owns telling what is wrong with a text that is no Python 3.

Goes by the line of the error and by what the compiler says.  Must not know how errors are reported.
"""

from __future__ import annotations

import importlib.util
import linecache
import re
import shutil
import tokenize
from pathlib import Path

# Also read by a Python that takes it for two exceptions.
_OLD_HANDLER = r"^\s*except\s+[^:]*[^):]\s*,\s*\w+\s*:"
_STRING = re.compile(r"'(\\.|[^'\\])*'|\"(\\.|[^\"\\])*\"|#.*")

# What the compiler says, or what the line has when its strings are empty -> what to write.
_PYTHON2 = tuple((said and re.compile(said), has and re.compile(has), write)
                 for said, has, write in (
    (r"call to 'print'", r"\bprint\s+[^\s(=.,)\]:]", "print(x, y) instead of print x, y"),
    (r"call to 'exec'", r"\bexec\s+[^\s(=.,)\]:]",
     "exec(code, names) instead of exec code in names"),
    (r"multiple exception types", _OLD_HANDLER,
     "except Error as e: instead of except Error, e:"),
    (None, r"^\s*raise\s+[\w.]+\s*,", "raise Error(text) instead of raise Error, text"),
    (None, r"\b[uU][rR]['\"]", "r'...' instead of ur'...'"),
    (None, r"`", "repr(x) instead of `x`"),
    (None, r"<>", "!= instead of <>"),
    (r"leading zeros in decimal", r"(?<![\w.])0[0-7]+\b", "0o777 instead of 0777"),
    (None, r"(?<![\w.])(0[xX][\da-fA-F]+|\d+)[lL]\b", "10 instead of 10L"),
    (r"parameters cannot be parenthesized", r"\b(def\s+\w+\s*\(|lambda\b)[^:]*\(\s*\w+\s*,",
     "one name for a tuple among the parameters, and take it apart inside"),
))


def advice(err: SyntaxError) -> str | None:
    """What to write instead, when the text is an old one."""
    said, file = str(err.msg), str(err.filename)
    if "codec can't decode" in said and "(unicode error)" in said or "utf-8' codec" in said:
        return _encoding(file)
    line = str(err.text or "")
    if isinstance(err, IndentationError):
        return _indentation(err, line, file)
    bare = _STRING.sub(lambda found: "" if found[0][0] == "#" else "''", line)
    for words, pattern, write in _PYTHON2:
        if words and words.search(said) or pattern and pattern.search(bare):
            return f"this is Python 2: write {write}{_converter(file)}"
    if found := re.search(r"\b(async|await)\b(?!\s+(def|for|with|\w))", bare):
        return f"{found[1]} is a keyword since Python 3.7: use another name"
    return None


def old_handler(err: NameError) -> str | None:
    """What to write, when `except Error, e:` was executed and took e for an exception."""
    tb = err.__traceback__
    if tb is None:
        return None
    while tb.tb_next is not None:
        tb = tb.tb_next
    file = tb.tb_frame.f_code.co_filename
    if re.match(_OLD_HANDLER, linecache.getline(file, tb.tb_lineno)) is None:
        return None
    return ("this is Python 2: write except Error as e: instead of except Error, e:"
            + _converter(file))


def _indentation(err: IndentationError, line: str, file: str) -> str | None:
    indented = [text[:len(text) - len(text.lstrip())] for text in linecache.getlines(file)]
    mixed = any("\t" in text for text in indented) and any(" " in text for text in indented)
    if isinstance(err, TabError) or mixed:
        return ("this is Python 2: tabs and spaces are mixed, "
                f"`expand -t 8 {file}` makes them spaces")
    return None


def _converter(file: str) -> str:
    if shutil.which("2to3"):
        return f" (`2to3 -w {file}` rewrites the whole file)"
    if importlib.util.find_spec("lib2to3"):
        return f" (`python3 -m lib2to3 -w {file}` rewrites the whole file)"
    return ""


def _encoding(file: str) -> str | None:
    """Where the first byte is that the encoding of a file does not have."""
    try:
        with open(file, "rb") as stream:
            encoding, _ = tokenize.detect_encoding(stream.readline)
    except (OSError, SyntaxError):
        encoding = "utf-8"      # a bad byte in the first lines
    try:
        text = Path(file).read_bytes()
        text.decode(encoding)
    except OSError:
        return None
    except UnicodeDecodeError as err:
        number = text.count(b"\n", 0, err.start) + 1
        return (f"{file}:{number}: byte {text[err.start]:#04x} is not {encoding.upper()}: "
                "save the file as UTF-8, or add '# -*- coding: latin-1 -*-' as its first line")
    return None
