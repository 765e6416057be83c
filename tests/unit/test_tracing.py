"""Trace callbacks: the events of the framework, and how long a callback stays."""

import sys

import pytest

import pykdump
from pykdump import tracing

RECORD = """\
import pykdump
def callback(event, args):
    print(event, *args)
pykdump.settrace(callback)
"""


@pytest.fixture
def run(plugin):
    plugin.start()

    def run(source, line="epython prog"):
        (plugin.cwd / "prog.py").write_text(source)
        return plugin.body(line)
    run.plugin = plugin
    return run


@pytest.fixture
def seen(host):
    """All events of the framework."""
    events: list = []
    pykdump.settrace(lambda *event: events.append(event))
    yield events
    pykdump.settrace(None)


def test_settrace_returns_the_callback_before(host):
    assert pykdump.gettrace() is None
    assert pykdump.settrace(print) is None
    assert pykdump.gettrace() is print
    assert pykdump.settrace(None) is print


def test_a_program_is_told_from_its_start_to_its_end(run, seen):
    run("x = 1", "epython prog -v 5")
    assert [args for event, args in seen if event == "program"] == [
        ("start", "prog", ["-v", "5"]), ("end", "prog", None)]


def test_the_exception_that_ends_a_program_is_told(run, seen):
    run("1 / 0")
    (phase, name, error) = seen[-1][1]
    assert (phase, name) == ("end", "prog") and isinstance(error, ZeroDivisionError)


def test_imports_are_told_with_their_files(run, seen):
    (run.plugin.cwd / "mine.py").write_text("x = 1")
    run("import mine\nimport mine")
    assert [args for event, args in seen if event == "import" and args[0] == "mine"] == [
        ("mine", str(run.plugin.cwd / "mine.py"))]


def test_modules_of_the_framework_are_not_told(run, seen):
    sys.modules.pop("pykdump.scalars", None)
    run("import pykdump.scalars")
    assert "pykdump.scalars" not in [args[0] for event, args in seen if event == "import"]


def test_imports_are_not_watched_when_nobody_is_told(run, host):
    before = list(sys.meta_path)
    pykdump.settrace(print)
    assert len(sys.meta_path) == len(before) + 1
    pykdump.settrace(print)
    pykdump.settrace(None)
    assert sys.meta_path == before


def test_a_module_that_is_not_there_is_missing_all_the_same(run, seen):
    assert "No module named 'nothere'" in run("import nothere")
    assert "nothere" not in [args[0] for event, args in seen if event == "import"]


def test_reloaded_modules_are_told(run, seen):
    (run.plugin.cwd / "mine.py").write_text("x = 1")
    run("import mine")
    seen.clear()
    run("", "epython prog --reload")
    assert ("reload", ("mine", str(run.plugin.cwd / "mine.py"))) in seen


def test_a_module_stays_as_it_was_when_the_callback_objects(run, host):
    (run.plugin.cwd / "mine.py").write_text("x = 1")
    run("import mine")

    def callback(event, args):
        if event == "reload":
            raise ValueError("not this one")
    pykdump.settrace(callback)
    assert run("print('goes on')", "epython prog --reload") == f"""\
--reload: mine stays as it was
    {run.plugin.cwd}/mine.py: ValueError: not this one
goes on
"""


def test_a_program_does_not_run_when_the_callback_objects(run, host):
    def callback(event, args):
        raise ValueError("not today")
    pykdump.settrace(callback)
    text = run("print('it runs')")
    assert text.endswith("ValueError: not today\n") and "it runs" not in text


def test_an_import_fails_when_the_callback_objects(run):
    (run.plugin.cwd / "mine.py").write_text("print('it is loaded')")
    text = run("import pykdump\ndef callback(event, args):\n"
               "    if event == 'import' and args[0] == 'mine':\n        raise ValueError('no')\n"
               "pykdump.settrace(callback)\n"
               "try:\n    import mine\nexcept ValueError as err:\n    print('surfaced', err)")
    assert text == "surfaced no\n"


def test_a_callback_goes_with_the_program_that_has_set_it(run):
    assert run(RECORD) == "program end prog None\n"
    assert pykdump.gettrace() is None
    assert run("print('nobody listens')") == "nobody listens\n"


def test_a_callback_goes_when_its_program_fails(run):
    run(RECORD + "1 / 0")
    assert pykdump.gettrace() is None


def test_the_callback_of_a_program_hears_those_that_it_runs(run):
    (run.plugin.cwd / "inner.py").write_text("print('inside')")
    assert run(RECORD + "import crash\ncrash.exec_epython_command('inner', 'x')\n") == """\
program start inner ['x']
inside
program end inner None
program end prog None
"""


def test_a_program_that_is_run_by_another_takes_its_own_callback_away(run):
    (run.plugin.cwd / "inner.py").write_text("import pykdump\npykdump.settrace(lambda *_: None)")
    text = run(RECORD + "import crash\ncrash.exec_epython_command('inner')\n"
               "print(pykdump.gettrace() is callback)")
    assert "True\n" in text


def test_the_framework_hears_before_the_callback(host):
    order = []
    tracing.listen(lambda event, args: order.append("framework"))
    pykdump.settrace(lambda event, args: order.append("callback"))
    tracing.tell("program", ("start", "x", []))
    pykdump.settrace(None)
    tracing.listen(None)
    assert order == ["framework", "callback"]
