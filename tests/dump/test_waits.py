"""What threads wait for and who has it, on a dump whose threads wait on every kind of lock."""

import json

import pytest

GRAPH = """
import json
from LinuxDump.Tasks import TaskTable
from LinuxDump.waitgraph import WaitGraph
table = TaskTable()
names = {int(task.ts): task.comm for task in table.allThreads()}
graph = WaitGraph(task.ts for task in table.allThreads() if "UNINTERRUPTIBLE" in task.state)
print(json.dumps({
    "waits": {names[task]: [wait.kind, wait.name, [names[owner] for owner in wait.owners],
                            wait.confidence, wait.function, wait.note]
              for task, wait in graph.waits.items()},
    "chains": {names[task]: [names[wait.task] for wait in graph.chain(task)]
               for task in graph.waits},
    "cycles": [[names[task] for task in cycle] for cycle in graph.cycles()],
    "clusters": [[names.get(cluster.root), cluster.what.kind,
                  [names[task] for task in cluster.waiters]] for cluster in graph.clusters()],
    "uninterruptible": [task.comm for task in table.allThreads()
                        if "UNINTERRUPTIBLE" in task.state]}))
"""


@pytest.fixture(scope="module")
def graph(locks_crash):
    return json.loads(locks_crash.epython(GRAPH))


@pytest.fixture(scope="module")
def preemptible(locks_dump):
    """Whether a task may go to sleep in an RCU read-side section and hold up grace periods."""
    return "rcu_preempt" in {task["comm"] for task in locks_dump.oracle["tasks"]}


def test_every_thread_that_waits_is_explained(graph):
    assert set(graph["uninterruptible"]) <= graph["waits"].keys()


@pytest.mark.parametrize("waiter, kind, name, owner, confidence", [
    ("lab-mutex-wait", "mutex", "lab_mutex", "lab-mutex-own", "certain"),
    ("lab-written-r", "rwsem", "lab_rwsem_written", "lab-written-own", "certain"),
    ("lab-written-w", "rwsem", "lab_rwsem_written", "lab-written-own", "certain"),
    ("lab-read-wait", "rwsem", "lab_rwsem_read", "lab-read-own", "likely"),
    ("lab-rt-wait", "rt_mutex", "lab_rt_mutex", "lab-rt-own", "certain"),
    ("lab-sem-wait", "semaphore", "lab_semaphore", None, "unknown"),
    ("lab-percpu-wait", "percpu_rwsem", "lab_percpu_rwsem", None, "unknown"),
    ("lab-compl-wait", "completion", "lab_completion", None, "unknown"),
    ("lab-queue-wait", "wait queue", "lab_queue", None, "unknown"),
    ("lab-bit-wait", "bit", "lab_bits", None, "unknown"),
])
def test_a_lock_is_known_with_its_owner(graph, waiter, kind, name, owner, confidence):
    assert graph["waits"][waiter][:4] == [kind, name, [owner] if owner else [], confidence]


def test_a_grace_period_is_waited_for_where_a_sleeper_holds_it_up(graph, preemptible):
    wait = ["RCU grace period", "rcu_state", ["lab-rcu-own"], "certain", "rcu_wait"]
    assert graph["waits"].get("lab-rcu-wait", [])[:5] == (wait if preemptible else [])


def test_the_function_that_waits_is_the_caller_of_the_lock(graph):
    functions = {waiter: wait[4] for waiter, wait in graph["waits"].items()}
    assert functions["lab-mutex-wait"] == "mutex_wait"
    assert functions["lab-queue-wait"] == "queue_wait"


def test_a_flushed_work_is_that_of_the_worker_that_runs_it(graph):
    kind, name, [owner], confidence, function, note = graph["waits"]["lab-work-wait"]
    assert (kind, name, confidence, function) == ("work", "lab_work", "certain", "work_wait")
    assert owner.startswith("kworker/")
    assert note == "it runs work_run"


def test_locks_within_objects_are_told_by_the_object(graph, locks_crash):
    kind = locks_crash.epython(
        "from pykdump.API import *\n"
        "print('folio' if struct_exists('struct folio') else 'page', end='')")
    assert graph["waits"]["lab-page-wait"][0] == kind
    assert graph["waits"]["lab-page-wait"][1].startswith(f"<struct {kind} 0x")
    assert graph["waits"]["lab-page-wait"][5] == "for bit 0 of its flags"
    assert graph["waits"]["lab-buffer-wait"][0] == "buffer"


def test_a_write_to_a_frozen_filesystem_names_it(graph):
    kind, name, _owners, _confidence, _function, note = graph["waits"]["touch"]
    assert (kind, note) == ("frozen filesystem", "ext2 on loop0")
    assert name.startswith("<struct super_block 0x")


def test_a_chain_leads_to_its_root(graph):
    assert graph["chains"]["lab-chain-wait"] == ["lab-chain-wait", "lab-chain-own"]
    assert ["lab-mutex-own", "mutex", ["lab-chain-own", "lab-mutex-wait", "lab-chain-wait"]] \
        in graph["clusters"] \
        or ["lab-mutex-own", "mutex", ["lab-mutex-wait", "lab-chain-own", "lab-chain-wait"]] \
        in graph["clusters"]


def test_a_deadlock_is_a_cycle(graph):
    assert [sorted(cycle) for cycle in graph["cycles"]] == [["lab-cycle-a", "lab-cycle-b"]]
    assert sorted(graph["chains"]["lab-cycle-a"]) == ["lab-cycle-a", "lab-cycle-b"]
    assert [sorted(waiters) for root, _kind, waiters in graph["clusters"]
            if root in ("lab-cycle-a", "lab-cycle-b")] == [["lab-cycle-a", "lab-cycle-b"]]


def test_the_largest_cluster_comes_first(graph):
    sizes = [len(waiters) for _root, _kind, waiters in graph["clusters"]]
    assert sizes == sorted(sizes, reverse=True)


def test_idle_kernel_threads_do_not_wait(graph):
    assert "lab-idle" not in graph["waits"]


@pytest.mark.parametrize("task", ["0", "8", "1 << 63", "sym2addr('linux_banner')"])
def test_what_is_no_task_waits_for_nothing(locks_crash, task):
    assert locks_crash.epython("from pykdump.API import *\nfrom LinuxDump.waiters import wait_of\n"
                               f"print(wait_of({task}))\n") == "None\n"


def test_a_vfork_is_waited_for_with_its_child(crash):
    text = crash.epython("from LinuxDump.Tasks import TaskTable\n"
                         "from LinuxDump.waiters import wait_of\n"
                         "[parent] = TaskTable().getByComm('lab-vfork')\n"
                         "[child] = TaskTable().getByComm('lab-vfork-kid')\n"
                         "wait = wait_of(parent.ts)\n"
                         "print(wait.kind, wait.owners == (child.ts,), wait.confidence)\n")
    assert text == "vfork True certain\n"
