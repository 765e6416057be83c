"""The command fregs: registers and arguments as text and JSON, and what programs call."""

import json
import re
from pathlib import Path

import pytest

from tests.dump.harness import untimed
from tests.lab import kmodule
from tests.lab.progress import Progress

LAB_LOCKS = Path(__file__).resolve().parents[1] / "lab" / "guests" / "lab_locks.c"
HEAD = re.compile(r"^PID: (\d+)  TASK: ([0-9a-f]+)  CPU: (\d+)  COMMAND: (.+)$", re.M)
FRAME = re.compile(r"^#(\d+) (\S+)(?: called from 0x([0-9a-f]+) <(\S+)\+(\d+)>"
                   r"| entered by exception at <(\S+)>)?$", re.M)
REGISTER = re.compile(r"^ *(?:\+|(\d+) )(R[A-Z0-9]+): 0x([0-9a-f]+)", re.M)
# thread of the guest "locks" -> function on its stack, register, what that is then
KNOWN = {
    "lab-mutex-wait": ("mutex_lock", "RDI", "&lab_mutex"),
    "lab-chain-wait": ("mutex_lock", "RDI", "&lab_chain_mutex"),
    "lab-cycle-a": ("mutex_lock", "RDI", "&lab_cycle_b"),
    "lab-cycle-b": ("mutex_lock", "RDI", "&lab_cycle_a"),
    "lab-written-r": ("down_read", "RDI", "&lab_rwsem_written"),
    "lab-written-w": ("down_write", "RDI", "&lab_rwsem_written"),
    "lab-read-wait": ("down_write", "RDI", "&lab_rwsem_read"),
    "lab-rt-wait": ("rt_mutex_lock", "RDI", "&lab_rt_mutex"),
    "lab-sem-wait": ("down", "RDI", "&lab_semaphore"),
    "lab-compl-wait": ("wait_for_common", "RDI", "&lab_completion"),
    "lab-percpu-wait": ("percpu_down_read", "RDI", "&lab_percpu_rwsem"),
    "lab-bit-wait": ("out_of_line_wait_on_bit", "RDI", "&lab_bits"),
    "lab-buffer-wait": ("out_of_line_wait_on_bit_lock", "RDI", "lab_buffer"),
    "lab-work-wait": ("flush_work", "RDI", "&lab_work"),
}
ARGUMENTS = f"""
import json
from LinuxDump.Analysis import get_tentative_arg
from LinuxDump.Tasks import TaskTable
from pykdump.API import readPtr, sym2addr
found = {{}}
for comm, (function, _register, name) in {KNOWN!r}.items():
    [task] = TaskTable().getThreadsByComm(comm)
    address = sym2addr(name.lstrip("&"))
    found[comm] = [get_tentative_arg(task.pid, function, 0),
                   address if name[0] == "&" else readPtr(address)]
print(json.dumps(found))
"""


@pytest.fixture
def pids(dump):
    return {task["comm"]: task["tid"] for task in dump.oracle["tasks"]}


def run(crash, arguments=""):
    return untimed(crash.run(f"fregs {arguments}".rstrip()))


def records(crash, arguments):
    return json.loads(run(crash, f"--json {arguments}"))


def functions(text):
    return [found[2] for found in FRAME.finditer(text)]


def on_stack(crash, pid):
    """The functions that the command stacks shows."""
    return re.findall(r"^ #\d+ +\[[0-9a-f]+\] (\S+?)\+", crash.run(f"stacks {pid}"), re.M)


# -- what is found ------------------------------------------------------------------------------

def test_threads_wait_with_the_arguments_that_their_code_has(locks_crash, locks_dump):
    """But of those that jump to another function, which then is on the stack in their place."""
    found = json.loads(locks_crash.epython(ARGUMENTS))
    assert set(found) == set(KNOWN)
    pids = {task["comm"]: task["tid"] for task in locks_dump.oracle["tasks"]}
    gone = {comm for comm, (value, _wanted) in found.items() if value is None
            and KNOWN[comm][0] not in on_stack(locks_crash, pids[comm])}
    assert len(gone) < len(KNOWN) / 4
    assert {comm: value for comm, (value, _wanted) in found.items() if comm not in gone} \
        == {comm: wanted for comm, (_value, wanted) in found.items() if comm not in gone}


def reads_of_a_semaphore(crash, dump):
    """The functions that a thread is in that waits to read; down_read may have left its place."""
    [pid] = [task["tid"] for task in dump.oracle["tasks"] if task["comm"] == "lab-written-r"]
    found = [function for function in on_stack(crash, pid)
             if function in ("rwsem_down_read_slowpath", "down_read")]
    assert found
    return found


def test_arguments_are_shown_with_their_types_and_what_they_stand_for(locks_crash, locks_dump):
    pids = {task["comm"]: task["tid"] for task in locks_dump.oracle["tasks"]}
    reads = reads_of_a_semaphore(locks_crash, locks_dump)
    text = run(locks_crash, f"-aa {pids['lab-written-r']}")
    lines = re.findall(r"\+RDI: 0x[0-9a-f]+  arg0 struct rw_semaphore \* (.*)$", text, re.M)
    assert lines == [f"lab_rwsem_written (writer pid: {pids['lab-written-own']})"] * len(reads)
    text = run(locks_crash, f"-a {pids['lab-written-r']}")
    assert text.count("  arg0 struct rw_semaphore *\n") == len(reads)


def test_files_of_system_calls_are_those_that_the_guest_tells(crash, dump):
    text = run(crash, "-aa -A")
    paths = set(re.findall(r"struct file \* = (\S+)$", text, re.M))
    assert {"/proc/sysrq-trigger", "/run/fifo", "/run/lab.lock"} <= paths
    assert "<invalid>" not in text and "another value" not in text
    assert len(HEAD.findall(text)) == len(records(crash, "-A"))


def test_of_what_was_running_all_registers_are_known(crash):
    running = [record for record in records(crash, "1") if record["cpu"] is not None]
    assert running      # it has made the kernel panic
    for record in running:
        [shown] = re.findall(rf"^CPU {record['cpu']}:\n((?: .*\n)+)", crash.run("help -r"), re.M)
        theirs = {name: int(value, 16)
                  for name, value in re.findall(r"\b(R[A-Z0-9]+): *([0-9a-f]+)", shown)}
        first = record["frames"][0]["call"]
        assert len(first) == 16
        assert {name.upper(): int(known["value"], 16) for name, known in first.items()} \
            == {name: value for name, value in theirs.items() if name.lower() in first}
    interrupted = [frame for record in records(crash, "-A") for frame in record["frames"]
                   if frame["regs"]]
    assert all(len(frame["call"]) == 16 for frame in interrupted)


def test_nearly_all_frames_tell_something_and_nothing_contradicts_itself(crash):
    frames = [frame for record in records(crash, "-A") for frame in record["frames"][:-1]]
    silent = {frame["function"] for frame in frames if not frame["entry"]}
    assert len(frames) > 300 and not [frame for frame in frames if frame["conflicts"]]
    assert not {name for name in silent
                if not name.startswith(("asm_", "start_kernel", "x86_64_start", "arch_call_rest",
                                        "stop_this"))}


# -- what DWARF adds ----------------------------------------------------------------------------

def by_function(crash, arguments):
    """Function -> its frame in JSON, of one task."""
    [record] = records(crash, arguments)
    return {frame["function"]: frame for frame in record["frames"]}


def test_inlined_functions_are_shown_with_their_parameters_and_lines(locks_crash):
    text = run(locks_crash, "-a -r down_read lab-written-r")
    [lock] = set(re.findall(r"\+RDI: (0x[0-9a-f]+)  arg0 struct rw_semaphore \*", text))
    frame = text.split("\n#")[-1]
    assert re.findall(r"^    (\w+)\((.*)\) at kernel/locking/rwsem\.c:\d+(, inlined)?$", frame,
                      re.M) == [("__down_read_common", f"sem={lock}, state=2", ", inlined"),
                                ("__down_read", f"sem={lock}", ", inlined"),
                                ("down_read", f"sem={lock}", "")]
    assert "inlined" not in run(locks_crash, "-r down_read lab-written-r")


def test_parameters_that_the_compiler_dropped_are_told(locks_crash):
    text = run(locks_crash, "-aa -r __mutex_lock lab-mutex-wait")
    assert re.search(r"\+RDI: 0x[0-9a-f]+  arg0 struct mutex \* lab_mutex \(owner pid: \d+\)$",
                     text, re.M)
    assert re.search(r"\+RSI: 0x2 \(its lower half\)  arg1 unsigned int$", text, re.M)
    assert "(it is called without subclass, nest_lock, ip: the compiler dropped that)" in text


def test_hints_of_parameters_that_no_register_has(locks_crash):
    text = run(locks_crash, "-aa -r __schedule lab-mutex-wait")
    pid = HEAD.search(text)[1]
    assert f"      prev: = pid {pid} (lab-mutex-wait)\n" in text


def test_what_calls_passed_is_told_with_the_caller(locks_crash):
    frame = by_function(locks_crash, "-a lab-written-r")["rwsem_down_read_slowpath"]
    passed = frame["dwarf"]["passed"]
    assert passed["rdi"]["value"] == frame["entry"]["rdi"]["value"]
    assert passed["rdx"] == {"value": "0x2", "bits": 32, "grade": "certain", "distance": 0,
                             "how": "call site in down_read", "argument": 2,
                             "type": "unsigned int", "hint": None, "symbol": None}
    [scope] = frame["dwarf"]["scopes"]
    assert [(one["name"], one["ctype"], one["register"]) for one in scope["variables"]][:3] == [
        ("sem", "struct rw_semaphore *", "rdi"), ("count", "long int", "rsi"),
        ("state", "unsigned int", "rdx")]
    assert {one["name"]: one["how"] for one in scope["variables"]}["count"] \
        == "it was optimised out"
    assert by_function(locks_crash, "lab-written-r")["down_read"]["dwarf"] is None


def test_nothing_that_dwarf_tells_contradicts_the_code_that_was_followed(crash):
    text = run(crash, "-a -A")
    assert "another value" not in text and text.count(", inlined\n") > 100
    assert re.search(r"^   @R[A-Z0-9]+: 0x[0-9a-f]+ .*\(call site in [\w, ]+\)$", text, re.M)


CONFLICT = """
from LinuxDump import dwarfframes
kept = dwarfframes.dwarf_of_frames
def wrong(found):
    return [told._replace(passed={name: known._replace(value=known.value ^ 16)
                                  for name, known in told.passed.items()}) for told in kept(found)]
dwarfframes.dwarf_of_frames = wrong
"""


def test_another_value_is_never_hidden(locks_crash):
    locks_crash.epython(CONFLICT)
    try:
        text = run(locks_crash, "-a -r slowpath lab-written-r")
    finally:
        locks_crash.epython("from LinuxDump import dwarfframes\n"
                            "dwarfframes.dwarf_of_frames = kept")
    assert re.search(r"^   2 RDX: 0x2  arg2 unsigned int$", text, re.M)
    assert "   @RDX: 0x12 (its lower half) (call site in down_read: another value: " \
        "one of them is wrong)\n" in text


def test_functions_of_a_module_whose_debug_information_is_loaded(locks_crash, locks_dump,
                                                                 tmp_path):
    file = tmp_path / "lab_locks.ko"
    file.write_bytes(kmodule.build(LAB_LOCKS, locks_dump.kernel, Progress()))
    asked = "-a -r written_wait_read lab-written-r"
    assert "written_wait_read(" not in run(locks_crash, asked)
    locks_crash.run(f"mod -s lab_locks {file}")
    try:
        text = run(locks_crash, asked)
    finally:
        locks_crash.run("mod -d lab_locks")
    assert re.search(r"^    written_wait_read\(\w+=\S+\) at \S*lab_locks\.c:\d+$", text, re.M)


def test_without_dwarf_registers_are_shown_all_the_same(locks_crash):
    plain = run(locks_crash, "-a lab-sem-wait")
    locks_crash.epython("from LinuxDump import dwarfframes\nkept = dwarfframes.dwarf_of_frames\n"
                        "def fails(found):\n    raise TypeError('no libdw')\n"
                        "dwarfframes.dwarf_of_frames = fails")
    try:
        text = run(locks_crash, "-a lab-sem-wait")
    finally:
        locks_crash.epython("from LinuxDump import dwarfframes\n"
                            "dwarfframes.dwarf_of_frames = kept")
    assert text.count("fregs: no DWARF is used: no libdw\n") == 1
    assert REGISTER.findall(text) == REGISTER.findall(plain) and ", inlined" not in text


# -- the command --------------------------------------------------------------------------------

def test_without_arguments_it_is_the_task_of_crashs_context(crash, pids):
    text = run(crash)
    assert text.startswith("\nPID: 1  TASK: ") and HEAD.search(text)[4] == "init"
    crash.run("set 2")
    try:
        assert HEAD.search(run(crash))[1] == "2"
    finally:
        crash.run("set -p")


def test_frames_tell_where_they_were_called_from(crash):
    text = run(crash, "2")
    names = on_stack(crash, 2)
    assert names[:3] == ["__schedule", "schedule", "kthreadd"] and functions(text) == names
    numbers = [found[1] for found in FRAME.finditer(text)]
    assert numbers == [str(number) for number in range(len(names))]
    callers = [found[4] for found in FRAME.finditer(text)]
    assert callers == [*names[1:], None]
    assert REGISTER.search(text) and text.splitlines()[-1] == f"#{len(names) - 1} {names[-1]}"


def test_a_task_is_named_by_pid_address_or_command(crash):
    by_pid = run(crash, "2")
    address = HEAD.search(by_pid)[2]
    assert run(crash, address) == run(crash, f"0x{address}") == run(crash, "kthreadd") == by_pid


def test_some_routines_alone(crash):
    assert functions(run(crash, "-r sched 2")) == ["__schedule", "schedule"]


def test_uninterruptible_tasks_alone(locks_crash):
    commands = [found[4] for found in HEAD.finditer(run(locks_crash, "-u"))]
    assert {"lab-mutex-wait", "lab-sem-wait"} <= set(commands)
    assert not {"lab-idle", "lab-mutex-own", "init"} & set(commands)


def test_source_lines(crash):
    lines = run(crash, "-l -r schedule 2").splitlines()
    assert [line for line in lines if re.match(r"    \S*kernel/sched/core\.c: \d+$", line)]


def test_source_lines_that_are_not_known(locks_crash):
    assert "    <No line numbers; possibly you need to load a module>\n" \
        in run(locks_crash, "-l -r mutex_wait lab-mutex-wait")


@pytest.mark.parametrize("arguments, line", [
    ("nosuch", "fregs: 'nosuch' is no PID, no address of a task and no command"),
    ("99999", "fregs: there is no task with PID 99999"),
    ("0x1ffffffffffffffff0", "fregs: '0x1ffffffffffffffff0' is no address"),
    ("-u -A", "fregs: error: -u and -A exclude each other")])
def test_what_is_no_task_is_one_line(crash, arguments, line):
    text = crash.run(f"fregs {arguments}")
    assert line in text.splitlines() and "Traceback" not in text


def test_an_address_of_no_task_has_no_stack(crash):
    lines = run(crash, "ffff888000000010").splitlines()
    assert lines[1].startswith("TASK: ffff888000000010  (")
    assert lines[2].startswith("    Unable to get stack trace: ")


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_its_version(crash, option):
    assert run(crash, option).splitlines()[0] == "FREGS version 1.0"


WITHOUT = """
import sys
from LinuxDump import machinecode
from pykdump.memocaches import purge_memoize_cache, CU_LOAD
machinecode._decoders.clear()
purge_memoize_cache(CU_LOAD)
"""


def test_without_the_decoder_it_says_what_to_install(crash):
    crash.epython(WITHOUT + "kept = sys.modules.get('capstone')\nsys.modules['capstone'] = None")
    try:
        text = run(crash, "2")
    finally:
        crash.epython(WITHOUT + "del sys.modules['capstone']\n"
                      "if kept is not None:\n    sys.modules['capstone'] = kept")
    assert text.splitlines()[-1].startswith("fregs: instructions cannot be decoded: ")
    assert "(apt install python3-capstone)" in text.splitlines()[-1] and "#0" not in text
    assert REGISTER.search(run(crash, "2"))


# -- what programs call -------------------------------------------------------------------------

FRAMES = """
import json, re
from LinuxDump.BTstack import exec_bt
from LinuxDump.fregsapi import DisasmFlavor, disasm, search_for_registers
from pykdump.API import exec_gdb_command, sym2addr
[stack] = exec_bt("bt 2")
"""


def test_frames_of_bt_get_registers(crash):
    found = json.loads(crash.epython(FRAMES + """
processed = search_for_registers(stack)
print(json.dumps([[frame.func, frame.reg, frame.from_func, frame.lookup_regs]
                  for frame in processed]))
"""))
    assert [frame[0] for frame in found] == on_stack(crash, 2)[:-1]
    assert all(frame[3] for frame in found)
    text = run(crash, "2")
    for function, registers, called, _wanted in found:
        [section] = [part for part in text.split("\n#") if part[2:].startswith(f"{function} ")]
        assert section.splitlines()[0].endswith(called)
        assert {name: [int(value, 16), int(distance or 0)]
                for distance, name, value in REGISTER.findall(section)} == registers


@pytest.mark.parametrize("wanted", ["'sched'", "re.compile('^(__)?sched')"])
def test_only_frames_that_match_are_looked_up(crash, wanted):
    assert json.loads(crash.epython(FRAMES + f"""
processed = search_for_registers(stack, {wanted})
print(json.dumps([[frame.func for frame in processed],
                  [frame.lookup_regs for frame in stack.frames]]))
""")) == [["__schedule", "schedule"], [True, True, *[False] * (len(on_stack(crash, 2)) - 2)]]


def test_instructions_are_those_that_crash_shows(crash):
    ours = crash.epython(FRAMES + """
for line in disasm(sym2addr("schedule"), 12):
    print(line.split(":")[0])
""").splitlines()
    theirs = re.findall(r"^(0x[0-9a-f]+ <schedule(?:\+\d+)?>)", crash.run("dis schedule 12"), re.M)
    assert [line.replace("+0>", ">") for line in ours] == theirs


def test_a_flavor_of_gdb_is_put_back(crash):
    assert crash.epython(FRAMES + """
show = lambda: exec_gdb_command("show disassembly-flavor").strip()
with DisasmFlavor("intel"):
    print(show())
print(show())
""").splitlines() == ['The disassembly flavor is "intel".', 'The disassembly flavor is "att".']


def test_pointers_to_structs_on_a_stack(locks_crash, locks_dump):
    text = locks_crash.epython("""
import re
from LinuxDump.Analysis import get_interesting_arguments, get_tentative_arg
from LinuxDump.Tasks import TaskTable
[task] = TaskTable().getThreadsByComm("lab-written-r")
lock = sym2addr("lab_rwsem_written")
for function, ctype, address in get_interesting_arguments(task.pid, re.compile("^down|^rwsem"),
                                                          re.compile("semaphore")):
    print(function, ctype, address == lock)
print(list(get_interesting_arguments(task.pid, re.compile("down"), re.compile("inode"))))
print(get_tentative_arg(task.pid, "no_such_function", 0), get_tentative_arg(999999, "down", 0))
""")
    reads = reads_of_a_semaphore(locks_crash, locks_dump)
    assert text.splitlines() == [*(f"{function} struct rw_semaphore True" for function in reads),
                                 "[]", "None None"]
