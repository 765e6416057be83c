"""Trees of processes as wholes: pruned, compacted, damaged and very deep ones; rows that fit."""

from types import SimpleNamespace

import pytest


@pytest.fixture
def trees():
    from LinuxDump import tasktree
    return tasktree


def grown(trees, description):
    """A tree of (name, children ...)."""
    name, *below = description
    node = trees.Node(SimpleNamespace(comm=name))
    node.children = [grown(trees, child) for child in below]
    return node


def shape(node):
    label = f"{node.count}*{node.task.comm}" if node.count > 1 else node.task.comm
    return (label, *map(shape, node.children))


def test_only_what_is_kept_is_left_and_what_leads_to_it(trees):
    root = grown(trees, ("a", ("b", ("x",), ("c",)), ("d", ("e",)), ("x", ("f",))))
    trees.prune(root, lambda task: task.comm == "x")
    assert shape(root) == ("a", ("b", ("x",)), ("x",))
    trees.prune(root, lambda task: False)
    assert shape(root) == ("a",)


def test_subtrees_that_look_alike_are_there_once(trees):
    pair = ("p", ("c",), ("c",))
    root = grown(trees, ("a", pair, ("p", ("c",)), pair, ("q",)))
    trees.compact(root, lambda task: task.comm)
    assert shape(root) == ("a", ("2*p", ("2*c",)), ("p", ("c",)), ("q",))


def test_a_branch_of_any_depth_is_no_problem(trees):
    root = node = grown(trees, ("top",))
    for _ in range(100_000):
        node.children = [trees.Node(SimpleNamespace(comm="deep"))]
        node = node.children[0]
    trees.compact(root, lambda task: task.comm)
    trees.prune(root, lambda task: False)
    assert shape(root) == ("top",)


class Struct(int):
    """A task_struct whose parent is told."""

    parents: dict[int, int] = {}

    @property
    def group_leader(self):
        return self

    @property
    def real_parent(self):
        return Struct(Struct.parents[self])


def path(trees, parents, start):
    Struct.parents = parents
    table = SimpleNamespace()
    table.task = lambda ts: SimpleNamespace(ts=ts, real_parent=ts.real_parent, ttable=table)
    return [task.ts for task in trees.path_to(table.task(Struct(start)))]


def test_the_path_to_a_process_begins_with_the_first(trees):
    assert path(trees, {0: 0, 1: 0, 5: 1}, 5) == [0, 1, 5]


def test_parents_that_make_a_circle_have_an_end(trees):
    assert path(trees, {5: 6, 6: 7, 7: 6}, 5) == [7, 6, 5]


@pytest.mark.parametrize("limits, fits", [
    ({}, True), ({"older": 1}, False), ({"codes": frozenset(["UN", "IN"])}, True),
    ({"codes": frozenset(["UN"])}, False), ({"comm": "kw*"}, True), ({"comm": "KW*"}, False),
    ({"uid": 0}, True), ({"uid": 1}, False), ({"cpu": 1}, True), ({"cpu": 0}, False)])
def test_a_row_fits_limits(limits, fits):
    """It has run a little later than the clock of its CPU shows."""
    from LinuxDump.taskrows import Filter, Row

    row = Row(0xffff888000000000, 7, 7, 2, "kworker/1:0", 1, False, "TASK_INTERRUPTIBLE", -0.5, 0,
              0, True)
    assert Filter(**limits).fits(row) is fits
