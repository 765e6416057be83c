"""Parts of LinuxDump that work on text and numbers only."""

import re

import pytest

BT = """\
PID: 122      TASK: ffff8d4f81803000  CPU: 1    COMMAND: "lab-vfork"
 #0 [ffffcda800463c90] __schedule at ffffffff8a010e3d
 #1 [ffffcda800463d18] schedule.isra.0 at ffffffff8a01154a [ext4]
    [exception RIP: do_fork+18]
    RIP: 0000000000435598  RSP: 00007ffda2129120  RFLAGS: 00000202
 #2 [ffffcda800463d30] asm_exc at ffffffff8a016e3a (via page_fault)

bt: something went wrong

PID: 7        TASK: ffff8d4f81803001  CPU: 0    COMMAND: "two words"
    START: thread_return at ffffffff8a010e3d
"""


@pytest.fixture
def stacks(monkeypatch):
    from LinuxDump import BTstack
    monkeypatch.setattr(BTstack, "addr2sym", lambda address, loose: ("f", address & 0xff))
    return BTstack.exec_bt(text=BT, MEMOIZE=False)


def test_stacks_are_parsed(stacks):
    first, second = stacks
    assert (first.pid, first.addr, first.cpu, first.cmd) == \
        (122, 0xffff8d4f81803000, 1, "lab-vfork")
    assert [(frame.level, frame.func, frame.offset) for frame in first.frames] == [
        (0, "__schedule", 0x3d), (1, "schedule.isra.0", 0x4a), (-1, "do_fork", 18),
        (2, "asm_exc", 0x3a)]
    assert first.frames[1].module == " [ext4]" and first.frames[3].via == "page_fault"
    assert len(first.frames[2].data) == 1
    assert (second.cmd, second.frames[0].frame) == ("two words", None)
    assert sorted(stacks)[0] is second


def test_functions_are_found_from_either_end(stacks):
    stack = stacks[0]
    assert stack.hasfunc("schedule") == (0, "schedule")
    assert stack.hasfunc(re.compile("^schedule")) == (1, "schedule")
    assert stack.hasfunc("page_fault", reverse=True) == (0, "page_fault")
    assert stack.hasfunc("nonsense") is False


def test_equal_stacks_are_shown_once(stacks, capsys):
    from LinuxDump.BTstack import bt_mergestacks
    bt_mergestacks([stacks[0], stacks[1], stacks[0]], count=2, verbose=1)
    assert capsys.readouterr().out == """
------- 2 stacks like that: ----------
  #0   __schedule
  #1   schedule.isra.0
  #-1  do_fork
  #2   asm_exc

   ........................
     lab-vfork                      2 times
   ... PIDs ...
   122    122
"""


@pytest.mark.parametrize("style, text", [
    ("WIDE", "a -+- bb -+- c\n   |      `- d\n   `- e\n"),
    ("COMPACT", "a-+-bb-+-c\n  |    `-d\n  `-e\n")])
def test_trees_are_drawn_below_their_nodes(style, text):
    from LinuxDump import tasktree
    below = {"a": ["bb", "e"], "bb": ["c", "d"]}
    gap = " " if style == "WIDE" else ""
    lines = tasktree.draw("a", lambda item: tasktree.Label(item + gap, len(item + gap)),
                          lambda item: below.get(item, []), getattr(tasktree, style))
    assert "".join(line + "\n" for line in lines) == text


def test_one_long_branch_is_drawn_in_time():
    from LinuxDump import tasktree
    lines = tasktree.draw(0, lambda item: tasktree.Label("x", 1),
                          lambda item: [item + 1] if item < 30000 else [], tasktree.COMPACT)
    assert list(lines) == ["---".join("x" * 30001)]


class Node:
    def __init__(self, ts):
        self.ts = ts


def test_a_process_that_is_its_own_ancestor_is_shown_once(capsys):
    from LinuxDump.tasktree import Processes
    one, two = Node(1), Node(2)
    children = {1: [two, two], 2: [one]}

    class Table:
        def children(self, task):
            return children[task.ts]

    processes = Processes(Table(), one)
    assert processes.children(one) == [two]
    assert processes.children(two) == []
    assert len(processes) == 2 and processes.depth(two) == 1
    assert capsys.readouterr().out.count("is in the tree already") == 2


@pytest.mark.parametrize("ago, text", [
    (250, "1.00 s"), (250 * 3600 * 12, "12 hours"), (250 * 3600 * 30, ">24hours"),
    (-1, "     n/a")])
def test_delays_in_jiffies(monkeypatch, ago, text):
    from LinuxDump import Time
    monkeypatch.setattr(Time, "HZ", 250)
    assert Time.j_delay(1000, (1000 + ago) % 2 ** 32) == text


@pytest.mark.parametrize("jiffies", [2 ** 32 + 25000, 25000])
def test_jiffies_of_both_widths_are_counted_from_boot(monkeypatch, jiffies):
    from LinuxDump import Time
    monkeypatch.setattr(Time, "HZ", 250)
    assert Time.jiffies2ms(jiffies) == (300 + 100) * 1000


def test_addresses_are_shown_as_they_are_stored():
    from LinuxDump import inet
    assert inet.ntodots(0x0100007f) == "127.0.0.1"
    assert (inet.ntodots(0), inet.ntodots(0, False)) == ("0.0.0.0", "*")
    assert inet.ntodots6([0, 0, 0, 0x01000000]) == "::1"
    assert inet.ipv6_addr_v4mapped([0, 0, inet.htonl(0xffff), 0x0100007f])
    assert not inet.ipv6_addr_v4mapped([0, 0, 0, 0x0100007f])


def test_socket_names():
    from LinuxDump.inet import proto
    assert proto.protoName(6) == "tcp" and proto.protoName(254) == "proto=254"
    assert proto.P_FAMILIES.PF_INET6 == 10 and proto.P_FAMILIES.value2key(1) == "PF_FILE"


@pytest.mark.parametrize("module", [
    "BTstack", "Tasks", "Time", "creds", "fs", "inet", "inet.proto", "namespaces", "percpu",
    "pidinfo", "taskmem", "tasktree", "threadflags"])
def test_a_star_import_brings_the_api_and_touches_no_kernel(module):
    names = {}
    exec(f"from LinuxDump.{module} import *", names)
    if module != "Time":        # has a list of its own names, as it always had
        assert "readSU" in names and "pylog" in names


class Fields:
    """A struct with these members."""

    def __init__(self, **members):
        self.__dict__.update(members)


@pytest.mark.parametrize("value, pages", [(7, 7), (-2, 0)])
def test_memory_counters_of_old_and_new_kernels(monkeypatch, value, pages):
    from LinuxDump import taskmem
    monkeypatch.setattr(taskmem, "_counter_index", lambda name: 1)
    monkeypatch.setattr(taskmem, "percpu_counter_sum", lambda counter: counter)
    old = Fields(rss_stat=Fields(count=[None, Fields(counter=value)]))
    new = Fields(rss_stat=[None, value])
    assert taskmem.mm_counter(old, "MM_ANONPAGES") == pages
    assert taskmem.mm_counter(new, "MM_ANONPAGES") == pages


def test_user_ids_with_and_without_user_namespaces():
    from LinuxDump.creds import kid
    assert kid(Fields(val=1000)) == kid(1000) == 1000
