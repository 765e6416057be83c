"""Owns why a kernel died: the cause, whose doing it was, where, and on which CPU.

From structures: the CPU that entered panic(), the stack of what ran there, the exception frame on
it; the log is asked where they do not tell.  Must not know how any of it is worded.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump import faults, stacks
from LinuxDump.faults import Bug, Fault
from LinuxDump.logmarks import before_panic, kernel_messages, panic_messages
from LinuxDump.panicfunctions import (LIST_CHECKS, SLAB_CHECKS, bare, cause_of, exception_of,
                                      interrupt_of, tells_of_others)
from LinuxDump.paniclog import report_of
from LinuxDump.percpu import get_cpu_var
from LinuxDump.spinners import Spinner, spinners
from pykdump.API import (CU_LIVE, CU_PYMOD, crash, memoize_cond, readS32, readSU, sym2addr,
                         symbol_exists)
from pykdump.plaintext import one_line

_STUCK = ("soft-lockup", "hard-lockup", "nmi", "rcu-stall")
_NO_CPU = -1        # PANIC_CPU_INVALID


class Panic(NamedTuple):
    """How a kernel died.

    cause     "sysrq", "null-dereference", "bad-pointer", "bug", "list-corruption",
              "slab-corruption", "exception", "warning", "scheduling-while-atomic",
              "soft-lockup", "hard-lockup", "nmi", "rcu-stall", "hung-task", "oom",
              "cgroup-oom", "machine-check", "stack-overflow", "double-fault",
              "stack-corruption", "init-died", "no-root", "called", "unknown"; "none" for a
              dump of a kernel that had not panicked
    cpu       whose doing it was ran there; None for a thread that hung, or if not known
    task      address of the task_struct, 0 if not known
    pid, comm of it
    reporter  address of the task_struct in which panic() ran, which may be another one
    stack     of `task`, None if there is none
    guilty    the innermost frame that is neither panic(), nor handling of an exception, nor a
              function that only does what its caller asked for; None if nobody is
    regs      address of the struct pt_regs of the exception or interrupt, 0 without
    exception which one it was: "page_fault", "invalid_op" ...; "" if none
    fault     what the instruction did that an exception ended
    bug       the BUG() or WARN() that it stands for
    spinner   the lock that it spins on, and who has it; None if it does not
    message   what panic() printed
    by_log    the stack did not tell the cause, but the log
    """

    cause: str
    cpu: int | None = None
    task: int = 0
    pid: int | None = None
    comm: str = ""
    reporter: int = 0
    stack: stacks.Stack | None = None
    guilty: Any = None
    regs: int = 0
    exception: str = ""
    fault: Fault | None = None
    bug: Bug | None = None
    spinner: Spinner | None = None
    message: str = ""
    by_log: bool = False

    @property
    def module(self) -> str:
        """The module of the guilty frame, "" for the kernel itself."""
        return (self.guilty.module or "") if self.guilty else ""

    @property
    def interrupt(self) -> str:
        """What came on top of the task, which then did not do it: "softirq", "interrupt", or ""."""
        frames = self.stack.frames if self.stack else []
        outer = frames[frames.index(self.guilty):] if self.guilty in frames else []
        return interrupt_of(bare(frame.function) for frame in outer)

    @property
    def place(self) -> str:
        """The guilty frame as function+0x1f, "" without one."""
        if not self.guilty:
            return ""
        if not self.guilty.function:
            return f"0x{self.guilty.ip:x}"
        return f"{self.guilty.function}+0x{self.guilty.offset:x}"


@memoize_cond(CU_LIVE | CU_PYMOD)
def panic() -> Panic:
    """How the kernel of this dump died; what cannot be read is left out."""
    text = next(iter(panic_messages()), "")
    running = {where: task for task, where in stacks.running().items()}
    told = _panic_cpu()
    cpu: int | None = next((where for where, task in running.items()
                            if told == where or told not in running and _in_panic(task)), None)
    if cpu is None:
        nothing = told == _NO_CPU and not text
        return Panic("none") if nothing else _by_log(Panic("unknown", message=text))
    task = running[cpu]
    found = _dissected(Panic("unknown", cpu, task, *name_of(task), reporter=task, message=text))
    if found.cause == "unknown":
        return _by_log(found)
    if found.cause == "hung-task":
        return _hung(found)
    if found.cause == "rcu-stall":
        found = _staller(found, running)
    if found.cause in _STUCK:
        lock = next((each for each in spinners() if each.task == found.task), None)
        found = found._replace(spinner=lock)
    return found


def _panic_cpu() -> int | None:
    """The CPU that entered panic(), -1 for none; None if that is not known.

    4.5: 1717f2096b54 ("panic, x86: Fix re-entrance problem due to panic on NMI")
    """
    try:
        return readS32(sym2addr("panic_cpu")) if symbol_exists("panic_cpu") else None
    except crash.error:
        return None


def _in_panic(task: int) -> bool:
    """Is panic(), or what begins a dump without it, on the stack of a task."""
    try:
        return bool({"panic", "crash_kexec", "__crash_kexec"}
                    & {bare(name) for name in stacks.stack_of(task).functions})
    except (crash.error, TypeError):
        return False


def name_of(task: int) -> tuple[int | None, str]:
    """PID and name of a task, by the address of its task_struct; (None, "") if unreadable."""
    try:
        ts = readSU("struct task_struct", task)
        return ts.pid, one_line(ts.comm)
    except crash.error:
        return None, ""


def _by_log(found: Panic) -> Panic:
    """With what the log tells; of the task only what the structures do not."""
    report = report_of(before_panic(kernel_messages()), found.message)
    if report is None:
        return found
    found = found._replace(cause=report.cause, guilty=report.frame, by_log=True)
    if found.pid is None:
        found = found._replace(cpu=report.cpu, pid=report.pid, comm=report.comm)
    return found


# -- the stack of who died ------------------------------------------------------------------------

def _dissected(found: Panic) -> Panic:
    """What the stack of the task tells."""
    try:
        stack = stacks.stack_of(found.task)
    except (crash.error, TypeError):
        return found
    found = found._replace(stack=stack)
    frames = stack.frames
    at = next((number for number, frame in enumerate(frames) if frame.regs), len(frames))
    inner, outer = [bare(frame.function) for frame in frames[:at]], frames[at:]
    cause = _cause(inner, found)
    if cause is None:
        return found
    if cause in ("sysrq", "no-root", "init-died", "hung-task"):
        return found._replace(cause=cause)
    if cause in ("oom", "cgroup-oom"):
        return found._replace(cause=cause, guilty=None)
    if cause == "scheduling-while-atomic":
        return found._replace(cause=cause, guilty=_waiting(frames))
    if cause in ("called", "stack-corruption"):
        return found._replace(cause=cause, guilty=_first_doer(frames))
    regs = outer[0].regs if outer else 0
    found = found._replace(cause=cause, regs=regs, guilty=_first_doer(outer),
                           exception=exception_of(inner) or "")
    if cause == "machine-check":
        return found._replace(guilty=None)
    return _explained(found, outer) if regs else found


def _cause(inner: list[str], found: Panic) -> str | None:
    cause = cause_of(inner)
    if cause is None and "watchdog" in inner and found.comm == "khungtaskd":
        return "hung-task"
    if cause in (None, "init-died") and "panic" in inner:
        return "init-died" if cause and found.pid == 1 else "called"
    return cause


def _first_doer(frames: list[Any]) -> Any:
    """The innermost frame of a function that did something by itself; else the innermost."""
    doers = (frame for frame in frames
             if frame.function and not tells_of_others(bare(frame.function)))
    return next(doers, frames[0] if frames else None)


def _explained(found: Panic, outer: list[Any]) -> Panic:
    """With what the interrupted instruction did, and causes that it tells apart."""
    innermost = bare(outer[0].function)
    try:
        regs = readSU("struct pt_regs", found.regs)
        if found.cause not in ("oops", "warning"):
            return found
        bug = _bug_at(regs.ip) if found.exception == "invalid_op" else None
        fault = faults.fault_of(regs)
    except crash.error:
        return found._replace(cause="exception" if found.cause == "oops" else found.cause)
    if found.cause == "warning":
        return found._replace(bug=bug)
    return found._replace(cause=_oops(found.exception, fault, bug, innermost), fault=fault, bug=bug)


def _oops(exception: str, fault: Fault, bug: Bug | None, innermost: str) -> str:
    if exception == "page_fault":
        null = fault.address is not None and faults.is_null(fault.address)
        return "null-dereference" if null else "bad-pointer"
    if exception == "general_protection" or exception == "stack_segment":
        return "bad-pointer"
    if exception == "invalid_op":
        if innermost in LIST_CHECKS:
            return "list-corruption"
        if innermost in SLAB_CHECKS or bug and bug.file.endswith(("mm/slub.c", "mm/slab.c")):
            return "slab-corruption"
        if bug:
            return "bug"
    return "exception"


def _bug_at(ip: int) -> Bug | None:
    try:
        return faults.bug_at(ip)
    except (crash.error, TypeError):
        return None


def sysrq_way(found: Panic) -> str:
    """Who asked: "trigger" (a write to /proc/sysrq-trigger), "keyboard", "serial", or ""."""
    functions = {bare(name) for name in found.stack.functions} if found.stack else set()
    if "write_sysrq_trigger" in functions:
        return "trigger"
    if functions & {"sysrq_filter", "kbd_event", "kbd_keycode", "input_event"}:
        return "keyboard"
    return "serial" if any(name.startswith(("uart_", "serial8250_", "hvc_", "sysrq_serial"))
                           for name in functions) else ""


# -- whose doing it was, where another one reported it --------------------------------------------

def _staller(found: Panic, running: dict[int, int]) -> Panic:
    """The CPU that a grace period waits for: the one that found that out, or another one."""
    late = _late_cpus()
    if found.cpu in late or not late:
        return found
    task = running.get(late[0], 0)
    if not task:
        return found
    other = found._replace(cpu=late[0], task=task, stack=None, regs=0, guilty=None, exception="")
    pid, comm = name_of(task)
    try:
        stack = stacks.stack_of(task)
    except (crash.error, TypeError):
        return other._replace(pid=pid, comm=comm)
    frames = stack.frames
    at = next((number for number, frame in enumerate(frames) if frame.regs), 0)
    return other._replace(pid=pid, comm=comm, stack=stack, guilty=_first_doer(frames[at:]),
                          regs=frames[at].regs if frames else 0)


def _late_cpus() -> list[int]:
    """CPUs that have not passed a quiescent state of the grace period that runs."""
    late = []
    try:
        for cpu, address in enumerate(get_cpu_var("rcu_data")):
            rdp = readSU("struct rcu_data", address)
            if rdp.mynode.qsmask & rdp.grpmask:
                late.append(cpu)
    except (crash.error, TypeError, KeyError):
        return []
    return late


def _hung(found: Panic) -> Panic:
    """The task that has not run for longest of those that khungtaskd complains of."""
    from LinuxDump.hangs import is_hung
    from LinuxDump.taskrows import task_rows

    hung = max((row for row in task_rows() if is_hung(row)), key=lambda row: row.ran_ago,
               default=None)
    if hung is None:
        return found
    stack = stacks.stack_of(hung.task)
    return found._replace(cpu=None, task=hung.task, pid=hung.pid, comm=hung.comm, stack=stack,
                          guilty=_waiting(stack.frames))


def _waiting(frames: list[Any]) -> Any:
    """The frame that called what put the task to sleep."""
    asleep = [number for number, frame in enumerate(frames)
              if bare(frame.function).startswith(("__schedule", "schedule", "io_schedule"))]
    return _first_doer(frames[asleep[-1] + 1:] if asleep else frames)
