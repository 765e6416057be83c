"""Run queues of a CPU that does not get to its tasks, in the guest with 5,000 threads."""

import json
import re

import pytest

from tests.dump import detected
from tests.dump.harness import untimed

QUEUED = ("lab-queued-1", "lab-queued-2", "lab-queued-rt")


@pytest.fixture(scope="module")
def told(threads_crash):
    return json.loads(untimed(threads_crash.run("crashinfo --json")))


@pytest.fixture
def queues(told):
    """The run queues as data."""
    return told["sections"]["runqueues"]


@pytest.fixture
def findings(told):
    return told["findings"]


@pytest.fixture
def queue(queues):
    """That of the CPU that spins."""
    return queues[1]


@pytest.fixture
def pids(threads_dump):
    return {task["comm"]: task["tid"] for task in threads_dump.oracle["tasks"]}


def test_tasks_that_wait_are_found_in_the_tree_and_in_the_list_of_their_priority(queue, pids):
    assert queue["problems"] == [] and queue["current"]["comm"] == "lab-burner"
    found = {task["comm"]: task for task in queue["queued"]}
    assert {name: found[name]["pid"] for name in QUEUED} == {name: pids[name] for name in QUEUED}
    assert [found[name]["kind"] for name in QUEUED] == ["fair", "fair", "rt"]
    assert found["lab-queued-rt"]["prio"] == 49 and queue["realtime"] == {"49": 1}
    assert found["lab-queued-1"]["prio"] == 120


def test_all_that_the_kernel_counts_are_there(queue, threads_crash):
    """But for those that have gone to sleep and are taken off their queue later: 152e11f6df29."""
    asleep = threads_crash.epython("""
from LinuxDump.Tasks import TaskTable
print(sum(task.cpu == 1 and task.ts.se.hasField("sched_delayed") and task.ts.se.sched_delayed
          for task in TaskTable().allThreads()))
""")
    assert queue["running"] == len(queue["queued"]) + 1 + int(asleep)


def test_tasks_of_groups_in_groups_are_found_by_their_trees(queues, pids):
    found = {task["comm"]: task for task in queues[0]["queued"]}
    assert found["lab-grouped"]["pid"] == pids["lab-grouped"]
    assert found["lab-grouped"]["kind"] == "fair" and found["lab-grouped"]["held"] is False


def test_tasks_whose_group_has_used_up_its_time_are_held(queues, pids, threads_crash):
    found = {task["comm"]: task for task in queues[0]["queued"]}
    assert found["lab-held"]["pid"] == pids["lab-held"] and found["lab-held"]["held"] is True
    assert len(queues[0]["throttled"]) == 1
    # of those that are held the kernel does not think that they run
    assert queues[0]["running"] == 1 + sum(not task["held"] for task in queues[0]["queued"])
    printed = untimed(threads_crash.run("crashinfo --runq"))
    assert re.search(rf"^ +{pids['lab-held']} lab-held .* throttled$", printed, re.M)
    assert f"    throttled: {queues[0]['throttled'][0]}\n" in printed


def test_how_long_they_wait_is_since_they_were_woken(queue):
    assert all(0 < task["waiting"] < 60 for task in queue["queued"] if task["comm"] in QUEUED)


def test_they_are_printed_below_the_cpu(threads_crash, pids):
    printed = untimed(threads_crash.run("crashinfo --runq"))
    cpu = printed.partition("  ---+ CPU=1 ")[2]
    assert re.match(r"<struct rq 0x[0-9a-f]+> ----\n"
                    r"     \| CURRENT TASK <struct task_struct 0x[0-9a-f]+>, CMD=lab-burner\n", cpu)
    assert re.search(rf"^ +{pids['lab-queued-1']} lab-queued-1 +\d+\.\d\d +\d+\.\d\d$", cpu, re.M)
    assert re.search(r"^  -- RT Queues ---\n    prio=49  len=1\n"
                     rf" +{pids['lab-queued-rt']} lab-queued-rt .*\n"
                     r"    1 Real-Time processes on this CPU$", cpu, re.M)


def test_tasks_that_wait_for_long_are_a_finding(threads_crash, pids):
    found = detected.findings(threads_crash, "scheduler", _threshold="lambda: 0.0005")
    starved = next(each for each in found
                   if each["id"] == "scheduler.starved" and "for CPU 1" in each["sentence"])
    assert starved["severity"] == "error"
    assert re.search(r"tasks have been ready for CPU 1 for up to \d+ s and did not run: it runs "
                     rf"pid={pids['lab-burner']} \(lab-burner\)\.$", starved["sentence"])
    assert {pids[name] for name in QUEUED} <= {piece["pid"] for piece in starved["evidence"]}
    held = next(each for each in found if each["id"] == "scheduler.bandwidth")
    assert held["evidence"][1]["pid"] == pids["lab-held"]


@pytest.mark.parametrize("names, expected", [
    (("lab-queued-1", "lab-queued-2"), []),         # bound to the CPU that spins
    (("lab-crowd", "lab-spaces"), ["scheduler.unbalanced"])])
def test_tasks_that_wait_while_a_cpu_that_they_may_use_is_idle_are_a_finding(
        threads_crash, names, expected):
    """As if these had been on the queue for five seconds, and the other CPU were idle."""
    found = json.loads(threads_crash.epython(f"""
import json
from LinuxDump.runqueues import Queued, run_queues
from LinuxDump.Tasks import TaskTable
from LinuxDump.triage import scheduler
tasks = [TaskTable().getByComm(name)[0] for name in {names!r}]
queued = [Queued(int(task.ts), task.pid, str(task.comm), "fair", 120, 0.0, 5.0, False)
          for task in tasks]
idle, busy = run_queues()
queues = [idle._replace(idle=True, queued=[]), busy._replace(queued=queued)]
print(json.dumps([finding.id for finding in scheduler._unbalanced(queues)]))
"""))
    assert found == expected


@pytest.mark.parametrize("held, throttled, expected", [
    (True, [], "scheduler.bandwidth"), (False, ["rt"], "scheduler.rt-throttled")])
def test_tasks_without_time_are_a_finding_of_their_own(threads_crash, held, throttled, expected):
    """As if their time had been used up: the queue that was there, with that in it."""
    found = json.loads(threads_crash.epython(f"""
import json
from LinuxDump.runqueues import run_queues
from LinuxDump.triage import scheduler
queue = run_queues()[1]
queue = queue._replace(throttled={throttled!r}, queued=[
    task._replace(held={held!r}, waiting=30.0 if {held!r} else task.waiting)
    for task in queue.queued])
print(json.dumps([finding.id for finding in [*scheduler._throttled(queue),
                                             *scheduler._starved(queue)]]))
"""))
    assert found == [expected]


def test_so_many_threads_that_sleep_are_no_finding(findings):
    assert {each["id"] for each in findings if each["severity"] != "note"} \
        <= {"scheduler.spinlock"}


# -- a spinlock ----------------------------------------------------------------------------------

@pytest.fixture
def spinlock(findings):
    return next(each for each in findings if each["id"] == "scheduler.spinlock")


def test_a_cpu_that_spins_is_told_with_the_lock_and_who_is_likely_to_have_it(spinlock, pids):
    assert spinlock["sentence"] == f"CPU 1 spins for lab_lock; pid={pids['lab-keeper']} " \
        "(lab-keeper), asleep, is likely to have it."
    lock, spinner, keeper = spinlock["evidence"]
    assert lock["what"] == "spinlock" and lock["text"].startswith("lab_lock, ")
    assert spinner["pid"] == pids["lab-burner"]
    assert spinner["text"].startswith("lab-burner spins on CPU 1 in spin_on, on it for ")
    assert keeper["text"] == \
        "lab-keeper, whose function keeper_thread has come past a use of the lock"
    assert spinlock["command"] == f"bt {pids['lab-keeper']}"


def test_the_address_of_the_lock_is_right(spinlock, threads_crash):
    assert threads_crash.run("sym lab_lock").split()[0] \
        == spinlock["evidence"][0]["address"].removeprefix("0x")


def test_how_bad_it_is_depends_on_how_long_it_may_have_been(spinlock, threads_crash):
    seconds = float(threads_crash.epython(
        "from LinuxDump.spinners import spinners\nprint(spinners()[0].seconds)"))
    assert spinlock["severity"] == ("error" if seconds >= 10 else
                                    "warning" if seconds >= 1 else "note")


def test_who_only_sleeps_is_not_taken_for_the_owner_of_a_lock(threads_crash):
    """Nobody has this one: no code of those that are on stacks has used it."""
    assert threads_crash.epython("""
from LinuxDump import spinners
from LinuxDump.taskrows import task_rows
from pykdump.API import sym2addr
print(spinners._holder(sym2addr("linux_banner"), [row for row in task_rows() if row.pid]))
""") == "None\n"
