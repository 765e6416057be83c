"""Remembered results and when they are forgotten."""

import crash
import pytest

from pykdump import memocaches, options
from pykdump.memocaches import (CU_LIVE, CU_LOAD, CU_PYMOD, CU_TIMEOUT, PY_select,
                                PY_select_purge, memoize_cond, memoize_typeinfo,
                                purge_memoize_cache, purge_typeinfo)


@pytest.fixture(autouse=True)
def nothing_remembered():
    memocaches._is_live.cache_clear()
    yield
    purge_memoize_cache(15)
    memocaches._is_live.cache_clear()


def counting(flags):
    calls = []

    @memoize_cond(flags)
    def function(*args, **kwargs):
        calls.append((args, kwargs))
        return len(calls)

    function.calls = calls
    return function


def test_a_result_is_remembered_by_its_arguments():
    function = counting(CU_LOAD)
    assert [function(1), function(2), function(1)] == [1, 2, 1]


def test_keyword_arguments_reach_the_function_and_tell_results_apart():
    function = counting(CU_LOAD)
    assert [function(a=1), function(a=2), function(b=1, a=1), function(a=1, b=1)] == [1, 2, 3, 3]
    assert function.calls[0] == ((), {"a": 1})


def test_equal_arguments_of_different_types_are_different():
    function = counting(CU_LOAD)
    assert [function(1), function(True), function(a=1), function(a=1.0)] == [1, 2, 3, 4]


def test_the_cache_can_be_bypassed():
    function = counting(CU_LOAD)
    assert [function(), function(MEMOIZE=False), function()] == [1, 2, 1]


def test_unhashable_arguments_are_computed_each_time():
    function = counting(CU_LOAD)
    assert [function([1]), function([1])] == [1, 2]


def test_functions_of_one_name_in_different_places_do_not_mix():
    def make():
        @memoize_cond(CU_LOAD)
        def function():
            return "inner"
        return function

    @memoize_cond(CU_LOAD)
    def function():
        return "outer"
    assert (make()(), function()) == ("inner", "outer")


def test_an_exception_is_not_remembered():
    function = memoize_cond(CU_LOAD)(lambda x: 1 // x)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            function(0)


def test_only_what_depends_on_the_condition_is_purged():
    load, both = counting(CU_LOAD), counting(CU_LOAD | CU_PYMOD)
    load(), both()
    purge_memoize_cache(CU_PYMOD)
    assert (load(), both()) == (1, 2)


def test_live_data_is_remembered_on_a_dump_but_never_on_a_live_system(host):
    function = counting(CU_LIVE)
    assert (function(), function()) == (1, 1)
    host.live = True
    memocaches._is_live.cache_clear()
    assert (function(), function()) == (2, 3)


def test_more_time_makes_cut_results_worth_another_attempt():
    values = options.defaults()
    options.apply(values)
    function = counting(CU_TIMEOUT)
    function()
    options.apply(values)
    assert function() == 1
    values.timeout = 240
    options.apply(values)
    assert function() == 2


def test_results_of_modules_can_be_forgotten():
    function = counting(CU_LOAD)
    function()
    memocaches.forget_modules(["elsewhere"])
    assert function() == 1
    memocaches.forget_modules([__name__])
    assert function() == 2


def test_memoization_can_be_watched(monkeypatch, capsys):
    monkeypatch.setattr(memocaches, "debugMemoize", 1)
    function = counting(CU_PYMOD)
    function(1), function(1)
    purge_memoize_cache(CU_PYMOD)
    words = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert words == ["miss", "hit", "purge"]


def test_type_information_is_remembered_until_purged(host):
    calls = []

    @memoize_typeinfo
    def size(name, extra=0):
        calls.append(name)
        return len(calls)

    assert [size("a"), size("a"), size("b"), size("a", 1), size("a", extra=1)] == [1, 1, 2, 3, 4]
    purge_typeinfo("a")
    assert [size("a"), size("b")] == [5, 2]
    purge_typeinfo()
    assert size("b") == 6 and host.purged == ["types"]


def choose(scope_value):
    return PY_select("scope_value['new']", "scope_value['old']", "nothere")


def test_the_first_expression_that_can_be_evaluated_is_taken():
    PY_select_purge()
    assert choose({"old": 1}) == 1
    assert choose({"new": 2}) == 2


def test_a_place_goes_straight_to_what_it_has_chosen():
    PY_select_purge()
    assert choose({"old": 1}) == 1
    assert choose({"old": 1, "new": 2}) == 1
    PY_select_purge()
    assert choose({"old": 1, "new": 2}) == 2


def test_without_any_fitting_expression_the_last_error_is_raised():
    with pytest.raises(NameError):
        choose({})


def test_an_error_of_crash_means_the_expression_does_not_fit():
    def fails():
        raise crash.error("no such symbol")
    assert fails and PY_select("fails()", "5") == 5
