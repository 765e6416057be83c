"""Ctrl-C: whatever runs, it ends, and the session is as good as before."""

import time

import pytest

from tests.dump.harness import untimed

# What runs when Ctrl-C comes; each says that it has started.
LOOPS = {
    "a Python loop": "while True: pass",
    "a sleep": "import time\ntime.sleep(1000)",
    "a waiting thread": "import threading\nthreading.Event().wait()",
    "another process": "import subprocess\nsubprocess.run(['sleep', '1000'])",
    "cached reads": "a = crash.sym2addr('init_task')\nwhile True: crash.readmem(a, 64)",
    "reads through crash":
        "while True:\n    for a in range(0, 1 << 28, 4096):\n"
        "        crash.readmem(a + 0x1000000, 4096, crash.PHYSADDR)",
    "failing reads":
        "while True:\n    try:\n        crash.readmem(0xdead000000000000, 8)\n"
        "    except crash.error:\n        pass",
    "members of structs":
        "task = _pykdump.readSU('struct task_struct', crash.sym2addr('init_task'))\n"
        "while True: task.pid, task.comm, task.mm",
    "a walk of lists":
        "head = crash.sym2addr('init_task')\n"
        "offset = {m[0]: m[1] // 8 for m in _pykdump.type_members('struct task_struct')}['tasks']\n"
        "while True: _pykdump.list_nodes(head + offset, 0, 10**6, 'struct task_struct', offset)",
    "gdb's types": "while True: crash.get_GDB_output('ptype struct task_struct')",
    "a long gdb command": "while True: crash.get_GDB_output('info types x')",
    "gdb expressions": "while True: crash.get_GDB_output('p init_task.pid')",
    "gdb errors": "while True: crash.get_GDB_output('p nothere')",
    "search": "while True: crash.exec_crash_command('search -k deadbeef')",
    "foreach bt": "while True: crash.exec_crash_command('foreach bt -f')",
    "kmem": "while True: crash.exec_crash_command('kmem -s')",
    "struct": "while True: crash.exec_crash_command('struct task_struct')",
    "short commands": "while True: crash.exec_crash_command('sym linux_banner')",
}
BEGIN = "import crash, _pykdump\nprint('started', flush=True)\n"


@pytest.fixture
def session(crash):
    return crash


def interrupted(session, line, delay=0.0, marker="started"):
    """Run a command and press Ctrl-C `delay` seconds after it has started."""
    session.start(line)
    if marker:
        session.until(marker)
    time.sleep(delay)
    session.interrupt()
    return session.finish()


def check_usable(session):
    session.program("import crash\nprint(crash.sym2addr('init_task') > 0)", "simple.py")
    assert untimed(session.run("epython simple")) == "True\n"
    assert session.run("ps 1").splitlines()[1].endswith("init")
    assert "panic at" in session.run("bt")
    assert session.run("p init_task.pid").endswith(" = 0\n")


@pytest.mark.parametrize("what", LOOPS)
def test_it_ends_a_program_in(session, what):
    for turn in range(5):
        session.program(BEGIN + LOOPS[what])
        text = untimed(interrupted(session, "epython prog", 0.07 * turn))
        assert text.startswith("started\n") and text.endswith("KeyboardInterrupt\n")
        assert len(text.splitlines()) <= 3, text
        check_usable(session)


@pytest.mark.parametrize("what", ["a Python loop", "reads through crash", "gdb's types", "search"])
def test_a_program_may_catch_it_and_go_on(session, what):
    body = "".join(f"    {line}\n" for line in (BEGIN + LOOPS[what]).splitlines())
    session.program(f"try:\n{body}except KeyboardInterrupt:\n    print('caught')\n"
                    "finally:\n    print('finally')\n"
                    "print(crash.exec_crash_command('ps 1').split()[-1])")
    for turn in range(5):
        text = untimed(interrupted(session, "epython prog", 0.05 * turn))
        assert text.replace("\n\n", "\n").endswith("started\ncaught\nfinally\ninit\n")
    check_usable(session)


@pytest.mark.parametrize("what", ["a Python loop", "reads through crash", "gdb's types", "search"])
def test_it_ends_a_program_whose_output_goes_through_a_pipe(session, what):
    session.program("import crash, _pykdump, os, sys\nos.write(2, b'started\\n')\n"
                    f"print('x' * 9999)\n{LOOPS[what]}")
    for turn in range(3):
        interrupted(session, "epython prog | cat", 0.05 * turn)
        check_usable(session)


def test_it_ends_a_program_that_prints_without_end(session):
    session.program(BEGIN + "while True: print('line')")
    for turn in range(5):
        assert interrupted(session, "epython prog", 0.05 * turn).endswith("(CPU)\n")
        check_usable(session)


def test_a_second_one_ends_what_cleaning_up_takes_too_long(session):
    session.program("try:\n    print('started', flush=True)\n    while True: pass\nfinally:\n"
                    "    print('cleaning', flush=True)\n    while True: pass")
    session.start("epython prog")
    for marker in ("started", "cleaning"):
        session.until(marker)
        session.interrupt()
    assert untimed(session.finish()).endswith("KeyboardInterrupt\n")
    check_usable(session)


def test_many_in_a_row_do_no_harm(session):
    for what in ("a Python loop", "search", "gdb's types", "cached reads"):
        session.program(BEGIN + LOOPS[what])
        session.start("epython prog")
        session.until("started")
        for _ in range(20):
            session.interrupt()
            time.sleep(0.005)
        session.finish()
        session.run("")
        check_usable(session)


def test_at_the_prompt_it_does_nothing(session):
    for _ in range(5):
        session.epython("print('before')")
        session.start("")
        session.finish()
        session.type("half a line")
        session.interrupt_until_asked()
        assert session.epython("print('after')") == "after\n"
    check_usable(session)


@pytest.mark.parametrize("command", ["search -k deadbeef", "foreach bt -f", "repeat -1 ps",
                                     "repeat -1 p init_task.pid"])
def test_it_ends_crashs_own_commands_as_before(session, command):
    for turn in range(5):
        session.epython("import crash\ncrash.get_GDB_output('p init_task.pid')")
        interrupted(session, command, 0.05 + 0.03 * turn, marker=None)
        check_usable(session)


def test_a_handler_that_a_program_installs_is_its_own(session):
    session.program("import signal, time\n"
                    "def handler(*_):\n    print('mine', flush=True)\n    raise SystemExit(5)\n"
                    "signal.signal(signal.SIGINT, handler)\nprint('started', flush=True)\n"
                    "time.sleep(1000)")
    text = untimed(interrupted(session, "epython prog"))
    assert text == "started\nmine\n -- sys.exit(5) --\n"
    session.program(BEGIN + "while True: pass")
    assert untimed(interrupted(session, "epython prog")).endswith("KeyboardInterrupt\n")
    check_usable(session)
