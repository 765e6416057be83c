"""The program that shows and changes switches."""

import importlib
import json
import os

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


def test_names_may_be_patterns(pyctl):
    pyctl("debugDLKM=2 debugDeref=1 debugReload=1")
    assert pyctl("debugD*").count("currentvalue") == 3
    pyctl("--clear debugD*")
    assert pyctl("--ls") == LISTING.replace("Reload=0", "Reload=1")
    assert pyctl("--clear nothere*").startswith("pyctl: 'nothere*' is not a registered option\n")


@pytest.mark.parametrize("text, value", [("on", 1), ("off", 0), ("yes", 1), ("False", 0),
                                         ("0x1f", 31), ("0b11", 3), ("-2", -2), ("007", 7)])
def test_numbers_are_given_in_many_ways(pyctl, text, value):
    pyctl(f"debugDLKM={text}")
    assert f"<debugDLKM={value}>" in pyctl("--ls debugDLKM")


def test_the_help_lists_all_keys_with_what_they_are_now(pyctl):
    pyctl("debugDLKM=2")
    keys = pyctl("-h").partition("\nkeys:\n")[2].splitlines()
    assert "  debugDLKM        report loading of module debug information (2)" in keys
    assert any(key.startswith("  replShell ") for key in keys)


def test_options_come_as_json_too(pyctl):
    pyctl("debugDLKM=2")
    found = json.loads(pyctl("--ls debugDLKM --json"))
    assert [(one["name"], one["value"], one["default"], one["set"]) for one in found] \
        == [("debugDLKM", 2, 0, True)]
    assert {"logTo", "replShell"} <= {one["name"] for one in json.loads(pyctl("-a --json"))}


def test_what_functions_have_returned_is_counted_and_forgotten(pyctl, plugin):
    (plugin.cwd / "remembering.py").write_text(
        "from pykdump.API import *\n@memoize_cond(CU_LOAD)\ndef f(x): return x\n")
    (plugin.cwd / "remembers.py").write_text("from remembering import f\nf(1), f(1), f(2)\n")

    def counted():
        stats = json.loads(pyctl("--stats --json"))
        return [stats[name] for name in ("results of functions", "function hits",
                                         "function misses")]
    before = counted()
    plugin.type("epython remembers")
    assert [now - then for now, then in zip(counted(), before)] == [2, 1, 2]
    assert pyctl("--drop-caches results") == "Forgotten: results\n"
    assert counted()[0] == 0
    assert pyctl("--drop-caches") == "Forgotten: pages\nForgotten: types\nForgotten: results\n"
    assert "invalid choice: 'nothere'" in pyctl("--drop-caches nothere")


# -- what holds in the next session --

@pytest.fixture
def saved(plugin, tmp_path):
    return tmp_path / "config" / "mpykdump" / "switches"


def test_nothing_is_saved_unless_that_is_asked_for(pyctl, saved):
    pyctl("debugDLKM=2")
    assert not saved.exists()
    assert pyctl("--save") == f"Saved: ['debugDLKM=2'] in {saved}\n"
    assert saved.read_text() == "debugDLKM=2\n"
    assert pyctl("--clear --save").endswith(f"Saved: [] in {saved}\n")
    assert not saved.exists()


@pytest.fixture
def load(plugin, saved, capfd):
    """Begin a session with that file; what it says."""
    plugin.start()

    def load(text):
        saved.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            saved.write_text(text)
        capfd.readouterr()
        importlib.import_module("pykdump.settings").load()
        return capfd.readouterr().err
    return load


def test_what_was_saved_holds_in_the_next_session(pyctl, load):
    assert load("# mine\n\ndebugDLKM=2\nlog.disks=DEBUG\n") == ""
    assert "<debugDLKM=2>" in pyctl("--ls") and "<log.disks=DEBUG>" in pyctl("--ls")


def test_a_switch_of_a_module_is_set_when_that_is_imported(pyctl, load, plugin, saved):
    assert load("debugMine=7\n") == ""
    pyctl("debugDLKM=1 --save")
    assert saved.read_text() == "debugMine=7\ndebugDLKM=1\n"
    (plugin.cwd / "mine.py").write_text(
        "from pykdump.API import registerModuleAttr\nregisterModuleAttr('debugMine', default=1)\n")
    (plugin.cwd / "uses.py").write_text("import mine\nprint(mine.debugMine)\n")
    assert plugin.body("epython uses") == "7\n"


@pytest.mark.parametrize("line, why", [
    ("debugDLKM=x", "debugDLKM: 'x' is not a whole number (decimal, 0x, 0o or 0b)"),
    ("debugDLKM", "it is not of the form name=value"),
    ("replShell=emacs", "replShell: 'emacs' is none of python, ipython"),
    ("\x00\udcff=", None)])
def test_a_bad_line_is_told_and_the_others_hold(pyctl, load, saved, line, why):
    said = load(f"{line}\ndebugDeref=1\n".encode("utf-8", "replace").decode())
    if why is not None:
        assert said == f"mpykdump: {saved}, line 1 is ignored: {why}\n"
    assert "<debugDeref=1>" in pyctl("--ls")


@pytest.mark.parametrize("mode", [0o666, 0o664])
def test_a_file_that_others_may_write_to_is_not_believed(pyctl, load, saved, mode):
    load("debugDLKM=2")
    pyctl("--clear")
    saved.chmod(mode)
    assert load(None) == f"mpykdump: {saved} is ignored: others may write to it\n"
    assert pyctl("--ls") == LISTING


def test_what_is_no_file_is_not_read(pyctl, load, saved):
    saved.parent.mkdir(parents=True)
    os.mkfifo(saved)
    assert load(None) == f"mpykdump: {saved} is ignored: it is no file of settings\n"


def test_a_folder_that_cannot_be_written_is_told(pyctl, saved):
    saved.parent.parent.write_text("a file")
    assert pyctl("debugDLKM=1 --save").startswith(
        f"pyctl: {saved} cannot be written: Not a directory\n")
