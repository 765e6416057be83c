"""Kernel stacks out of ORC tables of all formats and out of frame pointers, whole and damaged."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine import kernelstacks as ks
from tests.engine.kernelstacks import (BP, BP_INDIRECT, CALL, DI, DX, END, IRQ_STACK, NOTHING,
                                       PARTIAL, PREV_SP, PT_REGS, R10, R13, REGS, SP, SP_INDIRECT,
                                       STACK, STACK_SIZE, SYSTEM_CALL, TABLES, TEXT, UNDEFINED,
                                       Kernel, row)
from tests.engine.test_leaks import check
from tests.engine.world import World, crash, host_image, pykdump

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


def sleeper(kernel: Kernel, outer: tuple = row(END)) -> tuple[int, int]:
    """schedule called by `outer`: an address in it, and where the stack goes on."""
    schedule = kernel.function("schedule", row(CALL, SP, 8))
    caller = kernel.function("outer", outer)
    kernel.done()
    top = kernel.word(kernel.sleep(schedule + 0x20), caller + 0x20)
    return caller, top


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

MODULE_TEXT = 0xffffffffc0000000


def add_module(kernel: Kernel, rows: dict[int, tuple], base: int, size: int, init: int = 0,
               init_size: int = 0, damaged: bool = False) -> int:
    """A module whose tables are near its text, as they tell of it by distances."""
    near = MODULE_TEXT + 0x10000
    host_image.add_region(near, bytes(0x1000))
    kernel.tables(rows, near, near + 0x800)
    module = kernel.world.place(bytes(160))
    head = kernel.world.place(bytes(16))
    host_image.add_symbol("modules", head)
    kernel.word(head, module, module)
    kernel.word(module, head, head)
    kernel.word(module + 16, len(rows) if not damaged else -1, near, near + 0x800)
    if kernel.form == "6.12":
        kernel.word(module + 40, base, size)
        kernel.word(module + 40 + 4 * 16, init, init_size)
    else:
        kernel.word(module + 40, base, (size + 0x1000) | size << 32)
        kernel.word(module + 56, init, (init_size + 0x1000) | init_size << 32)
    kernel.forget()
    return module


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
