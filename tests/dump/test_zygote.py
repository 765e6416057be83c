"""Sessions forked from a crash that has read its dump are like those that were started."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEEN_BY_CRASH = ("help -p", "help -t", "help -v", "set -v", "extend", "alias", "help", "sys",
                 "mach", "!env", "!stty -a", "h",
                 "!ps -o pid,ppid,pgid,sid,tty,comm -p $PPID | tail -1 | tr -s \" \"")
STATUS = re.compile(r"^(?:Name|Tgid|Ngid|Pid|PPid|TracerPid|Uid|Gid|Threads|SigPnd|ShdPnd|"
                    r"SigBlk|SigIgn|SigCgt|NoNewPrivs|Seccomp):.*", re.M)
# What differs from one process to the next, and traces of the zygote's one extension and command.
ELSEWHERE = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{12}\b|last_gdb_cmd: .*|cmdlistsz: .*|curext: .*|"
                       r"sbrk: .*|pts/\d+|\S*/#\d+")
OWNER = """
import os, sys, time
from pathlib import Path
from tests.dump.harness import Crash
from tests.lab import dumps
dump = dumps.get("busy", kernel=os.environ.get("LAB_KERNEL") or None)
session = Crash(dump, Path(sys.argv[1]))
print(session.pid, *(zygote.pid for zygote in Crash.zygotes), flush=True)
time.sleep(1000)
"""


def facts(session):
    """What crash, the kernel and Python know of a session: name -> text."""
    proc = Path(f"/proc/{session.pid}")
    known = {command: session.run(command) for command in SEEN_BY_CRASH}
    # While a command runs: at the prompt, readline may just be taking signals over.
    known["status"] = "\n".join(STATUS.findall(session.run("!cat /proc/$PPID/status")))
    known["environ"] = (proc / "environ").read_text().replace("\0", "\n").strip()
    known["cwd"] = os.readlink(proc / "cwd")
    known["files"] = "\n".join(sorted(re.sub(r":\[\d+\]", "", os.readlink(entry))
                                      for entry in (proc / "fd").iterdir()))
    return {name: ELSEWHERE.sub("", text.replace(str(session.pid), "PID")
                                .replace(str(session.cwd.parent), "HOME"))
            for name, text in known.items()}


@pytest.fixture(scope="module")
def started_and_forked(starting):
    sessions = [starting(load=False, anew=anew) for anew in (True, False)]
    yield [facts(session) for session in sessions]
    for session in sessions:
        session.close()


@pytest.mark.parametrize("what", [*SEEN_BY_CRASH, "status", "environ", "cwd", "files"])
def test_a_forked_session_is_like_one_that_was_started(started_and_forked, what):
    started, forked = started_and_forked
    assert forked[what] == started[what]


def test_sessions_read_the_dump_at_the_same_time(starting):
    first, second = starting(load=False), starting(load=False)
    alone = first.run("search -k -c lab-busy")
    for session in (first, second):
        session.start("search -k -c lab-busy")
    assert "lab-busy" in alone
    assert [session.finish() for session in (first, second)] == [alone, alone]
    for session in (first, second):
        session.close()


def test_how_a_session_ended_is_known(starting):
    session = starting(load=False)
    assert session.quit() == 0
    session = starting(load=False)
    os.kill(session.pid, signal.SIGKILL)
    assert session.gone() == "SIGKILL"


def test_nothing_stays_when_the_tests_are_killed(tmp_path):
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], cwd=ROOT,
                             stdout=subprocess.PIPE, text=True)
    pids = [int(word) for word in owner.stdout.readline().split()]
    assert len(pids) == 2 and all(Path(f"/proc/{pid}").exists() for pid in pids)
    owner.kill()
    owner.communicate()
    assert _gone(pids)


def _gone(pids):
    """Whether all of them have ended, soon."""
    for _ in range(600):
        if not any(_lives(pid) for pid in pids):
            return True
        time.sleep(0.1)
    return False


def _lives(pid):
    """A process that nobody has waited for is no longer one."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
