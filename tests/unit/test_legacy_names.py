"""Names that Python does not have any more, in programs that use them."""

import importlib
import sys

import pytest

from pykdump.legacy import functions, names, py2builtins, source


@pytest.fixture
def run(plugin, monkeypatch):
    """Run a program text, with the names that were added taken away again."""
    added = []

    def add(owner, name, really=names.add):
        target = names.resolve(owner)
        missing = not hasattr(target, name)
        really(owner, name)
        if missing:
            added.append((target, name))
    monkeypatch.setattr(names, "add", add)
    plugin.start()

    def run(text, line="epython prog", **others):
        for name, module in {**others, "prog": text}.items():
            (plugin.cwd / f"{name}.py").write_text(module)
        return plugin.body(line)
    yield run
    for target, name in added:
        delattr(target, name)


# -- what was built in --

@pytest.mark.parametrize("expression, answer", [
    ("isinstance('a', basestring), isinstance(u'a', unicode)", "(True, True)"),
    ("long(3), unichr(65), list(xrange(2))", "(3, 'A', [0, 1])"),
    ("reduce(lambda a, b: a + b, [1, 2, 3]), cmp(1, 2), cmp('b', 'a')", "(6, -1, 1)"),
    ("apply(max, (1, 2)), apply(dict, (), {'a': 1})", "(2, {'a': 1})"),
    ("intern('x'), issubclass(ValueError, StandardError)", "('x', True)"),
    ("raw_input.__name__, reload.__name__", "('input', 'reload')"),
    ("len(file('prog.py').read()) > 5, isinstance(open('prog.py'), file), isinstance(1, file)",
     "(True, True, False)"),
])
def test_a_program_uses_what_was_built_in(run, expression, answer):
    assert run(f"print(({expression}))") == f"{answer}\n"
    assert run(f"def f():\n    return {expression}\nprint(f())") == f"{answer}\n"


def test_execfile_runs_a_file_among_the_callers_names(run, plugin):
    (plugin.cwd / "settings.py").write_text("depth = list(xrange(base))")
    assert run("base = 2\nexecfile('settings.py')\nprint(depth)") == "[0, 1]\n"
    assert run("def f():\n    names = {'base': 1}\n    execfile('settings.py', names)\n"
               "    return names['depth']\nprint(f())") == "[0]\n"


def test_modules_of_users_get_what_they_use(run):
    assert run("import oldmod_of_mine\nprint(oldmod_of_mine.f())",
               oldmod_of_mine="def f():\n    return [unicode(i) for i in xrange(2)]") \
        == "['0', '1']\n"


def test_a_reloaded_module_gets_what_it_uses_now(run):
    program = "import oldmod_of_mine\nprint(oldmod_of_mine.value)"
    assert run(program, oldmod_of_mine="value = 1") == "1\n"
    assert run(program, "epython prog --reload",
               oldmod_of_mine="value = list(xrange(2))") == "[0, 1]\n"


def test_nobody_else_sees_these_names(run):
    assert run("import builtins\nprint(list(xrange(1)), hasattr(builtins, 'xrange'))\n"
               "import othermod_of_mine",
               othermod_of_mine="print('xrange' in globals(), hasattr(__builtins__, 'xrange'), "
                                "'xrange' in dir(__builtins__))") \
        == "[0] False\nFalse False False\n"
    assert run("print('xrange' in globals())") == "False\n"


def test_what_a_program_makes_itself_stays_its_own(run):
    assert run("def cmp(a, b):\n    return 'mine'\nprint(cmp(1, 2))") == "mine\n"
    assert run("from functools import reduce\nprint(reduce.__module__)") == "_functools\n"
    assert run("for file in ['a', 'b']:\n    pass\nprint(file)") == "b\n"
    assert run("def f():\n    global long\n    long = 5\nf()\nprint(long)") == "5\n"


@pytest.mark.parametrize("text, answer", [
    ("try:\n    unicode\nexcept NameError:\n    unicode = str\nprint(unicode is str)", "True"),
    ("try:\n    unicode = unicode\nexcept NameError:\n    str = str\n    unicode = str\n"
     "    bytes = bytes\n    basestring = (str, bytes)\nelse:\n    bytes = str\n"
     "    basestring = basestring\nprint(bytes is str, isinstance(b'', basestring))", "False True"),
    ("try:\n    unicode\n    PY2 = True\nexcept NameError:\n    PY2 = False\nprint(PY2)", "False"),
    ("try:\n    unicode\n    PY2 = True\nexcept:\n    PY2 = False\nprint(PY2)", "False"),
    ("def text(x):\n    try:\n        return isinstance(x, basestring)\n"
     "    except (NameError, TypeError):\n        return 'three'\nprint(text(''))", "three"),
    ("import sys\nif sys.version_info[0] < 3:\n    text = unicode\nelse:\n    text = str\n"
     "print(text is str)", "True"),
    ("import sys\nif sys.version_info[0] >= 3:\n    unicode = str\n    xrange = range\n"
     "print(unicode is str, xrange(1))", "True range(0, 1)"),
    ("import sys\nPY3 = sys.version_info[0] == 3\nstring_types = str if PY3 else basestring\n"
     "print(string_types)", "<class 'str'>"),
    ("try:\n    print(list(xrange(2)))\nexcept Exception as err:\n    print('lost', err)",
     "[0, 1]"),
    ("try:\n    input = raw_input\nexcept NameError:\n    pass\nprint(input.__name__)", "input"),
    ("import builtins\nprint(getattr(builtins, 'unicode', str) is str)", "True"),
    ("try:\n    import __builtin__\n    PY2 = True\nexcept ImportError:\n    PY2 = False\n"
     "print(PY2)", "False"),
])
def test_programs_that_know_both_pythons_get_right_answers(run, text, answer):
    assert run(text) == f"{answer}\n"


def test_the_next_program_is_not_misled_by_names_of_the_last(run):
    run("print(list(xrange(2)), unicode)")
    assert run("try:\n    unicode\n    print('two')\nexcept NameError:\n    print('three')") \
        == "three\n"


def test_a_nested_program_has_its_own_old_names(run, plugin):
    (plugin.cwd / "inner.py").write_text("print(unichr(65), 'xrange' in globals())")
    assert run("import crash\nfor i in xrange(1):\n    crash.exec_epython_command('inner')\n"
               "print(list(xrange(1)), 'unichr' in globals())") == "A True\n[0] False\n"


# -- what was in modules --

@pytest.mark.parametrize("text, answer", [
    ("import collections\nprint(isinstance({}, collections.Mapping))", "True"),
    ("import collections as c\nprint(isinstance(len, c.Callable))", "True"),
    ("from collections import Iterable, OrderedDict\nprint(isinstance([], Iterable))", "True"),
    ("from collections import *\nprint(isinstance([], MutableSequence))", "True"),
    ("import collections\nprint(hasattr(collections, 'Counter'))", "True"),
    ("try:\n    from collections import Mapping\nexcept ImportError:\n"
     "    from collections.abc import Mapping\nprint(isinstance({}, Mapping))", "True"),
    ("import inspect\nprint(inspect.getargspec(lambda a, b=1, *c, **d: 0))",
     "ArgSpec(args=['a', 'b'], varargs='c', keywords='d', defaults=(1,))"),
    ("import inspect\nprint(inspect.formatargspec(*inspect.getargspec(lambda a, b=1, *c: 0)))",
     "(a, b=1, *c)"),
    ("import inspect\nspec = getattr(inspect, 'getargspec')\nprint(spec(len.__class__.mro)"
     ".args if 0 else spec(lambda x: 0).args)", "['x']"),
    ("import time\nprint(time.clock() >= 0)", "True"),
    ("import os\nprint(os.getcwdu() == os.getcwd(), os.errno.ENOENT)", "True 2"),
    ("import string\nprint(string.letters[:3], string.join(['a', 'b']), string.atoi('0x1f', 16))",
     "abc a b 31"),
    ("from pykdump.API import *\nprint(string.uppercase[:2], string.split('a b'), sys.maxint > 2)",
     "AB ['a', 'b'] True"),
    ("from string import *\nprint(join(split('a b'), '-'), upper('x'), zfill(7, 3))", "a-b X 007"),
    ("import string\nprint('abc'.translate(string.maketrans('ab', 'xy')), "
     "b'abc'.translate(string.maketrans(b'a', b'z')), string.replace('aa', 'a', 'b', 1))",
     "xyc b'zbc' ba"),
    ("import base64\nprint(base64.decodestring(base64.encodestring(b'abc')))", "b'abc'"),
    ("from itertools import izip, imap, ifilter, izip_longest\n"
     "print(list(izip('ab', [1, 2])), list(imap(abs, [-1])), list(izip_longest('a', '')))",
     "[('a', 1), ('b', 2)] [1] [('a', None)]"),
    ("import types\nprint(isinstance('', types.StringTypes), types.ListType, types.NoneType)",
     "True <class 'list'> <class 'NoneType'>"),
    ("from types import *\nprint(type('') == StringType, type(1) in (IntType, LongType))",
     "True True"),
    ("import threading\nt = threading.Thread(target=len)\nprint(t.isAlive())", "False"),
    ("import platform\nprint(len(platform.linux_distribution()), len(platform.dist()))", "3 3"),
    ("import locale\nprint(locale.format('%d', 12), locale.format('%.1f', 1.25))", "12 1.2"),
    ("import sys\nreload(sys)\nsys.setdefaultencoding('utf8')\nprint(sys.maxint == sys.maxsize)",
     "True"),
    ("import urllib\nprint(urllib.quote(' '), urllib.urlencode({'a': 1}))", "%20 a=1"),
    ("import re\nprint(isinstance(re.compile(''), re._pattern_type))", "True"),
    ("import fractions, operator\nprint(fractions.gcd(4, 6), operator.div(7, 2), "
     "operator.isCallable(len))", "2 3 True"),
    ("import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n"
     "        self.assertEquals(1, 1)\n        self.assert_(True)\nsuite = unittest.makeSuite(T)\n"
     "print(suite.countTestCases(), suite.run(unittest.TestResult()).wasSuccessful())", "1 True"),
    ("import configparser, io\nc = configparser.SafeConfigParser()\n"
     "c.readfp(io.StringIO('[a]\\nb=1'))\nprint(c.get('a', 'b'))", "1"),
    ("from ConfigParser import SafeConfigParser\nfrom StringIO import StringIO\n"
     "c = SafeConfigParser()\nc.readfp(StringIO('[a]\\nb=1'))\nprint(c.getint('a', 'b'))", "1"),
    ("import os\ndef f(arg, top, names):\n    arg.append(sorted(names))\nseen = []\n"
     "os.path.walk('.', f, seen)\nprint(seen[0])", "['prog.py']"),
    ("import pkgutil\nprint(pkgutil.find_loader('json') is not None)", "True"),
    ("import asyncio\n@asyncio.coroutine\ndef f(n):\n    yield from asyncio.sleep(0)\n"
     "    return 1 if n == 0 else (yield from f(n - 1)) + 1\n"
     "print(asyncio.run(f(3)), asyncio.run(asyncio.coroutine(lambda: 5)()))", "4 5"),
    ("import typing\ndef f(x: typing.io.TextIO): pass\nprint(typing.re.Pattern is typing.Pattern)",
     "True"),
])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_program_uses_a_name_that_is_gone(run, text, answer):
    assert run(text) == f"{answer}\n"


@pytest.mark.parametrize("owner, name", [
    (owner, name) for owner in names.MOVED for name in names.MOVED[owner]])
def test_every_old_name_has_something_that_stands_in(owner, name):
    assert names.resolve(names.MOVED[owner][name]) is not None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("owner, name", [
    (owner, name) for owner in names.MOVED for name in names.MOVED[owner]])
def test_a_name_that_is_there_is_never_replaced(owner, name, monkeypatch):
    if owner == "cgi" and "cgi" not in sys.stdlib_module_names:
        names.add(owner, name)      # nothing to add to, and no error
        return
    target = names.resolve(owner)
    mark = object()
    monkeypatch.setattr(target, name, mark, raising=False)
    names.add(owner, name)
    assert getattr(target, name) is mark


def test_what_a_program_does_not_use_is_not_added(run):
    run("import collections\nprint(collections.OrderedDict, 'Mapping')")
    collections = importlib.import_module("collections")
    assert not hasattr(collections, "Mapping")
    run("class Own:\n    Mapping = 1\ncollections = Own()\nx = Own.Mapping")
    assert not hasattr(collections, "Mapping")
    run("import collections\nprint(hasattr(collections, 'Mapping'), "
        "getattr(collections, 'Mapping', None))")
    assert not hasattr(collections, "Mapping")


def test_keyword_only_arguments_are_refused_as_ever():
    def function(a, *, b):
        pass
    with pytest.raises(ValueError, match="keyword-only"):
        functions.getargspec(function)


def test_the_distribution_is_empty_where_nobody_says_it(monkeypatch):
    def fail():
        raise OSError
    monkeypatch.setattr("platform.freedesktop_os_release", fail)
    assert functions.linux_distribution("a", "b", "c") == ("a", "b", "c")


# -- texts of all kinds --

@pytest.mark.parametrize("text", [
    b"", b"xrange(", b"\xff\xfe unicode", b"# -*- coding: nonsense -*-\nunicode",
    b"unicode\0", b"x = unicode + " + b"(" * 5000 + b")" * 5000,
    b"x = unicode(" + b"1+" * 20000 + b"1)", b"print unicode", b"\tunicode\n  unicode"])
def test_a_text_that_is_no_program_asks_for_nothing(text):
    assert source.prepare(text, "odd.py") in ({}, {"unicode": str})


def test_the_encoding_of_a_text_is_minded():
    assert source.prepare(b"# -*- coding: latin-1 -*-\nx = u'\xe9', xrange(2)", "prog.py") \
        == {"xrange": range}


def test_names_of_functions_own_ask_for_nothing():
    assert source.prepare(b"def f(file, long=1):\n    cmp = file\n    return cmp, long\n"
                          b"class C:\n    apply = 1\n    reload = apply", "prog.py") == {}
    assert source.prepare(b"def f():\n    cmp = 1\ndef g():\n    return lambda: [cmp for _ in '']",
                          "prog.py") == {"cmp": py2builtins.cmp}
    assert source.prepare(b"class C:\n    values = xrange(2)", "prog.py") == {"xrange": range}


def test_words_in_strings_and_comments_ask_for_nothing():
    assert source.prepare(b"# unicode\nx = 'xrange'", "prog.py") == {}
