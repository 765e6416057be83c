"""Arrays: lists, single structs, and pointers where the length is unknown."""

import struct

import pytest

from tests.engine.btfwriter import VOID, at
from tests.engine.world import DATA_BASE, DATA_SIZE, World, crash, pykdump


def test_an_array_of_numbers_is_a_list(world: World):
    world.btf.struct("s", 16, at("x", world.btf.array(world.s16, 4), 2),
                     at("one", world.btf.array(world.s32, 1), 12))
    value = world.struct("struct s", struct.pack("<2x4h2xi", 1, -2, 3, -4, 5))
    assert value.x == [1, -2, 3, -4] and type(value.x) is list
    assert value.one == [5]


def test_an_array_of_truth_values_is_a_list_of_bool(world: World):
    world.btf.struct("s", 2, at("x", world.btf.array(world.bool, 2)))
    assert [*map(repr, world.struct("struct s", b"\0\2").x)] == ["False", "True"]


def test_an_array_of_enums_is_a_list_of_enums(world: World):
    color = world.btf.enum("color", {"RED": 0, "BLUE": 1})
    world.btf.struct("s", 8, at("x", world.btf.array(color, 2)))
    assert repr(world.struct("struct s", struct.pack("<II", 1, 0)).x) == "[BLUE, RED]"


def test_more_dimensions_are_lists_in_lists(world: World):
    world.btf.struct("s", 24, at("x", world.btf.array(world.u8, 2, 3, 4)))
    value = world.struct("struct s", bytes(range(24)))
    assert value.x == [[[*range(12 * i + 4 * j, 12 * i + 4 * j + 4)] for j in range(3)]
                       for i in range(2)]


def test_an_array_of_char_arrays_is_a_list_of_texts(world: World):
    world.btf.struct("s", 8, at("x", world.btf.array(world.char, 2, 4)))
    assert world.struct("struct s", b"ab\0\0cdef").x == ["ab", "cdef"]


def test_an_array_of_structs_is_a_list_and_one_of_one_is_the_struct(world: World):
    btf = world.btf
    item = btf.struct("item", 4, at("x", world.s32))
    btf.struct("s", 16, at("many", btf.array(item, 2)), at("one", btf.array(item, 1), 8),
               at("none", btf.array(item, 0), 12))
    value = world.struct("struct s", struct.pack("<4i", 1, 2, 3, 4))
    assert [entry.x for entry in value.many] == [1, 2] and type(value.many) is list
    assert value.one.x == 3
    assert value.none.x == 4 and value.none == int(value) + 12
    assert value.none[-1].x == 3


def test_an_array_of_unknown_length_is_a_pointer_to_its_first_element(world: World):
    btf = world.btf
    btf.struct("s", 8, at("n", world.u32), at("x", btf.array(world.s32, 0), 4),
               at("p", btf.array(btf.pointer(VOID), 0), 4), at("c", btf.array(world.char, 0), 4))
    value = world.struct("struct s", struct.pack("<4i", 3, 7, -8, 9))
    assert value.x == int(value) + 4 and isinstance(value.x, crash.tPtr)
    assert [value.x[i] for i in range(value.n)] == [7, -8, 9]
    assert value.p.ptrlev == 2
    assert value.c == int(value) + 4


def test_an_array_of_pointers_is_a_list_of_pointers(world: World):
    btf = world.btf
    node = btf.struct("node", 4, at("x", world.s32))
    btf.struct("s", 48, at("nodes", btf.array(btf.pointer(node), 2)),
               at("numbers", btf.array(btf.pointer(world.s32), 2), 16),
               at("texts", btf.array(btf.pointer(world.char), 2), 32))
    one, text = world.place(struct.pack("<i", 1)), world.place(b"text\0")
    value = world.struct("struct s", struct.pack("<6Q", one, 0, 0, one, text, 0))
    assert value.nodes[0].x == 1 and not value.nodes[1]
    assert value.numbers[1].Deref == 1
    assert value.texts == ["text", None]


def test_an_array_behind_a_typedef_is_an_array(world: World):
    btf = world.btf
    mask = btf.typedef("mask_t", btf.array(world.u64, 2))
    btf.struct("s", 16, at("x", btf.const(btf.typedef("other_t", mask))))
    assert world.struct("struct s", struct.pack("<2Q", 5, 6)).x == [5, 6]
    assert world.value("mask_t", struct.pack("<2Q", 5, 6)) == [5, 6]


def test_an_array_partly_unreadable_is_an_error(world: World):
    world.btf.struct("s", 16, at("x", world.btf.array(world.u64, 2)))
    with pytest.raises(crash.error, match=r"\(struct s.x\)"):
        world.struct("struct s", DATA_BASE + DATA_SIZE - 8).x


@pytest.mark.parametrize("lengths", [(1 << 21,), (1 << 20, 1 << 20), (1 << 31, 1 << 31, 1 << 31),
                                     (2,) * 30, (0xffffffff, 1)])
def test_an_array_too_large_for_a_list_is_a_type_error(world: World, lengths):
    world.btf.struct("s", 16, at("x", world.btf.array(world.u8, *lengths)))
    with pytest.raises((TypeError, crash.error)):
        world.struct("struct s", bytes(16)).x


def test_a_huge_array_of_empty_structs_is_a_type_error(world: World):
    empty = world.btf.struct("empty", 0)
    world.btf.struct("s", 16, at("x", world.btf.array(empty, 1 << 20, 1 << 20)))
    with pytest.raises(TypeError):
        world.struct("struct s", bytes(16)).x


def test_arrays_can_be_read_by_the_name_of_their_type(world: World):
    assert world.value("int[3]", struct.pack("<3i", 1, 2, 3)) == [1, 2, 3]
    assert world.value("unsigned char [2][2]", bytes([1, 2, 3, 4])) == [[1, 2], [3, 4]]
    assert world.value("char[4]", b"abcd") == "abcd"
    for wrong in ("int[", "int]", "int[x]", "int[-1]", "int[3]*", "int" + "[2]" * 17,
                  "int" + "*" * 17, "[3]", "*"):
        with pytest.raises(TypeError):
            pykdump.read_value(wrong, 0x1000)
