"""mpykdump-run and `make triage`: one program on one dump; programs outside of crash."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.dump.harness import TIMEOUT, environment
from tests.lab import dumps

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
PROGRAMS = sorted(path for path in (ROOT / "progs").glob("*.py")
                  if path.stem not in ("commands", "outside"))


@pytest.fixture
def run(plugin, tmp_path):
    """Run a command line of mpykdump-run: (exit status, standard output, standard error)."""
    def run(*arguments, typed="", **env):
        done = subprocess.run([PYTHON, "-I", plugin, "run", *map(str, arguments)], input=typed,
                              capture_output=True, text=True, cwd=tmp_path, check=False,
                              timeout=TIMEOUT, env=environment(tmp_path, **env))
        return done.returncode, done.stdout, done.stderr
    return run


REPL = """\
1 + 1
task = readSymbol("init_task")
task.tasks
def f():
    return task.comm
f()
nothere
%run pyctl debugDLKM
for i in range(2):
    print("loop", i)
exit(3)
6 * 7
"""


def test_a_program_gets_its_words_and_what_is_piped_and_its_status_is_the_exit_status(
        run, dump, tmp_path):
    (tmp_path / ".crashrc").write_text("this is no command\n")
    (tmp_path / "mine.py").write_text("import crash, sys\nprint(sys.argv[1:])\n"
                                      "sys.exit(crash.exec_epython_command('repl') + 4)\n")
    status, out, err = run(dump.vmlinux, dump.kdump, "mine", "two words", "-v", "a;b|c>d",
                           typed=REPL)
    assert status == 7
    assert "shared object loaded" in err and "this is no command" not in out + err
    head, _, body = out.partition("\nfrom pykdump.API import *\n")
    assert head.startswith("['two words', '-v', 'a;b|c>d']\nPyKdump Embedded REPL: Python ")
    assert body.startswith("2\n<struct list_head 0x")
    assert "\n'swapper/0'\nTraceback" in body and "NameError: name 'nothere'" in body
    assert "currentvalue=0 default=0\nloop 0\nloop 1\n" in body
    assert ">>>" not in out and "\x1b" not in out and "\n42\n" not in out
    assert "Returning to crash\n -- sys.exit(3) --\n -- sys.exit(7) --\n" in out


@pytest.mark.parametrize("arguments, line", [
    (["/nothere", "/etc/passwd", "taskinfo"], "VMLINUX: /nothere: No such file or directory"),
    (["/etc/passwd", "/nothere", "taskinfo"], "DUMP: /nothere: No such file or directory"),
    (["/etc", "/etc/passwd", "taskinfo"], "VMLINUX: /etc: Is a directory"),
    (["", "/etc/passwd", "taskinfo"], "VMLINUX is not given"),
    (["--crash=/nothere/crash", "/etc/passwd", "/etc/passwd", "taskinfo"],
     "/nothere/crash: No such file or directory"),
    (["--crash=", "/etc/passwd", "/etc/passwd", "taskinfo"], "--crash: which command?"),
    (["--crash='", "/etc/passwd", "/etc/passwd", "taskinfo"], "--crash: No closing quotation"),
    (["/etc/passwd", "/etc/passwd", "prog", 'a"b'], "'a\"b' cannot be typed to crash"),
    (["/etc/passwd", "/etc/passwd", "prog", "a\nb"], "'a\\nb' cannot be typed to crash"),
    (["/etc/passwd", "/etc/passwd", "prog", 2000 * "x"],
     "the arguments are longer than the 1400 bytes that crash reads")])
def test_what_cannot_be_run_is_one_line(run, arguments, line):
    assert run(*arguments) == (2, "", f"mpykdump-run: {line}\n")


def test_a_dump_that_crash_cannot_open_is_told(run):
    status, out, err = run("/etc/passwd", "/etc/passwd", "taskinfo")
    assert status == 1 and out == ""
    assert err.endswith("\nmpykdump-run: crash could not open the dump "
                        "(crash ended with status 1)\n")


def test_a_dump_at_which_crashs_own_search_fails_is_opened_without_that(run):
    overflow = dumps.get("panic-overflow", kernel=os.environ.get("LAB_KERNEL") or None)
    status, out, err = run(overflow.vmlinux, overflow.kdump, "crashinfo", "-q")
    assert status == 0 and "[panic.stack-overflow]" in out
    # Newer ones get over it.
    told = [line for line in err.splitlines() if line.startswith("mpykdump-run:")]
    assert told == (["mpykdump-run: crash could not open the dump; once more without its search "
                     "for the task that panicked (--no_panic)"] if "vm_area_dump" in err else [])


def make(*variables):
    done = subprocess.run(["make", "-C", ROOT, "--no-print-directory", "triage", *variables],
                          capture_output=True, text=True, check=False, timeout=TIMEOUT)
    return done.returncode, done.stdout, done.stderr


def test_make_triage_prints_the_report_of_a_dump(dump):
    status, out, _err = make(f"VMLINUX={dump.vmlinux}", f"DUMP={dump.kdump}", "ARGS=-q")
    assert status == 0
    assert "Findings" in out and "Execution took" in out and "shared object" not in out


@pytest.mark.parametrize("variables, line", [
    ([], "VMLINUX is not given"), (["VMLINUX=/etc/passwd"], "DUMP is not given"),
    (["VMLINUX=/etc/passwd", "DUMP=/nothere"], "DUMP: /nothere: No such file or directory")])
def test_make_triage_says_what_is_missing(variables, line):
    status, out, err = make(*variables)
    assert status != 0 and out == ""
    assert [text for text in err.splitlines() if "run:" in text] == [f"mpykdump-run: {line}"]


# -- outside of crash --

@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_gives_its_help_outside_of_crash_and_tells_the_way_in(program):
    def outside(*arguments):
        return subprocess.run([PYTHON, program, *arguments], capture_output=True, text=True,
                              check=False, env={"PATH": os.environ["PATH"]})
    way = f"{program.stem} runs in crash: make triage PROG={program.stem} "
    helped = outside("-h")
    assert helped.returncode == 0 and helped.stderr == ""
    assert helped.stdout.lower().startswith("usage: ")
    assert helped.stdout.splitlines()[-1].startswith(way)
    run = outside("--anything")
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr.startswith(way) and run.stderr.count("\n") == 1
