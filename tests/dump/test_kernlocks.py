"""LinuxDump.KernLocks on a dump whose threads wait on every kind of lock."""

import json
import re

import pytest

HEAD = "from LinuxDump.KernLocks import *\n"


@pytest.fixture
def printed(locks_crash):
    """A function: the lines that a call prints for the lock of a name."""
    def run(call):
        return locks_crash.epython(HEAD + call).splitlines()
    return run


@pytest.fixture
def told(locks_crash):
    def tell(expression, before=""):
        return json.loads(locks_crash.epython(
            f"import json\n{HEAD}{before}\nprint(json.dumps({expression}))\n"))
    return tell


def rows(lines):
    """The waiters that were printed: [(pid, name), ...]"""
    found = (re.fullmatch(r"\t *(\d+)  (\S+)", line) for line in lines)
    return [(int(row[1]), row[2]) for row in found if row]


def test_a_mutex_is_told_with_its_waiters_and_owner(printed):
    lines = printed("decode_mutex(sym2addr('lab_mutex'))")
    assert re.fullmatch(r" -+<struct mutex 0x[0-9a-f]+>-+", lines[0]) and len(lines[0]) == 40
    assert lines[1] == "    Waiters on this mutex:"
    assert [name for _pid, name in rows(lines)] == ["lab-chain-own", "lab-mutex-wait"]
    assert rows(lines) == sorted(rows(lines))
    assert re.fullmatch(r"    Owner of this mutex: pid=\d+ cmd=lab-mutex-own", lines[-1])


def test_waiters_of_a_mutex_come_in_their_order(locks_crash, told):
    theirs = locks_crash.run("list -o mutex_waiter.list -s mutex_waiter.task -h " + told(
        "hex(readSU('struct mutex', sym2addr('lab_mutex')).wait_list.next"
        " - member_offset('struct mutex_waiter', 'list'))"))
    tasks = [int(address, 16) for address in re.findall(r"task = 0x([0-9a-f]+)", theirs)]
    assert len(tasks) >= 2
    assert told("[int(t) for t in get_mutex_waiters(sym2addr('lab_mutex'))]") == tasks[:2]


def test_a_free_mutex_has_neither_waiters_nor_owner(printed):
    assert len(printed("decode_mutex(sym2addr('wq_pool_mutex'))")) == 1


def test_a_semaphore_has_waiters(told, printed):
    assert [name for _pid, name in told("decode_semaphore(sym2addr('lab_semaphore'), 0)")] \
        == ["lab-sem-wait"]
    lines = printed("decode_semaphore(sym2addr('lab_semaphore'))")
    assert lines[0].startswith("<struct semaphore 0x") and rows(lines)[0][1] == "lab-sem-wait"


def test_an_rwsem_had_for_writing_names_the_writer(printed, told):
    lines = printed("decode_rwsemaphore(sym2addr('lab_rwsem_written'))")
    assert lines[0].startswith("<struct rw_semaphore 0x")
    assert {name for _pid, name in rows(lines)} == {"lab-written-r", "lab-written-w"}
    assert re.fullmatch(r"    Writer of this rw_semaphore: pid=\d+ cmd=lab-written-own", lines[-1])
    assert told("[t.comm for t in get_rwsemaphore_tasks(sym2addr('lab_rwsem_read'))]") \
        == ["lab-read-wait"]


def test_an_rwsem_had_for_reading_names_a_reader(printed):
    lines = printed("decode_rwsemaphore(sym2addr('lab_rwsem_read'))")
    assert "   Reader is the owner" in lines
    assert re.fullmatch(r"    Reader of this rw_semaphore: pid=\d+ cmd=lab-read-own", lines[-1])


@pytest.mark.parametrize("lock", ["lock", "lock.rlock", "lock.rlock.raw_lock"])
def test_a_spinlock_in_any_of_its_clothes_tells_whether_it_is_held(told, lock):
    # files_struct.file_lock of a task that sleeps, and a page of ones instead of it
    assert told(f"spin_is_locked({lock})",
                "from LinuxDump.Tasks import TaskTable\n"
                "lock = TaskTable().getByPid(1).files.file_lock\n") is False
    assert told(f"spin_is_locked({lock})",
                "lock = readSU('struct spinlock', sym2addr('linux_banner'))\n") is True


def test_what_is_no_spinlock_is_a_key_error(printed):
    assert printed("try:\n    spin_is_locked(readSU('struct mutex', sym2addr('lab_mutex')))\n"
                   "except KeyError as err:\n    print(err.args[0].partition(' 0x')[0])\n") \
        == ["<struct mutex"]


@pytest.mark.parametrize("name", ["mutex", "semaphore", "rwsemaphore"])
@pytest.mark.parametrize("address", ["8", "sym2addr('linux_banner')", "(1 << 64) - 8"])
def test_damage_is_reported_and_nothing_raised(printed, name, address):
    lines = printed(f"decode_{name}({address})")
    assert any(line.startswith("+++ERROR+++ ") for line in lines)
    assert not any("Traceback" in line for line in lines)


def test_a_waiter_without_a_task_is_named_so(printed):
    lines = printed("from LinuxDump import KernLocks\n"
                    "KernLocks._print_waiters([readSU('struct task_struct', 0)])\n")
    assert "\t       0  <bad task!!!>" in lines
    assert any("corrupted wait_list" in line for line in lines)
