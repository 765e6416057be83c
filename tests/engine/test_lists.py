"""Walks along chains of pointers, and how they end."""

import signal
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.btfwriter import at
from tests.engine.world import DATA_BASE, World, crash, host_image, pykdump

NODE_SIZE = 16
OFFSET = 8


def address_of(index: int) -> int:
    return DATA_BASE + 0x100 + index * NODE_SIZE


def build(world: World, targets: list[int | None]) -> None:
    """Node i leads to node targets[i], None being a NULL; node 0 is the head."""
    for index, target in enumerate(targets):
        host_image.write(address_of(index) + OFFSET,
                         struct.pack("<Q", 0 if target is None else address_of(target)))
    pykdump.purge_caches("memory")


def walk(limit: int = 10000):
    nodes, end, at_address, message = pykdump.list_nodes(address_of(0), OFFSET, limit)
    return [(node - address_of(0)) // NODE_SIZE for node in nodes], end, \
        (at_address - address_of(0)) // NODE_SIZE, message


def test_a_list_ends_at_its_head(world: World):
    build(world, [1, 2, 3, 0])
    assert walk() == ([1, 2, 3], "whole", 3, "")


def test_a_list_ends_at_null(world: World):
    build(world, [1, 2, None])
    assert walk() == ([1, 2], "whole", 2, "")


@pytest.mark.parametrize("first", [0, None])
def test_an_empty_list_has_no_nodes(world: World, first):
    build(world, [first])
    assert walk() == ([], "whole", 0, "")


@pytest.mark.parametrize("limit, nodes, end", [
    (0, [], "limit"), (1, [1], "limit"), (2, [1, 2], "limit"), (3, [1, 2, 3], "whole")])
def test_a_limit_ends_a_list_only_if_there_is_more(world: World, limit, nodes, end):
    build(world, [1, 2, 3, 0])
    assert walk(limit)[:2] == (nodes, end)


@pytest.mark.parametrize("targets", [
    [1, 2, 3, 1], [1, 2, 3, 4, 5, 3], [1, 1], [1, 2, 3, 3], [1, 2, 1]],
    ids=["from the first node", "in the middle", "a first self loop", "a last self loop", "of two"])
def test_a_cycle_is_noticed_and_each_node_is_there_once(world: World, targets):
    build(world, targets)
    nodes, end = walk()[:2]
    assert (nodes, end) == ([*range(1, len(targets))], "cycle")


def test_a_limit_shorter_than_the_cycle_comes_first(world: World):
    build(world, [1, 2, 3, 1])
    assert walk(2)[:2] == ([1, 2], "limit")


def test_a_fault_keeps_what_was_found_and_tells_where(world: World):
    build(world, [1, 2, None])
    host_image.write(address_of(2) + OFFSET, struct.pack("<Q", 0xdead0000))
    pykdump.purge_caches("memory")
    nodes, end, where, message = pykdump.list_nodes(address_of(0), OFFSET, 100)
    assert nodes == [address_of(1), address_of(2), 0xdead0000] and end == "error"
    assert where == 0xdead0000 and "0xdead0008" in message


def test_a_head_nowhere_is_a_fault(world: World):
    assert pykdump.list_nodes(0, 0, 10)[:2] == ([], "error")
    assert pykdump.list_nodes(-8, 0, 10)[:2] == ([], "error")
    assert pykdump.list_nodes((1 << 64) - 1, 0, 10)[:2] == ([], "error")


def long_list(world: World, count: int) -> int:
    """A list in a place of its own, whose pages are read one by one; its head."""
    base = 0x10000000
    host_image.add_region(base, b"".join(struct.pack("<Q", base + 8 * (i + 1))
                                         for i in range(count)) + bytes(8))
    return base


def test_a_long_list_is_walked_to_its_end(world: World):
    head = long_list(world, 100_000)
    nodes, end = pykdump.list_nodes(head, 0, 1 << 40)[:2]
    assert len(nodes) == 100_000 and end == "whole" and nodes[-1] == head + 800_000
    assert crash.getListSize(head) == 10_000
    assert crash.getListSize(head, 0, 1 << 40) == 100_000


def test_a_walk_is_interrupted(world: World):
    head = long_list(world, 100_000)
    for start in (lambda: pykdump.list_nodes(head, 0, 1 << 40),
                  lambda: crash.getListSize(head, 0, 1 << 40)):
        pykdump.purge_caches("memory")
        before = host_image.read_count()
        host_image.interrupt_after(10)
        with pytest.raises(KeyboardInterrupt):
            start()
        assert host_image.read_count() - before < 20


def test_a_signal_handler_that_raises_ends_a_walk_with_its_own_exception(world: World):
    head = long_list(world, 100_000)

    def handler(number, frame):
        raise ZeroDivisionError

    previous = signal.signal(signal.SIGINT, handler)
    try:
        host_image.interrupt_after(10)
        with pytest.raises(ZeroDivisionError):
            pykdump.list_nodes(head, 0, 1 << 40)
    finally:
        signal.signal(signal.SIGINT, previous)


def test_a_signal_handler_that_returns_lets_a_walk_go_on(world: World):
    head = long_list(world, 100_000)
    seen = []
    previous = signal.signal(signal.SIGINT, lambda *what: seen.append(what))
    try:
        host_image.interrupt_after(10)
        assert pykdump.list_nodes(head, 0, 1 << 40)[1] == "whole"
    finally:
        signal.signal(signal.SIGINT, previous)
    assert len(seen) == 1


def test_nodes_are_objects_of_the_struct_around_them(world: World):
    link = world.btf.struct("link", 8, at("next", world.u64))
    world.btf.struct("item", NODE_SIZE, at("x", world.s32), at("link", link, OFFSET))
    world.load()
    build(world, [1, 2, 0])
    host_image.write(address_of(1), struct.pack("<i", 5))
    # In a list_head the pointers lead to the link, not to the item.
    links = [address_of(i) + OFFSET for i in range(3)]
    for here, there in zip(links, links[1:] + links[:1]):
        host_image.write(here, struct.pack("<Q", there))
    nodes, end = pykdump.list_nodes(links[0], 0, 10, "struct item", OFFSET)[:2]
    assert end == "whole" and nodes == [address_of(1), address_of(2)] and nodes[0].x == 5
    assert isinstance(nodes[0], crash.StructResult)
    assert pykdump.list_nodes(links[0], 0, 10, None)[0] == links[1:]


@pytest.mark.parametrize("name", ["struct nope", "int", "link_t *", 5])
def test_nodes_are_objects_of_structs_only(world: World, name):
    world.load()
    build(world, [1, 0])
    with pytest.raises(TypeError):
        pykdump.list_nodes(address_of(0), OFFSET, 10, name)


@pytest.mark.parametrize("arguments", [
    (), (1,), (1, 2), ("x", 0, 1), (0, None, 1), (0, 0, "1"), (0, 0, 1.0), (1 << 70, 0, 1),
    (0, 0, 1, None, "x")])
def test_wrong_arguments_are_refused(world: World, arguments):
    with pytest.raises((TypeError, crash.error)):
        pykdump.list_nodes(*arguments)


@given(st.lists(st.one_of(st.none(), st.integers(0, 30)), min_size=31, max_size=31),
       st.integers(0, 40))
@settings(max_examples=200)
def test_any_graph_is_walked_as_it_is(targets, limit):
    world = World()
    build(world, targets)
    expected, node = [], targets[0]
    end = "whole"
    while node not in (None, 0):
        if node in expected:
            end = "cycle"
            break
        expected.append(node)
        node = targets[node]
    nodes, how = walk(limit)[:2]
    if how == "limit":
        # A cycle may be longer than the limit, or be met only a few rounds after it.
        assert len(nodes) == limit and nodes[:len(expected)] == expected[:limit]
        assert end == "cycle" or limit < len(expected)
    else:
        assert (nodes, how) == (expected, end)


def test_null_in_a_circular_list_is_damage(world: World):
    first, second = world.place(bytes(16)), world.place(bytes(16))
    head = world.place(struct.pack("<QQ", first, 0))
    world.write(first, struct.pack("<QQ", second, head))
    nodes, end, address, message = pykdump.list_nodes(head, 0, 10, None, 0, True)
    assert (nodes, end, address) == ([first, second], "error", second)
    assert "NULL in a circular list" in message
    assert pykdump.list_nodes(head, 0, 10)[1] == "whole"   # an open list may end so
