"""Small modules of LinuxDump that programs import, on a real dump."""

import json

import pytest


@pytest.fixture
def told(crash):
    """A function: the value of an expression, after some statements, by way of JSON."""
    def tell(expression, before=""):
        return json.loads(crash.epython(f"import json\nfrom pykdump.API import *\n{before}\n"
                                        f"print(json.dumps({expression}))\n"))
    return tell


# -- trees --

TREES = "from LinuxDump.trees import *\n"


def test_a_red_black_tree_is_walked_in_its_order(told):
    # the tree of sysfs is ordered by the hash of names
    hashes = told("[kn.hash for kn in for_all_rbtree(root.dir.children, 'struct kernfs_node',"
                  " 'rb')]", TREES + "root = readSymbol('sysfs_root').kn")
    assert len(hashes) > 5
    assert hashes == sorted(hashes)


def test_nodes_follow_each_other_to_a_null(told):
    steps = "found, node = [], rb_first(tree)\nwhile node:\n" \
        "    found.append(int(node))\n    node = rb_next(node)\n"
    assert told("found == [int(n) for n in for_all_rbtree(tree)] and len(found) > 5",
                TREES + "tree = readSymbol('sysfs_root').kn.dir.children\n" + steps) is True


def test_an_empty_tree_has_no_first_node(told):
    assert told("[rb_first(tree), list(for_all_rbtree(tree))]",
                TREES + "tree = readSU('struct rb_root', sym2addr('empty_zero_page'))\n") \
        == [None, []]


def test_the_pages_of_a_file_are_found_by_index(told, crash):
    pages = "from LinuxDump.trees import *\n" \
        "from LinuxDump.Tasks import TaskTable\n" \
        "f = TaskTable().getByPid(1).mm.exe_file\nroot = f.f_mapping.i_pages\n"
    assert told("[[int(entry) for entry, _slot in (radix_tree_lookup_element(root, i)"
                " for i in range(f.f_mapping.nrpages))]] == [list(walk_page_tree(root))]",
                pages) is True
    assert told("radix_tree_lookup_element(root, 1 << 40)", pages) == [None, None]


# -- idr --

def test_an_idr_is_walked_by_rising_id(told, dump):
    ids = told("[number for number, pid in idr_for_each(readSymbol('init_pid_ns').idr)]",
               "from LinuxDump.idr import *\n")
    assert ids == sorted(ids)
    assert {task["tid"] for task in dump.oracle["tasks"]} <= set(ids)


# -- kernfs and sysfs --

def test_the_path_of_a_device_in_sysfs(told):
    assert told("sysfs_fullpath(gendev2sd(lo.dev))",
                "from LinuxDump.sysfs import *\nlo = readSymbol('init_net').loopback_dev\n") \
        == "/devices/virtual/net/lo"


def test_the_entries_of_sysfs_are_those_that_linux_always_has(told):
    entries = told("[decode_kernfs_node(kn) for kn in kndir_iterate(readSymbol('sysfs_root').kn)]",
                   "from LinuxDump.kernfs import *\n")
    assert {"block", "bus", "class", "devices", "kernel", "module"} <= {name for name, _ in entries}
    assert {kind for _name, kind in entries} == {"/"}


def test_what_is_no_node_of_kernfs_has_no_path(told):
    assert told("kernfs_fullpath(readSU('struct kernfs_node', 8))",
                "from LinuxDump.kernfs import *\n") == "Bad kernfs_node"


def test_devices_and_kobjects_have_names(told):
    assert told("[dev_name(lo.dev), kobj_name(lo.dev.kobj)]",
                "from LinuxDump.kobjects import *\nlo = readSymbol('init_net').loopback_dev\n") \
        == ["lo", "lo"]


def test_a_klist_is_a_list_of_its_nodes(told):
    nodes = told("[n.isNamed('struct klist_node') for n in klistAll(children)]",
                 "from LinuxDump.kobjects import *\n"
                 "children = readSymbol('platform_bus').p.klist_children\n")
    assert len(nodes) > 3 and all(nodes)


# -- libmisc --

@pytest.mark.parametrize("text, value", [
    ("1.5", 1.5), ("0x1f", 31), ("017", 15), ("12", 12), ("b101", 5), ("ff", 255), ("zz", 0)])
def test_a_number_as_people_type_it(told, text, value):
    assert told(f"arg_value({text!r})", "from LinuxDump.libmisc import *\n") == value


def test_a_symbol_is_a_number_too(told):
    assert told("arg_value('linux_banner') == sym2addr('linux_banner')",
                "from LinuxDump.libmisc import *\n") is True


def test_names_and_values_of_an_enum(told):
    assert told("[get_enum_string(0, 'pid_type'), get_enum_string(99, 'pid_type'),"
                " get_enum_tag_value('PIDTYPE_TGID', 'pid_type'),"
                " get_enum_tag_value('NOPE', 'pid_type'), get_enum_tag_value('X', 'nope')]",
                "from LinuxDump.libmisc import *\n") \
        == ["PIDTYPE_PID", "UNKNOWN", 1, None, None]


def test_per_cpu_pointers_are_summed(told):
    assert told("[p.count, p.sum_values(sym2addr('process_counts')) >= 0, sorted(p.cpu)]",
                "from LinuxDump.libmisc import *\np = get_per_cpu()\n") == [2, True, [0, 1]]


# -- crashhelper --

def test_output_that_goes_past_ours_is_caught(told):
    assert told("[run_crash_command('!sh -c \"echo one; echo two >&2\"'),"
                " run_crash_command_with_file('!cat', 'three')]",
                "from LinuxDump.crashhelper import *\n") == ["one\ntwo\n", "three"]


def test_a_command_that_there_is_not_says_so(told):
    assert "not found" in told("run_crash_command('!nothing-of-this-name')",
                               "from LinuxDump.crashhelper import *\n")


# -- fs_h --

def test_flags_beyond_a_shift_are_there(told):
    assert told("[MS_FLAGS['MS_NOUSER'], len(MS_FLAGS), MNT_FLAGS.MNT_SHARED,"
                " FILE_MODE_FLAGS.FMODE_WRITE]", "from LinuxDump.fs.fs_h import *\n") \
        == [1 << 31, 31, 0x1000, 2]
