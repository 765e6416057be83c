"""fregs: what registers and arguments held in the frames of kernel stacks."""

from __future__ import annotations

import json
import re
import sys
from optparse import OptionParser, Values
from typing import TYPE_CHECKING, Any

if "crash" not in sys.modules:
    import outside  # noqa: F401

from pykdump.plaintext import one_line

if TYPE_CHECKING:
    from LinuxDump.arghints import Argument
    from LinuxDump.dwarfframes import DwarfFrame, Scope, Variable
    from LinuxDump.frameregs import FrameRegisters, Known
    from LinuxDump.stacks import Stack

__version__ = "1.0"

_EPILOG = """\
Lines of registers: +RBX is a value that was saved and so is certain; a number before it says how
many instructions before the call it was set; ? marks what may have changed since, or was found
along a call that is not certain; @ is what the DWARF of the caller says of its call. With -a the
functions that were inlined are shown, too, with what their parameters are. --json prints a list of
tasks (docs/fregs.md describes it)."""
_NO_LINES = "    <No line numbers; possibly you need to load a module>"
_CONTEXT = re.compile(r"TASK: ([0-9a-f]+)")


def _parse() -> tuple[Values, list[str]]:
    parser = OptionParser(prog="fregs", usage="%prog [options] [PID|TASK|COMMAND]", epilog=_EPILOG,
                          version=f"FREGS version {__version__}",
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
    parser.set_defaults(no_dwarf="")
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
    told = _told(found, options)
    for number, each in enumerate(found):
        if options.routine in (each.frame.function or ""):
            outer = found[number + 1] if number + 1 < len(found) else None
            _show_frame(number, each, outer, told[number], options)
    if stack.message:
        print(f"\n    ({stack.message})")


def _told(found: list[FrameRegisters], options: Values) -> list[DwarfFrame | None]:
    """What DWARF tells of the frames, if arguments are asked for and there is some."""
    if options.arguments and not options.no_dwarf:
        from LinuxDump.dwarfframes import dwarf_of_frames

        try:
            return list(dwarf_of_frames(found))
        except TypeError as err:
            options.no_dwarf = str(err)
            print(f"fregs: no DWARF is used: {err}", file=sys.stderr)
    return [None] * len(found)


def _heading(stack: Stack) -> str:
    from LinuxDump.Tasks import TaskTable
    from pykdump.API import crash, readSU

    try:
        ts = readSU("struct task_struct", stack.task)
        cpu = TaskTable().task(ts).cpu
        return f"PID: {ts.pid}  TASK: {stack.task:x}  CPU: {cpu}  COMMAND: {one_line(ts.comm)}"
    except (crash.error, IndexError) as err:
        return f"TASK: {stack.task:x}  ({err})"


def _show_frame(number: int, each: FrameRegisters, outer: FrameRegisters | None,
                told: DwarfFrame | None, options: Values) -> None:
    from LinuxDump import stacks, stacktext
    from LinuxDump.fregsapi import called_from

    frame = each.frame
    name = frame.function or f"0x{frame.ip:x}"
    print("\n" + one_line(f"#{number} {name} {called_from(outer.frame) if outer else ''}").rstrip())
    if options.lines:
        line = stacks.source_of(frame)
        print(f"    {line[0]}: {line[1]}" if line else _NO_LINES)
    if frame.regs:
        print("    interrupted, with")
        for text in stacktext.register_lines(frame.regs):
            print(text)
    shown = _show_entry(name, each, told, options) if outer is not None else set()
    if told is not None:
        for scope in told.scopes:
            print(_scope_text(scope, each, told))
            if options.arguments > 1:
                _show_hints(scope, shown)


def _show_entry(name: str, each: FrameRegisters, told: DwarfFrame | None,
                options: Values) -> set[int]:
    """Print what registers held at the entry; the values of arguments that were shown."""
    from LinuxDump.frameregs import ARGUMENTS, differ

    places = _places(name, told) if options.arguments else {}
    for register, known in sorted(each.entry.items()):
        argument = places.get(register.upper())
        if places and argument is None and register in ARGUMENTS:
            continue        # it was for another function
        print(_register_text(register, known) + _argument_text(argument, known, options))
    passed = told.passed if told is not None else {}
    for register, known in sorted(passed.items()):
        tracked = each.entry.get(register)
        text = f"{_register_text(register, known, '@')}"
        if tracked is None:
            argument = places.get(register.upper())
            print(f"{text}{_argument_text(argument, known, options)} ({known.how})")
        elif differ(tracked, known):
            print(f"{text} ({known.how}: another value: one of them is wrong)")
    for register, known in sorted(each.other.items()):
        print(_register_text(register, known) + " (another value: one of them is wrong)")
    if not each.entry and not passed:
        reason = f": {each.note}" if each.note else ""
        print(f"    Can't identify arguments for {name}{reason}")
    return {known.value for register, known in [*each.entry.items(), *passed.items()]
            if register.upper() in places}


def _show_hints(scope: Scope, shown: set[int]) -> None:
    """What parameters stand for, of those that were not shown yet."""
    from LinuxDump.arghints import argument_of, hint_of, symbol_of

    for one in scope.parameters:
        if one.now is None or one.now in shown:
            continue
        hints = [symbol_of(one.now), hint_of(argument_of(0, one), one.now)]
        text = " ".join(filter(None, hints)).rstrip()
        if text not in ("", "="):
            shown.add(one.now)
            print(f"      {one.name}: {text}")


def _places(name: str, told: DwarfFrame | None) -> dict[str, Argument]:
    """The arguments of a function, by the registers that they are passed in."""
    from LinuxDump.arghints import arguments_of, arguments_of_scope

    arguments = arguments_of(name)
    if not arguments and told is not None and told.scopes:
        arguments = arguments_of_scope(told.scopes[-1])
    return {each.register: each for each in arguments}


def _scope_text(scope: Scope, each: FrameRegisters, told: DwarfFrame) -> str:
    parameters = ", ".join(_parameter_text(one, each, told) for one in scope.parameters)
    where = f" at {scope.file}:{scope.line}" if scope.file else ""
    inlined = ", inlined" if scope.inlined else ""
    text = f"    {scope.name or '??'}({parameters}){where}{inlined}"
    dropped = [one.name or "?" for one in scope.parameters if not one.passed]
    if dropped and not scope.inlined:
        text += f"\n      (it is called without {', '.join(dropped)}: the compiler dropped that)"
    return text


def _parameter_text(one: Variable, each: FrameRegisters, told: DwarfFrame) -> str:
    """The value now; else the one that the function was entered with."""
    name = one.name or "?"
    if one.now is not None:
        return f"{name}={_number_text(one, one.now)}{'' if one.grade == 'certain' else '?'}"
    known = (told.passed.get(one.register) or each.entry.get(one.register)) \
        if one.register else None
    if known is None:
        return f"{name}=?"
    doubt = "" if known.grade == "certain" else "?"
    return f"{name}@entry={_number_text(one, known.value)}{doubt}"


def _number_text(one: Variable, value: int) -> str:
    return str(value) if value < 0 or one.ctype in ("int", "_Bool", "bool") else f"0x{value:x}"


def _register_text(register: str, known: Known, mark: str = "+") -> str:
    mark = str(known.distance) if known.distance else mark
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
    told = _told(found, options)
    frames = [_frame_record(number, found, told[number], options)
              for number, each in enumerate(found)
              if options.routine in (each.frame.function or "")]
    return {**stacktext.task_record(stack.task), "cpu": stack.cpu, "end": stack.end,
            "message": stack.message, "frames": frames}


def _frame_record(number: int, found: list[FrameRegisters], told: DwarfFrame | None,
                  options: Values) -> dict[str, Any]:
    from LinuxDump import stacks

    each = found[number]
    frame = each.frame
    outer = found[number + 1].frame if number + 1 < len(found) else None
    places = {register.lower(): argument
              for register, argument in _places(frame.function or "", told).items()}
    line = stacks.source_of(frame) if options.lines else None
    return {"level": number, "function": frame.function, "offset": frame.offset,
            "module": frame.module, "ip": f"0x{frame.ip:x}", "exact": frame.exact,
            "regs": f"0x{frame.regs:x}" if frame.regs else None,
            "called_from": f"0x{outer.ip:x}" if outer and not outer.regs else None,
            "entry": {name: _known_record(known, places.get(name))
                      for name, known in each.entry.items()} if outer else {},
            "call": {name: _known_record(known) for name, known in each.call.items()},
            "conflicts": {name: _known_record(known) for name, known in each.other.items()},
            "dwarf": _dwarf_record(told, places) if told is not None else None,
            "note": each.note, "source": {"file": line[0], "line": line[1]} if line else None}


def _dwarf_record(told: DwarfFrame, places: dict[str, Argument]) -> dict[str, Any]:
    scopes = [{**scope._asdict(), "variables": [_variable_record(one) for one in scope.variables]}
              for scope in told.scopes]
    passed = {name: _known_record(known, places.get(name)) for name, known in told.passed.items()}
    return {"scopes": scopes, "passed": passed, "note": told.note, "cut": told.cut}


def _variable_record(one: Variable) -> dict[str, Any]:
    return {**one._asdict(), "now": None if one.now is None else hex(one.now)}


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
