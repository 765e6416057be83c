"""crashinfo on threads that wait for each other: findings, and details in place of the report."""

import json
import re
from functools import partial

import pytest

from tests.dump import detected
from tests.dump.harness import untimed


@pytest.fixture
def pid(locks_dump):
    return {task["comm"]: task["tid"] for task in locks_dump.oracle["tasks"]}


@pytest.fixture
def run(locks_crash):
    """A function: what a crashinfo command prints, without the line about time."""
    return lambda arguments: untimed(locks_crash.run(f"crashinfo {arguments}"))


@pytest.fixture
def address(locks_crash):
    """A function: the address of a symbol, as crash prints it."""
    def address_of(symbol):
        return locks_crash.run(f"sym {symbol}").split()[0]
    return address_of


@pytest.fixture
def findings(locks_crash):
    """A function: what a detector finds with other values of its names."""
    return partial(detected.findings, locks_crash)


# -- findings ------------------------------------------------------------------------------------

def test_a_deadlock_is_told_first(run, pid):
    printed = run("-q")
    first = printed.partition("  1. ")[2].partition("\n  2. ")[0]
    assert first.startswith("error: 2 threads wait for each other in a circle.\n")
    assert re.search(rf"task 0x[0-9a-f]+ pid={pid['lab-cycle-a']} lab-cycle-a waits for mutex "
                     r"lab_cycle_b$", first, re.M)
    assert "[hangs.deadlock]  more: hanginfo" in first


def test_threads_that_have_only_begun_to_wait_are_no_finding(findings):
    assert [finding["id"] for finding in findings("hangs")] == ["hangs.deadlock", "hangs.syslog"]


def test_a_log_daemon_that_does_not_read_is_a_finding(findings, pid):
    finding = findings("hangs")[-1]
    assert finding["severity"] == "warning"
    assert re.match(rf"A thread waits for the log daemon pid={pid['syslogd']} \(syslogd\), "
                    r"which is TASK_STOPPED and has not run for \d+ s\.$", finding["sentence"])
    assert [piece["what"] for piece in finding["evidence"]] == ["socket", "task", "task"]
    assert finding["evidence"][2]["text"].startswith("logger ")


def test_each_group_of_threads_that_hang_is_told_with_its_root(findings, pid):
    # as if they had waited for as long
    found = findings("hangs", _LONG=0.001, _CROWD=2)
    roots = {finding["evidence"][1]["pid"]: finding for finding in found
             if finding["id"] == "hangs.cluster" and len(finding["evidence"]) > 1}
    mutex = roots[pid["lab-mutex-own"]]
    assert mutex["severity"] == "error"
    assert mutex["sentence"].startswith(
        f"3 threads wait for mutex lab_mutex, which pid={pid['lab-mutex-own']} "
        "(lab-mutex-own) has; the longest for ")
    waiters = {piece["pid"] for piece in mutex["evidence"][2:]}
    assert waiters == {pid["lab-mutex-wait"], pid["lab-chain-own"], pid["lab-chain-wait"]}
    assert mutex["command"] == f"bt {pid['lab-mutex-own']}"


def test_age_alone_makes_one_thread_a_finding(findings, pid):
    found = findings("hangs", _timeout="lambda: 0.001")
    sentences = [finding["sentence"] for finding in found]
    assert any(re.match(r"A thread waits for rt_mutex lab_rt_mutex, which "
                        rf"pid={pid['lab-rt-own']} \(lab-rt-own\) has; the longest for \d+ s\.$",
                        text) for text in sentences)
    assert not any("vfork" in text for text in sentences)
    # those of the circle are not told twice
    assert sum("lab-cycle-a" in json.dumps(finding["evidence"]) for finding in found) == 1


def test_tasks_in_order_and_cpus_that_run_are_no_findings(findings):
    assert findings("tasklists") == []
    assert findings("scheduler") == []


def test_a_stack_with_another_end_is_a_critical_finding(locks_crash):
    found = json.loads(locks_crash.epython("""
import json
from LinuxDump import stackcheck
from LinuxDump.triage import tasklists
kept = stackcheck._STACK_END_MAGIC
stackcheck._STACK_END_MAGIC = 0x1234
try:
    tasklists.check_stacks = lambda: stackcheck.check_stacks(MEMOIZE=False)
    print(json.dumps([finding.record() for finding in tasklists.findings()]))
finally:
    stackcheck._STACK_END_MAGIC = kept
    tasklists.check_stacks = stackcheck.check_stacks
"""))
    assert [finding["id"] for finding in found] == ["tasks.stack"]
    assert found[0]["severity"] == "critical"
    assert "overwritten end of stack at 0x" in found[0]["evidence"][0]["text"]
    assert "0x57ac6e9d" in found[0]["evidence"][0]["text"]


def test_a_loop_of_parents_is_found_once_and_what_leads_to_it_ends_there(locks_crash):
    told = json.loads(locks_crash.epython("""
import json
from LinuxDump.ancestry import _chain, _loops
parents = {0: 0, 1: 0, 2: 3, 3: 4, 4: 2, 5: 2, 6: 1}
loops = _loops(parents)
print(json.dumps([loops, [_chain(task, parents, {2, 3, 4}) for task in (5, 6)]]))
"""))
    assert [sorted(loop) for loop in told[0]] == [[2, 3, 4]]
    assert told[1] == [[5], [1, 6]]


def test_chains_are_those_of_the_guest_and_the_longest_of_each_family(locks_crash, locks_dump):
    told = json.loads(locks_crash.epython("""
import json
from LinuxDump.ancestry import ancestry
print(json.dumps([[process.pid for process in chain] for chain in ancestry(2).chains]))
"""))
    parents = {task["tid"]: task["ppid"] for task in locks_dump.oracle["tasks"]}
    assert told and len({tuple(chain[:2]) for chain in told}) == len(told)
    for chain in told:
        assert [parents[pid] for pid in chain] == [0, *chain[:-1]]
    assert len(told) == sum(parent in (1, 2) for parent in parents.values())


def test_the_oldest_threads_that_hang_are_shown_with_their_stacks(locks_crash, locks_dump):
    """As if they had hung for half a minute."""
    printed = locks_crash.epython("""
from LinuxDump.report import uninterruptible
kept, uninterruptible._LONG_MS = uninterruptible._LONG_MS, 0
try:
    uninterruptible.show(0)
finally:
    uninterruptible._LONG_MS = kept
""")
    hung = {task["tid"] for task in locks_dump.oracle["tasks"] if task["state"] == "D"}
    assert printed.startswith("+++three oldest UNINTERRUPTIBLE threads\n   ... ran ")
    shown = re.findall(r"^   \.\.\. ran (\d+)s ago\n\nPID=(\d+)  CPU=\d+ CMD=.*\n  #0   __schedule",
                       printed, re.M)
    assert len(shown) == 3 and {int(pid) for _ago, pid in shown} <= hung
    assert shown == sorted(shown, key=lambda each: -int(each[0]))


# -- details -------------------------------------------------------------------------------------

def test_a_mutex_is_shown_with_waiters_and_owner(run, address, pid):
    printed = run(f"--mutex={address('lab_mutex')}")
    assert "    Waiters on this mutex:\n" in printed
    assert f"\t{pid['lab-mutex-wait']:8}  lab-mutex-wait\n" in printed
    assert f"    Owner of this mutex: pid={pid['lab-mutex-own']} cmd=lab-mutex-own\n" in printed


def test_an_address_may_have_its_prefix(run, address):
    bare = address("lab_mutex")
    assert run(f"--mutex 0x{bare}") == run(f"--mutex={bare}")


def test_semaphores_are_shown(run, address, pid):
    assert f"\t{pid['lab-sem-wait']:8}  lab-sem-wait\n" in run(
        f"--semaphore={address('lab_semaphore')}")
    printed = run(f"--rwsemaphore={address('lab_rwsem_written')}")
    assert f"Writer of this rw_semaphore: pid={pid['lab-written-own']} cmd=lab-written-own" \
        in printed


@pytest.mark.parametrize("option", ["--mutex", "--semaphore", "--rwsemaphore"])
@pytest.mark.parametrize("value, reason", [
    ("lab_mutex", "'lab_mutex' is not a hexadecimal number"),
    ("0", "0x0 is no address of the kernel"),
    ("12345", "0x12345 is no address of the kernel"),
    ("ffff000000000000", "0xffff000000000000 cannot be read: "),
    ("1" * 40, "is not a hexadecimal number")])
def test_a_wrong_address_is_one_line(run, option, value, reason):
    printed = run(f"{option}={value}")
    assert printed.startswith("crashinfo: error: ") and reason in printed
    assert printed.count("\n") == 1


def test_an_index_of_a_tree_is_looked_up(locks_crash, run):
    told = json.loads(locks_crash.epython("""
import json
from pykdump.API import *
space = readSU("struct pid_namespace", sym2addr("init_pid_ns"))
ids, entries, _report = walk_idr(space.idr)
print(json.dumps([int(space.idr.idr_rt), ids[-1], entries[-1]]))
"""))
    root, number, entry = told
    printed = run(f"--radix_tree_element {root:x} {number:x}")
    assert re.match(rf"  node=0x{entry:x}, slot=0x[0-9a-f]+\n$", printed)
    assert run(f"--radix_tree_element 0x{root:x} {number + 0x100000:x}") == "   Not found\n"
    assert "requires 2 arguments" in run(f"--radix_tree_element {root:x}")


def test_stacks_are_found_by_their_functions(run, pid):
    printed = run("--findstacks='^mutex_own'")
    assert re.findall(r"^PID=(\d+)  CPU=\d+ CMD=(.*)$", printed, re.M) \
        == [(str(pid["lab-mutex-own"]), "lab-mutex-own")]
    assert run("--findstacks=no_such_function") == ""
    assert run("--findstacks=(").startswith("crashinfo: error: --findstacks: '(' is no regular "
                                            "expression: ")


def test_equal_stacks_are_shown_once(run):
    printed = run("--stacksummary")
    counts = [int(count) for count in
              re.findall(r"^------- (\d+) stacks like that: ----------$", printed, re.M)]
    assert counts == sorted(counts, reverse=True) and counts[0] > 1
    assert "PIDs" not in printed and "PIDs" in run("--stacksummary -v")


def test_stacks_are_checked(run, locks_dump):
    checked = re.match(r"  (\d+) stacks checked, 0 could not be read\n$", run("--checkstacks"))
    assert int(checked[1]) >= len([task for task in locks_dump.oracle["tasks"]
                                   if task["state"] != "Z"])


def test_work_that_runs_is_shown(run):
    assert re.search(r"^      <struct worker 0x[0-9a-f]+>  kworker/\d+:\d+ work_run$",
                     run("--workqueues"), re.M)


def test_waiters_at_global_variables_are_shown(run, pid):
    printed = run("--lws")
    assert " -- rw_semaphores with count > 0 --\n" in printed
    assert f"     kauditd_wait\n\t{pid['kauditd']:8}  kauditd\n" in printed
    assert "func=<vmstat_shepherd>" in printed and "+++ERROR" not in printed


def test_old_workqueues_are_one_line_that_says_what_to_use(run):
    for option in ("--keventd_wq", "--kblockd_wq"):
        assert run(option) == "The kernel has had no workqueues of this kind since 2.6.36: use " \
            "'crashinfo --workqueues'\n"


def test_run_queues_alone(run):
    printed = run("--runq")
    assert re.match(r"  ---\+ CPU=0 <struct rq 0x[0-9a-f]+> ----\n"
                    r"     \| CURRENT TASK <struct task_struct 0x[0-9a-f]+>, CMD=", printed)
    assert "Tasks Summary" not in printed


def test_system_calls_are_decoded(run, pid):
    printed = run(f"--decodesyscalls={pid['touch']}")
    assert "    ....... Decoding Syscall Args .......\n" in printed
    assert re.search(r"^    openat?\(.*\)$", printed, re.M) and "/mnt/disk/new" in printed
    assert run("--decodesyscalls=touch") == printed
    assert run("--decodesyscalls=nobody") == \
        "crashinfo: error: --decodesyscalls: there is no thread 'nobody'\n"


def test_paths_are_listed(run):
    printed = run("--ls=/mnt")
    assert "=== Listing Directory Contents\n" in printed and " disk\n" in printed


def test_memory_of_all_processes(run):
    assert re.match(r"RSS_TOTAL=\d+ pages, %mem= +\d+\.\d\n$", run("--umem"))


def test_of_several_details_the_first_of_the_table_is_shown(run, address):
    both = run(f"--mutex={address('lab_mutex')} --findstacks='^mutex_own'")
    assert "Owner of this mutex" not in both and "CMD=lab-mutex-own" in both
