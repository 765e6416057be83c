"""epython --listen: a program in a debugger whose terminal, or editor, is elsewhere."""

import json
import os
import random
import re
import socket
from pathlib import Path

import pexpect
import pytest

from tests.dump.harness import children_of, untimed
from tests.dump.outside import Attach, Editor, say

PROMPT = "(Pdb) "
PROGRAM = """\
def double(number):
    twice = number * 2
    return twice

print('started', flush=True)
print('result', double(21))
"""
FAILING = "def divide(by):\n    return 1 / by\ndivide(0)\n"


@pytest.fixture(scope="module")
def attach(plugin):
    return Attach(plugin)


@pytest.fixture
def terminals():
    """Closes what a test leaves open."""
    opened = []
    yield opened
    for terminal in opened:
        terminal.close(force=True)


@pytest.fixture
def debug(crash, attach, terminals):
    """Runs a program under --listen; the client's terminal at its first prompt."""
    def start(text):
        wait(crash, text)
        terminals.append(attach.terminal(crash.pid, "--debugger"))
        terminals[-1].expect_exact(PROMPT)
        return terminals[-1]
    return start


def wait(session, text, option="--listen=pdb"):
    """Type the command; the line that tells how to connect."""
    session.program(text)
    session.start(f"epython {option} prog")
    session.until("epython: waiting 10 minutes for ")
    session.until("\r\n")
    return session._pending.splitlines()[-1]


def path_of(session):
    """Of the socket at which a session waits for a debugger."""
    (path,) = [line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines()
               if line.endswith(f"/debug-{session.pid}")]
    return path


def ended(terminal):
    """What the client still prints until it ends, which is well."""
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    return terminal.before.replace("\r\n", "\n")


def test_a_program_is_stepped_through_from_its_first_line(crash, debug):
    client = debug(PROGRAM)
    assert client.before.replace("\r\n", "\n").endswith(
        "prog.py(1)<module>()\n-> def double(number):\n")
    assert say(client, "b double").startswith("Breakpoint ")
    assert say(client, "c").endswith("prog.py(2)double()\n-> twice = number * 2\n")
    assert say(client, "n").endswith("prog.py(3)double()\n-> return twice\n")
    assert say(client, "p twice") == "42\n"
    assert "started" not in client.before
    say(client, "!twice = 43")
    assert re.fullmatch(r"\$\d+ = 4\n", say(client, 'crash "p 2+2"'))
    assert "command not found" in say(client, "crash nosuchcommand")
    client.sendline("c")
    assert ended(client) == "The program has ended\n"
    assert untimed(crash.finish()).endswith("started\nresult 43\n")


def test_a_breakpoint_is_of_this_program_and_not_of_what_an_earlier_one_has_left(crash, debug):
    crash.epython("import os\nclass Twice:\n    count = 1\n    def of(self): return 2\n"
                  "def double(number): return 2\ndef left():\n    return 1\n")
    program = crash.program(PROGRAM + "class Twice:\n    def of(self):\n        return 3\n"
                            "print(left(), Twice().of())\n")
    client = debug(program.read_text())
    assert say(client, "b double").endswith("prog.py:1\n")
    assert say(client, "tbreak Twice.of, False").endswith("prog.py:8\n")
    assert say(client, "c").endswith("prog.py(2)double()\n-> twice = number * 2\n")
    client.sendline("c")
    ended(client)
    assert untimed(crash.finish()).endswith("result 42\n1 3\n")


def test_what_signals_call_is_not_stepped_into(crash, debug):
    client = debug("import os, signal\nos.kill(os.getpid(), signal.SIGIO)\nprint('after')\n")
    say(client, "n")
    assert say(client, "s").endswith("prog.py(3)<module>()\n-> print('after')\n")
    client.sendline("c")
    ended(client)
    crash.finish()


def test_a_client_waits_for_another_that_does_not_speak(fresh_crash, attach, terminals):
    session = fresh_crash()
    wait(session, PROGRAM)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(path_of(session))
        terminals.append(attach.terminal(session.pid, "--debugger"))
        terminals[-1].expect_exact(PROMPT)
    terminals[-1].sendline("c")
    ended(terminals[-1])
    assert untimed(session.finish()).endswith("result 42\n")


def test_an_exception_is_looked_at_where_it_was_raised(crash, debug):
    client = debug(FAILING)
    shown = say(client, "c")
    assert "ZeroDivisionError: division by zero\nUncaught exception." in shown
    assert shown.endswith("prog.py(2)divide()\n-> return 1 / by\n")
    assert say(client, "p by") == "0\n"
    client.sendline("q")
    assert ended(client) == "The program has ended\n"
    assert untimed(crash.finish()).endswith("ZeroDivisionError: division by zero\n")


def test_ctrl_c_at_the_client_stops_the_program(crash, debug):
    client = debug("going = True\nprint('started', flush=True)\nwhile going: pass\n")
    client.sendline("c")
    crash.until("started")
    client.sendintr()
    client.expect_exact(PROMPT)
    assert "-> while going: pass" in client.before
    say(client, "!going = False")
    client.sendline("c")
    ended(client)
    untimed(crash.finish())


def test_ctrl_c_ends_a_command_of_the_debugger(crash, debug):
    client = debug(PROGRAM)
    client.sendline("""!exec("print('busy', flush=True)\\nwhile True: pass")""")
    client.expect_exact("busy\r\n")
    client.sendintr()
    client.expect_exact(PROMPT)
    client.sendline("c")
    ended(client)
    assert untimed(crash.finish()).endswith("result 42\n")


def test_quitting_ends_the_program_and_detaching_does_not(crash, debug):
    client = debug(PROGRAM)
    client.sendline("q")
    ended(client)
    assert "started" not in untimed(crash.finish())
    client = debug(PROGRAM)
    client.sendline("detach")
    assert "detached" in ended(client)
    assert untimed(crash.finish()).endswith("result 42\n")


@pytest.mark.parametrize("where", ["at its prompt", "while the program runs", "post mortem"])
def test_a_client_that_vanishes_leaves_the_program_running(crash, debug, where):
    text = {"at its prompt": PROGRAM, "post mortem": FAILING,
            "while the program runs": "import os, sys, time\nprint('started', flush=True)\n"
                                      "while not os.path.exists('go'): time.sleep(0.01)\n"
                                      "print('result', sys.gettrace())\n"}[where]
    client = debug(text)
    if where == "post mortem":
        say(client, "c")
    elif where == "while the program runs":
        client.sendline("c")
        crash.until("started")
    client.close(force=True)
    if where == "while the program runs":
        crash.until("the debugger's client has left")
        (Path(crash.cwd) / "go").touch()
    printed = untimed(crash.finish())
    if where != "while the program runs":
        assert printed.count("epython: the debugger's client has left") == 1
    if where == "post mortem":
        assert "goes on" not in printed
    else:
        assert "result" in printed


def test_ctrl_c_at_the_session_ends_the_waiting_and_leaves_nothing(crash):
    before = sorted(os.listdir(f"/proc/{crash.pid}/fd"))
    assert f"mpykdump-attach {crash.pid} --debugger" in wait(crash, PROGRAM)
    path = path_of(crash)
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700
    crash.interrupt()
    assert untimed(crash.finish()).endswith("KeyboardInterrupt\n")
    assert not os.path.exists(path)
    assert sorted(os.listdir(f"/proc/{crash.pid}/fd")) == before


def test_ctrl_c_at_the_session_ends_a_debugged_program(crash, debug):
    client = debug(PROGRAM)
    crash.interrupt()
    assert untimed(crash.finish()).endswith("KeyboardInterrupt\n")
    client.expect_exact("The program was interrupted")


def address_and_token(line):
    found = re.search(r"mpykdump-attach (127\.0\.0\.1:\d+), token (\S+)", line)
    assert found, line
    return found.groups()


def test_over_tcp_the_token_is_needed(crash, attach, terminals):
    address, token = address_and_token(wait(crash, PROGRAM, "--listen=pdb:127.0.0.1:0"))
    wrong = attach.terminal(address, PYKDUMP_TOKEN=token[:-1] + "~")
    terminals.append(wrong)
    wrong.expect_exact("mpykdump-attach: wrong token")
    crash.until("a client was sent away: wrong token")
    right = attach.terminal(address)
    terminals.append(right)
    right.expect_exact("token: ")
    right.sendline(token)
    right.expect_exact(PROMPT)
    right.sendline("c")
    ended(right)
    assert "result 42\n" in untimed(crash.finish())
    assert "wrong" not in crash.run("p 1")


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n\r\n", b"[1, 2]\n", b"{}\n",
                                  b"{" * 100000 + b"\n", random.Random(1).randbytes(4096),
                                  json.dumps({"protocol": 99, "token": "\udc80"}).encode() + b"\n"])
def test_who_is_no_client_is_sent_away_in_one_line(crash, attach, sent):
    address, token = address_and_token(wait(crash, PROGRAM, "--listen=pdb:127.0.0.1:0"))
    host, port = address.split(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        crash.until("a client was sent away: ")
        crash.until("\r\n")
    crash.interrupt()
    assert "Traceback" not in untimed(crash.finish())


@pytest.mark.parametrize("address, words", [
    ("0.0.0.0:4000", "is not on this machine alone"), ("pdb:8.8.8.8:1", "ssh -L"),
    ("nonsense", "'nonsense' is not HOST:PORT"), ("127.0.0.1:99999", "is not HOST:PORT"),
    ("127.0.0.1:1:2", ""), ("", "a value is missing"), ("no.such.host.invalid:1", "")])
def test_an_address_that_is_of_no_use_is_one_line(crash, address, words):
    crash.program("print('ran')")
    text = untimed(crash.run(f"epython --listen={address} prog"))
    assert text.startswith("epython: --listen: ") and text.endswith("(program not run)\n")
    assert words in text and text.count("\n") == 1


def test_an_address_that_is_taken_is_one_line(crash):
    crash.program("print('ran')")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = untimed(crash.run(f"epython --listen=pdb:127.0.0.1:{port} prog"))
    assert text.startswith(f"epython: --listen: 127.0.0.1:{port}: somebody else listens there")


def test_a_program_can_call_for_the_debugger_itself(crash, attach, terminals):
    crash.program("from pykdump import debug\n\ndef inner():\n    answer = 42\n"
                  "    debug.set_trace()\n    return answer\n\nprint('result', inner())\n")
    crash.start("epython prog")
    crash.until("--debugger\r\n")
    client = attach.terminal(crash.pid, "--debugger")
    terminals.append(client)
    client.expect_exact(PROMPT)
    assert say(client, "p answer") == "42\n"
    client.sendline("c")
    assert ended(client) == "The program has ended\n"
    assert untimed(crash.finish()).endswith("result 42\n")


def test_a_child_of_the_program_is_not_debugged(crash, debug):
    client = debug("import os\nchild = os.fork()\nif not child:\n    print('child', flush=True)\n"
                   "    os._exit(0)\nos.waitpid(child, 0)\nprint('parent')\n")
    say(client, "b 7")
    assert say(client, "c").endswith("-> print('parent')\n")
    client.sendline("c")
    ended(client)
    assert "child\nparent\n" in untimed(crash.finish())


# -- editors --

@pytest.fixture
def editor_at(crash):
    """Runs a program for an editor; the port where it may attach."""
    def start(text):
        line = wait(crash, text, "--listen=127.0.0.1:0")
        found = re.search(r"debugpy at 127\.0\.0\.1:(\d+)", line)
        assert found, line
        return int(found.group(1))
    return start


def test_an_editor_attaches_and_stops_at_a_breakpoint(crash, editor_at):
    editor = Editor(editor_at(PROGRAM))
    path = str(Path(crash.cwd) / "prog.py")
    editor.ask("initialize", adapterID="test", linesStartAt1=True, pathFormat="path")
    editor.send("attach", justMyCode=False)
    editor.event("initialized")
    answer = editor.ask("setBreakpoints", source={"path": path}, breakpoints=[{"line": 3}])
    assert answer["breakpoints"][0]["verified"]
    editor.send("configurationDone")
    stopped = editor.event("stopped")
    assert stopped["reason"] == "breakpoint"
    frames = editor.ask("stackTrace", threadId=stopped["threadId"])["stackFrames"]
    stack = [(frame["name"], frame["line"]) for frame in frames[:2]]
    assert stack == [("double", 3), ("<module>", 6)]
    value = editor.ask("evaluate", expression="twice + 1", frameId=frames[0]["id"])
    assert value["result"] == "43"
    editor.send("continue", threadId=stopped["threadId"])
    editor.event("terminated")
    editor.close()
    assert "result 42\n" in untimed(crash.finish())
    assert children_of(crash.pid) == []
    assert "debugpy" not in crash.epython("import sys\nprint(*sys.modules)")


def test_ctrl_c_ends_waiting_for_an_editor(crash, editor_at):
    editor_at(PROGRAM)
    crash.interrupt()
    assert untimed(crash.finish()).endswith("KeyboardInterrupt\n")
    assert children_of(crash.pid) == []
