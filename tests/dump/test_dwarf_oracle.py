"""What the DWARF tells of frames beside drgn and gdb, which read it for themselves."""

import json
from collections import Counter

import drgn
import pytest

from tests.dump.stackcore import TASKS, frames_by_gdb
from tests.dump.test_fregs_oracle import FREED, place_of

OURS = """
import json
from LinuxDump import dwarfframes, frameregs, stacks
from LinuxDump.Tasks import TaskTable
found = []
for task in TaskTable().allThreads():
    stack = stacks.stack_of(task.ts)
    if stack.cpu is None:
        registers = frameregs.registers_of_frames(stack)
        found.append([int(task.ts), [
            [each.frame.ip, each.frame.function, told.scopes,
             {name: known.value for name, known in told.passed.items()},
             {name: [known.value, known.bits] for name, known in each.entry.items()}]
            for each, told in zip(registers, dwarfframes.dwarf_of_frames(registers))]])
json.dump(found, open("ours.json", "w"))
"""
WORD = (1 << 64) - 1
# drgn 0.0.22 does not add where the kernel was loaded to an address that is the value itself
LINKED = 0xffffffff81000000


@pytest.fixture(scope="module", params=["busy", "locks", "storage"])
def asked(request, tmp_path_factory):
    """(dump, folder with what is found in each frame of the sleeping tasks of a guest)."""
    def given(name):
        return request.getfixturevalue(name)
    guest = request.param
    dump, session = (given("dump"), given("shared").get()) if guest == "busy" \
        else (given(f"{guest}_dump"), given(f"{guest}_crash"))
    session.cd(tmp_path_factory.mktemp(guest))
    assert session.epython(OURS) == session.epython(TASKS) == ""
    return dump, session.cwd


def frames_of(trace):
    """Frames of drgn or gdb by what has one of its own: lists of those inlined there, and it."""
    group = []
    for frame, is_inline in trace:
        group.append(frame)
        if not is_inline:
            yield group
            group = []


def value_in(frame, name):
    """A variable in a frame of drgn, of a struct its address; None if drgn does not know it."""
    aggregates = (drgn.TypeKind.STRUCT, drgn.TypeKind.UNION, drgn.TypeKind.ARRAY)
    try:
        found = frame[name]
        kind = found.type_
        while kind.kind == drgn.TypeKind.TYPEDEF:
            kind = kind.type
        value = found.address_ if kind.kind in aggregates else found.value_()
    except (drgn.ObjectAbsentError, LookupError):
        return None
    except Exception as err:        # noqa: B902 - an older drgn raises no other
        assert "unknown DWARF expression opcode" in str(err)
        return None
    return value if value is None else int(value) & WORD


def test_functions_lines_and_variables_are_those_that_drgn_finds(asked):
    dump, folder = asked
    program = drgn.Program()
    program.set_core_dump(str(dump.production_elf))
    program.load_debug_info([str(dump.vmlinux)])
    moved = program.symbol("_text").address - LINKED
    counts, wrong, missed = Counter(), [], set()
    for task, ours in json.loads((folder / "ours.json").read_text()):
        trace = program.stack_trace(drgn.Object(program, "struct task_struct *", task))
        groups = frames_of((frame, frame.is_inline) for frame in trace)
        for ip, function, scopes, _passed, _entry in ours:
            group = next((each for each in groups if place_of(each[-1]) == ip), None)
            if group is None:
                break
            if not scopes:
                counts["not described"] += 1
                continue
            names = [frame.name for frame in group]
            assert [scope[0] for scope in scopes] == names
            assert [tuple(scope[1:3]) for scope in scopes] \
                == [frame.source()[:2] for frame in group]
            for frame, (_name, _file, _line, inlined, variables) in zip(group, scopes):
                seen = {variable[0]: variable for variable in variables}     # the innermost
                for name, _type, size, is_parameter, *_, now, _grade, how in seen.values():
                    theirs = value_in(frame, name)
                    kind = "parameter" if is_parameter else "variable"
                    if theirs is None:
                        counts[kind, "unknown" if now is None else "ours only"] += 1
                    elif now is None:
                        missed.add(function)
                    elif now & WORD in (theirs, theirs + moved):
                        counts[kind, "same"] += 1
                        counts["inlined"] += inlined
                    else:
                        wrong.append((function, name, hex(now), hex(theirs), how))
    assert not wrong
    assert missed <= FREED
    assert counts["parameter", "same"] > 500 and counts["variable", "same"] > 1000
    assert counts["inlined"] > 300 and counts["parameter", "ours only"] > 100


def values_by_name(frames):
    """(parameter, value) for all that gdb tells in a stack."""
    return {(name, number & WORD) for _pc, _name, _inline, parameters in frames
            for name, *numbers in parameters for number in numbers if number is not None}


@pytest.mark.parametrize("asked", ["busy"], indirect=True)
def test_what_calls_passed_is_what_gdb_finds(asked):
    dump, folder = asked
    theirs = frames_by_gdb(folder, dump.vmlinux)
    counts, wrong = Counter(), []
    for task, ours in json.loads((folder / "ours.json").read_text()):
        all_theirs = values_by_name(theirs.get(task, []))
        groups = frames_of((frame, frame[2]) for frame in theirs.get(task, []))
        # gdb asks for the innermost frame as if it were to run on, not to return
        for (ip, function, scopes, passed, entry), group in [*zip(ours, groups)][1:]:
            if group[-1][0] != ip:
                break           # gdb has no ORC, and no DWARF of code in assembler and modules
            for scope, (_pc, name, _inline, parameters) in zip(scopes, group):
                assert scope[0] == name
                known = {each[0]: each for each in scope[4]}
                for name, value, at_entry in parameters:
                    _name, _type, size, _is, _passed, register, _constant, now, *_ = known[name]
                    for kind, told, expected in (
                            ("now", now, value), ("passed", passed.get(register), at_entry),
                            ("followed", entry.get(register, [None])[0], at_entry)):
                        if None in (told, expected):
                            continue
                        same = not (told ^ expected) & (1 << 8 * size) - 1
                        counts[kind, same] += 1
                        # gdb 13 reads what a caller had spilled from a wrong place
                        if not same and (name, told & WORD) not in all_theirs:
                            wrong.append((function, name, kind, hex(told), hex(expected)))
    assert not wrong
    assert counts["now", True] > 200
    assert counts["passed", True] > 40 and counts["followed", True] > 40
    assert sum(count for (_kind, same), count in counts.items() if not same) <= 3
