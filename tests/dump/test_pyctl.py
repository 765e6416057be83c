"""pyctl and the switches, as the documentation's transcripts show them."""

import pytest

from tests.dump.harness import untimed

LISTING = """\
 -- Listing registered options --
     <debugDCache=0>   in pykdump.Generic
     <debugMemoize=0>   in pykdump.memocaches
     <debugDeref=0>   in pykdump.lowlevel
     <debugDLKM=0>   in pykdump.dlkmload
     <debugReload=0>   in pykdump.API
"""
HELP = """\
usage: pyctl.py [-h] [--set SET [SET ...]] [--ls [LS ...]]
                [--clear [CLEAR ...]]"""


@pytest.fixture(scope="module")
def pyctl_crash(starting):
    """A session of these tests' own: what programs register stays for the session."""
    session = starting()
    yield session
    session.close()


@pytest.fixture
def pyctl(pyctl_crash, tmp_path):
    def run(arguments=""):
        return untimed(pyctl_crash.run(f"epython pyctl {arguments}".rstrip()))
    pyctl_crash.mark()
    pyctl_crash.cd(tmp_path)
    run.crash = pyctl_crash
    yield run
    run("--clear")


def test_the_documented_session_comes_out_as_documented(pyctl):
    assert pyctl("--ls") == LISTING
    assert pyctl("--set debugDLKM=2") == "Set: ['debugDLKM=2']\n"
    assert pyctl("--ls") == LISTING.replace("debugDLKM=0", "debugDLKM=2")


def test_the_help_has_the_documented_lines(pyctl):
    text = pyctl("-h")
    assert text.startswith(HELP)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for line in ("-h, --help show this help message and exit",
                 "--set SET [SET ...] Set options", "--ls [LS ...] List currently set options",
                 "--clear [CLEAR ...] Clear currently set options"):
        assert line in lines


def test_a_value_survives_other_programs_and_reload(pyctl):
    pyctl("--set debugDLKM=2")
    pyctl.crash.epython("from pykdump.API import *")
    pyctl.crash.epython("", "--reload")
    assert "<debugDLKM=2>" in pyctl("--ls")
    assert pyctl.crash.epython("from pykdump import dlkmload\nprint(dlkmload.debugDLKM)") == "2\n"


def test_options_are_cleared_by_name_or_all_together(pyctl):
    pyctl("--set debugDLKM=2 debugDeref=1 debugReload=1")
    pyctl("--clear debugDLKM")
    assert pyctl("--ls") == \
        LISTING.replace("Deref=0", "Deref=1").replace("Reload=0", "Reload=1")
    assert pyctl("--clear") == " -- Clearing all options set --\n"
    assert pyctl("--ls") == LISTING


def test_the_newer_form_shows_and_sets(pyctl):
    assert pyctl("debugDLKM=3") == "Set: ['debugDLKM=3']\n"
    name, values = pyctl("debugDLKM").splitlines()
    assert name.startswith("  debugDLKM       - ")
    assert values == "           currentvalue=3 default=0"
    assert "pykdump.dlkmload" in pyctl("-v debugDLKM")


def test_all_options_are_described_in_order(pyctl):
    names = [line.split()[0] for line in pyctl("-a").splitlines()[::2]]
    assert names == sorted(names)
    assert {"debugDCache", "debugDLKM", "debugDeref", "debugMemoize", "debugReload"} <= set(names)


@pytest.mark.parametrize("arguments", [
    "--set debugDeref=1 nothere=2", "--set debugDeref=1 debugDLKM=x", "--set debugDLKM=",
    "--set debugDLKM", "--set debugDLKM=1=2", "debugDeref=1 nothere", "debugDeref=one",
    "--clear nothere", "--ls nothere", "--set =3"])
def test_a_mistake_is_one_line_and_changes_nothing(pyctl, arguments):
    pyctl("--set debugDLKM=7")
    text = pyctl(arguments)
    assert text.startswith("pyctl: ") and text.endswith("\n -- sys.exit(2) --\n")
    assert text.count("\n") == 2
    assert pyctl("--ls") == LISTING.replace("debugDLKM=0", "debugDLKM=7")


def test_an_unknown_option_of_pyctl_itself_is_told(pyctl):
    assert "unrecognized arguments: --nope" in pyctl("--nope")


def test_a_module_of_a_user_registers_its_own(pyctl):
    pyctl.crash.program("from pykdump.API import registerModuleAttr\n"
                        "registerModuleAttr('debugMine', default=5)\n", "mine_with_switch.py")
    show = "import mine_with_switch as m\nprint(m.debugMine)"
    assert pyctl.crash.epython(show) == "5\n"
    assert pyctl("--ls debugMine") == (" -- Listing registered options --\n"
                                       "     <debugMine=5>   in mine_with_switch\n")
    pyctl("debugMine=0x20")
    assert pyctl.crash.epython(show) == "32\n"
    assert pyctl.crash.epython(show, "--reload") == "32\n"
    pyctl("--clear debugMine")
    assert pyctl.crash.epython(show) == "5\n"


def test_switches_make_their_subsystems_speak(pyctl):
    pyctl("--set debugMemoize=1 debugDCache=1")
    text = pyctl.crash.epython("from pykdump.API import *\n@memoize_cond(CU_LOAD)\ndef f(x):\n"
                               "    return x\nf(1)\nf(1)\nDCache.tmp.word = 1")
    assert "memoize: miss __main__.f\nmemoize: hit __main__.f\n" in text
    assert "DCache.tmp: set word\n" in text


def test_pyctl_is_found_under_its_full_name_too(pyctl):
    assert untimed(pyctl.crash.run("epython pyctl.py --ls")) == pyctl("--ls")
