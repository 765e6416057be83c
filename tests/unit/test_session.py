"""The life of a command, from what was typed to the line about time."""

import re
import sys

import pytest

from pykdump import execution, options, session
from pykdump.logging import pylog

TIME = re.compile(r"\n \*\* Execution took [ \d]{3}\.\d\ds \(real\) [ \d]{3}\.\d\ds \(CPU\)"
                  r"(, Child processes: [ \d]{3}\.\d\ds)?\n")


@pytest.fixture
def run(plugin):
    """Run a program text; without a text, type the line as it is."""
    plugin.start()

    def run(source=None, line="epython prog"):
        if source is not None:
            (plugin.cwd / "prog.py").write_text(source)
        return plugin.body(line)
    run.plugin = plugin
    return run


def status(run):
    return run.plugin.status


@pytest.mark.parametrize("line", [
    "epython prog", "epython nothere", "epython prog --timeout=x", "epython pyctl -h",
    "nosuchregistered", "epython -x", "epython /tmp"])
def test_every_command_ends_with_a_blank_line_and_the_time_it_took(run, line):
    run("print('out')\n1/0")
    assert TIME.search(run.plugin.type(line)).end() == len(run.plugin.host.written)


def test_time_of_child_processes_is_told_when_there_was_any(run):
    run("import os\nif not os.fork():\n    sum(range(10**6))\n    os._exit(0)\nos.wait()")
    assert "Child processes" in run.plugin.type("epython prog")


@pytest.mark.parametrize("line", ["epython -p", "epython -v", "epython -h", "epython --ehelp",
                                  "epython", "epython --reload"])
def test_questions_to_epython_itself_are_answered_only(run, line):
    assert "Execution took" not in (text := run.plugin.type(line))
    assert text and status(run) == 0


def test_without_a_program_the_usage_is_shown(run):
    assert run(line="epython").startswith("usage: epython ")


def test_an_unknown_option_of_epython_is_told_with_the_usage(run):
    assert run(line="epython --nope prog").splitlines()[0] == "epython: unknown option --nope"
    assert status(run) == 2


def test_a_module_of_the_library_is_run_with_its_arguments(run):
    (run.plugin.cwd / "x.json").write_text('{"a":1}')
    assert run(line="epython -m json.tool --compact x.json") == '{"a":1}\n'
    assert run(line="epython -m nothing").startswith("epython: -m: <nothing> is no module")
    assert run(line="epython -m").startswith("usage: epython ")


def test_versions_name_the_build_and_python(run):
    text = run(line="epython -v")
    assert "mpykdump test build" in text and sys.version in text and "mpykdump.so" in text


def test_epythons_options_end_at_the_program(run):
    assert run("import sys\nprint(sys.argv)", "epython prog -h -p x") == \
        "['./prog.py', '-h', '-p', 'x']\n"


def test_the_debug_level_can_be_set_both_ways_and_is_reset(run):
    source = "from pykdump import API\nprint(API.API_options.debug, API.debug)"
    assert run(source, "epython -d 3 prog") == "3 3\n"
    assert run(source, "epython prog --debug=2") == "2 2\n"
    assert run(source, "epython --debug 1 prog") == "1 1\n"
    assert run(source) == "0 0\n"
    assert run(None, "epython -d x prog") == \
        "epython: --debug: 'x' is not a whole number (program not run)\n"
    assert run(None, "epython -d") == "epython: --debug: a value is missing (program not run)\n"


def test_global_options_are_removed_and_kept_in_oldargv(run):
    assert run("import sys\nprint(sys.argv, getattr(sys, '__oldargv'))",
               "epython --timeout 5 prog a --reload --summ") == \
        "['./prog.py', 'a', '--summ'] " \
        "['./prog.py', '--timeout', '5', 'a', '--reload', '--summ']\n"


def test_a_bad_option_is_one_line_and_changes_nothing(run):
    assert run("print('ran')", "epython prog --maxel=5 --timeout=abc") == \
        "epython: --timeout: 'abc' is not a whole number of seconds greater than 0 " \
        "(program not run)\n"
    assert status(run) == 2 and options.API_options.Maxel == 10000


def test_an_unknown_pid_is_one_line_each_time(run, monkeypatch):
    monkeypatch.setattr(options, "resolve_usens", {1: "nsproxy"}.get)
    for _ in range(2):
        assert run("print('ran')", "epython prog --usens 99999") == \
            "epython: There is no PID=99999 (program not run)\n"
    assert run("from pykdump import API\nprint(API.get_nsproxy())", "epython prog --usens=1") \
        == " *=*=* Using namespaces of PID 1  *=*=*\nnsproxy\n"
    assert run("from pykdump import API\nprint(API.get_nsproxy())") == "None\n"


def test_programs_run_in_one_main_that_keeps_their_names(run):
    run("import argparse\nx = 1\nprint(__name__)")
    assert run("print(x, argparse.__name__, __name__)") == "1 argparse __main__\n"


def test_each_program_has_its_own_file_and_docstring(run):
    run.plugin.members["progs/inside.py"] = "'''Inside.'''\nprint(__file__, __doc__)"
    run.plugin.write_archive()
    assert run("print(__file__, __doc__)") == "./prog.py None\n"
    assert run(None, "epython inside") == f"{run.plugin.so_path}/progs/inside.py Inside.\n"
    assert run("print(__file__, __doc__)") == "./prog.py None\n"
    assert "__file__" not in vars(sys.modules["__main__"])


def test_temporary_caches_and_the_log_are_empty_at_the_start(run):
    source = ("from pykdump.API import *\nprint(DCache.tmp.x, DCache.perm.x)\n"
              "DCache.tmp.x = DCache.perm.x = 1\npylog.warning_onexit('w')")
    assert run(source).startswith("None None\n")
    text = run(source)
    assert text.startswith("None 1\n") and text.count("    w\n") == 1
    assert "A Summary" not in run("")


def test_the_summary_of_problems_is_before_the_line_about_time(run):
    run("from pykdump.API import pylog\npylog.warning('w')")
    text = run.plugin.type("epython prog")
    assert text.startswith("+++WARNING+++ w\n\n****")
    assert "    w\n" + "-" * 78 + "\n\n ** Execution took" in text


@pytest.mark.parametrize("ending, text, code", [
    ("sys.exit()", "", 0), ("sys.exit(0)", "", 0), ("sys.exit(-1)", "", -1),
    ("sys.exit(2)", " -- sys.exit(2) --\n", 2),
    ("raise SystemExit(3)", " -- sys.exit(3) --\n", 3),
    ("raise SystemExit", "", 0), ("sys.exit('no such task')", "no such task\n", 1),
    ("sys.exit(True)", " -- sys.exit(1) --\n", 1), ("sys.exit((1, 2))", "(1, 2)\n", 1)])
def test_a_program_may_exit_in_any_form(run, ending, text, code):
    assert run(f"import sys\n{ending}") == text
    assert status(run) == code


def test_a_traceback_shows_the_program_and_nothing_of_ours(run):
    text = run("def f():\n    return 1 / 0\nf()")
    lines = [line for line in text.splitlines() if "^" not in line and "~" not in line]
    assert lines == ["Traceback (most recent call last):",
                     '  File "./prog.py", line 3, in <module>',
                     "    f()", '  File "./prog.py", line 2, in f', "    return 1 / 0",
                     "ZeroDivisionError: division by zero"]
    assert status(run) == 1 and isinstance(sys.last_value, ZeroDivisionError)


def test_a_traceback_shows_the_source_of_an_archive_program(run):
    run.plugin.members["progs/inside.py"] = "x = 0\n1 / x  # in the archive\n"
    run.plugin.write_archive()
    assert "1 / x  # in the archive" in run(None, "epython inside")


def test_a_syntax_error_shows_its_place_only(run):
    text = run("x = (\n")
    assert text.splitlines()[0] == '  File "./prog.py", line 1'
    assert "SyntaxError" in text and "Traceback" not in text


@pytest.mark.parametrize("source, last", [
    ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("def f():\n    f()\nf()", "RecursionError: maximum recursion depth exceeded"),
    ("raise MemoryError", "MemoryError"), ("raise GeneratorExit", "GeneratorExit"),
    ("class E(BaseException):\n    pass\nraise E('odd')", "E: odd"),
    ("class E(Exception):\n    def __str__(self):\n        1/0\nraise E",
     "exception str() failed>")])
def test_whatever_is_raised_crash_gets_its_prompt_back(run, source, last):
    assert run(source).splitlines()[-1].endswith(last)
    assert run("print('next')") == "next\n"


def test_ctrl_c_is_one_line(run):
    assert run("raise KeyboardInterrupt") == "KeyboardInterrupt\n"


def test_an_error_of_the_framework_itself_does_not_reach_crash(run, monkeypatch, capfd):
    monkeypatch.setattr(session, "_run_line", lambda argv: 1 / 0)
    assert run.plugin.type("epython prog") == ""
    assert capfd.readouterr().err == "epython: ZeroDivisionError: division by zero\n"


def test_warnings_come_after_the_header_of_a_file(run, host):
    (run.plugin.cwd / "pyctl").write_text("a saved report\n")
    host.kind = "file"
    lines = run(None, "epython pyctl --ls debugReload").splitlines()
    assert lines[3] == "epython: warning: ./pyctl is passed over: it is not Python"
    assert lines[4] == " -- Listing registered options --"


def test_a_nested_program_has_its_own_names_and_leaves_the_outer_ones(run):
    run.plugin.members["progs/inner.py"] = (
        "import sys\nx = 'inner'\nfrom pykdump.API import API_options, pylog\n"
        "print(sys.argv, API_options.timeout)\npylog.warning('w')\nsys.exit(4)")
    run.plugin.write_archive()
    text = run("""if 1:
        import sys
        from pykdump import session
        from pykdump.API import API_options
        x = "outer"
        print(session.run_nested(["inner", "-v", "--timeout=5"]))
        print(x, sys.argv, API_options.timeout, __file__)""", "epython prog --timeout=9")
    assert text.startswith("['inner', '-v'] 5\n+++WARNING+++ w\n -- sys.exit(4) --\n4\n"
                           "outer ['./prog.py'] 9 ./prog.py\n")
    assert text.count("A Summary Of Problems") == 1


def test_a_nested_command_line_that_cannot_be_run_is_told(run):
    assert run("from pykdump import session\nprint(session.run_nested(['nothere']))") \
        .startswith(" Cannot find the program <nothere>\n")
    assert run("from pykdump import session\n"
               "print(session.run_nested(['epython', 'x', '--timeout=x']))").endswith("\n2\n")


def test_ctrl_c_in_a_nested_program_ends_the_whole_command(run):
    run.plugin.members["progs/inner.py"] = "raise KeyboardInterrupt"
    run.plugin.write_archive()
    assert run("from pykdump import session\nsession.run_nested(['inner'])\nprint('not here')") \
        == "KeyboardInterrupt\n"


def test_results_of_functions_in_main_do_not_outlive_their_program(run):
    source = ("from pykdump.API import *\n@memoize_cond(CU_LOAD)\ndef f():\n    return {}\n"
              "print(f(), f())")
    assert run(source.format(1)) == "1 1\n"
    assert run(source.format(2)) == "2 2\n"


def test_registered_programs_are_commands_of_their_own(run):
    run.plugin.members["progs/taskinfo.py"] = "import sys\nprint(sys.argv)"
    run.plugin.write_archive()
    assert run(None, "taskinfo --summ --reload x") == "['taskinfo', '--summ', 'x']\n"


def test_unloading_gives_back_what_was_taken(plugin):
    finders = list(sys.meta_path)
    plugin.start()
    assert sys.meta_path != finders
    session.stop()
    assert sys.meta_path == finders


def test_an_exit_status_never_depends_on_what_was_logged_before(run):
    pylog.error("left over")
    assert "left over" not in run("")
    assert status(run) == 0 and execution.report(SystemExit(0)) == 0


def test_a_program_that_breaks_the_machinery_of_imports_breaks_it_for_itself_only(run):
    run("import sys; sys.meta_path.clear(); sys.path_hooks = []; sys.path.clear()")
    assert "No module named 'not_there'" in run("import not_there")
    assert run("import wave; print('found')").startswith("found\n")
