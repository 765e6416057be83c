"""taskinfo and pstree on a guest with 5,000 threads, field by field against its own /proc."""

import json
import re
from collections import Counter, defaultdict

import pytest

from tests.dump.harness import untimed
from tests.dump.test_pstree import parents
from tests.dump.test_taskinfo import NAMES

TICKS = 100                 # of /proc, a second
POLICIES = {0: "SCHED_NORMAL", 1: "SCHED_FIFO", 2: "SCHED_RR", 3: "SCHED_BATCH", 5: "SCHED_IDLE"}
CAPABILITIES = {"CapInh": "inheritable", "CapPrm": "permitted", "CapEff": "effective",
                "CapBnd": "bounding", "CapAmb": "ambient"}
SECCOMP = ["disabled", "strict", "filter"]


def view(crash, line):
    return untimed(crash.run(line))


def records(crash, line):
    return json.loads(view(crash, line))


@pytest.fixture(scope="module")
def rows(threads_crash):
    """All that taskinfo lists but idle tasks, by tid."""
    return {row["pid"]: row for row in records(threads_crash, "taskinfo --json") if row["pid"]}


@pytest.fixture(scope="module")
def account(threads_dump):
    """What the guest says of each thread that cannot have changed since, by tid.

    Between its account and its panic the kernel may start a worker, or let one go; the first
    process, which told, has gone on; and CPU 1 is interrupted to handle a timer for ever.
    """
    return {task["tid"]: task for task in threads_dump.oracle["tasks"]
            if not task["comm"].startswith("kworker/")}


@pytest.fixture(scope="module")
def described(threads_crash, account):
    """taskinfo --pidinfo --json of the processes that the lab made, by name."""
    names = Counter(task["comm"] for task in account.values() if task["comm"].startswith("lab-"))
    single = [task for task in account.values() if names[task["comm"]] == 1
              and task["tid"] == task["tgid"] and task["state"] != "Z"]
    return {task["comm"]: records(threads_crash, f"taskinfo --pidinfo={task['tid']} --json")
            for task in single}


def process_lines(dump, section):
    """pid -> lines of a section whose lines begin with PID/file:."""
    found = defaultdict(list)
    for line in dump.oracle["text"][section].splitlines():
        pid, _slash, rest = line.partition("/")
        found[int(pid)].append(rest.partition(":")[2])
    return found


def status_of(dump):
    """pid -> {field: value} of what is told of processes' status."""
    return {pid: dict((name, value.strip()) for name, _colon, value
                      in (line.partition(":") for line in lines))
            for pid, lines in process_lines(dump, "processes").items()}


# -- lists --------------------------------------------------------------------------------------

def test_there_are_five_thousand_threads(account):
    assert len(account) > 5000
    assert len({task["tgid"] for task in account.values() if task["threads"] == 125}) == 40


@pytest.mark.parametrize("field", ["tgid", "ppid", "comm", "uid", "kthread"])
def test_each_thread_is_what_the_guest_says(rows, account, field):
    workers = {tid for tid, row in rows.items() if row["comm"].startswith("kworker/")}
    assert {tid: row[field] for tid, row in rows.items() if tid not in workers} == {
        tid: task[field] for tid, task in account.items()}


def test_each_user_thread_is_in_the_state_that_the_guest_says(rows, account):
    users = {tid: task for tid, task in account.items() if not task["kthread"] and tid != 1}
    assert {tid: rows[tid]["state"].partition("|")[0] for tid in users} == {
        tid: NAMES[task["state"]] for tid, task in users.items()}
    assert {"D", "R", "S", "T", "Z", "t"} == {task["state"] for task in users.values()}


def test_each_thread_was_started_when_the_guest_says(rows, account):
    assert {tid: int(rows[tid]["started_s"] * TICKS) for tid in account} == {
        tid: task["start_ticks"] for tid, task in account.items()}


def test_frozen_processes_sleep_and_are_told_to_be_frozen(threads_crash, threads_dump, rows):
    groups = process_lines(threads_dump, "cgroup")
    frozen = [pid for pid, lines in groups.items() if lines == ["0::/frozen"]]
    assert len(frozen) == 3
    for pid in frozen:
        assert rows[pid]["state"] == "TASK_INTERRUPTIBLE"
        part = records(threads_crash, f"taskinfo --pidinfo={pid} --json")["cgroup"]
        assert part == {"path": "/frozen", "frozen": True}
        assert "   -- Cgroup: /frozen (frozen)\n" in view(threads_crash,
                                                          f"taskinfo --pidinfo={pid}")


def test_who_is_on_a_cpu_stays_there_while_it_is_interrupted(rows):
    active = {row["comm"]: row["cpu"] for row in rows.values() if row["active"]}
    assert active == {"init": 0, "lab-burner": 1}


def test_lists_can_be_limited(threads_crash, rows):
    def pids(line):
        return {row["pid"] for row in records(threads_crash, f"taskinfo --json {line}")
                if row["pid"]}
    assert pids("--comm=crowd-1?") == {tid for tid, row in rows.items()
                                       if re.fullmatch("crowd-1.", row["comm"])}
    assert pids("--uid=1000") == {tid for tid, row in rows.items() if row["uid"] == 1000} != set()
    assert pids("--cpu=1") == {tid for tid, row in rows.items() if row["cpu"] == 1} != set()
    old = pids("--older=20s --comm=lab-* -r")
    assert old == {tid for tid, row in rows.items() if row["comm"].startswith("lab-")
                   and row["ran_ms_ago"] >= 20000}
    assert pids("--older=1d") == set()


@pytest.mark.parametrize("time", ["1x", "s", "-5", "nan", "inf"])
def test_a_time_that_is_none_is_refused_in_one_line(threads_crash, time):
    assert (f"\ntaskinfo: error: --older: {time!r} is not a time such as 120s, 2m, 1h, 1d\n"
            in view(threads_crash, f"taskinfo --older={time}"))


def test_start_times_are_in_order(threads_crash, rows):
    lines = view(threads_crash, "taskinfo --times --comm=lab-*").splitlines()
    assert lines[:3] == ["=== Tasks in order of start time ===",
                         "    PID            CMD  Start Time", "-" * 34]
    pids = [int(line.split()[0]) for line in lines[3:]]
    assert pids == sorted(pids, key=lambda pid: (rows[pid]["started_s"], pid))
    backwards = view(threads_crash, "taskinfo --times -r --comm=lab-*").splitlines()
    assert backwards[3:] == lines[:2:-1]
    assert re.fullmatch(r" +\d+ +\S+  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})? +UID=\d+", lines[3])


def test_each_process_sleeps_where_the_guest_says(threads_crash, threads_dump, rows, account):
    """As addresses: what C calls twice the namelist may know by another of its names.

    The guest says nothing before bc9bbb81730e "x86: Fix get_wchan() to support the ORC unwinder".
    """
    told = {pid: lines[0] for pid, lines in process_lines(threads_dump, "wchan").items()
            if pid in account and not account[pid]["kthread"] and pid != 1}
    waits = {row["pid"]: row["wchan"] for row in
             records(threads_crash, "taskinfo --json --wait") if row["pid"] in told}
    pairs = sorted({(told[pid].partition(".")[0], waits[pid]) for pid in told
                    if told[pid] != "0"})
    text = threads_crash.epython(
        "from pykdump.API import *\n"
        f"print([pair for pair in {pairs} if sym2addr(pair[0]) != sym2addr(pair[1])])")
    assert text == "[]\n"
    if not pairs:
        assert set(told.values()) == {"0"} and len(set(waits.values())) > 5
        return
    assert len(pairs) > 5
    assert {account[pid]["state"] for pid in told if told[pid] == "0"} == {"R", "Z"}
    assert {waits[pid] for pid in told if told[pid] == "0"} == {None}


def test_what_uninterruptible_threads_wait_for(threads_crash, account):
    pids = {task["comm"]: tid for tid, task in account.items()}
    line = view(threads_crash, "taskinfo --hang --wait").splitlines()[-1]
    assert re.search(r" lab-vfork .*  UN +UID=0  kernel_clone for vfork <struct completion "
                     rf"0x[0-9a-f]+> of pid={pids['lab-vfork-kid']}$", line)


# -- one task -----------------------------------------------------------------------------------

def test_credentials_are_those_of_the_guest(described, threads_dump):
    status = status_of(threads_dump)
    for one in described.values():
        told, cred = status[one["task"]["pid"]], one["credentials"]["cred"]
        assert cred["groups"] == [int(group) for group in told["Groups"].split()]
        assert cred["capabilities"] == {name: told[field]
                                        for field, name in CAPABILITIES.items()}
        assert one["security"] == {"seccomp": SECCOMP[int(told["Seccomp"])],
                                   "no_new_privs": told["NoNewPrivs"] == "1"}
    bound = described["lab-bound"]
    assert bound["credentials"]["cred"]["groups"] == [7, 1000, 70000]
    assert bound["security"] == {"seccomp": "filter", "no_new_privs": True}


def test_scheduling_is_that_of_the_guest(described, account, threads_dump):
    status = status_of(threads_dump)
    for one in described.values():
        told, known = account[one["task"]["pid"]], one["scheduling"]
        assert known["policy"] == POLICIES[told["policy"]]
        assert (known["prio"] - 100, known["nice"], known["rt_priority"]) == (
            told["prio"], told["nice"], told["rt_priority"])
        allowed = status[one["task"]["pid"]]["Cpus_allowed_list"]
        assert known["cpus"] == {"0": [0], "1": [1], "0-1": [0, 1]}[allowed]
    assert described["lab-realtime"]["scheduling"]["policy"] == "SCHED_FIFO"
    assert described["lab-user"]["scheduling"]["nice"] == 5
    assert described["lab-burner"]["scheduling"]["cpus"] == [1]


def test_control_groups_are_those_of_the_guest(described, threads_dump):
    told = process_lines(threads_dump, "cgroup")
    for one in described.values():
        assert told[one["task"]["pid"]][0].endswith(f":{one['cgroup']['path']}")
    assert described["lab-sleeper"]["cgroup"] == {"path": "/lab/inner", "frozen": False}


def test_what_a_person_reads_of_a_bound_process(threads_crash, account):
    pid = next(tid for tid, task in account.items() if task["comm"] == "lab-bound")
    text = view(threads_crash, f"taskinfo --pidinfo={pid}")
    assert "\tbounding    000001ffffdfdfff all but CAP_NET_RAW CAP_SYS_ADMIN\n" in text
    assert "   -- Security: seccomp=filter no_new_privs=1\n" in text
    assert re.search(r"   -- Sleeps in: \S*sys_pause$", text, re.M)


def test_memory_is_what_the_guest_says(threads_crash, threads_dump, account):
    status = status_of(threads_dump)
    found = {entry["pid"]: entry for entry in records(threads_crash, "taskinfo --memory --json")}
    still = [tid for tid, task in account.items() if tid == task["tgid"] and tid != 1
             and not task["kthread"] and task["state"] != "Z"]
    fields = {"RssFile": "file", "RssAnon": "anon", "RssShmem": "shmem", "VmSwap": "swap",
              "VmPTE": "pagetable"}
    for pid in still:
        told = {name: int(status[pid][field].split()[0]) for field, name in fields.items()}
        assert {name: found[pid][name] >> 10 for name in told} == told, account[pid]["comm"]
        assert found[pid]["rss"] >> 10 == account[pid]["vm_rss_kb"]
    owner = next(tid for tid in still if account[tid]["comm"] == "lab-memory")
    assert {pid: entry["sysv"] for pid, entry in found.items() if entry["sysv"]} == {
        owner: 12 << 20}


def test_memory_as_people_read_it(threads_crash):
    text = view(threads_crash, "taskinfo --mem --maxpids=1")
    assert re.fullmatch(r""" ==== First 1 Tasks reverse-sorted by RSS\+SHM ====
   PID= *\d+ CMD=lab-memory      RSS=0\.01\d Gb shm=0\.012 Gb

 ==== First 1 Tasks Reverse-sorted by RSS only ====
   PID= *\d+ CMD=lab-memory      RSS=0\.01\d Gb

 ==== What that is, in Mb ====
    PID CMD                   RSS      FILE      ANON     SHMEM      SWAP   PGTABLE
 *\d+ lab-memory( +\d+\.\d){6}

 === Total Memory in RSS  0\.\d{3} Gb
 === Total Memory in SHM  0\.012 Gb
""", text)


# -- namespaces ---------------------------------------------------------------------------------

def test_namespaces_are_those_of_the_guest(threads_crash, threads_dump, account):
    told = defaultdict(dict)
    for line in threads_dump.oracle["text"]["namespaces"].splitlines():
        head = re.fullmatch(r"(\d+)/ns:", line)
        link = re.search(r" (\w+) -> \w+:\[(\d+)\]$", line)
        if head:
            pid = int(head[1])
        elif link:
            told[pid][link[1]] = int(link[2])
    found = {entry["pid"]: entry for entry in records(threads_crash, "taskinfo --ns --json")}
    processes = [pid for pid in account if account[pid]["state"] != "Z" and told[pid]]
    assert {pid: {name: found[pid]["namespaces"][name] for name in told[pid]}
            for pid in processes} == {pid: told[pid] for pid in processes}
    inner = next(pid for pid in processes if account[pid]["comm"] == "lab-spaces-1")
    assert len(told[inner]) == 10 and set(found[inner]["differs"]) == set(told[inner])
    assert {pid: entry["pids"] for pid, entry in found.items() if pid in account} == {
        pid: account[pid]["nspid"] for pid in account if pid in found}


def test_user_namespaces_are_shown(threads_crash):
    text = view(threads_crash, "taskinfo --ns -v")
    assert re.search(r"~ *User Namespaces~*\n<struct user_namespace 0x[0-9a-f]+> level=1 owner=0\n"
                     r"(\tPID=\d+ .* CMD=lab-spaces\S*\n){3}", text)
    assert re.search(r"^\| \| PID=\d+\[2,1\] CMD=lab-spaces-2 +\| \|$", text, re.M)


# -- the tree -----------------------------------------------------------------------------------

def test_the_tree_is_that_of_the_guest(threads_crash, account):
    processes = {tid: task for tid, task in account.items() if tid == task["tgid"]}
    shown = parents(view(threads_crash, "pstree -p"))
    assert {pid: shown[pid] for pid in processes} == {
        pid: task["ppid"] for pid, task in processes.items()}
    nodes = {node["pid"]: node for node in records(threads_crash, "pstree --json")}
    assert {pid: (nodes[pid]["ppid"], nodes[pid]["threads"], nodes[pid]["comm"])
            for pid in processes} == {
        pid: (task["ppid"], task["threads"], task["comm"]) for pid, task in processes.items()}

    assert records(threads_crash, "taskinfo --pstree --json") == list(nodes.values())


def test_equal_subtrees_are_put_together(threads_crash, account):
    init = view(threads_crash, "pstree -t 1 -g --compact")
    assert " lab-crowd -+- 40*[lab-crowd---124*[{lab-crowd}]]\n" in init
    assert " |- 9*[sleep]\n" in init
    processes = sum(1 for tid, task in account.items()
                    if tid == task["tgid"] and not task["kthread"])
    assert init.endswith(f"\n\n\nTotal {processes} tasks printed\n")


def test_a_tree_can_be_limited(threads_crash, account):
    pids = {task["comm"]: tid for tid, task in account.items()}
    top = ("swapper/0 -+- init -+- lab-spaces -+- lab-spaces-1 -+- lab-spaces-2\n\n\n"
           "Total 5 tasks printed\n")
    assert view(threads_crash, f"pstree --parents -t {pids['lab-spaces-2']}") == top
    assert view(threads_crash, "pstree --comm=lab-spaces-2") == top
    assert view(threads_crash, f"pstree --depth=1 -t {pids['lab-spaces']}") == (
        "lab-spaces -+- lab-spaces-1\n\n\nTotal 2 tasks printed\n")
    assert "\ninit -+- lab-neglect -+- lab-zombie" in "\n" + view(
        threads_crash, "pstree -t 1 --state=ZO")
    assert view(threads_crash, "pstree -t 1 --depth=0").startswith("init\n")
    assert "pstree: error: --depth: -1 is less than 0" in view(threads_crash, "pstree --depth=-1")


def test_users_are_shown_where_they_change(threads_crash):
    text = view(threads_crash, "pstree -u -t 1")
    assert re.findall(r"\S+\(uid=\d+\)", text) == ["lab-user(uid=1000)"]


# -- stacks -------------------------------------------------------------------------------------

STACKS = """\
import json
from LinuxDump import stacks
from LinuxDump.Tasks import TaskTable
table = TaskTable()
print(json.dumps({task.pid: stacks.stack_of(task.ts).functions for task in table.allThreads()
                  if str(task.comm).startswith("lab-deep") or str(task.comm) == "lab-burner"}))
"""


def test_deep_stacks_and_interrupted_ones_are_whole(threads_crash, account):
    found = {account[int(pid)]["comm"]: functions
             for pid, functions in json.loads(threads_crash.epython(STACKS)).items()}
    for depth in (10, 40, 100):
        assert found[f"lab-deep-{depth}"].count("descend") == depth + 1
        # 3aec4ecb3d1f ("x86: Rewrite ret_from_fork() in C")
        callers = [name for name in found[f"lab-deep-{depth}"] if name != "ret_from_fork_asm"]
        assert callers[-3:] == ["deep_thread", "kthread", "ret_from_fork"]
    burner = found["lab-burner"]
    assert "spin_on" in burner and burner[-1] == "asm_sysvec_apic_timer_interrupt"


# -- a reader that leaves -----------------------------------------------------------------------

@pytest.mark.parametrize("command", ["taskinfo", "taskinfo --json", "taskinfo -r --wait",
                                     "pstree -p", "pstree --json", "taskinfo --ns --json"])
def test_a_reader_that_leaves_ends_a_long_list_silently(threads_crash, command):
    text = threads_crash.run(f"{command} | head -2")
    assert "Traceback" not in text and "rror" not in text
