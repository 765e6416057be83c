"""Searching memory: words and bytes, across pages, around what cannot be read."""

import re
import struct

import pytest

from tests.engine.world import DATA_BASE, DATA_SIZE, PAGE, World, crash, host_image, pykdump

END = DATA_BASE + DATA_SIZE
WORD = 0x1122334455667788
FULL = (1 << 64) - 1


@pytest.fixture
def memory(world: World) -> World:
    world.load()
    pykdump.purge_caches("memory")
    return world


def words(value=WORD, mask=FULL, size=8, limit=100, start=DATA_BASE, end=END, progress=None):
    return pykdump.search_words(start, end, value, mask, size, limit, progress)


def put(address: int, data: bytes) -> int:
    host_image.write(address, data)
    pykdump.purge_caches("memory")
    return address


def test_aligned_words_are_found_in_the_order_of_their_addresses(memory):
    places = [put(DATA_BASE + offset, struct.pack("<Q", WORD))
              for offset in (8 * PAGE + 8, 3 * PAGE, 16)]
    put(DATA_BASE + 5 * PAGE + 3, struct.pack("<Q", WORD))      # not aligned
    assert words() == (sorted(places), True, DATA_SIZE // PAGE, 0, 0)


@pytest.mark.parametrize("size", [2, 4, 8])
def test_words_of_each_size_are_compared_under_a_mask(memory, size):
    value = 0xA5 << (size * 8 - 8)
    place = put(DATA_BASE + PAGE + size, (value | 0x11).to_bytes(size, "little"))
    assert words(value, 0xFF << (size * 8 - 8), size)[0] == [place]
    assert words(value, (1 << size * 8) - 1, size)[0] == []


def test_bytes_are_found_at_any_address_and_across_pages(memory):
    places = [put(DATA_BASE + offset, b"needle!")
              for offset in (1, 2 * PAGE - 3, 4 * PAGE - 7, END - DATA_BASE - 7)]
    found = pykdump.search_bytes(DATA_BASE, END, b"needle!", 100)
    assert found == (places, True, DATA_SIZE // PAGE, 0, 0)


def test_matches_outside_of_the_range_do_not_count(memory):
    put(DATA_BASE + 100, b"needle!")
    assert pykdump.search_bytes(DATA_BASE + 101, END, b"needle!", 100)[0] == []
    assert pykdump.search_bytes(DATA_BASE, DATA_BASE + 100, b"needle!", 100)[0] == []
    assert pykdump.search_bytes(DATA_BASE, DATA_BASE + 101, b"needle!", 100)[0] == [DATA_BASE + 100]


def test_a_limit_ends_a_search_and_is_told(memory):
    put(DATA_BASE + PAGE, struct.pack("<Q", WORD) * 5)
    assert words(limit=3)[:2] == ([DATA_BASE + PAGE + 8 * i for i in range(3)], False)
    assert words(limit=5)[1] is True


def test_pages_that_cannot_be_read_are_skipped_and_counted(memory):
    hole = 4 * PAGE
    place = put(DATA_BASE + PAGE, b"needle!")
    found = pykdump.search_bytes(DATA_BASE - hole, END + hole, b"needle!", 100)
    assert found == ([place], True, DATA_SIZE // PAGE, 0, 2 * hole // PAGE)


def test_progress_is_told_and_may_end_a_search(memory):
    seen = []
    words(end=DATA_BASE + 5000 * PAGE, progress=seen.append)
    assert len(seen) >= 4 and seen == sorted(seen)

    def stop(_address):
        raise ValueError("enough")
    with pytest.raises(ValueError, match="enough"):
        words(end=DATA_BASE + 5000 * PAGE, progress=stop)


@pytest.mark.parametrize("needle", [b"", bytes(4097)])
def test_a_needle_has_1_to_4096_bytes(memory, needle):
    with pytest.raises(ValueError, match="1 to 4096 bytes"):
        pykdump.search_bytes(DATA_BASE, END, needle, 1)


def test_words_have_2_4_or_8_bytes(memory):
    with pytest.raises(ValueError, match="2, 4 or 8 bytes"):
        words(size=3)


def test_the_end_of_memory_ends_a_search_and_a_run(memory):
    assert words(start=FULL - 2 * PAGE, end=FULL)[:3] == ([], True, 0)
    assert pykdump.readable_run(FULL - 2 * PAGE, FULL, 4)[1] == b""


def test_runs_of_pages_leave_out_what_cannot_be_read(memory):
    address, text, excluded, skipped = pykdump.readable_run(DATA_BASE - 3 * PAGE, END + PAGE, 1000)
    assert (address, len(text), excluded, skipped) == (DATA_BASE, DATA_SIZE, 0, 3)
    assert re.search(rb"\0", text)
    with pytest.raises(crash.error):
        crash.readmem(DATA_BASE - 8, 8)
