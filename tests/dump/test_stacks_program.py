"""The command stacks: kernel stacks as text and JSON."""

import json
import re

import pytest

from tests.dump.crashbt import as_crash_counts
from tests.dump.harness import untimed

FRAME = re.compile(r" #(\d+) +\[([0-9a-f]+)\] (\? )?(\S+?)(?:\+0x([0-9a-f]+))?(?: \[(\S+)\])?$")


def run(crash, arguments=""):
    return untimed(crash.run(f"stacks {arguments}".rstrip()))


def functions(text):
    return [found[4] for found in map(FRAME.match, text.splitlines()) if found]


@pytest.fixture
def pids(dump):
    """PIDs by command, of processes that the guest made."""
    return {task["comm"]: task["tid"] for task in dump.oracle["tasks"]}


def test_the_tasks_that_were_running_are_shown_without_arguments(crash, dump):
    text = run(crash)
    assert re.findall(r"^PID: .* ON CPU: (\d+)$", text, re.M) == [
        str(cpu) for cpu in range(dump.oracle["nproc"])]
    assert "panic" in functions(text)


def test_a_task_is_named_by_pid_or_address(crash):
    by_pid = run(crash, "2")
    [address] = re.findall(r"^PID: 2  TASK: ([0-9a-f]+)  COMMAND: \"kthreadd\"$", by_pid, re.M)
    *most, last = functions(by_pid)
    assert [*most, last.removesuffix("_asm")][:4] \
        == ["__schedule", "schedule", "kthreadd", "ret_from_fork"]
    assert run(crash, address) == run(crash, f"0x{address}") == by_pid
    assert run(crash, "2 1").startswith(f"{by_pid}\nPID: 1  TASK: ")


def test_frames_are_those_of_bt(crash):
    theirs = re.findall(r"#\d+ \[([0-9a-f]+)\] (\S+) at", crash.run("bt 2"))
    ours = [FRAME.match(line).groups() for line in run(crash, "2").splitlines()[1:]]
    ours = [(int(at, 16), name) for _number, at, _guess, name, *_rest in ours]
    theirs = [(int(at, 16), name) for at, name in theirs]
    assert as_crash_counts(ours, theirs) == theirs


def test_all_tasks_are_shown_once(crash, dump):
    text = run(crash, "-a")
    shown = re.findall(r"^PID: (\d+)  TASK: [0-9a-f]+", text, re.M)
    assert len(shown) >= len(dump.oracle["tasks"]) - 3
    assert "     (a task without a stack at 0x" in text       # the zombie


def test_stacks_on_other_stacks_of_the_cpu_are_marked(crash):
    """The other CPU was stopped by an interrupt, wherever it was."""
    text = run(crash)
    assert "stop_this_cpu" in functions(text)
    areas = re.findall(r"--- <(.*)> ---", text)
    assert all(re.fullmatch(r"task stack|(IRQ|NMI) stack of CPU \d+", area) for area in areas)


def test_what_was_interrupted_is_marked(crash):
    """A made-up interrupt: registers somewhere, of a function that was called in user space."""
    text = crash.epython("""\
import _pykdump
from LinuxDump import stacks, stacktext
from pykdump.API import sym2addr
area = next(area for area in stacks.cpu_stacks() if area.name == "NMI")
frames = [_pykdump.StackFrame((sym2addr("panic") + 5, area.start + 64, 0, True, False, "panic", 5,
                               None)),
          _pykdump.StackFrame((5, 8, 0x1000, True, True, None, 0, "thing"))]
stack = stacks.Stack(0, frames, "error", 0, None, "and no further")
print("\\n".join(stacktext.stack_lines(stack)))
""")
    assert re.fullmatch(r"""     --- <NMI stack of CPU 0> ---
 #0  \[[0-9a-f]+\] panic\+0x5
     --- <task stack> ---
     \[interrupted, registers at 1000\]
 #1  \[8\] \? 0x5 \[thing\]
     \(and no further\)
""", text)


def test_source_lines_are_those_of_bt(crash):
    theirs = re.findall(r"^    (\S.*): (\d+)$", crash.run("bt -l 2"), re.M)
    ours = re.findall(r"^       (\S.*): (\d+)$", run(crash, "-l 2"), re.M)
    ours = ours[:len(theirs)]       # newer crashes have no line for ret_from_fork_asm
    assert len(ours) == len(theirs) >= 4
    # ours is the line of the call, bt's that of what comes behind
    assert [name.rsplit("/", 1)[1] for name, _line in ours[:1] + ours[2:]] \
        == [name.rsplit("/", 1)[1] for name, _line in theirs[:1] + theirs[2:]]


@pytest.mark.parametrize("address", ["0", "1", "(1 << 64) - 1", "1 << 70", "-5",
                                     "sym2addr('init_task')"])
def test_what_is_no_instruction_has_no_source_line(crash, address):
    assert crash.epython("from LinuxDump import stacks\nfrom pykdump.API import *\n"
                         f"print(stacks.source_line({address}))") == "None\n"


def test_a_symbol_has_the_source_line_that_sym_prints(crash):
    place, line = json.loads(crash.epython(
        "import json\nfrom LinuxDump import stacks\nfrom pykdump.API import *\n"
        "print(json.dumps(stacks.source_line(sym2addr('do_nanosleep'))))"))
    assert place.endswith("kernel/time/hrtimer.c") and f"{place}: {line}" in \
        crash.run("sym do_nanosleep")


def test_the_registers_of_user_space_are_those_of_bt(crash):
    theirs = dict(re.findall(r"\b(R[A-Z0-9]+): ([0-9a-f]{16})", crash.run("bt 1")))
    ours = dict(re.findall(r"\b([A-Z0-9_]+): ([0-9a-f]{16})", run(crash, "-r 1")))
    assert {name: ours[name] for name in ("R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15")} \
        == {name: value for name, value in theirs.items() if name[1].isdigit()}
    assert ours["IP"] == theirs["RIP"] and ours["SP"] == theirs["RSP"]
    assert ours["CS"] == f"{0x33:016x}"
    assert not re.search(r"^ +IP:", run(crash, "-r 2"), re.M)       # a thread of the kernel


def test_equal_stacks_are_shown_once_with_their_tasks(crash, pids):
    text = run(crash, "--group")
    counts = [int(count) for count in re.findall(r"^(\d+) tasks?$", text, re.M)]
    assert counts == sorted(counts, reverse=True) and counts[0] > 5
    tasks = re.findall(r"(?:^     |  )(\d+):(\S+)", text)
    assert len(tasks) == sum(counts)
    assert (str(pids["lab-zombie"]), "lab-zombie") in tasks
    pair = run(crash, f"-g {pids['lab-tree-1']} {pids['lab-tree-2']}")
    assert pair.startswith("2 tasks\n") and pair.endswith(
        f"     {pids['lab-tree-1']}:lab-tree-1  {pids['lab-tree-2']}:lab-tree-2\n")


def test_json_has_what_the_text_has(crash):
    [record] = json.loads(run(crash, "--json -l 2"))
    assert (record["pid"], record["comm"], record["end"], record["cpu"]) \
        == (2, "kthreadd", "whole", None)
    assert [frame["function"] for frame in record["frames"]] == functions(run(crash, "2"))
    frame = record["frames"][0]
    assert set(frame) == {"function", "offset", "module", "ip", "at", "regs", "exact", "guessed",
                          "stack", "source"}
    assert frame["stack"] == "task" and frame["source"]["file"].endswith("kernel/sched/core.c")
    assert int(frame["ip"], 16) and isinstance(frame["source"]["line"], int)
    groups = json.loads(run(crash, "--json --group"))
    assert all(group["count"] == len(group["tasks"]) for group in groups)
    assert {"pid": 2, "tgid": 2, "comm": "kthreadd", "task": record["task"]} in [
        task for group in groups for task in group["tasks"]]


@pytest.mark.parametrize("arguments, line", [
    ("nope", "stacks: 'nope' is neither a PID nor an address\n"),
    ("99999", "stacks: there is no task with PID 99999\n"),
    ("-- -5", "stacks: there is no task with PID -5\n"),
    ("0x" + "f" * 20, f"stacks: '0x{'f' * 20}' is no address\n"),
    ("-a 1", "stacks: error: -a is for all tasks, so none is to be named\n")])
def test_a_bad_argument_is_one_line(crash, arguments, line):
    text = run(crash, arguments)
    assert line in text and "Traceback" not in text


def test_an_address_of_no_task_is_told(crash):
    text = run(crash, "0xffff000000000000")
    assert re.fullmatch(r"TASK: ffff000000000000  \(.*\)\n     \(.*0xffff0000000000.*\)\n", text)
    [record] = json.loads(run(crash, "--json 0xffff000000000000"))
    assert (record["pid"], record["frames"], record["end"]) == (None, [], "error")


def test_help_and_version_do_not_look_at_the_kernel(fresh_crash):
    crash = fresh_crash()
    assert "Usage: stacks [options] [PID|TASK ...]" in crash.run("stacks -h")
    assert "user_regs" in crash.run("stacks -h")
    assert crash.run("stacks --version").startswith("STACKS version ")
    assert crash.epython("import sys\nprint('LinuxDump' in sys.modules)") == "False\n"
    assert "--registers" in crash.run("help stacks")
