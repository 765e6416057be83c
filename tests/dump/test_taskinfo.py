"""Tasks as LinuxDump sees them and taskinfo prints them, against the guest's own account."""

import json
import re
from collections import Counter

import pytest

from tests.dump.harness import untimed

# What /proc calls a state, and what it is called here.
NAMES = {"R": "TASK_RUNNING", "S": "TASK_INTERRUPTIBLE", "D": "TASK_UNINTERRUPTIBLE",
         "T": "TASK_STOPPED", "t": "TASK_TRACED", "Z": "EXIT_ZOMBIE", "I": "TASK_IDLE"}
HEADER = (" PID          CMD       CPU   Ran ms ago   STATE\n"
          "------------------------------------------------\n")
EVERYTHING = """\
import json
from LinuxDump.Tasks import *
table = TaskTable()
print(json.dumps([{"pid": t.pid, "tgid": t.tgid, "ppid": t.Realparent.tgid, "comm": str(t.comm),
                   "state": t.state, "uid": t.Uid, "cpu": t.cpu, "threads": len(t.threads) + 1,
                   "ran": t.Ran_ago, "switches": [t.nvcsw, t.nivcsw]}
                  for t in table.allThreads()]))
"""


@pytest.fixture
def tasks(crash):
    """What TaskTable knows: idle tasks, and others by tid."""
    found = json.loads(crash.epython(EVERYTHING))
    idle = [task for task in found if task["pid"] == 0]
    return idle, {task["pid"]: task for task in found if task["pid"]}


def moved_on(task, account):
    """Has it run since the account was taken: only then may its state be another."""
    return task["switches"] != account["switches"]


def view(crash, arguments):
    return untimed(crash.run(f"taskinfo {arguments}"))


def pid_of(dump, comm):
    return next(task["tid"] for task in dump.oracle["tasks"] if task["comm"] == comm)


# -- the table --------------------------------------------------------------------------------

@pytest.mark.parametrize("field", ["tgid", "ppid", "comm", "uid", "threads"])
def test_every_thread_is_what_the_guest_says(tasks, dump, field):
    _idle, known = tasks
    expected = {task["tid"]: task[field] for task in dump.oracle["tasks"]}
    assert {tid: task[field] for tid, task in known.items()} == expected


def test_every_state_is_what_the_guest_says_of_those_that_have_not_run_since(tasks, dump):
    """The first process slept when it printed its account, and then crashed the kernel; kernel
    threads do what they have to do.  The processes that the lab has put into states stay there.
    """
    _idle, known = tasks
    for account in dump.oracle["tasks"]:
        task = known[account["tid"]]
        state = task["state"].partition("|")[0]
        if account["comm"].startswith("lab-") or state != "TASK_RUNNING" and \
                not moved_on(task, account):
            assert state == NAMES[account["state"]], task


def test_those_that_have_not_run_since_are_on_the_cpu_they_were_on(tasks, dump):
    _idle, known = tasks
    for account in dump.oracle["tasks"]:
        task = known[account["tid"]]
        # One that is about to run may have been given another CPU already.
        if task["state"] != "TASK_RUNNING" and not moved_on(task, account):
            assert task["cpu"] == account["cpu"], task


def test_each_cpu_has_an_idle_task(tasks, dump):
    idle, _known = tasks
    assert [task["comm"] for task in idle] == [f"swapper/{n}" for n in range(dump.oracle["nproc"])]


def test_a_vforking_parent_is_uninterruptible_and_idle_workers_are_not(tasks, dump):
    _idle, known = tasks
    sleeping = [known[account["tid"]] for account in dump.oracle["tasks"]
                if account["state"] in "DI" and not moved_on(known[account["tid"]], account)]
    codes = {task["comm"]: task["state"][5:7] for task in sleeping}
    assert codes.pop("lab-vfork") == "UN"
    assert len(codes) > 10 and set(codes.values()) <= {"ID", "RU"}


def test_how_long_ago_agrees_with_crash(crash, tasks):
    _idle, known = tasks
    for line in crash.run("ps -m").splitlines():
        row = re.match(r"\[(\d+) (\d+):(\d+):(\d+\.\d+)\] .*PID: (\d+) ", line)
        # crash counts on for one that is on a CPU, and has not stopped running.
        if row and int(row[5]) and known[int(row[5])]["state"] != "TASK_RUNNING":
            seconds = ((int(row[1]) * 24 + int(row[2])) * 60 + int(row[3])) * 60 + float(row[4])
            assert known[int(row[5])]["ran"] == pytest.approx(seconds * 1000, abs=2)


def test_threads_are_found_from_each_other(crash, dump):
    leader = pid_of(dump, "lab-threads")
    names = ["lab-in-futex", "lab-in-sleep", "lab-threads"]
    text = crash.epython("from LinuxDump.Tasks import *\ntable = TaskTable()\n"
                         f"leader = table.getByPid({leader})\n"
                         "for one in [leader, *leader.threads]:\n"
                         "    print(sorted(str(t.comm) for t in one.threads))\n"
                         "print(table.getByTid(leader.threads[0].pid) is leader.threads[0])\n"
                         "print(len(list(table.getThreadsByComm('lab-threads'))))")
    lines = text.splitlines()
    assert lines[:3] == [str(sorted(set(names) - {name})) for name in
                         ["lab-threads", "lab-in-sleep", "lab-in-futex"]]
    assert lines[3:] == ["True", "3"]


def test_open_files_are_those_of_the_guest(crash, dump):
    pid = pid_of(dump, "lab-files")
    text = crash.epython("from LinuxDump.Tasks import *\n"
                         f"for fd, _file, dentry, _inode in TaskTable().getByPid({pid}).taskFds():"
                         "\n    print(fd, get_dentry_name(dentry))")
    names = {}
    for line in text.splitlines():
        fd, _blank, name = line.partition(" ")
        names[fd] = name
    account = dump.oracle["fds"][str(pid)]
    assert names.keys() == account.keys()
    for fd in ("3", "4"):
        assert account[fd].endswith("/" + names[fd])


def test_sockets_are_those_of_the_guest(crash, dump):
    pid = pid_of(dump, "lab-sockets")
    text = crash.epython("from LinuxDump.Tasks import *\n"
                         f"for s in TaskTable().getByPid({pid}).get_task_socks():\n"
                         "    kind = proto.decodeSock(s)\n"
                         "    print(kind[2] if kind[3] else proto.unix_sock(s)[2])")
    assert text.split() == ["tcp"] * 3 + ["udp"] * 2 + ["tcp"] + \
        ["/run/lab.sock"] * 2 + ["@lab-abstract"]


def test_resident_memory_is_what_the_guest_says(crash, dump):
    found = json.loads(crash.epython(
        "import json\nfrom LinuxDump.Tasks import TaskTable\nfrom LinuxDump.taskmem import rss\n"
        "print(json.dumps({t.pid: rss(t) // 1024 for t in TaskTable().allTasks() if t.pid}))"))
    still = [task for task in dump.oracle["tasks"] if task["comm"].startswith("lab-")
             and task["tid"] == task["tgid"]]
    assert {task["tid"]: found[str(task["tid"])] for task in still} == \
        {task["tid"]: task["vm_rss_kb"] for task in still}


def test_per_cpu_pointers_keep_their_type(crash, dump):
    text = crash.epython("""
from LinuxDump.Tasks import *
from LinuxDump.percpu import *
base = sym2addr("runqueues")
for cpu, rq in enumerate(getRunQueues()):
    one = percpu_ptr(readSU("struct rq", base), cpu)
    print(one == rq == percpu_ptr(base, cpu), one.isNamed("struct rq"), one.cpu)
print(get_cpu_var_type("runqueues"), is_percpu_symbol(base), is_percpu_symbol(1 << 63))
try:
    get_cpu_var("nonsense")
except TypeError as err:
    print(err)
""")
    assert text.splitlines() == [f"True True {cpu}" for cpu in range(dump.oracle["nproc"])] + \
        ["struct rq True False", f"There's no symbol <nonsense> (kernel {dump.release})"]


def test_usens_takes_the_namespaces_of_a_task(crash, dump):
    text = crash.epython("from LinuxDump.inet import *\nprint(get_ns_net() != init_net)"
                         .replace("init_net", "sym2addr('init_net')"),
                         f"--usens={pid_of(dump, 'unshare')}")
    assert text.endswith("\nTrue\n")


# -- taskinfo --summary -----------------------------------------------------------------------

def test_the_summary_counts_all_threads(crash, dump, tasks):
    """Of each thread, tests above say that its state is what the guest says it is."""
    idle, known = tasks
    rows = {name: int(count) for name, count in
            re.findall(r"^  ([A-Z]\S+) +(\d+)$", view(crash, "--summ"), re.M)}
    assert rows == Counter(task["state"] for task in [*idle, *known.values()])
    letters = Counter(task["state"] for task in dump.oracle["tasks"])
    for letter in "TtZ":
        assert rows[NAMES[letter]] == letters[letter]
    assert sum(rows.values()) == sum(letters.values()) + dump.oracle["nproc"]


def test_the_summary_has_its_documented_form(crash):
    text = view(crash, "--summary")
    assert re.match(r"""Number of Threads That Ran Recently
-----------------------------------
   last second   ( *\d+)
   last     5s   ( *\d+)
   last    60s   ( *\d+)

 ----- Total Numbers of Threads per State ------
(  \S{1,40} +\d+
)+
\+\+\+WARNING\+\+\+ There are 3 threads running in their own namespaces
\tUse 'taskinfo --ns' to get more details
""", text)
    states = [line for line in text.splitlines() if line.startswith("  TASK_")]
    assert states == sorted(states) and all(len(line) == 48 for line in states)
    assert "  TASK_STOPPED                                 2\n" in text


def test_a_second_summary_imports_and_reads_nothing(crash):
    view(crash, "--summ")
    probe = ("import sys, _pykdump\nfrom LinuxDump import Tasks\n"
             "print(len(sys.modules), _pykdump.cache_statistics(), id(Tasks.TaskTable()))")
    before = crash.epython(probe)
    text = crash.run("taskinfo --summ")
    assert crash.epython(probe) == before
    took = re.search(r"Execution took +(\d+\.\d+)s", text)
    assert float(took[1]) < 0.05        # 0.002 on a quiet machine


def test_reload_reads_tasks_again(crash):
    probe = "from LinuxDump import Tasks\nprint(id(Tasks.TaskTable()))"
    before = crash.epython(probe)
    first = view(crash, "--summ")
    assert view(crash, "--summ --reload") == first
    assert crash.epython(probe) != before


def test_the_modules_that_a_summary_reloads(fresh_crash):
    crash = fresh_crash()
    crash.run("taskinfo --summ")
    crash.run("epython pyctl --set debugReload=1")
    text = crash.run("taskinfo --summ --reload")
    names = re.findall(r"^--reloading (.*)$", text, re.M)
    assert names[0] == "LinuxDump"
    # each comes after those it imports
    for one, other in (("percpu", "Tasks"), ("stacks", "BTstack"), ("BTstack", "Tasks"),
                       ("inet", "inet.proto")):
        assert names.index(f"LinuxDump.{one}") < names.index(f"LinuxDump.{other}")
    assert len(set(names)) == len(names)
    assert all(name.startswith("LinuxDump") for name in names)


def test_a_second_summary_imports_nothing_and_reads_nothing_again(crash):
    state = ("import sys, _pykdump\n"
             "print(len(sys.modules), _pykdump.cache_statistics()['misses'])")
    crash.run("taskinfo --summ")
    before = crash.epython(state)
    crash.run("taskinfo --summ")
    assert crash.epython(state) == before


def test_the_summary_as_json(crash, dump):
    summary = json.loads(view(crash, "--summ --json"))
    assert summary["threads"] == sum(summary["states"].values()) == \
        len(dump.oracle["tasks"]) + dump.oracle["nproc"]
    assert summary["ran_in_last_seconds"].keys() == {"1", "5", "60"}
    assert summary["in_own_namespaces"] == 3    # unshare, and the two processes it started


# -- lists ------------------------------------------------------------------------------------

def test_the_plain_list_has_all_threads_behind_their_leaders(crash, dump):
    text = view(crash, "")
    heading = "=== Tasks in PID order, grouped by Thread Group leader ===\n"
    assert text.startswith(heading + HEADER)
    pids = [int(pid) for pid in re.findall(r"^[ >] *(\d+) ", text, re.M)]
    assert sorted(pid for pid in pids if pid) == sorted(t["tid"] for t in dump.oracle["tasks"])
    leader = pid_of(dump, "lab-threads")
    at = pids.index(leader)
    assert set(pids[at:at + 3]) == {leader, pid_of(dump, "lab-in-sleep"),
                                    pid_of(dump, "lab-in-futex")}
    thread = re.search(rf"^ {pid_of(dump, 'lab-in-sleep'):7} .*$", text, re.M)[0]
    assert thread.endswith(f"{f'(tgid={leader})':>13} UID=0")


def test_active_tasks_are_marked(crash, dump):
    marked = re.findall(r"^> *(\d+) +(\S+)", view(crash, ""), re.M)
    assert ("1", "init") in marked
    active = re.findall(r"^> *(\d+)  .* (\S+)$", crash.run("ps -A").replace("[", ""), re.M)
    assert [pid for pid, _comm in marked] == sorted((pid for pid, _comm in active), key=int)


def test_recent_is_sorted_by_age(crash, dump):
    text = view(crash, "-r")
    assert text.startswith("=== Tasks in reverse order, scheduled recently first ===\n" + HEADER)
    ages = [int(line[28:42]) for line in text.splitlines()[3:]]
    assert ages == sorted(ages)
    assert len(ages) == len(dump.oracle["tasks"]) + dump.oracle["nproc"]


def test_only_states_that_are_asked_for(crash):
    text = view(crash, "--task=ST,TR")
    assert sorted(re.findall(r"(\S+) +\d+ +\d+  (?:ST|TR) ", text)) == \
        ["lab-stopped", "lab-traced", "sleep"]
    assert view(crash, "--taskfilter=XX").endswith(HEADER)


def test_hang_shows_uninterruptible_tasks_only(crash):
    rows = view(crash, "--hang").splitlines()[3:]
    assert len(rows) == 1 and " lab-vfork " in rows[0] and "  UN " in rows[0]


def test_a_command_is_run_for_each_task(crash, dump):
    text = view(crash, "--task=ZO --cmd=ps")
    pid = pid_of(dump, "lab-zombie")
    assert f"\ncrash> ps {pid}\n" in text and "\n" + "-" * 78 + "\n" in text


def test_stacks_are_shown_below_their_tasks(crash, dump):
    text = view(crash, "--hang -v")
    pid = pid_of(dump, "lab-vfork")
    assert re.search(rf"^PID={pid}  CPU=\d+ CMD=lab-vfork\n  #0   __schedule\+0x", text, re.M)


def test_the_list_as_json(crash, dump):
    rows = json.loads(view(crash, "--json --task=ZO"))
    assert [(row["pid"], row["comm"], row["state"], row["active"]) for row in rows] == \
        [(pid_of(dump, "lab-zombie"), "lab-zombie", "EXIT_ZOMBIE", False)]


def test_a_reader_that_leaves_ends_the_list_silently(crash):
    text = crash.run("taskinfo | head -3")
    assert text.splitlines()[:3] == ["=== Tasks in PID order, grouped by Thread Group leader ===",
                                     *HEADER.splitlines()]
    assert "Traceback" not in text and "Error" not in text


# -- one task ---------------------------------------------------------------------------------

def test_details_of_a_task(crash, dump):
    pid = pid_of(dump, "lab-user")
    text = view(crash, f"--pidinfo={pid}")
    assert re.match(rf"----{pid:7}\(IN\) <struct task_struct 0x[0-9a-f]+> lab-user\n"
                    r"   cpu \d\n   -- Parent: 1 init\n", text)
    for name in ("", "s", "e", "fs"):
        assert f"\t{name}uid=1000 {name}gid=1000\n" in text
    assert "   -- Rlimits:\n\t00 (RLIMIT_CPU) cur=INFINITY max=INFINITY\n" in text
    assert text.count("(RLIMIT_") == 16


def test_a_task_is_found_by_its_address_as_crash_prints_it(crash, dump):
    pid = pid_of(dump, "lab-in-sleep")
    address = re.search(r"TASK: ([0-9a-f]+)", crash.run(f"task -R pid {pid}"))[1]
    expected = view(crash, f"--pidinfo={pid}")
    assert view(crash, f"--pidinfo={address}") == expected
    assert view(crash, f"--pidinfo=0x{address}") == expected
    assert "lab-in-sleep" in expected


def test_a_dead_task_has_no_limits(crash, dump):
    assert "Rlimits" not in view(crash, f"--pidinfo={pid_of(dump, 'lab-zombie')}")


def test_a_task_that_is_not_there(crash):
    assert view(crash, "--pidinfo=99999") == "There is no task with pid= 99999\n"
    assert view(crash, "--pidinfo=ffff800000000000") == "Bogus addr ffff800000000000\n"
    assert "neither a PID nor an address" in view(crash, "--pidinfo=init")


def test_the_tree_of_one_process(crash, dump):
    top = pid_of(dump, "lab-tree")
    names = [f"{name}({pid_of(dump, name)})" for name in
             ("lab-tree", "lab-tree-1", "lab-tree-2", "lab-tree-3")]
    assert view(crash, f"--pstree --pidinfo={top}") == "---".join(names) + "\n"


def test_the_largest_processes(crash):
    text = view(crash, "--mem --maxpids=2")
    assert re.fullmatch(r""" ==== First 2 Tasks reverse-sorted by RSS\+SHM ====
(   PID= *\d+ CMD=\S+ +RSS=\d\.\d{3} Gb\n){2}
 ==== First 2 Tasks Reverse-sorted by RSS only ====
(   PID= *\d+ CMD=\S+ +RSS=\d\.\d{3} Gb\n){2}
 ==== What that is, in Mb ====
    PID CMD .*
( +\d+ \S+( +\d+\.\d){6}\n){2}
 === Total Memory in RSS +\d+\.\d{3} Gb
 === Total Memory in SHM +\d+\.\d{3} Gb
""", text)


def test_namespaces(crash, dump):
    pids = {task["tid"]: task["nspid"] for task in dump.oracle["tasks"]}
    text = view(crash, "--ns -v")
    assert text.startswith("Non-standard Namespaces".center(60, "*") + "\n")
    inside = {int(pid): [int(pid), int(inner)]
              for pid, inner in re.findall(r"^\| PID=(\d+)\[(\d+)\] CMD=", text, re.M)}
    assert inside == {pid: nspid for pid, nspid in pids.items() if len(nspid) > 1}
    assert "['uts_ns', 'ipc_ns', 'mnt_ns', 'net_ns', 'pid_ns_for_children']\n\tPID=" in text
    assert re.search(r"^\['mnt_ns'\]\n\tPID=\d+ .* CMD=kdevtmpfs$", text, re.M)


# -- the command line -------------------------------------------------------------------------

def test_help_and_version_do_not_look_at_the_kernel(fresh_crash):
    crash = fresh_crash()
    assert "Usage: taskinfo [options]" in crash.run("taskinfo -h")
    assert crash.run("taskinfo --version").startswith("TASKINFO version ")
    assert "C-Module version: " in crash.run("taskinfo --version -v")
    assert crash.epython("import sys\nprint('LinuxDump' in sys.modules)") == "False\n"


def test_an_unknown_option_is_refused_in_one_line(crash):
    assert "\ntaskinfo: error: no such option: --nonsense\n -- sys.exit(2) --\n" in \
        crash.run("taskinfo --nonsense")


def test_it_is_a_command_with_help(crash):
    assert "--pidinfo=PID" in crash.run("help taskinfo")
    assert crash.run("epython taskinfo --summ").startswith("Number of Threads That Ran Recently")
