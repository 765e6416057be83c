"""hanginfo on a dump whose threads wait for each other on every kind of lock."""

import json
import re

import pytest

from tests.dump.harness import untimed


@pytest.fixture(scope="module")
def report(locks_crash):
    return untimed(locks_crash.run("hanginfo"))


@pytest.fixture
def pid(locks_crash, locks_dump):
    return {task["comm"]: task["tid"] for task in locks_dump.oracle["tasks"]}


def section(report, title):
    """What is printed of a class, without its heading."""
    heading = f"\n {f' {title} '.center(60, '=')}\n"
    return report.partition(heading)[2].partition("\n\n")[0]


def test_the_report_begins_with_the_deadlock(report, pid):
    a, b = pid["lab-cycle-a"], pid["lab-cycle-b"]
    first, second = (f"   pid={a} cmd=lab-cycle-a waits for mutex lab_cycle_b\n",
                     f"   pid={b} cmd=lab-cycle-b waits for mutex lab_cycle_a\n")
    heading = " *** UNINTERRUPTIBLE threads, classified ***\n\n ********  Deadlock **********\n"
    assert report.startswith((heading + first + second, heading + second + first))


def test_a_class_lists_its_threads_and_their_locks(report, pid):
    text = section(report, "Waiting on rw_semaphores")
    threads = re.search(r"\[(.*)\]", text).group(1)
    assert {int(number) for number in threads.split(", ")} \
        == {pid[name] for name in ("lab-written-r", "lab-written-w", "lab-read-wait")}
    assert "  -- lab_rwsem_written rwsem, 2 waiting\n" \
        f"   Owner: pid={pid['lab-written-own']} cmd=lab-written-own\n   for writing" in text
    assert f"   Owner: pid={pid['lab-read-own']} cmd=lab-read-own (likely)\n" in text


def test_each_thread_is_in_one_class(report, locks_dump):
    hung = [task["tid"] for task in locks_dump.oracle["tasks"] if task["state"] == "D"]
    classified, _heading, others = report.partition("Non-classified UN Threads")
    listed = [int(number) for line in re.findall(r"^      \[(.*)\]$", classified, re.M)
              for number in line.split(", ")]
    listed += [int(number) for number in re.findall(r"^ +(\d+)\n\n\*\*\*", others, re.M)]
    assert sorted(listed) == sorted(hung)


def test_owners_are_shown_with_their_stacks_and_those_who_wait(report, pid):
    owners = report.partition("*** Threads that own resources the other threads are waiting on")[2]
    stack = owners.partition(f"\nPID={pid['lab-mutex-own']}  ")[2].partition("\n\n")[0]
    assert "mutex_own" in stack
    waiters = sorted(pid[name] for name in ("lab-chain-own", "lab-chain-wait", "lab-mutex-wait"))
    assert f"    ... waited for by {waiters}" in stack


def test_what_others_wait_for_is_an_activity(report, pid):
    assert f"  --- Doing freeze of ext2 on loop0 ---\n    [{pid['touch']}]\n" in report


def test_idle_kernel_threads_do_not_hang(report):
    assert "lab-idle" not in report


def test_the_tree_hangs_waiters_below_owners(locks_crash, pid):
    tree = locks_crash.run("hanginfo --tree").partition("-" * 78)[2]
    # it may be the last one that waits for lab_mutex, with no bar below it
    assert re.search(
        rf" \+-- pid={pid['lab-chain-own']} cmd=lab-chain-own  \[mutex lab_mutex\]\n"
        rf" [| ]    \+-- pid={pid['lab-chain-wait']} cmd=lab-chain-wait  "
        r"\[mutex lab_chain_mutex\]\n", tree)


def test_json_says_the_same(locks_crash, pid):
    told = json.loads(untimed(locks_crash.run("hanginfo --json")))
    threads = {thread["comm"]: thread for thread in told["threads"]}
    waiting = threads["lab-chain-wait"]
    assert waiting["class"] == "Waiting on mutexes"
    assert waiting["wait"]["owners"] == [pid["lab-chain-own"]]
    assert waiting["chain"] == [pid["lab-chain-wait"], pid["lab-chain-own"]]
    # 3aec4ecb3d1f ("x86: Rewrite ret_from_fork() in C")
    stack = [name for name in waiting["stack"] if name != "ret_from_fork_asm"]
    assert stack[-2:] == ["kthread", "ret_from_fork"]
    assert sorted(map(sorted, told["cycles"])) == [sorted((pid["lab-cycle-a"],
                                                           pid["lab-cycle-b"]))]
    assert {cluster["root"] for cluster in told["clusters"]} >= {pid["lab-mutex-own"],
                                                                 pid["lab-rt-own"]}


def test_tables_rather_than_lists(locks_crash):
    text = locks_crash.run("hanginfo -v")
    assert "     PID          CMD       CPU   Ran ms ago   STATE\n" in text
    assert re.search(r"^ +\d+  lab-rt-wait +\d+ +\d+      UN$", text, re.M)


def test_how_many_pids_are_shown(locks_crash):
    assert "        printing 2 out of 5\n" in locks_crash.run("hanginfo --maxpids=2")
    assert re.search(r"^      \[\d+, <3 skipped>, \d+\]$",
                     locks_crash.run("hanginfo --maxpids=2"), re.M)
    assert "sorted by" not in locks_crash.run("hanginfo --maxpids=0")
    assert re.search(r"^      \[\d+, \.\.\., \d+\]$",
                     locks_crash.run("hanginfo --maxpids=2 --sortbypid"), re.M)


def test_threads_that_ran_a_moment_ago_may_be_left_out(locks_crash):
    assert untimed(locks_crash.run("hanginfo --older=100000")) \
        == "There are no UNINTERRUPTIBLE tasks\n"


def test_sleeping_threads_too(locks_crash):
    assert "own_for_ever" in locks_crash.run("hanginfo --sleeping")


def test_help_and_version_do_not_look_at_the_kernel(locks_crash):
    assert "Usage: hanginfo [options]" in locks_crash.run("hanginfo -h")
    assert locks_crash.run("hanginfo --version").startswith("HANGINFO version ")


def test_a_reader_that_goes_is_no_error(locks_crash):
    assert locks_crash.run("hanginfo | head -1") == " *** UNINTERRUPTIBLE threads, classified ***\n"


def test_a_healthy_guest_has_one_parent_that_waits_for_its_child(crash, dump):
    pids = {task["comm"]: task["tid"] for task in dump.oracle["tasks"]}
    report = crash.run("hanginfo")
    assert "Waiting for children after vfork" in report
    assert f"   Owner: pid={pids['lab-vfork-kid']} cmd=lab-vfork-kid\n" in report


def test_who_waits_for_a_log_daemon_that_does_not_read(locks_crash):
    text = locks_crash.run("hanginfo --syslogger -v")
    assert "+++WARNING+++ A problem with syslog daemon <syslogd>" in text
    assert " -- Socket we wait for: " in text
    assert "A problem with syslog daemon" in locks_crash.run("hanginfo")


def test_this_is_no_host_of_sap(locks_crash):
    assert untimed(locks_crash.run("hanginfo --saphana")) \
        == "This host is _not_ running SAP HANA!\n"
