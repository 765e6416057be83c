"""Owns kernel stacks as data: of tasks that sleep and of what CPUs were doing.

Frames come from the engine, which follows the kernel's own ORC tables.  Must not know what the
functions on a stack mean, nor what is in a task beyond its place on a CPU.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import _pykdump
from LinuxDump import percpu
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import CU_LIVE, CU_LOAD, crash, memoize_cond, readSU, struct_size

_CPU = re.compile(r"CPU (\d+):")
_REGISTER = re.compile(r"\b([A-Z][A-Z0-9]+):\s*([0-9a-f]+)\b")
_WIDE = {f"R{name}": name.lower() for name in ("AX", "BX", "CX", "DX", "SI", "DI", "BP", "SP",
                                               "IP")}
_SOURCE = re.compile(r"[0-9a-f]+ \(.\) \S+ +(?:\[\S+\] +)?(\S.*): (\d+) *$")
_USER_MODE = 3
_EXCEPTIONS = "struct cea_exception_stacks"


class Stack(NamedTuple):
    """The kernel stack of a task.

    task     address of its task_struct
    frames   list of _pykdump.StackFrame, the innermost first
    end      "whole": to the outermost frame; "user": to where it came from user space;
             "error": `message` says why it could not be followed
    regs     address of the struct pt_regs that user space was left with, 0 without
    cpu      the CPU that it was running on, None for one that sleeps
    message  empty, or what is to be known of the stack
    """

    task: int
    frames: list[Any]
    end: str
    regs: int
    cpu: int | None
    message: str

    @property
    def functions(self) -> list[str]:
        """Names of the functions, the innermost first; ?? for code that has none."""
        return [frame.function or "??" for frame in self.frames]


@memoize_cond(CU_LIVE)
def cpu_registers() -> dict[int, dict[str, int]]:
    """The registers of each CPU when the dump was taken, by names as in struct pt_regs.

    CPUs of which the dump does not tell are left out.
    """
    try:
        text = crash.exec_crash_command("help -r")
    except crash.error:     # a dump without them
        return {}
    cpus: dict[int, dict[str, int]] = {}
    registers: dict[str, int] = {}
    for line in text.splitlines():
        head = _CPU.match(line)
        if head:
            registers = cpus[int(head[1])] = {}
            continue
        for name, value in _REGISTER.findall(line):
            registers.setdefault(_WIDE.get(name, name.lower()), int(value, 16))
    return {cpu: registers for cpu, registers in cpus.items()
            if "ip" in registers and "sp" in registers}


@memoize_cond(CU_LIVE)
def running() -> dict[int, int]:
    """The tasks that were on a CPU: address of the task_struct -> the CPU."""
    tasks = {}
    for cpu, address in enumerate(percpu.get_cpu_var("runqueues")):
        try:
            tasks[int(readSU("struct rq", address).curr)] = cpu
        except crash.error:
            continue        # a CPU that never was there
    return tasks


def stack_of(task: int) -> Stack:
    """The stack of one task, given by the address of its task_struct.

    Damage ends a stack early, with a message.  TypeError if the kernel's types are not known.
    """
    task = int(task)
    cpu = running().get(task)
    if cpu is None:
        return _made(task, _pykdump.unwind(task), None)
    registers = cpu_registers().get(cpu)
    if registers is None:
        return Stack(task, [], "error", 0, cpu,
                     f"it was running on CPU {cpu}, whose registers are not in the dump")
    if registers.get("cs", 0) & _USER_MODE == _USER_MODE:
        return Stack(task, [], "user", 0, cpu,
                     f"it was running in user space, at 0x{registers['ip']:x}")
    return _made(task, _pykdump.unwind(registers, task), cpu)


def _made(task: int, stack: Any, cpu: int | None) -> Stack:
    return Stack(task, stack.frames, stack.end, stack.user_regs, cpu, stack.message)


def group_stacks(tasks: Iterable[int]) -> list[tuple[Stack, list[int]]]:
    """The stacks of tasks, equal ones once: (stack of the first, all tasks that have it).

    The most frequent come first, then those that the first tasks have.
    """
    addresses = [int(task) for task in tasks]
    on_cpu = running()
    sleeping = [task for task in addresses if task not in on_cpu]
    groups = [(_made(members[0], stack, None), members)
              for stack, members in _pykdump.unwind_groups(sleeping)]
    groups += [(stack_of(task), [task]) for task in addresses if task in on_cpu]
    return sorted(groups, key=lambda group: -len(group[1]))


@memoize_cond(CU_LIVE | CU_LOAD)
def source_line(address: int) -> tuple[str, int] | None:
    """The file and line of an instruction; None if the debug information does not tell.

    Asks crash, which takes milliseconds for the first line of a file; lines of modules are known
    when their debug information is loaded.
    """
    try:
        text = crash.exec_crash_command(f"sym 0x{address:x}")
    except crash.error:
        return None
    found = _SOURCE.match(text.strip())
    return (found[1], int(found[2])) if found else None


def source_of(frame: Any) -> tuple[str, int] | None:
    """The file and line of a frame's instruction, for a return address that of the call."""
    return source_line(frame.ip if frame.exact else frame.ip - 1)


class Area(NamedTuple):
    """A stack that is no task's: what the CPU uses it for, and where it is."""

    start: int
    end: int
    name: str       # "IRQ", "NMI", "DF" ...
    cpu: int


@memoize_cond(CU_LIVE)
def cpu_stacks() -> list[Area]:
    """The IRQ and exception stacks of all CPUs."""
    areas = []
    for cpu, top in enumerate(_irq_stack_tops()):
        if top:
            # 8 bytes are left free at the top of it
            end = top + 8
            areas.append(Area(end - struct_size("struct irq_stack"), end, "IRQ", cpu))
    for cpu, base in enumerate(_per_cpu_words("cea_exception_stacks")):
        if base:
            areas += _exception_stacks(base, cpu)
    return areas


def _irq_stack_tops() -> list[int]:
    try:
        hot = percpu.get_cpu_var("pcpu_hot")    # 6.2 to 6.14: d7b6d709a76a
    except TypeError:
        return _per_cpu_words("hardirq_stack_ptr")
    return [int(readSU("struct pcpu_hot", address).hardirq_stack_ptr) for address in hot]


def _per_cpu_words(name: str) -> list[int]:
    try:
        return [crash.readPtr(address) for address in percpu.get_cpu_var(name)]
    except TypeError:       # the kernel has none
        return []


def _exception_stacks(base: int, cpu: int) -> list[Area]:
    areas = []
    for name, bit_offset, _bits, _type, size in _pykdump.type_members(_EXCEPTIONS):
        kind, _, rest = name.partition("_")
        if rest == "stack" and size:
            start = base + bit_offset // 8
            areas.append(Area(start, start + size, kind, cpu))
    return areas


def area_of_frame(frame: Any) -> Area | None:
    """The stack of a CPU that a frame's function was running on, None if it is on none of these.

    For an interrupted function that is where its own frame is, not that of the interrupt.
    """
    try:
        at = readSU("struct pt_regs", frame.regs).sp if frame.regs else frame.at
    except crash.error:
        at = frame.at
    return area_of(at)


def area_of(address: int) -> Area | None:
    """The stack of a CPU that an address is on, None if it is on none of these."""
    return next((area for area in cpu_stacks() if area.start <= address < area.end), None)
