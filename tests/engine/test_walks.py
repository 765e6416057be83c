"""Walks over lists, tables and trees, whole and damaged."""

import signal
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.structures import (ARANGE, DENSE, LEAF, MAX, RANGE, Maple, Tree, XArray,
                                     add_types, done, word)
from tests.engine.test_leaks import check
from tests.engine.world import DATA_BASE, DATA_SIZE, PAGE, World, crash, host_image, pykdump

NOWHERE = 0xdead000000000000
WHOLE = ("whole", 0, 0, "")


@pytest.fixture
def kernel(world: World) -> World:
    add_types(world)
    world.load()
    return world


def chain(world: World, count: int, next_offset: int = 0, last: int = 0) -> tuple[int, list[int]]:
    """A head of one pointer, and nodes of 64 bytes behind it."""
    head = world.place(bytes(16))
    nodes = [world.place(bytes(64)) for _ in range(count)]
    word(head, nodes[0] + next_offset if nodes else last)
    for node, following in zip(nodes, [*(n + next_offset for n in nodes[1:]), last]):
        word(node + next_offset, following)
    done()
    return head, nodes


# ---- chains ------------------------------------------------------------------------------------

def test_a_list_gives_ints_objects_and_columns(kernel):
    head, nodes = chain(kernel, 5, 32)
    word(nodes[-1] + 32, head)
    done()
    assert pykdump.walk_list(head)[0] == [node + 32 for node in nodes]
    found, report = pykdump.walk_list(head, "struct item", "link")
    assert found == nodes and report[0] == "whole" and found[0].isNamed("struct item")
    column, report = pykdump.walk_list(head, "struct item", "link", as_column=True)
    assert column.tolist() == nodes and column.objects() == nodes
    assert column.objects()[0].isNamed("struct item")


@pytest.mark.parametrize("walk, last", [
    (pykdump.walk_hlist, 0), (pykdump.walk_llist, 0), (pykdump.walk_hlist_bl, 0),
    (pykdump.walk_hlist_nulls, 7), (pykdump.walk_hlist_nulls, 1)])
@pytest.mark.parametrize("count", [0, 1, 4])
def test_chains_end_as_their_kind_does(kernel, walk, last, count):
    head, nodes = chain(kernel, count, last=last)
    found, report = walk(head)
    assert found == nodes and report[0] == "whole"


def test_the_lock_bit_of_a_head_is_no_address(kernel):
    head, nodes = chain(kernel, 2)
    word(head, nodes[0] | 1)
    done()
    assert pykdump.walk_hlist_bl(head)[0] == nodes


def test_a_plist_gives_its_nodes(kernel):
    head, nodes = chain(kernel, 3, 24)
    word(nodes[-1] + 24, head)
    done()
    assert pykdump.walk_plist(head)[0] == nodes


def test_chains_in_a_circle_and_into_nowhere(kernel):
    head, nodes = chain(kernel, 4)
    word(nodes[3], nodes[1])
    done()
    found, report = pykdump.walk_hlist(head)
    assert found == nodes and report[0] == "cycle"
    word(nodes[2], NOWHERE)
    done()
    found, report = pykdump.walk_hlist(head)
    assert found == [*nodes[:3], NOWHERE] and report[:2] == ("error", NOWHERE)


def test_a_table_goes_on_behind_a_broken_chain(kernel):
    table = kernel.place(bytes(8 * 8))
    chains = [chain(kernel, 3) for _ in range(3)]
    for slot, (head, nodes) in zip((1, 3, 6), chains):
        word(table + slot * 8, nodes[0])
    word(chains[0][1][2], chains[0][1][0])
    word(chains[1][1][1], NOWHERE)
    done()
    found, report = pykdump.walk_hash(table, 8)
    assert found == [*chains[0][1], *chains[1][1][:2], NOWHERE, *chains[2][1]]
    assert report[0] == "partial" and report[2] == 2
    assert pykdump.walk_hash(table, 8, limit=4)[1][0] == "limit"
    found, report = pykdump.walk_hash(table, 1 << 60, limit=5)
    assert len(found) == 5


def test_an_absurd_table_can_be_interrupted(kernel):
    table = kernel.place(bytes(8))
    host_image.interrupt_after(100)
    with pytest.raises(KeyboardInterrupt):
        pykdump.walk_hash(table, 1 << 62)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_bad_arguments(kernel):
    for arguments, error in (((1, None, "link"), TypeError), ((1, "struct nope"), TypeError),
                             ((1, "struct item", "nope"), KeyError), (("x",), TypeError),
                             ((1, "struct item", 5), TypeError), ((1 << 70,), crash.error),
                             ((1, "unsigned long"), TypeError), ((1, 7), TypeError)):
        with pytest.raises(error):
            pykdump.walk_list(*arguments)
    with pytest.raises(ValueError):
        pykdump.walk_hash(0, 1, kind="other")


# ---- red-black trees ---------------------------------------------------------------------------

@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_a_tree_is_walked_in_order(kernel, count):
    assert Tree(kernel, count).walk() == (list(range(count)), WHOLE)


def test_a_tree_with_a_limit(kernel):
    tree = Tree(kernel, 7)
    found, report = tree.walk(limit=3)
    assert found == [0, 1, 2] and report[:2] == ("limit", tree.node(3))
    assert tree.walk(limit=7)[1] == WHOLE


def test_children_that_lead_up_or_to_themselves_or_to_one_node_twice(kernel):
    tree = Tree(kernel, 15)
    for child, target in ((4, 7), (4, 4), (4, 11), (4, 3)):
        old = Tree(kernel, 15)
        word(old.node(child) + 16, old.node(target))
        done()
        found, report = old.walk()
        assert len(found) == len(set(found)) >= 12 and report[0] == "partial"
    word(tree.node(3) + 16, tree.node(5))
    done()
    found, report = tree.walk()
    assert report[0] == "partial" and len(found) == len(set(found))


def test_an_unreadable_subtree_is_left_out_and_reported(kernel):
    tree = Tree(kernel, 7)
    word(tree.node(3) + 16, NOWHERE)
    done()
    found, report = tree.walk()
    assert found == [3, 4, 5, 6] and report[:3] == ("partial", NOWHERE, 1)
    assert pykdump.walk_rbtree(NOWHERE)[1][0] == "error"


def test_a_tree_that_is_a_list_is_absurd(kernel):
    root = kernel.place(bytes(8))
    nodes = [kernel.place(bytes(24)) for _ in range(500)]
    word(root, nodes[0])
    for node, parent, child in zip(nodes, [0, *nodes], [*nodes[1:], 0]):
        word(node, parent)
        word(node + 16, child)
    done()
    found, report = pykdump.walk_rbtree(root)
    assert len(found) == 128 and report[0] == "partial" and "deep" in report[3]


# ---- xarrays and IDRs --------------------------------------------------------------------------

@pytest.mark.parametrize("entries", [
    {}, {0: 0x1000}, {0: 0x1001}, {5: 0x2000}, {0: 0x1000, 63: 0x2000, 64: 0x3000, 4095: 0x4000},
    {MAX: 0x1000}, {1 << 40: 0x1000, 3: 0x7}, {i * 7: 0x1000 + i * 8 for i in range(200)}])
def test_an_xarray_by_index(kernel, entries):
    assert XArray(kernel, entries).walk() == (entries, WHOLE)


def test_siblings_and_reserved_entries_are_none(kernel):
    xarray = XArray(kernel, {4: 0x1000, 20: 0x2000})
    node = xarray.nodes[0]
    for slot, entry in ((5, 4 << 2 | 2), (6, 4 << 2 | 2), (9, 256 << 2 | 2), (10, 257 << 2 | 2)):
        xarray.set(node, slot, entry)
    done()
    assert xarray.walk() == ({4: 0x1000, 20: 0x2000}, WHOLE)


def test_an_idr_begins_at_its_base(kernel):
    xarray = XArray(kernel, {0: 0x1000, 70: 0x2000})
    idr = kernel.place(bytes(24))
    host_image.write(idr + 8, struct.pack("<QI", xarray.nodes[0] | 2, 5))
    done()
    assert pykdump.walk_idr(idr)[:2] == ([5, 75], [0x1000, 0x2000])


def test_xarray_objects_columns_and_limit(kernel):
    xarray = XArray(kernel, {i: 0x1000 + i * 8 for i in range(100)})
    indices, items, report = pykdump.walk_xarray(xarray.address, "struct item")
    assert items[3].isNamed("struct item") and items[3] == 0x1018
    indices, items, report = pykdump.walk_xarray(xarray.address, as_column=True, limit=10)
    assert indices.tolist() == list(range(10)) and report[0] == "limit" and items[9] == 0x1048


@pytest.mark.parametrize("shift", [1, 7, 64, 66, 255])
def test_absurd_shifts(kernel, shift):
    xarray = XArray(kernel, {1: 0x1000, 100: 0x2000})
    host_image.write(xarray.nodes[0], bytes([shift]))
    done()
    found, report = xarray.walk()
    assert found == {} and report[0] == "partial" and report[2] == 1


def test_xarray_nodes_in_circles_and_where_none_can_be(kernel):
    xarray = XArray(kernel, {1: 0x1000, 100: 0x2000, 200: 0x3000})
    root, first = xarray.nodes[:2]
    for node, slot, entry in ((root, 10, root | 2), (root, 11, first | 2), (first, 5, root | 2),
                              (first, 6, NOWHERE | 2), (root, 12, NOWHERE | 2)):
        xarray.set(node, slot, entry)
    done()
    found, report = xarray.walk()
    assert found == {1: 0x1000, 100: 0x2000, 200: 0x3000}
    assert report[0] == "partial" and report[2] == 5


def test_indices_do_not_run_over(kernel):
    xarray = XArray(kernel, {MAX: 0x1000})
    xarray.set(xarray.nodes[0], 63, 0x2000)
    done()
    assert xarray.walk()[0] == {MAX: 0x1000}


# ---- maple trees -------------------------------------------------------------------------------

def test_empty_and_single_entry_maple_trees(kernel):
    maple = Maple(kernel)
    assert maple.walk() == ([], WHOLE)
    maple.root(0x1000)
    assert maple.walk() == ([(0, 0, 0x1000)], WHOLE)


def test_a_leaf_with_gaps(kernel):
    maple = Maple(kernel)
    leaf = maple.root(maple.node(LEAF))
    maple.fill(leaf, [0, 0x1000, 0, 0x2000, 0], [9, 19, 29, 39, MAX])
    assert maple.walk() == ([(10, 19, 0x1000), (30, 39, 0x2000)], WHOLE)
    maple.fill(leaf, [0x3000], [0])
    assert maple.walk()[0] == [(0, 0, 0x3000), (1, 19, 0x1000), (30, 39, 0x2000)]


def test_the_last_slot_has_no_pivot(kernel):
    maple = Maple(kernel)
    leaf = maple.root(maple.node(LEAF))
    maple.fill(leaf, [0x1000 * (i + 1) for i in range(16)], list(range(15)))
    assert maple.walk()[0][14:] == [(14, 14, 0xf000), (15, MAX, 0x10000)]


def test_a_pivot_of_zero_ends_a_node(kernel):
    maple = Maple(kernel)
    leaf = maple.root(maple.node(LEAF))
    maple.fill(leaf, [0x1000, 0x2000, 0x5, 0x7000], [9, 0])
    assert maple.walk() == ([(0, 9, 0x1000), (10, MAX, 0x2000)], WHOLE)


@pytest.mark.parametrize("kind", [RANGE, ARANGE])
def test_two_levels(kernel, kind):
    maple = Maple(kernel)
    top = maple.root(maple.node(kind))
    leaves = [maple.node(LEAF), maple.node(DENSE)]
    maple.fill(leaves[0], [0x1000, 0], [49, 99])
    maple.fill(leaves[1], [0x2000, 0, 0x3000], [])
    maple.fill(top, leaves, [99, MAX], children=True)
    assert maple.walk() == ([(0, 49, 0x1000), (100, 100, 0x2000), (102, 102, 0x3000)], WHOLE)
    firsts, lasts, items, _ = pykdump.walk_maple(maple.address, "struct item", as_column=True)
    assert (firsts[1], lasts[1], items.objects()[1]) == (100, 100, 0x2000)
    assert maple.walk(limit=2)[1][0] == "limit"


def test_reserved_entries_are_none(kernel):
    maple = Maple(kernel)
    leaf = maple.root(maple.node(LEAF))
    maple.fill(leaf, [0x1000, 257 << 2 | 2], [9, MAX])
    assert maple.walk() == ([(0, 9, 0x1000)], WHOLE)


@pytest.mark.parametrize("pivots", [[20, 10, MAX], [20, 20, MAX], [0, 0, 0]])
def test_pivots_that_do_not_rise(kernel, pivots):
    maple = Maple(kernel)
    leaf = maple.root(maple.node(LEAF))
    maple.fill(leaf, [0x1000, 0x2000, 0x3000], pivots)
    found, report = maple.walk()
    assert len(found) <= 2 and all(first <= last for first, last, _ in found)
    assert report[0] in ("partial", "whole")


def test_maple_nodes_in_circles_of_unknown_types_and_nowhere(kernel):
    maple = Maple(kernel)
    top = maple.root(maple.node(RANGE))
    leaf = maple.node(LEAF)
    maple.fill(leaf, [0x1000], [99])
    maple.fill(top, [leaf], [99], children=True)
    maple.fill(top, [leaf, top, leaf, (top & ~255) | 9 << 3 | 2, NOWHERE | 2 << 3 | 2],
               [99, 199, 299, 399, MAX])
    found, report = maple.walk()
    assert found == [(0, 99, 0x1000)] and report[0] == "partial" and report[2] == 4


def test_a_chain_of_maple_nodes_is_absurd(kernel):
    maple = Maple(kernel)
    nodes = [maple.node(RANGE) for _ in range(40)]
    maple.root(nodes[0])
    for node, child in zip(nodes, nodes[1:]):
        maple.fill(node, [child], [MAX], children=True)
    found, report = maple.walk()
    assert found == [] and report[0] == "partial" and "deep" in report[3]


# ---- arrays and per-CPU data -------------------------------------------------------------------

def test_pointers_that_are_not_null(kernel):
    array = kernel.place(struct.pack("<5Q", 0, 0x10, 0, 0x20, 0))
    assert pykdump.walk_pointers(array, 5) == ([1, 3], [0x10, 0x20], WHOLE)
    assert pykdump.walk_pointers(array, 3, stride=16)[0] == []
    assert pykdump.walk_pointers(array, 5, limit=1)[2][0] == "limit"


def test_an_array_with_a_count_from_hell_ends(kernel):
    indices, pointers, report = pykdump.walk_pointers(DATA_BASE + DATA_SIZE - 16, 1 << 63)
    assert report[0] == "error" and report[2] == 1 << 16


def test_without_per_cpu_areas_there_is_one_cpu(kernel):
    assert pykdump.walk_percpu(0x1000) == ([0], [0x1000], WHOLE)


def test_per_cpu_addresses(kernel):
    for name, values in (("__per_cpu_offset", (0x100, 0x200, 0x300, 0x400)),
                         ("__cpu_possible_mask", (0b1011,)), ("nr_cpu_ids", (4,))):
        host_image.add_symbol(name, kernel.place(struct.pack(f"<{len(values)}Q", *values)))
    assert pykdump.walk_percpu(0x1000) == ([0, 1, 3], [0x1100, 0x1200, 0x1400], WHOLE)


def test_an_absurd_number_of_cpus(kernel):
    for name, value in (("__per_cpu_offset", 0), ("__cpu_possible_mask", MAX),
                        ("nr_cpu_ids", 0xffffffff)):
        host_image.add_symbol(name, kernel.place(struct.pack("<Q", value)))
    assert pykdump.walk_percpu(0x1000)[2][0] == "error"


def test_nothing_is_left_behind(kernel):
    tree = Tree(kernel, 7)
    word(tree.node(3) + 16, NOWHERE)
    xarray = XArray(kernel, {1: 0x1000, 100: 0x2000})
    maple = Maple(kernel)
    maple.fill(maple.root(maple.node(LEAF)), [0x1000, 0x2000], [9, 19])
    head, _ = chain(kernel, 5)
    kind = type(kernel.struct("struct item", 0))

    def action():
        for walk, address in ((pykdump.walk_rbtree, tree.root), (pykdump.walk_hlist, head)):
            for how in ({}, {"struct": "struct item"}, {"as_column": True}, {"limit": 1}):
                walk(address, **how)
        for walk, address in ((pykdump.walk_xarray, xarray.address),
                              (pykdump.walk_maple, maple.address)):
            for how in ({}, {"struct": "struct item"}, {"as_column": True}, {"limit": 1}):
                walk(address, **how)
        with pytest.raises(KeyError):
            pykdump.walk_list(head, "struct item", "nope")
        with pytest.raises(TypeError):
            pykdump.walk_maple(head, "struct nope")

    check(action, kind, rounds=500)


# ---- anything at all ---------------------------------------------------------------------------

WORDS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 127)),
                 max_size=30)


@given(changes=WORDS)
def test_random_links_do_no_harm(changes):
    world = World()
    add_types(world)
    world.load()
    base = world.place(bytes(64 * 256), 256)
    for target, source, tag in changes:
        word(base + source * 8, base + target * 256 + tag)
    for source in range(0, 2048, 40):
        word(base + 2048 + source, base + source // 8 * 256 | 0x12)
    done()
    for walk in (pykdump.walk_list, pykdump.walk_hlist, pykdump.walk_hlist_nulls,
                 pykdump.walk_rbtree, pykdump.walk_plist, pykdump.walk_xarray,
                 pykdump.walk_idr, pykdump.walk_maple):
        for start in range(0, PAGE, 256):
            *found, report = walk(base + start, limit=1000)
            assert len(found[-1]) <= 1000 and report[0]
