"""mpykdump-attach: a session is looked into from outside, whatever it does, and goes on."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pexpect
import pytest

from tests.dump.conftest import Shared
from tests.dump.harness import children_of, untimed
from tests.dump.outside import Attach, say

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

# What the session does when it is looked into; each says that it has started.
BUSY = {
    "a Python loop": "while True: pass",
    "a sleep": "import time\ntime.sleep(1000)",
    "a lock": "import threading\nthreading.Event().wait()",
    "a walk of lists":
        "head = crash.sym2addr('init_task')\n"
        "offset = {m[0]: m[1] // 8 for m in _pykdump.type_members('struct task_struct')}['tasks']\n"
        "while True: _pykdump.list_nodes(head + offset, 0, 10**6, 'struct task_struct', offset)",
    "gdb": "while True: crash.get_GDB_output('ptype struct task_struct')",
    "a search of crash's":
        "while True:\n    try: crash.exec_crash_command('search -k deadbeef')\n"
        "    except crash.error: pass",
    "another process": "import subprocess\nsubprocess.run(['sleep', '1000'])",
}
LOCKED = ("a lock", "another process")      # in which Python waits for nothing else
BEGIN = "import crash, _pykdump\nprint('started', flush=True)\n"


@pytest.fixture(scope="module")
def attach(plugin):
    return Attach(plugin)


@pytest.fixture(scope="module")
def open_crash(starting, type_cache):
    """A session that lets clients run code in it."""
    sessions = Shared(lambda **options: starting(PYKDUMP_ATTACH="1", **options), type_cache)
    yield sessions
    sessions.close()


@pytest.fixture
def session(open_crash, tmp_path):
    session = open_crash.get()
    session.mark()
    session.cd(tmp_path)
    yield session
    open_crash.check()


def busy(session, text, name="busy.py"):
    session.program(BEGIN + text, name)
    session.start(f"epython {name}")
    session.until("started")


def stop(session):
    session.interrupt()
    return session.finish()


def payload(tmp_path, text):
    path = tmp_path / "payload.py"
    path.write_text(text)
    return path


# -- stacks --

@pytest.mark.parametrize("what", BUSY)
def test_stacks_are_shown_in(session, attach, what):
    busy(session, BUSY[what])
    status, stacks, errors = attach.run(session.pid)
    assert (status, errors) == (0, "")
    assert stacks.startswith(f"crash {session.pid} runs: epython busy.py\n\n")
    assert "hread 0x" in stacks and 'busy.py", line ' in stacks and "in <module>\n" in stacks
    assert "KeyboardInterrupt" in stop(session)


def test_stacks_are_shown_in_a_loop_that_heeds_no_signal(session, attach):
    busy(session, "import collections, itertools\n"
                  "collections.deque(itertools.repeat(0, 10**9), maxlen=0)\nprint('done')")
    assert 'busy.py", line 4 in <module>\n' in attach.run(session.pid)[1]
    assert "done\n" in session.finish()


def test_stacks_of_all_threads_are_shown(session, attach):
    busy(session, "import threading\nend = threading.Event()\n"
                  "def worker(): end.wait()\n"
                  "thread = threading.Thread(target=worker)\nthread.start()\n"
                  "try:\n    while True: pass\nfinally: end.set()")
    stacks = attach.run(session.pid)[1]
    assert stacks.count("hread 0x") == 2 and stacks.count("Current thread 0x") == 1
    assert 'busy.py", line 5 in worker\n' in stacks and 'busy.py", line 9 in <module>\n' in stacks
    stop(session)


def test_stacks_are_right_while_another_thread_changes_its_own(session, attach):
    busy(session, "import threading, time\n"
                  "def deep(n): return n and deep(n - 1)\n"
                  "def worker():\n    while not end: deep(90)\n"
                  "end = []\nthread = threading.Thread(target=worker)\nthread.start()\n"
                  "try: thread.join()\nfinally: end.append(1)")
    for _ in range(20):
        status, stacks, _ = attach.run(session.pid)
        assert status == 0 and "join\n" in stacks
    stop(session)


def test_stacks_at_the_prompt_leave_the_line_that_is_being_typed(session, attach):
    session.type("p 40+")
    status, stacks, _ = attach.run(session.pid)
    assert status == 0
    assert stacks.startswith(f"crash {session.pid} runs no program\n")
    assert "<no Python frame>" in stacks
    assert session.run("2").endswith(" = 42\n")


def test_stacks_while_crash_runs_a_command_of_its_own(session, attach):
    session.start("search -k deadbeef")
    assert attach.run(session.pid)[0] == 0
    session.finish()


def test_fifty_looks_leave_nothing_behind(session, attach, tmp_path):
    code = payload(tmp_path, "print(1 + 1)")
    for what in ((), (code,)):
        attach.run(session.pid, *what)
    before = sorted(os.listdir(f"/proc/{session.pid}/fd"))
    for turn in range(50):
        assert attach.run(session.pid, *((code,) if turn % 2 else ()))[0] == 0
    assert sorted(os.listdir(f"/proc/{session.pid}/fd")) == before
    assert children_of(session.pid) == []
    assert session.epython("print('works')") == "works\n"


# -- payloads --

@pytest.mark.parametrize("what", [what for what in BUSY if what not in LOCKED])
def test_a_payload_runs_in(session, attach, tmp_path, what):
    busy(session, BUSY[what])
    code = payload(tmp_path, "import crash\nprint(frame.f_globals['__name__'], __file__)\n"
                             "print(crash.exec_crash_command('p 20+1'), end='')\n")
    status, output, _ = attach.run(session.pid, code)
    lines = output.splitlines()
    assert status == 0 and lines[0].endswith(str(code)) and lines[1].endswith(" = 21")
    printed = stop(session)
    assert "payload" not in printed and " = 21" not in printed


def test_a_payload_runs_at_the_prompt(session, attach, tmp_path):
    session.type("p 40+")
    code = payload(tmp_path, "import crash\nprint(frame, crash.sym2addr('init_task') > 0)")
    assert attach.run(session.pid, code) == (0, "None True\n", "")
    assert session.run("2").endswith(" = 42\n")


def test_a_payload_waits_until_a_command_of_crash_has_ended(session, attach, tmp_path):
    session.start("search -k deadbeef")
    assert attach.run(session.pid, payload(tmp_path, "print('here')"))[:2] == (0, "here\n")
    session.finish()


def test_an_exception_of_a_payload_is_the_clients(session, attach, tmp_path):
    busy(session, BUSY["a Python loop"])
    code = payload(tmp_path, "def f():\n    return 1 / 0\nf()\n")
    status, output, _ = attach.run(session.pid, code)
    assert status == 1
    assert output.startswith(f'Traceback (most recent call last):\n  File "{code}", line 3, in ')
    assert output.endswith("ZeroDivisionError: division by zero\n")
    assert "ZeroDivisionError" not in stop(session)


@pytest.mark.parametrize("text, status, output", [
    ("import sys\nsys.exit(3)", 3, ""),
    ("raise SystemExit('so there')", 1, "so there\n"),
    ("import os\nos.fork() or print('child')", 0, ""),
    ("import sys\nprint('error', file=sys.stderr)", 0, "error\n"),
    ("print('\\udc80\\u20ac')", 0, "\\udc80\u20ac\n"),
])
def test_a_payload_may_end_as_it_likes(session, attach, tmp_path, text, status, output):
    got, printed, _ = attach.run(session.pid, payload(tmp_path, text))
    assert (got, printed) == (status, output)


def test_a_payload_that_is_no_python_is_told(session, attach, tmp_path):
    status, output, _ = attach.run(session.pid, payload(tmp_path, "def f(:\n"))
    assert status == 1 and output.endswith("SyntaxError: invalid syntax\n")
    status, _, errors = attach.run(session.pid, tmp_path / "none.py")
    assert (status, errors) == (1, f"mpykdump-attach: {tmp_path}/none.py: "
                                   f"No such file or directory\n")


def test_a_payload_comes_from_standard_input(session, attach):
    assert attach.run(session.pid, "-", typed="print(6 * 7)\n")[:2] == (0, "42\n")


LOOP = "print('looping', flush=True)\nwhile True: pass\n"


@pytest.mark.parametrize("where", ["in a program", "at the prompt"])
def test_ctrl_c_at_the_client_ends_a_payload_and_nothing_else(session, attach, tmp_path, where):
    if where == "in a program":
        busy(session, "going = True\nwhile going: pass\nprint('went on')")
    client = attach.terminal(session.pid, payload(tmp_path, LOOP))
    client.expect_exact("looping")
    client.sendintr()
    client.expect_exact("payload.py\", line 2, in <module>")
    client.expect_exact("KeyboardInterrupt")
    client.expect(pexpect.EOF)
    client.close()
    assert client.exitstatus == 130
    if where == "in a program":
        attach.run(session.pid, payload(tmp_path, "frame.f_globals['going'] = False\n"))
        assert "went on\n" in session.finish()


def test_a_client_that_vanishes_ends_its_payload(session, attach, tmp_path):
    busy(session, "going = True\nwhile going: pass\nprint('went on')")
    client = attach.terminal(session.pid, payload(tmp_path, LOOP))
    client.expect_exact("looping")
    client.close(force=True)
    attach.run(session.pid, payload(tmp_path, "frame.f_globals['going'] = False\n"))
    assert "went on\n" in session.finish()


def test_ctrl_c_at_the_session_ends_payload_and_program(session, attach, tmp_path):
    busy(session, BUSY["a Python loop"])
    client = attach.terminal(session.pid, payload(tmp_path, LOOP))
    client.expect_exact("looping")
    assert "KeyboardInterrupt" in stop(session)
    client.expect_exact("interrupted at the session's terminal")
    client.close()


def test_other_threads_print_where_they_did(session, attach, tmp_path):
    busy(session, "import threading, time\nend = []\n"
                  "def worker():\n    while not end: time.sleep(0.001)\n    print('worker ends')\n"
                  "thread = threading.Thread(target=worker)\nthread.start()\n"
                  "while thread.is_alive(): pass")
    code = payload(tmp_path, "import __main__\n__main__.end.append(1)\n"
                             "__main__.thread.join()\nprint('payload ends')")
    assert attach.run(session.pid, code)[:2] == (0, "payload ends\n")
    assert "worker ends\n" in session.finish()


# -- the shell --

def test_the_shell_sees_the_frames_of_all_threads(session, attach):
    busy(session, "def spin(count):\n    while True: count += 1\nspin(5)")
    shell = attach.terminal(session.pid, "--shell")
    shell.expect_exact(">>> ")
    assert "interrupted in ./busy.py, line 4; its frame is `frame`" in shell.before
    assert int(say(shell, "frame.f_locals['count']", ">>> ")) >= 5
    say(shell, "import sys, traceback", ">>> ")
    say(shell, "for thread, frame in sys._current_frames().items():", "... ")
    say(shell, "    print('Thread 0x%x' % thread)", "... ")
    say(shell, "    traceback.print_stack(frame)", "... ")
    stacks = say(shell, "", ">>> ")
    assert stacks.startswith("Thread 0x") and ", in spin\n" in stacks
    assert say(shell, "1/0", ">>> ").endswith(
        'last):\n  File "<console>", line 1, in <module>\nZeroDivisionError: division by zero\n')
    shell.sendline("while True: pass")
    shell.expect_exact("... ")
    shell.sendline("")
    shell.sendintr()
    shell.expect_exact("KeyboardInterrupt")
    shell.expect_exact(">>> ")
    shell.sendeof()
    shell.expect(pexpect.EOF)
    shell.close()
    assert "KeyboardInterrupt" in stop(session)


def test_a_signal_that_comes_late_gives_up_no_line(session, attach):
    busy(session, BUSY["a Python loop"])
    shell = attach.terminal(session.pid, "--shell")
    shell.expect_exact(">>> ")
    os.kill(shell.pid, signal.SIGIO)
    assert say(shell, "6 * 7", ">>> ").endswith("42\n")
    shell.close()
    assert "KeyboardInterrupt" in stop(session)


def test_ctrl_c_at_the_session_takes_it_back_from_a_shell(session, attach):
    busy(session, BUSY["a Python loop"])
    shell = attach.terminal(session.pid, "--shell")
    shell.expect_exact(">>> ")
    assert "KeyboardInterrupt" in stop(session)
    shell.expect_exact("interrupted at the session's terminal")
    shell.close()


# -- who may, and where --

def test_nothing_runs_unless_it_is_switched_on(crash, attach, tmp_path):
    code = payload(tmp_path, "print('here')")
    status, output, errors = attach.run(crash.pid, code)
    assert (status, output) == (1, "") and errors.count("\n") == 1
    assert "epython pyctl --set attach=1" in errors
    assert untimed(crash.run("epython pyctl --set attach=1")) == "Set: ['attach=1']\n"
    assert attach.run(crash.pid, code) == (0, "here\n", "")
    crash.run("epython pyctl --set attach=0")
    assert attach.run(crash.pid, code) == (1, "", errors)


def test_the_socket_is_private_and_goes_with_the_session(fresh_crash, plugin, attach):
    session = fresh_crash(PYKDUMP_ATTACH="yes")
    environ = Path(f"/proc/{session.pid}/environ").read_bytes().split(b"\0")
    scratch = next(e[7:].decode() for e in environ if e.startswith(b"TMPDIR="))
    directory = Path(scratch) / f"mpykdump-{os.geteuid()}"
    path = directory / f"attach-{session.pid}"
    assert directory.stat().st_mode & 0o777 == 0o700 and path.stat().st_mode & 0o777 == 0o600
    session.run(f"extend -u {plugin}")
    assert not path.exists()
    status, _, errors = attach.run(session.pid)
    assert status == 1
    assert errors == (f"mpykdump-attach: crash {session.pid} has no mpykdump loaded "
                      f"(extend mpykdump.so)\n")
    session.run(f"extend {plugin}")
    assert path.exists() and attach.run(session.pid)[0] == 0
    assert session.quit() == 0
    assert not path.exists()


def test_a_switch_that_cannot_be_had_is_one_line(fresh_crash, plugin):
    session = fresh_crash(load=False, PYKDUMP_ATTACH="perhaps")
    assert ("mpykdump: PYKDUMP_ATTACH: 'perhaps' is not on/off, true/false, yes/no or 1/0\n"
            in session.run(f"extend {plugin}"))
    (session.cwd.parent / "tmp" / f"mpykdump-{os.geteuid()}").symlink_to("/")
    text = untimed(session.run("epython pyctl --set attach=1"))
    assert text.startswith("pyctl: attach: 1 is refused: ") and "nobody else may enter" in text


def test_who_is_no_session_is_told_so_in_one_line(fresh_crash, attach):
    session = fresh_crash(load=False)
    for pid, words in ((session.pid, "has no mpykdump loaded"),
                       (os.getpid(), f"process {os.getpid()} is no crash session but python3"),
                       (1 << 30, f"no process {1 << 30}"), ("many", "'many' is not a PID"),
                       ("-1", "'-1' is not a PID"), (0, "'0' is not a PID")):
        status, output, errors = attach.run(pid)
        assert status in (1, 2) and output == "" and words in errors, pid


def test_a_session_that_is_stopped_says_so(session, attach):
    os.kill(session.pid, signal.SIGSTOP)
    try:
        status, _, errors = attach.run(session.pid)
    finally:
        os.kill(session.pid, signal.SIGCONT)
    assert (status, errors) == (1, f"mpykdump-attach: crash {session.pid} does not answer: it is "
                                   f"stopped, continue it first (fg)\n")


@ROOT
def test_another_user_is_refused(session, plugin):
    before = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    path = _socket_of(session.pid)
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        os.chmod(directory, 0o755)
        copy = shutil.copy(plugin, directory)
        os.chmod(copy, 0o644)
        status, output, errors = Attach(copy).run(session.pid, before=before)
    assert (status, output) == (1, "")
    assert errors == (f"mpykdump-attach: process {session.pid} is user root's: only root may "
                      f"attach\n")
    connect = f"import socket; socket.socket(socket.AF_UNIX).connect({str(path)!r})"
    result = subprocess.run([*before, "/usr/bin/python3", "-c", connect], capture_output=True,
                            text=True, check=False)
    assert "PermissionError" in result.stderr


def _socket_of(pid):
    for line in Path("/proc/net/unix").read_text().splitlines():
        if line.endswith(f"/attach-{pid}"):
            return line.split()[-1]
    raise AssertionError("the session does not listen")


def test_the_installed_command_runs_the_installed_plugin(tmp_path):
    root = Path(__file__).resolve().parents[2]
    subprocess.run(["make", "-s", "install", f"DESTDIR={tmp_path}"], cwd=root, check=True,
                   capture_output=True)
    script = (tmp_path / "usr/bin/mpykdump-attach").read_text()
    assert (tmp_path / "usr/lib/crash/extensions/mpykdump.so").exists()
    assert " -I /usr/lib/crash/extensions/mpykdump.so attach " in script
    result = subprocess.run(script.replace(" /usr/lib/", f" {tmp_path}/usr/lib/"), shell=True,
                            capture_output=True, text=True, check=False)
    assert result.returncode == 2 and "usage: mpykdump-attach" in result.stderr
