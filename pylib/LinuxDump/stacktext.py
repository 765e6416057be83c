"""Owns stacks as people read them, and as JSON.

Must not know how stacks are found, nor what the functions on them mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from LinuxDump import stacks
from pykdump.API import crash, readSU
from pykdump.plaintext import one_line

_REGISTERS = (("ip", "sp", "flags"), ("ax", "bx", "cx"), ("dx", "si", "di"), ("bp", "r8", "r9"),
              ("r10", "r11", "r12"), ("r13", "r14", "r15"), ("orig_ax", "cs", "ss"))
_TASKS_A_LINE = 4


def place(frame: Any) -> str:
    """What a frame was doing: `function+0x1f [module]`, or the address of code without a name."""
    text = f"{frame.function}+0x{frame.offset:x}" if frame.function else f"0x{frame.ip:x}"
    return one_line(f"{text} [{frame.module}]" if frame.module else text)


def heading(task: int) -> str:
    """Which task it is, in one line as crash's bt has it."""
    try:
        ts = readSU("struct task_struct", task)
        return f'PID: {ts.pid}  TASK: {task:x}  COMMAND: "{one_line(ts.comm)}"'
    except crash.error as err:
        return f"TASK: {task:x}  ({err})"


def stack_lines(stack: stacks.Stack, source: bool = False,
                registers: bool = False) -> Iterator[str]:
    """A stack, the innermost frame first.

    Lines between the frames tell which stack of a CPU the next ones are on, and what was
    interrupted.  A `?` is before what was found by a frame pointer, without a table.  `source`:
    with files and lines; `registers`: with those that user space was left with.
    """
    area = None
    for number, frame in enumerate(stack.frames):
        now = stacks.area_of_frame(frame)
        if now != area:
            area = now
            yield f"     --- <{f'{now.name} stack of CPU {now.cpu}' if now else 'task stack'}> ---"
        if frame.regs:
            yield f"     [interrupted, registers at {frame.regs:x}]"
        yield f" #{number:<2} [{frame.at:x}] {'? ' if frame.guessed else ''}{place(frame)}"
        line = stacks.source_of(frame) if source else None
        if line:
            yield f"       {line[0]}: {line[1]}"
    if stack.message:
        yield f"     ({stack.message})"
    if registers and stack.regs:
        yield from register_lines(stack.regs)


def register_lines(address: int) -> Iterator[str]:
    """The registers in a struct pt_regs."""
    try:
        regs = readSU("struct pt_regs", address)
        for names in _REGISTERS:
            yield "     " + "  ".join(f"{name.upper():>7}: {getattr(regs, name):016x}"
                                      for name in names)
    except crash.error as err:
        yield f"     (registers at 0x{address:x}: {err})"


def print_stack(stack: stacks.Stack, source: bool = False, registers: bool = False) -> None:
    """Print the stack of one task under a line that names it."""
    cpu = "" if stack.cpu is None else f"  ON CPU: {stack.cpu}"
    print(heading(stack.task) + cpu)
    for line in stack_lines(stack, source, registers):
        print(line)


def print_groups(groups: list[tuple[stacks.Stack, list[int]]], source: bool = False) -> None:
    """Print each stack of group_stacks once, and the tasks that have it."""
    for number, (stack, members) in enumerate(groups):
        if number:
            print()
        print(f"{len(members)} {'task' if len(members) == 1 else 'tasks'}")
        for line in stack_lines(stack, source):
            print(line)
        for start in range(0, len(members), _TASKS_A_LINE):
            print("     " + "  ".join(map(_short, members[start:start + _TASKS_A_LINE])))


def _short(task: int) -> str:
    try:
        ts = readSU("struct task_struct", task)
        return f"{ts.pid}:{one_line(ts.comm)}"
    except crash.error:
        return f"{task:x}"


def record(stack: stacks.Stack, source: bool = False) -> dict[str, Any]:
    """A stack as plain data for JSON; addresses are text with 0x, what is not known is null."""
    return {"end": stack.end, "message": stack.message, "cpu": stack.cpu,
            "user_regs": f"0x{stack.regs:x}" if stack.regs else None,
            "frames": [_frame_record(frame, source) for frame in stack.frames]}


def task_record(task: int) -> dict[str, Any]:
    """Which task it is, as plain data for JSON."""
    try:
        ts = readSU("struct task_struct", task)
        return {"task": f"0x{task:x}", "pid": ts.pid, "tgid": ts.tgid, "comm": str(ts.comm)}
    except crash.error:
        return {"task": f"0x{task:x}", "pid": None, "tgid": None, "comm": None}


def _frame_record(frame: Any, source: bool) -> dict[str, Any]:
    area = stacks.area_of_frame(frame)
    line = stacks.source_of(frame) if source else None
    return {"function": frame.function, "offset": frame.offset, "module": frame.module,
            "ip": f"0x{frame.ip:x}", "at": f"0x{frame.at:x}",
            "regs": f"0x{frame.regs:x}" if frame.regs else None,
            "exact": frame.exact, "guessed": frame.guessed,
            "stack": area.name if area else "task",
            "source": {"file": line[0], "line": line[1]} if line else None}
