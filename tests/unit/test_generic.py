"""DCache and the small helpers of Generic."""

import pytest

from pykdump import Generic
from pykdump.Generic import Bunch, DCache, TrueOnce, dbits2str, print2columns


@pytest.fixture(autouse=True)
def empty_caches():
    yield
    DCache.tmp.clear()
    DCache.perm.clear()


def test_a_cache_gives_items_and_attributes_and_none_for_a_missing_attribute():
    DCache.tmp.x = 1
    DCache.tmp["y"] = 2
    assert (DCache.tmp["x"], DCache.tmp.y, DCache.tmp.z) == (1, 2, None)
    with pytest.raises(KeyError):
        DCache.tmp["z"]
    assert "z" not in DCache.tmp


def test_the_use_of_the_cache_can_be_watched(monkeypatch, capsys):
    monkeypatch.setattr(Generic, "debugDCache", 1)
    DCache.perm.x = 1
    assert DCache.perm.x == 1
    assert DCache.perm.nothere is None
    DCache.perm.clear()
    assert capsys.readouterr().out.splitlines() == [
        "DCache.perm: set x", "DCache.perm: get x", "DCache.perm: miss nothere",
        "DCache.perm: clear 1 entries"]
    monkeypatch.setattr(Generic, "debugDCache", 2)
    DCache.perm.x = [1]
    assert capsys.readouterr().out == "DCache.perm: set x = [1]\n"


def test_a_bunch_is_a_dictionary_with_attributes():
    bunch = Bunch({"b": 2})
    bunch.a = 1
    assert bunch["a"] == 1 and bunch.b == 2
    assert str(bunch) == "a 1\nb 2"
    del bunch.a
    with pytest.raises(AttributeError):
        bunch.a


def test_true_once_is_true_as_often_as_asked():
    once, twice = TrueOnce(), TrueOnce(2)
    assert [bool(once) for _ in range(3)] == [True, False, False]
    assert [bool(twice) for _ in range(3)] == [True, True, False]


def test_flags_are_named_by_their_single_bits():
    names = {"MS_RDONLY": 1, "MS_SYNC": 16, "MS_ALL": 17, "MS_NONE": 0}
    assert dbits2str(17, names) == "MS_RDONLY|MS_SYNC"
    assert dbits2str(16, names, 3) == "SYNC"
    assert dbits2str(0, names) == ""


def test_two_texts_are_printed_side_by_side(capsys):
    print2columns("ab\nc", ["1", "2", "3"])
    assert capsys.readouterr().out == "ab  1\nc   2\n    3\n"
