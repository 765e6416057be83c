"""Allocated objects of slab caches, whole and damaged."""

import pytest

from tests.engine.structures import DIRECT, FRAMES, MARKS, VMEMMAP, Slabs, add_types, done, word
from tests.engine.world import PAGE, World, crash, host_image, pykdump

ALL = range(Slabs.PER_SLAB)


@pytest.fixture
def slabs(world: World) -> Slabs:
    add_types(world)
    world.load()
    return Slabs(world)


def test_a_cache_without_slabs(slabs):
    assert slabs.walk() == ([], ("whole", 0, 0, ""))


def test_full_partial_and_empty_slabs(slabs):
    slabs.slab(16, [])
    slabs.slab(20, [3, 0, 7])
    slabs.slab(30, list(reversed(ALL)))
    found, report = slabs.walk()
    assert report[0] == "whole"
    assert found == [slabs.object(16, i) for i in ALL] + [
        slabs.object(20, i) for i in ALL if i not in (3, 0, 7)]


def test_what_a_cpu_keeps_is_free(slabs):
    slabs.slab(16, [1])
    slabs.cpu(0, [slabs.object(16, 5), slabs.object(16, 2)])
    slabs.cpu(1, [slabs.object(16, 9)])
    assert slabs.walk()[0] == [slabs.object(16, i) for i in ALL if i not in (1, 2, 5, 9)]


def test_by_name_as_objects_as_column_and_with_a_limit(slabs):
    slabs.slab(16, [])
    objects = [slabs.object(16, i) for i in ALL]
    assert pykdump.walk_slab("thing", "struct item")[0][2].isNamed("struct item")
    assert pykdump.walk_slab("thing", as_column=True)[0].tolist() == objects
    found, report = slabs.walk(limit=3)
    assert found == objects[:3] and report[:2] == ("limit", objects[3])
    with pytest.raises(KeyError):
        pykdump.walk_slab("nothing")


def test_other_pages_and_other_caches_are_not_seen(slabs):
    slabs.slab(16, [])
    slabs.slab(17, [])
    slabs.slab(18, [])
    word(VMEMMAP + 17 * 64, 1)
    word(VMEMMAP + 18 * 64 + 24, slabs.cache + 8)
    done()
    assert slabs.walk()[0] == [slabs.object(16, i) for i in ALL]


@pytest.mark.parametrize("kernel", MARKS)
def test_slab_pages_as_kernels_mark_them(world, kernel):
    add_types(world, kernel)
    world.load()
    slabs = Slabs(world, kernel)
    for frame in (16, 17):
        slabs.slab(frame, [0])
    word(VMEMMAP + 17 * 64 + slabs.mark, slabs.other_mark)
    done()
    assert slabs.walk() == ([slabs.object(16, i) for i in ALL[1:]], ("whole", 0, 0, ""))


def test_padding_before_objects(slabs):
    slabs.cache_field(88, 64)
    slabs.cache_field(52, 15)
    slabs.cache_field(56, 15)
    slabs.slab(16, [], objects=15)
    word(VMEMMAP + 16 * 64 + 32, slabs.chain([slabs.object(16, 4) + 64]))
    done()
    assert slabs.walk()[0] == [slabs.object(16, i) + 64 for i in range(15) if i != 4]


@pytest.mark.parametrize("free", [[3, 5, 3], [3, 3], [1, 2, 3, 4, 5, 1]])
def test_a_free_list_in_a_circle(slabs, free):
    slabs.slab(16, [])
    slabs.slab(18, [2])
    chain = [slabs.object(16, i) for i in free]
    slabs.chain(chain[:-1])
    slabs.link(chain[-2], chain[-1])
    word(VMEMMAP + 16 * 64 + 32, chain[0])
    done()
    found, report = slabs.walk()
    assert report[0] == "partial" and report[2] == 1 and "circle" in report[3]
    assert len(found) == 2 * Slabs.PER_SLAB - 1 - len(set(free))


@pytest.mark.parametrize("first", [1, DIRECT + 17 * PAGE, DIRECT + 16 * PAGE + 8, 0xdead << 48])
def test_a_free_list_that_leads_out_of_its_slab(slabs, first):
    slabs.slab(16, [])
    word(VMEMMAP + 16 * 64 + 32, first)
    done()
    found, report = slabs.walk()
    assert len(found) == Slabs.PER_SLAB and report[0] == "partial" and "out of it" in report[3]


@pytest.mark.parametrize("objects", [0, 17, 0x7fff])
def test_absurd_numbers_of_objects(slabs, objects):
    slabs.slab(16, [], objects=objects)
    slabs.slab(17, [])
    found, report = slabs.walk()
    assert found == [slabs.object(17, i) for i in ALL] and report[:3] == (
        "partial", DIRECT + 16 * PAGE, 1)


@pytest.mark.parametrize("offset, value", [(24, 0), (24, 7), (40, 250), (88, 256), (24, 1 << 31)])
def test_what_is_no_cache(slabs, offset, value):
    slabs.slab(16, [])
    slabs.cache_field(offset, value)
    slabs.cache_field(52, 0 if offset == 24 and value > 255 else Slabs.PER_SLAB)
    slabs.cache_field(56, 0 if offset == 24 and value > 255 else Slabs.PER_SLAB)
    done()
    found, report = slabs.walk()
    assert found == [] and report[0] == "error"


def test_a_cpu_list_in_a_circle_and_into_nowhere(slabs):
    slabs.slab(16, [])
    slabs.cpu(0, [slabs.object(16, 1), slabs.object(16, 2)])
    slabs.link(slabs.object(16, 2), slabs.object(16, 1))
    slabs.cpu(1, [slabs.object(16, 3)])
    slabs.link(slabs.object(16, 3), 0xdead << 48)
    done()
    found, report = slabs.walk()
    assert report[0] == "partial"
    assert found == [slabs.object(16, i) for i in ALL if i not in (1, 2, 3)]


def test_holes_in_the_memory_map_are_none_of_ours(slabs):
    slabs.slab(16, [])
    word(crash.sym2addr("max_pfn"), FRAMES + 100000)
    done()
    assert len(slabs.walk()[0]) == Slabs.PER_SLAB


def test_an_absurd_size_of_memory(slabs):
    word(crash.sym2addr("max_pfn"), 1 << 50)
    done()
    found, report = slabs.walk()
    assert found == [] and report[0] == "error"


def test_what_was_found_is_forgotten_with_memory(slabs):
    slabs.slab(16, [])
    assert len(slabs.walk()[0]) == Slabs.PER_SLAB
    host_image.write(VMEMMAP + 16 * 64, bytes(8))
    assert len(slabs.walk()[0]) == Slabs.PER_SLAB
    done()
    assert slabs.walk()[0] == []


# ---- sums, free objects, contradictions ----------------------------------------------------------

def test_free_objects_are_those_that_are_not_allocated(slabs):
    slabs.slab(16, [3, 0, 7])
    slabs.slab(17, [])
    slabs.cpu(0, [slabs.object(17, 5)])
    assert slabs.walk(free=True)[0] == [slabs.object(16, 0), slabs.object(16, 3),
                                        slabs.object(16, 7), slabs.object(17, 5)]


def test_what_slabs_of_a_cache_add_up_to(slabs):
    slabs.slab(16, [3, 0, 7])
    slabs.slab(17, [])
    assert pykdump.slab_sums() == ([slabs.cache], [2], [2 * Slabs.PER_SLAB],
                                   [2 * Slabs.PER_SLAB - 3], ("whole", 0, 0, ""))


COUNTS, OUTSIDE, CIRCLE, LENGTH, CPU = range(5)


def check(slabs, limit=100):
    """Problems, one tuple each, and how the check ended."""
    *problems, report = pykdump.slab_check(slabs.cache, limit)
    return list(zip(*problems)), report[0]


def test_sound_slabs_have_no_problems(slabs):
    slabs.slab(16, [3, 0, 7])
    slabs.slab(17, [])
    slabs.cpu(0, [slabs.object(17, 5)])
    assert check(slabs) == ([], "whole")


def test_a_bad_link_a_circle_and_a_wrong_count_are_told_with_their_places(slabs):
    for frame in (16, 17, 18):
        slabs.slab(frame, [1, 2, 3])
    slabs.link(slabs.object(16, 2), 0xdead << 48)
    slabs.link(slabs.object(17, 3), slabs.object(17, 1))
    slabs.link(slabs.object(18, 2), 0)
    done()
    assert check(slabs) == ([
        (OUTSIDE, DIRECT + 16 * PAGE, slabs.object(16, 2), 0xdead << 48),
        (CIRCLE, DIRECT + 17 * PAGE, slabs.object(17, 3), slabs.object(17, 1)),
        (LENGTH, DIRECT + 18 * PAGE, 0, 2)], "whole")


@pytest.mark.parametrize("objects", [0, 17, 0x7fff])
def test_absurd_counts_are_a_problem(slabs, objects):
    slabs.slab(16, [], objects=objects)
    assert [problem[0] for problem in check(slabs)[0]] == [COUNTS]


def test_the_list_of_a_cpu_that_leads_out_or_goes_round_is_a_problem(slabs):
    slabs.slab(16, [])
    slabs.cpu(0, [slabs.object(16, 1), slabs.object(16, 2)])
    slabs.link(slabs.object(16, 2), slabs.object(16, 1))
    slabs.cpu(1, [slabs.object(16, 3)])
    slabs.link(slabs.object(16, 3), slabs.object(30, 0))
    done()
    problems, _end = check(slabs)
    assert [problem[0] for problem in problems] == [CPU, CPU]
    assert problems[1][2:] == (slabs.object(16, 3), slabs.object(30, 0))


def test_a_check_may_be_cut(slabs):
    slabs.slab(16, [1])
    slabs.slab(17, [1])
    assert check(slabs, limit=1) == ([], "limit")


def test_what_is_no_cache_cannot_be_checked(slabs):
    slabs.cache_field(24, 0)
    assert check(slabs) == ([], "error")
