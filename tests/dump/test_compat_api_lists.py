"""Lists, chains and arrays as programs walk them: limits, warnings, damage, partial results."""

HEAD = ("head = sym2addr('init_task') + member_offset('struct task_struct', 'tasks')\n"
        "first = readPtr(head)\n"
        "offset = member_offset('struct task_struct', 'tasks')\n")
MODULES = "head = sym2addr('modules')\noffset = member_offset('struct module', 'list')\n"


# -- readList and its relatives --

def test_the_nodes_of_a_list_with_and_without_the_first(crash, told):
    count = len(crash.run("mod").splitlines()) - 1
    assert told("len(readListByHead(head)), len(readList(head)), len(readList(head, inchead=False))"
                ", readList(head)[0] == head, list_for_each_entry is readListByHead", MODULES) \
        == f"({count}, {count + 1}, {count}, True, True)\n"


def test_a_list_that_begins_with_null_is_empty(told):
    assert told("readList(0), readListByHead(0), readBadList(0), readStructNext(0, 'next')") \
        == "([], [], [], [])\n"


def test_a_list_longer_than_maxel_is_cut_with_a_warning_that_says_where(crash):
    crash.program("from pykdump.API import *\ndef walk(head):\n"
                  "    return readListByHead(head, maxel=3)\n", "walking.py")
    text = crash.epython(f"from pykdump.API import *\nimport walking\n{HEAD}"
                         "print(len(walking.walk(head)))")
    warning, length, *summary = text.splitlines()
    assert warning.startswith("+++WARNING+++ list at 0x")
    assert warning.endswith("more than maxel=3 elements (walking.py:3 < prog.py:6)")
    assert length == "3" and warning.removeprefix("+++WARNING+++ ") in "\n".join(summary)


def test_a_list_that_is_cut_without_a_warning(told):
    assert told("len(readList(head, maxel=3, inchead=False, warn=False))", HEAD) == "3\n"


def test_the_limit_of_the_option_holds_where_none_is_given(crash):
    crash.program(f"from pykdump.API import *\n{HEAD}\nprint(len(readListByHead(head)))\n"
                  "print(len(readListByHead(head, maxel=100000)))")
    text = crash.run("epython prog --maxel=5")
    assert "has more than maxel=5 elements" in text and "\n5\n" in text


def test_a_list_that_leads_nowhere_is_reported_and_its_beginning_returned(crash):
    text = crash.epython("from pykdump.API import *\nprint(readList(0x1000), readList(8, 16))")
    assert text.count("+++ERROR+++ list at 0x") >= 2
    assert "\n[4096] [8]\n" in text


def test_what_is_wrong_with_a_list_is_returned(crash):
    text = crash.epython("from pykdump.API import *\nnodes, fault = readBadList(0x1000)\n"
                         f"{MODULES}print(nodes, 'broken' in fault, readBadList(head)[1])")
    assert "\n[4096] True None\n" in text


# -- readSUListFromHead --

def test_the_structs_of_a_list(crash, told):
    pids = sorted(int(line.lstrip(">").split()[0]) for line in crash.run("ps -G").splitlines()[1:])
    assert told("sorted(t.pid for t in readSUListFromHead(head, 'tasks', 'struct task_struct'))",
                HEAD) == f"{[pid for pid in pids if pid]}\n"


def test_a_list_from_the_name_of_a_struct(told):
    assert told("readSUListFromHead('init_task', 'tasks', 'struct task_struct') == "
                "readSUListFromHead(head, 'tasks', 'struct task_struct')", HEAD) == "True\n"


def test_a_list_with_its_head(told):
    assert told("readSUListFromHead('init_task', 'tasks', 'struct task_struct', inchead=True)[0]"
                ".pid", HEAD) == "0\n"


def test_a_list_of_structs_that_is_cut(told):
    text = told("len(readSUListFromHead('init_task', 'tasks', 'struct task_struct', maxel=4))")
    assert "+++WARNING+++ list of struct task_struct.tasks" in text and "\n4\n" in text


def test_a_list_by_a_member_that_there_is_not(told):
    assert "KeyError" in told("readSUListFromHead(head, 'nothing', 'struct task_struct')", HEAD)
    assert "TypeError" in told("readSUListFromHead(head, 'tasks', 'struct nothing')", HEAD)
    assert "TypeError: There's no symbol <nothing>" in \
        told("readSUListFromHead('nothing', 'tasks', 'struct task_struct')")


# -- readStructNext, readSUArray --

def test_a_chain_of_structs(crash, told):
    before = "first = readSymbol('file_systems')"
    assert told("[str(x.name) for x in readStructNext(first, 'next')][:3]", before) \
        == "['sysfs', 'tmpfs', 'proc']\n"
    assert told("[str(x.name) for x in readStructNext(first, 'next', inchead=False)][:2]",
                before) == "['tmpfs', 'proc']\n"


def test_a_chain_that_is_cut(told):
    text = told("len(readStructNext(first, 'next', maxel=2))", "first = readSymbol('file_systems')")
    assert "has more than maxel=2 elements" in text


def test_a_chain_by_a_member_that_there_is_not(told):
    assert "KeyError" in told("readStructNext(readSymbol('file_systems'), 'nothing')")


def test_the_structs_of_an_array(told):
    assert told("[int(s) - a for s in readSUArray('struct list_head', a, 3)]",
                "a = sym2addr('modules')") == "[0, 16, 32]\n"


def test_an_array_without_an_end_has_as_many_as_a_list_may_have(told):
    assert told("type(g).__name__, sum(1 for s in g)",
                "g = readSUArray('struct list_head', 0)") == "('generator', 10000)\n"


# -- ListHead --

def test_a_list_head_is_a_list_of_addresses_with_a_struct(told):
    assert told("(type(l[0]) is int, l == readListByHead(head), "
                "l.list == readSUListFromHead(head, 'list', 'struct module'))",
                MODULES + "l = ListHead(head, 'struct module')") == "(True, True, True)\n"


def test_a_list_head_is_a_list_of_list_heads_without(told):
    assert told("ListHead(head)[0].PYT_symbol", MODULES) == "'struct list_head'\n"


def test_a_list_head_by_a_member_that_there_is_not(told):
    assert "KeyError" in told("ListHead(head, 'struct module').nothing", MODULES)


def test_whether_a_list_is_empty(told):
    assert told("LH_isempty(readSU('struct list_head', head)), "
                "LH_isempty(readSU('struct task_struct', sym2addr('init_task')).ptraced)",
                MODULES) == "(False, True)\n"


# -- hashes --

INODES = ("table = readSymbol('inode_hashtable')\n"
          "full = getFullBucketsH(table, 8, 4096, 0)\n")


def test_the_buckets_of_a_hash_that_are_not_empty(told):
    assert told("(len(full) > 0, all(readPtr(int(table) + 8 * i) == p for i, p in full), "
                "getFullBuckets(table, 8, 4096, 0) == [p for i, p in full])", INODES) \
        == "(True, True, True)\n"


def test_the_structs_of_a_hash_chain(told):
    assert told("(type(chain).__name__, [int(inode) + at for inode in chain][0] == pointer)",
                INODES + "index, pointer = full[0]\n"
                "at = member_offset('struct inode', 'i_hash')\n"
                "chain = hlist_for_each_entry('struct inode', int(table) + 8 * index, 'i_hash')") \
        == "('generator', True)\n"


def test_the_first_of_many(told):
    assert told("[t.pid for t in iterN(readSUListFromHead('init_task', 'tasks', "
                "'struct task_struct'), 2)], list(iterN([1], 5))") == "([1, 2], [1])\n"
