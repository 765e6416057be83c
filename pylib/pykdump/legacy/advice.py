"""Owns what a person is told to write instead of what this Python does not have.

The tables go from a name, or the text of an error, to a few words.  Must not know how errors are
reported.
"""

from __future__ import annotations

import array
import re
import sys
import types
from collections.abc import Mapping
from types import ModuleType

from . import modules, names, syntax

# NameError: what was built in
_BUILTIN = {
    "StandardError": "Exception", "WindowsError": "OSError", "apply": "f(*args)",
    "basestring": "str", "buffer": "memoryview", "cmp": "(a > b) - (a < b)",
    "coerce": "the numbers themselves", "execfile": "exec(open(file).read())", "file": "open",
    "intern": "sys.intern", "long": "int", "raw_input": "input",
    "reduce": "functools.reduce", "reload": "importlib.reload", "unichr": "chr",
    "unicode": "str", "xrange": "range",
}

# (module, name) of what is gone from a module
_IN_MODULE = {
    **{("ast", name): "ast.Constant" for name in (
        "Num", "Str", "Bytes", "NameConstant", "Ellipsis")},
    ("asyncio", "async"): "asyncio.ensure_future",
    ("contextlib", "nested"): "contextlib.ExitStack",
    ("imp", "NullImporter"): "None",
    ("os", "popen2"): "subprocess.Popen",
    ("os", "popen3"): "subprocess.Popen",
    ("os", "popen4"): "subprocess.Popen",
    ("os", "spawnvp"): "subprocess.Popen",
    ("os", "tempnam"): "tempfile.mkstemp",
    ("os", "tmpnam"): "tempfile.mkstemp",
    ("pipes", "Template"): "subprocess.Popen",
    ("cgi", "FieldStorage"): "urllib.parse.parse_qs",
    ("ssl", "wrap_socket"): "ssl.SSLContext().wrap_socket",
    ("string", "index_error"): "ValueError",
    ("string", "atoi_error"): "ValueError",
    ("sys", "exc_type"): "sys.exc_info()[0]",
    ("sys", "exc_value"): "sys.exc_info()[1]",
    ("sys", "exc_traceback"): "sys.exc_info()[2]",
    ("thread", "interrupt_main"): "_thread.interrupt_main",
    ("types", "NotImplementedType"): "type(NotImplemented)",
    ("urllib", "FancyURLopener"): "urllib.request.urlopen",
    ("urllib", "URLopener"): "urllib.request.urlopen",
}

# type -> {attribute that its objects do not have: instead}
_IN_TYPE: tuple[tuple[type | tuple[type, ...], dict[str, str]], ...] = (
    (Mapping, {"has_key": "`key in d`", "iteritems": "d.items()", "iterkeys": "d.keys()",
               "itervalues": "d.values()", "viewitems": "d.items()", "viewkeys": "d.keys()",
               "viewvalues": "d.values()"}),
    ((type({}.keys()), type({}.values()), type({}.items())),
     {"sort": "sorted(d)", "append": "list(d)", "index": "list(d).index"}),
    ((map, filter, zip, range),
     {"sort": "sorted(...)", "append": "list(...)", "extend": "list(...)"}),
    (str, {"decode": "the text itself, str is Unicode; what comes from the dump as bytes "
                     "has decode"}),
    (bytes, {"encode": "the bytes themselves, or decode() to get a text",
             "format": "decode() first"}),
    ((types.FunctionType, types.MethodType), {
        **{f"func_{name}": f"__{name}__" for name in (
            "closure", "code", "defaults", "dict", "doc", "globals", "name")},
        "im_class": "__self__.__class__", "im_func": "__func__", "im_self": "__self__"}),
    (BaseException, {"message": "str(err)"}),
    (array.array, {"fromstring": "frombytes", "tostring": "tobytes"}),
)
# by the name of the type, where it is not to be imported for this
_IN_TYPE_NAMED = {
    ("Element", "getchildren"): "list(element)",
    ("Element", "getiterator"): "element.iter()",
    ("ElementTree", "getiterator"): "tree.iter()",
    ("TextIOWrapper", "xreadlines"): "the file itself: for line in file",
}

# what the text of an error means in a program that ran with Python 2
_BY_TEXT = tuple((kind, re.compile(pattern), instead) for kind, pattern, instead in (
    (TypeError, r"'dict_(keys|values|items)' object is not subscriptable",
     "d.keys(), values() and items() are no lists: write list(d.keys())[0]"),
    (TypeError, r"unsupported operand type.* 'dict_(keys|values|items)'",
     "d.keys(), values() and items() are no lists: write list(d.keys()) + ..."),
    (TypeError, r"'(map|filter|zip)' object is not subscriptable|"
                r"object of type '(map|filter|zip)' has no len",
     "map(), filter() and zip() are no lists: write list(map(...))"),
    (TypeError, r"'range' object does not support item assignment|"
                r"unsupported operand .*'range'",
     "range() is no list: write list(range(...))"),
    (TypeError, r"sort.* 'cmp'|'cmp' is an invalid keyword|"
                r"sort\(\) takes no positional|^sorted expected 1 arg",
     "sort with key=functools.cmp_to_key(f)"),
    (TypeError, r"a bytes-like object is required, not 'str'",
     "bytes and text are different: write b'...', or text.encode()"),
    (TypeError, r"initial_value must be str or None, not bytes|string argument expected, got 'byt",
     "bytes and text are different: write io.BytesIO"),
    (TypeError, r"write\(\) argument must be str, not bytes",
     "bytes and text are different: write open(file, 'wb'), or data.decode()"),
    (TypeError, r"'[<>]=?' not supported between instances of '(NoneType|int|str|dict)' and",
     "values of different types have no order: sort with a key, compare what is alike"),
    (TypeError, r"can't concat str to bytes|can only concatenate str \(not \"bytes\"\)|"
                r"cannot use a string pattern on a bytes-like object",
     "bytes and text are different: write data.decode()"),
    (TypeError, r"'float' object cannot be interpreted as an integer|"
                r"indices must be integers or slices, not float",
     "a / b is not a whole number: write a // b"),
    (TypeError, r"for >>: 'builtin_function_or_method' and",
     "print is a function: write print(x, file=f)"),
    (TypeError, r"exceptions must derive from BaseException",
     "a text cannot be raised: write raise RuntimeError(text)"),
    (RuntimeError, r"dictionary (changed size|keys changed) during iteration",
     "d.keys() is no copy: write for key in list(d)"),
    (RuntimeError, r"no current event loop",
     "asyncio.get_event_loop() makes none any more: write asyncio.run(main())"),
))


def line(err: BaseException) -> str | None:
    """One line for below an error: what to write instead; None when age is not what is wrong."""
    if isinstance(err, SyntaxError):
        told = syntax.advice(err)
        return None if told is None else f"epython: {told}"
    if isinstance(err, NameError) and (told := syntax.old_handler(err)):
        return f"epython: {told}"
    missing = _missing(err)
    if missing is not None:
        what, instead = missing
        major, minor = sys.version_info[:2]
        return f"epython: Python {major}.{minor} has no {what}: {instead}"
    for kind, pattern, instead in _BY_TEXT:
        if type(err) is kind and pattern.search(str(err)):
            return f"epython: since Python 3 {instead}"
    return None


def _missing(err: BaseException) -> tuple[str, str] | None:
    """What is not there, and what to do."""
    name = getattr(err, "name", None)
    if not isinstance(name, str):       # a program may raise anything
        return None
    if type(err) in (ImportError, ModuleNotFoundError):
        return _missing_import(name, str(err))
    if isinstance(err, NameError) and name in _BUILTIN:
        return name, f"use {_BUILTIN[name]}"
    if isinstance(err, AttributeError):
        return _missing_attribute(err.obj, name)
    return None


def _missing_import(module: str, text: str) -> tuple[str, str] | None:
    found = re.match(r"cannot import name '(\w+)'", text)
    if found:
        return _missing_in(module, found[1])
    for name in (module, module.partition(".")[0]):
        if name in modules.INSTEAD:
            return f"module {name}", modules.INSTEAD[name]
        if sources := modules.ALIASES.get(name):
            own = [source for source in sources if not source.startswith("pykdump.")]
            return (f"module {name}", f"use {' and '.join(own)}") if own else None
    return None


def _missing_attribute(owner: object, name: str) -> tuple[str, str] | None:
    kind = type(owner)
    if issubclass(kind, ModuleType):
        return _missing_in(str(vars(owner).get("__name__")), name)
    if issubclass(kind, type):
        kind = owner  # type: ignore[assignment]
    for types_, instead in _IN_TYPE:
        if name in instead and issubclass(kind, types_):
            return f"{kind.__name__}.{name}", f"use {instead[name]}"
    if name == "next" and hasattr(kind, "__next__"):
        return f"{kind.__name__}.next", "use next(it)"
    named = _IN_TYPE_NAMED.get((kind.__name__, name))
    return None if named is None else (f"{kind.__name__}.{name}", f"use {named}")


def _missing_in(module: str, name: str) -> tuple[str, str] | None:
    instead = _IN_MODULE.get((module, name))
    place = names.MOVED.get(module, {}).get(name)
    if instead is None and place is not None and not place.startswith("pykdump."):
        instead = place.rstrip(":").replace(":", ".").removeprefix("builtins.")
    return None if instead is None else (f"{module}.{name}", f"use {instead}")
