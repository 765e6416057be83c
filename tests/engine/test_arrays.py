"""Arrays: lists, single structs, and pointers where the length is unknown."""

import copy
import struct

import pytest

from tests.engine.btfwriter import VOID, at
from tests.engine.world import DATA_BASE, DATA_SIZE, World, crash, pykdump


def test_an_array_of_numbers_is_a_list(world: World):
    world.btf.struct("s", 16, at("x", world.btf.array(world.s16, 4), 2),
                     at("one", world.btf.array(world.s32, 1), 12))
    value = world.struct("struct s", struct.pack("<2x4h2xi", 1, -2, 3, -4, 5))
    assert value.x == [1, -2, 3, -4] and type(value.x) is list


def test_an_array_of_one_signed_number_is_that_number_and_an_unsigned_one_a_list(world: World):
    btf = world.btf
    btf.struct("s", 16, at("s", btf.array(world.s32, 1)), at("u", btf.array(world.u32, 1), 4),
               at("b", btf.array(world.bool, 1), 8), at("c", btf.array(world.char, 1), 9),
               at("t", btf.array(btf.typedef("t", world.s16), 1), 10),
               at("inner", btf.array(world.s16, 2, 1), 12))
    value = world.struct("struct s", struct.pack("<iI?ch2h", -5, 6, True, b"c", -7, 8, 9))
    assert value.s == -5 and type(value.s) is int and value.t == -7
    assert (value.u, value.b, value.c, value.inner) == ([6], [True], "c", [[8], [9]])
    assert value.Eval("s") == -5


def test_an_array_of_truth_values_is_a_list_of_bool(world: World):
    world.btf.struct("s", 2, at("x", world.btf.array(world.bool, 2)))
    assert [*map(repr, world.struct("struct s", b"\0\2").x)] == ["False", "True"]


def test_an_array_of_truth_values_may_have_more_dimensions(world: World):
    world.btf.struct("s", 4, at("x", world.btf.array(world.bool, 2, 2)))
    assert world.struct("struct s", b"\0\1\1\0").x == [[False, True], [True, False]]


def test_an_array_of_enums_is_a_list_of_plain_numbers(world: World):
    color = world.btf.enum("color", {"RED": 0, "BLUE": -1})
    world.btf.struct("s", 16, at("x", world.btf.array(color, 2)),
                     at("y", world.btf.array(color, 1, 2), 8))
    value = world.struct("struct s", struct.pack("<iiii", -1, 0, 0, -1))
    assert repr(value.x) == "[-1, 0]" and {*map(type, value.x)} == {int}
    assert value.y == [[0, -1]]


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


def test_an_array_of_unknown_length_is_its_address_and_has_elements(world: World):
    btf = world.btf
    btf.struct("s", 8, at("n", world.u32), at("x", btf.array(world.s32, 0), 4),
               at("p", btf.array(btf.pointer(VOID), 0), 4), at("c", btf.array(world.char, 0), 4))
    value = world.struct("struct s", struct.pack("<4i", 3, 7, -8, 9))
    assert value.x == int(value) + 4 and isinstance(value.x, crash.intDimensionlessArray)
    assert [value.x[i] for i in range(value.n)] == [7, -8, 9]
    assert repr(value.x) == f"<int [] {int(value) + 4:#x}>" and value.x[-1] == 3
    assert isinstance(value.p, crash.Array0)
    assert value.c == int(value) + 4 and crash.SmartString(value.c) == "\x07"
    for key in ("0", 1.0, None, slice(1)):
        with pytest.raises(TypeError):
            value.x[key]
    with pytest.raises(TypeError):
        iter(value.x)
    assert crash.Array0(5) == 5 and repr(crash.intDimensionlessArray(5)) == "5"
    with pytest.raises(TypeError):
        crash.Array0(5)[0]


@pytest.fixture
def arrays(world: World):
    """A struct s with arrays of pointers, in the middle of other pointers."""
    btf = world.btf
    node = btf.struct("node", 4, at("x", world.s32))
    call = btf.pointer(btf.function(VOID))
    to_node = btf.pointer(node)
    btf.struct("s", 128, at("before", to_node), at("nodes", btf.array(to_node, 2), 8),
               at("numbers", btf.array(btf.pointer(world.s32), 2), 24),
               at("texts", btf.array(btf.pointer(world.char), 2), 40),
               at("calls", btf.array(call, 2), 56), at("one", btf.array(to_node, 1), 72),
               at("table", btf.array(to_node, 2, 2), 80), at("none", btf.array(to_node, 0), 112))
    first, second = (world.place(struct.pack("<i", i)) for i in (1, 2))
    text = world.place(b"text\0")
    return world.struct("struct s", struct.pack(
        "<16Q", second, first, 0, 0, first, text, 0, 5, 0, second, first, 0, second, first,
        second, 0))


def test_an_array_of_pointers_reads_each_as_a_pointer_member(arrays):
    assert arrays.nodes[0].x == 1 and not arrays.nodes[1]
    assert arrays.numbers[1].Deref == 1 and isinstance(arrays.numbers[0], crash.tPtr)
    assert arrays.texts[0] == "text" and arrays.texts[1] is None
    assert [*arrays.calls] == [5, 0] and type(arrays.calls[0]) is int


def test_an_array_of_pointers_has_a_length_and_any_index(arrays):
    nodes = arrays.nodes
    assert isinstance(nodes, list) and isinstance(nodes, crash.Array1)
    assert len(nodes) == 2 == len([*nodes]) and nodes
    assert nodes[-1].x == 2 and nodes[3].x == 1
    with pytest.raises(TypeError):
        nodes["0"]


def test_an_array_of_pointers_reads_only_what_is_wanted(world: World):
    world.btf.struct("s", 8, at("x", world.btf.array(world.btf.pointer(VOID), 1 << 30)))
    value = world.struct("struct s", struct.pack("<Q", 7))
    assert len(value.x) == 1 << 30 and value.x[0] == 7 == next(iter(value.x))
    with pytest.raises(TypeError, match="too large"):
        repr(value.x)


def test_an_array_of_pointers_is_otherwise_the_list_of_them(arrays):
    first, nothing = arrays.nodes
    for fresh in (lambda: arrays.nodes,):
        assert fresh() == [first, 0] and [first, 0] == fresh() and fresh() == fresh()
        assert repr(fresh()) == repr([first, nothing]) and fresh() != []
        assert first in fresh() and fresh().index(0) == 1 and fresh().count(first) == 1
        assert fresh()[1:] == [0] and fresh()[::-1] == [0, first] == [*reversed(fresh())]
        assert fresh() + [1] == [first, 0, 1] and [1] + fresh() == [1, first, 0]
        assert fresh() + fresh() == fresh() * 2 == [first, 0, first, 0]
        assert sorted(fresh()) == [0, first] and list(fresh()) == [first, 0]
        assert copy.copy(fresh()) == [first, 0]
    changed = arrays.nodes
    changed.append(5)
    assert changed == [first, 0, 5] and len(changed) == 3 and [*changed] == [first, 0, 5]
    changed[0] = 6
    del changed[1]
    changed *= 2
    assert changed == [6, 5, 6, 5] and changed[0] == 6
    assert crash.Array1([1, 2]) == [1, 2]
    with pytest.raises(TypeError):
        hash(arrays.nodes)
    with pytest.raises(TypeError):
        arrays.nodes + 5


def test_an_array_of_one_pointer_or_of_unknown_length_is_its_address(arrays):
    assert isinstance(arrays.one, crash.Array0) and arrays.one == int(arrays) + 72
    assert arrays.one[0].x == 2 and arrays.one[1].x == 1
    assert arrays.none == int(arrays) + 112 and arrays.none[0].x == 2


def test_pointers_in_more_dimensions_are_lists_of_them(arrays):
    assert type(arrays.table) is list and [len(row) for row in arrays.table] == [2, 2]
    assert arrays.table[1][0].x == 2 and arrays.table[1][1].x == 1 and not arrays.table[0][1]


def test_an_array_behind_a_typedef_is_an_array(world: World):
    btf = world.btf
    mask = btf.typedef("mask_t", btf.array(world.u64, 2))
    btf.struct("s", 16, at("x", btf.const(btf.typedef("other_t", mask))))
    assert world.struct("struct s", struct.pack("<2Q", 5, 6)).x == [5, 6]
    assert world.value("mask_t", struct.pack("<2Q", 5, 6)) == [5, 6]


def test_an_array_partly_unreadable_is_an_error(world: World):
    world.btf.struct("s", 16, at("x", world.btf.array(world.u64, 2)))
    with pytest.raises(crash.error, match=r"\(struct s.x, type long unsigned int \[2\],"):
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
