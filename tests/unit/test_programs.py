"""From the name that was typed to the program."""

import os

import pytest

from pykdump import programs


@pytest.fixture
def find(plugin):
    plugin.members["progs/taskinfo.py"] = "print('archive')\n"
    plugin.start()

    def find(name, registered=False):
        program, find.warnings = programs.find(name, registered)
        return program
    return find


def write(path, text="print('file')\n"):
    path.write_text(text)
    return path


def test_the_current_directory_is_before_pykdumppath_and_that_before_the_archive(find, plugin):
    assert find("taskinfo").kind == "archive"
    file = write(plugin.user / "taskinfo.py")
    assert find("taskinfo").argv0 == str(file)
    write(plugin.cwd / "taskinfo.py")
    assert find("taskinfo").argv0 == "./taskinfo.py"


def test_the_name_as_typed_is_before_the_name_with_py(find, plugin):
    write(plugin.cwd / "x.py")
    assert find("x").argv0 == "./x.py"
    assert find("x.py").argv0 == "./x.py"
    write(plugin.cwd / "x")
    assert find("x").argv0 == "./x"


def test_a_program_of_the_archive_has_its_bare_name(find):
    assert find("taskinfo").argv0 == "taskinfo"
    assert find("taskinfo.py").argv0 == "taskinfo"
    assert find("taskinfo").path.endswith("mpykdump.so/progs/taskinfo.py")


def test_a_path_is_taken_as_it_is_and_not_looked_for_elsewhere(find, plugin):
    file = write(plugin.user / "y.py")
    assert find(str(file)).argv0 == str(file)
    assert find(str(file)[:-3]).argv0 == str(file)
    assert find("../user/y").argv0 == "../user/y.py"
    with pytest.raises(programs.ProgramError):
        find("./taskinfo")


def test_the_home_directory_is_expanded(find, plugin, monkeypatch):
    monkeypatch.setenv("HOME", str(plugin.user))
    write(plugin.user / "y.py")
    assert find("~/y").argv0 == str(plugin.user / "y.py")


def test_links_are_not_resolved(find, plugin):
    write(plugin.user / "pid_pwd.py")
    os.symlink(plugin.user / "pid_pwd.py", plugin.cwd / "task_pwd.py")
    assert find("task_pwd").argv0 == "./task_pwd.py"


def test_a_registered_command_is_not_looked_for_in_the_current_directory(find, plugin):
    write(plugin.cwd / "taskinfo.py")
    assert find("taskinfo", registered=True).kind == "archive"
    file = write(plugin.user / "taskinfo.py")
    assert find("taskinfo", registered=True).argv0 == str(file)


@pytest.mark.parametrize("report, reason", [
    ("  *** taskinfo on vmcore ***\n", "it is not Python"), ("\x00\x7fELF", "it is not Python"),
    ("", "it is empty")])
def test_a_saved_report_is_passed_over_with_a_warning(find, plugin, report, reason):
    write(plugin.cwd / "taskinfo", report)
    assert find("taskinfo").kind == "archive"
    assert find.warnings == [f"epython: warning: ./taskinfo is passed over: {reason}"]


def test_a_file_too_large_for_a_program_is_passed_over_unread(find, plugin):
    with open(plugin.cwd / "taskinfo", "wb") as dump:
        dump.truncate(1 << 40)
    assert find("taskinfo").kind == "archive"
    assert "too large" in find.warnings[0]


def test_a_faulty_file_is_the_answer_when_there_is_no_other(find, plugin):
    write(plugin.cwd / "report", "no python\n")
    with pytest.raises(SyntaxError):
        find("report").code()
    assert not find.warnings


def test_a_directory_is_passed_over_and_named_when_nothing_else_fits(find, plugin):
    (plugin.cwd / "taskinfo").mkdir()
    assert find("taskinfo").kind == "archive"
    with pytest.raises(programs.ProgramError, match="/tmp is a directory, not a program"):
        find("/tmp")


def test_a_name_without_a_program_tells_where_it_was_looked_for(find, plugin):
    with pytest.raises(programs.ProgramError) as caught:
        find("nothere")
    assert str(caught.value).splitlines() == [
        " Cannot find the program <nothere>",
        f"  looked in ., {plugin.user}, {plugin.so_path}/progs"]


@pytest.mark.parametrize("name", ["", ".", "..", "a\x00b", "x.y", "/", "./"])
def test_odd_names_are_errors_like_others(find, name):
    with pytest.raises(programs.ProgramError):
        find(name)


def test_code_is_compiled_once_until_the_file_changes(find, plugin):
    file = write(plugin.cwd / "x.py", "a = 1\n")
    first = find("x").code()
    assert find("x").code() is first
    write(file, "a = 2\n")                  # within the same second, of the same size
    assert find("x").code() is not first


def test_a_replaced_archive_is_read_again(find, plugin):
    first = find("taskinfo").code()
    assert find("taskinfo").code() is first
    plugin.members["progs/aaa.py"] = "# moves the others\n"
    plugin.members["progs/taskinfo.py"] = "print('a new one')\n"
    plugin.write_archive()
    assert "a new one" in find("taskinfo").code().co_consts


def test_compiled_programs_of_the_archive_are_preferred(plugin):
    import importlib._bootstrap_external as external
    code = compile("print('compiled')", "progs/z.py", "exec")
    plugin.members["progs/z.pyc"] = external._code_to_timestamp_pyc(code)
    plugin.start()
    assert "compiled" in programs.find("z", False)[0].code().co_consts


@pytest.mark.parametrize("name, ending", [
    ("calendar", "/calendar.py"), ("json.tool", "/json/tool.py"),
    ("unittest", "/unittest/__main__.py")])
def test_a_module_of_the_library_is_a_program(plugin, name, ending):
    plugin.start()
    program = programs.find_module(name)
    assert (program.argv0, program.kind, program.directory) == (name, "module", None)
    assert program.code() and program.path.endswith(ending)


@pytest.mark.parametrize("name", ["", "nothing", "json", "sys", "json.nothing", "re.x", "a/b",
                                  "calendar.py", ".json"])
def test_what_is_no_module_of_the_library_is_told(plugin, name):
    plugin.start()
    write(plugin.cwd / "nothing.py")
    with pytest.raises(programs.ProgramError, match=f"<{name}> is no module"):
        programs.find_module(name)


def test_only_programs_that_the_archive_holds_become_commands(plugin):
    plugin.members["progs/commands.py"] = \
        "COMMANDS = (('one', 's', 'y', 'h'), ('two', 's', 'y', 'h'))"
    plugin.members["progs/two.py"] = ""
    assert plugin.start() == [("two", "s", "y", "h")]
