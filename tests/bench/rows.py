"""What is measured. A new row is one more entry of FIRST or REPEATED, and nothing else."""

from dataclasses import dataclass, field
from typing import Optional

# Where an entry has a dict by dump format, these are its keys.
KDUMP, ELF = "kdump", "elf"


@dataclass(frozen=True)
class Snippet:
    """An expression whose time is taken, after the statements of `setup`, which are not timed.

    `units` and `answer` are expressions that may use its value, `result`: how many units of work
    it did, and what ours and drgn must agree on, lest they do different work.
    """

    expression: str
    setup: str = ""
    units: str = "1"
    answer: str = "None"


@dataclass(frozen=True)
class Row:
    """One operation.

    `ours` runs inside crash, `drgn` in a process of its own. `typed` is a command that
    belongs to ours, `crash` crash's own equivalent; both are timed from Enter to the prompt,
    and {plugin} is the plug-in. A repeated row has either `ours` or `typed`. Every snippet has
    `names`, functions spread over the kernel, and drgn's have `prog`.
    """

    name: str
    unit: str                               # one of report.UNITS
    ours: Optional[Snippet] = None
    drgn: Optional[Snippet] = None
    typed: str = ""
    crash: str = ""
    crash_units: float = 0                  # of one such command, if not the units of ours
    wanted: dict[str, float] = field(default_factory=dict)  # times faster than drgn, by format
    limit: Optional[float] = None           # the worst value that is good enough, in `unit`


# Once in a session each, in this order, in several sessions.
FIRST = (
    Row("crash: start to prompt", "ms"),
    Row("extend to prompt", "ms", typed="extend {plugin}", limit=60),
    Row("first from pykdump.API import *", "ms",
        ours=Snippet("exec('from pykdump.API import *', {})"), limit=30),
    # drgn's: open the dump, load the types, read
    Row("first member of first struct", "ms",
        ours=Snippet("readSU('struct task_struct', sym2addr('init_task')).pid",
                     setup="from pykdump.API import readSU, sym2addr"),
        drgn=Snippet("open_dump()['init_task'].pid.value_()"), limit=15),
)

API = "from pykdump.API import *\n"
HELPERS = "from drgn.helpers.linux import *\n"
TASK_OURS = API + "task = readSU('struct task_struct', pid_to_task(1))\n"
TASK_DRGN = HELPERS + "task = find_task(prog, 1)\n"
LIST_OURS = API + "head = readSU('struct task_struct', sym2addr('init_task')).tasks\n"
LIST_DRGN = HELPERS + "head = prog['init_task'].tasks.address_of_()\n"
# Every thread, as each side's users would write it.
THREADS_OURS = LIST_OURS + """
def read():
    found = []
    for leader in readSUListFromHead(head, 'tasks', 'struct task_struct'):
        for task in readSUListFromHead(leader.signal.thread_head, 'thread_node',
                                       'struct task_struct'):
            found.append((task.pid, task.comm))
    return found
"""
THREADS_DRGN = HELPERS + """
def read():
    return [(task.pid.value_(), task.comm.string_().decode()) for task in for_each_task(prog)]
"""
COLUMNS_OURS = LIST_OURS + """
def read():
    tasks, report = walk_list(head, 'struct task_struct', 'tasks', as_column=True)
    return columns(tasks, 'struct task_struct', ['pid', 'comm'])
"""
COLUMNS_DRGN = LIST_DRGN + """
def read():
    return [(task.pid.value_(), task.comm.string_().decode())
            for task in list_for_each_entry('struct task_struct', head, 'tasks')]
"""
# Of all tasks that sleep. drgn has functions that were inlined as frames of their own, and user
# space behind the kernel's frames; and it takes the registers of CPU 1, which QEMU notes as those
# of thread 2, for those of PID 2.
STACKS_OURS = API + """
from LinuxDump import stacks
from LinuxDump.Tasks import TaskTable
tasks = [task.ts for task in TaskTable().allThreads()
         if task.pid > 2 and task.ts not in stacks.running() and task.stack]
def read():
    return [[frame.ip for frame in stacks.stack_of(task).frames] for task in tasks]
"""
STACKS_DRGN = HELPERS + """
running = {per_cpu(prog['runqueues'], cpu).curr.value_() for cpu in for_each_possible_cpu(prog)}
tasks = [task for task in for_each_task(prog)
         if task.pid > 2 and task.value_() not in running and task.stack]
def read():
    return [[frame.pc for frame in prog.stack_trace(task)
             if not frame.is_inline and frame.pc >> 63] for task in tasks]
"""
# The registers that calls preserve, in all frames: ours follows the code, drgn has DWARF.
REGISTERS_OURS = STACKS_OURS + """
from LinuxDump import frameregs
def read():
    return [[[each.call[name].value for name in frameregs.CALLEE_SAVED]
             for each in frameregs.registers_of_frames(stacks.stack_of(task))] for task in tasks]
"""
REGISTERS_DRGN = STACKS_DRGN + """
def read():
    return [[[frame.register(name) for name in ("rbx", "rbp", "r12", "r13", "r14", "r15")]
             for frame in prog.stack_trace(task) if not frame.is_inline and frame.pc >> 63]
            for task in tasks]
"""
SEARCH = """
(start, end), *_ = kernel_ranges("direct map")
start += 64 << 20
"""
FEW_NAMES = ("do_exit", "vfs_read", "kfree", "schedule", "tcp_sendmsg", "ip_rcv", "up_read",
             "init_net", "super_blocks", "modules")

REPEATED = (
    Row("value of task.pid, same task", "ns",
        ours=Snippet("task.pid", TASK_OURS, answer="result"),
        drgn=Snippet("task.pid.value_()", TASK_DRGN, answer="result"),
        crash="struct task_struct.pid init_task",
        wanted={KDUMP: 2, ELF: 25}),
    Row("value of task.mm.pgd, same task", "ns",
        ours=Snippet("task.mm.pgd", TASK_OURS, answer="int(result)"),
        drgn=Snippet("task.mm.pgd.value_()", TASK_DRGN, answer="result"),
        wanted={KDUMP: 2, ELF: 25}),
    Row("value of task.comm, same task", "ns",
        ours=Snippet("task.comm", TASK_OURS, answer="str(result)"),
        drgn=Snippet("task.comm.string_()", TASK_DRGN, answer="result.decode()")),
    Row("list walk, a node with object", "ns",
        ours=Snippet("readSUListFromHead(head, 'tasks', 'struct task_struct')", LIST_OURS,
                     units="len(result)", answer="[int(node) for node in result]"),
        drgn=Snippet("list(list_for_each_entry('struct task_struct', head, 'tasks'))", LIST_DRGN,
                     units="len(result)", answer="[node.value_() for node in result]"),
        crash="list task_struct.tasks -h init_task",
        wanted={KDUMP: 5, ELF: 20}),
    Row("all threads, pid and comm, a task", "ns",
        ours=Snippet("read()", THREADS_OURS, units="len(result)", answer="sorted(result)"),
        drgn=Snippet("read()", THREADS_DRGN, units="len(result)", answer="sorted(result)"),
        crash="ps",
        wanted={KDUMP: 5, ELF: 40}),
    Row("processes, pid and comm as columns, a task", "ns",
        ours=Snippet("read()", COLUMNS_OURS, units="len(result.address)",
                     answer="list(result.rows())"),
        drgn=Snippet("read()", COLUMNS_DRGN, units="len(result)", answer="result"),
        wanted={KDUMP: 30, ELF: 30}),
    # The answers are compared by page: drgn 0.0.22 takes for allocated what is free on the CPUs
    # that the panic has stopped.
    Row("allocated dentries, an object", "ns",
        ours=Snippet("walk_slab('dentry', 'struct dentry')[0]", API,
                     units="len(result)",
                     answer="sorted({int(dentry) >> 12 for dentry in result})"),
        drgn=Snippet("list(slab_cache_for_each_allocated_object(cache, 'struct dentry'))",
                     HELPERS + "cache = find_slab_cache(prog, 'dentry')\n",
                     units="len(result)",
                     answer="sorted({dentry.value_() >> 12 for dentry in result})"),
        wanted={KDUMP: 10, ELF: 10}),
    Row("stack of a task", "ns",
        ours=Snippet("read()", STACKS_OURS, units="len(result)", answer="sorted(result)"),
        drgn=Snippet("read()", STACKS_DRGN, units="len(result)", answer="sorted(result)"),
        crash="foreach bt",
        wanted={KDUMP: 10, ELF: 10}),
    Row("registers in the frames of a task", "ns",
        ours=Snippet("read()", REGISTERS_OURS, units="len(result)", answer="sorted(result)"),
        drgn=Snippet("read()", REGISTERS_DRGN, units="len(result)", answer="sorted(result)")),
    Row("symbol by name", "ns",
        ours=Snippet("[sym2addr(name) for name in names]", API,
                     units="len(result)", answer="result"),
        drgn=Snippet("[prog.symbol(name).address for name in names]",
                     units="len(result)", answer="result"),
        crash="sym " + " ".join(FEW_NAMES), crash_units=len(FEW_NAMES),
        wanted={KDUMP: 1000, ELF: 1000}),
    Row("symbol by address", "ns",
        ours=Snippet("[addr2sym(address) for address in addresses]",
                     API + "addresses = [sym2addr(name) for name in names]\n",
                     units="len(result)", answer="len(result)"),
        drgn=Snippet("[prog.symbol(address).name for address in addresses]",
                     "addresses = [prog.symbol(name).address for name in names]\n",
                     units="len(result)", answer="len(result)"),
        wanted={KDUMP: 1000, ELF: 1000}),
    # drgn has no search before 0.0.31. What the page cache holds, then all there is.
    Row("search of a word, cached pages", "GB/s",
        ours=Snippet("search_memory(0x5ca1ab1edeadbeef, ranges=[(start, start + (32 << 20))])",
                     API + SEARCH, units="result.pages * PAGESIZE"),
        limit=1),
    Row("search of a word, direct map", "GB/s",
        ours=Snippet("search_memory(0x5ca1ab1edeadbeef)", API, units="result.pages * PAGESIZE"),
        crash="search -p 5ca1ab1edeadbeef"),
)

# The programs that people start with. Each first one in a session of its own, so that it is.
LOAD = Row("extend to prompt", "ms", typed="extend {plugin}")
FIRST_PROGRAMS = (
    LOAD,
    Row("first taskinfo", "ms", typed="taskinfo > /dev/null", limit=200),
    Row("taskinfo again", "ms", typed="taskinfo > /dev/null", limit=10),
)
FIRST_REPORT = (
    LOAD,
    Row("first crashinfo", "ms", typed="crashinfo > /dev/null", limit=1000),
    Row("crashinfo again", "ms", typed="crashinfo > /dev/null", limit=300),
)
FIRST_OF_MANY = (
    LOAD,
    Row("first taskinfo, 5,000 threads", "ms", typed="taskinfo > /dev/null"),
    Row("first hanginfo after it, 5,000 threads", "ms", typed="hanginfo > /dev/null"),
)
TASKINFO_DRGN = HELPERS + """
def read():
    lines = []
    for task in for_each_task(prog):
        rq = per_cpu(prog['runqueues'], task_cpu(task))
        ago = (rq.clock.value_() - task.sched_info.last_arrival.value_()) // 1000000
        lines.append(f"{task.pid.value_():7} {task.comm.string_().decode():>14} "
                     f"{task_cpu(task):3} {ago:14}  {task_state_to_char(task)} "
                     f"(tgid={task.tgid.value_()}) UID={task.real_cred.uid.val.value_()}")
    return lines
"""
# drgn takes every fiftieth only: all of them would take it many seconds. That the frames are the
# same "stack of a task" tests.
MANY = (
    Row("taskinfo, 5,000 threads", "ms", typed="taskinfo > /dev/null",
        drgn=Snippet("read()", TASKINFO_DRGN), crash="ps"),
    Row("hanginfo, 5,000 threads", "ms", typed="hanginfo > /dev/null"),
    Row("crashinfo, 5,000 threads", "ms", typed="crashinfo > /dev/null"),
    Row("all stacks grouped, a thread", "us",
        ours=Snippet("stacks.group_stacks(tasks)", STACKS_OURS, units="len(tasks)"),
        drgn=Snippet("[prog.stack_trace(task) for task in tasks[::50]]", STACKS_DRGN,
                     units="len(result)"),
        crash="foreach bt", wanted={KDUMP: 10}),
)


@dataclass(frozen=True)
class Suite:
    """Rows that are measured on one guest's dump."""

    guest: str
    formats: tuple[str, ...]
    first: tuple[Row, ...]
    repeated: tuple[Row, ...]


SUITES = (
    Suite("busy", (KDUMP, ELF), FIRST, REPEATED),
    Suite("busy", (KDUMP,), FIRST_PROGRAMS, ()),
    Suite("busy", (KDUMP,), FIRST_REPORT, ()),
    Suite("threads", (KDUMP,), FIRST_OF_MANY, MANY),
)
