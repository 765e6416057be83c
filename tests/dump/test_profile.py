"""epython --profile: which functions of a program take how long, and its reads of the dump."""

import pstats
import re
import subprocess

import pytest

from tests.dump.harness import untimed

READING = """\
import _pykdump, crash, sys

_pykdump.purge_caches('memory')


def members(tasks):
    total = 0
    for task in tasks:
        total += task.pid + task.pid
    return total


def commands():
    return [crash.exec_crash_command('sys') for turn in range(3)]


commands()
head = crash.sym2addr('init_task')
offset = {m[0]: m[1] // 8 for m in _pykdump.type_members('struct task_struct')}['tasks']
nodes = _pykdump.list_nodes(head + offset, 0, 1000, 'struct task_struct', offset)[0]
_pykdump.purge_caches('memory')
total = members(nodes)
"""
READS = "{reads of the dump through crash}"
ROW = re.compile(r" +(\d+)(?:/\d+)? +([\d.]+) +[\d.]+ +([\d.]+) +[\d.]+ (.*)")


def rows(text):
    """function -> (calls, own seconds, all seconds), as printed."""
    return {match[4]: (int(match[1]), float(match[2]), float(match[3]))
            for match in map(ROW.fullmatch, text.splitlines()) if match}


def test_functions_and_crash_commands_and_reads_are_rows(crash):
    crash.program(READING)
    text = untimed(crash.run("epython --profile prog"))
    found = rows(text)
    assert found["{built-in method crash.exec_crash_command}"][0] == 3
    assert found["prog.py:6(members)"][0] == 1
    assert found["prog.py:13(commands)"][2] >= \
        found["{built-in method crash.exec_crash_command}"][2]
    reads = re.search(r"Reads of memory: (\d+) through crash, (\d+) from pages kept", text)
    assert found[READS][0] == int(reads[1]) > 50 and int(reads[2]) > 0
    assert [path.name for path in crash.cwd.iterdir()] == ["prog.py"]


def test_what_is_kept_is_not_read_again(crash):
    crash.program(READING.replace("_pykdump.purge_caches('memory')", ""))
    crash.run("epython prog")
    text = crash.run("epython --profile prog")
    # two pages may have one place in the cache
    assert int(re.search(r"Reads of memory: (\d+) through crash", text).group(1)) < 5


def test_reads_are_told_of_the_functions_that_read(crash):
    crash.program(READING)
    crash.run("epython --profile=out prog")
    stats = pstats.Stats(str(crash.cwd / "out")).stats
    reads = stats[("~", 0, READS.replace("{", "<").replace("}", ">"))]
    assert reads[1] == sum(edge[1] for edge in reads[4].values())
    assert reads[4][("./prog.py", 6, "members")][1] > 50
    assert all(row[2] >= 0 for row in stats.values())
    # time is counted once
    whole = stats[("~", 0, "<built-in method builtins.exec>")][3]
    assert sum(row[2] for row in stats.values()) < whole * 1.1 + 0.01


def test_files_are_written_for_pstats_and_kcachegrind(crash):
    crash.program(READING)
    text = untimed(crash.run("epython --profile=out prog"))
    assert f"Written: {crash.cwd}/out (for python3 -m pstats)\n" in text
    assert f"Written: {crash.cwd}/out.callgrind (for kcachegrind, callgrind_annotate)\n" in text
    listing = subprocess.run(
        ["callgrind_annotate", "--threshold=100", str(crash.cwd / "out.callgrind")], text=True,
        capture_output=True, check=True).stdout
    assert "Events shown:     ns" in listing
    for name in ("members", "crash.exec_crash_command", "reads of the dump through crash"):
        assert name in listing


@pytest.mark.parametrize("ending, told", [
    ("1 / 0", "ZeroDivisionError: division by zero\n"), ("sys.exit(3)", " -- sys.exit(3) --\n"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt\n")])
def test_however_a_program_ends_its_profile_is_told_first(crash, ending, told):
    crash.program(READING + ending)
    text = untimed(crash.run("epython --profile=out prog"))
    assert READS in rows(text) and text.endswith(told)
    assert text.index("Reads of memory") < text.rindex(told)
    assert (crash.cwd / "out.callgrind").exists()


@pytest.mark.parametrize("file", ["/nothere/out", "."])
def test_a_file_that_cannot_be_is_refused_before_the_program_runs(crash, file):
    crash.program("print('runs')")
    assert untimed(crash.run(f"epython --profile={file} prog")) == \
        f"epython: --profile: {file}: no file can be written there (program not run)\n"


def test_a_file_that_cannot_be_written_is_one_line_after_the_table(crash):
    crash.program("print('runs')")
    text = untimed(crash.run("epython --profile=/dev/full prog"))
    assert text.startswith("runs\n")
    assert text.endswith("\nepython: --profile: /dev/full: No space left on device\n")


def test_a_profiled_program_is_not_profiled_again_inside(crash):
    crash.program("print('inner')", "inner.py")
    crash.program("import crash\ncrash.exec_epython_command('epython', '--profile', 'inner')")
    text = crash.run("epython --profile prog")
    assert "epython: --profile: this command is being profiled already (program not run)" in text
    assert text.count("function calls") == 1


def test_a_profile_and_a_debugger_go_together(crash):
    crash.program("1 / 0")
    crash.start("epython --profile --pdb prog")
    crash.until("(Pdb) ")
    assert "Reads of memory" in crash._pending
    crash.type("q\n")
    crash.finish()


def test_nothing_is_measured_after_the_program(crash):
    crash.program("1")
    crash.run("epython --profile prog")
    assert crash.epython("import sys, _pykdump, crash\n_pykdump.purge_caches('memory')\n"
                         "crash.readmem(crash.sym2addr('init_task'), 8)\n"
                         "print(sys.getprofile(), _pykdump.profile_stop())") == "None []\n"
