"""What LinuxDump gives programs of the field: trees, idr, tasks, stacks, against crash's own."""

import re

import pytest

HEAD = """\
from LinuxDump.trees import *
from LinuxDump.idr import *
from pykdump.API import *
root = readSymbol("free_vmap_area_root")
"""


def numbers(text):
    return [int(word, 16) for word in re.findall(r"\b(?:0x)?([0-9a-f]{16})\b", text)]


@pytest.fixture
def lines(crash):
    """A function: the lines that a program prints."""
    def run(text):
        return crash.epython(HEAD + text).splitlines()
    return run


def test_the_structs_of_a_tree_are_those_that_crash_finds(crash, lines):
    theirs = numbers(crash.run("tree -t rbtree -o vmap_area.rb_node free_vmap_area_root"))
    text = lines("for area in for_all_rbtree(root, 'struct vmap_area', 'rb_node'):\n"
                 "    print(hexl(area), area.va_start)\n")
    starts = [int(line.split()[1]) for line in text]
    assert sorted(int(line.split()[0], 16) for line in text) == sorted(theirs)
    assert starts == sorted(starts) and len(starts) > 50


def test_the_nodes_of_a_tree_one_after_the_other(lines):
    assert lines("""
nodes = [rb_first(root)]
while True:
    node = rb_next(nodes[-1])
    if not node:
        break
    nodes.append(node)
print(nodes == list(for_all_rbtree(root)), len(nodes) > 50, node == 0)
print(all(rb_parent(node) in nodes or node == root.rb_node for node in nodes))
""") == ["True True True", "True"]


def test_a_cached_root_is_a_root(lines):
    assert lines("""
from LinuxDump.percpu import get_cpu_var
for address in get_cpu_var("hrtimer_bases"):
    for base in readSU("struct hrtimer_cpu_base", address).clock_base:
        head = base.active.rb_root
        nodes = list(for_all_rbtree(head, "struct timerqueue_node", "node"))
        if nodes:
            print(nodes[0].node == head.rb_leftmost, rb_first(head) == head.rb_leftmost,
                  nodes == list(for_all_rbtree(head.rb_root, "struct timerqueue_node", "node")))
""")[0] == "True True True"


def test_an_empty_tree_has_nothing(lines):
    # NULL is what an empty root holds.
    assert lines("empty = readSU('struct rb_root', sym2addr('init_task') + "
                 "member_offset('struct task_struct', 'pi_waiters'))\n"
                 "print(empty.rb_node == 0, list(for_all_rbtree(empty)), rb_first(empty))") \
        == ["True [] None"]


def test_entries_of_a_page_tree_are_found_by_their_index(lines):
    assert lines("""
best = None
for sb in walk_list(sym2addr("super_blocks"), "struct super_block", "s_list")[0]:
    for inode in walk_list(sb.s_inodes, "struct inode", "i_sb_list")[0]:
        pages = inode.i_mapping.i_pages
        if best is None or inode.i_mapping.nrpages > best.i_mapping.nrpages:
            best = inode
pages = best.i_mapping.i_pages
indices, entries, report = walk_xarray(pages)
print(len(indices) > 64, report, list(walk_page_tree(pages)) == entries)
found = [radix_tree_lookup_element(pages, index) for index in indices]
print([entry for entry, slot in found] == entries,
      all(readPtr(slot) == entry for entry, slot in found))
print(radix_tree_lookup_element(pages, 1 << 40), radix_tree_lookup_element(pages, 1 << 70))
""") == ["True whole True", "True True", "(None, None) (None, None)"]


def test_an_entry_alone_in_its_tree_is_at_index_0_only(lines):
    assert lines("""
for sb in walk_list(sym2addr("super_blocks"), "struct super_block", "s_list")[0]:
    for inode in walk_list(sb.s_inodes, "struct inode", "i_sb_list")[0]:
        pages = inode.i_mapping.i_pages
        if inode.i_mapping.nrpages == 1 and walk_xarray(pages)[0] == [0]:
            entry, slot = radix_tree_lookup_element(pages, 0)
            print([entry] == walk_xarray(pages)[1], radix_tree_lookup_element(pages, 1))
            sys.exit()
""") == ["True (None, None)"]


def test_numbers_and_pointers_of_an_idr_are_the_pids(crash, lines):
    theirs = {int(line.lstrip("> ").split()[0]) for line in crash.run("ps").splitlines()[1:]} - {0}
    text = lines("for number, pointer in idr_for_each(readSymbol('init_pid_ns').idr):\n"
                 "    print(number, readSU('struct pid', pointer).numbers.nr)\n")
    pairs = [tuple(map(int, line.split())) for line in text]
    assert all(number == nr for number, nr in pairs)
    # Numbers of process groups and sessions whose leader is gone are there too.
    assert theirs <= {number for number, _nr in pairs}
    assert [number for number, _nr in pairs] == sorted(number for number, _nr in pairs)


def test_a_damaged_tree_is_reported_and_delivers_what_it_has(lines):
    text = lines("print(list(for_all_rbtree(readSU('struct rb_root', 8))))\n")
    assert text[-1] != "[]" and any("+++ERROR+++ red-black tree at 0x8" in line for line in text)
    assert "[]" in text


def test_a_task_has_the_members_of_its_struct(lines):
    assert lines("""
from LinuxDump.Tasks import *
task = TaskTable().getByPid(1)
print(TaskTable() is TaskTable(), task.mm == task.ts.mm, task.pid, task.ts.shortStr()[:12])
for ask in (lambda: task.nothing, lambda: hasattr(task, "nothing")):
    try:
        print(ask())
    except KeyError as err:
        print("KeyError", err.args[0].partition(" (")[0])
""") == ["True True 1 <task_struct"] + ["KeyError <struct task_struct> does not have a field "
                                        "<nothing>"] * 2


def test_a_stack_out_of_a_text(lines):
    assert lines("""
from LinuxDump.BTstack import *
text = exec_crash_command("bt 2")
one, = exec_bt(text=text)
print([frame.func for frame in one.frames] == [frame.func for frame in exec_bt("bt 2")[0].frames],
      one.pid, one.cmd, bool(one.hasfunc("kthreadd")), bool(one.hasfunc("nothing")))
""") == ["True 2 kthreadd True False"]
