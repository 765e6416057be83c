"""The options that every program understands."""

import crash
import pytest

from pykdump import API, options
from pykdump.options import OptionError, parse


@pytest.fixture(autouse=True)
def defaults_again():
    yield
    options.apply(options.defaults())


def test_global_options_are_taken_from_anywhere_in_the_line():
    values, rest = parse("a --timeout 5 -v --maxel=7 -- --reload --debug 2 b".split())
    assert rest == ["a", "-v", "--", "b"]
    assert (values.timeout, values.Maxel, values.reload, values.debug) == (5, 7, True, 2)


@pytest.mark.parametrize("word", ["--time=5", "--summ", "--reloading", "-timeout", "--o=x"])
def test_only_the_exact_spelling_is_taken(word):
    assert parse([word]) == (options.defaults(), [word])


def test_without_options_the_defaults_hold():
    values, _ = parse([])
    assert (values.timeout, values.Maxel, values.usens, values.ofile) == (120, 10000, None, None)


@pytest.mark.parametrize("line, text", [
    ("--timeout=abc", "--timeout: 'abc' is not a whole number of seconds greater than 0"),
    ("--timeout 0", "--timeout: '0' is not a whole number of seconds greater than 0"),
    ("--timeout", "--timeout: a value is missing"),
    ("--maxel=", "--maxel: a value is missing"),
    ("--maxel -1", "--maxel: '-1' is not a whole number greater than 0"),
    ("--usens=-1", "--usens: '-1' is not a PID"),
    ("--timeout=99999999999", "--timeout: 99999999999 is more than 2147483647"),
    ("--ofile --summary", "--ofile: '--summary' is not a file name"),
    ("--reload=1", "--reload takes no value")])
def test_a_bad_value_is_one_clear_line(line, text):
    with pytest.raises(OptionError) as caught:
        parse(line.split())
    assert str(caught.value) == text


def test_values_reach_crash_the_api_and_subscribers(monkeypatch):
    monkeypatch.setattr(options, "_subscribers", dict(options._subscribers))
    seen = []
    options.on("maxel", seen.append)
    options.apply(parse("--timeout=7 --maxel=8 --debug=3".split())[0])
    assert (crash.default_timeout, seen, API.debug) == (7, [8], 3)
    assert (options.API_options.timeout, options.API_options.debug) == (7, 3)
    options.apply(parse([])[0])
    assert (crash.default_timeout, seen, API.debug) == (120, [8, 10000], 0)


def test_a_subscriber_sees_all_new_values(monkeypatch):
    monkeypatch.setattr(options, "_subscribers", {})
    seen = []
    options.on("debug", lambda _level: seen.append(options.API_options.timeout))
    options.apply(parse(["--debug=1", "--timeout=3"])[0])
    assert seen == [3]


def test_namespaces_are_found_by_who_knows_tasks(monkeypatch):
    monkeypatch.setattr(options, "resolve_usens", {1: "nsproxy of 1"}.get)
    assert options.nsproxy_of(1) == "nsproxy of 1"
    with pytest.raises(OptionError, match="There is no PID=99999"):
        options.nsproxy_of(99999)


def test_without_anybody_who_knows_tasks_usens_is_an_error(monkeypatch):
    monkeypatch.setattr(options, "_USENS_PROVIDER", "nobody.who.knows")
    monkeypatch.setattr(options, "resolve_usens", None)
    with pytest.raises(OptionError, match="--usens: nobody.who.knows is not available"):
        options.nsproxy_of(1)


def test_the_help_names_every_option():
    text = options.help_text()
    for flag in ("--experimental", "--debug N", "--timeout N", "--maxel N", "--usens PID",
                 "--reload", "--dumpcache", "--ofile FILE"):
        assert flag in text
