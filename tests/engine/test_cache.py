"""The cache of pages, seen through reads and its own counts."""

import pytest

from tests.engine.world import DATA_BASE, DATA_SIZE, PAGE, World, crash, host_image, pykdump

pytestmark = pytest.mark.usefixtures("world")


def reads_of(action) -> int:
    before = host_image.read_count()
    action()
    return host_image.read_count() - before


def test_a_page_is_read_once(world: World):
    assert reads_of(lambda: crash.readmem(DATA_BASE + 100, 8)) == 1
    assert reads_of(lambda: crash.readmem(DATA_BASE + 3000, 1000)) == 0
    assert reads_of(lambda: crash.readmem(DATA_BASE + PAGE, 1)) == 1


def test_what_was_read_stays_until_it_is_purged(world: World):
    crash.readmem(DATA_BASE, 1)
    host_image.write(DATA_BASE, b"new")
    assert crash.readmem(DATA_BASE, 3) == bytes(3)
    pykdump.purge_caches("memory")
    assert crash.readmem(DATA_BASE, 3) == b"new"


def test_a_read_over_page_boundaries_is_put_together(world: World):
    data = bytes(i % 251 for i in range(3 * PAGE))
    world.write(DATA_BASE, data)
    for start, size in ((PAGE - 1, 2), (PAGE - 5, PAGE + 10), (0, 3 * PAGE), (7, 2 * PAGE)):
        assert crash.readmem(DATA_BASE + start, size) == data[start:start + size]


def test_the_last_page_may_be_incomplete(world: World):
    host_image.add_region(0x5000, b"0123456789")
    assert crash.readmem(0x5002, 8) == b"23456789"
    with pytest.raises(crash.error):
        crash.readmem(0x5002, 9)
    assert crash.readmem(0x5000, 10) == b"0123456789"


def test_an_unreadable_page_in_the_middle_fails_the_whole(world: World):
    host_image.add_region(0x10000, b"a" * PAGE)
    host_image.add_region(0x12000, b"c" * PAGE)
    with pytest.raises(crash.error, match="0x11000"):
        crash.readmem(0x10ff0, 2 * PAGE)
    assert crash.readmem(0x10ff0, 16) == b"a" * 16
    assert crash.readmem(0x12000, 16) == b"c" * 16


def test_a_page_that_failed_is_asked_for_again(world: World):
    with pytest.raises(crash.error):
        crash.readmem(0x10000, 4)
    host_image.add_region(0x10000, b"a" * PAGE)
    assert crash.readmem(0x10000, 4) == b"aaaa"


def test_a_failed_page_does_not_leave_the_one_that_it_replaced(world: World):
    pykdump.cache_set_pages(1)
    host_image.add_region(0x10000, b"a" * PAGE)
    assert crash.readmem(0x10000, 4) == b"aaaa"
    with pytest.raises(crash.error):
        crash.readmem(0x20000, 4)
    assert crash.readmem(0x10000, 4) == b"aaaa"


@pytest.mark.parametrize("excluded, name", [(True, "ExcludedError"), (False, "AbsentError")])
def test_the_reason_of_a_failure_is_told_apart(world: World, excluded, name):
    host_image.add_hole(0x20000, PAGE, excluded)
    for address, expected in ((0x20010, name), (0x30010, "UnmappedError")):
        with pytest.raises(getattr(crash, expected)) as caught:
            crash.readmem(address, 8)
        assert caught.value.address == address
        assert isinstance(caught.value, crash.FaultError) and isinstance(caught.value, crash.error)


def test_memory_ends_where_addresses_do(world: World):
    top = (1 << 64) - PAGE
    host_image.add_region(top, b"z" * PAGE)
    assert crash.readmem(top + PAGE - 4, 4) == b"zzzz"
    assert crash.readmem(-4, 4) == b"zzzz"
    for size in (5, PAGE, 1 << 30):
        with pytest.raises(crash.error, match="beyond the end of memory"):
            crash.readmem(top + PAGE - 4, size)


def test_the_first_page_is_cached_as_any_other(world: World):
    host_image.add_region(0, b"0" * PAGE)
    for _ in range(2):
        assert crash.readInt(0, 1) == ord("0")
        assert crash.readInt(PAGE - 1, 1) == ord("0")
    assert pykdump.cache_statistics()["pages"] == 1


@pytest.mark.parametrize("pages, capacity", [(0, 0), (1, 1), (2, 2), (3, 4), (1000, 1024)])
def test_the_capacity_is_rounded_up(world: World, pages, capacity):
    crash.readmem(DATA_BASE, 1)
    pykdump.cache_set_pages(pages)
    assert pykdump.cache_statistics() == {"hits": 0, "misses": 0, "failed": 0, "pages": 0,
                                          "capacity": capacity}
    crash.readmem(DATA_BASE, DATA_SIZE)
    assert pykdump.cache_statistics()["pages"] == min(capacity, DATA_SIZE // PAGE)


def test_without_a_cache_each_read_goes_to_the_host(world: World):
    pykdump.cache_set_pages(0)
    for _ in range(3):
        assert reads_of(lambda: crash.readmem(DATA_BASE, 8)) == 1
    host_image.write(DATA_BASE, b"new")
    assert crash.readmem(DATA_BASE, 3) == b"new"


@pytest.mark.parametrize("pages, exception", [
    (-1, ValueError), ((1 << 22) + 1, crash.error), (1 << 62, crash.error),
    (1 << 70, ValueError), ("1", TypeError), (1.0, TypeError), (None, TypeError)])
def test_an_impossible_capacity_is_refused_and_changes_nothing(world: World, pages, exception):
    with pytest.raises(exception):
        pykdump.cache_set_pages(pages)
    assert pykdump.cache_statistics()["capacity"] == 256


@pytest.mark.parametrize("wrong", ["", "Memory", "all", 5, None, b"memory"])
def test_only_caches_that_exist_are_purged(world: World, wrong):
    with pytest.raises((ValueError, TypeError)):
        pykdump.purge_caches(wrong)


def test_reads_that_are_profiled_are_counted_by_the_function_that_reads(world: World):
    def reader():
        crash.readmem(DATA_BASE, 8)
        crash.readmem(DATA_BASE + PAGE, 8)
        crash.readmem(DATA_BASE + PAGE, 8)

    def another():
        with pytest.raises(crash.error):
            crash.readmem(0x10, 8)

    pykdump.purge_caches("memory")
    pykdump.profile_start()
    reader()
    another()
    rows = {code: (count, seconds) for code, count, seconds in pykdump.profile_stop()}
    assert rows[reader.__code__][0] == 2
    assert rows[another.__code__][0] == 2       # the page, then the piece
    assert all(seconds >= 0 for _count, seconds in rows.values())
    reader()
    pykdump.purge_caches("memory")
    assert pykdump.profile_stop() == []
