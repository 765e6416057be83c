"""What structs tell about their members: names, places, descriptions, pseudo-attributes, Dump."""

import struct

import pytest

from tests.engine.btfwriter import Member, at
from tests.engine.world import World, crash, pykdump

LONG = "l" * 300


@pytest.fixture
def sock(world: World) -> World:
    btf = world.btf
    common = btf.struct("sock_common", 16, at("skc_state", world.u32), at("skc_next", world.u64, 8))
    btf.struct("sock", 64, at("__sk_common", common), at("real", world.s32, 16),
               at("sk_state", world.u32, 20), at(LONG, world.u32, 24),
               at("", btf.struct(0, 8, at("in_anonymous", world.u32), at("_B__x", world.u32, 4)),
                  32),
               Member("bits", world.u32, 325, 3), at("sk_name", btf.array(world.char, 8), 44),
               at("color", btf.enum("color", {"RED": 0, "BLUE": 1}), 52),
               at("next", btf.pointer(common), 56))
    return world


DATA = struct.pack("<IIQiIIIIIB3xB7sIQ", 7, 0, 9, -3, 5, 6, 0, 8, 10, 0b10100000, 65, b"bc", 1,
                   0x1000)


@pytest.fixture
def value(sock: World):
    return sock.struct("struct sock", DATA)


# ---- names -------------------------------------------------------------------------------------

def test_a_mangled_name_is_tried_from_each_pair_of_underscores_on(value):
    assert getattr(value, "_Reader__sk_common") == value == getattr(value, "_A__B__sk_common")
    assert getattr(value, "_B__x") == 10
    with pytest.raises(KeyError) as caught:
        getattr(value, "_A__B__nope")
    assert caught.value.args == ("<struct sock> does not have a field <_A__B__nope>",)


def test_a_name_may_be_longer_than_any_buffer(value):
    assert getattr(value, LONG) == 6 == value.Eval(LONG)
    assert value.hasField(LONG) and value.fieldOffset(LONG) == 24
    with pytest.raises(KeyError, match=LONG + "x"):
        getattr(value, LONG + "x")
    assert crash.member_offset("sock", LONG) == 24


def test_a_member_that_int_hides_is_described_and_has_a_place(value):
    assert value.real == int(value) and value.hasField("real") and value.fieldOffset("real") == 16


# ---- descriptions ------------------------------------------------------------------------------

@pytest.fixture
def factories():
    """The factories tell what they were asked."""
    pykdump.set_factories(varinfo=lambda *what: ("var", *what),
                          structinfo=lambda *what: ("struct", *what))
    yield
    pykdump.set_factories(varinfo=None, structinfo=None)


def test_a_name_as_index_gives_the_description_of_the_member(value, factories):
    assert value["sk_state"] == ("var", "struct sock", "sk_state")
    assert value["real"] == ("var", "struct sock", "real")
    assert value["in_anonymous"] == ("var", "struct sock", "in_anonymous")
    with pytest.raises(KeyError, match="<struct sock> does not have a field <nope>"):
        value["nope"]


def test_the_class_tells_what_the_object_tells(value, factories):
    for one in (value, type(value)):
        assert (one.PYT_symbol, one.PYT_size) == ("struct sock", 64)
        assert one.PYT_sinfo == ("struct", "struct sock") and one.PYT_attrcache == {}


def test_without_python_nothing_describes_types(value):
    for ask in (lambda: value["real"], lambda: value.PYT_sinfo):
        with pytest.raises(RuntimeError, match="not imported"):
            ask()


# ---- pseudo-attributes -------------------------------------------------------------------------

def test_a_pseudo_attribute_comes_before_a_member_of_its_name(value):
    other = value.castTo("struct sock")
    assert value.Eval("sk_state") == 5
    pykdump.set_attribute("struct sock", "sk_state", property(
        lambda sock: pykdump.read_chain(sock, "__sk_common.skc_state")), 0)
    assert value.sk_state == 7 == other.sk_state == value.Eval("sk_state")
    assert value.hasField("sk_state") and value.fieldOffset("sk_state") == 0
    assert pykdump.read_chain(value, "sk_state") == 5
    assert value.PYT_attrcache == {"sk_state": 0}


def test_a_pseudo_attribute_may_follow_the_member_that_it_hides(value):
    pykdump.set_attribute("struct sock", "sk_state", property(
        lambda sock: pykdump.read_chain(sock, "sk_state") + 100))
    assert value.sk_state == 105 and value.fieldOffset("sk_state") == 20


def test_a_pseudo_attribute_is_a_field_as_long_as_it_is_there(value):
    pykdump.set_attribute("struct sock", "State", property(lambda sock: 1))
    assert value.State == 1 and value.hasField("State")
    with pytest.raises(KeyError):
        value.fieldOffset("State")
    with pytest.raises(KeyError):
        pykdump.read_chain(value, "State")
    del type(value).State
    assert not value.hasField("State")
    with pytest.raises(KeyError):
        value.State


def test_a_pseudo_attribute_belongs_to_a_struct_that_there_is(value):
    for arguments in (("struct nope", "x", 1), ("int", "x", 1), ("struct sock", 5, 1),
                      ("struct sock", "x", 1, "0"), ("struct sock",)):
        with pytest.raises(TypeError):
            pykdump.set_attribute(*arguments)
    for arguments in ((5, "x"), (value, 5), (value,)):
        with pytest.raises(TypeError):
            pykdump.read_chain(*arguments)


# ---- Dump --------------------------------------------------------------------------------------

def test_dump_prints_all_members_those_of_anonymous_structs_too(value, capsys):
    assert value.Dump() is None
    assert capsys.readouterr().out == f"""\
struct sock {{
    __sk_common = {{
        skc_state = 7,
        skc_next = 9,
    }},
    real = -3,
    sk_state = 5,
    {LONG} = 6,
    in_anonymous = 8,
    _B__x = 10,
    bits = 5,
    sk_name = 'Abc',
    color = BLUE,
    next = 0x1000,
}}
"""


def test_dump_is_indented(value, capsys):
    value.castTo("struct sock_common").Dump(2)
    assert capsys.readouterr().out == "  struct sock_common {\n" \
        "      skc_state = 7,\n      skc_next = 9,\n  }\n"
    for wrong in (-1, 1 << 20):
        with pytest.raises(ValueError):
            value.Dump(wrong)


def test_dump_says_in_place_what_cannot_be_read(sock: World, capsys):
    sock.struct("struct sock_common", 0x5000).Dump()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[1].startswith("    skc_state = <readmem error at addr 0x5000")
