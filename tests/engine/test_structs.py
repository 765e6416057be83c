"""Structs: members, names, arithmetic, casts, classes."""

import copy
import pickle
import struct

import pytest

from tests.engine.btfwriter import VOID, Member, at
from tests.engine.world import World, crash, host_image, pykdump


@pytest.fixture
def task(world: World) -> World:
    btf = world.btf
    inner = btf.struct("inner", 8, at("a", world.s32), at("b", world.s32, 4))
    task = btf.next_id()
    btf.struct("task", 32, at("pid", world.s32), at("inner", inner, 4),
               at("real", world.s32, 12), at("__state", world.u32, 16), at("class", world.u8, 20),
               at("link", task + 1, 24))
    btf.pointer(task)
    btf.typedef("task_t", task)
    btf.union("either", 8, at("u", world.u64), at("s", world.s64))
    return world


DATA = struct.pack("<iiiiIB3xQ", 7, 1, -2, 99, 5, 6, 0)


def test_a_member_is_read_when_asked_for(task: World):
    value = task.struct("struct task", DATA)
    assert value.pid == 7 and value.inner.b == -2
    assert value.inner == value.inner + 0 == int(value) + 4
    assert str(value.inner) == f"<struct inner {int(value) + 4:#x}>"
    assert getattr(value, "class") == 6
    task.write(int(value), struct.pack("<i", 8))
    assert value.pid == 8


def test_no_memory_is_read_before_a_member_is(task: World):
    task.load()
    before = host_image.read_count()
    for address in (0, -64, 0x10, 1 << 64, 1 << 70):
        pykdump.readSU("task_t", address)
    # That of the types comes once.
    assert host_image.read_count() - before <= 1


def test_a_union_is_a_struct_whose_members_share_their_place(task: World):
    value = task.struct("union either", b"\xff" * 8)
    assert (value.u, value.s) == ((1 << 64) - 1, -1)
    assert str(value).startswith("<union either ")


def test_a_missing_member_is_a_key_error_with_both_names(task: World):
    value = task.struct("struct task", DATA)
    text = "<struct task> does not have a field <nope>"
    for ask in (lambda: value.nope, lambda: getattr(value, "nope", None),
                lambda: hasattr(value, "nope"), lambda: value.fieldOffset("nope")):
        with pytest.raises(KeyError) as caught:
            ask()
        assert caught.value.args == (text,)


def test_python_may_ask_for_special_methods(task: World):
    value = task.struct("struct task", DATA)
    assert not hasattr(value, "__deepcopy__") and not hasattr(value, "__array__")
    assert copy.copy(value) == value and type(copy.copy(value)) is type(value)
    assert copy.deepcopy([value])[0].pid == 7
    with pytest.raises(pickle.PicklingError):
        pickle.dumps(value)


def test_a_member_with_the_name_of_a_method_of_int_is_hidden(task: World):
    value = task.struct("struct task", DATA)
    assert value.real == int(value)
    assert value.hasField("real") and value.fieldOffset("real") == 12


def test_a_member_with_two_underscores_is_found_in_a_class_body(task: World):
    value = task.struct("struct task", DATA)

    class Reader:
        def state(self):
            return value.__state

        def missing(self):
            return value.__nope

    assert Reader().state() == 5 == value.__state
    with pytest.raises(KeyError):
        Reader().missing()


def test_a_member_name_may_be_any_str(task: World):
    value = task.struct("struct task", DATA)
    for name in ("".join(["p", "id"]), crash.SmartString(b"pid\0")):
        assert getattr(value, name) == 7
        assert value.hasField(name) and value.fieldOffset(name) == 0
    for name in ("", "\udc80", "pid\0", "p" * 5000, "ä", "__", "_", "a__"):
        with pytest.raises((KeyError, UnicodeEncodeError)):
            getattr(value, name)


def test_what_is_asked_about_a_member_is_a_str(task: World):
    value = task.struct("struct task", DATA)
    for wrong in (5, None, b"pid"):
        for ask in (value.hasField, value.fieldOffset, value.isNamed, value.castTo, value.Eval):
            with pytest.raises(TypeError):
                ask(wrong)


def test_a_struct_has_the_text_programs_know(task: World):
    value = task.struct("struct task", 0xffff888000001000)
    assert str(value) == f"{value}" == "<struct task 0xffff888000001000>"
    assert repr(value) == "StructResult <struct task 0xffff888000001000> \tsize=32"
    assert value.shortStr() == "<task 0xffff888000001000>"
    assert f"{value:#x}" == "0xffff888000001000" and "%x" % value == "ffff888000001000"
    assert type(value).__name__ == "StructResult_struct_task"
    assert (value.PYT_symbol, value.PYT_size, len(value)) == ("struct task", 32, 32)


def test_a_struct_is_the_int_of_its_address(task: World):
    value = task.struct("struct task", 0x1000)
    assert value == 0x1000 and hash(value) == hash(0x1000) and {0x1000: 1}[value] == 1
    assert value and not pykdump.readSU("struct task", 0)
    assert value < 0x1001 and value in [0x1000] and isinstance(value, int)
    assert value == pykdump.readSU("union either", 0x1000)


def test_adding_steps_by_whole_structs_and_subtracting_is_plain(task: World):
    value = task.struct("struct task", 0x1000)
    assert value[2] == value + 2 == 0x1040 and type(value + 2) is type(value)
    assert value[-1] == value + -1 == 0xfe0
    assert 2 + value == 0x1002 and type(2 + value) is int
    assert value - 0x10 == 0xff0 and value & 0xff0 == 0 and type(value - 1) is int
    value += 1
    assert value == 0x1020 and isinstance(value, crash.StructResult)
    assert pykdump.readSU("struct task", 0)[-1] == (1 << 64) - 32
    with pytest.raises(TypeError):
        value + "1"
    with pytest.raises(TypeError):
        value[1.5]


def test_a_struct_is_no_sequence(task: World):
    value = task.struct("struct task", 0x1000)

    class Derived(type(value)):
        pass

    for one in (value, Derived(0x1000)):
        with pytest.raises(TypeError):
            iter(one)
        with pytest.raises(TypeError):
            one[0:2]
        with pytest.raises(TypeError):
            one["pid":]


def test_an_address_is_any_int(task: World):
    task.load()
    assert int(pykdump.readSU("struct task", -8)) == -8
    assert str(pykdump.readSU("struct task", -8)) == "<struct task 0xfffffffffffffff8>"
    assert pykdump.readSU("struct task", True) == 1
    for wrong in (None, "0x1000", 1.0, b"", [1]):
        with pytest.raises(TypeError):
            pykdump.readSU("struct task", wrong)
    for arguments in ((), ("struct task",), ("struct task", 0, 0), (5, 0), (None, 0)):
        with pytest.raises(TypeError):
            pykdump.readSU(*arguments)


@pytest.mark.parametrize("name", ["struct nope", "nope", "", "struct ", "struct", "union task",
                                  "struct either", "int", "enum task", "x" * 5000, "struct task*",
                                  "struct task **", "\udc80"])
def test_what_is_no_struct_is_a_type_error(task: World, name):
    task.load()
    with pytest.raises((TypeError, UnicodeEncodeError)):
        pykdump.readSU(name, 0)


def test_a_typedef_chain_leads_to_the_struct(task: World):
    btf = task.btf
    btf.struct("end", 4, at("x", task.s32))
    last = btf.next_id() - 1
    for i in range(20):
        last = btf.const(btf.typedef(f"t{i}", last))
    assert task.struct("t19", struct.pack("<i", 3)).x == 3
    assert pykdump.type_size("t19") == 4


def test_a_cast_keeps_the_address(task: World):
    value = task.struct("struct task", b"\xff" * 32)
    assert value.castTo("union either").s == -1 and value.castTo("union either") == value
    with pytest.raises(TypeError):
        value.castTo("struct nope")


def test_a_struct_knows_its_name(task: World):
    value = task.struct("task_t", 0)
    assert value.isNamed("struct task") and not value.isNamed("task")
    assert not value.isNamed("task_t")


def test_a_chain_of_members_is_followed(task: World):
    second = task.struct("struct task", DATA)
    first = task.struct("struct task", DATA[:24] + struct.pack("<Q", second))
    assert first.Eval("link.inner.a") == 1 and first.Eval("pid") == 7
    assert first.Eval("link") == second
    with pytest.raises(KeyError):
        first.Eval("link.nope")
    with pytest.raises(TypeError, match="has no members"):
        first.Eval("pid.x")
    for wrong in ("", ".", "link.", ".pid"):
        with pytest.raises(KeyError):
            first.Eval(wrong)


@pytest.mark.parametrize("path", ["nope", "link.nope", "", "link[0].nope"])
def test_a_chain_that_there_is_not_is_a_key_error_and_a_type_error(task: World, path):
    value = task.struct("struct task", DATA)
    for _ in range(2):
        with pytest.raises(crash.ChainError) as caught:
            value.Eval(path)
        assert isinstance(caught.value, KeyError) and isinstance(caught.value, TypeError)
        assert len(caught.value.args) == 1


def test_an_exception_of_a_program_goes_through_a_chain_as_it_is(task: World):
    class Own(KeyError):
        pass

    def fail(self):
        raise Own("mine")
    value = task.struct("struct task", DATA)
    type(value).failing = property(fail)
    try:
        with pytest.raises(Own, match="mine") as caught:
            value.Eval("failing")
        assert not isinstance(caught.value, TypeError)
    finally:
        del type(value).failing


def test_members_of_anonymous_structs_are_the_outer_ones(world: World):
    btf = world.btf
    first = btf.struct(0, 8, at("a", world.s32), at("b", world.s32, 4))
    second = btf.struct(0, 8, at("c", world.s16), at("d", world.s16, 2),
                        at("", btf.union(0, 4, at("e", world.s32), at("f", world.u32)), 4))
    both = btf.union(0, 8, at("", first), at("", btf.const(second)))
    btf.struct("page", 16, at("flags", world.u64), at("", both, 8))
    value = world.struct("struct page", struct.pack("<Qhhi", 1, 2, 3, -4))
    assert (value.a, value.b, value.c, value.d, value.e, value.f) == \
        (0x30002, -4, 2, 3, -4, (1 << 32) - 4)
    assert [value.fieldOffset(name) for name in "abcdef"] == [8, 12, 8, 10, 12, 12]
    assert [member[0] for member in pykdump.type_members("struct page")] == \
        ["flags", *"abcdef"]


def test_bit_fields_in_anonymous_structs_keep_their_place(world: World):
    btf = world.btf
    flags = btf.struct(0, 4, Member("low", world.u32, 0, 3), Member("", world.u32, 3, 2),
                       Member("high", world.u32, 5, 7))
    btf.struct("s", 8, at("x", world.u32), at("", flags, 4))
    value = world.struct("struct s", struct.pack("<II", 0, 0b1010101_11_110))
    assert (value.low, value.high) == (0b110, 0b1010101)
    assert pykdump.type_members("struct s")[1:] == [("low", 32, 3, "unsigned int", 4),
                                                    ("high", 37, 7, "unsigned int", 4)]


def test_an_anonymous_struct_with_a_name_for_itself_is_a_member(world: World):
    inner = world.btf.struct(0, 4, at("x", world.s32))
    world.btf.struct("s", 4, at("inner", inner))
    value = world.struct("struct s", struct.pack("<i", 4))
    assert value.inner.x == 4 and str(value.inner) == f"<struct {{...}} {int(value):#x}>"
    assert value.inner.shortStr() == f"<{{...}} {int(value):#x}>"


def test_two_structs_of_one_name_give_the_first(world: World):
    world.btf.struct("twin", 4, at("first", world.s32))
    world.btf.struct("twin", 8, at("second", world.s32))
    assert len(world.struct("struct twin", 0)) == 4


def test_a_class_may_be_derived_from_that_of_a_struct(task: World):
    made = task.struct("struct task", DATA)

    class Task(type(made)):
        limit = 10

        def is_small(self):
            return self.pid < self.limit

    value = Task(int(made))
    assert value.is_small() and value.pid == 7 and value.inner.a == 1
    assert str(value) == str(made) and value == made and value.hasField("pid")
    value.note = "has a dict"
    assert value.note == "has a dict" and type(value[1]) is type(made)
    value.pid = 3
    assert value.pid == 3 and vars(value) == {"note": "has a dict"}
    assert Task(-1) == -1
    for arguments in ((), (1, 2), ("x",), (None,)):
        with pytest.raises(TypeError):
            Task(*arguments)


def test_attributes_may_be_added_to_the_class_of_a_struct(task: World):
    value = task.struct("struct task", DATA)
    type(value).Pid2 = property(lambda self: self.pid * 2)
    type(value).pid = 5
    assert value.Pid2 == 14 and value.pid == 7
    del type(value).pid
    with pytest.raises(AttributeError):
        value.Pid2 = 3


def test_attributes_of_single_objects_come_before_members(task: World):
    value = task.struct("struct task", DATA)
    other = pykdump.readSU("struct task", int(value))
    value.note, value.pid = ["kept"], 3
    assert value.note == ["kept"] and value.pid == 3 and value.inner.a == 1
    assert other.pid == 7 and other == value
    with pytest.raises(KeyError):
        other.note
    value.pid = 4
    assert value.pid == 4
    del value.pid
    assert value.pid == 7
    for name in ("pid", "nope"):
        with pytest.raises(AttributeError):
            delattr(value, name)


def test_attributes_go_with_their_object(task: World):
    address = int(task.struct("struct task", DATA))
    kept = pykdump.readSU("struct task", address)
    kept.note = "kept"
    for _ in range(1000):                   # an object takes the place in memory of one before
        gone = pykdump.readSU("struct task", address)
        assert gone.pid == 7
        gone.pid = 8
        assert gone.pid == 8
    assert kept.note == "kept" and kept.pid == 7


def test_structs_are_made_by_their_class_too(task: World):
    task.load()
    value = crash.StructResult("struct task")
    assert value == 0 and str(value) == str(pykdump.readSU("task_t", 0))
    assert crash.StructResult("struct task", 5) == crash.StructResult(sname="task_t", addr=5) == 5
    for arguments in ((), (5,), ("struct nope",), ("struct task", "x"), ("struct task", 1, 2)):
        with pytest.raises(TypeError):
            crash.StructResult(*arguments)


def test_objects_outlive_the_caches(task: World):
    value = task.struct("struct task", DATA)
    kept = type(value)
    pykdump.purge_caches("types")
    pykdump.purge_caches("memory")
    assert value.pid == 7 and value.inner.a == 1
    assert type(pykdump.readSU("struct task", 0)) is kept
    assert type(kept(8)) is kept


def test_objects_of_dropped_types_are_plain_addresses(task: World):
    task.btf.struct("more", 24, at("e", task.btf.enum("e", {"A": 0})), at("p", task.btf.pointer(
        VOID), 8), at("x", task.btf.array(task.s8, 0), 16))
    value = task.struct("struct task", DATA)
    more = task.struct("struct more", bytes(24))
    kept = [value, value.inner, more.e, more.p, more.x]
    World()
    for one in kept:
        assert one == int(one) and hash(one) == hash(int(one))
        assert isinstance(one.__class__.__name__, str)
    for ask in (lambda: value.hasField("pid"), lambda: str(value), lambda: repr(value),
                lambda: value[1], lambda: value + 1, lambda: len(value), lambda: value.PYT_size,
                lambda: value.PYT_symbol, lambda: value.shortStr(), lambda: value.Eval("pid"),
                lambda: kept[3].Deref, lambda: kept[3].ptrlev, lambda: repr(kept[3]),
                lambda: value.pid):
        with pytest.raises((TypeError, AttributeError)):
            ask()
    assert str(more and kept[2]) == "0"
    assert value.Deref is value and value - 1 == int(value) - 1


def test_sizes_of_types_are_told(task: World):
    task.load()
    assert crash.struct_size("task") == 32 and crash.union_size("either") == 8
    assert crash.struct_size("nope") == crash.union_size("task") == -1
    assert crash.struct_size("x" * 600) == -1
    assert pykdump.type_size("unsigned long") == pykdump.type_size("long unsigned int") == 8
    assert pykdump.type_size("struct task *") == 8 and pykdump.type_size("short") == 2
    with pytest.raises(TypeError):
        pykdump.type_size("struct nope")
    for wrong in (5, None, b"int"):
        for ask in (pykdump.type_size, pykdump.type_members, pykdump.type_enumerators,
                    pykdump.variable_type, crash.struct_size):
            with pytest.raises(TypeError):
                ask(wrong)


@pytest.mark.parametrize("alias, name", [
    ("unsigned", "unsigned int"), ("long", "long int"), ("unsigned long int", "long unsigned int"),
    ("signed char", "signed char"), ("char", "char"), ("short int", "short int"),
    ("unsigned short", "short unsigned int"), ("signed", "int"), ("int signed", "int")])
def test_base_types_have_all_their_spellings(world: World, alias, name):
    world.load()
    assert pykdump.type_size(alias) == pykdump.type_size(name)


def test_the_type_of_a_variable_is_told(task: World):
    task.btf.variable("init_task", task.btf.pointer(VOID))
    task.load()
    assert pykdump.variable_type("init_task") == "void *"
    assert pykdump.variable_type("nope") is None


def test_an_observer_learns_of_each_read(task: World):
    value = task.struct("struct task", DATA)
    seen: list = []
    pykdump.observe_reads(lambda *what: seen.append(what))
    try:
        value.pid, value.inner.a
        assert seen == [("struct task", "pid", int(value)), ("struct task", "inner", int(value)),
                        ("struct inner", "a", int(value) + 4)]
        pykdump.observe_reads(lambda *what: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            value.pid
        with pytest.raises(TypeError):
            pykdump.observe_reads(5)
    finally:
        pykdump.observe_reads(None)
    assert value.pid == 7


def test_a_member_beyond_the_end_of_memory_is_at_its_beginning(task: World):
    value = task.struct("struct task", (1 << 64) - 24)
    with pytest.raises(crash.error, match="readmem error"):
        value.pid
    with pytest.raises(IndexError, match="NULL"):
        value.link
