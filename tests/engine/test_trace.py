"""Watching the messages that cross into crash with a callback of a program."""

import itertools
import struct
import sys
import threading

import pytest

from tests.engine.btfwriter import at
from tests.engine.structures import Maple, Slabs, Tree, XArray, add_types, done, word
from tests.engine.test_leaks import FAILURES, OPERATIONS, check, full  # noqa: F401
from tests.engine.test_walks import chain
from tests.engine.world import DATA_BASE, PAGE, PHYSICAL, World, crash, host_image, pykdump

MISSING = 0xdead000000000000


class Surprise(Exception):
    """What no code but the callback raises."""


@pytest.fixture(autouse=True)
def nobody_watches():
    yield
    pykdump.trace_set(None)
    pykdump.wire_open(-1)
    pykdump.wire_watch(frozenset(), False)
    pykdump.wire_error()
    pykdump.wire_summary()


@pytest.fixture
def events(world: World):
    """The events so far, without the seconds that they took."""
    seen: list = []

    def callback(event, args):
        if isinstance(args[-1], float):
            assert 0 <= args[-1] < 60
            args = args[:-1]
        seen.append((event, *args))
    pykdump.trace_set(callback)
    return seen


# ---- what is told -------------------------------------------------------------------------------

def test_nobody_is_told_at_first():
    assert pykdump.trace_get() is None


def test_setting_a_callback_returns_the_one_before():
    def first(event, args): pass
    def second(event, args): pass
    assert pykdump.trace_set(first) is None
    assert pykdump.trace_get() is first
    assert pykdump.trace_set(second) is first
    assert pykdump.trace_set(None) is second
    assert pykdump.trace_get() is None


@pytest.mark.parametrize("nonsense", [1, "print", [], object()])
def test_what_cannot_be_called_is_refused_and_changes_nothing(nonsense):
    pykdump.trace_set(print)
    with pytest.raises(TypeError, match="a trace callback is a callable or None, not"):
        pykdump.trace_set(nonsense)
    assert pykdump.trace_get() is print


def test_a_read_is_told_with_whether_it_was_cached(world, events):
    crash.readmem(DATA_BASE, 8)
    crash.readmem(DATA_BASE + 8, 16)
    crash.readPtr(DATA_BASE + PAGE)
    assert events == [("read", DATA_BASE, 8, "KVADDR", False),
                      ("read", DATA_BASE + 8, 16, "KVADDR", True),
                      ("read", DATA_BASE + PAGE, 8, "KVADDR", False)]


def test_nothing_is_cached_without_a_cache(world, events):
    pykdump.cache_set_pages(0)
    crash.readmem(DATA_BASE, 8)
    crash.readmem(DATA_BASE, 8)
    assert [event[-1] for event in events] == [False, False]
    pykdump.cache_set_pages(16)
    crash.readmem(DATA_BASE, 8)
    crash.readmem(DATA_BASE, 8)
    assert [event[-1] for event in events] == [False, False, False, True]


def test_members_and_nodes_of_lists_are_reads_like_others(world, events):
    world.btf.struct("pair", 16, at("x", world.u64), at("y", world.u64, 8))
    value = world.struct("struct pair", struct.pack("<QQ", DATA_BASE, 0))
    events.clear()
    assert value.x == DATA_BASE
    assert value.x == DATA_BASE
    assert pykdump.list_nodes(int(value), 0, 10)[1] == "whole"
    assert [event[1:4] for event in events] == [
        (int(value), 8, "KVADDR"), (int(value), 8, "KVADDR"), (int(value), 8, "KVADDR"),
        (DATA_BASE, 8, "KVADDR")]


def test_other_spaces_are_named(world, events):
    host_image.add_region(0x1000, bytes(PAGE), PHYSICAL)
    host_image.add_translation(DATA_BASE, 0x400000, 0x1000)
    crash.readmem(0x1000, 4, PHYSICAL)
    crash.readProcessMem(DATA_BASE, 0x400010, 4)
    assert events == [("read", 0x1000, 4, "PHYSADDR", False),
                      ("read", 0x1010, 4, "PHYSADDR", False)]


def test_symbols_are_told_by_name_and_by_address(world, events):
    host_image.add_symbol("here", DATA_BASE, 16)
    crash.sym2addr("here")
    crash.sym2addr("nowhere")
    crash.symbol_exists("here")
    crash.addr2sym(DATA_BASE + 3, True)
    crash.addr2sym(5)
    crash.sym2alladdr("here")
    assert events == [
        ("symbol", "here", DATA_BASE), ("symbol", "nowhere", None), ("symbol", "here", DATA_BASE),
        ("symbol", DATA_BASE + 3, ("here", 3)), ("symbol", 5, None), ("symbol", "here", DATA_BASE)]


def test_types_are_told_by_what_was_asked(world, events):
    world.load()
    crash.struct_size("nope")
    pykdump.type_size("int")
    pykdump.variable_type("x")
    crash.enumerator_value("RED")
    assert [event for event in events if event[0] == "type"] == [
        ("type", "type", "struct nope", None), ("type", "type", "int", 4),
        ("type", "variable", "x", None), ("type", "enumerator", "RED", None)]


def test_commands_are_told_with_what_they_printed(world, events):
    host_image.add_command("sys", b"UPTIME: 1\n")
    host_image.add_command("p 1", b"$1 = 1\n", gdb=True)
    crash.exec_crash_command("sys")
    crash.get_GDB_output("p 1")
    assert events == [("command", "crash", "sys", 10), ("command", "gdb", "p 1", 7)]


def test_what_fails_is_an_error(world, events):
    with pytest.raises(crash.error):
        crash.readmem(MISSING, 8)
    with pytest.raises(crash.error):
        crash.exec_crash_command("nope")
    (read, command) = events
    assert read[:3] == ("error", "read", (MISSING, 8, "KVADDR")) and "dead" in read[3]
    assert command == ("error", "command", ("crash", "nope"), "no such command: nope")


def test_an_event_of_the_framework_is_passed_on(world, events):
    pykdump.trace_event("program", ("start", "x", []))
    assert events == [("program", "start", "x", [])]
    with pytest.raises(TypeError):
        pykdump.trace_event("program", "no tuple")


# ---- the callback's own doing -------------------------------------------------------------------

def test_what_a_callback_does_is_not_told_to_it(world):
    seen = []

    def callback(event, args):
        seen.append(event)
        crash.readmem(DATA_BASE, 8)
        crash.sym2addr("x")
        pykdump.trace_event("more", ())
    pykdump.trace_set(callback)
    crash.readmem(DATA_BASE, 8)
    assert seen == ["read"]


def test_it_is_told_again_after_it_has_raised(world):
    seen = []

    def callback(event, args):
        seen.append(event)
        raise Surprise
    pykdump.trace_set(callback)
    for _ in range(2):
        with pytest.raises(Surprise):
            crash.readmem(DATA_BASE, 8)
    assert seen == ["read", "read"]


def test_a_callback_may_put_another_in_its_place(world):
    seen = []
    pykdump.trace_set(lambda event, args: pykdump.trace_set(
        lambda event, args: seen.append(event)))
    crash.readmem(DATA_BASE, 8)
    crash.readmem(DATA_BASE, 8)
    assert seen == ["read"]


def test_a_callback_may_take_the_cache_away(full):  # noqa: F811
    def callback(event, args):
        pykdump.purge_caches("memory")
        pykdump.purge_caches("types")
        pykdump.cache_set_pages(next(sizes))
    sizes = itertools.cycle((0, 1, 64))
    names = "int", "text", "nodes", "big", "name"
    expected = {name: str(getattr(full, name)) for name in names}
    pykdump.trace_set(callback)
    for _ in range(3):
        assert {name: str(getattr(full, name)) for name in expected} == expected
        assert pykdump.search_bytes(DATA_BASE, DATA_BASE + 4 * PAGE, b"text\0", 5)[1]
        assert crash.readmem(DATA_BASE + PAGE - 8, 16) == bytes(16)


def test_another_thread_is_told_while_one_is_in_the_callback(world):
    seen = []

    def callback(event, args):
        seen.append(args[0])
        if args[0] == DATA_BASE:
            thread = threading.Thread(target=crash.readmem, args=(DATA_BASE + 8, 8))
            thread.start()
            thread.join()
    crash.readmem(DATA_BASE, 8)
    pykdump.trace_set(callback)
    crash.readmem(DATA_BASE, 8)
    assert seen == [DATA_BASE, DATA_BASE + 8]


# ---- exceptions ---------------------------------------------------------------------------------

@pytest.fixture
def kernel(world: World) -> World:
    """Something for each walker."""
    add_types(world)
    world.load()
    host_image.add_symbol("__per_cpu_offset", world.place(struct.pack("<QQ", 0, 8)))
    host_image.add_symbol("__cpu_possible_mask", world.place(struct.pack("<Q", 3)))
    host_image.add_symbol("nr_cpu_ids", world.place(struct.pack("<I", 2)))
    host_image.add_command("sys", b"UPTIME: 1\n")
    host_image.add_command("p 1", b"$1 = 1\n", gdb=True)
    return world


def walk_lists(world):
    head, nodes = chain(world, 20, 32)
    word(nodes[-1] + 32, head)
    done()
    return [lambda: pykdump.walk_list(head, "struct item", "link"),
            lambda: pykdump.list_nodes(head, 0, 100),
            lambda: crash.getListSize(head, 0, 100),
            lambda: pykdump.walk_hash(head, 3, "struct item", "link"),
            lambda: crash.getFullBuckets(head, 8, 2, 32),
            lambda: pykdump.columns(nodes, "struct item", ["key", "rb.rb_left", "link"])]


def walk_trees(world):
    tree = Tree(world, 9)
    array = XArray(world, {3: 40, 70: 80})
    maple = Maple(world)
    maple.root(0x1000)
    pointers = world.place(struct.pack("<QQQ", 8, 0, 16))
    return [tree.walk, array.walk, maple.walk, lambda: pykdump.walk_percpu(0x1000),
            lambda: pykdump.walk_pointers(pointers, 3), lambda: pykdump.walk_idr(array.address)]


def walk_slabs(world):
    slabs = Slabs(world)
    slabs.slab(16, [1])
    return [slabs.walk, lambda: pykdump.walk_slab("thing")]


def ask(world):
    return [lambda: crash.symbol_exists("nr_cpu_ids"), lambda: crash.sym2addr("nope"),
            lambda: crash.sym2alladdr("nr_cpu_ids"), lambda: crash.sym2alladdr("nope"),
            lambda: crash.addr2sym(DATA_BASE), lambda: crash.addr2sym(5, True),
            lambda: crash.addr2mod(5), lambda: crash.struct_size("item"),
            lambda: crash.union_size("nope"), lambda: crash.member_offset("item", "key"),
            lambda: crash.member_size("nope", "key"), lambda: crash.enumerator_value("NOPE"),
            lambda: crash.exec_crash_command("sys"), lambda: crash.get_GDB_output("p 1"),
            lambda: pykdump.describe_type("struct item"),
            lambda: pykdump.describe_expression("nr_cpu_ids"),
            lambda: pykdump.variable_type("nr_cpu_ids"),
            lambda: pykdump.search_words(DATA_BASE, DATA_BASE + PAGE, 77, 0xff, 8, 5),
            lambda: pykdump.readable_run(DATA_BASE, DATA_BASE + 3 * PAGE, 2)]


def count_of_events(action):
    seen = []
    pykdump.trace_set(lambda event, args: seen.append(event))
    try:
        action()
    except Exception:
        pass
    pykdump.trace_set(None)
    return len(seen)


def raises_at_each_event(action):
    """Each event in turn raises: the operation ends with just that. How many there were."""
    pykdump.purge_caches("types")
    count = count_of_events(action)
    for number in range(count):
        raised = []

        def callback(event, args, left=[number]):
            if not left[0] and not raised:
                raised.append(Surprise(event, args))
                raise raised[0]
            left[0] -= 1
        pykdump.purge_caches("types")
        pykdump.trace_set(callback)
        try:
            result = action()
        except Exception as err:
            assert not raised or err is raised[0]
        else:
            assert not raised, f"event {number} of {count}: {raised[0]} is lost, {result!r}"
        finally:
            pykdump.trace_set(None)
    return count


@pytest.mark.parametrize("make", [walk_lists, walk_trees, walk_slabs, ask])
def test_an_exception_ends_every_walk_and_question(kernel, make):
    for action in make(kernel):
        assert raises_at_each_event(action)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_exception_ends_what_works(full, name):  # noqa: F811
    raises_at_each_event(lambda: OPERATIONS[name](full))


@pytest.mark.parametrize("name", FAILURES)
def test_an_exception_replaces_that_of_what_fails(full, name):  # noqa: F811
    raises_at_each_event(lambda: FAILURES[name](full))


def test_an_exception_in_the_second_half_of_a_string_is_not_lost(world):
    """The half beyond a page may be missing, but not because somebody objects."""
    text = DATA_BASE + PAGE - 4
    host_image.write(text, b"abc\0")
    pointer = world.place(struct.pack("<Q", text))
    world.load()
    assert raises_at_each_event(lambda: pykdump.read_value("char *", pointer)) > 2


def test_a_callback_that_raises_leaves_nothing(full):  # noqa: F811
    def callback(event, args):
        raise Surprise(event)

    def action():
        pykdump.trace_set(callback)
        for operation in (lambda: full.int, lambda: full.text, lambda: crash.readmem(full, 8),
                          lambda: pykdump.list_nodes(full, 32, 10), lambda: crash.sym2addr("x"),
                          lambda: pykdump.columns([full], "struct full", ["int", "big"]),
                          lambda: crash.readmem(MISSING, 8)):
            with pytest.raises(Surprise):
                operation()
        pykdump.trace_set(None)
    check(action, type(full), Surprise, rounds=300)


def test_a_callback_that_listens_leaves_nothing(full):  # noqa: F811
    def callback(event, args):
        pass

    def action():
        before = pykdump.trace_set(callback)
        full.int, full.text, crash.sym2addr("x"), crash.struct_size("node")
        pykdump.columns([full], "struct full", ["int", "big"])
        pykdump.trace_set(before)
    check(action, type(full), rounds=1000)
    assert sys.getrefcount(callback) < 5
