"""Finds why the kernel died: the cause, with the function, module and task to blame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from LinuxDump import faults, memcg, panics
from LinuxDump.logmarks import before_panic, kernel_messages, line_around
from LinuxDump.panics import Panic
from LinuxDump.stacktext import place
from pykdump.API import crash, readSU, symbol_exists

from .finding import Evidence, Finding, Severity

_FRAMES = 6             # of the stack, from the guilty one
_MB = 1 << 20
_FULL = 98              # percent of what a cgroup may have: CPUs keep some of it for themselves
_INTERRUPTS_ON = 0x200  # in the flags of a struct pt_regs
_DOES = {"read": "reads", "write": "writes to", "jump": "jumps to", "": "uses"}
_ON_TOP = {"softirq": "a softirq on top of ", "interrupt": "an interrupt on top of ", "": ""}
_WAYS = {"trigger": "through /proc/sysrq-trigger", "keyboard": "from the keyboard",
         "serial": "from a serial line", "": "in an unknown way"}
# What is in memory that was given back, or taken out of a list.
_POISON_FREE = 0x6b6b6b6b6b6b6b6b
_LIST_POISON = 0xdead000000000000

_Told = tuple[str, list[Evidence], str]     # sentence, evidence of this cause alone, command


def findings() -> Iterator[Finding]:
    """The one finding of a dump that says why its kernel died."""
    panic = panics.panic()
    sentence, evidence, command = _TELLERS[panic.cause](panic)
    severity = Severity.NOTE if panic.cause in ("sysrq", "none") else Severity.CRITICAL
    yield Finding(f"panic.{panic.cause}", severity, sentence,
                  (*evidence, *_common(panic)), command or _backtrace(panic))


def _common(panic: Panic) -> Iterator[Evidence]:
    """What is told of every cause."""
    if panic.task:
        on = "" if panic.cpu is None else f" on CPU {panic.cpu}"
        yield Evidence("task", f"{panic.comm}{on}", panic.task, panic.pid)
    if panic.regs:
        yield Evidence("registers", _registers(panic), panic.regs)
    if panic.stack and panic.guilty in panic.stack.frames:
        at = panic.stack.frames.index(panic.guilty)
        frames = panic.stack.frames[at:at + _FRAMES]
        yield Evidence("stack", " < ".join(map(place, frames)), panic.guilty.at)
    elif panic.stack and panic.stack.message:
        yield Evidence("stack", panic.stack.message)
    if panic.by_log:
        yield Evidence("log", "the stack does not tell the cause, this is the log's word")
    if panic.message:
        yield Evidence("log", f"Kernel panic - not syncing: {panic.message}")


def _registers(panic: Panic) -> str:
    try:
        regs = readSU("struct pt_regs", panic.regs)
        text = f"RIP {regs.ip:x} RSP {regs.sp:x} EFLAGS {regs.flags:x}"
        thread = readSU("struct task_struct", panic.task).thread
        if panic.fault and thread.trap_nr:
            text += f", trap {thread.trap_nr} error code 0x{thread.error_code:x}"
        return text
    except crash.error as err:
        return str(err)


def _backtrace(panic: Panic) -> str:
    if not panic.task:
        return "bt -a"
    return f"bt {panic.pid}" if panic.pid else f"bt {panic.task:x}"


def _where(panic: Panic) -> str:
    """The guilty function with its module; "an unknown function" without one."""
    return place(panic.guilty) if panic.guilty else "an unknown function"


def _who(panic: Panic) -> str:
    """The task and its CPU; if it only was there, what had come on top of it."""
    if not panic.task and panic.pid is None:
        return "an unknown task"
    name = "an unreadable task" if panic.pid is None else f"pid={panic.pid} ({panic.comm})"
    return _ON_TOP[panic.interrupt] + name + \
        ("" if panic.cpu is None else f" on CPU {panic.cpu}")


# -- exceptions -----------------------------------------------------------------------------------

def _instruction(panic: Panic) -> list[Evidence]:
    if not panic.fault or not panic.fault.instruction:
        return []
    return [Evidence("instruction", panic.fault.instruction, panic.guilty.ip
                     if panic.guilty and panic.guilty.regs == panic.regs else None)]


def _does(panic: Panic) -> str:
    """"reads address 0x18" of the guilty function."""
    fault = panic.fault
    if fault is None or fault.address is None:
        return "uses an address that cannot be told"
    return f"{_DOES[fault.access]} address 0x{fault.address:x}"


def _null_dereference(panic: Panic) -> _Told:
    return (f"NULL dereference: {_where(panic)} {_does(panic)}, in {_who(panic)}.",
            _instruction(panic), "")


def _bad_pointer(panic: Panic) -> _Told:
    address = panic.fault.address if panic.fault else None
    why = f", {_kind(address)}" if address is not None else ""
    return (f"Bad pointer: {_where(panic)} {_does(panic)}{why}, in {_who(panic)}.",
            _instruction(panic), "")


def _kind(address: int) -> str:
    """What is wrong with an address."""
    if abs(address - _POISON_FREE) < _MB:
        return "which is what freed memory is filled with"
    if 0 <= address - _LIST_POISON < _MB:
        return "which is what a list entry has that was taken out of its list"
    if not faults.is_canonical(address):
        return "which is no address"
    return "where a read fails" if not faults.readable(address) \
        else "which it may not use so"


def _source(panic: Panic) -> str:
    return f" at {panic.bug.file}:{panic.bug.line}" if panic.bug else ""


def _bug(panic: Panic) -> _Told:
    return f"BUG(){_source(panic)}: {_where(panic)} gave up, in {_who(panic)}.", [], ""


def _warning(panic: Panic) -> _Told:
    return (f"WARN(){_source(panic)} in {_where(panic)}, in {_who(panic)}; panic_on_warn is set.",
            [], "")


def _scheduling_while_atomic(panic: Panic) -> _Told:
    return (f"Scheduling while atomic: {_where(panic)} slept where it must not, in {_who(panic)}; "
            "panic_on_warn is set.", [], "")


def _list_corruption(panic: Panic) -> _Told:
    said = [Evidence("log", line) for line in _said_before(panic, "corruption")]
    return f"Corrupted list, found by {_where(panic)}, in {_who(panic)}.", said, ""


def _slab_corruption(panic: Panic) -> _Told:
    return (f"Corrupted slab or an object freed twice{_source(panic)}: the allocator was called by "
            f"{_where(panic)}, in {_who(panic)}.", [], "")


def _exception(panic: Panic) -> _Told:
    name = panic.exception.replace("_", " ") or "exception"
    return (f"Oops: {name} in {_where(panic)}, in {_who(panic)}.", _instruction(panic), "")


def _said_before(panic: Panic, word: str) -> list[str]:
    """Lines with a word, just before the kernel died."""
    last = before_panic(kernel_messages())[-200:]
    return [line_around(record.text, record.text.index(word))
            for record in last if word in record.text][-1:]


# -- CPUs that do nothing else any more -----------------------------------------------------------

def _spinning(panic: Panic) -> tuple[str, list[Evidence]]:
    spinner = panic.spinner
    if spinner is None or not spinner.lock:
        return _calling(panic)
    text = f", spinning on {spinner.name}{_with_interrupts_off(panic)}"
    evidence = [Evidence("spinlock", f"{spinner.name}, {spinner.confidence}", spinner.lock)]
    holder = spinner.holder
    if holder:
        text += f", which pid={holder.pid} ({holder.comm}) is {holder.confidence} to have"
        evidence.append(Evidence("task", f"{holder.comm}, {holder.reason}", holder.task,
                                 holder.pid))
    return text, evidence


def _calling(panic: Panic) -> tuple[str, list[Evidence]]:
    """Which CPU it waits for to run a function, if it does."""
    from LinuxDump.taskrows import task_rows
    from LinuxDump.waiters import wait_of

    wait = wait_of(panic.task) if panic.task else None
    if wait is None or wait.kind != "IPI":
        return _with_interrupts_off(panic), []
    rows = {row.task: row for row in task_rows()}
    return f", in a call to another CPU: {wait.note}", [
        Evidence("task", f"{rows[task].comm} is on that CPU", task, rows[task].pid)
        for task in wait.owners if task in rows]


def _with_interrupts_off(panic: Panic) -> str:
    try:
        on = readSU("struct pt_regs", panic.regs).flags & _INTERRUPTS_ON if panic.regs else True
    except crash.error:
        on = True
    return "" if on else ", with interrupts off"


def _lockup(what: str) -> Callable[[Panic], _Told]:
    def tell(panic: Panic) -> _Told:
        doing, evidence = _spinning(panic)
        return f"{what}: {_where(panic)}, in {_who(panic)}{doing}.", evidence, ""
    return tell


# -- others ---------------------------------------------------------------------------------------

def _hung_task(panic: Panic) -> _Told:
    from LinuxDump.waiters import wait_of

    wait = wait_of(panic.task) if panic.task and panic.task != panic.reporter else None
    evidence, what = [], ""
    if wait:
        what = f" for {wait.kind} {wait.name}".rstrip()
        evidence = [Evidence(wait.kind, wait.name, wait.obj)]
        for owner in wait.owners[:1]:
            pid, comm = panics.name_of(owner)
            known = "a task that cannot be read" if pid is None else f"pid={pid} ({comm})"
            what += f", which {known} has"
            evidence.append(Evidence("task", f"{comm} has it".lstrip(), owner, pid))
    return (f"Hung task, and hung_task_panic is set: {_who(panic)} waits in {_where(panic)}{what}.",
            evidence, "hanginfo")


def _oom(panic: Panic) -> _Told:
    from LinuxDump.taskmem import memory_of_all

    sizes = sorted(memory_of_all(), key=lambda each: -each[1].rss)[:3]
    largest = [Evidence("task", f"{task.comm} has {memory.rss // _MB} MB", int(task.ts), task.pid)
               for task, memory in sizes if memory.rss]
    most = f"; the largest is pid={sizes[0][0].pid} ({sizes[0][0].comm}) with " \
           f"{sizes[0][1].rss // _MB} MB" if largest else ""
    return (f"Out of memory: {_who(panic)} asked for more{most}.", largest, "kmem -i")


def _cgroup_oom(panic: Panic) -> _Told:
    from LinuxDump.taskmem import memory_of_all

    known = {group.address: group for group in memcg.groups()}
    over = next((known[address] for address in _groups_above(panic.task)
                 if address in known and _is_full(known[address])), None)
    if over is None:
        return f"A cgroup has no memory left: {_who(panic)} asked for more.", [], "kmem -i"
    sizes = sorted(((task, memory) for task, memory in memory_of_all()
                    if memory.rss and over.address in _groups_above(int(task.ts))),
                   key=lambda each: -each[1].rss)[:3]
    most = f"; the largest in it is pid={sizes[0][0].pid} ({sizes[0][0].comm}) with " \
           f"{sizes[0][1].rss // _MB} MB" if sizes else ""
    return (f"Cgroup {over.path} has all of the {(over.max or 0) // _MB} MB of memory that it may "
            f"have: {_who(panic)} asked for more{most}.",
            [Evidence("mem_cgroup", over.path, over.address),
             *(Evidence("task", f"{task.comm} has {memory.rss // _MB} MB", int(task.ts), task.pid)
               for task, memory in sizes)], "crashinfo -v")


def _groups_above(task: int) -> list[int]:
    try:
        return memcg.above(readSU("struct task_struct", task))
    except (crash.error, TypeError, KeyError, IndexError):
        return []


def _is_full(group: memcg.Group) -> bool:
    return group.max is not None and group.usage * 100 >= group.max * _FULL


def _machine_check(panic: Panic) -> _Told:
    from LinuxDump.machinechecks import machine_check_on, machine_checks

    own = machine_check_on(panic.stack) if panic.stack else None
    records = [own] if own else machine_checks()
    seen = [Evidence("machine check", f"CPU {each.cpu} bank {each.bank} status {each.status:016x} "
                     f"address {each.address:x} misc {each.misc:x} mcgstatus {each.mcgstatus:x} "
                     f"({each.words})", each.at) for each in records]
    first = f": bank {records[0].bank} of CPU {records[0].cpu}, status " \
            f"0x{records[0].status:016x} ({records[0].words})" if records else ""
    return f"Machine check, the hardware reports an error{first}, in {_who(panic)}.", seen, "log"


def _stack_overflow(panic: Panic) -> _Told:
    again = _recursion(panic)
    text = f"; {again[0]} is on it {again[1]} times" if again else ""
    return (f"Kernel stack overflow: {_where(panic)} had no room left, in {_who(panic)}{text}.",
            [], "")


def _recursion(panic: Panic) -> tuple[str, int] | None:
    """The function that is on the stack most often, if that is recursion."""
    functions = panic.stack.functions if panic.stack else []
    found = Counter(functions).most_common(1)
    return found[0] if found and found[0][1] > 2 else None


def _double_fault(panic: Panic) -> _Told:
    return f"Double fault in {_where(panic)}, in {_who(panic)}.", _instruction(panic), ""


def _stack_corruption(panic: Panic) -> _Told:
    return (f"Stack overwritten: {_where(panic)} wrote past the end of a variable on its stack, in "
            f"{_who(panic)}.", [], "")


def _init_died(panic: Panic) -> _Told:
    how = ""
    try:
        code = readSU("struct task_struct", panic.task).signal.group_exit_code
        how = f" by signal {code & 0x7f}" if code & 0x7f else f" with exit code {code >> 8 & 0xff}"
    except (crash.error, TypeError):
        pass
    return f"Process 1 ({panic.comm}) ended{how}, which the kernel cannot outlive.", [], ""


def _no_root(panic: Panic) -> _Told:
    why = panic.message or "the log does not say why"
    return (f"The root filesystem cannot be mounted: {why}.",
            [Evidence("log", line) for line in _said_before(panic, "Cannot open root device")],
            "log")


def _called(panic: Panic) -> _Told:
    said = f': "{panic.message}"' if panic.message else ""
    return f"{_where(panic)} called panic(){said}, in {_who(panic)}.", [], ""


def _sysrq(panic: Panic) -> _Told:
    return (f"The crash was asked for: sysrq-c {_WAYS[panics.sysrq_way(panic)]}, in "
            f"{_who(panic)}.", [], "")


def _none(panic: Panic) -> _Told:
    return "The kernel had not died: the dump was taken of a running machine.", [], "bt -a"


def _unknown(panic: Panic) -> _Told:
    why = "there is nothing of it in the stacks or the log"
    if panic.message:
        why = f'all that is known is "{panic.message}"'
    elif not symbol_exists("panic_cpu"):
        why = "this kernel does not tell which CPU it was"
    return f"The cause of the panic cannot be told: {why}.", [], "log"


_TELLERS: dict[str, Callable[[Panic], _Told]] = {
    "null-dereference": _null_dereference, "bad-pointer": _bad_pointer, "bug": _bug,
    "list-corruption": _list_corruption, "slab-corruption": _slab_corruption,
    "exception": _exception, "warning": _warning,
    "soft-lockup": _lockup("Soft lockup, a CPU has not scheduled for too long"),
    "hard-lockup": _lockup("Hard lockup, a CPU takes no interrupts"),
    "nmi": _lockup("An NMI that nobody has claimed"),
    "rcu-stall": _lockup("RCU stall, a CPU holds up a grace period"),
    "hung-task": _hung_task, "scheduling-while-atomic": _scheduling_while_atomic,
    "oom": _oom, "cgroup-oom": _cgroup_oom, "machine-check": _machine_check,
    "stack-overflow": _stack_overflow, "double-fault": _double_fault,
    "stack-corruption": _stack_corruption, "init-died": _init_died, "no-root": _no_root,
    "called": _called, "sysrq": _sysrq, "none": _none, "unknown": _unknown,
}
