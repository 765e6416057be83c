"""How errors of programs are shown: short, long, with the variables; and values on one line."""

import sys
from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

from pykdump import preview

DEEP = """def inner(count):
    values = list(range(count))
    return values[count]
def outer():
    word = "text"
    return inner(3)
outer()
"""


@pytest.fixture
def run(plugin):
    """Run a program text with options of epython."""
    plugin.start()

    def run(source, options=""):
        if source is not None:
            (plugin.cwd / "prog.py").write_text(source)
        text = plugin.body(f"epython {options} prog")
        run.status = plugin.status
        return text
    run.plugin = plugin
    yield run
    plugin.body("epython pyctl --clear")


def without_marks(text):
    return [line for line in text.splitlines() if not set(line.strip()) <= set("^~")]


def test_short_is_a_line_for_each_frame(run):
    assert run(DEEP, "--tb=short") == ("./prog.py:7 in <module>: outer()\n"
                                       "./prog.py:6 in outer: return inner(3)\n"
                                       "./prog.py:3 in inner: return values[count]\n"
                                       "IndexError: list index out of range\n")
    assert run.status == 1


def test_long_is_what_python_shows(run):
    assert run(DEEP, "--tb=long") == run(DEEP)
    assert run(DEEP).startswith("Traceback (most recent call last):\n  File \"./prog.py\", line 7")


def test_locals_has_the_variables_of_each_frame(run):
    assert without_marks(run(DEEP, "--tb=locals")) == [
        "Traceback (most recent call last):",
        '  File "./prog.py", line 7, in <module>', "    outer()",
        '  File "./prog.py", line 6, in outer', "    return inner(3)", "    word = 'text'",
        '  File "./prog.py", line 3, in inner', "    return values[count]",
        "    count = 3", "    values = [0, 1, 2]", "IndexError: list index out of range"]


def test_of_a_programs_own_frame_only_what_its_code_names_is_shown(run):
    run("left = 'by another program'")
    text = run("from pykdump.API import *\nmine = 5\ndef f(): pass\nclass C: pass\n1 / (mine - 5)",
               "--tb=locals")
    assert [line for line in text.splitlines() if " = " in line] == ["    mine = 5"]


@pytest.mark.parametrize("style, cause, context", [
    ("short", "  which caused:", "  and while this was handled:"),
    ("long", "The above exception was the direct cause", "During handling of the above"),
    ("locals", "The above exception was the direct cause", "During handling of the above")])
def test_what_led_to_an_error_is_shown_first(run, style, cause, context):
    source = "try:\n    {}['k']\nexcept KeyError as err:\n    raise ValueError('v'){}"
    for tail, joint in ((" from err", cause), ("", context)):
        lines = run(source.replace("{}", "{}", 1)[:-2] + tail, f"--tb={style}").splitlines()
        first, second, third = (next(i for i, line in enumerate(lines) if line.startswith(text))
                                for text in ("KeyError", joint, "ValueError"))
        assert first < second < third
    assert "KeyError" not in run(source[:-2] + " from None", f"--tb={style}")


def test_a_long_chain_of_errors_and_a_circle_end(run):
    source = ("err = None\nfor i in range(50):\n    try:\n        try:\n            raise err or "
              "OSError('first')\n        finally:\n            raise ValueError(i)\n"
              "    except ValueError as new:\n        err = new\nraise err")
    text = run(source, "--tb=short")
    assert "  ... 41 earlier errors\n" in text and text.endswith("ValueError: 49\n")
    source = "a, b = ValueError('a'), ValueError('b')\na.__cause__, b.__cause__ = b, a\nraise a"
    for style in ("short", "long", "locals"):
        assert run(source, f"--tb={style}").endswith("ValueError: a\n")


def test_recursion_is_folded(run):
    source = "def f(n):\n    return f(n + 1)\nf(0)"
    for style in ("short", "locals"):
        lines = run(source, f"--tb={style}").splitlines()
        assert lines[-1].startswith("RecursionError: ") and len(lines) < 25
    assert "  ... " in run(source, "--tb=short")


def test_a_syntax_error_is_one_line_when_it_is_to_be_short(run):
    assert run("x = (\n", "--tb=short") == "./prog.py:1: SyntaxError: '(' was never closed\n"


def test_a_group_shows_its_errors(run):
    source = "raise ExceptionGroup('two', [ValueError('a'), KeyError('b')])"
    assert run(source, "--tb=short").splitlines()[1:] == [
        "ExceptionGroup: two (2 sub-exceptions)", "  ValueError: a", "  KeyError: 'b'"]
    assert "KeyError: 'b'" in run(source, "--tb=locals")


def test_the_style_of_the_session_holds_until_it_is_cleared(run):
    assert "Set: " in run.plugin.body("epython pyctl --set tracebackStyle=short")
    assert run("1/0") == "./prog.py:1 in <module>: 1/0\nZeroDivisionError: division by zero\n"
    assert "Traceback" in run("1/0", "--tb=long")
    assert "<tracebackStyle=short>   in pykdump.errors" in run.plugin.body("epython pyctl --ls")
    run.plugin.body("epython pyctl --clear tracebackStyle")
    assert "Traceback" in run("1/0")
    assert "tracebackStyle" not in run.plugin.body("epython pyctl --ls")


@pytest.mark.parametrize("option, line", [
    ("--tb=loud", "epython: --tb: 'loud' is none of short, long, locals (program not run)\n"),
    ("--tb", "epython: --tb: a value is missing (program not run)\n"),
    ("--tb=", "epython: --tb: a value is missing (program not run)\n")])
def test_an_unknown_style_is_one_line_and_the_program_does_not_run(run, option, line):
    assert run("print('ran')", option) == line and run.status == 2


def test_an_unknown_style_of_the_session_is_one_line(run):
    assert run.plugin.body("epython pyctl --set tracebackStyle=loud").splitlines()[0] == \
        "pyctl: tracebackStyle: 'loud' is none of short, long, locals"


def test_a_nested_program_has_the_sessions_style(run):
    (run.plugin.cwd / "inner.py").write_text("1/0")
    text = run("import crash\ncrash.exec_epython_command('inner')\n[][0]", "--tb=short")
    assert "Traceback" in text and text.endswith("IndexError: list index out of range\n")
    assert "./prog.py:3 in <module>: [][0]\n" in text


def test_variables_that_cannot_be_shown_do_not_hide_the_error(run):
    source = ("class Bad:\n    def __repr__(self):\n        raise SystemExit('no')\n"
              "bad = Bad()\nlong = 'x' * 10**6\nmany = list(range(10**6))\n"
              "huge = 1 << 10**6\nbad, long, many, huge, 1/0")
    lines = [line for line in run(source, "--tb=locals").splitlines() if " = " in line]
    assert [line.split()[0] for line in lines] == ["bad", "huge", "long", "many"]
    assert "its repr fails: SystemExit>" in lines[0]
    assert all(len(line) < 130 for line in lines)


def test_a_frame_with_very_many_variables_is_cut(run):
    source = "def f():\n" + "".join(f"    v{i} = {i}\n" for i in range(100)) + "    1/0\nf()"
    text = run(source, "--tb=locals")
    assert text.count(" = ") == 26 and "    ... = 75 more\n" in text


# -- values --

Point = namedtuple("Point", "x y")


class Named(dict):
    pass


@pytest.mark.parametrize("value, text", [
    (5, "5"), (-5, "-5"), (None, "None"), (1.5, "1.5"), ("a\nb", "'a\\nb'"), (b"ab", "b'ab'"),
    ("x" * 1000, f"'{'x' * 70}'..."), (b"x" * 1000, f"b'{'x' * 70}'..."),
    ([1, "a"], "[1, 'a']"), (list(range(9)), "[0, 1, 2, 3, 4, ... 4 more]"), ([], "[]"),
    ((1,), "(1)"), ({1: 2}, "{1: 2}"), ({3}, "{3}"), (frozenset([3]), "frozenset{3}"),
    (deque([1]), "deque[1]"), ([[[[1]]]], "[[[...]]]"), ([[[]]], "[[[]]]"),
    (Named(a=1), "Named{'a': 1}"), (Point(1, 2), "Point(1, 2)"),
    (OrderedDict(a=1), "OrderedDict{'a': 1}"), (defaultdict(int, a=1), "defaultdict{'a': 1}"),
    (1 << 5000, "<int of 5001 bits>"), (ValueError("v"), "ValueError('v')")])
def test_a_value_is_shown_on_one_line(value, text):
    assert preview.of(value) == text


def test_an_object_without_a_repr_of_its_own_is_shown_by_type_and_address():
    thing = Thing()
    assert preview.of(thing) == f"<Thing at 0x{id(thing):x}>"


class Thing:
    pass


@pytest.mark.parametrize("body", ["raise ValueError", "return 5", "return 'x' * 10**6",
                                  "return 'a\\nb'", "sys.exit()", "return repr(self)"])
def test_whatever_a_repr_does_the_line_is_one_and_bounded(body):
    namespace = {"sys": sys}
    exec(f"class Odd:\n    def __repr__(self):\n        {body}", namespace)
    text = preview.of(namespace["Odd"]())
    assert "\n" not in text and len(text) < 120


def test_ctrl_c_while_values_are_shown_ends_it():
    class Slow:
        def __repr__(self):
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        preview.of(Slow())
