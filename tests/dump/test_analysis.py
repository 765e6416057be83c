"""What LinuxDump.Analysis concludes of a dump whose threads wait for each other."""

import json
import re

import pytest

HEAD = """import json
from LinuxDump import Analysis
from LinuxDump.Analysis import *
from LinuxDump.BTstack import fastSubroutineStacks
from LinuxDump.Tasks import TaskTable
table = TaskTable()
funcpids = fastSubroutineStacks().find_pids_byfuncname
waiting = {task.pid for task in table.allThreads() if task.comm.startswith("lab-mutex-w")}
"""


@pytest.fixture
def run(locks_crash):
    """A function: what a program prints on the dump of locks, without the summary of warnings."""
    def run_program(text):
        printed = locks_crash.epython(HEAD + text)
        return printed.partition("\n*****")[0]
    return run_program


@pytest.fixture
def changed(locks_crash):
    """A constant of the module has another value while a program runs."""
    def run_program(name, value, text):
        return locks_crash.epython(
            f"{HEAD}kept, Analysis.{name} = Analysis.{name}, {value}\n"
            f"try:\n    {text}\nfinally:\n    Analysis.{name} = kept\n").partition("\n*****")[0]
    return run_program


def test_nothing_hangs_within_the_first_two_minutes(run):
    assert run("print(check_possible_hang())") == "0\n"


def test_threads_that_are_uninterruptible_for_long_may_hang(changed):
    text = changed("_LONG_AGO_MS", 0, "print(check_possible_hang())")
    count = int(re.search(r"^\d+$", text, re.M)[0])
    assert count <= 10 and ("Possible hang" in text) == (count > 1)
    everything = changed("_OLDEST", 1000, "Analysis._LONG_AGO_MS = 0; "
                         "print(check_possible_hang()); Analysis._LONG_AGO_MS = 120_000")
    assert int(re.search(r"^\d+$", everything, re.M)[0]) >= 15
    assert "+++WARNING+++ Possible hang" in everything


def test_a_guest_at_rest_has_memory(run):
    assert run("print(check_memory_pressure(funcpids), check_hanging_nfsd(funcpids),"
               " check_saphana())") == "False False 0\n"


def test_threads_that_sleep_in_reclaim_are_memory_pressure(changed):
    text = changed("_MOST_VERIFIED", 0, "print(check_memory_pressure("
                   "lambda names: set(waiting) if 'shrink_node' in names else set()))")
    assert text.splitlines() == ["+++WARNING+++ Memory pressure detected", "  *** shrink_node ***",
                                 "      1 in TASK_UNINTERRUPTIBLE state", "True"]


def test_a_few_that_only_run_through_it_are_none(changed):
    assert changed("_MOST_VERIFIED", 0,
                   "print(check_memory_pressure(lambda names: {1}))") == "None\n"


def test_those_that_are_not_there_do_not_count(run):
    # they are verified: no stack has such a function
    assert run("print(check_memory_pressure(lambda names: set(waiting)))") == "False\n"


def test_nfs_servers_that_hang_are_told(run):
    text = run("print(check_hanging_nfsd(lambda names: set(waiting)))")
    assert text.splitlines() == ["+++WARNING+++ Hanging nfsd threads", "True"]


def test_senders_to_a_log_daemon_that_does_not_read_are_found(run, locks_dump):
    state = {task["comm"]: task for task in locks_dump.oracle["tasks"]}
    assert state["syslogd"]["state"] == "T" and state["logger"]["state"] == "S"
    lines = run("print_wait_for_AF_UNIX(1)").splitlines()
    daemon = state["syslogd"]["tid"]
    assert lines[0] \
        == f"+++WARNING+++ A problem with syslog daemon <syslogd> pid={daemon} state=ST"
    assert re.fullmatch(r"\tIt ran \d+\.\d\ds ago and 1 processes are waiting for it", lines[1])
    assert lines[2] == "\tRun 'hanginfo --syslogger -v' to get more details"
    assert re.fullmatch(r" -- Socket we wait for: <struct unix_sock 0x[0-9a-f]+> /dev/log",
                        lines[3])
    assert re.fullmatch(r"   Youngest process with this socket <syslogd> "
                        rf"pid={daemon}\(ST\) ran +\d+\.\d\ds ago", lines[4])
    assert lines[5] == "   ...  1 tasks waiting for this socket"
    assert re.fullmatch(rf"     pid= +{state['logger']['tid']}   CMD=logger", lines[6])


def test_the_short_form_is_the_warning_alone(run):
    assert len(run("print_wait_for_AF_UNIX(-1)").splitlines()) == 3


def test_who_waits_is_data_too(locks_crash):
    assert json.loads(locks_crash.epython(HEAD + """
print(json.dumps([[crowd.path, [str(task.comm) for task in crowd.waiters], crowd.daemon.comm]
                  for crowd in Analysis.waiters_for_unix()]))
""")) == [["/dev/log", ["logger"], "syslogd"]]


def test_a_list_of_threads_is_there(run):
    assert run("print_pidlist(waiting)").startswith("    ... 1 pids. Youngest,oldest: ")
    assert run("print_pidlist([])") == ""
