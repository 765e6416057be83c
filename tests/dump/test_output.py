"""Where a program's output goes: terminal, pipe, pager, file, and together with crash's own."""

import re

import pytest

from tests.dump.harness import children_of, stripped_of_colour, untimed

MANY = "for number in range(200000):\n    print('line', number)\n"


def test_a_pipe_that_closes_early_ends_the_program_silently(crash):
    crash.program(MANY)
    assert crash.run("epython prog | head -3") == "line 0\nline 1\nline 2\n"
    assert crash.epython("print('on')") == "on\n"


def test_everything_goes_through_a_pipe(crash):
    crash.program(MANY)
    assert crash.run("epython prog | wc -l").strip() == "200002"
    assert crash.run("epython prog | tail -4").splitlines()[:2] == ["line 199998", "line 199999"]


def test_a_pipe_of_several_commands_works(crash):
    crash.program(MANY)
    assert crash.run("epython prog | grep 99999 | sort -r | head -1") == "line 99999\n"


def test_a_file_gets_a_header_with_command_and_dump(crash, dump):
    crash.program("print('into the file')")
    assert crash.run("epython prog --maxel=5 > report") == ""
    lines = untimed((crash.cwd / "report").read_text()).splitlines()
    assert lines[0] == "" and lines[3:] == ["into the file"]
    assert re.fullmatch(r"   \*+ prog\.py --maxel=5 \*+", lines[1])
    assert re.fullmatch(rf" o+ {re.escape(str(dump.kdump))} \({dump.release}\) o+", lines[2]) \
        or lines[2] == f"  {dump.kdump} ({dump.release}) "


@pytest.fixture
def header(crash, dump):
    """What a file begins with, byte for byte."""
    def of(command):
        return (f"\n   {f' {command} ':*^60}\n"
                f" {f' {dump.kdump} ({dump.release}) ':o^77}\n")
    crash.program("import sys\nprint(sys.argv[1:])")
    return of


@pytest.mark.parametrize("typed, shown, seen", [
    ("prog", "prog.py", []),
    ("--maxel=5 prog a", "prog.py --maxel=5 a", ["a"]),
    ('prog "two words" --timeout 7 x', 'prog.py "two words" --timeout 7 x', ["two words", "x"]),
    ("./prog -v --debug=0 " + 30 * "long", "prog.py -v --debug=0 " + 30 * "long",
     ["-v", 30 * "long"])])
@pytest.mark.parametrize("where", ["> report", ">> report", "--ofile=report", "--ofile report"])
def test_a_file_begins_with_the_command_as_typed_and_the_dump(crash, header, typed, shown, seen,
                                                              where):
    crash.run(f"epython {typed} {where}")
    own = "" if where.startswith(">") else f" {where}"
    text = (crash.cwd / "report").read_text()
    assert text.startswith(f"{header(shown + own)}{seen}\n")


def test_namespaces_are_told_before_the_header(crash, header):
    crash.run("epython prog --usens=1 > report")
    assert (crash.cwd / "report").read_text().startswith(
        f" *=*=* Using namespaces of PID 1  *=*=*\n{header('prog.py --usens=1')}[]\n")


def test_each_command_appended_to_a_file_has_its_header(crash, header):
    crash.run("epython prog one > report")
    crash.run("epython prog two >> report")
    text = (crash.cwd / "report").read_text()
    assert text.startswith(f"{header('prog.py one')}['one']\n")
    assert f"\n{header('prog.py two')}['two']\n" in text


def test_commands_of_crash_that_are_programs_have_it_under_their_name(crash, header):
    crash.run("taskinfo --summ > report")
    assert (crash.cwd / "report").read_text().startswith(header("taskinfo --summ"))


@pytest.mark.parametrize("where", ["| cat", "| cat > copy", "> /dev/stdout", "--ofile=/dev/stdout"])
def test_what_is_no_regular_file_gets_no_header(crash, header, where):
    text = crash.run(f"epython prog {where}")
    if where.endswith("copy"):
        text = (crash.cwd / "copy").read_text()
    assert text.startswith("[]\n")


def test_a_file_can_be_appended_to(crash):
    crash.epython("print('once')")
    for _ in range(2):
        crash.run("epython prog >> report")
    assert (crash.cwd / "report").read_text().count("\nonce\n") == 2


def test_a_full_disk_is_told_and_the_session_goes_on(crash):
    crash.program(MANY)
    assert crash.run("epython prog > /dev/full") \
        == "epython: the output cannot be written: No space left on device\n"
    assert crash.epython("print('on')") == "on\n"


def test_output_keeps_its_order_with_crashs_and_other_processes(crash):
    text = crash.epython(
        "import crash, os, subprocess, sys\nprint('one')\n"
        "shown = crash.exec_crash_command('sys')\nprint('two')\n"
        "sys.stderr.write('three\\n')\nprint('four', flush=True)\n"
        "subprocess.run(['echo', 'five'])\nprint('six', flush=True)\nos.write(1, b'seven\\n')\n"
        "print('eight')")
    assert text.split() == ["one", "two", "three", "four", "five", "six", "seven", "eight"]


def test_text_of_all_kinds_is_printed(crash):
    assert crash.epython("print('déjà vu, 日本, \\U0001f40d')") == "déjà vu, 日本, \U0001f40d\n"
    assert crash.epython("print('\\udc80 \\ud800')") == "\\udc80 \\ud800\n"
    assert crash.epython("import sys\nsys.stdout.buffer.write(b'raw \\xc3\\xa9\\n')") == "raw é\n"


def test_non_ascii_text_survives_arguments_pipes_and_files(crash):
    crash.program("import sys\nprint(sys.argv[1])")
    assert crash.run("epython prog déjà | cat").startswith("déjà\n")
    crash.run("epython prog déjà > report")
    assert "\ndéjà\n" in (crash.cwd / "report").read_text(encoding="utf-8")


def test_a_program_can_read_where_its_output_goes(crash):
    crash.program("import sys\nprint(sys.stdout.isatty(), sys.stdout is sys.stderr)")
    assert crash.run("epython prog").startswith("True True\n")
    assert crash.run("epython prog | cat").startswith("False True\n")


def test_output_without_a_last_newline_is_complete(crash):
    assert crash.epython("import sys\nsys.stdout.write('no end')") == "no end"


def test_a_reference_to_stdout_kept_by_a_program_stays_good(crash):
    crash.epython("import sys\nkept = sys.stdout")
    assert crash.epython("print('through the old name', file=kept)") == "through the old name\n"
    assert crash.run("epython prog | cat").startswith("through the old name\n")


def test_a_handler_of_logging_works_in_later_commands(crash):
    crash.epython("import logging\nlogging.basicConfig(format='%(message)s')")
    assert crash.epython("import logging\nlogging.warning('logged')") == "logged\n"
    crash.epython("logging.root.handlers.clear()")


ASKS = """\
import os, select, sys
from pykdump.API import exec_crash_command, exec_crash_command_bg
print('first', flush=True)
%s
mine = exec_crash_command_bg('log', timeout=20)
child = os.fork()
if not child:
    text = exec_crash_command('log')
    with open('answers', 'w') as file:
        print(len(text) > 10000, text == mine, file=file)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_children_run_commands_though_nobody_reads_what_the_program_prints(crash):
    crash.program(ASKS % ("reader = select.poll()\nreader.register(sys.stdout.fileno(), 0)\n"
                          "reader.poll()\n"))
    assert crash.run("epython prog | head -1") == "first\n"
    assert (crash.cwd / "answers").read_text() == "True True\n"
    assert children_of(crash.pid) == []


@pytest.fixture(scope="module")
def paged(starting, dump, tmp_path_factory):
    """A session on a terminal that less can work with, and a pager that leaves early.

    Its dump is given as people do who stand beside it.
    """
    folder = tmp_path_factory.mktemp("beside")
    (folder / "vmcore").symlink_to(dump.kdump)
    session = starting(TERM="xterm", CRASHPAGER="/usr/bin/head -3", vmcore="vmcore", cwd=folder)
    session.program(MANY)
    session.program("print('on')", "short.py")
    yield session
    session.close()


def test_a_pager_that_leaves_early_ends_the_program_silently(paged):
    paged.run("set scroll CRASHPAGER")
    paged.run("set scroll on")
    assert paged.run("epython prog") == "line 0\nline 1\nline 2\n"
    assert paged.run("epython short").startswith("on\n")


def test_children_run_commands_while_a_pager_shows_what_the_program_prints(paged):
    paged.program(ASKS % "", "asks.py")
    paged.run("set scroll CRASHPAGER")
    paged.run("set scroll on")
    assert untimed(paged.run("epython asks")) == "first\n"
    assert (paged.cwd / "answers").read_text() == "True True\n"


def test_less_is_left_with_q_and_the_session_goes_on(paged):
    paged.run("set scroll less")
    paged.run("set scroll on")
    paged.start("epython prog")
    paged.until("line 20")
    paged.type("q")
    text = stripped_of_colour(paged.finish())
    assert "line 1\n" in text and "line 199999" not in text
    assert "Traceback" not in text and "epython:" not in text
    paged.run("set scroll off")
    assert "panic at" in paged.run("bt")
    assert untimed(paged.run("epython short")) == "on\n"


def test_the_header_names_the_dump_wherever_crash_has_gone(paged, tmp_path):
    before = paged.cwd
    paged.cd(tmp_path)
    paged.run("epython pyctl > report")
    paged.cd(before)
    assert f" {before}/vmcore (" in (tmp_path / "report").read_text()
