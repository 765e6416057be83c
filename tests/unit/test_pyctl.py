"""The program that shows and changes switches."""

import pytest


@pytest.fixture
def pyctl(plugin):
    plugin.start()

    def pyctl(arguments=""):
        text = plugin.body(f"epython pyctl {arguments}")
        pyctl.status = plugin.status
        return text
    return pyctl


LISTING = """\
 -- Listing registered options --
     <debugDCache=0>   in pykdump.Generic
     <debugMemoize=0>   in pykdump.memocaches
     <debugDeref=0>   in pykdump.lowlevel
     <debugDLKM=0>   in pykdump.dlkmload
     <debugReload=0>   in pykdump.API
"""


@pytest.mark.parametrize("arguments", ["--ls", "", "--ls debug[DMR]*"])
def test_all_switches_are_listed_as_documented(pyctl, arguments):
    assert pyctl(arguments) == LISTING


def test_named_switches_are_listed(pyctl):
    assert pyctl("--ls debugDLKM debugReload").splitlines()[1:] == [
        "     <debugDLKM=0>   in pykdump.dlkmload", "     <debugReload=0>   in pykdump.API"]
    assert "did you mean debugDLKM" in pyctl("--ls debugDLK")
    assert pyctl.status == 2


def test_a_switch_is_set_as_documented_and_keeps_its_value(pyctl):
    assert pyctl("--set debugDLKM=2") == "Set: ['debugDLKM=2']\n"
    assert pyctl("--ls") == LISTING.replace("debugDLKM=0", "debugDLKM=2")
    assert pyctl("--set debugDLKM=0x10 debugDeref=1") == \
        "Set: ['debugDLKM=0x10', 'debugDeref=1']\n"
    assert pyctl("--ls") == LISTING.replace("DLKM=0", "DLKM=16").replace("Deref=0", "Deref=1")


@pytest.mark.parametrize("arguments, line", [
    ("--set debugDeref=1 debugDLK=2",
     "pyctl: 'debugDLK' is not a registered option, did you mean debugDLKM?"),
    ("--set debugDeref=1 debugDLKM=x",
     "pyctl: debugDLKM: 'x' is not a whole number (decimal, 0x, 0o or 0b)"),
    ("--set debugDeref=1 debugDLKM=",
     "pyctl: debugDLKM: '' is not a whole number (decimal, 0x, 0o or 0b)"),
    ("--set debugDeref=1 debugDLKM", "pyctl: 'debugDLKM' is not of the form name=value"),
    ("debugDeref=1 nothere", "pyctl: 'nothere' is not a registered option"),
    ("--clear debugDLKM --set debugDeref=x",
     "pyctl: debugDeref: 'x' is not a whole number (decimal, 0x, 0o or 0b)"),
    ("--clear nothere --set debugDeref=1", "pyctl: 'nothere' is not a registered option"),
    ("--set debugDeref=1 --ls nothere", "pyctl: 'nothere' is not a registered option")])
def test_a_mistake_is_one_line_and_nothing_is_changed(pyctl, arguments, line):
    pyctl("debugDLKM=7")
    assert pyctl(arguments) == f"{line}\n -- sys.exit(2) --\n"
    assert pyctl.status == 2
    assert pyctl("--ls") == LISTING.replace("DLKM=0", "DLKM=7")


def test_switches_are_cleared_one_by_one_or_all(pyctl):
    pyctl("--set debugDLKM=2 debugDeref=1")
    assert pyctl("--clear debugDLKM") == ""
    assert pyctl("--ls") == LISTING.replace("Deref=0", "Deref=1")
    assert pyctl("--clear") == " -- Clearing all options set --\n"
    assert pyctl("--ls") == LISTING


def test_the_newer_syntax_is_understood_too(pyctl):
    assert pyctl("debugDLKM=3 debugDLKM").splitlines() == [
        "Set: ['debugDLKM=3']",
        "  debugDLKM       - report loading of module debug information",
        "           currentvalue=3 default=0"]
    names = [line.split()[0] for line in pyctl("-a").splitlines()[::2]]
    assert names == sorted(names)
    assert {"cachePages", "debugDCache", "debugDLKM", "debugDeref", "debugMemoize",
            "debugReload", "debugWire", "logTo", "wireFilter", "wireSummary"} <= set(names)
    assert "pykdump.dlkmload.debugDLKM type=int" in pyctl("-v debugDLKM")


def test_the_help_is_as_documented(pyctl):
    text = pyctl("-h")
    assert text.startswith("usage: pyctl.py [-h] [--set SET [SET ...]] [--ls [LS ...]]\n"
                           "                [--clear [CLEAR ...]]")
    for line in ("Set options", "List currently set options", "Clear currently set options"):
        assert line in text


def test_a_setting_that_is_not_for_debugging_is_listed_when_it_is_asked_for(pyctl, host):
    assert "cachePages" not in pyctl("--ls")
    assert pyctl("cachePages=64") == "Set: ['cachePages=64']\n"
    assert host.pages == 64
    assert "<cachePages=64>" in pyctl("--ls cache*")
    assert "cachePages" in pyctl("-a")


def test_statistics_of_caches_are_shown(pyctl):
    assert "hit rate               75.0 %" in pyctl("--stats")
