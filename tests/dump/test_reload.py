"""--reload: what is loaded again, in which order, and what stays."""

import pytest

from tests.dump.harness import untimed


@pytest.fixture(scope="module")
def reload_crash(starting, tmp_path_factory):
    """A session of these tests' own, with a PYKDUMPPATH for their modules."""
    folder = tmp_path_factory.mktemp("modules")
    session = starting(PYKDUMPPATH=str(folder))
    session.modules = folder
    yield session
    session.close()


@pytest.fixture
def session(reload_crash, tmp_path):
    """Each test starts with no user modules loaded."""
    reload_crash.mark()
    reload_crash.cd(tmp_path)
    yield reload_crash
    for path in reload_crash.modules.rglob("*.py"):
        path.unlink()
    reload_crash.epython(
        "import sys\nfor name in [name for name, module in sys.modules.items() if "
        f"str(getattr(module, '__file__', '')).startswith('{reload_crash.modules}/')]:\n"
        "    del sys.modules[name]")
    reload_crash.run("epython pyctl --clear")


def write(session, **sources):
    """Write modules; an underscore at the end stands for a package of that name, and one
    in the middle for a module in it."""
    for name, text in sources.items():
        package, underscore, module = name.partition("_")
        path = session.modules / package
        if underscore:
            path.mkdir(exist_ok=True)
            path /= module or "__init__"
        path = path.with_suffix(".py")
        path.write_text(text)


def test_an_edited_module_takes_effect_only_with_reload(session):
    write(session, tool="value = 1")
    program = "import tool\nprint(tool.value)"
    assert session.epython(program) == "1\n"
    write(session, tool="value = 2")
    assert session.epython(program) == "1\n"
    assert session.epython(program, "--reload") == "2\n"
    assert session.epython(program) == "2\n"


def test_an_edit_of_the_same_size_within_a_second_takes_effect(session):
    for number in range(5):
        write(session, tool=f"value = {number}")
        assert session.epython("import tool\nprint(tool.value)", "--reload") == f"{number}\n"


def test_what_is_reloaded_is_told_as_documented(session):
    write(session, package_="", package_inner="value = 1", single="import package.inner")
    session.epython("import single")
    assert untimed(session.run("epython pyctl --set debugReload=2")) \
        == "Set: ['debugReload=2']\n"
    base = session.modules
    assert session.epython("print('run')", "--reload") == (
        f"package {base}/package/__init__.py\n--reloading package\n"
        f"package.inner {base}/package/inner.py\n--reloading package.inner\n"
        f"single {base}/single.py\n--reloading single\nrun\n")
    session.run("epython pyctl --set debugReload=1")
    assert session.epython("print('run')", "--reload") == (
        "--reloading package\n--reloading package.inner\n--reloading single\nrun\n")
    session.run("epython pyctl --set debugReload=0")
    assert session.epython("print('run')", "--reload") == "run\n"


def test_modules_are_reloaded_after_those_they_import(session):
    write(session, basis="value = 1", upper="from basis import value")
    program = "import upper\nprint(upper.value)"
    assert session.epython(program) == "1\n"
    write(session, basis="value = 2")
    assert session.epython(program, "--reload") == "2\n"


def test_submodules_of_a_package_follow(session):
    write(session, parts_="from parts.one import value", parts_one="value = 1",
          parts_two="from .one import value")
    program = "import parts, parts.two\nprint(parts.value, parts.two.value)"
    assert session.epython(program) == "1 1\n"
    write(session, parts_one="value = 2")
    assert session.epython(program, "--reload") == "2 2\n"


@pytest.mark.parametrize("text, error", [
    ("value = (\n", "SyntaxError"), ("value = 2\n1 / 0", "ZeroDivisionError"),
    ("value = 2\nraise SystemExit(4)", "SystemExit"), (None, "FileNotFoundError")])
def test_a_broken_module_is_reported_and_the_old_one_stays(session, text, error):
    write(session, broken="value = 1", whole="value = 1")
    program = "import broken, whole\nprint(broken.value, whole.value)"
    assert session.epython(program) == "1 1\n"
    write(session, whole="value = 2")
    if text is None:
        (session.modules / "broken.py").unlink()
    else:
        write(session, broken=text)
    printed = session.epython(program, "--reload").splitlines()
    assert printed[0] == "--reload: broken stays as it was"
    assert str(session.modules / "broken.py") in printed[1] and error in printed[1]
    assert printed[2:] == ["1 2"]


def test_ctrl_c_while_a_module_is_reloaded_keeps_the_old_one(session):
    write(session, slow="value = 1")
    program = "import slow\nprint(slow.value)"
    assert session.epython(program) == "1\n"
    write(session, slow="value = 2\nprint('busy', flush=True)\nwhile True: pass")
    session.start("epython prog --reload")
    session.until("busy")
    session.interrupt()
    assert untimed(session.finish()).endswith("KeyboardInterrupt\n")
    assert session.epython(program) == "1\n"


def test_the_framework_and_the_standard_library_are_never_reloaded(session):
    program = ("import json, importlib, pykdump.API, pykdump.session, _pykdump, crash\n"
               "mark = getattr(pykdump.API, 'mark', 0), getattr(json, 'mark', 0)\n"
               "pykdump.API.mark = json.mark = 1\nprint(*mark)")
    assert session.epython(program) == "0 0\n"
    session.run("epython pyctl --set debugReload=2")
    assert session.epython(program, "--reload") == "1 1\n"


def test_remembered_results_of_reloaded_code_are_forgotten(session):
    write(session, remember="from pykdump.API import *\n@memoize_cond(CU_PYMOD)\n"
          "def answer():\n    return 1")
    program = "import remember\nprint(remember.answer())"
    assert session.epython(program) == "1\n"
    path = session.modules / "remember.py"
    path.write_text(path.read_text().replace("return 1", "return 2"))
    assert session.epython(program, "--reload") == "2\n"


def test_a_module_beside_the_program_is_reloaded(session):
    session.program("value = 1", "beside.py")
    program = "import beside\nprint(beside.value)"
    assert session.epython(program) == "1\n"
    session.program("value = 2", "beside.py")
    assert session.epython(program, "--reload") == "2\n"


def test_odd_modules_do_not_disturb(session):
    session.epython("import sys, types\nodd = sys.modules['odd_module'] = types.ModuleType('x')\n"
                    "odd.__file__ = None\nsys.modules['odd_none'] = None\n"
                    "sys.modules['odd_int'] = 3")
    assert session.epython("print('on')", "--reload") == "on\n"
    session.epython("import sys\nfor name in ('module', 'none', 'int'):\n"
                    "    del sys.modules['odd_' + name]")
