"""Type information that is damaged, or made to hurt: errors, never harm."""

import ctypes
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine import btfwriter
from tests.engine.btfwriter import HEADER_SIZE, Btf, Member, at
from tests.engine.world import BTF_BASE, DATA_BASE, World, crash, host_image, load_blob, pykdump

ERRORS = (TypeError, KeyError, IndexError, crash.error)


def explore(name: str) -> None:
    """Asks everything about a type that there is to ask."""
    for ask in (pykdump.type_size, pykdump.type_members, pykdump.type_enumerators,
                lambda name: pykdump.read_value(name, DATA_BASE),
                lambda name: repr(pykdump.read_value(name, DATA_BASE)),
                lambda name: explore_members(pykdump.readSU(name, DATA_BASE))):
        try:
            ask(name)
        except ERRORS:
            pass


def explore_members(value) -> None:
    str(value), repr(value), len(value), value + 1
    for member in pykdump.type_members(value.PYT_symbol):
        try:
            repr(getattr(value, member[0]))
        except ERRORS:
            pass


@pytest.fixture
def blank() -> Btf:
    World()
    return Btf()


def refuse(blob: bytes) -> None:
    load_blob(blob)
    for _ in range(2):
        with pytest.raises(TypeError, match="damaged"):
            pykdump.type_size("int")
    assert pykdump.types_source() is None


def taken(blob: bytes) -> bool:
    """Load it, where libbpf takes it: newer ones refuse all for one type that makes no sense."""
    libbpf = ctypes.CDLL("libbpf.so.1")
    libbpf.btf__new.restype = ctypes.c_void_p
    libbpf.btf__free.argtypes = [ctypes.c_void_p]
    btf = libbpf.btf__new(blob, ctypes.c_uint32(len(blob)))
    libbpf.btf__free(btf)
    if btf:
        load_blob(blob)
    else:
        refuse(blob)
    return bool(btf)


NAMES = ["int", "char", "enum color", "struct node", "node_t", "enum big", "double",
         "struct node *", "node_t[2]", "char *"]


def test_the_sample_is_good(blank):
    load_blob(btfwriter.sample().blob())
    for name in NAMES:
        pykdump.type_size(name)
        explore(name)


@pytest.mark.parametrize("size", [0, 1, 8, 23, 24, 25, 40, 100, -1, -2])
def test_a_truncated_blob_is_refused(blank, size):
    blob = btfwriter.sample().blob()[:size]
    if blob:
        refuse(blob)
    else:
        host_image.add_symbol("__start_BTF", BTF_BASE)
        host_image.add_symbol("__stop_BTF", BTF_BASE)
        with pytest.raises(TypeError, match="no BTF"):
            pykdump.type_size("int")


@pytest.mark.parametrize("start, stop", [(2, 1), (0, 1 << 40), (1, (1 << 64) - 1)])
def test_symbols_around_nothing_are_refused(blank, start, stop):
    host_image.add_symbol("__start_BTF", start)
    host_image.add_symbol("__stop_BTF", stop)
    with pytest.raises(TypeError, match="impossible size|no BTF"):
        pykdump.type_size("int")


def test_types_in_unreadable_memory_are_a_fault(blank):
    host_image.add_symbol("__start_BTF", 0x1000)
    host_image.add_symbol("__stop_BTF", 0x2000)
    with pytest.raises(crash.error, match="readmem error"):
        pykdump.type_size("int")


def test_a_kernel_without_types_says_so(blank):
    with pytest.raises(TypeError, match="no BTF"):
        pykdump.type_size("int")
    assert crash.struct_size("int") == -1 and pykdump.variable_type("x") is None


@pytest.mark.parametrize("header", [
    {"magic": 0}, {"version": 2}, {"flags": 1}, {"types": 2}, {"types_size": 1 << 31},
    {"types_size": 0xffffffff}, {"strings": 0xfffffff0}, {"strings_size": 0xffffffff},
    {"strings_size": 0}, {"strings_size": 1 << 30}, {"header": 0xffffffff}, {"header": 1 << 20}])
def test_an_impossible_header_is_refused(blank, header):
    load_blob(btfwriter.sample().blob(**header))
    for name in NAMES:
        explore(name)


@pytest.mark.parametrize("header", [28, 32, 64, 200, 1 << 16])
def test_a_header_that_claims_to_be_longer_does_not_move_the_end(blank, header):
    load_blob(btfwriter.sample().blob(header=header))
    for name in NAMES:
        explore(name)


def test_ids_out_of_range_are_void(blank):
    for i, wrong in enumerate((1000, 0xffffffff, 1 << 31)):
        blank.struct(f"s{i}", 16, at("x", wrong), at("p", blank.pointer(wrong), 8))
        blank.typedef(f"t{i}", wrong)
        blank.struct(f"a{i}", 16, at("x", blank.array(wrong, 4)))
    if not taken(blank.blob()):
        return
    for i in range(3):
        with pytest.raises(TypeError, match="has no value"):
            pykdump.readSU(f"struct s{i}", DATA_BASE).x
        assert pykdump.readSU(f"struct s{i}", DATA_BASE).p == 0
        with pytest.raises(TypeError):
            pykdump.readSU(f"t{i}", DATA_BASE)
        with pytest.raises(TypeError):
            pykdump.readSU(f"struct a{i}", DATA_BASE).x


def test_names_out_of_range_or_unreadable_are_none(blank):
    number = blank.integer("int", 4)
    blank.struct("s", 16, at(0x7fffffff, number), at(blank.string(b"\xff\xfe"), number, 4),
                 at(blank.string(b"new\nline"), number, 8), at("good", number, 12))
    blank.struct(0x7fffffff, 4)
    blank.typedef(blank.string("caf\xe9".encode()), number)
    blank.struct(blank.string(b"\x80bad"), 4, at("x", number))
    blank.enum("e", {"A": 0})
    blank.types[-1] = blank.types[-1][:12] + struct.pack("<II", 0x7fffffff, 0)
    if not taken(blank.blob()):
        return
    assert [member[0] for member in pykdump.type_members("struct s")] == ["good"]
    assert pykdump.type_enumerators("enum e") == {"": 0}
    explore("struct s"), explore("enum e"), explore("café")


def test_a_type_that_contains_itself_ends(blank):
    first = blank.next_id()
    for kind in (btfwriter.TYPEDEF, btfwriter.CONST, btfwriter.PTR):
        blank.add(kind, "t" if kind == btfwriter.TYPEDEF else 0, blank.next_id())
    blank.array(blank.next_id(), 3)
    blank.typedef("ping", blank.next_id() + 1)
    blank.typedef("pong", blank.next_id() - 1)
    blank.struct("own", 8, at("x", blank.next_id()))
    blank.struct("hidden", 8, at("", blank.next_id()))
    blank.struct("hidden2", 8, at("", blank.next_id()), at("", blank.next_id()))
    blank.struct("s", 8, *(at(f"m{i}", first + i) for i in range(4)))
    load_blob(blank.blob())
    for name in ("t", "ping", "pong", "struct own", "struct hidden", "struct hidden2", "struct s",
                 "t *", "struct own[3]"):
        explore(name)
    for name in ("t", "ping", "pong"):
        with pytest.raises(TypeError):
            pykdump.readSU(name, 0)
    with pytest.raises(TypeError, match="nested more than"):
        pykdump.readSU("struct hidden", 0)
    own = pykdump.readSU("struct own", DATA_BASE)
    assert own.x.x.x == own
    assert pykdump.readSU("struct s", DATA_BASE).m2.ptrlev == 64


@pytest.mark.parametrize("depth, works", [(32, True), (33, False), (2000, False)])
def test_anonymous_structs_are_nested_up_to_a_limit(blank, depth, works):
    inner = blank.struct(0, 4, at("x", blank.integer("int", 4)))
    for _ in range(depth - 1):
        inner = blank.struct(0, 4, at("", inner))
    blank.struct("s", 4, at("", inner))
    load_blob(blank.blob())
    if works:
        assert pykdump.readSU("struct s", DATA_BASE).x == 0
    else:
        with pytest.raises(TypeError, match="nested more than 32 deep"):
            pykdump.readSU("struct s", DATA_BASE)


@pytest.mark.parametrize("leaf", [True, False])
def test_anonymous_structs_that_multiply_are_refused(blank, leaf):
    inner = blank.struct(0, 0, *[at("x", blank.integer("int", 4))] * leaf)
    for _ in range(30):
        inner = blank.struct(0, 0, at("", inner), at("", inner))
    blank.struct("s", 4, at("", inner))
    load_blob(blank.blob())
    with pytest.raises(TypeError, match="more than 65536 members"):
        pykdump.readSU("struct s", DATA_BASE)


def test_a_member_count_beyond_the_data_is_refused(blank):
    number = blank.integer("int", 4)
    blank.struct("s", 4, at("x", number), vlen=65535)
    refuse(blank.blob())


def test_many_members_are_read(blank):
    number = blank.integer("int", 4)
    blank.struct("s", 4 * 65535, *(at(f"m{i}", number, 4 * i) for i in range(65535)))
    load_blob(blank.blob())
    assert len(pykdump.type_members("struct s")) == 65535
    host_image.write(DATA_BASE + 4 * 1000, struct.pack("<I", 5))
    assert pykdump.readSU("struct s", DATA_BASE).m1000 == 5


def test_members_far_outside_their_struct_are_faults(blank):
    number = blank.integer("int", 4)
    blank.struct("s", 4, Member("x", number, 0xffffffff), Member("y", number, 0xffffff, 255),
                 flag=False)
    blank.struct("t", 0xffffffff, Member("x", number, 0xffffff, 32), at("y", number, 4))
    load_blob(blank.blob())
    for name in ("struct s", "struct t"):
        explore(name)
    with pytest.raises(crash.error):
        pykdump.readSU("struct t", DATA_BASE).x
    assert pykdump.readSU("struct t", DATA_BASE)[-1] < DATA_BASE


def test_kinds_that_do_not_exist_are_refused(blank):
    blank.add(31, "unknown", 0)
    refuse(blank.blob())


def test_bit_fields_of_what_has_no_bits_do_no_harm(blank):
    number = blank.integer("int", 4)
    others = [blank.pointer(number), blank.array(number, 4), blank.struct("s", 4),
              blank.floating("float", 4), blank.function(number), 0, blank.forward("f"),
              blank.enum("zero", {"A": 0}, size=0), blank.enum("odd", {"A": -1}, size=3),
              blank.integer("bool", 16, btfwriter.BOOL), blank.integer("bool0", 0, btfwriter.BOOL)]
    blank.struct("bits", 64, *(Member(f"m{i}", other, 32 * i + 3, 13)
                               for i, other in enumerate(others)))
    blank.struct("whole", 64, *(at(f"m{i}", other, 4 * i) for i, other in enumerate(others)))
    load_blob(blank.blob())
    for name in ("struct bits", "struct whole"):
        explore(name)


@pytest.mark.parametrize("length", [0, 1, 255, 256, 300, 5000])
def test_names_of_any_length_are_shown(blank, length):
    name = "n" * length
    number = blank.integer("int", 4)
    blank.struct(name, 4, at("m" + name, blank.array(blank.pointer(number), *[1] * 20)))
    blank.struct("s", 4, at("x", blank.next_id() - 1), at("p", blank.pointer(blank.next_id() - 1)))
    load_blob(blank.blob())
    value = pykdump.readSU("struct s", DATA_BASE).x
    for text in (str(value), repr(value), value.shortStr(), type(value).__name__):
        assert text
    with pytest.raises(KeyError):
        value.nope
    value.isNamed("struct " + name)
    explore("struct s")


BLOB = btfwriter.sample().blob()


@given(st.lists(st.tuples(st.integers(0, len(BLOB) - 1), st.integers(0, 255)), min_size=1,
                max_size=4))
@settings(max_examples=400)
def test_a_blob_with_some_bytes_changed_does_no_harm(changes):
    blob = bytearray(BLOB)
    for where, byte in changes:
        blob[where] = byte
    World()
    load_blob(bytes(blob))
    for name in NAMES:
        explore(name)


@given(st.integers(HEADER_SIZE // 4, len(BLOB) // 4 - 1), st.sampled_from(
    [0, 1, 5, 6, 7, 20, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x84000002, 0x04000001,
     0x03000000, 0x08000000, 0x0a000000, 0x05000001, 0x0400ffff]))
@settings(max_examples=400)
def test_a_blob_with_a_word_replaced_does_no_harm(index, word):
    World()
    load_blob(BLOB[:index * 4] + struct.pack("<I", word) + BLOB[index * 4 + 4:])
    for name in NAMES:
        explore(name)


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_a_blob_of_anything_does_no_harm(data):
    World()
    blob = struct.pack("<HBBIIIII", 0xeb9f, 1, 0, 24, 0, len(data) // 4 * 4, len(data) // 4 * 4,
                       5) + data[:len(data) // 4 * 4] + b"\0int\0"
    load_blob(blob)
    for name in ("int", "struct int", "enum int"):
        explore(name)
