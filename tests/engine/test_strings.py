"""Text: char arrays and char pointers."""

import copy
import struct

import pytest

from tests.engine.btfwriter import Btf, at
from tests.engine.world import DATA_BASE, DATA_SIZE, PAGE, World, crash, host_image, pykdump


@pytest.fixture
def texts(world: World) -> World:
    btf: Btf = world.btf
    btf.struct("s", 32, at("name", btf.array(world.char, 16)),
               at("text", btf.pointer(btf.const(world.char)), 16),
               at("bytes", btf.array(world.u8, 4), 24))
    return world


def placed(world: World, text: bytes):
    """A struct s whose pointer leads to these bytes."""
    return world.struct("struct s", struct.pack("<16sQ8x", b"", world.place(text)))


def test_a_char_array_is_the_text_before_its_nul(texts: World):
    value = texts.struct("struct s", b"swapper\0garbage!".ljust(32, b"\0"))
    name = value.name
    assert name == "swapper" and isinstance(name, str) and len(name) == 7
    assert name.ByteArray == b"swapper\0garbage!"
    assert name.addr == int(value)
    assert name.ptr is None
    with pytest.raises(TypeError, match="not read through a pointer"):
        int(name)


def test_a_char_array_without_a_nul_is_text_as_a_whole(texts: World):
    assert texts.struct("struct s", b"0123456789abcdef".ljust(32, b"\0")).name == \
        "0123456789abcdef"


def test_bytes_that_are_no_ascii_are_escaped(texts: World):
    assert texts.struct("struct s", b"\xff\x01A\n".ljust(32, b"\0")).name == "\\xff\x01A\n"


def test_an_array_of_unsigned_char_is_no_text(texts: World):
    assert texts.struct("struct s", bytes(24) + b"\1\2\3\xff" + bytes(4)).bytes == [1, 2, 3, 255]


def test_a_char_pointer_is_the_text_it_leads_to(texts: World):
    value = placed(texts, b"hello\0world")
    text = value.text
    assert text == "hello"
    assert text.ptr == int(value) + 16
    assert text.addr == crash.readPtr(int(value) + 16)
    assert int(text) == text.ptr


def test_a_null_char_pointer_is_none(texts: World):
    assert texts.struct("struct s", bytes(32)).text is None


def test_a_char_pointer_into_nowhere_is_an_error_that_names_the_member(texts: World):
    value = texts.struct("struct s", struct.pack("<16xQ8x", 0xdead0000))
    with pytest.raises(crash.error, match=r"0xdead0000.*\(struct s.text, type char \*,"):
        value.text


def test_an_empty_text_is_empty_and_no_none(texts: World):
    assert placed(texts, b"\0").text == ""


def test_a_long_text_ends_after_256_bytes(texts: World):
    assert placed(texts, b"x" * 300 + b"\0").text == "x" * 256


def test_a_text_goes_on_over_a_page_boundary(texts: World):
    address = DATA_BASE + PAGE - 3
    texts.write(address, b"abcdef\0")
    value = texts.struct("struct s", struct.pack("<16xQ8x", address))
    assert value.text == "abcdef"


@pytest.mark.parametrize("pages", [0, 16])
def test_a_text_ends_where_memory_does(texts: World, pages):
    pykdump.cache_set_pages(pages)
    end = DATA_BASE + DATA_SIZE
    texts.write(end - 4, b"abcd")
    assert texts.struct("struct s", struct.pack("<16xQ8x", end - 4)).text == "abcd"


def test_a_text_is_made_of_bytes_by_a_program_too(world: World):
    text = crash.SmartString(b"abc\0def", 0x1000, ptr=0x2000)
    assert (text, text.ByteArray, text.addr, text.ptr) == ("abc", b"abc\0def", 0x1000, 0x2000)
    assert crash.SmartString(b"").addr is None
    for wrong in ("abc", 5, None):
        with pytest.raises(TypeError):
            crash.SmartString(wrong)
    with pytest.raises(TypeError):
        crash.SmartString(b"abc", "address")


def test_a_text_is_an_ordinary_str_otherwise(texts: World):
    name = texts.struct("struct s", b"kworker/0:1".ljust(32, b"\0")).name
    assert name.split("/") == ["kworker", "0:1"]
    assert name[:3] == "kwo" and hash(name) == hash("kworker/0:1")
    assert {name: 1}["kworker/0:1"] == 1
    assert f"{name:>12}" == " kworker/0:1"


def test_indices_reach_beyond_the_nul(texts: World):
    value = texts.struct("struct s", b"\0abstract\xff".ljust(32, b"\0"))
    name = value.name
    assert name == "" and not name and len(name) == 0
    assert name[1:9] == "abstract" and name[1] == "a" and name[9:13] == "\\xff"
    assert name[-1] == "\0" and name[:] == "\0abstract\\xff" + "\0" * 6
    with pytest.raises(IndexError):
        name[1000]
    assert [*name] == [] and name.split("b") == [""]


def test_what_is_behind_a_char_pointer_is_read_in_full(texts: World):
    text = placed(texts, b"hello\0world".ljust(300, b".")).text
    assert text == "hello" and text[6:11] == "world" and len(text.ByteArray) == 256
    assert text[255] == "." and text[200:] == "." * 56


def test_a_class_may_be_derived_from_it(world: World):
    class Shouting(crash.SmartString):
        def __str__(self):
            return self.upper()

    text = Shouting(b"abc", 4096)
    assert str(text) == "ABC" and text.addr == 4096
    text.note = "has a dict"
    assert copy.copy([text])[0].note == "has a dict"


@pytest.mark.parametrize("length, result", [(1 << 20, "x" * 10), ((1 << 20) + 1, None)])
def test_a_huge_char_array_is_read_up_to_a_limit(world: World, length, result):
    world.btf.struct("s", length, at("x", world.btf.array(world.char, length)))
    host_image.add_region(0x10000000, b"x" * 10 + bytes(length - 10))
    value = world.struct("struct s", 0x10000000)
    if result:
        assert value.x == result
    else:
        with pytest.raises(TypeError, match="too large"):
            value.x
