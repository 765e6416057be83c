"""Trace callbacks in real sessions, and greenlets, whose own are their model."""

import re

import pytest

from tests.dump.harness import untimed

EXAMPLE = """\
import greenlet
def callback(event, args):
    if event in ('switch', 'throw'):
        origin, target = args
        print("Transfer from %s to %s with %s"
              % (origin, target, event))

class Origin(greenlet.greenlet):
    def run(self):
        print("In origin")
        target.switch()
        print("Returned to origin")
        target.throw()
    def __str__(self):
       return "<origin>"

class Target(greenlet.greenlet):
    def run(self):
        origin.switch()
    def __str__(self):
       return "<target>"

old_trace = greenlet.settrace(callback)
origin = Origin()
target = Target()
_ = origin.switch()
_ = greenlet.settrace(old_trace)
"""
SHOWN = """\
Transfer from <greenlet.greenlet object ...> to <origin> with switch
In origin
Transfer from <origin> to <target> with switch
Transfer from <target> to <origin> with switch
Returned to origin
Transfer from <origin> to <target> with throw
Transfer from <target> to <greenlet.greenlet object ...> with switch
"""


def without_addresses(text):
    return re.sub(r"<greenlet\.greenlet object [^>]*>", "<greenlet.greenlet object ...>", text)


def test_greenlets_own_example_prints_what_it_shows(crash):
    for _ in range(3):
        assert without_addresses(crash.epython(EXAMPLE)) == SHOWN


def test_greenlets_read_the_dump_in_turns(crash):
    assert crash.epython("""\
import greenlet
from pykdump.API import *
init = readSU("struct task_struct", sym2addr("init_task"))
seen = []
def reader(name, other):
    for number in range(50):
        seen.append((name, init.comm, exec_crash_command(f"p {number}").split()[-1]))
        tasks[other].switch(other, name)
tasks = {name: greenlet.greenlet(reader) for name in "ab"}
tasks["a"].switch("a", "b")
print(len(seen), [name for name, _, _ in seen[:4]], set(seen[7:8]), {comm for _, comm, _ in seen})
""") == "100 ['a', 'b', 'a', 'b'] {('b', 'swapper/0', '3')} {'swapper/0'}\n"


def test_all_events_of_a_program_are_told(crash):
    crash.program("x = 1\n", "traced_module.py")
    crash.program("""\
import crash, traced_module
from pykdump.API import *
exec_crash_command("sys")
# a type that nobody asks for: it is told once in a session
readSU("struct ww_acquire_ctx", sym2addr("init_task")).task
try:
    readmem(0xdead000000000000, 8)
except crash.error:
    pass
""", "inner.py")
    text = crash.epython("""\
import crash, pykdump
seen = []
def callback(event, args):
    if event in ("program", "import", "reload", "command", "read", "type", "symbol", "error"):
        seen.append((event, args))
pykdump.settrace(callback)
crash.exec_epython_command("inner", "--reload")
pykdump.settrace(None)
for event in ("program", "import", "reload", "command", "read", "type", "symbol", "error"):
    told = [args for name, args in seen if name == event]
    # what else is imported, or asked of types, depends on what went before in the session
    print(event, told if event in ("import", "type") else told[:1])
""", "").splitlines()
    said = dict(line.split(" ", 1) for line in text)
    assert said["program"] == "[('start', 'inner', [])]"
    assert "('traced_module', " in said["import"]
    assert said["command"].startswith("[('crash', 'sys', ")
    assert said["read"].count("'KVADDR'") == 1
    assert "('type', 'struct ww_acquire_ctx', " in said["type"]
    assert said["symbol"].startswith("[('init_task', 18446")
    assert said["error"].startswith("[('read', (16045481047390945280, 8, 'KVADDR'), 'readmem")


@pytest.mark.parametrize("operation", [
    "crash.readmem(task, 8)", "crash.exec_crash_command('sys')", "crash.sym2addr('jiffies')",
    "task.pid", "task.comm", "readSU('struct super_block', 0)", "crash.get_GDB_output('p 1')",
    "_pykdump.walk_list(task.tasks)", "crash.readmem(0xdead000000000000, 8)",
    "_pykdump.columns([task], 'struct task_struct', ['pid', 'comm'])", "import colorsys"])
def test_an_exception_surfaces_in_the_traced_operation(crash, operation):
    assert crash.epython(f"""\
import _pykdump, crash, pykdump, sys
from pykdump.API import *
task = readSU("struct task_struct", sym2addr("init_task"))
task.pid, task.tasks, task.comm
sys.modules.pop("colorsys", None)
_pykdump.purge_caches("types")
def callback(event, args):
    raise LookupError("objection")
pykdump.settrace(callback)
try:
    {operation}
except LookupError as err:
    print("surfaced", err)
pykdump.settrace(None)
print(task.comm)
""") == "surfaced objection\nswapper/0\n"


def test_a_callback_does_not_outlive_its_command(crash):
    text = crash.epython("import pykdump\npykdump.settrace(lambda *what: print(what[0]))\n"
                         "import crash\ncrash.sym2addr('jiffies')")
    assert text == "symbol\nprogram\n"
    assert crash.epython("import pykdump, crash\nprint(pykdump.gettrace())\n"
                         "crash.sym2addr('jiffies')") == "None\n"


def test_ctrl_c_in_a_callback_ends_the_program(crash):
    crash.program("import pykdump, crash\ndef callback(event, args):\n    print('inside')\n"
                  "    while True:\n        pass\npykdump.settrace(callback)\n"
                  "crash.sym2addr('jiffies')\nprint('never')")
    crash.start("epython prog")
    crash.until("inside")
    crash.interrupt()
    text = crash.finish()
    assert "KeyboardInterrupt" in text and "never" not in text
    assert crash.epython("import pykdump\nprint(pykdump.gettrace())") == "None\n"


def test_a_callback_that_raises_at_random_leaves_the_session_usable(crash):
    expected = untimed(crash.run("taskinfo"))
    crash.program("""\
import contextlib, crash, io, pykdump, random, sys
class Surprise(BaseException):
    pass
class Callback:         # programs share one __main__: what it needs is its own
    def __init__(self, left):
        self.left = left
        self.surprise = Surprise
    def __call__(self, event, args):
        self.left -= 1
        if not self.left:
            raise self.surprise(event)
chance = random.Random(int(sys.argv[1]))
surfaced = 0
for _ in range(60):
    callback = Callback(int(10 ** chance.uniform(0, 4)))
    pykdump.settrace(callback)
    told = ""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            crash.exec_epython_command("taskinfo",
                                       *chance.choice([[], ["--pidinfo=1"], ["--reload"]]))
        except Surprise:
            told = "Surprise"
    pykdump.settrace(None)
    told += out.getvalue()
    assert "SystemError" not in told, told
    assert callback.left > 0 or "Surprise" in told, told
    surfaced += callback.left <= 0
print(surfaced > 10)
""", "random_trace.py")
    for seed in range(3):
        assert untimed(crash.run(f"epython random_trace {seed}")) == "True\n"
    assert untimed(crash.run("taskinfo")) == expected


STACKS = """\
import _pykdump, pykdump
from pykdump.API import *
head = readSU("struct task_struct", sym2addr("init_task")).tasks
tasks = [t for t in readSUListFromHead(head, "tasks", "struct task_struct") if not t.on_cpu]
"""


def test_stacks_are_whole_after_each_event_has_raised(crash, fresh_crash):
    """What is read once in a session is not kept when somebody has objected meanwhile."""
    expected = crash.epython(STACKS + "print(_pykdump.unwind_groups(tasks))")
    text = fresh_crash().epython(STACKS + """\
class Surprise(Exception):
    pass
raised = True
first = 0
while raised:
    raised, left = False, [first]
    def callback(event, args):
        left[0] -= 1
        if left[0] == -1:
            raise Surprise(event)
    pykdump.settrace(callback)
    try:
        _pykdump.unwind_groups(tasks[:3])
    except Surprise:
        raised = True
    pykdump.settrace(None)
    assert raised or left[0] >= 0, (first, left)
    first += 1
assert first > 20, first
print(_pykdump.unwind_groups(tasks))
""")
    assert text == expected
