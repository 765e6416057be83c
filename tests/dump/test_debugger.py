"""epython --pdb and breakpoint(): pdb on the terminal, wherever the program's output goes."""

import re

import pytest

from tests.dump.harness import batch, stripped_of_colour, untimed

PDB = "(Pdb) "
FAILING = """\
def inner(value):
    raise ValueError(value)


def outer():
    where = 'outside'
    inner(5)


outer()
"""
STOPPING = """\
print('before')
value = 1
breakpoint()
print('after', value)
value = 2
"""


def entered(session, line):
    """Run a command until the debugger asks; what was printed."""
    session.start(line)
    return asked(session)


def stopped(session, line):
    """Run a command until it has gone past its breakpoint(); what was printed.

    From Python 3.13 on pdb stops at the breakpoint(), not behind it.
    """
    text = entered(session, line)
    if "-> breakpoint(" in text:
        text = text[:text.index("> /")] + asked(session, "n")
    return text


def asked(session, *lines):
    """Type lines to the debugger; what the last one printed."""
    for line in lines:
        session.type(line + "\n")
        before = asked(session)
    if lines:
        return before
    session._pending = ""
    session.until(PDB)
    return session._pending[:-len(PDB)]


def left(session, keys="q\n"):
    """Leave the debugger; what was printed until crash's prompt."""
    session._pending = ""
    session.type(keys)
    return session.finish()


@pytest.fixture
def failing(crash):
    crash.program(FAILING)
    return crash


@pytest.fixture(scope="module")
def typist(starting):
    """A session that echoes what is typed, as people have it."""
    session = starting(echo=True)
    yield session
    session.close()


# -- after an exception --

def test_an_exception_is_reported_then_debugged_where_it_was_raised(failing):
    text = entered(failing, "epython --pdb prog")
    assert "\nValueError: 5\nUncaught exception. Entering post mortem debugging" in text
    assert text.endswith(f"> {failing.cwd}/prog.py(2)inner()\n-> raise ValueError(value)\n")
    assert asked(failing, "p value") == "5\n"
    assert asked(failing, "up", "p where") == "'outside'\n"
    assert asked(failing, "w").splitlines() == [
        f"  {failing.cwd}/prog.py(10)<module>()", "-> outer()",
        f"> {failing.cwd}/prog.py(7)outer()", "-> inner(5)",
        f"  {failing.cwd}/prog.py(2)inner()", "-> raise ValueError(value)"]
    assert untimed(left(failing)) == ""


@pytest.mark.parametrize("line", ["crash bt", 'crash "bt"', "crash 'bt'"])
def test_crashs_commands_are_at_hand(failing, line):
    shown = failing.run("bt")
    entered(failing, "epython --pdb prog")
    assert asked(failing, line) == shown
    left(failing)


def test_a_command_of_crash_that_fails_says_why(failing):
    entered(failing, "epython --pdb prog")
    assert asked(failing, "crash nothere") == "crash: command not found: nothere\n"
    assert asked(failing, "crash") == "*** which command of crash? As in: crash bt\n"
    assert asked(failing, "p value") == "5\n"
    left(failing)


def test_python_that_begins_with_the_name_of_a_command_is_python(failing):
    entered(failing, "epython --pdb prog")
    assert asked(failing, "import crash", "crash.sym2addr('nothere') or 'none'") == "'none'\n"
    assert asked(failing, "tasks = [3, 4]", "tasks[1]") == "4\n"
    left(failing)


@pytest.mark.parametrize("keys", ["q\n", "\x04", "\x03"])
def test_every_way_out_leads_to_crashs_prompt(failing, keys):
    for program, end in ((FAILING, ""), (STOPPING, "before\n")):
        failing.program(program)
        text = entered(failing, "epython --pdb prog")
        assert end in text
        assert untimed(left(failing, keys)).strip() == ("KeyboardInterrupt" if keys == "\x03"
                                                        else "")
        assert "panic at" in failing.run("bt")
        assert failing.epython("print('usable')") == "usable\n"


def test_ctrl_c_gives_up_half_a_line_and_a_running_command_first(typist, tmp_path):
    typist.cd(tmp_path)
    typist.program(FAILING)
    entered(typist, "epython --pdb prog")
    typist.type("p value + ")
    typist.until("p value + ")
    typist.interrupt()
    assert "--KeyboardInterrupt--" in asked(typist)
    typist.type("while True: pass\n")
    typist.until("pass")
    typist.interrupt()
    assert "*** KeyboardInterrupt" in asked(typist)
    assert "outside" in asked(typist, "up", "p where")
    assert "KeyboardInterrupt" in left(typist, "\x03")


def test_lines_are_edited_and_names_completed(typist, tmp_path):
    typist.cd(tmp_path)
    typist.program(FAILING)
    entered(typist, "epython --pdb prog")
    assert stripped_of_colour(asked(typist, "p valeu\x7f\x7fue")).endswith("\n5\n")
    assert stripped_of_colour(asked(typist, "p val\t")).endswith("\n5\n")
    assert stripped_of_colour(asked(typist, "\x10")).endswith("\n5\n")
    left(typist)


@pytest.mark.parametrize("program", ["raise SystemExit(3)", "print('fine')"])
def test_a_program_that_does_not_fail_is_not_debugged(crash, program):
    crash.program(program)
    assert PDB not in crash.run("epython --pdb prog")


def test_a_program_that_cannot_begin_is_not_debugged(crash):
    crash.program("if:")
    assert untimed(crash.run("epython --pdb prog")).endswith(
        "SyntaxError: invalid syntax\n"
        "epython --pdb: the program has not begun, so there is nothing to look at\n")


def test_what_a_debugger_would_run_from_this_folder_is_left_alone(failing):
    failing.program("!print('somebody else')\n", ".pdbrc")
    assert "somebody else" not in entered(failing, "epython --pdb prog")
    left(failing)


# -- breakpoint() --

def test_a_program_stops_at_its_breakpoint_and_goes_on(crash):
    crash.program(STOPPING)
    assert stopped(crash, "epython prog") == \
        f"before\n> {crash.cwd}/prog.py(4)<module>()\n-> print('after', value)\n"
    assert asked(crash, "value = 7", "w").startswith(f"> {crash.cwd}/prog.py(4)<module>()\n")
    assert untimed(left(crash, "c\n")) == "after 7\n"


def test_stepping_over_the_programs_end_ends_it(crash):
    crash.program(STOPPING)
    stopped(crash, "epython prog")
    assert asked(crash, "n", "n").startswith("--Return--\n")
    assert untimed(left(crash, "n\n")) == ""
    assert crash.epython("import sys\nprint(sys.gettrace(), '__return__' in globals())") \
        == "None False\n"


def test_breakpoints_of_one_program_are_not_those_of_the_next(crash):
    crash.program(STOPPING)
    entered(crash, "epython prog")
    assert asked(crash, "b 5").startswith("Breakpoint 1 at")
    asked(crash, "c")
    left(crash)
    entered(crash, "epython prog")
    assert asked(crash, "b") == ""
    assert untimed(left(crash, "c\n")) == "after 1\n"


def test_a_breakpoint_in_a_function_shows_the_stack_of_the_program_only(crash):
    crash.program("def deep():\n    breakpoint(header='look')\n    return 3\n\n\nprint(deep())\n")
    assert stopped(crash, "epython prog").startswith("look\n> ")
    files = re.findall(r"[> ] (\S+)\(\d+\)", asked(crash, "w"))
    assert set(files) == {f"{crash.cwd}/prog.py"}
    assert untimed(left(crash, "c\n")) == "3\n"


# -- where output goes --

def test_with_crashs_pager_what_was_printed_is_read_first(fresh_crash):
    session = fresh_crash(echo=True, TERM="xterm")
    session.run("set scroll on")
    session.program("for line in range(200):\n    print('line', line)\n" + STOPPING + "1 / 0")
    session.start("epython --pdb prog")
    session.until("MORE")
    assert "line 40" in session._pending and "line 100" not in session._pending
    session.type("q")
    session.until(PDB)
    assert re.search(r"-> (print\('after', value\)|breakpoint\(\))", session._pending)
    assert "panic at" in asked(session, "crash bt")     # to the terminal, no pager any more
    assert "jiffies" in asked(session, "crash p jiffies")
    text = asked(session, "c")
    assert "after 1" in text and "ZeroDivisionError" in text
    assert "Execution took" in left(session)
    session.start("epython --pdb prog")                 # the next command has its pager
    session.until("MORE")
    session.type("q")
    session.until(PDB)
    left(session, "\x03")
    assert "DUMPFILE" in session.run("sys")


@pytest.mark.parametrize("where", ["> out", "| cat > out"])
def test_redirected_output_is_the_programs_and_the_debugger_is_on_the_terminal(crash, where):
    crash.program(STOPPING + "1 / 0")
    assert entered(crash, f"epython --pdb prog {where}").startswith("> ")
    assert asked(crash, "!print(value)") == "1\n"
    assert "Uncaught exception" in asked(crash, "c")
    assert left(crash) == ""
    out = (crash.cwd / "out").read_text()
    assert "before\nafter 1\nTraceback" in out and "Pdb" not in out and "Uncaught" not in out


def test_without_a_terminal_there_is_a_line_and_no_debugger(dump, plugin, tmp_path):
    (tmp_path / "prog.py").write_text(STOPPING + "1 / 0")
    text, status = batch(dump, tmp_path, [f"extend {plugin}", "epython --pdb prog", "sys",
                                          "quit"])
    assert status == 0
    assert "before\nbreakpoint(): standard input is no terminal, so there is no debugger\n" \
        "after 1\nTraceback" in text
    assert "ZeroDivisionError: division by zero\n" \
        "epython --pdb: standard input is no terminal, so there is no debugger\n" in text
    assert "DUMPFILE" in text and PDB not in text


# -- what waits --

TASKS = """\
import asyncio, sys


async def deep():
    await asyncio.sleep(1000)


async def worker():
    await deep()


async def main():
    tasks = [asyncio.create_task(worker(), name=f'worker-{i}') for i in range(2)]
    await asyncio.sleep(0.001)
    raise RuntimeError('broken')

if sys.argv[1:]:
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
asyncio.run(main())
"""


def stacks_of_workers(text):
    """The names of tasks whose stacks are shown, with those that they stand in."""
    return sorted(re.findall(
        r"asyncio task '(worker-\d)'\n.* in (worker)\n.*\n.* in (deep)\n", text))


WORKERS = [("worker-0", "worker", "deep"), ("worker-1", "worker", "deep")]


def test_tasks_that_asyncio_run_has_cancelled_are_listed(crash):
    crash.program(TASKS)
    text = entered(crash, "epython --pdb prog")
    assert stacks_of_workers(text.partition("asyncio.run ended, it cancelled:")[2]) == WORKERS
    assert asked(crash, "tasks") == "no asyncio tasks, no greenlets\n"
    left(crash)


def test_tasks_of_a_closed_loop_are_listed(crash):
    crash.program(TASKS)
    text = entered(crash, "epython --pdb prog loop")
    assert stacks_of_workers(text.partition("Waiting:")[2]) == WORKERS
    assert stacks_of_workers(asked(crash, "tasks")) == WORKERS
    left(crash)


def test_greenlets_that_wait_are_listed_those_of_earlier_programs_when_asked(crash):
    program = ("import greenlet\n\n\ndef waits():\n    greenlet.getcurrent().parent.switch()\n\n\n"
               "{0} = greenlet.greenlet(waits)\n{0}.switch()\n1 / 0\n")
    for name, there in (("one", 1), ("two", 2)):
        crash.program(program.format(name))
        assert entered(crash, "epython --pdb prog").count(", in waits\n") == 1
        assert asked(crash, "tasks").count(", in waits\n") == there
        left(crash)
    crash.epython("del one, two")
