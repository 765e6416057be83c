"""Owns a core file of a kernel's sleeping tasks for gdb, each as a thread, and what gdb tells of
their frames.  The registers are those that the switch saved; the memory is the tasks' stacks.
"""

import json
import struct
import subprocess
from pathlib import Path

# For crash: what the core file is made of, as JSON.
TASKS = """
import json
from LinuxDump import stacks
from LinuxDump.Tasks import TaskTable
from pykdump.API import readmem, readSU, readSymbol, struct_size, sym2addr
switched = "struct inactive_task_frame"
tasks = []
for task in TaskTable().allThreads():
    stack = stacks.stack_of(task.ts)
    if stack.cpu is None and stack.frames:
        first = stack.frames[0]
        saved = readSU(switched, first.at)
        registers = {name: int(getattr(saved, name))
                     for name in ("bx", "bp", "r12", "r13", "r14", "r15")}
        registers |= {"ip": first.ip, "sp": first.at + struct_size(switched), "cs": 16, "ss": 24}
        base = int(task.ts.stack)
        tasks.append([int(task.ts), registers, base, readmem(base, STACK).hex()])
json.dump([sym2addr("_text"), tasks], open("tasks.json", "w"))
""".replace("STACK", "16384")
# As struct user_regs_struct has them.
_REGISTERS = ("r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss "
              "fs_base gs_base ds es fs gs").split()
_LINKED = 0xffffffff81000000    # where the kernel's text was linked
_PAGE = 4096
_IN_GDB = '''
import gdb, json
def number(value):
    kind = value.type.strip_typedefs().code
    if value.is_optimized_out or kind in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return None
    return int(value)
def parameters(frame):
    try:
        block = frame.block()
    except RuntimeError:
        return
    while block is not None and block.function is None:
        block = block.superblock
    for symbol in block or ():
        if symbol.is_argument:
            row = [symbol.name]
            for ask in (lambda: frame.read_var(symbol),
                        lambda: gdb.parse_and_eval(f"{symbol.name}@entry")):
                try:
                    row.append(number(ask()))
                except (gdb.error, RuntimeError):
                    row.append(None)
            yield row
def frames():
    frame = gdb.newest_frame()
    while frame is not None:
        frame.select()
        yield [frame.pc(), frame.name(), frame.type() == gdb.INLINE_FRAME, [*parameters(frame)]]
        try:
            frame = frame.older()
        except gdb.error:
            return
found = []
for thread in sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.ptid[1]):
    thread.switch()
    found.append([*frames()])
json.dump(found, open("gdb.json", "w"))
'''


def _note(number, registers):
    # struct elf_prstatus
    words = struct.pack("<27Q", *(registers.get(name, 0) for name in _REGISTERS))
    status = bytes(32) + struct.pack("<I", number) + bytes(76) + words + bytes(8)
    return struct.pack("<III", 5, len(status), 1) + b"CORE".ljust(8, b"\0") + status


def _write(path, tasks):
    notes = b"".join(_note(number, registers)
                     for number, (_task, registers, _base, _data) in enumerate(tasks, 1))
    count = 1 + len(tasks)
    heads = 64 + 56 * count
    at = -(-(heads + len(notes)) // _PAGE) * _PAGE
    head = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
    head += struct.pack("<IIQQQQQQ", 4, 0, heads, 0, 0, len(notes), 0, 4)
    stacks = b""
    for _task, _registers, base, data in tasks:
        memory = bytes.fromhex(data)
        head += struct.pack("<IIQQQQQQ", 1, 6, at + len(stacks), base, 0, len(memory),
                            len(memory), _PAGE)
        stacks += memory
    path.write_bytes((head + notes).ljust(at, b"\0") + stacks)


def frames_by_gdb(folder: Path, vmlinux: Path):
    """Address of a task -> its frames in gdb, the innermost first.

    Each is [pc, name, is it inlined, [[parameter, value, value at the entry], ...]].  `folder` has
    what TASKS has left.
    """
    text, tasks = json.loads((folder / "tasks.json").read_text())
    _write(folder / "stacks.core", tasks)
    (folder / "ingdb.py").write_text(_IN_GDB)
    subprocess.run(
        ["gdb", "-nx", "-batch", "-ex", "core-file stacks.core",
         "-ex", f"symbol-file -o {text - _LINKED} {vmlinux}", "-ex", "source ingdb.py"],
        cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return dict(zip([task for task, *_ in tasks],
                    json.loads((folder / "gdb.json").read_text())))
