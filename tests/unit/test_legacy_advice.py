"""What people are told when an old program uses what nothing can stand in for."""

import importlib.util
import linecache
import shutil
import sys
import warnings

import pytest

from pykdump.legacy import advice, modules, py2builtins

PYTHON = f"Python {sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def run(plugin, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name, **more: None)
    monkeypatch.setattr(importlib.util, "find_spec",
                        lambda name, *more, really=importlib.util.find_spec:
                        None if name == "lib2to3" else really(name, *more))
    plugin.start()

    def run(text, line="epython prog", **others):
        for name, module in {**others, "prog": text}.items():
            file = plugin.cwd / f"{name}.py"
            file.write_bytes(module if isinstance(module, bytes) else module.encode())
        return plugin.body(line)
    return run


@pytest.mark.parametrize("text, told", [
    ("{}.has_key(1)", "has no dict.has_key: use `key in d`"),
    ("for k, v in {}.iteritems(): pass", "has no dict.iteritems: use d.items()"),
    ("import collections\ncollections.OrderedDict().itervalues()",
     "has no OrderedDict.itervalues: use d.values()"),
    ("keys = {}.keys()\nkeys.sort()", "has no dict_keys.sort: use sorted(d)"),
    ("iter([]).next()", "has no list_iterator.next: use next(it)"),
    ("(lambda: 0).func_name", "has no function.func_name: use __name__"),
    ("class C:\n    def f(self): pass\nC().f.im_func", "has no function.im_func: use __func__"),
    ("try:\n    1 / 0\nexcept Exception as err:\n    failed = err\nfailed.message",
     "has no ZeroDivisionError.message: use str(err)"),
    ("''.decode('utf8')", "has no str.decode: use the text itself, str is Unicode; "
                          "what comes from the dump as bytes has decode"),
    ("b''.encode('utf8')", "has no bytes.encode: use the bytes themselves, "
                           "or decode() to get a text"),
    ("import array\narray.array('i').tostring()", "has no array.tostring: use tobytes"),
    ("import xml.etree.ElementTree as E\nE.fromstring('<a/>').getchildren()",
     "has no Element.getchildren: use list(element)"),
    ("open('prog.py').xreadlines()",
     "has no TextIOWrapper.xreadlines: use the file itself: for line in file"),
    ("import os\nos.popen3('ls')", "has no os.popen3: use subprocess.Popen"),
    ("from os import popen2", "has no os.popen2: use subprocess.Popen"),
    ("import sys\nsys.exc_type", "has no sys.exc_type: use sys.exc_info()[0]"),
    ("import collections\ngetattr(collections, 'Mapp' + 'ing')",
     "has no collections.Mapping: use collections.abc.Mapping"),
    ("exec('unicode(1)')", "has no unicode: use str"),
    ("buffer('')", "has no buffer: use memoryview"),
    ("import rfc822", "has no module rfc822: use email"),
    ("import popen2", "has no module popen2: use subprocess.Popen"),
    ("from compiler import ast", "has no module compiler: use ast and compile()"),
])
def test_what_nothing_stands_in_for_is_told_after_the_error(run, text, told):
    lines = run(text).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == f"epython: {PYTHON} {told}"


@pytest.mark.parametrize("name", [name for name in modules.INSTEAD
                                  if name not in modules.ALIASES and importlib.util.find_spec(
                                      name.partition(".")[0]) is None])
def test_a_module_without_stand_in_says_what_to_use(run, name):
    assert run(f"import {name}").splitlines()[-1] \
        == f"epython: {PYTHON} has no module {name}: {modules.INSTEAD[name]}"


def test_what_is_not_here_of_distutils_says_what_to_use():
    told = advice.line(ModuleNotFoundError("No module named 'distutils.core'",
                                           name="distutils.core"))
    assert told.endswith("has no module distutils: build with setuptools; "
                         "of distutils only version, spawn and util are here")


def test_every_name_that_was_built_in_has_an_advice_too():
    for name in py2builtins.NAMES:
        told = advice.line(NameError(f"name {name!r} is not defined", name=name))
        assert told is not None and f"has no {name}: use " in told


@pytest.mark.parametrize("text, told", [
    ("{}.keys()[0]",
     "d.keys(), values() and items() are no lists: write list(d.keys())[0]"),
    ("{}.keys() + []", "d.keys(), values() and items() are no lists: write list(d.keys()) + ..."),
    ("map(len, [])[0]", "map(), filter() and zip() are no lists: write list(map(...))"),
    ("len(filter(None, []))", "map(), filter() and zip() are no lists: write list(map(...))"),
    ("range(3)[0] = 1", "range() is no list: write list(range(...))"),
    ("range(3) + [1]", "range() is no list: write list(range(...))"),
    ("[1, 2].sort(lambda a, b: 0)", "sort with key=functools.cmp_to_key(f)"),
    ("sorted([1, 2], cmp=max)", "sort with key=functools.cmp_to_key(f)"),
    ("sorted([1, 2], max)", "sort with key=functools.cmp_to_key(f)"),
    ("import re\nre.search('a', b'a')",
     "bytes and text are different: write data.decode()"),
    ("b'a' + 'b'", "bytes and text are different: write data.decode()"),
    ("'a' + b'b'", "bytes and text are different: write data.decode()"),
    ("b'a'.split('b')", "bytes and text are different: write b'...', or text.encode()"),
    ("range(4 / 2)", "a / b is not a whole number: write a // b"),
    ("[1, 2][2 / 2]", "a / b is not a whole number: write a // b"),
    ("import sys\nprint >>sys.stderr, 'a'", "print is a function: write print(x, file=f)"),
    ("from StringIO import StringIO\nStringIO(b'')",
     "bytes and text are different: write io.BytesIO"),
    ("import os\nopen(os.devnull, 'w').write(b'')",
     "bytes and text are different: write open(file, 'wb'), or data.decode()"),
    ("sorted([None, 1])",
     "values of different types have no order: sort with a key, compare what is alike"),
    ("raise 'error'", "a text cannot be raised: write raise RuntimeError(text)"),
    ("d = {1: 1}\nfor k in d.keys():\n    del d[k]",
     "d.keys() is no copy: write for key in list(d)"),
])
def test_what_python_2_did_otherwise_is_told_after_the_error(run, text, told):
    lines = run(text).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == f"epython: since Python 3 {told}"


@pytest.mark.parametrize("text", [
    "1 / 0", "nothing", "{}.nothing", "import nothing_at_all", "from os import nothing", "''[1.5:]",
    "raise AttributeError('has_key')", "raise NameError('unicode')", "raise ImportError('x')",
    "class C: pass\nC().iteritems", "raise SyntaxError", "raise SyntaxError('x', None)",
    "raise SyntaxError('x', ('prog.py', None, None, None))",
    "raise SyntaxError('x', (3, 'y', [], 7))", "raise SyntaxError(1, 2)",
    "raise NameError(name=[])", "raise ImportError(name=[])", "raise AttributeError(name={})",
    "raise AttributeError(name='x')",
    "class E(TypeError):\n    def __str__(self): 1 / 0\nraise E",
    "class E(ImportError):\n    def __str__(self): 1 / 0\nraise E(name='os')",
    "import types\nm = types.ModuleType('x')\nm.__name__ = 3\ndel m.__name__\nm.popen2",
    "class C:\n    __class__ = property(lambda self: 1 / 0)\nC().x", "x = = 1", "def f(:", "'abc"])
def test_other_errors_get_no_advice(run, text):
    assert "epython:" not in run(text)


# -- texts of Python 2 --

def compiles(text):
    try:
        return compile(text, "text", "exec")
    except SyntaxError:
        return None


@pytest.mark.parametrize("text, write", [
    ("print 'a', 1", "print(x, y) instead of print x, y"),
    ("if 1: print 'a'", "print(x, y) instead of print x, y"),
    ("print x % (1, 2)", "print(x, y) instead of print x, y"),
    ("exec 'x' in {}", "exec(code, names) instead of exec code in names"),
    *((text, "except Error as e: instead of except Error, e:") for text in (
        "try:\n    x\nexcept X, e:\n    pass", "try:\n    x\nexcept (X, Y), e:\n    pass")
      if not compiles(text)),
    ("raise X, 'text'", "raise Error(text) instead of raise Error, text"),
    ("x = ur'a'", "r'...' instead of ur'...'"),
    ("x = UR\"a\"", "r'...' instead of ur'...'"),
    ("x = `y`", "repr(x) instead of `x`"),
    ("if x <> y: pass", "!= instead of <>"),
    ("os.chmod('x', 0777)", "0o777 instead of 0777"),
    ("x = 10L", "10 instead of 10L"),
    ("x = 0xffffL & 1", "10 instead of 10L"),
    ("def f(a, (b, c)): pass",
     "one name for a tuple among the parameters, and take it apart inside"),
    ("f = lambda (a, b): a",
     "one name for a tuple among the parameters, and take it apart inside"),
])
def test_a_text_of_python_2_is_one_clear_error(run, text, write):
    text = f"x = y = 1\n{text}\n"
    lines = run(text).splitlines()
    number = lines[0].removeprefix('  File "./prog.py", line ')
    assert lines[1].strip() == text.splitlines()[int(number) - 1].strip()
    assert "Traceback" not in "".join(lines) and lines[-2].startswith("SyntaxError: ")
    assert lines[-1] == f"epython: this is Python 2: write {write}"


def test_an_old_handler_that_is_valid_again_is_told_when_it_runs(monkeypatch):
    """A Python that has `except A, B:` takes the name for another exception."""
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    for text, told in (("except IOError, e:", True), ("except (IOError, e):", False),
                       ("except IOError as e:", False), ("print(e)", False)):
        monkeypatch.setitem(linecache.cache, "old.py", (9, None, [f"    {text}\n"], "old.py"))
        with pytest.raises(NameError) as caught:
            exec(compile("e", "old.py", "exec"), {})
        assert advice.line(caught.value) == (
            "epython: this is Python 2: write except Error as e: instead of except Error, e: "
            "(`2to3 -w old.py` rewrites the whole file)" if told else None)
    assert advice.line(NameError("name 'e' is not defined")) is None


def test_the_tool_that_rewrites_is_named_where_it_is(run, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert run("print 'a'").endswith(
        "instead of print x, y (`2to3 -w ./prog.py` rewrites the whole file)\n")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "lib2to3" or None)
    assert run("print 'a'").endswith(
        "instead of print x, y (`python3 -m lib2to3 -w ./prog.py` rewrites the whole file)\n")


def test_an_imported_text_of_python_2_is_told_with_who_imports_it(run, plugin):
    lines = run("import old_of_mine", old_of_mine="def f():\n    print 'a'\n").splitlines()
    assert lines[:3] == ["Traceback (most recent call last):",
                         '  File "./prog.py", line 1, in <module>', "    import old_of_mine"]
    assert lines[3] == f'  File "{plugin.cwd}/old_of_mine.py", line 2'
    assert lines[-1] == "epython: this is Python 2: write print(x, y) instead of print x, y"


def test_tabs_and_spaces_that_are_mixed_are_told(run):
    for text in ("if 1:\n        x = 1\n\ty = 2\n",
                 "if 1:\n    if 1:\n\tx = 1\n    y = 2\n  z = 3\n"):
        lines = run(text).splitlines()
        assert lines[-1] == ("epython: this is Python 2: tabs and spaces are mixed, "
                             "`expand -t 8 ./prog.py` makes them spaces"), lines
    assert "epython:" not in run("if 1:\n  x = 1\n y = 2\n")


def test_strings_and_comments_are_not_taken_for_python_2(run):
    for text in ("x = = 'print a `b` <> 10L'", "x = = 1  # print a <> `b`", "x = = \"it's 0777\""):
        assert "epython:" not in run(text)


def test_a_word_that_became_a_keyword_is_told(run):
    assert run("async = 1").endswith(
        "epython: async is a keyword since Python 3.7: use another name\n")
    assert run("import asyncio\nasyncio.async(1)").endswith(
        "epython: async is a keyword since Python 3.7: use another name\n")
    assert "keyword since" not in run("async def f(:")


@pytest.mark.parametrize("text, number", [
    (b"x = 'caf\xe9'\n", 1), (b"x = 1\n\nx = '\xe9'  # \xe8\n", 3),
    (b"#\n" * 99 + b"x = u'\xe9'", 100)],
    ids=["first", "third", "last"])
def test_a_text_in_another_encoding_is_told_with_its_byte(run, text, number):
    lines = run(text).splitlines()
    assert "Traceback" not in "".join(lines)
    assert lines[-1] == (f"epython: ./prog.py:{number}: byte 0xe9 is not UTF-8: save the file as "
                         "UTF-8, or add '# -*- coding: latin-1 -*-' as its first line")
    assert run(b"# -*- coding: latin-1 -*-\n" + text + b"\nprint('on')") == "on\n"


def test_an_imported_text_in_another_encoding_is_told(run, plugin):
    assert run("import old_of_mine", old_of_mine=b"x = 1\nx = '\xe9'\n").splitlines()[-1] \
        .startswith(f"epython: {plugin.cwd}/old_of_mine.py:2: byte 0xe9 is not UTF-8: ")


# -- warnings --

@pytest.fixture
def shown(monkeypatch):
    """Warnings go where they go outside of pytest, which collects them."""
    def show(message, category, filename, lineno, file=None, line=None):
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))
    monkeypatch.setattr(warnings, "showwarning", show)


OLD = "import re\nx = '\\d'\nprint(x is 'a')\n"


def test_what_is_only_old_fashioned_is_not_told_unless_asked(run, shown):
    for line in ("epython prog", "epython prog"):
        assert run(OLD, line) == "False\n"
    text = run(OLD, "epython --debug 1 prog")
    assert "invalid escape sequence" in text and '"is" with' in text
    assert "prog.py:2" in text and "prog.py:3" in text
    assert "invalid escape sequence" in run(OLD, "epython --debug=1 prog")
    assert run(OLD) == "False\n"


def test_a_program_without_py_in_its_name_is_treated_alike(run, plugin, shown):
    (plugin.cwd / "old").write_text(OLD)
    for line, told in (("epython --debug=1 old", True), ("epython old", False),
                       ("epython -d 1 old", True), ("epython old", False)):
        assert ("invalid escape" in plugin.body(line)) == told


def test_an_imported_module_is_treated_alike(run, shown):
    assert run("import old_of_mine", old_of_mine=OLD) == "False\n"
    assert "invalid escape" in run("import old2_of_mine", "epython --debug=1 prog",
                                   old2_of_mine=OLD)


def test_deprecated_functions_are_not_told_unless_asked(run, shown):
    text = "import warnings\nwarnings.warn('old', DeprecationWarning)\nprint('on')"
    assert run(text) == "on\n"
    assert "DeprecationWarning: old" in run(text, "epython --debug=1 prog")
    assert "UserWarning: new" in run("import warnings\nwarnings.warn('new')")
    assert "DeprecationWarning: old" in run(
        "import warnings\nwarnings.simplefilter('always')\n" + text)
