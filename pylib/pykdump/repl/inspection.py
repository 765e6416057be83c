"""Owns what `?` and help() tell: of types, members and symbols of the kernel, and of any object.

Must not know how the question came.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from typing import Any

import _pykdump
import crash

from .. import preview, structinfo
from . import talk
from .display import symbol

_TAGS = ("struct ", "union ", "enum ")


class _Nothing(Exception):
    """There is no such thing; says so."""


def is_nameable(text: str) -> bool:
    """Whether a text can be the name of something to be told about."""
    if text.startswith(_TAGS):
        return True
    try:
        ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return not text.startswith(("'", '"', "#"))


def tell(text: str, names: dict[str, object], source: bool = False) -> None:
    """Print what is known of what a text names: a Python expression, else a type or a symbol."""
    try:
        talk.page("\n".join(_told(text, names, source)))
    except _Nothing as err:
        print(err)


def _told(text: str, names: dict[str, object], source: bool) -> Iterator[str]:
    if text.startswith(_TAGS):
        return _type(text)
    try:
        value = eval(text, names)
        lines = list(_of(value, source))
        # A function of the API may have the name of a type.
        if text.isidentifier() and callable(value) and _in_kernel(text):
            lines += ["", *_of_kernel(text)]
        return iter(lines)
    except (crash.error, NameError, SyntaxError, AttributeError, LookupError, TypeError,
            ValueError) as err:
        if not text.isidentifier():
            raise _Nothing(f"{text}: {type(err).__name__}: {err}") from None
    return _of_kernel(text)


def _in_kernel(name: str) -> bool:
    try:
        return any(_of_kernel(name))
    except _Nothing:
        return False


def _of_kernel(name: str) -> Iterator[str]:
    """All that has this name: types, and a symbol."""
    found = []
    for tag in ("struct ", "union ", "enum ", ""):
        try:
            found.append("\n".join(_type(tag + name)))
        except _Nothing:
            continue
        break
    if crash.symbol_exists(name):
        found.append("\n".join(_symbol(name)))
    if not found:
        raise _Nothing(f"{name}: neither a name of Python here, nor a type or symbol of the kernel")
    return iter("\n\n".join(found).splitlines())


# -- of the kernel --

def _type(name: str) -> Iterator[str]:
    try:
        described = _pykdump.describe_type(name)
    except TypeError as err:
        raise _Nothing(str(err)) from None
    alias = name
    while described[0] == "typedef":
        described = described[5]
        alias = f"{alias}, a typedef of {described[1] or described[0]}"
    if described[0] == "enum":
        return _enum(alias, described)
    if described[0] in ("struct", "union"):
        return _layout(alias, structinfo.getStructInfo(name))
    return iter([f"{alias}: {_bytes(described[2])}"])


def _enum(title: str, described: Any) -> Iterator[str]:
    yield f"{title}: {_bytes(described[2])}"
    for name, value in described[6]:
        yield f"  {value:>6}  {name}"


def _layout(title: str, info: structinfo.SUInfo) -> Iterator[str]:
    yield f"{title}: {_bytes(info.PYT_size)}, {len(info.PYT_body)} members"
    yield "  offset    size"
    for _name, member in info.PYT_body:
        bits = f":{member.bitoffset % 8}" if member.bitsize else ""
        yield f"  {f'{member.offset}{bits}':>6}  {member.size:>6}  {member}"


def _bytes(count: int) -> str:
    return f"{count} byte{'' if count == 1 else 's'}"


def _symbol(name: str) -> Iterator[str]:
    address = crash.sym2addr(name)
    module = crash.addr2mod(address)
    yield f"symbol {name}: {address:#x}{f' in module {module}' if module else ''}"
    try:
        yield f"  {structinfo.whatis(name)}"
    except TypeError:
        yield "  its type is not known"


# -- of Python --

def _of(value: Any, source: bool) -> Iterator[str]:
    if isinstance(value, crash.StructResult):
        return _struct(value)
    if isinstance(value, crash.tEnum):
        return iter([f"tEnum {value!r}"])
    if isinstance(value, int):
        return _int(value)
    return _object(value, source)


def _struct(value: crash.StructResult) -> Iterator[str]:
    at = symbol(value)
    yield f"{value}{f'  {at}' if at else ''}"
    yield from _layout(value.PYT_symbol, structinfo.getStructInfo(value.PYT_symbol))


def _int(value: int) -> Iterator[str]:
    at = symbol(int(value))
    yield f"{type(value).__name__} {int(value)} = {int(value):#x}{f' = {at}' if at else ''}"


def _object(value: Any, source: bool) -> Iterator[str]:
    described = inspect.isroutine(value) or inspect.isclass(value) or inspect.ismodule(value)
    signature = _signature(value)
    if described:
        yield f"{_kind(value)} {getattr(value, '__name__', '')}{signature}"
    else:
        yield f"{type(value).__name__}: {preview.of(value)}"
    text = inspect.getdoc(value if described else type(value))
    if text and (described or type(value).__module__ != "builtins"):
        yield from text.splitlines()
    if not described:
        return
    file = _file(value)
    if file:
        yield f"in {file}"
    if source:
        try:
            yield from ("", *inspect.getsource(value).splitlines())
        except (OSError, TypeError):
            yield "its source is not there: it is written in C"


def _kind(value: Any) -> str:
    if inspect.ismodule(value):
        return "module"
    return "class" if inspect.isclass(value) else "function"


def _signature(value: Any) -> str:
    if not callable(value):
        return ""
    try:
        return str(inspect.signature(value))
    except (TypeError, ValueError):
        return ""


def _file(value: Any) -> str | None:
    try:
        return inspect.getsourcefile(value) or inspect.getfile(value)
    except (OSError, TypeError):
        return None


class Help:
    """help(): what pydoc has, through the pager of this conversation."""

    def __repr__(self) -> str:
        return ("help(THING) describes an object of Python, THING? that and things of the kernel; "
                "%help lists what else can be typed")

    def __call__(self, *about: Any) -> None:
        import pydoc

        if not about:
            pydoc.Helper(output=sys.stdout)()
            return
        try:
            plain = pydoc.plaintext     # type: ignore[attr-defined]
            text = pydoc.render_doc(about[0], "Help on %s:", renderer=plain)
        except ImportError as err:
            text = str(err)
        talk.page(text)
