"""The options that all programs have in common."""

import re

import pytest

from tests.dump.harness import untimed

SHOW = """\
import sys, crash
from pykdump.API import API_options
print(sys.argv[1:], API_options.timeout, crash.default_timeout, API_options.Maxel,
      API_options.debug, API_options.experimental, API_options.dumpcache)
"""
DEFAULTS = "120 120 10000 0 False False\n"


@pytest.mark.parametrize("arguments, seen", [
    ("", f"[] {DEFAULTS}"),
    ("--timeout=7 --maxel=5", "[] 7 7 5 0 False False\n"),
    ("--timeout 7 --maxel 5 --debug 2", "[] 7 7 5 2 False False\n"),
    ("a --timeout 7 -- --maxel=5 --summ", "['a', '--', '--summ'] 7 7 5 0 False False\n"),
    ("--experimental x --dumpcache", "['x'] 120 120 10000 0 True True\n"),
    ("--max=5 --time 3 --maxels=1", f"['--max=5', '--time', '3', '--maxels=1'] {DEFAULTS}"),
    ("--maxel=0x20", "[] 120 120 32 0 False False\n")])
def test_they_are_recognised_anywhere_by_their_whole_names_and_removed(crash, arguments, seen):
    assert crash.epython(SHOW, arguments) == seen
    assert crash.epython(SHOW) == f"[] {DEFAULTS}"


@pytest.mark.parametrize("option, complaint", [
    ("--timeout=abc", "--timeout: 'abc' is not a whole number of seconds greater than 0"),
    ("--timeout=0", "--timeout: '0' is not a whole number of seconds greater than 0"),
    ("--timeout", "--timeout: a value is missing"),
    ("--timeout=", "--timeout: a value is missing"),
    ("--maxel=-1", "--maxel: '-1' is not a whole number greater than 0"),
    ("--maxel=99999999999999999999", "--maxel: 99999999999999999999 is more than 2147483647"),
    ("--debug=x", "--debug: 'x' is not a whole number"),
    ("--reload=yes", "--reload takes no value"),
    ("--ofile", "--ofile: a value is missing"),
    ("--ofile=/nowhere/x", "--ofile: /nowhere/x: No such file or directory")])
def test_a_bad_one_is_one_line_and_the_program_does_not_run(crash, option, complaint):
    crash.program("print('RAN')")
    for _ in range(3):
        assert untimed(crash.run(f"epython prog {option}")) \
            == f"epython: {complaint} (program not run)\n"
    assert crash.epython(SHOW) == f"[] {DEFAULTS}"


def test_an_unknown_pid_for_usens_is_one_line_each_time(crash):
    crash.program("print('RAN')")
    for _ in range(3):
        text = untimed(crash.run("epython prog --usens 99999"))
        assert re.fullmatch(r"epython: .*\(program not run\)\n", text)
        assert "RAN" not in text


def test_the_words_as_typed_are_kept(crash):
    assert crash.epython("import sys\nprint(getattr(sys, '__oldargv'))", "--maxel 3 x") \
        == "['./prog.py', '--maxel', '3', 'x']\n"


def test_options_before_the_program_count_too(crash):
    crash.program(SHOW)
    assert untimed(crash.run("epython --timeout 9 -d 4 prog x")) \
        == "['x'] 9 9 10000 4 False False\n"


def test_maxel_is_known_to_a_program_that_holds_the_options(crash):
    crash.epython("from pykdump.API import API_options as held")
    assert crash.epython("print(held.Maxel)", "--maxel=77") == "77\n"


def test_ofile_gets_all_of_the_output_under_a_header(crash, dump):
    crash.program("print('into the file')\nprint('é')")
    assert crash.run("epython prog --ofile=report x") == ""
    lines = untimed((crash.cwd / "report").read_text()).splitlines()
    assert lines[0] == "" and lines[1].strip("* ") == "prog.py --ofile=report x"
    assert lines[2].strip("o ") == f"{dump.kdump} ({dump.release})"
    assert lines[3:] == ["into the file", "é"]
    assert crash.epython("print('to the terminal')") == "to the terminal\n"


def test_a_full_disk_under_ofile_is_told(crash):
    crash.program("print('x' * 100000)")
    text = crash.run("epython prog --ofile=/dev/full")
    assert "No space left on device" in text
    assert crash.epython("print('on')") == "on\n"
