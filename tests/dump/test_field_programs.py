"""Programs written as people write them in the field, unmodified, against the guest's account."""

import re
import shutil
from pathlib import Path

import pytest

from tests.dump.harness import untimed

PROGRAMS = Path(__file__).resolve().parents[1] / "programs"
PF_KTHREAD = 0x00200000


@pytest.fixture
def run(crash):
    """A function: what a program of tests/programs prints, from the current directory."""
    def run(line):
        name = line.split()[0]
        shutil.copy(PROGRAMS / f"{name}.py", crash.cwd)
        return untimed(crash.run(f"epython {line}"))
    return run


def pids_of_processes(dump):
    return [task["tid"] for task in dump.oracle["tasks"] if task["tid"] == task["tgid"]]


# -- threads --

def test_threads_and_their_flags_are_those_of_the_guest(run, dump):
    head, *lines = run("threadlist").splitlines()
    assert head.split() == ["PID", "TGID", "UID", "COMM", "FLAGS"]
    rows = {int(line[:6]): (int(line[7:13]), int(line[14:20]), line[21:37].rstrip(),
                            "KTHREAD" in line[38:].split("|")) for line in lines}
    assert rows == {task["tid"]: (task["tgid"], task["uid"], task["comm"],
                                  bool(task["flags"] & PF_KTHREAD))
                    for task in dump.oracle["tasks"]}


def test_long_options_may_be_shortened(run, dump):
    names = [line.split()[3] for line in run("threadlist --com=lab-in-sleep --kern").splitlines()]
    assert names == []
    lines = run("threadlist --comm lab-in-sleep").splitlines()
    told = [task["tid"] for task in dump.oracle["tasks"] if task["comm"] == "lab-in-sleep"]
    assert sorted(int(line[:6]) for line in lines[1:]) == sorted(told)


def test_common_options_are_not_seen_by_the_parser_of_a_program(run):
    text = run("threadlist --debug=1 -v --maxel=200000 -n 2")
    assert len(text.splitlines()) == 5
    assert re.search(r"^ +<task_struct 0x[0-9a-f]{16}> 1 PIDTYPE_PID$|> 0 PIDTYPE_PID$", text,
                     re.MULTILINE)


def test_the_help_of_a_program_has_its_name_and_version(run):
    assert run("threadlist --help").startswith("Usage: threadlist.py [options]\n")
    assert run("threadlist --version") == "1.4\n"
    assert "no such option: --nothing" in run("threadlist --nothing")


# -- mounts and modules --

def test_mounts_and_modules_are_those_of_the_guest(run, dump):
    rows = [line.split() for line in run("mountmods").splitlines()]
    # in crash's text blanks in names and between columns look alike
    mounts = [mount for mount in dump.oracle["mounts"] if len(mount["point"].split()) == 1]
    assert sorted(row[1] for row in rows) == sorted(mount["type"] for mount in mounts)
    assert {(mount["device"], mount["type"]) for mount in mounts
            if mount["type"] != "rootfs"} <= {(row[0], row[1]) for row in rows}
    modules = [line.split() for line in run("mountmods --mod").splitlines()]
    assert {row[0] for row in modules} == {module["name"] for module in dump.oracle["modules"]}
    assert all(int(row[1]) >= 4096 and row[2] == "live" for row in modules)


def test_a_command_in_the_background_of_a_program(run, dump):
    assert run("mountmods --background") == f"KERNEL {dump.oracle['nproc']} x86_64\n"


# -- processors and command lines --

def test_processors_and_command_lines_are_those_of_the_guest(run, dump):
    *lines, last = run("cpus").splitlines()
    assert [line.partition(", <")[0] for line in lines] \
        == [f"CPU {cpu}: idle swapper/{cpu}" for cpu in range(dump.oracle["nproc"])]
    assert all(line.endswith("online 1") for line in lines)
    assert last.startswith(f"True {[True] * dump.oracle['nproc']} walked ")
    told = {pid: words for pid, words in dump.oracle["cmdline"].items()
            if int(pid) in pids_of_processes(dump)}
    read = {pid: words for pid, *words in (line.split("\t") for line in
                                           run("cpus -c").splitlines())}
    assert read == {pid: words for pid, words in told.items() if words}


def test_a_cache_of_one_command_is_empty_in_the_next(run):
    walked = [int(run("cpus").split()[-1]) for _ in range(3)]
    assert walked == [walked[0], walked[0] + 1, walked[0] + 2]


# -- sockets --

def test_tcp_sockets_are_those_of_the_guest(run, dump):
    states = {1: "ESTABLISHED", 6: "TIME_WAIT", 10: "LISTEN"}
    *lines, last = run("tcpsockets").splitlines()
    told = [f"{states[one['state']]:<12} {one['local'][0]}:{one['local'][1]} "
            f"{one['remote'][0]}:{one['remote'][1]}" for one in dump.oracle["sockets"]["tcp"]]
    assert sorted(lines) == sorted(told) and len(told) > 3
    assert last == f"{len(told)} sockets"


# -- open files --

def test_open_files_are_those_of_the_guest(run, dump):
    checked = 0
    for pid, files in dump.oracle["fds"].items():
        if int(pid) == 1:
            continue                # it has printed the account, and opened more
        shown = dict(line.split(" ", 1) for line in run(f"openfiles {pid}").splitlines())
        assert set(shown) == set(files)
        for fd, path in files.items():
            if path.startswith("/") and not path.endswith("(deleted)"):
                assert shown[fd] == path
                checked += 1
    assert checked > 20


def test_types_of_open_files(run, dump):
    pid = next(pid for pid, files in dump.oracle["fds"].items()
               if "/tmp/tail.out" in files.values())
    rows = [line.split() for line in run(f"openfiles -t {pid}").splitlines()]
    assert ["1", "f", "/tmp/tail.out"] in rows


def test_a_program_that_exits_with_a_text_says_it(run):
    assert run("openfiles") == "usage: openfiles.py [-t] [pid]\na pid is needed\n"
    assert run("openfiles 99999") == "no process 99999\n"
