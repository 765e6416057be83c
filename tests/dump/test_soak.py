"""Long sessions: what a command leaves behind must not grow.  `make soak` makes them longer."""

import os

from tests.dump.harness import untimed

PROGRAMS = {
    "reads.py": """\
import crash, _pykdump
task = crash.sym2addr('init_task')
for _ in range(50):
    crash.readmem(task, 512), crash.readPtr(task + 64), crash.addr2sym(task)
    _pykdump.readSU('struct task_struct', task).comm
""",
    "walks.py": """\
import crash, _pykdump
offset = {m[0]: m[1] // 8 for m in _pykdump.type_members('struct task_struct')}['tasks']
head = crash.sym2addr('init_task')
tasks, end, _, _ = _pykdump.list_nodes(head + offset, 0, 10000, 'struct task_struct', offset)
print(len(tasks), end, {task.comm for task in tasks} and len(tasks[0].comm))
""",
    "commands.py": """\
import crash
crash.exec_crash_command('ps'), crash.exec_crash_command('bt')
crash.get_GDB_output('p init_task.pid'), crash.get_GDB_output('p nothere')
""",
    "errors.py": """\
import crash
for call in (lambda: crash.readmem(8, 8), lambda: crash.uvtop(1, 2),
             lambda: crash.exec_crash_command('rd 0'), lambda: crash.mem2long(b'')):
    try:
        call()
    except crash.error:
        pass
1 / 0
""",
    "cycle.py": """\
class Cycle:
    def __init__(self):
        self.me, self.load = self, bytearray(100000)
Cycle()
""",
    "leaves.py": "import sys\nprint('text ' * 100)\nsys.exit(3)\n",
    "module_user.py": "import soaked_module\nprint(soaked_module.value)\n",
}
# One round; twenty commands.
ROUND = (
    "epython reads", "epython walks", "epython commands", "epython errors", "epython cycle",
    "epython leaves", "epython walks | wc -l", "epython leaves > report", "epython nothere",
    "epython reads --timeout=x", "epython module_user --reload", "epython pyctl --ls",
    "epython pyctl debugDLKM=1", "epython pyctl --clear", "epython -p", "epython leaves | head -1",
    "epython leaves --ofile=report", "epython pyctl -a", "epython reads --maxel=7", "epython -v",
)

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "100"))


def test_thousands_of_commands_leave_memory_flat(fresh_crash):
    session = fresh_crash()
    for name, text in PROGRAMS.items():
        session.program(text, name)
    session.program("value = list(range(1000))\n", "soaked_module.py")
    sizes = []
    first = None
    for _ in range(ROUNDS):
        answers = [session.run(line) for line in ROUND]
        shown = untimed(answers[1])
        first = first or shown
        assert shown == first
        sizes.append(session.rss())
    assert sizes[-1] - sizes[9] < 4096, sizes
    assert "panic at" in session.run("bt")


def test_descriptors_and_threads_do_not_pile_up(crash):
    count = ("import os\nprint(len(os.listdir('/proc/self/fd')), "
             "len(os.listdir('/proc/self/task')))")
    crash.program("import crash, os, subprocess\ncrash.exec_crash_command('ps')\n"
                  "subprocess.run(['true'])\nprint('x')", "work.py")
    crash.run("epython work | cat")
    before = crash.epython(count)
    for _ in range(20):
        for line in ("epython work", "epython work | cat", "epython work > report",
                     "epython work --ofile=report"):
            crash.run(line)
    assert crash.epython(count) == before
