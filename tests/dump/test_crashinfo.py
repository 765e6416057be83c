"""crashinfo on a healthy machine: sections as people know them, and nothing that is wrong."""

import json
import re

import pytest

from tests.dump.harness import untimed

TITLES = ("*** Crashinfo v2.0 ***", "Per-cpu Stacks ('bt -a')", "How This Dump Has Been Created",
          "Tasks Summary", "5 Most Recent Threads", "Memory Usage (kmem -i)",
          "Scheduler Runqueues (per CPU)", "Network Status Summary", "Mounted FS",
          "Last 40 lines of dmesg buffer", "Findings")
HEAD = """
import contextlib, io, json
from LinuxDump.report import sections
def printed(function):
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        function()
    return text.getvalue()
"""


@pytest.fixture(scope="module")
def report(shared):
    return untimed(shared.get().run("crashinfo"))


@pytest.fixture(scope="module")
def told(shared):
    return json.loads(untimed(shared.get().run("crashinfo --json")))


def section(text, title):
    """What is printed below a title, up to the next."""
    following = text.partition(f"| {title} |")[2].partition("<\n")[2].partition("+\n")[2]
    return re.split(r"\n\n? +\+-+\+\n|\n\n\*{78}\n", following)[0]


def test_titles_are_in_boxes_and_in_their_order(report):
    found = re.findall(r"^>-*=*\| (.*) \|[-=]*<$", report, re.M)
    assert [title for title in found if title in TITLES] == list(TITLES)
    assert "\n                             +---------------+\n" \
        ">----------------------------| Tasks Summary |----------------------------<\n" \
        "                             +---------------+\n" in report


def test_a_healthy_machine_has_no_finding_above_note(told):
    assert [finding for finding in told["findings"] if finding["severity"] != "note"] == []
    assert told["failed"] == {}


def test_no_section_fails_on_a_healthy_machine(report, told):
    assert "+++ERROR+++" not in report
    assert [name for name, data in told["sections"].items()
            if isinstance(data, dict) and "error" in data] == []


def test_what_ran_on_cpus_is_shown_with_frames_and_cpu_numbers(report, dump):
    stacks = section(report, "Per-cpu Stacks ('bt -a')")
    assert re.findall(r"^      -- CPU#(\d+) --$", stacks, re.M) \
        == [str(cpu) for cpu in range(dump.oracle["nproc"])]
    assert re.search(r"\n\nPID=1  CPU=\d CMD=init\n  #0   \w+\+0x[0-9a-f]+\n", stacks)
    assert re.search(r"^  #\d+ +sysrq_handle_crash\+0x[0-9a-f]+$", stacks, re.M)


def test_threads_are_summed_up_by_state_as_the_guest_saw_them(told, dump):
    tasks = dump.oracle["tasks"]
    found = told["sections"]["tasks"]
    zombies = sum(task["state"] == "Z" for task in tasks)
    assert found["states"]["EXIT_ZOMBIE"] == zombies
    assert found["threads"] == sum(found["states"].values()) \
        == len(tasks) + dump.oracle["nproc"]       # each CPU's idle task has no place in /proc


def test_recent_threads_have_their_arguments(told, report, dump):
    recent = told["sections"]["recent"]
    assert len(recent) == 5
    assert recent == sorted(recent, key=lambda thread: not thread["active"])
    for thread in recent:
        given = dump.oracle["cmdline"].get(str(thread["pid"]))
        assert thread["arguments"] == (given or None)
    assert re.search(r"^ +1  init +0  /bin/sh /init\b.*$", section(report, "5 Most Recent Threads"),
                     re.M)
    assert re.search(r"^ +\d+  \S+ +\d+  \(no user stack\)$", report, re.M)


def test_run_queues_have_the_tasks_that_were_running(told, dump):
    running = {task["tid"] for task in dump.oracle["tasks"] if task["state"] == "R"}
    queues = told["sections"]["runqueues"]
    on_queues = {queue["current"]["pid"] for queue in queues} \
        | {task["pid"] for queue in queues for task in queue["queued"]}
    assert [queue["cpu"] for queue in queues] == list(range(dump.oracle["nproc"]))
    assert all(queue["problems"] == [] for queue in queues)
    burner = next(task["tid"] for task in dump.oracle["tasks"] if task["comm"] == "lab-burner")
    assert burner in on_queues and burner in running


def test_each_runnable_thread_is_on_the_queue_of_its_cpu(crash):
    found = json.loads(crash.epython("""
import json
from LinuxDump.runqueues import run_queues
from LinuxDump.taskrows import task_rows
queues = run_queues()
print(json.dumps([
    sorted((row.pid, row.cpu) for row in task_rows()
           if row.state == "TASK_RUNNING" and row.pid),
    sorted((pid, queue.cpu) for queue in queues
           for pid in [queue.current.pid, *(task.pid for task in queue.queued)] if pid)]))
"""))
    assert found[0] == found[1]


def test_sockets_are_counted_as_the_guest_saw_them(told, dump):
    network = told["sections"]["network"]
    sockets = dump.oracle["sockets"]
    states = [socket["state"] for kind in ("tcp", "tcp6") for socket in sockets[kind]]
    assert network["tcp"].get("LISTEN", 0) == states.count(10)
    assert network["tcp"].get("ESTABLISHED", 0) == states.count(1)
    assert sum(network["udp"].values()) == len(sockets["udp"]) + len(sockets["udp6"])
    assert sum(network["unix"].values()) == len(sockets["unix"])
    names = re.findall(r"^ *(\w+):", dump.oracle["text"]["net/dev"], re.M)
    assert sorted(each["name"] for each in network["interfaces"]) == sorted(names)


def test_sockets_of_other_namespaces_are_counted_when_these_are_chosen(crash, dump):
    found = json.loads(crash.epython("""
import contextlib, io, json
from LinuxDump import inet
from LinuxDump.inet import summary
nets = inet.get_net_namespace_list()
counts = []
try:
    with contextlib.redirect_stdout(io.StringIO()):
        for net in nets:
            inet.set_ns_net(int(net))
            counts.append([sum(summary.summarize().tcp.values()),
                           [each.name for each in summary.interfaces()]])
        inet.set_ns_net("all")
    counts.append(sum(summary.summarize().tcp.values()))
finally:
    inet.set_ns_net()
print(json.dumps(counts))
"""))
    *each, total = found
    sockets = dump.oracle["sockets"]
    assert sum(count for count, _names in each) == total \
        == len(sockets["tcp"]) + len(sockets["tcp6"])
    assert [0, ["lo"]] in [[count, names[:1]] for count, names in each]


def test_udp_buffers_that_are_nearly_full_are_a_warning(crash):
    printed = crash.epython(HEAD + """
from LinuxDump.inet import summary
kept, summary._FULL = summary._FULL, 0.0
try:
    summary.TCPIP_Summarize(True)
finally:
    summary._FULL = kept
""")
    assert re.match(r"\+\+\+WARNING\+\+\+ UDP buffer fill >=75%  rcv=\d+ snd=\d+ "
                    r"<struct udp_sock 0x[0-9a-f]+>\n", printed)


def test_mounts_are_those_of_the_guest(told, dump):
    assert {(mount["type"], mount["device"], mount["point"])
            for mount in told["sections"]["mounted"]} \
        == {(mount["type"], mount["device"], mount["point"]) for mount in dump.oracle["mounts"]}


def test_the_last_lines_of_the_log_are_there_and_all_of_them_with_v(crash, report):
    short = section(report, "Last 40 lines of dmesg buffer").splitlines()
    assert len([line for line in short if line]) == 40
    assert short[-1].endswith("---[ end Kernel panic - not syncing: sysrq triggered crash ]---")
    whole = crash.run("crashinfo -v")
    assert "| dmesg buffer |" in whole and "Linux version" in whole
    assert "| A Summary Of Threads Stacks |" in whole
    assert re.search(r"^------- \d+ stacks like that: ----------$", whole, re.M)


def test_load_is_high_by_the_number_of_cpus(crash, told, dump):
    load = told["sections"]["load"]
    assert load["averages"] == pytest.approx(dump.oracle["loadavg"], abs=0.3)
    assert load["cpus"] == dump.oracle["nproc"] and load["high"] is False
    printed = crash.epython(HEAD + """
from LinuxDump.report import load
load._HIGH = -1
try:
    load.show(0)
finally:
    load._HIGH = 2.0
""")
    assert re.match(r"\+\+\+WARNING\+\+\+ High Load Averages: [\d.]+, [\d.]+, [\d.]+ on 2 CPUs",
                    printed)


def test_stacks_are_whole(told, dump):
    checked = told["sections"]["stackcheck"]
    assert checked["corrupted"] == []
    alive = [task for task in dump.oracle["tasks"] if task["state"] != "Z"]
    assert checked["checked"] + checked["unreadable"] == len(alive) + dump.oracle["nproc"]


def test_locks_of_files_are_those_of_the_guest(crash, dump):
    told = dump.oracle["text"]["proc/locks"].split()
    assert untimed(crash.run("crashinfo --filelock")).split() == told


def test_a_dump_that_has_been_cut_is_a_warning(crash, dump, tmp_path):
    cut = tmp_path / "vmcore"
    with open(dump.elf, "rb") as whole:
        cut.write_bytes(whole.read(1 << 20))
    printed = crash.epython(f"""
from LinuxDump.dumpfile import DumpFile, _sizes
for path in ({str(dump.elf)!r}, {str(cut)!r}, "/nonexistent"):
    print(DumpFile(path, False, *_sizes(path)).problems)
""")
    assert printed == "[]\n['PARTIAL DUMP with size(vmcore)=1048576, which is 0% of what its " \
        "headers promise']\n[]\n"


# -- how it fails --------------------------------------------------------------------------------

def test_a_section_that_fails_costs_one_line(crash):
    printed = crash.epython(HEAD + """
import LinuxDump.report.load as load
kept = load.show
def show(verbose):
    print("before")
    raise KeyError("struct made_up")
load.show = show
try:
    sections.show(sections.Section("load", "High Load"), 0)
    sections.show(sections.Section("made_up"), 0)
    sections.show(sections.Section("tasks", "Tasks Summary"), 0)
finally:
    load.show = kept
""")
    assert "before\n+++ERROR+++ High Load: KeyError: 'struct made_up'\n" in printed
    assert "+++ERROR+++ made_up: ModuleNotFoundError: No module named" in printed
    assert "Number of Threads That Ran Recently" in printed
    assert "Traceback" not in printed


def test_a_section_that_takes_too_long_is_a_warning(crash):
    printed = crash.epython(HEAD + """
import time
import LinuxDump.report.load as load
kept = load.show
load.show = lambda verbose: time.sleep(60)
try:
    sections.show(sections.Section("load"), 0, 0.1)
    print(sections.record(sections.Section("tasks"), 30)["threads"] > 50)
finally:
    load.show = kept
""")
    assert printed.startswith("+++WARNING+++ load failed to complete within the timeout period "
                              "of 0.1s\nTrue\n")


def test_a_detector_that_fails_is_named_and_the_others_go_on(crash):
    found = json.loads(crash.epython("""
import json
from LinuxDump.triage import detectors
triage = detectors.detect(["made_up", "hangs"])
print(json.dumps([triage.failed, len(triage.findings)]))
"""))
    assert list(found[0]) == ["made_up"] and "No module named" in found[0]["made_up"]


def test_fast_leaves_out_what_is_slow_and_lists_it(crash):
    printed = untimed(crash.run("crashinfo --fast"))
    assert printed.rstrip().splitlines()[-1].startswith("Left out by --fast: stackcheck, rss, ") \
        or "\nLeft out by --fast: stackcheck, rss, " in printed
    assert "RSS_TOTAL" not in printed and "| Mounted FS |" in printed


def test_fast_begins_nothing_when_its_time_is_over(crash, dump):
    told = json.loads(crash.epython("""
import contextlib, io, json, sys
sys.argv = ["crashinfo", "--fast", "--json"]
import importlib
from pykdump import archive
namespace = {"__name__": "crashinfo"}
exec(compile(archive.program_source("crashinfo"), "crashinfo", "exec"), namespace)
namespace["_FAST"] = 0.0
namespace["main"]()
"""))
    assert told["sections"] == {}
    assert "Tasks Summary" in told["skipped"]
    assert all("failed to complete" in reason for reason in told["failed"].values())


def test_quiet_has_problems_and_findings_only(crash, report):
    printed = untimed(crash.run("crashinfo -q"))
    assert "| Findings |" in printed
    assert "Tasks Summary" not in printed and "RSS_TOTAL" not in printed
    assert "There are 3 threads running in their own namespaces" in printed


# -- the command ---------------------------------------------------------------------------------

def test_help_and_version_need_no_kernel(crash):
    assert untimed(crash.run("crashinfo --version")) == "CRASHINFO version 2.0\n"
    assert crash.run("crashinfo --version -v").splitlines()[1].startswith("C-Module version: ")
    printed = crash.run("crashinfo --help")
    assert printed.startswith("Usage: crashinfo [options]\n")
    assert "--radix_tree_element=ROOT OFFSET" in printed


def test_an_unknown_option_is_a_usage_error(crash):
    assert untimed(crash.run("crashinfo --nonsense")) \
        == "Usage: crashinfo [options]\n\ncrashinfo: error: no such option: --nonsense\n" \
           " -- sys.exit(2) --\n"


def test_a_reader_may_leave_early(crash):
    assert crash.run("crashinfo | head -4 | wc -l").strip() == "4"


def test_a_file_begins_with_the_command_and_the_dump(crash, tmp_path, dump):
    crash.run("crashinfo -q > report.txt")
    first = (tmp_path / "report.txt").read_text().splitlines()[:3]
    assert first[0] == ""
    assert first[1] == "   " + " crashinfo -q ".center(60, "*")
    assert f" {dump.kdump} ({dump.release}) " in first[2]


def test_json_is_all_that_is_printed(crash):
    told = json.loads(untimed(crash.run("crashinfo --json")))
    assert set(told) == {"version", "findings", "failed", "skipped", "sections"}
