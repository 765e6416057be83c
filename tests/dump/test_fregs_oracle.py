"""Registers and arguments in frames beside those that drgn finds by the kernel's DWARF."""

import json
from collections import Counter

import drgn
import pytest

SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")
ARGUMENTS = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")
# Their memory was freed after boot, so that no code tells what they saved.
FREED = {"start_kernel", "x86_64_start_reservations", "x86_64_start_kernel", "common_startup_64",
         "secondary_startup_64_no_verify"}
OURS = """
import json
from LinuxDump import frameregs, stacks
from LinuxDump.Tasks import TaskTable
def plain(registers):
    return {name: [known.value, known.bits, known.grade] for name, known in registers.items()}
found = []
for task in TaskTable().allThreads():
    stack = stacks.stack_of(task.ts)
    if stack.cpu is None:
        found.append([int(task.ts), [
            [each.frame.ip, each.frame.function, plain(each.call), plain(each.entry)]
            for each in frameregs.registers_of_frames(stack)]])
json.dump(found, open("ours.json", "w"))
"""


@pytest.fixture(scope="module")
def pairs(shared, dump, tmp_path_factory):
    """(our frame, that of drgn, its program) for all frames of sleeping tasks that both have."""
    session = shared.get()
    session.cd(tmp_path_factory.mktemp("registers"))
    assert session.epython(OURS) == ""
    program = drgn.Program()
    program.set_core_dump(str(dump.production_elf))
    program.load_debug_info([str(dump.vmlinux)])
    found, missed = [], 0
    for task, frames in json.loads((session.cwd / "ours.json").read_text()):
        trace = program.stack_trace(drgn.Object(program, "struct task_struct *", task))
        theirs = iter([frame for frame in trace if not frame.is_inline])
        for frame in frames:
            match = next((each for each in theirs if place_of(each) == frame[0]), None)
            if match is None:
                missed += 1
                break
            found.append((frame, match, program))
    assert len(found) > 300 and missed <= 5
    return found


def place_of(frame):
    try:
        return frame.pc
    except LookupError:
        return None


def number(frame, name):
    try:
        return frame.register(name)
    except LookupError:
        return None


def test_all_registers_that_calls_keep_are_those_that_dwarf_tells(pairs):
    counts, wrong, unknown = Counter(), [], set()
    for (_ip, function, call, _entry), theirs, _program in pairs:
        for name in SAVED:
            expected, ours = number(theirs, name), call.get(name)
            if ours is None:
                if expected is not None:
                    unknown.add(function)
            elif expected is not None and ours[0] != expected:
                wrong.append((function, name, ours, hex(expected)))
            counts[ours is not None, expected is not None] += 1
    assert not wrong
    assert unknown <= FREED
    assert counts[True, True] > 2000 and counts[True, True] > 100 * counts[False, True]


def parameters(program, name):
    """(name, register, bytes, is it a pointer) of parameters that are passed in registers."""
    try:
        function = program.function(name)
    except LookupError:
        return []
    found = []
    for parameter, register in zip(function.type_.parameters, ARGUMENTS):
        ctype = parameter.type
        while ctype.kind == drgn.TypeKind.TYPEDEF:
            ctype = ctype.type
        if ctype.kind not in (drgn.TypeKind.POINTER, drgn.TypeKind.INT, drgn.TypeKind.ENUM,
                              drgn.TypeKind.BOOL):
            break           # it may take another place than its own
        found.append((parameter.name, register, drgn.sizeof(ctype),
                      ctype.kind == drgn.TypeKind.POINTER))
    return found


def parameter_of(frame, name):
    """The value of a parameter, None if drgn does not know it."""
    try:
        return frame[name].value_()
    except (drgn.ObjectAbsentError, LookupError):
        return None
    except Exception as err:        # noqa: B902 - an older drgn raises no other
        assert "unknown DWARF expression opcode" in str(err)
        return None


def test_arguments_are_those_that_dwarf_tells(pairs):
    same, wrong, missing = Counter(), [], 0
    for (_ip, function, _call, entry), theirs, program in pairs:
        # of others the compiler may have dropped parameters
        for name, register, size, is_pointer in parameters(program, function or ""):
            expected = parameter_of(theirs, name)
            if expected is None:
                continue
            ours = entry.get(register)
            if ours is None:
                missing += is_pointer
            elif (ours[0] ^ expected) & (1 << 8 * size) - 1:
                wrong.append((function, name, ours, hex(expected)))
            else:
                same[is_pointer, ours[2]] += 1
    assert not wrong
    assert same[True, "certain"] > 150 and same[False, "certain"] > 30
    assert missing < 0.1 * same[True, "certain"]
