"""Where modules come from, and what may not stand in for them."""

import os
import sys

import pytest


def write(directory, **modules):
    for name, text in modules.items():
        (directory / f"{name}.py").write_text(text)


def test_the_search_path_has_the_documented_order(plugin):
    plugin.start("~:/nothere::/x")
    expected = [".", plugin.so_path + "/pylib", os.path.dirname(os.__file__),
                os.path.expanduser("~"), "/nothere", "/x", plugin.so_path,
                plugin.so_path + "/dist-packages"]
    positions = [sys.path.index(entry) for entry in expected]
    assert positions == sorted(positions) and positions[0] == 0 and positions[1] == 1


def test_a_pykdumppath_of_any_length_is_taken_whole(plugin):
    folders = [f"/folder/of/people/{number}" for number in range(5000)]
    plugin.start(":".join(folders))
    first = sys.path.index(folders[0])
    assert sys.path[first:first + 5000] == folders


def test_without_pykdumppath_nothing_is_between(plugin):
    plugin.start("")
    assert sys.path[:2] == [".", plugin.so_path + "/pylib"]
    position = sys.path.index(plugin.so_path)
    assert sys.path[position - 1].endswith("lib-dynload")
    assert sys.path[position + 1] == plugin.so_path + "/dist-packages"


def test_epython_p_prints_versions_and_the_path_as_in_the_documentation(plugin):
    plugin.start()
    lines = plugin.type("epython -p").splitlines()
    assert lines[0].startswith("3.") and lines[0].endswith(")")
    assert lines[1].startswith("[")
    assert lines[2] == str(sys.path) and len(lines) == 3


def test_a_program_finds_modules_beside_it_before_anything_else(plugin):
    plugin.start()
    write(plugin.user, prog="import sys, beside; print(sys.path[0], beside.x)", beside="x = 1")
    assert plugin.body("epython prog") == f"{plugin.user} 1\n"
    assert sys.path[0] == "." and str(plugin.user) not in sys.path[:1]


def test_what_a_program_does_to_the_path_is_undone(plugin):
    plugin.start()
    before = list(sys.path)
    write(plugin.cwd, prog="import sys; sys.path.insert(0, '/x'); sys.path = ['/y']")
    plugin.type("epython prog")
    assert sys.path == before


def test_a_module_in_the_current_directory_is_found_after_a_cd(plugin, monkeypatch):
    plugin.start()
    for name in ("one", "two"):
        (plugin.cwd / name).mkdir()
        write(plugin.cwd / name, prog=f"import mod_{name}; print('ok')", **{f"mod_{name}": ""})
        monkeypatch.chdir(plugin.cwd / name)
        assert plugin.body("epython prog") == "ok\n"


def test_a_module_that_appears_between_two_commands_is_found(plugin):
    plugin.start()
    write(plugin.cwd, prog="import appears; print('ok')")
    assert "ModuleNotFoundError" in plugin.body("epython prog")
    write(plugin.cwd, appears="")
    assert plugin.body("epython prog") == "ok\n"


@pytest.fixture
def unloaded(monkeypatch):
    """A module of the standard library that is imported anew."""
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    return "colorsys"


@pytest.mark.parametrize("place", ["cwd", "user"])
def test_the_standard_library_cannot_be_replaced(plugin, unloaded, place):
    plugin.start()
    write(getattr(plugin, place), colorsys="raise SystemExit('executed')")
    write(plugin.cwd, prog="import colorsys; print('lib' in colorsys.__file__)")
    shown = "." if place == "cwd" else str(plugin.user)
    warning = (f"epython: warning: {shown}/colorsys.py is ignored: "
               "'colorsys' is a module of the standard library\n")
    assert plugin.body("epython prog") == warning + "True\n"
    assert plugin.body("epython prog") == "True\n"         # warned once a session


def test_a_program_may_have_the_name_of_a_library_module(plugin, unloaded):
    plugin.start()
    write(plugin.cwd, colorsys="import colorsys; print('lib' in colorsys.__file__)")
    assert plugin.body("epython colorsys") == "True\n"


def test_a_library_module_that_python_lacks_is_not_taken_from_elsewhere(plugin):
    plugin.start()
    write(plugin.cwd, winreg="", prog="""if 1:
        import importlib.util
        print(importlib.util.find_spec("winreg"))
        import winreg""")
    output = plugin.body("epython prog")
    assert "None\n" in output and "ModuleNotFoundError: No module named 'winreg'" in output


def test_packages_and_compiled_modules_are_guarded_but_look_alikes_are_not(plugin):
    plugin.start()
    for name in ("json", "email"):
        (plugin.cwd / name).mkdir()
    write(plugin.cwd / "json", __init__="")                # email has no __init__.py
    (plugin.cwd / "re.backup.py").touch()
    (plugin.cwd / "csv.txt").touch()
    (plugin.cwd / "ast.pyc").touch()
    write(plugin.cwd, prog="", pykdump="")
    assert plugin.body("epython prog").splitlines() == [
        "epython: warning: ./ast.pyc is ignored: 'ast' is a module of the standard library",
        "epython: warning: ./json is ignored: 'json' is a module of the standard library",
        "epython: warning: ./pykdump.py is ignored: 'pykdump' is a module of the framework"]


@pytest.fixture
def linuxdump(plugin, monkeypatch):
    """LinuxDump in the archive and wherever a test puts it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "LinuxDump"]:
        monkeypatch.delitem(sys.modules, name)
    plugin.members["LinuxDump/__init__.py"] = "place = 'archive'"
    plugin.members["progs/which.py"] = "import LinuxDump; print(LinuxDump.place)"

    def put(directory):
        (directory / "LinuxDump").mkdir()
        write(directory / "LinuxDump", __init__=f"place = '{directory.name}'")
    plugin.start()
    yield put
    sys.modules.pop("LinuxDump", None)


def test_linuxdump_comes_from_the_archive(plugin, linuxdump):
    assert plugin.body("epython which") == "archive\n"


def test_linuxdump_may_come_from_pykdumppath(plugin, linuxdump):
    linuxdump(plugin.user)
    assert plugin.body("epython which") == "user\n"


def test_linuxdump_in_a_dump_directory_is_not_executed(plugin, linuxdump):
    linuxdump(plugin.cwd)
    output = plugin.body("epython which")
    assert output.startswith("epython: warning: ./LinuxDump is ignored: ")
    assert output.endswith("\narchive\n")


def test_linuxdump_beside_a_program_belongs_to_it(plugin, linuxdump):
    linuxdump(plugin.cwd)
    write(plugin.cwd, mine="import LinuxDump; print(LinuxDump.place)")
    assert plugin.body("epython mine") == "cwd\n"
