"""Pointers: to structs, to values, to pointers, to functions, to nothing."""

import struct

import pytest

from tests.engine.btfwriter import VOID, at
from tests.engine.world import World, crash, pykdump


@pytest.fixture
def pointers(world: World) -> World:
    btf = world.btf
    node = btf.next_id()
    btf.struct("node", 16, at("next", node + 1), at("x", world.s32, 8))
    to_node = btf.pointer(node)
    number = btf.pointer(world.s32)
    callback = btf.typedef("callback_t", btf.pointer(btf.function(VOID, world.s32)))
    btf.struct("s", 64, at("node", to_node), at("nodes", btf.pointer(to_node), 8),
               at("number", number, 16), at("numbers", btf.pointer(number), 24),
               at("anything", btf.pointer(VOID), 32), at("call", callback, 40),
               at("hidden", btf.pointer(btf.forward("unknown")), 48),
               at("row", btf.pointer(btf.array(world.s16, 2)), 56))
    return world


def with_words(world: World, *words: int):
    return world.struct("struct s", struct.pack("<8Q", *words, *[0] * (8 - len(words))))


def test_a_pointer_to_a_struct_is_the_struct(pointers: World):
    last = pointers.place(struct.pack("<Qi4x", 0, 9))
    first = pointers.place(struct.pack("<Qi4x", last, 8))
    value = with_words(pointers, first)
    assert isinstance(value.node, crash.StructResult) and value.node == first
    assert value.node.x == 8 and value.node.next.x == 9
    assert value.node.Deref.x == 8 and value.node.getDeref() == first
    assert not value.node.next.next


def test_a_member_of_null_is_an_error_and_an_index_error_at_offset_0(pointers: World):
    null = with_words(pointers).node
    assert null == 0 and not null and str(null) == "<struct node 0x0>"
    with pytest.raises(IndexError, match=r"NULL pointer \(struct node.next, type struct node \*,"):
        null.next
    with pytest.raises(crash.error, match=r"addr 0x8, reading 4 bytes \(struct node.x, type int,"):
        null.x


def test_a_pointer_to_a_number_gives_numbers(pointers: World):
    address = pointers.place(struct.pack("<4i", 5, -6, 7, 8)) + 4
    number = with_words(pointers, 0, 0, address).number
    assert isinstance(number, crash.tPtr) and number == address and number.ptrlev == 1
    assert (number.Deref, number[0], number[1], number[-1]) == (-6, -6, 7, 5)
    assert repr(number) == f"<tPtr int * {address:#x}>"


def test_pointers_to_pointers_are_followed_level_by_level(pointers: World):
    address = pointers.place(struct.pack("<i", 42))
    slot = pointers.place(struct.pack("<QQ", 0, address))
    numbers = with_words(pointers, 0, 0, 0, slot).numbers
    assert numbers.ptrlev == 2
    assert isinstance(numbers[1], crash.tPtr) and numbers[1].ptrlev == 1
    assert numbers[1].Deref == 42
    with pytest.raises(IndexError):
        numbers.Deref.Deref


def test_a_pointer_to_a_struct_pointer_gives_structs(pointers: World):
    node = pointers.place(struct.pack("<Qi4x", 0, 9))
    nodes = with_words(pointers, 0, pointers.place(struct.pack("<QQ", 0, node))).nodes
    assert nodes.ptrlev == 2
    assert nodes[1].x == 9 and isinstance(nodes[0], crash.StructResult)


def test_deref_of_a_pointer_to_pointers_is_a_pointer_one_level_lower(pointers: World):
    node = pointers.place(struct.pack("<Qi4x", 0, 9))
    nodes = with_words(pointers, 0, pointers.place(struct.pack("<Q", node))).nodes
    assert isinstance(nodes.Deref, crash.tPtr) and nodes.Deref == node
    assert nodes.Deref.ptrlev == 1 and nodes.Deref.Deref.x == 9 == nodes.Deref[0].x
    assert str(nodes.Deref) == f"<tPtr struct node * {node:#x}>"


def test_a_pointer_to_char_pointers_gives_pointers_of_which_texts_are_made(pointers: World):
    text = pointers.place(b"text\0and more")
    texts = pointers.value("char **", struct.pack("<Q", pointers.place(struct.pack("<Q", text))))
    for one in (texts[0], texts.Deref):
        assert isinstance(one, crash.tPtr) and (one, one.ptrlev) == (text, 1)
        assert crash.SmartString(one) == "text" and crash.SmartString(one).addr == text
        assert crash.SmartString(one)[5:8] == "and" and one[0] == ord("t")
    with pytest.raises(TypeError, match="bytes or a pointer"):
        crash.SmartString(texts)
    with pytest.raises(IndexError):
        crash.SmartString(texts[5])
    with pytest.raises(TypeError):
        crash.SmartString(crash.tPtr(text))


def test_a_pointer_to_function_pointers_gives_ints(pointers: World):
    pointers.btf.struct("t", 8, at("calls", pointers.btf.pointer(pointers.btf.pointer(
        pointers.btf.function(VOID)))))
    calls = pointers.struct("struct t", struct.pack("<Q", pointers.place(struct.pack("<Q", 5))))
    assert calls.calls[0] == 5 == calls.calls.Deref and type(calls.calls[0]) is int


def test_the_description_of_a_pointer_is_made_by_a_factory(pointers: World):
    value = with_words(pointers, 0, 0, 0x1000)
    pykdump.set_factories(typeinfo=lambda *what: what)
    try:
        assert value.number.ti == value.number.ptype == ("int *",)
        assert value.row.ti == ("short int (*)[2]",) and value.nodes.ti == ("struct node **",)
        with pytest.raises(TypeError):
            crash.tPtr(5).ti
        with pytest.raises(TypeError):
            pykdump.set_factories(typeinfo=5)
    finally:
        pykdump.set_factories(typeinfo=None)
    with pytest.raises(RuntimeError, match="pykdump.datatypes"):
        value.number.ti


def test_the_type_of_what_has_no_name_is_told_by_its_description(world: World):
    btf = world.btf
    btf.struct("s", 16, at("p", btf.pointer(btf.pointer(btf.struct(0, 4, at("x", world.s32))))),
               at("f", btf.pointer(btf.pointer(btf.function(VOID))), 8))
    value = world.struct("struct s", bytes(16))
    pykdump.set_factories(typeinfo=lambda what: what)
    try:
        kind, *_rest, target, _content = value.p.ti
        assert kind == "pointer" and target[0] == "pointer" and target[5][0] == "struct"
        assert value.f.ti[5][5][0] == "function"
    finally:
        pykdump.set_factories(typeinfo=None)


def test_a_null_pointer_cannot_be_followed(pointers: World):
    value = with_words(pointers)
    for name in ("nodes", "number", "numbers", "anything", "row"):
        pointer = getattr(value, name)
        assert pointer == 0 and isinstance(pointer, crash.tPtr)
        with pytest.raises(IndexError, match="NULL"):
            pointer.Deref
        with pytest.raises(IndexError, match="NULL"):
            pointer[0]


def test_a_pointer_to_void_is_an_address_only(pointers: World):
    pointer = with_words(pointers, 0, 0, 0, 0, 0x1234).anything
    assert pointer == 0x1234 and pointer.ptrlev == 1
    for follow in (lambda: pointer.Deref, lambda: pointer[3]):
        with pytest.raises(TypeError, match="nothing of a known size"):
            follow()


def test_a_pointer_to_a_function_is_an_int(pointers: World):
    call = with_words(pointers, 0, 0, 0, 0, 0, 0xffffffff81000000).call
    assert call == 0xffffffff81000000 and type(call) is int


def test_a_pointer_to_a_struct_known_by_name_only_has_no_members(pointers: World):
    hidden = with_words(pointers, 0, 0, 0, 0, 0, 0, 0x5000).hidden
    assert str(hidden) == "<struct unknown 0x5000>" and len(hidden) == 0
    with pytest.raises(KeyError):
        hidden.x


def test_a_pointer_to_an_array_gives_arrays(pointers: World):
    address = pointers.place(struct.pack("<4h", 1, 2, 3, 4))
    row = with_words(pointers, *[0] * 7, address).row
    assert row.Deref == [1, 2] and row[1] == [3, 4]


def test_pointer_arithmetic_is_plain(pointers: World):
    pointer = with_words(pointers, 0, 0, 0x1000).number
    assert pointer + 4 == 0x1004 and type(pointer + 4) is int


def test_a_pointer_is_indexed_with_an_int_only(pointers: World):
    pointer = with_words(pointers, 0, 0, 0x1000).number
    for key in ("0", 1.0, None, slice(1)):
        with pytest.raises(TypeError, match="indexed with an int"):
            pointer[key]


def test_any_pointer_can_be_read_by_the_name_of_its_type(pointers: World):
    number = pointers.place(struct.pack("<i", 3))
    slot = struct.pack("<Q", number)
    assert pointers.value("int *", slot).Deref == 3
    assert pointers.value("struct node *", slot) == number
    assert pointers.value("void *", slot) == number
    assert pointers.value("unsigned int **", slot).ptrlev == 2


def test_a_pointer_made_by_hand_knows_nothing(world: World):
    pointer = crash.tPtr(0x1000)
    assert pointer == 0x1000
    with pytest.raises(TypeError):
        pointer.Deref


def test_the_same_type_is_the_same_class(pointers: World):
    first, second = with_words(pointers), with_words(pointers)
    assert len({type(first.number), type(second.number)}) == 1
    assert len({type(first.node), type(pykdump.readSU("struct node", 0))}) == 1


def test_a_forward_declaration_stands_for_the_definition_if_there_is_one(world: World):
    btf = world.btf
    forward = btf.pointer(btf.forward("later"))
    several = btf.pointer(btf.forward("several"))
    btf.struct("s", 16, at("one", forward), at("two", several, 8))
    btf.struct("later", 4, at("x", world.s32))
    btf.struct("several", 4, at("x", world.s32))
    btf.struct("several", 8, at("y", world.s64))
    target = world.place(struct.pack("<i", 42))
    value = world.struct("struct s", struct.pack("<QQ", target, target))
    assert value.one.x == 42
    with pytest.raises(KeyError):
        value.two.x
