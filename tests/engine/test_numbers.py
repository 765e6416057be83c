"""Numbers: integers, bit fields, truth values, enums and floats."""

import struct

import pytest

from tests.engine.btfwriter import SIGNED, Member, at
from tests.engine.world import DATA_BASE, DATA_SIZE, World, crash, pykdump

INTEGERS = [("s8", 1, True), ("u8", 1, False), ("s16", 2, True), ("u16", 2, False),
            ("s32", 4, True), ("u32", 4, False), ("s64", 8, True), ("u64", 8, False),
            ("s128", 16, True), ("u128", 16, False)]


@pytest.mark.parametrize("name, size, signed", INTEGERS)
def test_an_integer_of_each_width_and_sign_reads_as_itself(world: World, name, size, signed):
    world.btf.struct("s", 64, at("x", getattr(world, name), 16))
    bits = size * 8
    extremes = [-(1 << bits - 1), -1, (1 << bits - 1) - 1] if signed else [(1 << bits) - 1]
    for number in extremes + [0, 1, 0x55]:
        data = bytes(16) + number.to_bytes(size, "little", signed=signed) + b"\xa5" * 16
        value = world.struct("struct s", data).x
        assert value == number
        assert type(value) is int


@pytest.mark.parametrize("size", [3, 5, 6, 7, 12, 24, 32])
def test_an_integer_of_an_odd_width_is_read_too(world: World, size):
    world.btf.struct("s", size, at("u", world.btf.integer("odd", size)),
                     at("s", world.btf.integer("odd_signed", size, SIGNED)))
    value = world.struct("struct s", b"\xfe" + b"\xff" * (size - 1))
    assert value.u == (1 << size * 8) - 2
    assert value.s == -2


@pytest.mark.parametrize("size", [0, 64, 224, 0xffffffe0])
def test_an_integer_of_an_impossible_width_has_no_value(world: World, size):
    world.btf.struct("s", 64, at("x", world.btf.integer("odd", size)))
    with pytest.raises(TypeError):
        world.struct("struct s", bytes(64)).x


def test_a_truth_value_is_a_bool(world: World):
    world.btf.struct("s", 3, *(at(f"b{i}", world.bool, i) for i in range(3)))
    value = world.struct("struct s", b"\0\1\x80")
    assert (value.b0, value.b1, value.b2) == (False, True, True)
    assert type(value.b0) is bool and type(value.b2) is bool


def test_bit_fields_of_each_width_and_place_read_as_themselves(world: World):
    places = [(width, offset) for width in (1, 2, 3, 7, 8, 9, 15, 17, 31, 33, 63, 64)
              for offset in (0, 1, 5, 7, 8, 13)]
    for prefix in ("u", "s"):
        world.btf.struct(prefix, 32, *(
            Member(f"x{width}_{offset}", getattr(world, f"{prefix}64"), offset, width)
            for width, offset in places))
    data = bytes.fromhex("c3a5780f1e2db4968877665544332211")
    word = int.from_bytes(data, "little")
    unsigned, signed = world.struct("struct u", data), world.struct("struct s", data)
    for width, offset in places:
        value = word >> offset & (1 << width) - 1
        assert getattr(unsigned, f"x{width}_{offset}") == value
        negative = value >> width - 1
        assert getattr(signed, f"x{width}_{offset}") == value - (negative << width)


def test_a_bit_field_reads_no_byte_beyond_its_own(world: World):
    world.btf.struct("s", 8, Member("x", world.u64, 3, 5), Member("y", world.u64, 3, 6))
    last = world.struct("struct s", DATA_BASE + DATA_SIZE - 1)
    assert last.x == 0
    with pytest.raises(crash.error, match="readmem error"):
        last.y


def test_a_bit_field_may_be_a_bool_or_an_enum(world: World):
    btf = world.btf
    color = btf.enum("color", {"RED": 0, "GREEN": 1, "BLUE": 5})
    btf.struct("s", 4, Member("flag", world.bool, 0, 1), Member("off", world.bool, 1, 1),
               Member("color", color, 2, 3), Member("bad", color, 5, 3))
    value = world.struct("struct s", bytes([0b11110101, 0, 0, 0]))
    assert value.flag is True and value.off is False
    assert str(value.color) == "BLUE" and value.color == 5
    assert str(value.bad) == "<enum color, bad value 7>"


def test_a_bit_field_of_a_signed_enum_is_negative(world: World):
    sign = world.btf.enum("sign", {"MINUS": -1, "ZERO": 0, "PLUS": 1})
    world.btf.struct("s", 4, Member("x", sign, 3, 2))
    value = world.struct("struct s", bytes([3 << 3, 0, 0, 0]))
    assert str(value.x) == "MINUS"
    assert value.x == -1


def test_a_bit_field_before_the_time_of_kind_flag_hides_in_its_integer(world: World):
    old = world.btf.integer("unsigned int", 4, bits=5, offset=3)
    world.btf.struct("s", 4, at("x", old))
    assert world.struct("struct s", bytes([0b10110111, 0, 0, 0])).x == 0b10110


def test_a_bit_field_wider_than_any_integer_does_no_harm(world: World):
    world.btf.struct("s", 64, Member("x", world.u32, 7, 200), Member("y", world.u128, 1, 100))
    value = world.struct("struct s", b"\xff" * 64)
    for name in "xy":
        with pytest.raises(TypeError):
            getattr(value, name)


def test_an_enum_is_an_int_that_prints_its_name(world: World):
    world.btf.enum("state", {"IDLE": 0, "BUSY": 3})
    value = world.value("enum state", struct.pack("<I", 3))
    assert (str(value), repr(value), f"{value}", "%d" % value, f"{value:04x}") == \
        ("BUSY", "BUSY", "BUSY", "3", "0003")
    assert value == 3 and hash(value) == hash(3) and {3: "x"}[value] == "x"
    assert type(value | 4) is int


def test_an_enum_value_without_a_name_says_so(world: World):
    world.btf.enum("state", {"IDLE": 0})
    assert str(world.value("enum state", struct.pack("<I", 77))) == "<enum state, bad value 77>"


def test_an_enum_value_knows_all_values_of_its_type(world: World):
    world.btf.enum("state", {"IDLE": 0, "BUSY": 3})
    world.btf.struct("s", 8, at("nameless", world.btf.enum(0, {"A": 1}), 4))
    value = world.value("enum state", struct.pack("<I", 3))
    nameless = world.struct("struct s", struct.pack("<II", 0, 1)).nameless
    pykdump.set_factories(enuminfo=lambda what: what)
    try:
        assert value.einfo == "enum state"
        assert nameless.einfo[0] == "enum" and nameless.einfo[6] == [("A", 1)]
        with pytest.raises(TypeError):
            crash.tEnum(5).einfo
    finally:
        pykdump.set_factories(enuminfo=None)


def test_two_names_of_one_enum_value_give_the_first(world: World):
    world.btf.enum("e", {"FIRST": 1, "SECOND": 1})
    assert str(world.value("enum e", struct.pack("<I", 1))) == "FIRST"


@pytest.mark.parametrize("size, code", [(1, "b"), (2, "h"), (4, "i")])
def test_a_negative_enum_value_is_negative(world: World, size, code):
    world.btf.enum("e", {"BAD": -2, "GOOD": 0}, size)
    value = world.value("enum e", struct.pack("<" + code, -2))
    assert str(value) == "BAD"
    assert value == -2 == pykdump.type_enumerators("enum e")["BAD"]
    assert str(world.value("enum e", struct.pack("<" + code, -5))) == "<enum e, bad value -5>"


def test_an_unsigned_enum_value_with_the_highest_bit_is_positive(world: World):
    world.btf.enum("e", {"HIGH": 0xfffffffe, "LOW": 1}, signed=False)
    # Only a BTF with flagged enums says that the others are unsigned.
    world.btf.enum("other", {"NEGATIVE": -1})
    value = world.value("enum e", struct.pack("<I", 0xfffffffe))
    assert str(value) == "HIGH"
    assert value == 0xfffffffe == pykdump.type_enumerators("enum e")["HIGH"]


def test_a_negative_value_of_an_enum_before_the_time_of_the_sign_flag(world: World):
    world.btf.enum("e", {"BAD": -2, "GOOD": 0}, signed=False)
    value = world.value("enum e", struct.pack("<i", -2))
    assert str(value) == "BAD"
    assert value == pykdump.type_enumerators("enum e")["BAD"]


def test_an_enum_of_64_bits_has_all_of_them(world: World):
    world.btf.enum64("big", {"TOP": 1 << 63, "LOW": 1})
    world.btf.enum64("negative", {"MIN": -(1 << 63), "LOW": 1})
    value = world.value("enum big", struct.pack("<Q", 1 << 63))
    assert (str(value), value) == ("TOP", 1 << 63)
    value = world.value("enum negative", struct.pack("<q", -(1 << 63)))
    assert (str(value), value) == ("MIN", -(1 << 63))


def test_enumerators_are_told_by_name(world: World):
    world.btf.typedef("state_t", world.btf.enum("state", {"A": 0, "B": -7}))
    world.load()
    assert pykdump.type_enumerators("enum state") == {"A": 0, "B": -7}
    assert pykdump.type_enumerators("state_t") == {"A": 0, "B": -7}
    with pytest.raises(TypeError, match="not an enum"):
        pykdump.type_enumerators("int")


def test_floating_point_numbers_are_floats(world: World):
    world.btf.floating("float", 4)
    world.btf.floating("double", 8)
    world.btf.floating("long double", 16)
    assert world.value("float", struct.pack("<f", 1.5)) == 1.5
    assert world.value("double", struct.pack("<d", -0.1)) == -0.1
    with pytest.raises(TypeError):
        world.value("long double", bytes(16))


def test_what_has_no_value_is_a_type_error(world: World):
    world.btf.typedef("nothing", 0)
    world.btf.typedef("callback", world.btf.function(world.s32))
    for name in ("void", "nothing", "callback"):
        with pytest.raises(TypeError, match="has no value"):
            world.value(name, bytes(8))
