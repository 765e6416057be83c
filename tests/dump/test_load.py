"""The life of the plug-in inside crash: loading, unloading, what it says meanwhile."""

import os
import re
import shutil
import subprocess

import pytest

from tests.dump.harness import batch

REPAIR = re.compile(r"mpykdump: crash [\d.]+ misreads struct pid of this kernel: its task table "
                    r"had (\d+) tasks, now repaired: (\d+)\n")


def pids_of(ps):
    """The PIDs in the output of ps, without the idle tasks."""
    rows = [line.lstrip(">").split() for line in ps.splitlines()]
    return sorted(int(row[0]) for row in rows if row and row[0].isdigit() and row[0] != "0")


def reload_plugin(session, plugin):
    assert session.run(f"extend -u {plugin}") == f"{plugin}: shared object unloaded\n"
    return session.run(f"extend {plugin}")


@pytest.fixture(scope="module")
def own_crash(starting):
    """A session whose plug-in these tests load and unload themselves."""
    session = starting()
    yield session
    session.close()


def test_loading_repairs_the_task_table_and_says_so_in_one_line(fresh_crash, plugin, dump):
    session = fresh_crash(load=False)
    before = pids_of(session.run("ps"))
    text = session.run(f"extend {plugin}")
    after = pids_of(session.run("ps"))
    assert after == sorted(task["tid"] for task in dump.oracle["tasks"])
    line = REPAIR.match(text)
    if len(before) < len(after) // 2:
        assert line and int(line.group(2)) == len(after) + dump.oracle["nproc"]
    else:
        assert line is None
    assert text.endswith(f"{plugin}: shared object loaded\n") and text.count("\n") <= 2


def test_a_copy_cut_short_is_refused_in_one_line_and_a_good_one_loads_after(
        fresh_crash, plugin, tmp_path):
    session = fresh_crash(load=False)
    (tmp_path / "short.so").write_bytes(plugin.read_bytes()[:-1000])
    text = session.run(f"extend {tmp_path}/short.so")
    assert text.startswith("mpykdump: ") and "Traceback" not in text
    assert session.run("epython -v") == "crash: command not found: epython\n"
    assert session.run(f"extend {plugin}").endswith(f"{plugin}: shared object loaded\n")
    assert session.epython("import pykdump.API\nprint('works')") == "works\n"


def test_after_the_repair_crash_stands_on_the_task_that_panicked(crash):
    assert re.search(r"PID: 1\n", crash.run("set"))
    assert "panic" in crash.run("bt")


def test_extend_lists_the_plugin_with_its_commands(crash, plugin):
    header, line = crash.run("extend").splitlines()
    assert header.split() == ["SHARED", "OBJECT", "COMMANDS"]
    assert line.split()[:2] == [str(plugin), "epython"]


def test_help_of_epython_has_crashs_own_form(crash):
    text = crash.run("help epython")
    assert text.startswith("\nNAME\n  epython - run a Python program on this dump\n\nSYNOPSIS\n"
                           "  epython [-h] [-v] [-p] [-d N] [--ehelp] program [arguments]\n\n"
                           "DESCRIPTION\n  Runs a program")
    assert crash.run("man epython") == text


def test_help_lists_epython_and_not_pyctl(crash):
    words = crash.run("help").split()
    assert "epython" in words and "pyctl" not in words
    assert "command not found" in crash.run("pyctl --ls")


def test_loading_twice_is_refused_by_crash(crash, plugin):
    assert crash.run(f"extend {plugin}") == f"{plugin}: shared object already loaded\n"
    assert crash.epython("print('works')") == "works\n"


def test_twenty_times_unloaded_and_loaded_again_it_works_and_needs_no_more_memory(
        own_crash, plugin):
    sizes = []
    for turn in range(20):
        assert reload_plugin(own_crash, plugin) == f"{plugin}: shared object loaded\n"
        assert own_crash.epython(f"import json\nprint('turn', {turn})") == f"turn {turn}\n"
        assert own_crash.run("ps 1").count("\n") == 2
        sizes.append(own_crash.rss())
    assert sizes[-1] - sizes[3] < 2048, sizes


def test_unloading_takes_the_commands_away(own_crash, plugin):
    own_crash.run(f"extend -u {plugin}")
    assert own_crash.run("epython -v") == "crash: command not found: epython\n"
    assert "epython" not in own_crash.run("help").split()
    assert "panic" in own_crash.run("bt")
    assert own_crash.run(f"extend {plugin}") == f"{plugin}: shared object loaded\n"


def test_modules_and_main_survive_unloading(own_crash, plugin):
    own_crash.epython("import colorsys\ncolorsys.mark = 1\nkept = 'still here'")
    reload_plugin(own_crash, plugin)
    assert own_crash.epython("import colorsys\nprint(colorsys.mark, kept)") == "1 still here\n"


def test_all_extensions_can_be_unloaded_at_once(own_crash, plugin):
    assert own_crash.run("extend -u") == f"{plugin}: shared object unloaded\n"
    assert own_crash.run(f"extend {plugin}") == f"{plugin}: shared object loaded\n"


@pytest.mark.parametrize("spelling", ["./mpykdump.so", "mpykdump.so", "inner/../mpykdump.so"])
def test_it_is_loaded_by_a_relative_path_and_works_after_cd(
        own_crash, plugin, tmp_path, spelling):
    """A copy: one file is an installation."""
    own_crash.run("extend -u")
    (tmp_path / "inner").mkdir()
    shutil.copy(plugin, tmp_path / "mpykdump.so")
    own_crash.cd(tmp_path)
    try:
        assert own_crash.run(f"extend {spelling}").endswith("shared object loaded\n")
        own_crash.cd(tmp_path / "inner")
        assert "Listing registered options" in own_crash.run("epython pyctl --ls")
        assert own_crash.epython("import pykdump.Generic, pykdump.imports\nprint('here')") \
            == "here\n"
        search = own_crash.epython("import sys\nprint(sys.path)")
        assert f"'{tmp_path}/mpykdump.so/pylib'" in search
        assert str(plugin) not in search
    finally:
        own_crash.run("extend -u")
        own_crash.run(f"extend {plugin}")


def test_it_is_loaded_from_crashs_own_startup_file(fresh_crash, plugin):
    session = fresh_crash(load=False, anew=True, crashrc=f"set scroll off\nextend {plugin}\n")
    assert f"{plugin}: shared object loaded" in session.greeting
    assert session.epython("print(__name__)") == "__main__\n"


def test_quitting_ends_crash_with_success(fresh_crash):
    session = fresh_crash(anew=True)
    session.epython("import atexit, threading\natexit.register(print, 'bye')")
    assert session.quit() == 0


def test_a_rebuilt_plugin_is_used_after_unload_and_load(own_crash, plugin, tmp_path):
    copy = shutil.copy(plugin, tmp_path / "again.so")
    own_crash.run("extend -u")
    assert own_crash.run(f"extend {copy}") == f"{copy}: shared object loaded\n"
    os.replace(shutil.copy(plugin, tmp_path / "new.so"), copy)
    assert "Listing" in own_crash.run("epython pyctl --ls")
    assert own_crash.run(f"extend -u {copy}") == f"{copy}: shared object unloaded\n"
    assert own_crash.run(f"extend {plugin}") == f"{plugin}: shared object loaded\n"


def test_without_a_terminal_commands_come_from_a_pipe(dump, plugin, tmp_path):
    (tmp_path / "prog.py").write_text("import sys\nprint('tty', sys.stdout.isatty())\n")
    text, status = batch(dump, tmp_path, [
        f"extend {plugin}", "epython prog one two", "epython pyctl --ls", "ps 1", "quit"])
    assert "tty False\n" in text and "Listing registered options" in text
    assert text.count(" ** Execution took") == 2
    assert status == 0


def test_in_a_plain_process_it_says_in_one_line_what_it_is_for(plugin):
    result = subprocess.run(
        ["/usr/bin/python3", "-c", "import ctypes, sys\nctypes.CDLL(sys.argv[1])\nprint('on')",
         str(plugin)], capture_output=True, text=True, timeout=60, check=True)
    assert result.stderr == ("mpykdump: not loaded: this is an extension of the crash utility "
                             "(extend mpykdump.so)\n")
    assert result.stdout == "on\n"


def test_in_minimal_mode_it_declines_and_the_session_goes_on(dump, plugin, tmp_path):
    result = subprocess.run(
        ["/usr/bin/crash", "-s", "--minimal", str(dump.vmlinux), str(dump.kdump)], cwd=tmp_path,
        input=f"extend {plugin}\nsym linux_banner\nquit\n", capture_output=True, text=True,
        timeout=120, check=False)
    assert "mpykdump: crash runs in minimal mode: there are no types to read\n" in result.stderr
    assert "linux_banner" in result.stdout and result.returncode == 0
