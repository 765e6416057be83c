"""What is measured. A new row is one more entry of FIRST or REPEATED, and nothing else."""

from dataclasses import dataclass, field
from typing import Optional

# Where an entry has a dict by dump format, these are its keys.
KDUMP, ELF = "kdump", "elf"


@dataclass(frozen=True)
class Snippet:
    """A statement whose time is taken, after `setup`, which is not.

    `units` and `answer` are expressions: how many units of work the statement does, and what
    ours and drgn must agree on, lest they do different work. A statement may have many lines.
    """

    statement: str
    setup: str = ""
    units: str = "1"
    answer: str = "None"


@dataclass(frozen=True)
class Row:
    """One operation.

    `ours` runs inside crash, `drgn` in a process with `prog` set. `typed` is a command that
    belongs to ours, `crash` crash's own equivalent; both are timed from Enter to the prompt,
    and {plugin} is the plug-in.
    """

    name: str
    unit: str                               # one of report.UNITS
    ours: Optional[Snippet] = None
    drgn: Optional[Snippet] = None
    typed: str = ""
    crash: str = ""
    wanted: dict[str, float] = field(default_factory=dict)  # times faster than drgn, by format
    limit: Optional[float] = None           # the worst value that is good enough, in `unit`


# Once in a session each, in this order, in several sessions.
OPEN_DRGN = """
import drgn
"""
FIRST = (
    Row("crash: start to prompt", "ms"),
    Row("extend to prompt", "ms", typed="extend {plugin}", limit=60),
    Row("first import of pykdump.API", "ms",
        ours=Snippet("from pykdump.API import readSU, sym2addr"), limit=30),
    Row("first member of first struct", "ms",
        ours=Snippet("answer = readSU('struct task_struct', sym2addr('init_task')).pid",
                     setup="from pykdump.API import readSU, sym2addr"),
        drgn=Snippet("answer = open_dump()['init_task'].pid.value_()"), limit=15),
)

API = "from pykdump.API import *\n"
HELPERS = "from drgn.helpers.linux import *\n"
TASK_OURS = API + "task = readSU('struct task_struct', pid_to_task(1))\n"
TASK_DRGN = HELPERS + "task = find_task(prog, 1)\n"

REPEATED = (
    Row("task.pid, same task", "ns",
        ours=Snippet("task.pid", TASK_OURS, answer="task.pid"),
        drgn=Snippet("task.pid.value_()", TASK_DRGN, answer="task.pid.value_()"),
        wanted={KDUMP: 2, ELF: 25}),
    Row("task.mm.pgd, same task", "ns",
        ours=Snippet("task.mm.pgd", TASK_OURS, answer="int(task.mm.pgd)"),
        drgn=Snippet("task.mm.pgd.value_()", TASK_DRGN, answer="task.mm.pgd.value_()"),
        wanted={KDUMP: 2, ELF: 25}),
    Row("list walk, per node with object", "ns",
        ours=Snippet(
            "nodes = readSUListFromHead(head, 'tasks', 'struct task_struct')",
            API + "head = readSU('struct task_struct', sym2addr('init_task')).tasks\nnodes = []",
            units="len(nodes)", answer="[int(node) for node in nodes]"),
        drgn=Snippet(
            "nodes = list(list_for_each_entry('struct task_struct', head, 'tasks'))",
            HELPERS + "head = prog['init_task'].tasks.address_of_()\nnodes = []",
            units="len(nodes)", answer="[node.value_() for node in nodes]"),
        crash="list task_struct.tasks -h init_task",
        wanted={KDUMP: 5, ELF: 20}),
)
