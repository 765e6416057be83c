"""Small things that programs take from the API, as far as they need no kernel."""

import itertools
import re
import sys
import types

import pytest

from pykdump import Misc, highlevel, lazy, scalars
from pykdump.ASCII_Art import AA_Node, EmbeddedFrames
from pykdump.dlkmload import possibleModuleNames
from pykdump.sysinfo import KernelRev

# -- KernelRev --


@pytest.mark.parametrize("less, more", [
    ("5.4.0", "5.10.0"), ("5.4", "5.4.1"), ("4.18.0-305.el8", "4.18.1"), ("2.6.32", "3.0"),
    ("6.1.0-9-amd64", "6.10.0-1-amd64")])
def test_releases_are_compared_by_their_numbers(less, more):
    assert KernelRev(less) < more and KernelRev(more) > less
    assert KernelRev(less) <= more and KernelRev(more) >= less
    assert not KernelRev(less) > more and not KernelRev(less) >= more


def test_a_release_is_equal_to_the_same_text_only():
    assert KernelRev("5.10") == "5.10" and KernelRev("5.10") != "5.10.0"
    assert hash(KernelRev("5.10")) == hash("5.10")
    assert KernelRev("5.10.0-1") <= "5.10.0-2" and KernelRev("5.10.0-2") <= "5.10.0-1"


# -- scalars --

def test_numbers_without_a_sign():
    assert (scalars.unsigned16(-1), scalars.unsigned32(-1), scalars.unsigned64(-1)) \
        == (0xffff, 0xffffffff, 0xffffffffffffffff)
    assert (scalars.uInt(1 << 33), scalars.uLong(-2)) == (0, (1 << 64) - 2)


def test_alignment_is_upwards():
    assert [scalars.ALIGN(value, 8) for value in (0, 1, 8, 9)] == [0, 8, 8, 16]


def test_an_atomic_is_its_counter():
    assert scalars.atomic_t(types.SimpleNamespace(counter=3)) == 3


# -- lists --

def test_the_first_elements_of_a_sequence_that_may_be_shorter():
    assert list(highlevel.iterN(itertools.count(), 3)) == [0, 1, 2]
    assert list(highlevel.iterN([1, 2], 5)) == [1, 2]


# -- Misc --

def test_a_command_line_as_it_may_be_typed():
    assert Misc.argv2s(["prog", "-v", "a b", ""]) == 'prog -v "a b" ""'


def test_the_names_that_the_file_of_a_module_may_have():
    assert possibleModuleNames("dm_mod") == ["dm_mod", "dm-mod"]
    assert possibleModuleNames("ext4") == ["ext4"]


def test_the_module_that_asks():
    assert Misc.getCurrentModule() is sys.modules[__name__]


def test_a_default_is_patched():
    def function(*, maxel=1):
        return maxel
    module = types.ModuleType("m")
    module.function = function
    Misc.patch_default_kw(module, "maxel", 5)
    assert function() == 5
    Misc.patch_default_kw(function, "maxel", 6)
    Misc.patch_default_kw(function, "other", 7)
    assert function() == 6


def test_the_version_that_a_program_needs(capsys):
    Misc.require_cmod_version("1.2.3")
    Misc.require_cmod_version((3, 5))
    with pytest.raises(SystemExit) as left:
        Misc.require_cmod_version("99.0")
    assert left.value.code == 1
    assert "needs version 99.0" in capsys.readouterr().out


def test_the_attributes_of_an_object_are_printed(capsys):
    Misc.printObject(types.SimpleNamespace(b=2, a="x", _hidden=1))
    assert capsys.readouterr().out == \
        f"SimpleNamespace:\n  {'a':<20} 'x'\n  {'b':<20} 2\n"


def test_pretty_printing_goes_to_where_output_goes_now(capsys):
    Misc.pp.pprint({1: 2})
    Misc.pp([3])
    assert capsys.readouterr().out == "{1: 2}\n[3]\n"
    assert Misc.pp.pformat([1]) == "[1]"


def test_the_pattern_of_an_old_option():
    assert re.match(Misc.re_apidebug, "--apidebug=3")[1] == "3"


def test_a_lazy_module_is_loaded_when_it_is_used(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    module = lazy.module("colorsys")
    assert sys.modules["colorsys"] is module
    assert module.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)
    assert lazy.module("colorsys") is module


# -- old places --

def test_the_names_of_old_places():
    from pykdump import Generic, datatypes, dlkmload, memocaches, tparser, vmcorearch, wrapcrash
    assert Generic.SUInfo is datatypes.SUInfo and Generic.EnumInfo is datatypes.EnumInfo
    assert datatypes.TypeInfo and datatypes.VarInfo and datatypes.getStructInfo
    assert wrapcrash.readSU and "readSUListFromHead" in wrapcrash.__all__
    assert memocaches.purge_typeinfo and dlkmload.loadModule and tparser.CEnum
    assert vmcorearch.sys_info
    with pytest.raises(AttributeError):
        Generic.nothing


# -- drawings --

def test_a_tree():
    root = AA_Node("root")
    one = root.add("one\nmore of one")
    one.add("below")
    root.add(AA_Node("two"))
    assert str(root) == """\
root
 +-- one
 |    | more of one
 |    +-- below
 +-- two"""


def test_frames_within_frames():
    outer = EmbeddedFrames("outer")
    outer.add("text")
    inner = EmbeddedFrames("in", width=10)
    inner.add("PID=1\nPID=2")
    outer.add(inner)
    assert str(outer) == """\
+----- outer ------+
| text             |
| +----- in -----+ |
| | PID=1        | |
| | PID=2        | |
| +--------------+ |
+------------------+"""
