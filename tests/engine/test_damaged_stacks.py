"""Kernel stacks out of damaged tables, for bad arguments, and of anything at all."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine import kernelstacks as ks
from tests.engine.kernelstacks import (BP, CALL, DI, END, MODULE_TEXT, NOTHING, PARTIAL, PREV_SP,
                                       R10, R13, REGS, SP, SP_INDIRECT, STACK, TABLES, TEXT,
                                       UNDEFINED, Kernel, add_module, row, sleeper)
from tests.engine.test_leaks import check
from tests.engine.world import World, crash, host_image, pykdump

FORMS = ("6.1", "6.3", "6.12")
NOWHERE = 0xdead000000000000


@pytest.fixture
def one(world) -> Kernel:
    """A kernel of one format, where the format does not matter."""
    return Kernel(world)


# ---- damaged tables ----------------------------------------------------------------------------

@pytest.mark.parametrize("wanted, message", [
    (row(CALL, 15, 8), "no register tells of the caller's frame"),
    (row(CALL, PREV_SP, 8), "no register tells of the caller's frame"),
    (row(CALL, R10, 8), "no register tells of the caller's frame"),
    (row(CALL, SP, 8, bp=9), "no register tells of the frame pointer"),
    (row(NOTHING), "nothing is known of how to unwind"),
    (row(CALL, UNDEFINED), "nothing is known of how to unwind"),
    (row(CALL, raw=3), "nothing is known of how to unwind")])
def test_a_row_that_makes_no_sense_ends_a_stack(one, wanted, message):
    schedule = one.function("schedule", wanted)
    one.done()
    one.sleep(schedule + 1)
    stack = one.unwind()
    assert one.names(stack) == ["schedule"] and stack.end == "error"
    assert stack.message.startswith(f"{message} ")


def test_a_row_with_a_register_is_no_end_in_the_old_format(one):
    schedule = one.function("schedule", row(CALL, SP, 8))
    one.function("ret_from_fork", row(END))
    one.entry = lambda wanted: struct.pack(       # type: ignore[method-assign]
        "<hhH", wanted[2], 0, wanted[1] | 1 << 10)
    one.done()
    one.word(one.sleep(schedule + 1), one.functions["ret_from_fork"] + 1)
    assert one.names(one.unwind()) == ["schedule", "ret_from_fork"]


@pytest.mark.parametrize("end", [TABLES - 4, TABLES + (1 << 30), TABLES])
def test_tables_of_an_absurd_length_are_none(one, end):
    schedule = one.function("schedule", row(CALL, SP, 8))
    host_image.add_symbol("__stop_orc_unwind_ip", end)
    one.done()
    one.sleep(schedule + 1)
    assert one.unwind().message == f"0x{schedule:x} is in no ORC table"


def test_tables_that_cannot_be_read_are_told(one):
    schedule = one.function("schedule", row(CALL, SP, 8))
    host_image.add_symbol("__stop_orc_unwind_ip", TABLES + (1 << 22))
    one.done()
    one.sleep(schedule + 1)
    stack = one.unwind()
    assert stack.end == "error" and "readmem error at addr" in stack.message


def test_tables_of_an_unknown_form_are_told(world):
    kernel = Kernel(world)
    schedule = kernel.function("schedule", row(CALL, SP, 8))
    name = struct.pack("<I", world.btf.string("orc_entry"))
    world.btf.types = [each[:8] + struct.pack("<I", 4000) + each[12:] if each.startswith(name)
                       else each for each in world.btf.types]
    kernel.done()
    kernel.sleep(schedule + 1)
    assert kernel.unwind().message == "struct orc_entry has an unknown form"


def test_without_the_types_of_tasks_there_are_no_stacks(world):
    world.load()
    for action in (lambda: pykdump.unwind(0xffff888000000000), lambda: pykdump.unwind_groups([1]),
                   lambda: pykdump.unwind({"ip": 1, "sp": 2})):
        with pytest.raises(TypeError):
            action()


def test_an_interrupt_ends_everything(one):
    sleeper(one)
    head = one.world.place(bytes(16))
    host_image.add_symbol("modules", head)
    nodes = [one.world.place(bytes(16)) for _ in range(2000)]
    for node, following in zip([head, *nodes], [*nodes, head]):
        one.word(node, following)
    one.forget()
    host_image.interrupt_after(1)
    with pytest.raises(KeyboardInterrupt):
        for _ in range(1000):
            one.forget()
            one.unwind()


def test_who_is_told_of_reads_may_forget_everything_meanwhile(one):
    sleeper(one)
    add_module(one, {MODULE_TEXT: row(CALL, SP, 8)}, MODULE_TEXT, 0x1000)
    expected = one.unwind()
    depth = 0

    def callback(event, args):
        nonlocal depth
        depth += 1
        if depth == 1:
            one.forget()
            pykdump.unwind(one.task)
        depth -= 1

    one.forget()
    pykdump.trace_set(callback)
    try:
        assert one.unwind() == expected
    finally:
        pykdump.trace_set(None)
    assert one.unwind() == expected


# ---- registers and groups as arguments -----------------------------------------------------------

def test_registers_that_are_missing_are_not_known(one):
    schedule = one.function("schedule", row(CALL, DI, 0))
    fork = one.function("ret_from_fork", row(END))
    one.done()
    one.word(STACK + 0x2ff8, fork + 1)
    registers = {"ip": schedule + 1, "sp": STACK + 0x2000, "cs": 16, "di": STACK + 0x3000}
    assert one.names(pykdump.unwind(registers)) == ["schedule", "ret_from_fork"]
    del registers["di"]
    assert pykdump.unwind(registers).message.startswith("no register tells")
    for name in ("ip", "sp"):
        with pytest.raises(KeyError):
            pykdump.unwind({key: value for key, value in registers.items() if key != name})


@pytest.mark.parametrize("value, error", [
    (1 << 70, crash.error), (-(1 << 70), crash.error), ("x", TypeError), (None, TypeError),
    (1.5, TypeError)])
def test_registers_of_bad_values_are_refused(one, value, error):
    one.done()
    for name in ("ip", "sp", "r13"):
        with pytest.raises(error):
            pykdump.unwind({"ip": 1, "sp": 2, name: value})
    with pytest.raises(error):
        pykdump.unwind(value)
    with pytest.raises(error):
        pykdump.unwind({"ip": 1, "sp": 2}, value)


@pytest.mark.parametrize("mapping", ["ip", [], (), b"ip", object()])
def test_what_is_neither_a_task_nor_registers_is_refused(one, mapping):
    one.done()
    with pytest.raises(TypeError):
        pykdump.unwind(mapping)


def test_a_mapping_that_fails_is_heard(one):
    class Registers(dict):
        def __missing__(self, name):
            raise ValueError(name)

    one.done()
    with pytest.raises(ValueError):
        pykdump.unwind(Registers(ip=1, sp=2))


def tasks_of(kernel: Kernel, *names: str) -> list[int]:
    """Tasks that sleep in `schedule`, called by a function of each name."""
    schedule = kernel.function("schedule", row(CALL, SP, 8))
    functions = {name: kernel.function(name, row(END)) for name in dict.fromkeys(names)}
    kernel.done()
    tasks = []
    for i, name in enumerate(names):
        sp = STACK + 0x400 * i
        kernel.word(sp + 40, 0, schedule + 1, functions[name] + 1)
        tasks.append(kernel.world.place(struct.pack("<QQ48x", sp, STACK)))
    return tasks


def test_equal_stacks_are_one_group(one):
    a, b, c, d = tasks_of(one, "one", "two", "one", "two")
    groups = pykdump.unwind_groups([b, a, c, d, a])
    assert [members for _stack, members in groups] == [[b, d], [a, c, a]]
    assert [one.names(stack) for stack, _members in groups] \
        == [["schedule", "two"], ["schedule", "one"]]
    assert pykdump.unwind_groups(iter([])) == []


def test_stacks_that_end_for_different_reasons_are_not_equal(one):
    whole, gone, lost = tasks_of(one, "one", "one", "one")
    one.word(gone, STACK, 0)
    groups = pykdump.unwind_groups([whole, gone, lost, NOWHERE])
    assert [members for _stack, members in groups] == [[whole, lost], [gone], [NOWHERE]]


def test_groups_of_what_are_no_tasks_are_refused(one):
    [task] = tasks_of(one, "one")
    for tasks, error in (([task, "x"], TypeError), ([None], TypeError), (5, TypeError),
                         ([1 << 70], crash.error), ([task, 1.5], TypeError)):
        with pytest.raises(error):
            pykdump.unwind_groups(tasks)


def test_a_list_that_changes_meanwhile_is_taken_as_it_was(one):
    tasks = tasks_of(one, "one", "two")

    def changing():
        yield from list(tasks)
        tasks.clear()

    assert len(pykdump.unwind_groups(changing())) == 2 and tasks == []


def test_names_that_are_no_names_are_shown(one):
    odd = "naïve.cold.1 \udcff".encode("utf-8", "surrogateescape").decode("latin-1")
    schedule = one.function(odd, row(END))
    one.done()
    one.sleep(schedule + 1)
    assert one.names(one.unwind()) == [odd]


# ---- nothing is left behind ----------------------------------------------------------------------

def test_stacks_leave_nothing(one):
    sleeper(one)
    check(one.unwind, rounds=3000)
    check(lambda: pykdump.unwind({"ip": TEXT, "sp": STACK}), rounds=3000)
    check(lambda: pykdump.unwind_groups([one.task] * 3 + [NOWHERE]), rounds=2000)


def test_tables_read_again_leave_nothing(one):
    sleeper(one)
    add_module(one, {MODULE_TEXT: row(CALL, SP, 8)}, MODULE_TEXT, 0x1000)

    def again():
        one.forget()
        one.unwind()

    check(again, rounds=500)


def test_refused_arguments_leave_nothing(one):
    sleeper(one)

    def refused(*arguments):
        for function in (pykdump.unwind, pykdump.unwind_groups):
            try:
                function(*arguments)
            except (TypeError, KeyError, crash.error):
                continue

    check(lambda: (refused({"ip": 1}), refused({"ip": 1, "sp": "x"}), refused("x"), refused(),
                   refused([one.task, None])), rounds=1000)


# ---- anything ----------------------------------------------------------------------------------

WORDS = st.one_of(st.integers(0, (1 << 64) - 1), st.integers(TEXT, TEXT + 0x800),
                  st.integers(0, 0x7ff).map(lambda n: STACK + 8 * n), st.just(0))


def some_kernel(form: str) -> Kernel:
    kernel = Kernel(World(), form)
    for name in ("return_to_handler", "arch_rethook_trampoline", "f", "g"):
        kernel.function(name, row(CALL, SP, 8), row(REGS, SP, 0), row(CALL, BP, 16, PREV_SP, -16),
                        row(PARTIAL, SP, 0), row(CALL, SP_INDIRECT, 8), row(CALL, R13, 0))
    kernel.done()
    return kernel


@settings(max_examples=60)
@given(st.sampled_from(FORMS), st.lists(WORDS, max_size=200), st.lists(WORDS, max_size=7),
       st.lists(WORDS, max_size=8))
def test_any_stack_ends(form, words, registers, task):
    kernel = some_kernel(form)
    kernel.word(STACK, *words)
    kernel.word(kernel.task, STACK + 8 * len(task), STACK, *task[2:])
    for stack in (kernel.unwind(), pykdump.unwind(dict(zip(
            ("ip", "sp", "bp", "dx", "di", "r10", "r13"),
            [*registers, *[STACK] * 7])), kernel.task)):
        assert stack.end in ("whole", "user", "error") and len(stack.frames) <= 512
        assert bool(stack.message) == (stack.end == "error")
        assert bool(stack.user_regs) <= (stack.end == "user")


@settings(max_examples=60)
@given(st.sampled_from(FORMS), st.binary(max_size=400), st.binary(max_size=400),
       st.lists(WORDS, max_size=100))
def test_any_tables_end(form, addresses, rows, words):
    kernel = some_kernel(form)
    host_image.write(TABLES, addresses)
    host_image.write(TABLES + ks.TABLES_ROWS, rows)
    kernel.word(STACK, *words)
    kernel.sleep(TEXT + 0x120, STACK + 8)
    kernel.forget()
    stack = kernel.unwind()
    assert len(stack.frames) <= 512 and bool(stack.message) == (stack.end == "error")
