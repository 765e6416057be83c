"""Kernel stacks of a real dump, frame by frame, beside crash's bt and the guest's own account."""

import json
import re

import pytest

from tests.dump.crashbt import as_crash_counts, without_stale_frames

ALL = """
import json
from LinuxDump.Tasks import TaskTable
from LinuxDump import stacks
found = {}
for task in TaskTable().allThreads():
    stack = stacks.stack_of(task.ts)
    found[int(task.ts)] = (task.pid, task.comm, stack.cpu, stack.end, stack.message,
                           [(f.at, f.function, f.ip, f.exact, f.guessed, f.module)
                            for f in stack.frames])
print(json.dumps(found))
"""
FRAME = re.compile(r" *#\d+ \[([0-9a-f]+)\] (\S+) at ([0-9a-f]+)")


@pytest.fixture(scope="module")
def stacks(shared, tmp_path_factory):
    """Our stacks of all threads, by address of the task."""
    session = shared.get()
    session.cd(tmp_path_factory.mktemp("stacks"))
    return {int(task): stack for task, stack in json.loads(session.epython(ALL)).items()}


def of_command(stacks, comm):
    return [[frame[1] for frame in stack[5]] for stack in stacks.values() if stack[1] == comm]


def test_every_sleeping_task_is_followed_to_its_outermost_frame(stacks):
    cut = {stack[1]: stack[4] for stack in stacks.values() if stack[3] == "error"}
    assert set(cut) == {"lab-zombie"}
    assert cut["lab-zombie"].startswith("a task without a stack at 0x")


def test_no_frame_of_a_healthy_dump_is_guessed(stacks):
    assert not [stack for stack in stacks.values() for frame in stack[5] if frame[4]]


def test_stacks_of_sleeping_tasks_are_those_of_crash(crash, stacks):
    shown = crash.run("foreach bt")
    equal, shorter = 0, []
    for chunk in shown.split("\n\n"):
        head = re.search(r"TASK: ([0-9a-f]+)", chunk)
        ours = head and stacks[int(head.group(1), 16)]
        if not ours or ours[2] is not None or ours[3] == "error":
            continue
        theirs = [(int(at, 16), name, int(ip, 16)) for at, name, ip in FRAME.findall(chunk)]
        theirs = without_stale_frames(theirs)
        frames = as_crash_counts([tuple(frame[:3]) for frame in ours[5]], theirs)
        assert frames[:len(theirs)] == theirs, chunk
        equal += frames == theirs
        if frames != theirs:
            shorter.append(ours[1])
    assert equal > 80
    # crash 8.0.2 stops there at a frame whose size it does not know
    assert set(shorter) <= {"lab-vfork"}


def test_the_task_that_crashed_the_kernel_is_shown_up_to_its_system_call(stacks):
    [functions] = of_command(stacks, "init")
    assert functions[1:4] == ["panic", "sysrq_handle_crash", "__handle_sysrq.cold"] \
        or functions[1:3] == ["panic", "sysrq_handle_crash"]
    assert functions[-2:] == ["do_syscall_64", "entry_SYSCALL_64_after_hwframe"]


def test_what_the_other_cpu_did_is_shown_from_where_the_panic_stopped_it(stacks):
    [other] = [stack for stack in stacks.values() if stack[2] is not None and stack[1] != "init"]
    functions = [frame[1] for frame in other[5]]
    assert functions[0] == "stop_this_cpu"
    assert any(name.startswith("asm_sysvec_") for name in functions)


def test_equal_stacks_are_one_group_with_all_their_tasks(crash, stacks):
    groups = json.loads(crash.epython(
        "import json\nfrom LinuxDump.Tasks import TaskTable\nfrom LinuxDump import stacks\n"
        "tasks = [task.ts for task in TaskTable().allThreads()]\n"
        "print(json.dumps([(stack.functions, members) for stack, members\n"
        "                  in stacks.group_stacks(tasks)]))\n"))
    assert sorted(task for _functions, members in groups for task in members) == sorted(stacks)
    assert [len(members) for _functions, members in groups] \
        == sorted((len(members) for _functions, members in groups), reverse=True)
    for functions, members in groups:
        for task in members:
            assert [frame[1] for frame in stacks[task][5]] == functions


def test_registers_of_each_cpu_are_those_that_crash_shows(crash):
    shown = crash.run("help -r")
    ours = json.loads(crash.epython("import json\nfrom LinuxDump import stacks\n"
                                    "print(json.dumps(stacks.cpu_registers()))\n"))
    assert len(ours) == shown.count("CPU ")
    for registers in ours.values():
        assert f"RIP: {registers['ip']:016x}" in shown
        assert f"RSP: {registers['sp']:016x}" in shown
        assert f"R13: {registers['r13']:016x}" in shown


def test_irq_and_exception_stacks_are_where_the_symbols_say(crash):
    areas = json.loads(crash.epython("import json\nfrom LinuxDump import stacks\n"
                                     "print(json.dumps(stacks.cpu_stacks()))\n"))
    kinds = {(name, cpu) for _start, _end, name, cpu in areas}
    assert {(name, cpu) for name in ("IRQ", "NMI", "DF", "DB", "MCE") for cpu in (0, 1)} <= kinds
    assert all(start % 4096 == 0 and end - start in (8192, 16384)
               for start, end, name, _cpu in areas)


@pytest.mark.parametrize("task", ["0", "8", "1 << 63", "-1", "sym2addr('linux_banner')",
                                  "readSymbol('init_task') + 8"])
def test_what_is_no_task_has_a_stack_that_says_so(crash, task):
    text = crash.epython("from pykdump.API import *\nfrom LinuxDump import stacks\n"
                         f"stack = stacks.stack_of({task})\nprint(stack.end, stack.message)\n")
    assert text.startswith("error ") and len(text) > 10
    assert "Traceback" not in text


# -- what programs do with stacks --

def test_the_threads_that_have_a_function_are_found(crash, stacks):
    found = json.loads(crash.epython(
        "import json, re\nfrom LinuxDump.BTstack import fastSubroutineStacks\n"
        "s = fastSubroutineStacks()\n"
        "print(json.dumps([sorted(s.find_pids_byfuncname(f)) for f in\n"
        "                  ('panic', 'do_nanosleep | panic', re.compile('do_nano'), 'nope')]))\n"))
    sleepers = sorted(stack[0] for stack in stacks.values()
                      if "do_nanosleep" in [frame[1] for frame in stack[5]])
    assert found == [[1], sorted([1, *sleepers]), sleepers, []]


def test_a_set_of_threads_is_verified_in_place(crash):
    text = crash.epython("from LinuxDump.BTstack import *\n"
                         "pids = {1, 2, 999999}\nprint(verifyFastSet(pids, 'pan.c'), pids)\n")
    assert text == "None {1}\n"


def test_the_stack_of_a_task_is_that_of_bt(crash):
    text = crash.epython(
        "from LinuxDump.Tasks import *\ntask = TaskTable().getByTid(2)\n"
        "ours, [theirs] = task.get_task_stack(), exec_bt('bt 2')\n"
        "print(ours.getSimpleSignature() == theirs.getSimpleSignature(),\n"
        "      (ours.pid, ours.addr, ours.cpu, ours.cmd)\n"
        "      == (theirs.pid, theirs.addr, theirs.cpu, theirs.cmd),\n"
        "      [str(f) for f in ours.frames] == [str(f) for f in theirs.frames])\n")
    assert text == "True True True\n"


def test_a_task_without_a_stack_is_an_index_error(crash):
    assert crash.epython(
        "from LinuxDump.Tasks import *\n[task] = TaskTable().getByComm('lab-zombie')\n"
        "try:\n    task.get_task_stack()\nexcept IndexError as err:\n    print(err)\n") \
        .startswith("no stack of PID=")
