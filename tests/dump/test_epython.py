"""epython itself: its options, how programs are found, what they see and how they end."""

import re

import pytest

from tests.dump.harness import untimed

USAGE = "usage: epython [-h] [-v] [-p] [-d N] [-m] [--ehelp] program [arguments]\n"


def search_path(session):
    """What epython -p shows, as a list."""
    version, compiler, entries = session.run("epython -p").splitlines()
    assert re.match(r"3\.\d+\.\d+ \(", version) and compiler.startswith("[GCC ")
    return re.findall(r"'([^']*)'", entries)


@pytest.fixture(scope="module")
def path_crash(starting, tmp_path_factory):
    """A session with a PYKDUMPPATH of three entries: a folder, one below ~, one that is absent."""
    base = tmp_path_factory.mktemp("pykdumppath")
    home = base / "home"
    for folder in (base / "first", home / "second"):
        folder.mkdir(parents=True)
    session = starting(HOME=str(home), PYKDUMPPATH=f"{base}/first:~/second:{base}/absent")
    session.user_dirs = [base / "first", home / "second", base / "absent"]
    yield session
    session.close()


@pytest.fixture
def in_path(path_crash, tmp_path):
    path_crash.mark()
    path_crash.cd(tmp_path)
    return path_crash


def test_the_search_path_is_as_documented(crash, plugin):
    entries = search_path(crash)
    assert entries[:2] == [".", f"{plugin}/pylib"]
    at = entries.index(str(plugin))
    assert entries[at + 1] == f"{plugin}/dist-packages"
    assert all(entry.startswith("/usr/lib/python3") for entry in entries[2:at] + entries[at + 2:])
    assert crash.epython("import sys\nprint(sys.path)") == f"{['.', *entries]}\n"


def test_entries_of_pykdumppath_come_after_the_standard_library_and_before_the_plugin(
        in_path, plugin):
    entries = search_path(in_path)
    at = entries.index(str(plugin))
    assert entries[:2] == [".", f"{plugin}/pylib"]
    assert entries[at - 3:at] == [str(folder) for folder in in_path.user_dirs]
    assert all(entry.startswith("/usr/lib/python3") for entry in entries[2:at - 3])


def test_a_program_changes_sys_path_for_itself_only(crash):
    before = search_path(crash)
    crash.epython("import sys\nsys.path.insert(0, '/nowhere')\nsys.path.append('/nowhere')")
    assert search_path(crash) == before
    crash.epython("import sys\nsys.path = None")
    assert search_path(crash) == before


def test_the_search_path_can_be_read_through_a_pipe(crash):
    assert crash.run("epython -p | cat") == crash.run("epython -p")


def test_versions_name_the_build_the_python_and_the_file(crash, plugin):
    text = crash.run("epython -v")
    assert re.search(r"\b0\.\d+\.\d+-[0-9a-f]{12}\n", text)
    assert "\nPython 3." in text and f"\n{plugin}\n" in text


@pytest.mark.parametrize("line", ["epython", "epython -h", "epython --help"])
def test_the_usage_is_shown(crash, line):
    assert crash.run(line).startswith(USAGE)


def test_ehelp_lists_all_common_options(crash):
    text = crash.run("epython --ehelp")
    for option in ("--experimental", "--debug", "--timeout", "--maxel", "--usens", "--reload",
                   "--dumpcache", "--ofile"):
        assert option in text


def test_an_unknown_option_is_told_with_the_usage(crash):
    assert untimed(crash.run("epython -x prog")) == f"epython: unknown option -x\n{USAGE}"


def test_a_missing_program_is_told_with_the_places_searched(in_path, plugin):
    first, second, absent = in_path.user_dirs
    assert untimed(in_path.run("epython nothere")) == (
        f" Cannot find the program <nothere>\n"
        f"  looked in ., {first}, {second}, {absent}, {plugin}/progs\n")


@pytest.mark.parametrize("name", ["/tmp", "folder", "./folder"])
def test_a_directory_is_not_a_program(crash, name):
    (crash.cwd / "folder").mkdir()
    text = untimed(crash.run(f"epython {name}"))
    assert "is a directory, not a program" in text and text.count("\n") == 1


def test_the_current_directory_is_searched_first_then_pykdumppath_then_the_plugin(in_path):
    first, second, _absent = in_path.user_dirs
    (second / "pyctl.py").write_text("print('second')")
    assert untimed(in_path.run("epython pyctl")) == "second\n"
    (first / "pyctl.py").write_text("print('first')")
    assert untimed(in_path.run("epython pyctl")) == "first\n"
    in_path.program("print('here')", "pyctl.py")
    assert untimed(in_path.run("epython pyctl")) == "here\n"
    in_path.program("print('no suffix')", "pyctl")
    assert untimed(in_path.run("epython pyctl")) == "no suffix\n"
    for folder in (first, second):
        (folder / "pyctl.py").unlink()
    in_path.cd("/")
    assert "Listing registered options" in in_path.run("epython pyctl")


@pytest.mark.parametrize("typed, seen", [
    ("prog", "./prog.py"), ("prog.py", "./prog.py"), ("./prog", "./prog.py"),
    ("inner/deep", "inner/deep.py"), ("{cwd}/prog.py", "{cwd}/prog.py"),
    ("{cwd}/prog", "{cwd}/prog.py"), ("link", "./link.py"), ("{first}/linked", None)])
def test_a_program_sees_the_name_under_which_it_was_found(in_path, typed, seen):
    text = "import sys\nprint(sys.argv[0], __file__, __name__)"
    in_path.program(text)
    in_path.program(text, "inner/deep.py")
    (in_path.cwd / "link.py").symlink_to("prog.py")
    linked = in_path.user_dirs[0] / "linked.py"
    linked.unlink(missing_ok=True)
    linked.symlink_to(in_path.cwd / "prog.py")
    names = {"cwd": in_path.cwd, "first": in_path.user_dirs[0]}
    expected = seen.format(**names) if seen else str(linked)
    assert untimed(in_path.run(f"epython {typed.format(**names)} argument")) \
        == f"{expected} {expected} __main__\n"


def test_modules_beside_a_program_are_importable_from_its_first_run_on(in_path):
    folder = in_path.user_dirs[0]
    (folder / "companion_of_first.py").write_text("text = 'a neighbour'")
    (folder / "needy.py").write_text("import companion_of_first\nprint(companion_of_first.text)")
    assert untimed(in_path.run("epython needy")) == "a neighbour\n"
    assert untimed(in_path.run(f"epython {folder}/needy.py")) == "a neighbour\n"


def test_arguments_reach_the_program_as_crash_parsed_them(crash):
    assert crash.epython("import sys\nprint(sys.argv[1:])",
                         "-v --summ \"two words\" (a b) -- x") \
        == "['-v', '--summ', 'two words', '(a b)', '--', 'x']\n"


def test_names_in_main_persist_from_program_to_program(crash):
    crash.epython("import argparse\ncount = 41\ndef double(x):\n    return 2 * x")
    assert crash.epython("count += 1\nprint(count, double(count), argparse.__name__)") \
        == "42 84 argparse\n"


def test_modules_are_imported_once_in_a_session(crash):
    crash.program("print('imported')", "once_only_module.py")
    assert crash.epython("import once_only_module") == "imported\n"
    assert crash.epython("import once_only_module") == ""
    # Or a reload in another test of this session would load it again.
    crash.epython("import sys; del sys.modules['once_only_module']")


def test_an_edited_program_takes_effect_at_once(crash):
    for number in range(5):
        assert crash.epython(f"print({number})") == f"{number}\n"


@pytest.mark.parametrize("ending, text", [
    ("sys.exit()", ""), ("sys.exit(0)", ""), ("sys.exit(-1)", ""),
    ("sys.exit(2)", " -- sys.exit(2) --\n"), ("raise SystemExit(3)", " -- sys.exit(3) --\n"),
    ("raise SystemExit", ""), ("sys.exit('no such task')", "no such task\n"),
    ("exit_ = __import__('builtins').SystemExit\nraise exit_('text')", "text\n")])
def test_every_form_of_exit_comes_back_to_the_prompt(crash, ending, text):
    assert crash.epython(f"import sys\nprint('begun')\n{ending}\nprint('not here')") \
        == f"begun\n{text}"


def test_a_traceback_shows_the_program_only(crash):
    text = crash.epython("def f():\n    return 1 / 0\nprint('begun')\nf()")
    lines = [line for line in text.splitlines() if set(line) - set(" ^~")]
    assert lines == ["begun", "Traceback (most recent call last):",
                     '  File "./prog.py", line 4, in <module>', "    f()",
                     '  File "./prog.py", line 2, in f', "    return 1 / 0",
                     "ZeroDivisionError: division by zero"]


def test_a_syntax_error_is_told_with_its_place(crash):
    text = crash.epython("x = (\n")
    assert text.startswith('  File "./prog.py", line 1\n') and "SyntaxError" in text


def test_a_saved_report_named_like_a_program_is_passed_over_with_a_warning(crash):
    crash.program("WARNING: a report, not Python\n  ** 1 **\n", "pyctl")
    text = untimed(crash.run("epython pyctl --ls debugReload"))
    warning, _, listing = text.partition("\n")
    assert warning == "epython: warning: ./pyctl is passed over: it is not Python"
    assert "<debugReload=" in listing


def test_a_report_can_be_saved_under_the_name_of_its_program(crash):
    assert crash.run("epython pyctl --ls > pyctl") == ""
    assert "Listing registered options" in (crash.cwd / "pyctl").read_text()
    assert "Listing registered options" in crash.run("epython pyctl --ls")


def test_files_for_the_old_start_hook_are_not_executed(starting, tmp_path):
    for name in ("PyKdumpInit.py", "sitecustomize.py", "usercustomize.py", "commands.py"):
        (tmp_path / name).write_text("open('executed', 'w')\nprint('EXECUTED')")
    session = starting(cwd=tmp_path)
    try:
        assert session.epython("print('on')") == "on\n"
        assert not (tmp_path / "executed").exists()
    finally:
        session.close()


@pytest.mark.parametrize("name", ["re.py", "json/__init__.py", "pykdump/__init__.py", "crash.py"])
def test_a_file_that_would_shadow_a_known_module_is_named_and_ignored(crash, name):
    crash.program("print('EXECUTED')\nraise SystemExit", name)
    shown = name.removesuffix("/__init__.py")
    program = f"import {shown.removesuffix('.py')} as known\nprint(known.__name__)"
    first = crash.epython(program)
    assert first.startswith(f"epython: warning: ./{shown} is ignored: ")
    assert first.count("warning") == 1 and "EXECUTED" not in first
    assert crash.epython(program) == first.split("\n", 1)[1]


def test_modules_that_are_not_imported_yet_cannot_be_shadowed_either(crash):
    crash.program("print('EXECUTED')", "wave.py")
    text = crash.epython("import wave\nprint(wave.__file__)")
    assert "EXECUTED" not in text and "./wave.py is ignored" in text
    assert re.search(r"^/usr/lib/python3.*/wave\.py$", text, re.MULTILINE)


def test_in_pykdumppath_known_modules_are_safe_too(in_path):
    folder = in_path.user_dirs[1]
    (folder / "colorsys.py").write_text("print('EXECUTED')")
    text = in_path.epython("import colorsys\nprint(colorsys.__file__)")
    assert f"epython: warning: {folder}/colorsys.py is ignored: " in text
    assert "EXECUTED" not in text


def test_the_time_is_told_after_every_program(crash):
    crash.program("import os\nif not os.fork():\n    sum(range(10**6))\n    os._exit(0)\nos.wait()")
    assert ", Child processes: " in crash.run("epython prog")
    assert untimed(crash.run("epython pyctl -h")).startswith("usage: pyctl.py ")
