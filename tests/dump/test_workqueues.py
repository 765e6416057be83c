"""Workqueues: on a dump where one work never ends, and against the guest's kworkers."""

import json
import re

import pytest

HEAD = "import json\nfrom LinuxDump.WorkQueues import *\n"
POOLS = "pools = {int(p.pool): p.pool for wq in all_workqueues() for p in for_each_pwq(wq)}\n"


@pytest.fixture
def told(crash):
    def tell(expression, before=""):
        return json.loads(crash.epython(f"{HEAD}{before}\nprint(json.dumps({expression}))\n"))
    return tell


def test_a_work_that_never_ends_is_shown_with_its_worker(locks_crash):
    lines = locks_crash.epython(HEAD + "print_all_workqueues()\n").splitlines()
    assert lines[0] == "WorkQueues - Active only".center(70, "-")
    assert re.fullmatch(r"   -{10}events-{9}   <struct workqueue_struct 0x[0-9a-f]+>", lines[2])
    at = next(i for i, line in enumerate(lines) if line.endswith("  work_run")
              or line.endswith(" work_run"))
    assert re.fullmatch(r"      <struct worker 0x[0-9a-f]+>  kworker/\d:\d work_run", lines[at])
    assert re.fullmatch(r"   <struct worker_pool 0x[0-9a-f]+> nr_workers=\d+ nr_idle=\d+",
                        lines[at - 1])
    assert re.fullmatch(r"  <struct pool_workqueue 0x[0-9a-f]+> active=[1-9] delayed=0",
                        lines[at - 2])


def test_all_workqueues_are_shown_on_request(crash):
    brief = crash.epython(HEAD + "print_all_workqueues()\n")
    text = crash.epython(HEAD + "print_all_workqueues(1)\n")
    assert text.startswith("All WorkQueues".center(70, "-"))
    names = re.findall(r"^   -*([^-\s]\S*?)-*   <struct workqueue_struct", text, flags=re.M)
    assert {"events", "events_unbound", "writeback"} <= set(names)
    assert len(names) > len(re.findall("<struct workqueue_struct", brief))


def test_workqueues_have_rescuers_which_are_threads_of_the_guest(told, dump):
    rescuers = told("{str(wq.name): wq.rescuer.task.pid for wq in all_workqueues()"
                    " if wq.rescuer}")
    kthreads = {task["tid"] for task in dump.oracle["tasks"] if task["kthread"]}
    assert {"netns", "writeback"} <= rescuers.keys() and set(rescuers.values()) <= kthreads


def test_workers_are_the_kworkers_of_the_guest(told, dump):
    found = told("sorted(w.task.pid for p in pools.values() for w in workers(p)"
                 " if w.task)", POOLS)
    theirs = sorted(task["tid"] for task in dump.oracle["tasks"]
                    if re.match(r"kworker/(\d+|u\d+):", task["comm"]))
    assert found and set(found) <= set(theirs)
    assert told("[p.nr_workers == len(workers(p)) for p in pools.values()]", POOLS) \
        == [True] * told("len(pools)", POOLS)


def test_a_queued_work_knows_its_queue(told):
    # what is pending or delayed when the guest panics differs: all of it must lead back
    assert told("all(get_pwq(w) is None or get_pwq(w).pool == p for p in pools.values()"
                " for works in [*pending_by_pwq(p).values()] for w in works)", POOLS) is True
    assert told("get_pwq(readSU('struct work_struct', sym2addr('empty_zero_page')))") is None


def test_sets_of_cpus_are_lists(told, dump):
    assert told("for_all_cpus()") == list(range(dump.oracle["nproc"]))
    assert told("cpumask_to_cpulist(readSU('struct cpumask', sym2addr('empty_zero_page')))") == []


@pytest.mark.parametrize("head", ["8", "sym2addr('linux_banner')"])
def test_a_damaged_list_of_workqueues_is_reported(crash, head):
    text = crash.epython(HEAD + "from LinuxDump import workers\n"
                         f"workers.sym2addr, kept = lambda name: {head}, workers.sym2addr\n"
                         "try:\n    print_all_workqueues(1)\nfinally:\n"
                         "    workers.sym2addr = kept\n")
    assert "+++ERROR+++ " in text and "Traceback" not in text
