"""Kernel stacks out of ORC tables of all formats, and out of frame pointers."""

import struct

import pytest

from tests.engine import kernelstacks as ks
from tests.engine.kernelstacks import (BP, BP_INDIRECT, CALL, DI, DX, END, IRQ_STACK, MODULE_TEXT,
                                       NOTHING, PARTIAL, PREV_SP, PT_REGS, R10, R13, REGS, SP,
                                       SP_INDIRECT, STACK, STACK_SIZE, SYSTEM_CALL, Kernel,
                                       add_module, row, sleeper)
from tests.engine.world import host_image, pykdump

FORMS = ("6.1", "6.3", "6.12")
NOWHERE = 0xdead000000000000


@pytest.fixture(params=FORMS)
def kernel(world, request) -> Kernel:
    """A kernel of each format."""
    return Kernel(world, request.param)


@pytest.fixture
def one(world) -> Kernel:
    """A kernel of one format, where the format does not matter."""
    return Kernel(world)


@pytest.fixture
def no_orc(world) -> Kernel:
    return Kernel(world, orc=False)


# ---- calls -------------------------------------------------------------------------------------

def test_calls_are_followed_to_the_outermost_frame(kernel):
    schedule = kernel.function("schedule", row(CALL, SP, 24))
    worker = kernel.function("worker", row(CALL, SP, 8), row(CALL, SP, 16))
    kthread = kernel.function("kthread", row(CALL, SP, 16))
    fork = kernel.function("ret_from_fork", row(END))
    kernel.done()
    sp = kernel.sleep(schedule + 0x20)
    kernel.word(sp, 1, 2, worker + 0x18, 3, kthread + 5, 4, fork + 9)
    stack = kernel.unwind()
    assert kernel.names(stack) == ["schedule", "worker", "kthread", "ret_from_fork"]
    assert [frame.at for frame in stack.frames] == [sp - 56, sp + 16, sp + 32, sp + 48]
    assert [frame.offset for frame in stack.frames] == [0x20, 0x18, 5, 9]
    assert (stack.end, stack.user_regs, stack.message) == ("whole", 0, "")
    assert not any(frame.exact or frame.guessed or frame.regs for frame in stack.frames)


def test_a_call_that_ends_a_function_is_of_that_function(kernel):
    schedule = kernel.function("schedule", row(CALL, SP, 8))
    last = kernel.function("does_exit", row(CALL, SP, 16))
    kernel.function("next_one", row(NOTHING))
    fork = kernel.function("ret_from_fork", row(END))
    kernel.done()
    kernel.word(kernel.sleep(schedule + 1), last + 0x100, 0, fork + 1)
    stack = kernel.unwind()
    assert kernel.names(stack) == ["schedule", "does_exit", "ret_from_fork"]
    assert stack.frames[1].offset == 0x100


def test_frame_pointers_are_found_where_the_tables_say(kernel):
    schedule = kernel.function("schedule", row(CALL, BP, 16, PREV_SP, -16))
    inner = kernel.function("inner", row(CALL, BP, 16, BP, 0))
    outer = kernel.function("outer", row(CALL, BP, 16))
    fork = kernel.function("ret_from_fork", row(END))
    kernel.done()
    frames = [STACK + 0x3000, STACK + 0x3100, STACK + 0x3200]
    kernel.sleep(schedule + 1, bp=frames[0])
    for frame, following, ip in zip(frames, [*frames[1:], 0], (inner, outer, fork)):
        kernel.word(frame, following, ip + 1)
    assert kernel.names(kernel.unwind()) == ["schedule", "inner", "outer", "ret_from_fork"]


def test_a_frame_behind_a_pointer_in_the_frame_is_found(kernel):
    schedule = kernel.function("schedule", row(CALL, BP_INDIRECT, -8))
    fork = kernel.function("ret_from_fork", row(END))
    kernel.done()
    kernel.sleep(schedule + 1, bp=STACK + 0x3000)
    kernel.word(STACK + 0x3000 - 8, STACK + 0x3110)
    kernel.word(STACK + 0x3110 - 8, fork + 1)
    assert kernel.names(kernel.unwind()) == ["schedule", "ret_from_fork"]


@pytest.mark.parametrize("adds_first", [False, True])
def test_a_pointer_on_the_stack_is_read_as_the_kernel_means_it(world, adds_first):
    kernel = Kernel(world, sp_adds_first=adds_first)
    schedule = kernel.function("schedule", row(CALL, SP_INDIRECT, 16))
    forks = [kernel.function(name, row(END)) for name in ("behind_first", "behind_third")]
    kernel.done()
    sp = kernel.sleep(schedule + 1)
    # both readings lead to a frame
    kernel.word(sp, STACK + 0x3000, 0, STACK + 0x3200)
    kernel.word(STACK + 0x3000 + 8, forks[0] + 1)
    kernel.word(STACK + 0x3200 - 8, forks[1] + 1)
    assert kernel.names(kernel.unwind())[1] == ("behind_third" if adds_first else "behind_first")


def test_the_row_that_is_for_an_address_is_found_in_tables_of_any_length(one):
    schedule = one.function("schedule", row(CALL, SP, 8))
    functions = [one.function(f"f{i}", *(row(CALL, SP, 8 * (1 + (i + j) % 4)) for j in range(8)))
                 for i in range(60)]
    fork = one.function("ret_from_fork", row(END))
    one.done()
    for i, function in enumerate(functions):
        for j in range(8):
            for offset in (16 * j + 1, 16 * j + 16):    # the first and the last of a row
                sp = one.sleep(schedule + 1)
                end = one.word(sp, function + offset)
                one.word(end + 8 * ((i + j) % 4), fork + 1)
                assert one.names(one.unwind()) == ["schedule", f"f{i}", "ret_from_fork"]


# ---- registers -----------------------------------------------------------------------------------

def interrupted(kernel: Kernel, *rows: tuple) -> tuple[int, int]:
    """`victim` with rows, interrupted by `irq`: (victim, irq)."""
    victim = kernel.function("victim", *rows)
    irq = kernel.function("irq", row(REGS, SP, 0))
    kernel.function("ret_from_fork", row(END))
    kernel.done()
    return victim, irq


def test_an_interrupted_function_is_exact_and_has_its_registers(kernel):
    victim, irq = interrupted(kernel, row(CALL, SP, 8), row(CALL, SP, 16))
    fork = kernel.functions["ret_from_fork"]
    sp = kernel.sleep(irq + 4)
    kernel.word(STACK + 0x3000, fork + 1)
    # the last instruction of the first row: by the row of the next it would be another frame
    kernel.regs(sp, ip=victim + 0x0f, sp=STACK + 0x3000)
    stack = kernel.unwind()
    assert kernel.names(stack) == ["irq", "victim", "ret_from_fork"]
    frame = stack.frames[1]
    assert (frame.exact, frame.regs, frame.offset) == (True, sp, 0x0f)
    assert frame.at == sp + 16 * 8
    kernel.word(STACK + 0x3000, 0, fork + 1)
    kernel.regs(sp, ip=victim + 0x10, sp=STACK + 0x3000)
    assert kernel.names(kernel.unwind()) == ["irq", "victim", "ret_from_fork"]


def test_a_function_interrupted_at_its_first_instruction_is_that_function(kernel):
    kernel.function("before", row(NOTHING))
    victim, irq = interrupted(kernel, row(CALL, SP, 8))
    kernel.word(STACK + 0x3000, kernel.functions["ret_from_fork"] + 1)
    kernel.regs(kernel.sleep(irq + 4), ip=victim, sp=STACK + 0x3000)
    stack = kernel.unwind()
    assert kernel.names(stack) == ["irq", "victim", "ret_from_fork"]
    assert stack.frames[1].offset == 0


@pytest.mark.parametrize("source, register", [(DX, "dx"), (DI, "di"), (R10, "r10"), (R13, "r13")])
def test_a_frame_may_be_in_any_register_that_was_saved(kernel, source, register):
    victim, irq = interrupted(kernel, row(CALL, source, 99))
    kernel.word(STACK + 0x3008, kernel.functions["ret_from_fork"] + 1)
    kernel.regs(kernel.sleep(irq + 4), ip=victim + 4, sp=STACK + 0x2800,
                **{register: STACK + 0x3010})
    assert kernel.names(kernel.unwind()) == ["irq", "victim", "ret_from_fork"]


@pytest.mark.parametrize("source", [DX, DI, R10, R13])
def test_a_register_that_a_call_may_have_changed_is_not_used(kernel, source):
    victim, irq = interrupted(kernel, row(CALL, SP, 8))
    later = kernel.function("later", row(CALL, source, 0))
    kernel.done()
    kernel.word(STACK + 0x3000, later + 4)
    kernel.regs(kernel.sleep(irq + 4), ip=victim + 4, sp=STACK + 0x3000, dx=STACK + 0x3100,
                di=STACK + 0x3100, r10=STACK + 0x3100, r13=STACK + 0x3100)
    stack = kernel.unwind()
    assert kernel.names(stack) == ["irq", "victim", "later"] and stack.end == "error"
    assert stack.message == f"no register tells of the caller's frame at 0x{later + 4:x}"


def test_registers_are_known_again_behind_a_part_that_the_cpu_saved(kernel):
    """An exception at the beginning of an interrupt has changed no register yet."""
    victim, irq = interrupted(kernel, row(CALL, R13, 0))
    early = kernel.function("early", row(PARTIAL, SP, 0))
    kernel.done()
    sp = kernel.sleep(irq + 4)
    # irq interrupted `early` before that had saved more than the CPU had
    part = kernel.regs(sp, ip=early + 4, sp=STACK + 0x3000, r13=STACK + 0x3808,
                       bp=STACK + 0x3900)
    assert part == sp + PT_REGS
    kernel.word(STACK + 0x3000, victim + 4, ks.KERNEL_CS, 0, STACK + 0x3400, 0)
    kernel.word(STACK + 0x3800, kernel.functions["ret_from_fork"] + 1)
    stack = kernel.unwind()
    assert kernel.names(stack) == ["irq", "early", "victim", "ret_from_fork"]
    assert stack.frames[2].regs == STACK + 0x3000 - 16 * 8
    assert stack.frames[2].at == STACK + 0x3000 and stack.frames[2].exact


@pytest.mark.parametrize("kind", [REGS, PARTIAL])
def test_entry_from_user_space_ends_a_stack_with_its_registers(kernel, kind):
    schedule = kernel.function("schedule", row(CALL, SP, 8))
    entry = kernel.function("entry", row(kind, SP, 16))
    kernel.done()
    sp = kernel.word(kernel.sleep(schedule + 1), entry + 9) + 16
    regs = sp if kind == REGS else sp - 16 * 8
    kernel.word(regs + 16 * 8, 0x401000, SYSTEM_CALL, 0x202, 0x7ffd1000, 0x2b)
    stack = kernel.unwind()
    assert kernel.names(stack) == ["schedule", "entry"]
    assert (stack.end, stack.user_regs, stack.message) == ("user", regs, "")


@pytest.mark.parametrize("form", ["6.3", "6.12"])
def test_whether_a_frame_is_exact_is_what_its_row_says(world, form):
    kernel = Kernel(world, form)
    schedule = kernel.function("schedule", row(REGS, SP, 0, signal=False))
    victim = kernel.function("victim", row(END))
    kernel.done()
    kernel.regs(kernel.sleep(schedule + 1), ip=victim + 0x20, sp=STACK + 0x3000)
    assert [frame.exact for frame in kernel.unwind().frames] == [False, False]


def test_registers_of_nothing_are_damage(one):
    schedule = one.function("schedule", row(REGS, SP, 0))
    one.done()
    regs = one.sleep(schedule + 1)
    one.regs(regs, cs=0)
    assert one.unwind().message == f"registers of nothing at 0x{regs:x}"


# ---- other stacks --------------------------------------------------------------------------------

def test_stacks_within_stacks_are_followed_and_are_no_circle(kernel):
    schedule = kernel.function("nmi", row(REGS, SP, 0))
    handler = kernel.function("handler", row(CALL, SP, 8))
    switch = kernel.function("switch", row(CALL, SP_INDIRECT, 8))
    victim = kernel.function("victim", row(CALL, SP, 8))
    fork = kernel.function("ret_from_fork", row(END))
    kernel.done()
    # an NMI while the CPU was on its stack for interrupts, which is above that of the task
    kernel.regs(IRQ_STACK + 0x1000, ip=handler + 1, sp=IRQ_STACK + 0x800)
    kernel.word(IRQ_STACK + 0x800, switch + 1, STACK + 0x2ff8)
    kernel.word(STACK + 0x2ff8, victim + 1, fork + 1)
    stack = pykdump.unwind({"ip": schedule + 1, "sp": IRQ_STACK + 0x1000})
    assert kernel.names(stack) == ["nmi", "handler", "switch", "victim", "ret_from_fork"]
    assert stack.end == "whole"
    assert [frame.at for frame in stack.frames[2:]] == [IRQ_STACK + 0x800, STACK + 0x2ff8,
                                                        STACK + 0x3000]


def test_a_stack_in_a_circle_ends(one):
    schedule = one.function("schedule", row(CALL, BP, 16, BP, 0))
    one.done()
    one.sleep(schedule + 1, bp=STACK + 0x3000)
    one.word(STACK + 0x3000, STACK + 0x3000, schedule + 1)
    stack = one.unwind()
    assert stack.end == "error" and len(stack.frames) < 20
    assert stack.message.startswith("the stack runs in a circle at 0x")


def test_a_stack_of_very_many_frames_ends(one):
    schedule = one.function("schedule", row(CALL, SP, 8))
    one.done()
    one.word(one.sleep(schedule + 1, STACK), *[schedule + 1] * 1500)
    stack = one.unwind()
    assert len(stack.frames) == 512 and stack.end == "error"
    assert stack.message.startswith("more frames than are followed at 0x")


# ---- calls to nowhere ------------------------------------------------------------------------

@pytest.mark.parametrize("ip", [0, 0x41414141, 0xffff888000001000, 0xffffffffdeadbeef])
def test_a_call_through_a_bad_pointer_shows_its_caller(kernel, ip):
    caller = kernel.function("caller", row(CALL, SP, 16))
    fork = kernel.function("ret_from_fork", row(END))
    kernel.done()
    kernel.word(STACK + 0x3000, caller + 8, 0, fork + 1)
    stack = pykdump.unwind({"ip": ip, "sp": STACK + 0x3000})
    assert kernel.names(stack) == [None, "caller", "ret_from_fork"] and stack.end == "whole"
    assert [frame.exact for frame in stack.frames] == [True, False, False]
    assert not any(frame.guessed for frame in stack.frames)


@pytest.mark.parametrize("address", [0, 1, 0x401000, 0xffff888000000000])
def test_a_return_address_of_no_kernel_text_ends_a_stack(kernel, address):
    schedule = kernel.function("schedule", row(CALL, SP, 8))
    kernel.done()
    sp = kernel.sleep(schedule + 1)
    kernel.word(sp, address)
    stack = kernel.unwind()
    assert kernel.names(stack) == ["schedule"] and stack.end == "error"
    assert stack.message == f"a return address of no kernel text at 0x{sp:x}"


def test_code_without_a_table_is_guessed_by_its_frame_pointer(kernel):
    """As BPF programs are."""
    schedule = kernel.function("schedule", row(CALL, SP, 8))
    caller = kernel.function("caller", row(CALL, SP, 8))
    fork = kernel.function("ret_from_fork", row(END))
    kernel.done()
    program = 0xffffffffc0001234
    kernel.word(kernel.sleep(schedule + 1, bp=STACK + 0x3000), program)
    kernel.word(STACK + 0x3000, 0, caller + 1, fork + 1)
    stack = kernel.unwind()
    assert kernel.names(stack) == ["schedule", None, "caller", "ret_from_fork"]
    assert [frame.guessed for frame in stack.frames] == [False, False, True, False]
    kernel.sleep(schedule + 1, bp=STACK - 0x3000)
    stack = kernel.unwind()
    assert kernel.names(stack) == ["schedule", None]
    assert stack.message == f"0x{program - 1:x} is in no ORC table"


# ---- return addresses that tracing replaced ------------------------------------------------------

def traced(kernel: Kernel, trampoline: str) -> tuple[int, int, int]:
    """A stack whose second frame's address was replaced: (its place, the real one, theirs)."""
    schedule = kernel.function("schedule", row(CALL, SP, 8))
    handler = kernel.function(trampoline, row(END))
    real = kernel.function("real", row(CALL, SP, 8))
    fork = kernel.function("ret_from_fork", row(END))
    kernel.done()
    place = kernel.sleep(schedule + 1)
    kernel.word(place, handler, fork + 1)
    return place, real + 8, handler


def test_the_graph_tracers_return_addresses_are_restored(kernel):
    place, real, handler = traced(kernel, "return_to_handler")
    assert kernel.unwind().message == ("return_to_handler has replaced the return address at "
                                       f"0x{place:x}, and the real one is not known")
    # entries of a struct, or among words of other kinds; stale ones behind
    entries = [(1, 2, 3, 4), (real, 0, 0, place), (handler, 0, 0, place)]
    words = [0x77, *(word for entry in entries for word in (*entry, 0x55))]
    if kernel.form != "6.12":
        words = [word for entry in entries for word in entry]
    stale = (NOWHERE, 0, 0, place)
    kernel.word(kernel.task + 16, kernel.world.place(struct.pack(
        f"<{len(words) + 4}Q", *words, *stale)))
    count = len(words) if kernel.form == "6.12" else len(entries) - 1
    kernel.word(kernel.task + 24, count)
    stack = kernel.unwind()
    assert kernel.names(stack) == ["schedule", "real", "ret_from_fork"]
    assert stack.frames[1].ip == real and stack.end == "whole"
    # of what a CPU was doing, when the task is told
    registers = {"ip": kernel.functions["schedule"] + 1, "sp": place}
    assert kernel.names(pykdump.unwind(registers, kernel.task)) == kernel.names(stack)
    assert pykdump.unwind(registers).end == "error"
    for count in (-1, 1 << 30, 0):
        kernel.word(kernel.task + 24, count)
        assert kernel.unwind().end == "error"


@pytest.mark.parametrize("trampoline, head, offsets", [
    ("arch_rethook_trampoline", 32, (8, 16, 24)), ("__kretprobe_trampoline", 40, (0, 16, 24)),
    ("kretprobe_trampoline", 40, (0, 16, 24))])
def test_return_probes_return_addresses_are_restored(kernel, trampoline, head, offsets):
    place, real, handler = traced(kernel, trampoline)
    assert kernel.unwind().message.startswith(f"{trampoline} has replaced the return address")
    link, address, frame = offsets
    probes = [kernel.world.place(bytes(48)) for _ in range(3)]
    kernel.word(kernel.task + head, probes[0] + link)
    for probe, following, ip, at in zip(probes, [*probes[1:], None], (NOWHERE, handler, real),
                                        (place + 8, place, place)):
        kernel.word(probe + link, following + link if following else 0)
        kernel.word(probe + address, ip, at)
    assert kernel.names(kernel.unwind()) == ["schedule", "real", "ret_from_fork"]
    # a list in a circle, and one that leads to nowhere
    kernel.word(probes[2] + address, real, place + 8)
    for following in (probes[0] + link, NOWHERE):
        kernel.word(probes[2] + link, following)
        assert kernel.unwind().end == "error"


def test_a_return_address_replaced_twice_is_restored(one):
    graph = one.function("return_to_handler", row(END))
    place, real, rethook = traced(one, "arch_rethook_trampoline")
    one.word(place, graph)
    one.word(one.task + 16, one.world.place(struct.pack("<4Q", rethook, 0, 0, place)))
    one.word(one.task + 24, 0)
    probe = one.world.place(struct.pack("<4Q", 0, 0, real, place))
    one.word(one.task + 32, probe + 8)
    assert one.names(one.unwind()) == ["schedule", "real", "ret_from_fork"]


def test_a_function_interrupted_where_a_probed_one_returned_to_is_the_real_one(one):
    victim, irq = interrupted(one, row(CALL, SP, 8))
    handler = one.function("arch_rethook_trampoline", row(NOTHING))
    one.done()
    one.regs(one.sleep(irq + 4), ip=handler, sp=STACK + 0x3000)
    one.word(STACK + 0x3000, one.functions["ret_from_fork"] + 1)
    probe = one.world.place(struct.pack("<4Q", 0, 0, victim + 4, STACK + 0x3000 - 8))
    one.word(one.task + 32, probe + 8)
    assert one.names(one.unwind()) == ["irq", "victim", "ret_from_fork"]


# ---- kernels without tables ------------------------------------------------------------------

def test_without_tables_frame_pointers_are_followed(no_orc):
    names = ("schedule", "worker", "kthread")
    functions = [no_orc.function(name) for name in names]
    no_orc.done()
    frames = [STACK + 0x3000, IRQ_STACK, 0]
    no_orc.sleep(functions[0] + 1, bp=frames[0])
    no_orc.word(frames[0], frames[1], functions[1] + 1)
    no_orc.word(frames[1], 0, functions[2] + 1)
    stack = no_orc.unwind()
    assert no_orc.names(stack) == list(names) and stack.end == "whole"
    assert [frame.guessed for frame in stack.frames] == [False, True, True]


def test_without_tables_marked_frame_pointers_lead_to_registers(no_orc):
    schedule, irq, victim = (no_orc.function(name) for name in ("schedule", "irq", "victim"))
    no_orc.done()
    regs, user = STACK + 0x3100, STACK + 0x3800
    no_orc.sleep(schedule + 1, bp=STACK + 0x3000)
    no_orc.word(STACK + 0x3000, regs | 1, irq + 1)
    no_orc.regs(regs, ip=victim + 8, sp=STACK + 0x3400, bp=user | 1)
    no_orc.regs(user, ip=0x401000, cs=SYSTEM_CALL)
    stack = no_orc.unwind()
    assert no_orc.names(stack) == ["schedule", "irq", "victim"]
    assert stack.frames[2].exact and stack.frames[2].regs == regs
    assert (stack.end, stack.user_regs) == ("user", user)
    # a thread of the kernel has none
    no_orc.regs(user, cs=0)
    stack = no_orc.unwind()
    assert (stack.end, len(stack.frames)) == ("whole", 3)


@pytest.mark.parametrize("bp", [8, 0x401000, NOWHERE, STACK - 0x1000, STACK + 0x3004])
def test_without_tables_a_bad_frame_pointer_ends_a_stack(no_orc, bp):
    schedule = no_orc.function("schedule")
    no_orc.done()
    no_orc.sleep(schedule + 1, bp=bp)
    stack = no_orc.unwind()
    assert (len(stack.frames), stack.end) == (1, "error") and stack.message


# ---- modules -----------------------------------------------------------------------------------

@pytest.mark.parametrize("where", ["text", "init"])
def test_modules_have_tables_of_their_own(kernel, where):
    caller, top = sleeper(kernel)
    base = MODULE_TEXT + 0x4000 if where == "init" else MODULE_TEXT
    kernel.word(top - 8, base + 0x24, 0, 0, caller + 4)
    host_image.add_module("thing", base, 0x1000)
    host_image.add_symbol("thing_does", base, 0x1000, "t")
    rows = {MODULE_TEXT: row(CALL, SP, 8), base + 0x20: row(CALL, SP, 24)}
    add_module(kernel, rows, MODULE_TEXT, 0x1000, MODULE_TEXT + 0x4000, 0x1000)
    stack = kernel.unwind()
    assert kernel.names(stack) == ["schedule", "thing_does", "outer"]
    assert [frame.module for frame in stack.frames] == [None, "thing", None]
    assert not any(frame.guessed for frame in stack.frames)


@pytest.mark.parametrize("damage", ["count", "base", "list", "size"])
def test_a_damaged_module_costs_only_its_own_frames(kernel, damage):
    caller, top = sleeper(kernel)
    module = add_module(kernel, {MODULE_TEXT: row(CALL, SP, 8)}, MODULE_TEXT, 0x1000,
                        damaged=damage == "count")
    if damage == "base":
        kernel.word(module + 40, NOWHERE)
    if damage == "size":
        kernel.word(module + 48, -1)
    if damage == "list":
        kernel.word(module, module)
    assert kernel.names(kernel.unwind()) == ["schedule", "outer"]
    kernel.word(top - 8, MODULE_TEXT + 4, caller + 4)
    if damage in ("count", "base"):
        stack = kernel.unwind()
        assert stack.message == f"0x{MODULE_TEXT + 3:x} is in no ORC table"


# ---- tasks -------------------------------------------------------------------------------------

def test_a_task_that_never_ran_begins_at_the_first_instruction(kernel):
    kernel.function("before", row(CALL, SP, 8))
    fork = kernel.function("ret_from_fork", row(END))
    kernel.done()
    kernel.sleep(fork)
    stack = kernel.unwind()
    assert kernel.names(stack) == ["ret_from_fork"] and stack.end == "whole"
    assert stack.frames[0].exact and stack.frames[0].offset == 0


def test_a_task_without_a_stack_says_so(one):
    one.done()
    one.word(one.task, STACK + 0x2000, 0)
    stack = one.unwind()
    assert (stack.frames, stack.end) == ([], "error")
    assert stack.message == f"a task without a stack at 0x{one.task:x}"


@pytest.mark.parametrize("sp", [0, 8, STACK - 8, STACK + STACK_SIZE, NOWHERE, (1 << 64) - 1])
def test_a_stack_pointer_outside_of_the_tasks_stack_says_so(one, sp):
    one.done()
    one.word(one.task, sp)
    assert one.unwind().message == f"a stack pointer outside of the task's stack at 0x{sp:x}"


def test_what_cannot_be_read_is_told_with_its_address(one):
    schedule = one.function("schedule", row(CALL, BP, 16))
    one.done()
    one.sleep(schedule + 1, bp=NOWHERE)
    assert f"0x{NOWHERE + 8:x}" in one.unwind().message
    one.sleep(schedule + 1, bp=STACK + 3)
    assert one.unwind().message == f"a stack pointer that is not aligned at 0x{STACK + 11:x}"
    stack = pykdump.unwind(NOWHERE)
    assert stack.end == "error" and f"0x{NOWHERE + 8:x}" in stack.message
    one.word(one.task, STACK + 0x2004)
    assert "is not aligned" in one.unwind().message
