"""Modules that Python does not have any more: what stands in for them, and for whom."""

import importlib.util
import os
import re
import sys
from importlib.machinery import ModuleSpec

import pytest

from pykdump.legacy import modules

REAL = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def stand_in(name):
    """The module that stands in, also where this Python has the real one."""
    spec = ModuleSpec(name, modules.AliasLoader(modules.ALIASES[name]))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def real(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


@pytest.fixture
def run(plugin):
    """Run a program text as people's programs are run."""
    plugin.start()

    def run(source, line="epython prog", **others):
        for name, text in {**others, "prog": source}.items():
            (plugin.cwd / f"{name}.py").write_text(text)
        return plugin.body(line)
    return run


@pytest.mark.parametrize("name", modules.ALIASES)
def test_every_stand_in_can_be_loaded(name):
    module = stand_in(name)
    assert module.__name__ == name
    assert name in ("distutils", "__builtin__") or [key for key in vars(module) if key[0] != "_"]


@pytest.mark.parametrize("name", [name for name in modules.ALIASES
                                  if re.match("__builtin__|[a-z]*[A-Z]|urllib2|commands|exc", name)
                                  and importlib.util.find_spec(name.partition(".")[0]) is None])
def test_a_program_imports_a_module_of_python_2(run, name):
    assert run(f"import {name}\nprint({name}.__name__)") == f"{name}\n"


@pytest.mark.parametrize("statement, expression, answer", [
    ("import cPickle", "cPickle.loads(cPickle.dumps([1], 2))", "[1]"),
    ("from StringIO import StringIO", "StringIO('ab').read()", "ab"),
    ("from cStringIO import StringIO", "StringIO('ab').getvalue()", "ab"),
    ("import commands", "commands.getoutput('echo one; echo two >&2')", "one\ntwo"),
    ("import commands", "commands.getstatusoutput('echo x; exit 3')", "(768, 'x')"),
    ("import commands", "commands.mkarg('a b')", " 'a b'"),
    ("import Queue", "Queue.Queue(2).maxsize, Queue.Empty.__name__", "(2, 'Empty')"),
    ("import ConfigParser", "ConfigParser.SafeConfigParser().sections()", "[]"),
    ("import urlparse", "urlparse.urlparse('http://h/p').path", "/p"),
    ("import urllib2", "urllib2.Request('http://h/p').host, urllib2.quote(' ')",
     "('h', '%20')"),
    ("import urllib2", "issubclass(urllib2.HTTPError, urllib2.URLError)", "True"),
    ("import SocketServer", "SocketServer.TCPServer.__name__", "TCPServer"),
    ("import httplib", "httplib.OK.value", "200"),
    ("import exceptions", "exceptions.StandardError is Exception, exceptions.OSError is OSError",
     "(True, True)"),
    ("from sets import Set, ImmutableSet", "Set([1, 1]), ImmutableSet()", "({1}, frozenset())"),
    ("import thread", "thread.get_ident() == __import__('threading').get_ident()", "True"),
    ("import thread", "thread.allocate().locked()", "False"),
    ("from UserDict import UserDict, DictMixin", "UserDict(a=1)['a']", "1"),
    ("from UserList import UserList", "UserList([1]) + [2]", "[1, 2]"),
    ("import md5, sha", "md5.new(b'').hexdigest()[:8], sha.new(b'').hexdigest()[:8]",
     "('d41d8cd9', 'da39a3ee')"),
    ("import HTMLParser", "HTMLParser.HTMLParser().unescape('&lt;')", "<"),
    ("import xml.etree.cElementTree as ET", "ET.fromstring('<a><b/></a>')[0].tag", "b"),
    ("import __builtin__", "__builtin__.len('abc'), __builtin__.xrange(2)", "(3, range(0, 2))"),
    ("from distutils.version import LooseVersion as V",
     "V('4.18.0-80') < V('4.18.0-305'), V('2.6.9') < '2.6.32'", "(True, True)"),
    ("import distutils.spawn", "distutils.spawn.find_executable('sh') is not None", "True"),
    ("from distutils.util import strtobool", "strtobool('Yes'), strtobool('off')", "(1, 0)"),
    ("import pipes", "pipes.quote('a b')", "'a b'"),
    ("import cgi", "cgi.escape('<&\">'), cgi.escape('\"', True)", "('&lt;&amp;\"&gt;', '&quot;')"),
    ("import imp", "imp.new_module('fresh').__name__", "fresh"),
])
def test_a_program_uses_an_old_module(run, statement, expression, answer):
    assert run(f"{statement}\nprint(({expression}))") == f"{answer}\n"


def test_what_is_set_in_builtin_is_seen_everywhere(run):
    assert run("import __builtin__\n__builtin__.shared_mark = 5\nprint(shared_mark)\n"
               "del __builtin__.shared_mark\nprint(hasattr(__builtin__, 'shared_mark'))\n"
               "try: __builtin__.nothing\nexcept AttributeError as err: print(err)\n") \
        == "5\nFalse\nmodule 'builtins' has no attribute 'nothing'\n"


@pytest.mark.parametrize("name, names", [
    ("urllib2", "HTTPError urlopen quote Request"),
    ("ConfigParser", "SafeConfigParser NoOptionError"), ("exceptions", "StandardError OSError"),
    ("Queue", "Queue Empty"), ("thread", "start_new_thread allocate"), ("sets", "Set")])
def test_a_star_gets_the_names_of_an_old_module_and_no_others(run, name, names):
    exported = stand_in(name).__all__
    assert set(names.split()) <= set(exported)
    assert not {"sys", "os", "time", "annotations", "re"} & set(exported)
    assert run(f"from {name} import *\nprint({names.replace(' ', ', ')})") \
        .count("<") == len(names.split())


def test_a_copy_on_pykdumppath_comes_first(plugin, run):
    (plugin.user / "cPickle.py").write_text("mine = 1")
    (plugin.user / "commands.py").write_text("mine = 2")
    assert run("import cPickle, commands\nprint(cPickle.mine, commands.mine)") == "1 2\n"


def test_a_program_that_has_another_way_is_left_to_it(run):
    assert run("try:\n    import urllib2\n    PY2 = True\n"
               "except ImportError:\n    import urllib.request as urllib2\n    PY2 = False\n"
               "print(PY2, urllib2.__name__)") == "False urllib.request\n"
    assert run("try:\n    from StringIO import StringIO\nexcept:\n    from io import StringIO\n"
               "print(StringIO.__name__)\nimport sys\nprint('StringIO' in sys.modules)") \
        == "StringIO\nFalse\n"


def test_a_program_that_takes_all_its_errors_itself_gets_modules(run):
    assert run("status = 0\ntry:\n    import commands\n    print(commands.getoutput('echo yes'))\n"
               "except Exception:\n    status = 1\nprint(status)") == "yes\n0\n"


def test_a_program_that_only_gives_up_without_a_module_gets_it(run):
    assert run("import sys\ntry:\n    import commands\nexcept ImportError:\n    sys.exit('no')\n"
               "print(commands.getoutput('echo yes'))") == "yes\n"


def test_the_standard_library_and_installed_packages_are_not_answered(plugin, run):
    code = ("try:\n    import cPickle\nexcept ImportError:\n    print('none')\n"
            "else:\n    print('has')")
    packages = plugin.cwd / "site-packages"
    packages.mkdir()
    (packages / "installed_of_mine.py").write_text(code)
    assert run("import sys\nsys.path.append('site-packages')\nimport installed_of_mine\n"
               "del sys.modules['installed_of_mine']") == "none\n"
    assert run("import importlib\nprint(importlib.import_module('cPickle').dumps is not None)") \
        == "True\n"


def test_modules_of_users_are_answered(run):
    assert run("import helper_of_mine", helper_of_mine="import cPickle\nprint(cPickle.__name__)") \
        == "cPickle\n"


def test_no_module_has_a_stand_in_and_an_advice_to_do_without():
    assert set(modules.INSTEAD) & set(modules.ALIASES) == {"distutils"}


def test_extend_and_programs_of_today_load_nothing_of_this(plugin, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("pykdump.legacy")]:
        monkeypatch.delitem(sys.modules, name)
    plugin.start()
    assert not [name for name in sys.modules if name.startswith("pykdump.legacy")]
    (plugin.cwd / "prog.py").write_text("import os\nprint(os.sep)")
    assert plugin.body("epython prog") == "/\n"
    assert "pykdump.legacy.uses" not in sys.modules
    assert "pykdump.legacy.functions" not in sys.modules


# -- beside the real ones, where this Python has them --

VERSIONS = ["1.5.1", "1.5.2b2", "161", "3.10a", "8.02", "4.18.0-305.el8_4.x86_64", "2.6.32-9",
            "1.13++", "11g", "0.960923", "5.10.0", "5.4", "", "A.b.C"]


@REAL
def test_loose_versions_are_what_they_were():
    ours = stand_in("distutils.version")
    theirs = real("distutils.version")
    assert ours.LooseVersion("4.18.0-305.el8").version == [4, 18, 0, "-", 305, "el", 8]
    assert repr(ours.LooseVersion("1.2")) == "LooseVersion ('1.2')"
    for one in VERSIONS if theirs else ():
        for two in filter(None, VERSIONS):
            if not one:
                continue
            old, new = theirs.LooseVersion(one), ours.LooseVersion(one)
            assert new.version == old.version and str(new) == str(old)
            try:
                expected = old < two, old <= two, old == two, old > two, old >= two
            except TypeError:       # a number and a word: the old one had no order for them
                continue
            assert (new < two, new <= two, new == two, new > two, new >= two) == expected


def test_versions_order_numbers_before_words_and_refuse_strangers():
    ours = stand_in("distutils.version")
    assert ours.LooseVersion("1.2.3") < "1.2.x" and not ours.LooseVersion("1.2.x") < "1.2.3"
    with pytest.raises(TypeError):
        ours.LooseVersion("1") < 2
    assert ours.LooseVersion("1") != 1


@REAL
@pytest.mark.parametrize("text", [
    "0.4", "0.4.0", "0.5a1", "0.5b3", "0.5", "1.0.4b1", "1", "1.2.3.4", "1.3a", "1.3.c", "2.7.2.2",
    "1.3pl1"])
def test_strict_versions_are_what_they_were(text):
    ours = stand_in("distutils.version").StrictVersion
    valid = re.fullmatch(r"\d+\.\d+(\.\d+)?([ab]\d+)?", text)
    if not valid:
        with pytest.raises(ValueError, match=f"invalid version number '{text}'"):
            ours(text)
        return
    assert ours("0.4") == ours("0.4.0") and ours("0.5a1") < "0.5b3" < ours("0.5")
    theirs = real("distutils.version")
    if theirs:
        old = theirs.StrictVersion(text)
        assert (old.version, old.prerelease, str(old)) == (
            ours(text).version, ours(text).prerelease, str(ours(text)))


@REAL
@pytest.mark.parametrize("word", [
    "y", "Yes", "T", "1", "ON", "n", "false", "0", "off", "maybe", ""])
def test_words_for_yes_and_no_are_what_they_were(word):
    theirs = real("distutils.util")

    def told(module):
        try:
            return module.strtobool(word)
        except ValueError as err:
            return str(err)
    if theirs:
        assert told(stand_in("distutils.util")) == told(theirs)
    assert told(stand_in("distutils.util")) in (0, 1, f"invalid truth value {word!r}")


IMPS = [stand_in, real] if "imp" in sys.stdlib_module_names else [stand_in]


@REAL
def test_imp_has_the_names_and_values_that_it_had():
    ours, theirs = stand_in("imp"), real("imp")
    assert ours.PY_SOURCE == 1 and ours.C_EXTENSION == 3 and ours.PKG_DIRECTORY == 5
    for name in vars(theirs) if theirs else ():
        value = getattr(theirs, name)
        if isinstance(value, int):
            assert getattr(ours, name) == value
    if theirs:
        assert ours.get_suffixes() == theirs.get_suffixes()
        assert (ours.get_magic(), ours.get_tag()) == (theirs.get_magic(), theirs.get_tag())
        documented = set(re.findall(r"^(\w+)\(", open(theirs.__file__).read(), re.M))
        documented |= {"load_source", "load_compiled", "load_package", "load_dynamic",
                       "load_module", "find_module", "reload", "new_module", "is_builtin",
                       "cache_from_source", "source_from_cache", "acquire_lock", "release_lock",
                       "lock_held"}
        assert documented <= set(vars(ours))


@REAL
@pytest.mark.parametrize("made", IMPS)
def test_imp_finds_and_loads(made, tmp_path):
    imp = made("imp")
    (tmp_path / "one_for_imp.py").write_text("value = 1")
    (tmp_path / "pack_for_imp").mkdir()
    (tmp_path / "pack_for_imp" / "__init__.py").write_text("value = 2")
    (tmp_path / "pack_for_imp" / "inner.py").write_text("from . import value")
    try:
        found = imp.find_module("one_for_imp", [str(tmp_path)])
        assert found[1] == str(tmp_path / "one_for_imp.py") and found[2] == (".py", "r", 1)
        module = imp.load_module("one_for_imp", *found)
        found[0].close()
        assert module.value == 1 and sys.modules["one_for_imp"] is module
        (tmp_path / "one_for_imp.py").write_text("value = 'other'")
        assert imp.load_source("one_for_imp", str(tmp_path / "one_for_imp.py")) is module
        assert module.value == "other"
        file, name, details = imp.find_module("pack_for_imp", [str(tmp_path)])
        assert file is None and name == str(tmp_path / "pack_for_imp") and details == ("", "", 5)
        package = imp.load_module("pack_for_imp", file, name, details)
        assert package.value == 2 and package.__path__ == [str(tmp_path / "pack_for_imp")]
        assert importlib.import_module("pack_for_imp.inner").value == 2
        assert imp.find_module("sys") == (None, None, ("", "", imp.C_BUILTIN))
        with pytest.raises(ImportError, match="No module named 'nothing_for_imp'"):
            imp.find_module("nothing_for_imp", [str(tmp_path)])
        with pytest.raises(ValueError, match="file object required"):
            imp.load_module("one_for_imp", None, "x.py", (".py", "r", 1))
        (tmp_path / "bad.py").write_text("1 / 0")
        with pytest.raises(ZeroDivisionError):
            imp.load_source("bad_for_imp", str(tmp_path / "bad.py"))
        assert "bad_for_imp" not in sys.modules
    finally:
        for name in ("one_for_imp", "pack_for_imp", "pack_for_imp.inner"):
            sys.modules.pop(name, None)


@REAL
@pytest.mark.parametrize("made", IMPS)
def test_a_source_that_imp_loads_gets_old_names_too(plugin, tmp_path, made):
    imp = made("imp")
    plugin.start()
    file = tmp_path / "old.py"
    file.write_text("value = list(xrange(2))")
    try:
        assert imp.load_source("old_for_imp", str(file)).value == [0, 1]
    finally:
        del sys.modules["old_for_imp"]


def test_a_source_that_is_loaded_again_gets_what_it_uses_now(plugin, tmp_path):
    imp = stand_in("imp")
    plugin.start()
    file = tmp_path / "old.py"
    try:
        for text, value in (("value = list(xrange(2))", [0, 1]), ("value = unichr(65) * 3", "AAA")):
            file.write_text(text)
            assert imp.load_source("old_for_imp", str(file)).value == value
    finally:
        del sys.modules["old_for_imp"]


def test_a_file_that_importlib_is_given_gets_old_names_too(run):
    assert run("import importlib.util as u\ns = u.spec_from_file_location('given', 'given.py')\n"
               "m = u.module_from_spec(s)\ns.loader.exec_module(m)\nprint(m.value)",
               given="value = list(xrange(2))") == "[0, 1]\n"


@REAL
def test_small_functions_are_what_they_were(tmp_path):
    spawn = stand_in("distutils.spawn")
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    os.chmod(tmp_path / "tool", 0o755)
    assert spawn.find_executable("tool", str(tmp_path)) == str(tmp_path / "tool")
    assert spawn.find_executable("nothing", str(tmp_path)) is None
    header = 'text/plain; charset="utf-8"; name=a'
    assert stand_in("cgi").parse_header(header) == ("text/plain", {"charset": "utf-8", "name": "a"})
    if real("cgi"):
        assert real("cgi").parse_header(header) == stand_in("cgi").parse_header(header)
    for text in ("plain", "a b", "it's", ""):
        assert not real("pipes") or real("pipes").quote(text) == stand_in("pipes").quote(text)


def test_a_framework_outside_of_the_plugin_is_no_program(plugin, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("pykdump.legacy")]:
        monkeypatch.delitem(sys.modules, name)
    plugin.start()
    monkeypatch.setattr("pykdump.path.is_protected", lambda file: False)
    (plugin.cwd / "prog.py").write_text("print(list(xrange(2)))")
    assert plugin.body("epython prog") == "[0, 1]\n"
