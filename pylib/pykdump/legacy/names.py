"""Owns the names that modules of the standard library do not have any more, and what they are now.

A name is added to its module when a program that uses it is about to run, and if it is missing.
Must not know how it is found out what a program uses.
"""

from __future__ import annotations

import importlib
from types import ModuleType

_OWN = __package__


def _same(module: str, names: str) -> dict[str, str]:
    return {name: f"{module}:{name}" for name in names.split()}


def _renamed(module: str, names: str) -> dict[str, str]:
    return {old: f"{module}:{new}" for old, new in (pair.split("=") for pair in names.split())}


# module or class -> {old name: where it is now}; "module:" is the module itself
MOVED: dict[str, dict[str, str]] = {
    "asyncio": _same(f"{_OWN}.functions", "coroutine"),
    "base64": _renamed("base64", "encodestring=encodebytes decodestring=decodebytes"),
    "cgi": {"escape": f"{_OWN}.cgi:escape", **_same("urllib.parse", "parse_qs parse_qsl")},
    "collections": _same("collections.abc", """
        Awaitable AsyncGenerator AsyncIterable AsyncIterator Callable Collection Container
        Coroutine Generator Hashable ItemsView Iterable Iterator KeysView Mapping MappingView
        MutableMapping MutableSequence MutableSet Reversible Sequence Set Sized ValuesView"""),
    "configparser": {"SafeConfigParser": "configparser:ConfigParser"},
    "configparser:RawConfigParser": {"readfp": "configparser:RawConfigParser.read_file"},
    "fractions": _same("math", "gcd"),
    "html.parser:HTMLParser": {"unescape": f"{_OWN}.functions:unescape"},
    "importlib": _same(f"{_OWN}.functions", "find_loader"),
    "inspect": _same(f"{_OWN}.functions", "getargspec formatargspec ArgSpec"),
    "itertools": {**_renamed("builtins", "ifilter=filter imap=map izip=zip"),
                  **_renamed("itertools", "ifilterfalse=filterfalse izip_longest=zip_longest")},
    "locale": {"format": f"{_OWN}.functions:format_number"},
    "operator": {"isCallable": "builtins:callable", "sequenceIncludes": "operator:contains",
                 "div": f"{_OWN}.functions:div"},
    "os": {"errno": "errno:", "getcwdu": "os:getcwd"},
    "os.path": _same(f"{_OWN}.functions", "walk"),
    "pkgutil": {name: f"{_OWN}.functions:find_loader" for name in ("find_loader", "get_loader")},
    "platform": {"dist": f"{_OWN}.functions:linux_distribution", "popen": "os:popen",
                 "linux_distribution": f"{_OWN}.functions:linux_distribution"},
    "re": {"_pattern_type": "re:Pattern"},
    "string": {**_same(f"{_OWN}.functions", """
        letters lowercase uppercase join maketrans translate atoi zfill"""),
               "atol": f"{_OWN}.functions:atoi", "atof": "builtins:float",
               "joinfields": f"{_OWN}.functions:join", "splitfields": "builtins:str.split",
               **{name: f"builtins:str.{name}" for name in """
        capitalize center count expandtabs find index ljust lower lstrip replace rfind rindex rjust
        rstrip split strip swapcase upper""".split()}},
    "sys": {"maxint": "sys:maxsize", **_same(f"{_OWN}.functions", """
        exc_clear getcheckinterval setcheckinterval setdefaultencoding""")},
    "threading:Thread": {"isAlive": "threading:Thread.is_alive"},
    "time": {"clock": "time:process_time"},
    "types": {**_renamed("builtins", """
        BooleanType=bool BufferType=memoryview ClassType=type ComplexType=complex DictType=dict
        DictionaryType=dict FloatType=float InstanceType=object IntType=int ListType=list
        LongType=int ObjectType=object SliceType=slice StringType=str StringTypes=str
        TupleType=tuple TypeType=type UnicodeType=str XRangeType=range"""),
              "FileType": "io:IOBase", "UnboundMethodType": "types:FunctionType"},
    "typing": {"io": "typing:", "re": "typing:"},
    "unittest": {"makeSuite": f"{_OWN}.functions:makeSuite",
                 "_TextTestResult": "unittest:TextTestResult"},
    "unittest:TestCase": _renamed("unittest", " ".join(
        f"{old}=TestCase.{new}" for old, new in (pair.split("=") for pair in """
        assertAlmostEquals=assertAlmostEqual assertEquals=assertEqual assert_=assertTrue
        assertNotAlmostEquals=assertNotAlmostEqual assertNotEquals=assertNotEqual
        assertNotRegexpMatches=assertNotRegex assertRaisesRegexp=assertRaisesRegex
        assertRegexpMatches=assertRegex failIf=assertFalse failUnless=assertTrue
        failUnlessEqual=assertEqual failUnlessRaises=assertRaises""".split()))),
    "urllib": {**_same("urllib.parse", """
        quote quote_plus unquote unquote_plus urlencode"""),
               **_same("urllib.request", "pathname2url url2pathname urlopen urlretrieve")},
}

# Where old modules that are answered under another name take their missing names from.
_SAME_AS = {"ConfigParser": "configparser"}

_MISSING = object()


def resolve(place: str) -> object:
    """What stands at "module:name.name"."""
    module, _, attributes = place.partition(":")
    found: object = importlib.import_module(module)
    for name in attributes.split(".") if attributes else ():
        found = getattr(found, name)
    return found


def add(owner: str, name: str) -> None:
    """Give a module or class an old name, unless it has it."""
    try:
        target = resolve(owner)
    except ImportError:
        return                  # a stand-in has all its names
    if getattr(target, name, _MISSING) is _MISSING:
        setattr(target, name, resolve(MOVED[owner][name]))


def complete(module: ModuleType) -> list[str]:
    """Give a module that stands in for an old one the names that its successor lacks."""
    moved = MOVED.get(_SAME_AS.get(module.__name__, ""), {})
    for name, place in moved.items():
        module.__dict__.setdefault(name, resolve(place))
    return list(moved)
