"""What code does to registers and stack slots, on functions that the assembler makes."""

import random
import subprocess

import pytest

ENTRY = 0xffffffff81000000
OTHER = ENTRY + 0x8000          # another function, the target of calls
KEPT = ("rbx", "rbp", "r12", "r13", "r14", "r15")


class Text:
    """Memory that holds the code of one function."""

    def __init__(self, code):
        self.code = code + b"\xcc" * 128

    def read(self, address, size, *_kind):
        from pykdump.API import crash
        if not ENTRY <= address <= ENTRY + len(self.code) - size:
            raise crash.error(f"nothing at 0x{address:x}")
        return self.code[address - ENTRY:address - ENTRY + size]

    def symbol(self, address, loose=False):
        name, start = ("function", ENTRY) if address < OTHER else ("other", OTHER)
        if not ENTRY <= address < OTHER + 64:
            return (None, None) if loose else None
        return (name, address - start) if loose else name if address == start else None


@pytest.fixture
def flow(monkeypatch, tmp_path):
    """A function: the flow of assembler text, and the addresses of its labels."""
    from LinuxDump import codeflow, codemachine, codetables, machinecode

    def make(text, fixups=(), switched=()):
        code, labels = assembled(tmp_path, text)
        return flow_of(code, {labels[one]: (labels[two],) for one, two in fixups},
                       {labels[one]: (labels[two],) for one, two in switched}), labels

    def flow_of(code, fixups, switched):
        memory = Text(code)
        monkeypatch.setattr(machinecode, "readmem", memory.read)
        monkeypatch.setattr(codeflow, "addr2sym", memory.symbol)
        monkeypatch.setattr(codemachine, "addr2sym", memory.symbol)
        monkeypatch.setattr(codetables, "fixups", lambda: fixups)
        monkeypatch.setattr(codetables, "switched", lambda: switched)
        return codeflow.Flow(ENTRY)

    make.of_bytes = lambda code: flow_of(code, {}, {})
    return make


def assembled(folder, text):
    """(code, addresses of labels) of assembler text that begins at ENTRY."""
    source, image, binary = folder / "f.s", folder / "f.o", folder / "f.bin"
    source.write_text(f".globl other\n.set other, {OTHER:#x}\n.text\n{text}\n")
    subprocess.run(["as", "-o", image, source], check=True)
    linked = folder / "f.elf"
    subprocess.run(["ld", f"-Ttext={ENTRY:#x}", "-e", f"{ENTRY:#x}", "-o", linked, image],
                   check=True)
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", linked, binary], check=True)
    names = subprocess.run(["nm", linked], check=True, stdout=subprocess.PIPE, text=True).stdout
    labels = {line.split()[2]: int(line.split()[0], 16) for line in names.splitlines()}
    return binary.read_bytes(), labels


def at_call(made):
    """The state at the call that is at the label `call`."""
    found, labels = made
    return found.state_before(labels["call"])


def entry(register, offset=0):
    return ("in", register), offset & (1 << 64) - 1


def slot(state, offset):
    held = state.slots.get(entry("rsp", offset))
    return None if held is None else held[1]


def test_what_a_prologue_saves_is_found_in_its_slots(flow):
    state = at_call(flow("push %rbp; push %rbx; sub $24, %rsp; mov %r12, 8(%rsp)\n"
                         "call: call other; add $24, %rsp; pop %rbx; pop %rbp; ret"))
    assert [slot(state, at) for at in (-8, -16, -32)] \
        == [entry("rbp"), entry("rbx"), entry("r12")]
    assert state.registers["rsp"] == entry("rsp", -40)


def test_arguments_are_followed_into_registers_that_calls_keep(flow):
    state = at_call(flow("push %rbx; mov %rdi, %rbx; lea 16(%rsi), %r12; call other\n"
                         "mov $5, %edi; xor %esi, %esi; call: call other; ret"))
    assert state.registers["rbx"] == entry("rdi") and state.registers["r12"] == entry("rsi", 16)
    assert state.registers["rdi"] == (None, 5) and state.registers["rsi"] == (None, 0)
    assert state.registers["rdx"] is None and state.registers["r13"] == entry("r13")


def test_a_loaded_value_that_was_copied_is_one_value(flow):
    registers = at_call(flow("mov 8(%rdi), %rbx; mov %rbx, %rdi; call: call other; ret")).registers
    assert registers["rdi"] == registers["rbx"] != entry("rdi")
    atom, offset = registers["rbx"]
    assert atom[0] == "mem" and atom[2] == entry("rdi", 8) and offset == 0


def test_only_what_all_ways_agree_on_is_known(flow):
    registers = at_call(flow("test %rdi, %rdi; je one; mov $1, %ebx; mov $7, %ecx; jmp two\n"
                             "one: mov $2, %ebx; mov $7, %ecx\ntwo: mov %rbx, %rdi\n"
                             "call: call other; ret")).registers
    assert registers["rcx"] == (None, 7)
    assert registers["rdi"] == registers["rbx"] and registers["rbx"][0][0] == "at"


def test_what_a_loop_found_before_is_not_what_it_finds_now(flow):
    registers = at_call(flow("xor %r12d, %r12d\nagain: mov 8(%rdi), %rbx; mov %rbx, %rsi\n"
                             "call: call other; mov %rbx, %r12; mov %rax, %rdi\n"
                             "test %rax, %rax; jne again; ret")).registers
    assert registers["rsi"] == registers["rbx"]
    assert registers["r12"] != registers["rbx"] and registers["rbx"] is not None


def test_a_slot_whose_address_went_elsewhere_may_have_changed(flow):
    made = flow("sub $24, %rsp; mov %rsi, (%rsp); mov %rdi, 8(%rsp); lea 8(%rsp), %rdi\n"
                "call other; mov (%rsp), %rsi; mov 8(%rsp), %rdi; call: call other; ret")
    state = at_call(made)
    assert state.registers["rsi"] == entry("rsi") and state.registers["rdi"] != entry("rdi")
    assert made[0].is_private(entry("rsp", -24)) and not made[0].is_private(entry("rsp", -16))


def test_what_is_below_the_stack_pointer_does_not_outlive_a_call(flow):
    text = "sub $16, %rsp; mov %rdi, (%rsp); mov %rsi, 8(%rsp); add $8, %rsp\n"
    assert slot(at_call(flow(text + "call: call other; ret")), -16) == entry("rdi")
    state = at_call(flow(text + "call other; call: call other; ret"))
    assert slot(state, -16) is None and slot(state, -8) == entry("rsi")


def test_halves_of_registers_are_halves(flow):
    registers = at_call(flow("mov %edi, %ebx; movslq %esi, %r12; mov $-1, %r13d\n"
                             "movslq %r13d, %r14; mov %dx, %bp; call: call other; ret")).registers
    assert registers["rbx"] == (("low", entry("rdi")), 0)
    assert registers["r12"] == (("signed", entry("rsi")), 0)
    assert registers["r13"] == (None, 0xffffffff) and registers["r14"] == (None, (1 << 64) - 1)
    assert registers["rbp"] is None


def test_where_a_fault_goes_on_is_a_way_too(flow):
    text = ("xor %ebx, %ebx; mov $3, %ecx\nfault: mov (%rdi), %eax\nback: mov %rbx, %rdi\n"
            "call: call other; ret\nfixup: mov $-14, %rbx; jmp back")
    assert at_call(flow(text)).registers["rbx"] == (None, 0)
    registers = at_call(flow(text, fixups=[("fault", "fixup")])).registers
    assert registers["rbx"][0][0] == "at" and registers["rcx"] == (None, 3)


def test_branches_that_are_switched_off_may_have_been_taken(flow):
    text = ("mov $1, %ebx; switch: nopl 0(%rax,%rax); back: mov %rbx, %rdi; call: call other; ret"
            "\naway: mov $2, %ebx; jmp back")
    assert at_call(flow(text)).registers["rdi"] == (None, 1)
    registers = at_call(flow(text, switched=[("switch", "away")])).registers
    assert registers["rdi"] == registers["rbx"] != (None, 1)


def test_the_task_and_other_memory_of_a_cpu_is_told_apart(flow):
    registers = at_call(flow("mov %gs:0x1fb80, %rbx; mov 0x1fb80, %r12; call: call other;"
                             " ret")).registers
    assert registers["rbx"][0][0] == "gs" and registers["rbx"][0][2] == (None, 0x1fb80)
    assert registers["r12"][0][0] == "mem"


@pytest.mark.parametrize("text, whole", [
    ("jmp *%rax", True), ("sub $8, %rsp; jmp *0x100(,%rax,8)", False), ("jmp other", True)])
def test_jumps_by_tables_are_not_followed_and_that_is_said(flow, text, whole):
    assert flow(text)[0].whole == whole


def test_a_place_is_told_with_what_is_sure_of_it(flow):
    from LinuxDump import codeflow
    text = "sub $8, %rsp; mov %rdi, (%rsp); mov $1, %esi; nop; call: call other; behind: "
    _flow, labels = flow(text + "jmp *0x100(,%rax,8)")
    site = codeflow.site_of(ENTRY, labels["behind"], True, MEMOIZE=False)
    assert site.insn.address == labels["call"] and not site.whole
    assert site.distances["rsi"] == 2 and site.private == {entry("rsp", -8)}
    _flow, labels = flow(text + "add $8, %rsp; ret")
    assert codeflow.site_of(ENTRY, labels["behind"], True, MEMOIZE=False).whole
    assert codeflow.site_of(ENTRY, labels["call"], True, MEMOIZE=False) is None
    assert codeflow.site_of(ENTRY, labels["call"], False, MEMOIZE=False).insn.name == "call"


def test_a_stack_of_unknown_size_leaves_what_is_above_it(flow):
    state = at_call(flow("push %rbp; mov %rsp, %rbp; push %rbx; mov %rdi, %rbx\n"
                         "and $0x7f8, %eax; sub %rax, %rsp; call: call other; leave; ret"))
    assert slot(state, -8) == entry("rbp") and slot(state, -16) == entry("rbx")
    assert state.registers["rbp"] == entry("rsp", -8) and state.registers["rsp"] is None


def test_an_aligned_stack_has_slots_of_its_own(flow):
    state = at_call(flow("push %rbp; mov %rsp, %rbp; and $-64, %rsp; sub $64, %rsp\n"
                         "mov %rdi, (%rsp); xor %edi, %edi; mov (%rsp), %rsi; call: call other"))
    assert state.registers["rsi"] == entry("rdi") and state.registers["rdi"] == (None, 0)


def test_what_string_instructions_write_is_not_known(flow):
    state = at_call(flow("sub $24, %rsp; mov %rsi, (%rsp); mov %rdx, 16(%rsp); mov %rsp, %rdi\n"
                         "mov $2, %ecx; xor %eax, %eax; rep stosq; call: call other; ret"))
    assert slot(state, -24) is None and slot(state, -8) == entry("rdx")
    assert state.registers["rdi"] is None and state.registers["rcx"] is None


@pytest.mark.parametrize("instruction, lost", [
    ("cpuid", "rax rbx rcx rdx"), ("rdtsc", "rax rdx"), ("xchg %rbx, (%rsi)", "rbx"),
    ("xadd %rbx, (%rsi)", "rbx"), ("lock cmpxchg %rbx, (%rsi)", "rax"), ("mul %rbx", "rax rdx"),
    ("div %rbx", "rax rdx"), ("popcnt %rsi, %rbx", "rbx"), ("bswap %rbx", "rbx"),
    ("shl $3, %rbx", "rbx"), ("sete %bl", "rbx"), ("cmovne %rsi, %rbx", "rbx"),
    ("lodsq", "rax rsi"), ("rep movsb", "rcx rsi rdi"), ("cqto", "rdx"), ("rdmsr", "rax rdx"),
    ("imul $3, %rsi, %rbx", "rbx"), ("pushfq; pop %rbx", "rbx"),
    ("mulx %rsi, %rbx, %r12", "rbx r12"), ("cmpxchg16b (%rsi)", "rax rdx"),
    ("xgetbv", "rax rdx"), ("rdrand %rbx", "rbx"), ("bsf %rsi, %rbx", "rbx"),
    ("andn %rsi, %rdi, %rbx", "rbx"), ("neg %rbx", "rbx"), ("shld $3, %rsi, %rbx", "rbx"),
    ("lea (%rsi,%rdi), %rbx", "rbx"), ("rdgsbase %rbx", "rbx"), ("mov %cr3, %rbx", "rbx"),
    ("swapgs", ""), ("prefetcht0 (%rsi)", ""), ("verw (%rsi)", "")])
def test_what_an_instruction_writes_is_not_what_it_was(flow, instruction, lost):
    registers = at_call(flow(f"{instruction}\ncall: call other; ret")).registers
    unchanged = [name for name in registers if registers[name] == entry(name)]
    assert not set(lost.split()) & set(unchanged)
    assert set(KEPT) - set(lost.split()) <= set(unchanged)


def test_random_bytes_have_a_flow_that_ends(flow):
    lottery = random.Random(9)
    for _ in range(40):
        found = flow.of_bytes(lottery.randbytes(lottery.randrange(1, 4000)))
        for address in list(found._insns)[:50]:
            found.state_before(address)
    jumps = b"".join(bytes([lottery.choice([0x70, 0x74, 0x75, 0xeb, 0x50, 0x58, 0x53]),
                            lottery.randrange(256)]) for _ in range(8000))
    assert flow.of_bytes(jumps)._insns


def test_code_that_cannot_be_read_has_no_state(flow):
    from LinuxDump import codeflow
    flow("ret")
    found = codeflow.Flow(ENTRY + (1 << 30))
    assert not found.whole and found.state_before(ENTRY + (1 << 30)) is None


def test_without_the_library_one_line_says_what_to_install(flow, monkeypatch):
    import sys

    from LinuxDump import machinecode
    monkeypatch.setattr(machinecode, "_decoders", [])
    monkeypatch.setitem(sys.modules, "capstone", None)
    with pytest.raises(machinecode.NoDecoder, match=r"\(apt install python3-capstone\)"):
        flow("ret")
