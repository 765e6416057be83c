"""Owns the building of kernel text with ORC tables, and of stacks, in a world's memory."""

import struct

from tests.engine.btfwriter import Member, at
from tests.engine.world import World, host_image, pykdump

TEXT = 0xffffffff81000000
TEXT_SIZE = 0x100000
TABLES = 0xffffffff83000000     # addresses, and rows TABLES_ROWS behind them
TABLES_ROWS = 0x8000
STACK = 0xffffc90000000000
STACK_SIZE = 4 * 4096
IRQ_STACK = 0xffffc90000100000
MODULE_TEXT = 0xffffffffc0000000
SYSTEM_CALL = 0x33
KERNEL_CS = 0x10

UNDEFINED, PREV_SP, DX, DI, BP, SP, R10, R13, BP_INDIRECT, SP_INDIRECT = range(10)
CALL, REGS, PARTIAL, END, NOTHING = "call", "regs", "partial", "end", "nothing"
_OLD = {CALL: 0, REGS: 1, PARTIAL: 2, END: 0, NOTHING: 0}
_NEW = {NOTHING: 0, END: 1, CALL: 2, REGS: 3, PARTIAL: 4}
REGISTERS = ("r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax", "cx", "dx",
             "si", "di", "orig_ax", "ip", "cs", "flags", "sp", "ss")
PT_REGS = len(REGISTERS) * 8


def row(kind: str = CALL, sp: int = SP, sp_offset: int = 8, bp: int = UNDEFINED,
        bp_offset: int = 0, signal: bool | None = None, raw: int | None = None) -> tuple:
    """A row as any format can say it; `raw` is a type that no kernel has."""
    if kind in (END, NOTHING):
        sp = UNDEFINED
    return kind, sp, sp_offset, bp, bp_offset, signal, raw


class Kernel:
    """Text with named functions, each described by rows (offset in it -> row)."""

    def __init__(self, world: World, form: str = "6.1", orc: bool = True,
                 sp_adds_first: bool = False) -> None:
        self.world = world
        self.form = form
        self.functions: dict[str, int] = {}
        self.next = TEXT + 0x100
        self.rows: dict[int, tuple] = {TEXT: row(NOTHING)}
        for address, size in ((TEXT, TEXT_SIZE), (TABLES, 2 * TABLES_ROWS), (STACK, STACK_SIZE),
                              (IRQ_STACK, STACK_SIZE)):
            host_image.add_region(address, bytes(size))
        symbols = {"_text": TEXT, "_end": TEXT + TEXT_SIZE}
        if orc:
            symbols |= {"__start_orc_unwind_ip": TABLES,
                        "__start_orc_unwind": TABLES + TABLES_ROWS}
        if not sp_adds_first:
            symbols["hardirq_stack_inuse"] = 0x1000
        for name, address in symbols.items():
            host_image.add_symbol(name, address)
        self._types()
        self.task = world.place(bytes(64))
        self.word(self.task + 8, STACK)

    def _types(self) -> None:
        world, btf = self.world, self.world.btf
        void = btf.pointer(0)
        thread = btf.struct("thread_struct", 8, at("sp", world.u64))
        list_head = btf.struct("list_head", 16, at("next", void), at("prev", void, 8))
        llist = btf.struct("llist_node", 8, at("next", void))
        head = btf.struct("llist_head", 8, at("first", void))
        graph = btf.struct("ftrace_ret_stack", 32, at("ret", world.u64), at("func", world.u64, 8),
                           at("fp", world.u64, 16), at("retp", void, 24))
        words = btf.pointer(world.u64)
        btf.struct("rethook_node", 32, at("llist", llist, 8), at("ret_addr", world.u64, 16),
                   at("frame", world.u64, 24))
        btf.struct("kretprobe_instance", 40, at("llist", llist), at("ret_addr", void, 16),
                   at("fp", void, 24))
        btf.struct("task_struct", 64, at("thread", thread), at("stack", void, 8),
                   at("ret_stack", words if self.form == "6.12" else btf.pointer(graph), 16),
                   at("curr_ret_stack", world.s32, 24), at("rethooks", head, 32),
                   at("kretprobe_instances", head, 40))
        btf.union("thread_union", STACK_SIZE, at("stack", btf.array(world.u64, 2048)))
        btf.struct("inactive_task_frame", 56, at("r13", world.u64, 16), at("bp", world.u64, 40),
                   at("ret_addr", world.u64, 48))
        btf.struct("pt_regs", PT_REGS, *(at(name, world.u64, 8 * i)
                                         for i, name in enumerate(REGISTERS)))
        self._module_types(list_head)
        bits = [Member("sp_reg", world.u32, 32, 4), Member("bp_reg", world.u32, 36, 4)]
        if self.form == "6.1":
            bits += [Member("type", world.u32, 40, 2), Member("end", world.u32, 42, 1)]
        elif self.form == "6.3":
            bits += [Member("type", world.u32, 40, 2), Member("signal", world.u32, 42, 1),
                     Member("end", world.u32, 43, 1)]
        else:
            bits += [Member("type", world.u32, 40, 3), Member("signal", world.u32, 43, 1)]
        btf.struct("orc_entry", 6, at("sp_offset", world.s16), at("bp_offset", world.s16, 2), *bits)

    def _module_types(self, list_head: int) -> None:
        world, btf = self.world, self.world.btf
        void = btf.pointer(0)
        arch = btf.struct("mod_arch_specific", 24, at("num_orcs", world.u32),
                          at("orc_unwind_ip", void, 8), at("orc_unwind", void, 16))
        if self.form == "6.12":
            memory = btf.struct("module_memory", 16, at("base", void), at("size", world.u32, 8))
            parts = [at("mem", btf.array(memory, 7), 40)]
        else:
            layout = btf.struct("module_layout", 16, at("base", void), at("size", world.u32, 8),
                                at("text_size", world.u32, 12))
            parts = [at("core_layout", layout, 40), at("init_layout", layout, 56)]
        btf.struct("module", 160, at("list", list_head), at("arch", arch, 16), *parts)

    # -- text --

    def function(self, name: str, *rows: tuple, size: int = 0x100) -> int:
        """A function with rows, each valid for 16 bytes, the last to its end; its address."""
        address = self.functions[name] = self.next
        self.next += size
        host_image.add_symbol(name, address, size, "T")
        for i, each in enumerate(rows):
            self.rows[address + 16 * i] = each
        self.rows[self.next] = row(NOTHING)
        return address

    def entry(self, wanted: tuple) -> bytes:
        kind, sp, sp_offset, bp, bp_offset, signal, raw = wanted
        if signal is None:
            signal = kind in (REGS, PARTIAL)
        if self.form == "6.12":
            bits = (_NEW[kind] if raw is None else raw) << 8 | signal << 11
        else:
            last = 3 if self.form == "6.3" else 2
            bits = (_OLD[kind] if raw is None else raw) << 8 | (kind == END) << 8 + last
            if self.form == "6.3":
                bits |= signal << 10
        return struct.pack("<hhH", sp_offset, bp_offset, sp | bp << 4 | bits)

    def tables(self, rows: dict[int, tuple], addresses: int, entries: int) -> None:
        for i, (address, wanted) in enumerate(sorted(rows.items())):
            place = addresses + 4 * i
            host_image.write(place, struct.pack("<i", address - place))
            host_image.write(entries + 6 * i, self.entry(wanted))

    def done(self) -> None:
        """The tables are written; types are those of the dump."""
        self.tables(self.rows, TABLES, TABLES + TABLES_ROWS)
        # the first symbol of a name counts: a test may have said another end before
        host_image.add_symbol("__stop_orc_unwind_ip", TABLES + 4 * len(self.rows))
        self.world.load()
        self.forget()

    @staticmethod
    def forget() -> None:
        pykdump.purge_caches("memory")
        pykdump.purge_caches("types")

    # -- stacks --

    def word(self, address: int, *values: int) -> int:
        """Writes words one behind the other; the address behind them."""
        data = b"".join(struct.pack("<Q", value & (1 << 64) - 1) for value in values)
        host_image.write(address, data)
        pykdump.purge_caches("memory")
        return address + len(data)

    def regs(self, address: int, **values: int) -> int:
        """A struct pt_regs; the address behind it."""
        values.setdefault("cs", KERNEL_CS)
        return self.word(address, *(values.get(name, 0) for name in REGISTERS))

    def sleep(self, ip: int, sp: int = STACK + 0x2000, bp: int = 0) -> int:
        """Makes the task sleep at an instruction; where its stack goes on."""
        self.word(self.task, sp)
        self.word(sp + 40, bp, ip)
        return sp + 56

    def unwind(self):
        return pykdump.unwind(self.task)

    def names(self, stack) -> list[str | None]:
        return [frame.function for frame in stack.frames]


def sleeper(kernel: Kernel, outer: tuple = row(END)) -> tuple[int, int]:
    """schedule called by `outer`: an address in it, and where the stack goes on."""
    schedule = kernel.function("schedule", row(CALL, SP, 8))
    caller = kernel.function("outer", outer)
    kernel.done()
    top = kernel.word(kernel.sleep(schedule + 0x20), caller + 0x20)
    return caller, top


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
