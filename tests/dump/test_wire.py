"""The wire trace in real sessions."""

import re
import stat
import subprocess
from pathlib import Path

import pytest

from tests.dump.harness import TIMEOUT, batch, environment, untimed

LINE = re.compile(r"\[\d+\] (crash sent <[A-Z]+.*>|crash received <[A-Z]+ .*\d+\.\dus.*>|"
                  r"(program|import|reload|messages of|  ) ?.+|"
                  r"mpykdump .+ is loaded, .+|mpykdump is unloaded|forked from \d+)")
READ = "import crash\ncrash.readmem(crash.sym2addr('init_task'), 8)\n"


def said(text):
    """The lines of a trace, all of them whole: (process, what)."""
    for line in text.splitlines():
        assert LINE.fullmatch(line), line
    return [(int(line[1:line.index("]")]), line.partition("] ")[2]) for line in text.splitlines()]


def file_of(crash):
    words = Path(f"/proc/{crash.pid}/environ").read_bytes().split(b"\0")
    folder = next(word for word in words if word.startswith(b"TMPDIR="))[7:].decode()
    return Path(folder) / f"pykdump-debug-{crash.pid}"


@pytest.fixture(scope="module")
def traced_crash(starting):
    """A session of these tests' own."""
    session = starting()
    yield session
    session.close()


class Trace:
    """A session, and what it traces since the test began."""

    def __init__(self, crash):
        self.crash = crash
        self.file = file_of(crash)
        self._begin = self.file.stat().st_size if self.file.exists() else 0

    def pyctl(self, arguments):
        return untimed(self.crash.run(f"epython pyctl {arguments}"))

    def said(self):
        with open(self.file, "rb") as file:
            file.seek(self._begin)
            return said(file.read().decode())

    def what(self):
        return [what for _, what in self.said()]


@pytest.fixture
def trace(traced_crash, tmp_path):
    traced_crash.mark()
    traced_crash.cd(tmp_path)
    made = Trace(traced_crash)
    yield made
    made.pyctl("--clear")


def test_the_switch_traces_to_a_private_file_and_ends_it(trace):
    assert trace.pyctl("--set debugWire=1") == (
        f"mpykdump: messages are traced to {trace.file}\nSet: ['debugWire=1']\n")
    assert stat.S_IMODE(trace.file.stat().st_mode) == 0o600
    trace.crash.epython(READ)
    trace.pyctl("--set debugWire=0")
    what = [line for line in trace.what() if not line.startswith("import ")]
    address = next(re.fullmatch(r"crash received <SYMBOL (\w+) .*>", line)[1] for line in what
                   if "received <SYMBOL" in line)
    start = what.index("program prog starts []")
    assert what[start + 1:start + 4] == ["crash sent <SYMBOL name=init_task>", what[start + 2],
                                         f"crash sent <READ addr={address} size=8 type=KVADDR>"]
    assert re.fullmatch(r"crash received <READ 8 bytes \d+\.\dus (hit|miss)>", what[start + 4])
    assert "program prog ends" in what
    size = trace.file.stat().st_size
    trace.crash.epython(READ)
    assert trace.file.stat().st_size == size


def test_every_kind_of_message_is_traced(trace):
    trace.pyctl("--set debugWire=1")
    trace.crash.epython("""\
import crash
from pykdump.API import *
crash.exec_crash_command("sys")
crash.get_GDB_output("p 1")
init = crash.pid_to_task(1)
crash.task_to_pid(init)
task = readSU("struct task_struct", init)
crash.struct_size("list_head"), crash.sym2addr("jiffies")
crash.exec_crash_command_bg2("sys")
try:
    crash.uvtop(init, task.mm.start_code)
except crash.error:
    pass
crash.get_pathname(task.fs.pwd.dentry, task.fs.pwd.mnt)
""")
    kinds = {re.match(r"crash (sent|received) <([A-Z]+)", what).groups()
             for what in trace.what() if what.startswith("crash")}
    wanted = {"READ", "SYMBOL", "TYPE", "COMMAND", "GDB", "TASK", "TRANSLATE", "PATH"}
    assert {kind for way, kind in kinds if way == "sent"} >= wanted
    assert {kind for way, kind in kinds if way == "received"} >= wanted


def test_what_is_traced_prints_the_same(trace):
    expected = untimed(trace.crash.run("stacks -a"))
    trace.pyctl("--set debugWire=1")
    assert untimed(trace.crash.run("stacks -a")) == expected
    assert sum("sent <READ" in what for what in trace.what()) > 500


def test_every_question_has_its_answer(trace):
    trace.pyctl("--set debugWire=1")
    trace.crash.run("taskinfo")
    trace.crash.run("pstree")
    pending = []
    for what in trace.what():
        found = re.match(r"crash (sent|received) <([A-Z]+)", what)
        if found and found[1] == "sent":
            pending.append(found[2])
        elif found:
            assert pending.pop() == found[2]
    assert pending == []


def test_a_filter_by_kind_and_program(trace):
    trace.pyctl('--set debugWire=1 "wireFilter=kind=READ program=taskinfo"')
    begin = len(trace.what())
    trace.crash.epython(READ)
    assert trace.what()[begin:] == []
    trace.crash.run("taskinfo --pidinfo=1")
    messages = [what for what in trace.what()[begin:] if what.startswith("crash")]
    assert messages and all("<READ" in what for what in messages)


def test_a_bad_filter_is_one_line(trace):
    assert trace.pyctl('--set "wireFilter=kind=RAED"') == (
        "pyctl: wireFilter: 'kind=RAED' is refused: there is no kind of message RAED; the kinds "
        "are READ, TRANSLATE, SYMBOL, TYPE, COMMAND, GDB, TASK, PATH, LIFE\n"
        " -- sys.exit(2) --\n")


def test_a_summary_names_the_lines_that_ask(trace):
    trace.pyctl("--set wireSummary=2")
    text = trace.crash.epython("import crash\na = crash.sym2addr('init_task')\n"
                               "for i in range(100):\n    crash.readmem(a, 8)\n")
    assert text.splitlines()[0] == "messages of prog"
    rows = {tuple(line.split()[:3]) + tuple(line.split()[4:]) for line in text.splitlines()}
    assert ("READ", "100", "800") in rows
    assert ("READ", "100", "800", "./prog.py:4") in rows
    assert ("SYMBOL", "1", "0", "./prog.py:2") in rows


def test_children_trace_with_their_own_number(trace):
    trace.pyctl("--set debugWire=1")
    text = trace.crash.epython("""\
import crash, os
a = crash.sym2addr("init_task")
children = []
for _ in range(4):
    child = os.fork()
    if not child:
        for i in range(300):
            crash.readmem(a + i, 8)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
print(*children)
""")
    children = [int(word) for word in text.split()]
    lines = trace.said()
    for child in children:
        mine = [what for process, what in lines if process == child]
        assert mine[0] == f"forked from {trace.crash.pid}"
        assert sum("sent <READ" in what for what in mine) == 300
        assert sum("received <READ" in what for what in mine) == 300


def test_a_command_in_the_background_is_traced_by_its_child(trace):
    trace.pyctl("--set debugWire=1")
    assert "UPTIME" in trace.crash.epython(
        "from pykdump.API import *\nprint(exec_crash_command_bg('sys'))")
    background = [(process, what) for process, what in trace.said() if "COMMAND" in what]
    (process, sent), (same, received) = background
    assert process == same != trace.crash.pid
    assert sent == 'crash sent <COMMAND "sys" background>'
    assert received.startswith("crash received <COMMAND ")


def test_a_program_that_closes_all_files_ends_the_trace_and_nothing_else(trace):
    trace.pyctl("--set debugWire=1")
    text = trace.crash.epython(
        "import os, glob\n"
        f"fd = next(int(os.path.basename(fd)) for fd in glob.glob('/proc/self/fd/*')\n"
        f"          if os.path.exists(fd) and os.readlink(fd) == '{trace.file}')\n"
        "os.close(fd)\nprecious = os.open('precious', os.O_WRONLY | os.O_CREAT)\n"
        "print(fd == precious)\n" + READ + "os.close(precious)\nprint('goes on')\n")
    assert text == ("True\ngoes on\n"
                    f"mpykdump: the trace has ended: {trace.file}: Bad file descriptor\n")
    assert (trace.crash.cwd / "precious").read_bytes() == b""
    assert "debugWire=0" in trace.pyctl("--ls debugWire")
    trace.file.unlink()


# ---- sessions of their own -----------------------------------------------------------------------

def test_the_environment_traces_from_the_start(fresh_crash):
    crash = fresh_crash(PYKDUMP_DEBUG="1", PYKDUMP_DEBUG_FILTER="kind=LIFE,COMMAND")
    crash.epython("import crash\ncrash.exec_crash_command('sys')")
    lines = said(file_of(crash).read_text())
    assert {process for process, _ in lines} == {crash.pid}
    what = [what for _, what in lines if not what.startswith("import ")]
    assert re.fullmatch(r"mpykdump .* is loaded, Python 3\.\S+, dump /\S+", what[0])
    assert what[1:3] == ["program prog starts []", 'crash sent <COMMAND "sys">']
    assert what[4] == "program prog ends"
    assert untimed(crash.run("epython pyctl --ls debugWire")).endswith("<debugWire=1>   "
                                                                       "in pykdump.wire\n")


def redirected(dump, home, redirection, lines, **env):
    """A session whose stderr is elsewhere: what it printed."""
    home.mkdir()
    result = subprocess.run(
        ["/bin/sh", "-c", f'exec /usr/bin/crash -s "$@" {redirection}', "sh", str(dump.vmlinux),
         str(dump.kdump)], cwd=home, env=environment(home, **env), text=True, timeout=TIMEOUT,
        input="".join(f"{line}\n" for line in lines), stdout=subprocess.PIPE, check=True)
    return result.stdout


def test_stderr_and_the_life_of_the_plugin(dump, plugin, tmp_path):
    text = redirected(dump, tmp_path / "home", "2> stderr", [
        f"extend {plugin}", "taskinfo --pidinfo=1", f"extend -u {plugin}", f"extend {plugin}",
        "stacks -a", "quit"], PYKDUMP_DEBUG="2", PYKDUMP_DEBUG_FILTER="kind=LIFE,READ")
    assert text.count("mpykdump: messages are traced to stderr\n") == 1
    assert "crash sent" not in text.partition("traced to stderr")[2].partition("Execution took")[0]
    traced = (tmp_path / "home" / "stderr").read_text()
    what = [line for _, line in said("".join(re.findall(r"^\[\d+\] .*\n", traced, re.M)))]
    assert re.fullmatch(r"mpykdump .* is loaded, Python 3\.\S+, dump /\S+", what[0])
    assert "program taskinfo starts ['--pidinfo=1']" in what
    gone = what.index("mpykdump is unloaded")
    assert what[gone + 1:gone + 3] == [what[0], "program stacks starts ['-a']"]
    assert any(line.startswith("crash received <READ") for line in what[gone:])


@pytest.mark.parametrize("redirection, reason", [
    ("2> /dev/full", "No space left on device"), ("2>&-", "Bad file descriptor")])
def test_a_stderr_that_takes_nothing_is_one_line(dump, plugin, tmp_path, redirection, reason):
    text = redirected(dump, tmp_path / "home", redirection, [
        f"extend {plugin}", "taskinfo --pidinfo=1", "taskinfo --pidinfo=1", "quit"],
        PYKDUMP_DEBUG="2")
    assert text.count("Execution took") == 2 and text.count("-- Parent: 0 swapper/0") == 2
    told = [line for line in text.splitlines() if reason in line]
    assert len(told) == 1 and told[0].startswith("mpykdump: ")


def test_a_file_that_cannot_be_made_is_one_line(dump, plugin, tmp_path):
    text, status = batch(dump, tmp_path / "home", [
        f"extend {plugin}", "taskinfo --pidinfo=1", "quit"], PYKDUMP_DEBUG="1", TMPDIR="/nowhere")
    assert status == 0 and "-- Parent: 0 swapper/0" in text
    assert re.findall("^mpykdump: PYKDUMP_DEBUG.*", text, re.M)[0].endswith(
        ": No such file or directory (nothing is traced)")
