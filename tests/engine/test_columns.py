"""Columns: values of many structs in typed arrays."""

import array
import gc
import signal
import struct
import sys
import weakref

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.btfwriter import Member, at
from tests.engine.test_leaks import check
from tests.engine.world import World, crash, host_image, pykdump

NOWHERE = 0xdead000000000000
SIZE = 96


@pytest.fixture
def thing(world: World) -> World:
    btf = world.btf
    inner = btf.struct("inner", 16, at("id", world.s32), at("up", btf.next_id() + 1, 8))
    btf.pointer(inner)
    color = btf.enum("color", {"RED": 0, "BLUE": -1})
    btf.struct("thing", SIZE, at("u8", world.u8), at("s8", world.s8, 1), at("u16", world.u16, 2),
               at("s32", world.s32, 4), at("u64", world.u64, 8), at("name", btf.array(
                   world.char, 8), 16), at("flag", world.bool, 24), at("color", color, 28),
               at("inner", inner, 32), at("next", btf.pointer(inner), 48),
               at("many", btf.array(world.s16, 2, 2), 56), at("raw", btf.array(world.u8, 4), 64),
               at("real", btf.floating("double", 8), 72), at("big", world.u128, 80),
               Member("low", world.u32, 68 * 8, 3), Member("minus", world.s32, 68 * 8 + 3, 5),
               at("open", btf.array(world.u64, 0), 96), at("call", btf.function(0), 0))
    world.load()
    return world


def make(world: World, number: int, following: int = 0) -> int:
    name = f"n{number}".encode()
    data = struct.pack("<BbHiQ8s?3xi", number % 256, -number % 128 - 64, number, -number,
                       number << 40, name, number % 2, -1)
    data += struct.pack("<iiQ", number * 3, 0, 0) + struct.pack("<Q", following)
    data += struct.pack("<4h", number, -1, 2, -3) + bytes([1, 2, 3, number % 256])
    data += bytes([(number & 7) | (number % 32) << 3, 0, 0, 0]) + struct.pack("<d", number / 2)
    return world.place(data + number.to_bytes(16, "little"))


def columns(addresses, *paths):
    return pykdump.columns(addresses, "struct thing", paths)[1]


PATHS = ["u8", "s8", "u16", "s32", "u64", "name", "flag", "color", "real", "low", "minus",
         "inner.id", "inner"]


def test_columns_have_the_values_of_attributes(thing):
    addresses = [make(thing, number) for number in range(50)]
    for path, column in zip(PATHS, columns(addresses, *PATHS)):
        assert column.tolist() == [
            thing.struct("struct thing", address).Eval(path) for address in addresses], path
        assert list(column) == column.tolist() and len(column) == 50 and column.missing == 0
        assert column.name == path and column.faults == []


def test_formats_are_those_of_the_types(thing):
    made = columns([make(thing, 3)], *PATHS, "many", "raw", "big", "open", "next")
    assert [column.format for column in made] == [
        "B", "b", "H", "i", "Q", "8s", "?", "i", "d", "I", "i", "i", "Q", "h", "B", "16s", "Q",
        "Q"]
    assert made[13][0] == (3, -1, 2, -3) and made[14][0] == bytes([1, 2, 3, 3])
    assert made[15][0] == (3).to_bytes(16, "little")
    assert memoryview(made[13]).shape == (1, 4)
    assert made[2].type == "short unsigned int"


@pytest.mark.parametrize("minus", range(32))
def test_signed_bit_fields(thing, minus):
    address = make(thing, minus)
    value = thing.struct("struct thing", address)
    low, high = columns([address], "low", "minus")
    assert (low[0], high[0]) == (value.low, value.minus)


def test_a_bool_is_one_bit_whatever_memory_has(thing):
    address = make(thing, 1)
    thing.write(address + 24, b"\xfe")
    column, = columns([address], "flag")
    assert column[0] is True and bytes(column) == b"\1"


def test_null_and_bad_pointers_are_masked(thing):
    inner = thing.place(struct.pack("<iiQ", 77, 0, 0))
    addresses = [make(thing, 0, inner), make(thing, 1), make(thing, 2, NOWHERE), 0, NOWHERE,
                 make(thing, 3, inner), make(thing, 4)]
    column, = columns(addresses, "next.id")
    assert column.tolist() == [77, None, None, None, None, 77, None]
    assert memoryview(column).tolist() == [77, 0, 0, 0, 0, 77, 0]
    assert column.valid.tolist() == [True, False, False, False, False, True, False]
    assert bytes(column.valid) == b"\1\0\0\0\0\1\0" and column.missing == 5
    reasons = {fault.reason: fault for fault in column.faults}
    assert reasons["null"][1:4] == (3, 1, 0)
    other, = (fault for fault in column.faults if fault.reason != "null")
    assert other.count == 2 and other.row == 2 and other.address == NOWHERE
    assert "0xdead000000000000" in other.message


def test_without_faults_the_mask_is_all_ones(thing):
    column, = columns([make(thing, 1), make(thing, 2)], "u8")
    assert bytes(column.valid) == b"\1\1" and column.valid.valid.tolist() == [True, True]


def test_addresses_of_any_kind(thing):
    addresses = [make(thing, number) for number in range(4)]
    expected = [0, 1, 2, 3]
    first, _ = pykdump.columns(addresses, "struct thing", [])
    for source in (addresses, tuple(addresses), iter(addresses), array.array("Q", addresses),
                   memoryview(array.array("Q", addresses)), first,
                   [thing.struct("struct thing", address) for address in addresses]):
        assert columns(source, "u16")[0].tolist() == expected
    assert columns(memoryview(array.array("Q", addresses))[::-2], "u16")[0].tolist() == [3, 1]
    assert columns([None, addresses[1]], "u16")[0].tolist() == [None, 1]
    assert first.objects()[2].u16 == 2 and first.tolist() == addresses
    assert columns([], "u16")[0].tolist() == []


@pytest.mark.parametrize("source, error", [
    (array.array("I", [1]), TypeError), (b"12345678", TypeError), (["x"], TypeError),
    (5, TypeError), ([1.5], TypeError), (array.array("d", [1.0]), TypeError),
    (memoryview(bytes(16)).cast("Q", (1, 2)), TypeError), (memoryview(bytes(16)), TypeError)])
def test_what_is_no_address(thing, source, error):
    with pytest.raises(error):
        columns(source, "u16")


@pytest.mark.parametrize("path, error", [
    ("nope", KeyError), ("u8.x", TypeError), ("inner.nope", KeyError), ("", KeyError),
    ("call", TypeError), ("u8[1]", TypeError), ("raw[4]", crash.error), ("raw[x]", crash.error),
    ("raw[1", crash.error), ("raw[1]x", crash.error), ("u8.", TypeError), (5, TypeError),
    ("raw[99999999999999999999]", crash.error)])
def test_bad_paths(thing, path, error):
    with pytest.raises(error):
        columns([make(thing, 1)], path)


def test_bad_structs_and_too_many_columns(thing):
    for name in ("struct nope", "int", "struct thing *"):
        with pytest.raises(TypeError):
            pykdump.columns([], name, [])
    with pytest.raises(ValueError):
        columns([], *["u8"] * 257)


def test_one_path_may_be_a_str(thing):
    assert len(pykdump.columns([], "struct thing", "u8")[1]) == 1


def test_indices_slices_and_objects(thing):
    addresses = [make(thing, number, NOWHERE + number) for number in range(6)]
    numbers, pointers, embedded = columns([*addresses, 0], "u16", "next", "inner")
    assert numbers[-2] == 5 and numbers[-1] is None
    assert numbers[1:6:2].tolist() == [1, 3, 5] and numbers[::-1].tolist()[:2] == [None, 5]
    assert numbers[3:1].tolist() == []
    for wrong in (7, -8):
        with pytest.raises(IndexError):
            numbers[wrong]
    with pytest.raises(TypeError):
        numbers.objects()
    assert pointers.objects()[1] == NOWHERE + 1 and pointers.objects()[1].isNamed("struct inner")
    assert pointers.objects()[6] is None
    assert embedded.objects()[2].id == 6
    assert pointers.objects("struct thing")[0].isNamed("struct thing")


def test_memory_lives_as_long_as_somebody_looks(thing):
    column, = columns([make(thing, 7), 0], "u16")
    view = memoryview(column)
    mask = memoryview(column.valid)
    count = sys.getrefcount(column)
    with pytest.raises(BufferError):
        array_from_writable(column)
    assert sys.getrefcount(column) == count
    del column
    gc.collect()
    assert view.tolist() == [7, 0] and mask.tolist() == [True, False]
    assert view.readonly
    view.release()
    mask.release()


def array_from_writable(column) -> None:
    """Asks for memory that may be written."""
    import ctypes
    try:
        (ctypes.c_char * 1).from_buffer(column)
    except TypeError as err:    # ctypes says it this way
        raise BufferError from err


def test_a_column_cannot_be_made_or_changed(thing):
    column, = columns([make(thing, 7)], "u16")
    for action in (lambda: type(column)(), lambda: setattr(column, "name", "x"),
                   lambda: column.__setitem__(0, 1), lambda: weakref.ref(column)):
        with pytest.raises((TypeError, AttributeError)):
            action()


def test_many_rows_can_be_interrupted(thing):
    address = make(thing, 1)
    host_image.interrupt_after(3)
    pykdump.cache_set_pages(0)
    with pytest.raises(KeyboardInterrupt):
        columns(array.array("Q", [address]) * 100_000, "u16")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_numpy_takes_columns_without_a_copy(thing):
    addresses = [make(thing, number) for number in range(10)]
    made = dict(zip(PATHS, columns(numpy.array(addresses, dtype=numpy.uint64), *PATHS)))
    numbers = numpy.asarray(made["s32"])
    assert numbers.dtype == numpy.int32 and not numbers.flags.owndata
    assert numbers.tolist() == [-number for number in range(10)]
    assert numpy.asarray(made["name"]).tolist() == [f"n{i}".encode() for i in range(10)]
    assert numpy.asarray(made["flag"]).dtype == bool
    matrix = numpy.asarray(columns(addresses, "many")[0])
    assert matrix.shape == (10, 4) and matrix[9].tolist() == [9, -1, 2, -3]
    del made
    gc.collect()
    assert numbers[9] == -9
    odd = numpy.array(addresses, dtype=numpy.uint64)[1::2]
    assert columns(odd, "u16")[0].tolist() == [1, 3, 5, 7, 9]


@given(st.lists(st.one_of(st.integers(-(1 << 70), 1 << 70), st.none())), st.text())
def test_any_addresses_and_paths_do_no_harm(addresses, path):
    world = World()
    world.btf.struct("thing", 8, at("u64", world.u64))
    world.load()
    assert len(columns(addresses, "u64")[0]) == len(addresses)
    if path != "u64":
        with pytest.raises((KeyError, TypeError, crash.error, UnicodeError)):
            columns(addresses, path)


def test_nothing_is_left_behind(thing):
    inner = thing.place(struct.pack("<iiQ", 77, 0, 0))
    addresses = [make(thing, 0, inner), make(thing, 1, NOWHERE), 0]
    value = thing.struct("struct thing", addresses[0])
    value.Eval("next.id")
    kept = [sys.intern(name) for name in ("next", "nope", "u8", "x")]

    def action():
        address, made = pykdump.columns(addresses, "struct thing", ["name", "next.id", "many"])
        for column in (address, *made):
            column.tolist(), column.faults, column.valid.tolist(), column[1:], memoryview(column)
        address.objects("struct thing"), value.Eval("next.id")
        for path, error in (("next.nope", KeyError), ("u8.x", TypeError)):
            with pytest.raises(error):
                value.Eval(path)
            with pytest.raises(error):
                pykdump.columns(addresses, "struct thing", ["u8", path])

    check(action, type(value), rounds=1000)
    assert len(kept) == 4


# ---- Eval ----------------------------------------------------------------------------------------

def test_eval_has_the_values_of_attributes(thing):
    inner = thing.place(struct.pack("<iiQ", 77, 0, 0))
    value = thing.struct("struct thing", make(thing, 5, inner))
    assert value.Eval("next.id") == value.next.id == 77
    assert value.Eval("inner.up") == value.inner.up == 0
    assert value.Eval("name") == "n5" and value.Eval("name").addr == int(value) + 16
    assert value.Eval("many[1][0]") == value.many[1][0] and value.Eval("raw[3]") == 5
    assert value.Eval("next[1].id") == value.next[1].id
    assert value.Eval("low") == value.low and value.Eval("minus") == value.minus
    assert value.Eval("next").isNamed("struct inner")


@pytest.mark.parametrize("path, error", [
    ("nope", KeyError), ("next.nope", KeyError), ("u8.x", TypeError), ("", KeyError),
    ("many[9]", crash.error), ("many.x", TypeError), (5, TypeError), ("next..id", KeyError)])
def test_eval_refuses_what_attributes_refuse(thing, path, error):
    value = thing.struct("struct thing", make(thing, 5))
    for _ in range(2):
        with pytest.raises(error):
            value.Eval(path)


def test_eval_names_the_path_that_failed(thing):
    value = thing.struct("struct thing", make(thing, 5, NOWHERE))
    with pytest.raises(crash.FaultError, match="struct thing.next.id") as caught:
        value.Eval("next.id")
    assert caught.value.address == NOWHERE
    null = thing.struct("struct thing", make(thing, 5))
    with pytest.raises(crash.FaultError):
        null.Eval("next.id")


def test_eval_finds_attributes_that_a_program_added(thing):
    value = thing.struct("struct thing", make(thing, 5))
    with pytest.raises(KeyError):
        value.Eval("twice")
    type(value).twice = property(lambda self: self.u16 * 2)
    assert value.Eval("twice") == 10


def test_eval_tells_the_observer(thing):
    inner = thing.place(struct.pack("<iiQ", 77, 0, 0))
    value = thing.struct("struct thing", make(thing, 5, inner))
    seen = []
    pykdump.observe_reads(lambda *read: seen.append(read))
    try:
        assert value.Eval("next.id") == 77
    finally:
        pykdump.observe_reads(None)
    assert seen == [("struct thing", "next", int(value)), ("struct inner", "id", inner)]


def test_more_chains_than_are_kept(thing):
    value = thing.struct("struct thing", make(thing, 5, int(make(thing, 6))))
    for index in range(5000):
        try:
            value.Eval(f"next[{index}].id")
        except crash.error:
            pass
    assert value.Eval("u16") == 5
