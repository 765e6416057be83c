"""fregs: what registers and arguments held in the frames of kernel stacks."""

from __future__ import annotations

import json
import re
import sys
from optparse import OptionParser, Values
from typing import TYPE_CHECKING, Any

if "crash" not in sys.modules:
    import outside  # noqa: F401

if TYPE_CHECKING:
    from LinuxDump.frameregs import FrameRegisters, Known
    from LinuxDump.stacks import Stack

__version__ = "1.0"

_EPILOG = """\
Lines of registers: +RBX is a value that was saved and so is certain; a number before it says how
many instructions before the call it was set; ? marks what may have changed since, or was found
along a call that is not certain. --json prints a list of tasks (docs/fregs.md describes it)."""
_NO_LINES = "    <No line numbers; possibly you need to load a module>"
_CONTEXT = re.compile(r"TASK: ([0-9a-f]+)")


def _parse() -> tuple[Values, list[str]]:
    parser = OptionParser(prog="fregs", usage="%prog [options] [PID|TASK|COMMAND]", epilog=_EPILOG,
                          add_help_option=True, version=f"FREGS version {__version__}",
                          description="Show what registers held when the functions of a kernel "
                          "stack were entered: of crash's current task, or the one that is named.")
    parser.remove_option("--version")
    parser.add_option("-V", "--version", action="version", help="show the version and exit")
    parser.add_option("-a", dest="arguments", action="count", default=0,
                      help="show which arguments registers are; twice: what these stand for")
    parser.add_option("-l", "--lines", action="store_true", help="with source files and lines")
    parser.add_option("-r", dest="routine", metavar="ROUTINE", default="",
                      help="only frames of functions with this in their names")
    parser.add_option("-u", dest="waiting", action="store_true", help="all uninterruptible tasks")
    parser.add_option("-A", dest="everything", action="store_true", help="all tasks")
    parser.add_option("--json", action="store_true", help="as JSON")
    options, names = parser.parse_args()
    if options.waiting and options.everything:
        parser.error("-u and -A exclude each other")
    return options, names


# -- which tasks --------------------------------------------------------------------------------

def _chosen(options: Values, names: list[str]) -> list[int]:
    from LinuxDump.hangs import is_hung
    from LinuxDump.taskrows import task_rows
    from LinuxDump.Tasks import TaskTable

    if options.waiting:
        return [row.task for row in task_rows() if is_hung(row)]
    if options.everything:
        return [int(task.ts) for task in TaskTable().allThreads()]
    if names:
        return _named(names[0])
    return [_current()]


def _current() -> int:
    """The task of crash's context."""
    from pykdump.API import crash

    found = _CONTEXT.search(crash.exec_crash_command("set"))
    if found is None:
        sys.exit("fregs: crash does not tell which task is its context: name one")
    return int(found[1], 16)


def _named(text: str) -> list[int]:
    from LinuxDump.Tasks import TaskTable, is_task_address, parse_task

    table = TaskTable()
    named = [int(task.ts) for task in table.getThreadsByComm(text)]
    if named:
        return named
    try:
        number = parse_task(text)
    except ValueError:
        sys.exit(f"fregs: {text!r} is no PID, no address of a task and no command")
    if is_task_address(number):
        if number >> 64:
            sys.exit(f"fregs: {text!r} is no address")
        return [number]
    task = table.lookup(number)
    if task is None:
        sys.exit(f"fregs: there is no task with PID {text}")
    return [int(task.ts)]


# -- text ---------------------------------------------------------------------------------------

def _show(stack: Stack, options: Values) -> None:
    from LinuxDump.frameregs import registers_of_frames

    print(f"\n{_heading(stack)}")
    if not stack.frames:
        print(f"    Unable to get stack trace: {stack.message}")
        return
    found = registers_of_frames(stack)
    for number, each in enumerate(found):
        if options.routine in (each.frame.function or ""):
            outer = found[number + 1] if number + 1 < len(found) else None
            _show_frame(number, each, outer, options)
    if stack.message:
        print(f"\n    ({stack.message})")


def _heading(stack: Stack) -> str:
    from LinuxDump.Tasks import TaskTable
    from pykdump.API import crash, readSU

    try:
        ts = readSU("struct task_struct", stack.task)
        cpu = TaskTable().task(ts).cpu
        return f"PID: {ts.pid}  TASK: {stack.task:x}  CPU: {cpu}  COMMAND: {ts.comm}"
    except (crash.error, IndexError) as err:
        return f"TASK: {stack.task:x}  ({err})"


def _show_frame(number: int, each: FrameRegisters, outer: FrameRegisters | None,
                options: Values) -> None:
    from LinuxDump import stacks, stacktext
    from LinuxDump.arghints import arguments_of
    from LinuxDump.frameregs import ARGUMENTS
    from LinuxDump.fregsapi import called_from

    frame = each.frame
    name = frame.function or f"0x{frame.ip:x}"
    print(f"\n#{number} {name} {called_from(outer.frame) if outer else ''}".rstrip())
    if options.lines:
        line = stacks.source_of(frame)
        print(f"    {line[0]}: {line[1]}" if line else _NO_LINES)
    if frame.regs:
        print("    interrupted, with")
        for text in stacktext.register_lines(frame.regs):
            print(text)
    if outer is None:
        return
    places = {each.register: each for each in arguments_of(name)} if options.arguments else {}
    for register, known in sorted(each.entry.items()):
        argument = places.get(register.upper())
        if places and argument is None and register in ARGUMENTS:
            continue        # it was for another function
        print(_register_text(register, known) + _argument_text(argument, known, options))
    for register, known in sorted(each.other.items()):
        print(_register_text(register, known) + " (another value: one of them is wrong)")
    if not each.entry:
        reason = f": {each.note}" if each.note else ""
        print(f"    Can't identify arguments for {name}{reason}")


def _register_text(register: str, known: Known) -> str:
    mark = str(known.distance) if known.distance else "+"
    space = " " if known.distance else ""
    doubt = "" if known.grade == "certain" else " ?"
    half = " (its lower half)" if known.bits == 32 else ""
    return f"{mark:>4}{space}{register.upper()}: 0x{known.value:x}{half}{doubt}"


def _argument_text(argument: Any, known: Known, options: Values) -> str:
    from LinuxDump.arghints import hint_of, symbol_of

    if argument is None:
        return ""
    text = f"  arg{argument.number} {argument.ctype}"
    if options.arguments < 2 or known.bits == 32:
        return text
    hints = [symbol_of(known.value), hint_of(argument, known.value)]
    return " ".join([text, *filter(None, hints)])


# -- JSON ---------------------------------------------------------------------------------------

def _record(stack: Stack, options: Values) -> dict[str, Any]:
    from LinuxDump import stacktext
    from LinuxDump.frameregs import registers_of_frames

    found = registers_of_frames(stack)
    frames = [_frame_record(number, each, found, options) for number, each in enumerate(found)
              if options.routine in (each.frame.function or "")]
    return {**stacktext.task_record(stack.task), "cpu": stack.cpu, "end": stack.end,
            "message": stack.message, "frames": frames}


def _frame_record(number: int, each: FrameRegisters, found: list[FrameRegisters],
                  options: Values) -> dict[str, Any]:
    from LinuxDump import stacks
    from LinuxDump.arghints import arguments_of

    frame = each.frame
    outer = found[number + 1].frame if number + 1 < len(found) else None
    places = {each.register.lower(): each for each in arguments_of(frame.function or "")}
    line = stacks.source_of(frame) if options.lines else None
    return {"level": number, "function": frame.function, "offset": frame.offset,
            "module": frame.module, "ip": f"0x{frame.ip:x}", "exact": frame.exact,
            "regs": f"0x{frame.regs:x}" if frame.regs else None,
            "called_from": f"0x{outer.ip:x}" if outer and not outer.regs else None,
            "entry": {name: _known_record(known, places.get(name))
                      for name, known in each.entry.items()} if outer else {},
            "call": {name: _known_record(known) for name, known in each.call.items()},
            "conflicts": {name: _known_record(known) for name, known in each.other.items()},
            "note": each.note, "source": {"file": line[0], "line": line[1]} if line else None}


def _known_record(known: Known, argument: Any = None) -> dict[str, Any]:
    from LinuxDump.arghints import hint_of, symbol_of

    record: dict[str, Any] = {"value": f"0x{known.value:x}", "bits": known.bits,
                              "grade": known.grade, "how": known.how, "distance": known.distance}
    if argument is not None:
        whole = known.bits == 64
        record |= {"argument": argument.number, "type": argument.ctype,
                   "hint": hint_of(argument, known.value) or None if whole else None,
                   "symbol": symbol_of(known.value) or None if whole else None}
    return record


def main() -> None:
    options, names = _parse()
    from LinuxDump import stacks
    from LinuxDump.fregsapi import is_supported
    from LinuxDump.machinecode import NoDecoder

    if not is_supported():
        sys.exit("Register decoding is supported on x86_64 dumps only.")
    tasks = _chosen(options, names)
    try:
        if options.json:
            print(json.dumps([_record(stacks.stack_of(task), options) for task in tasks],
                             indent=1))
            return
        for task in tasks:
            _show(stacks.stack_of(task), options)
    except NoDecoder as err:
        sys.exit(f"fregs: {err}")


if __name__ == "__main__":
    main()
