"""What an error says: which member, of what type, in which object, at which address."""

import struct
from collections.abc import Callable

import pytest

from tests.engine.btfwriter import VOID, Member, at
from tests.engine.world import World, crash, pykdump

NOWHERE = 0xdead0000


@pytest.fixture
def errors(world: World) -> World:
    btf = world.btf
    node = btf.next_id()
    btf.struct("node", 16, at("next", node + 1), at("x", world.s32, 8))
    to_node = btf.pointer(node)
    number = btf.pointer(world.s32)
    btf.struct("s", 160, at("node", to_node), at("number", number, 8),
               at("anything", btf.pointer(VOID), 16), at("text", btf.pointer(world.char), 24),
               Member("bits", world.u32, 32 * 8, 3), at("wide", world.u128, 48),
               at("row", btf.array(world.u64, 2), 64), at("name", btf.array(world.char, 16), 80),
               at("nodes", btf.array(to_node, 3), 96), at("inner", node, 120),
               at("float", btf.floating("float", 8), 136),
               at("tail", btf.array(world.u32, 0), 160),
               at("vast", btf.array(world.u64, 1 << 30), 152),
               at("id", btf.typedef("id_t", world.s32), 144))
    return world


def said(wanted: type, call: Callable[[], object]) -> str:
    with pytest.raises(wanted) as raised:
        call()
    return str(raised.value)


@pytest.mark.parametrize("member, offset, size, kind", [
    ("node", 0, 8, "struct node *"), ("number", 8, 8, "int *"), ("text", 24, 8, "char *"),
    ("bits", 32, 1, "unsigned int"), ("wide", 48, 16, "__int128 unsigned"),
    ("row", 64, 8, "long unsigned int [2]"), ("name", 80, 16, "char [16]"),
    ("float", 136, 8, "float"), ("id", 144, 4, "id_t")])
def test_a_member_that_cannot_be_read_is_told_with_its_type_and_its_struct(
        errors, member, offset, size, kind):
    value = errors.struct("struct s", NOWHERE)
    text = f"readmem error at addr 0x{NOWHERE + offset:x}, reading {size} bytes " \
           f"(struct s.{member}, type {kind}, of the object at 0x{NOWHERE:x})"
    assert said(crash.FaultError, lambda: getattr(value, member)) == text
    assert said(crash.FaultError, lambda: value.Eval(member)) == text


def test_a_text_behind_a_pointer_is_told_with_both_addresses(errors):
    value = errors.struct("struct s", struct.pack("<24xQ128x", NOWHERE))
    assert said(crash.FaultError, lambda: value.text) == \
        f"readmem error at addr 0x{NOWHERE:x}, reading 256 bytes " \
        f"(struct s.text, type char *, of the object at 0x{int(value):x})"


def test_the_start_of_a_chain_is_told_whatever_link_of_it_is_broken(errors):
    value = errors.struct("struct s", struct.pack("<Q152x", NOWHERE))
    assert said(crash.FaultError, lambda: value.Eval("node.x")) == \
        f"readmem error at addr 0x{NOWHERE + 8:x}, reading 4 bytes " \
        f"(struct s.node.x, type int, of the object at 0x{int(value):x})"


def test_a_null_pointer_is_told_with_what_it_should_lead_to(errors):
    value = errors.struct("struct s", bytes(160))
    assert said(IndexError, lambda: value.node.next) == \
        "readPtr NULL pointer (struct node.next, type struct node *, of the object at 0x0)"
    assert said(IndexError, lambda: value.number.Deref) == \
        "NULL pointer (element 0 of int * 0x0)"
    assert said(IndexError, lambda: value.Eval("node.next")).startswith(
        "readPtr NULL pointer (struct s.node.next, type struct node *, of the object at 0x")


def test_an_element_is_told_with_its_place(errors):
    value = errors.struct("struct s", struct.pack("<8xQ144x", NOWHERE))
    assert said(crash.FaultError, lambda: value.number[-2]) == \
        f"readmem error at addr 0x{NOWHERE - 8:x}, reading 4 bytes " \
        f"(element -2 of int * 0x{NOWHERE:x})"
    outside = errors.struct("struct s", NOWHERE)
    assert said(crash.FaultError, lambda: outside.nodes[1]).endswith(
        "(element 1 of struct node *[3] 0xdead0060)")
    assert said(crash.FaultError, lambda: outside.tail[2]).endswith(
        "(element 2 of unsigned int [0] 0xdead00a0)")


def test_a_value_that_cannot_be_had_for_its_type_is_told_alike(errors):
    value = errors.struct("struct s", struct.pack("<16xQ136x", 0x1234))
    assert said(TypeError, lambda: value.anything[1]) == \
        "void * points to nothing of a known size (element 1 of void * 0x1234)"
    assert said(TypeError, lambda: value.vast).endswith(
        f"(struct s.vast, type long unsigned int [1073741824], of the object at 0x{int(value):x})")


def test_ctrl_c_has_nothing_added(errors):
    value = errors.struct("struct s", bytes(160))

    def stop(*arguments):
        raise KeyboardInterrupt
    pykdump.observe_reads(stop)
    try:
        assert said(KeyboardInterrupt, lambda: value.id) == ""
    finally:
        pykdump.observe_reads(None)
