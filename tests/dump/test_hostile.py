"""What used to kill or mislead a session; each must end in an exception or a clear line."""

import pytest

from tests.dump.conftest import FAILED, Shared
from tests.dump.harness import TIMEOUT, untimed

PRELUDE = """\
import crash
def told(function, *arguments):
    try:
        print(repr(function(*arguments))[:200])
    except crash.error as err:
        print('error', str(err)[:200].strip())
    except BaseException as err:
        print(type(err).__name__, str(err)[:200])
    finally:
        print('finally')
"""


@pytest.fixture(scope="module")
def worn(starting, type_cache):
    """A session that need not be good for other tests afterwards."""
    sessions = Shared(starting, type_cache)
    yield sessions
    sessions.close()


@pytest.fixture
def worn_crash(worn, tmp_path, request):
    session = worn.get()
    session.mark()
    session.cd(tmp_path)
    yield session
    if request.node.stash.get(FAILED, False):
        worn.close()                    # what this test has broken is not the next one's concern
    else:
        worn.check()


def told(crash, call):
    """What a call of the module crash returns or raises, as `told` prints it."""
    function, _, arguments = call.partition("(")
    text = crash.epython(f"{PRELUDE}told(crash.{function}, {arguments}"
                         if arguments != ")" else f"{PRELUDE}told(crash.{function})")
    answer, _, rest = text.partition("\n")
    assert rest == "finally\n", text
    return answer


@pytest.mark.parametrize("call, answer", [
    ("mem2long(b'')", "error bad size"), ("mem2long(b'123')", "error bad size"),
    ("mem2long(b'12345678', 0, 3)", "error bad size"),
    ("mem2long()", "error invalid parameter type"),
    ("mem2long(b'12345678', 0, -1)", "4050765991979987505"),
    ("get_pathname(1, 2)", "error no path for dentry 0x1 on mount 0x2"),
    ("get_pathname(-1, -1)", "error no path for dentry"),
    ("get_pathname(0xdead000000000000, 0xdead000000000000)", "error no path for dentry"),
    ("uvtop(1, 2)", "error no physical page behind user address 0x2 of task 0x1"),
    ("uvtop(0, 0)", "error no physical page"),
    ("uvtop(crash.sym2addr('init_task'), 0x1000)", "error no physical page"),
    ("readmem(1 << 70, 8)", "error 0x400000000000000000 is not a 64-bit address"),
    ("readmem(-(1 << 70), 8)", "error -0x400000000000000000 is not a 64-bit address"),
    ("readmem()", "error invalid parameter type"),
    ("readmem('x', 8)", "error invalid parameter type"),
    ("readmem(0, 8)", "IndexError readPtr NULL pointer"),
    ("readmem(8, 8)", "error readmem error at addr 0x8, reading 8 bytes"),
    ("readmem(crash.sym2addr('init_task'), 0)", "error cannot read 0 bytes"),
    ("readmem(crash.sym2addr('init_task'), -8)", "error cannot read -8 bytes"),
    ("readmem(crash.sym2addr('init_task'), 1 << 60)", "error cannot read"),
    ("readmem(crash.sym2addr('init_task'), 8, 77)", "error 77 is not a memory type"),
    ("readmem((1 << 64) - 4, 8)", "error readmem error"),
    ("readPtr(0)", "IndexError readPtr NULL pointer"),
    ("readPtr()", "error invalid parameter type"),
    ("readPtr(0xdead000000000000)", "error readmem error at addr 0xdead000000000000"),
    ("readInt(0, 8)", "error readmem error"), ("readInt(1, 33)", "error an int of 33 bytes"),
    ("getListSize(0xdead000000000000, 0, 10)", "error readmem error"),
    ("FD_ISSET(10**9, b'1')", "0"), ("FD_ISSET(-1, b'1')", "0"), ("FD_ISSET(4, b'1')", "1"),
    ("sym2addr('nothere')", "0"), ("sym2addr('')", "0"), ("sym2addr('x' * 100000)", "0"),
    ("addr2sym(1)", "None"), ("addr2sym(1, True)", "(None, None)"), ("addr2mod(1)", "None"),
    ("enumerator_value('nothere')", "None"), ("enumerator_value('x y z')", "None"),
    ("struct_size('nothere')", "-1"), ("struct_size('x' * 100000)", "-1"),
    ("pid_to_task(99999)", "0"), ("pid_to_task(-1)", "0"), ("task_to_pid(1)", "None"),
    ("task_to_pid(crash.pid_to_task(1))", "1"), ("is_task_active(1)", "False"),
    ("get_task_mem_usage(1)", "error bad taskaddr"),
    ("set_readmem_task(1)", "error bad taskaddr"),
    ("phys_to_page(1 << 62)", "error no struct page"),
    ("get_GDB_output('p nothere')", "None"), ("get_GDB_output('')", "''"),
    ("get_GDB_output('nothere at all')", "None"),
    ("get_GDB_output('x' * 100000)", "None")])
def test_a_bad_argument_is_an_exception_or_an_answer(crash, call, answer):
    assert told(crash, call).startswith(answer)


def test_a_symbol_without_a_name_is_not_complained_about(crash):
    assert crash.epython("import crash\nprint(crash.sym2addr(''))") == "0\n"


def test_a_command_that_crash_has_is_not_replaced(crash):
    assert crash.epython(
        "import crash, threading\nseen = []\ndef register():\n"
        "    try: crash.register_epython_prog('elsewhere', 'a', 'b', 'c')\n"
        "    except RuntimeError as err: seen.append(err)\n"
        "thread = threading.Thread(target=register)\nthread.start()\nthread.join()\n"
        "print(*seen, 'elsewhere' in crash.get_epython_cmds())\n") \
        == "crash may be called from its own thread only False\n"
    assert crash.epython("import crash\nprint(crash.register_epython_prog('ps', 'a', 'b', 'c'))") \
        == "crash already has a command ps\nFalse\n"
    assert "COMM" in crash.run("ps 1")


@pytest.mark.parametrize("length", [1400, 1490, 1495, 1496, 1499, 1500, 3000, 100000])
def test_a_command_line_of_any_length_is_survived(crash, length):
    answer = told(crash, f"exec_crash_command('sym ' + 'x' * {length})")
    assert answer.startswith("'symbol not found: xxx") if length < 1496 else \
        answer == f"error the command line has {length + 4} bytes; crash takes 1499 at most"


@pytest.mark.parametrize("count", [90, 97, 98, 99, 100, 101, 700])
def test_a_command_of_very_many_words_is_survived(crash, count):
    answer = told(crash, f"exec_crash_command('ps ' + '1 ' * {count})")
    assert answer.startswith("'      PID") if count < 98 else answer


@pytest.mark.parametrize("line, text", [
    ("nothere", "crash: command not found: nothere\n"),
    ("bt 99999", "bt: invalid task or pid value: 99999\n"),
    ("bt nonsense", "bt: invalid task or pid value: nonsense\n"),
    ("sym nothere", "symbol not found: nothere"),
    ("struct nothere", "struct: invalid data structure reference: nothere\n"),
    ("rd 0", "rd: invalid user virtual address: 0")])
def test_a_failing_command_delivers_its_text_once(crash, line, text):
    printed = crash.epython(
        f"import crash\ntry:\n    got = 'returned ' + crash.exec_crash_command('{line}')\n"
        "except crash.error as err:\n    got = 'raised ' + str(err)\nprint('begin', got, 'end')")
    assert printed.startswith("begin ") and printed.endswith("end\n")
    assert printed.count(text) == 1


@pytest.mark.parametrize("line", ["", "   ", "# a comment"])
def test_an_empty_answer_is_an_error(crash, line):
    assert told(crash, f"exec_crash_command('{line}')") == "error "


def test_commands_that_need_temporary_files_nest_and_repeat(crash):
    text = crash.epython(
        "import crash\nfor turn in range(15):\n"
        "    for line in ('kmem -s', 'mount', 'ps -t 1', 'foreach bt', 'dev', 'bt 99999'):\n"
        "        try:\n            crash.exec_crash_command(line)\n"
        "        except crash.error:\n            pass\nprint('done')")
    assert text == "done\n"
    assert "panic at" in crash.run("bt")


def test_errors_a_thousand_times_over_are_survived(crash):
    assert crash.epython(
        "import crash\ncount = 0\nfor turn in range(1000):\n"
        "    for call in (lambda: crash.get_pathname(1, 2), lambda: crash.uvtop(1, 2),\n"
        "                 lambda: crash.exec_crash_command('rd 0'),\n"
        "                 lambda: crash.readmem(8, 8)):\n"
        "        try:\n            call()\n        except crash.error:\n            count += 1\n"
        "print(count, crash.get_GDB_output('p nothere'))") == "4000 None\n"
    assert "panic at" in crash.run("bt")


def test_infinite_recursion_is_an_exception(crash):
    for text in ("def f():\n    f()\nf()", "class A:\n    def __repr__(self):\n"
                 "        return repr(self)\nprint(A())",
                 "x = []\nfor _ in range(100000):\n    x = [x]\nprint(x)"):
        assert "RecursionError: " in crash.epython(text)


@pytest.mark.parametrize("text", [
    "import sys\nsys.stdout.close()", "import sys\nsys.stderr.close()",
    "import sys\nsys.stdout = sys.stderr = None", "import sys\nsys.stdout = 3",
    "import sys\nsys.stdout.detach()", "import sys\nsys.__stdout__.close()",
    "import io, sys\nsys.stdout = io.StringIO()\nprint('kept to itself')",
    "import sys\ndel sys.stdout",
    "import sys\nsys.stdout.reconfigure(encoding='ascii', errors='strict')",
    "import sys\nsys.excepthook = sys.displayhook = None\n1 / 0",
    "import sys\nsys.modules.pop('pykdump.output')\nsys.modules.pop('traceback', None)\n1 / 0",
    "import sys\nsaved = dict(sys.modules)\nsys.modules.clear()\nsys.modules.update(saved)",
    "import sys\nsys.argv = None", "import sys\nsys.meta_path.clear()",
    "import sys\nsys.settrace(lambda *_: 1 / 0)", "import sys\nsys.setrecursionlimit(60)",
    "class A:\n    def __del__(self):\n        raise ValueError('in del')\nA()",
    "class A(Exception):\n    def __str__(self):\n        raise SystemExit(3)\nraise A",
    "globals().clear()", "import os\nos.chdir('/')", "import gc\ngc.disable()",
    "import atexit\natexit.register(lambda: 1 / 0)", "import locale\nlocale.setlocale(0, 'C')",
    "import faulthandler\nfaulthandler.enable(open('/dev/null', 'w'))",
    "import signal\nsignal.alarm(0)\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)"])
def test_a_program_that_breaks_its_surroundings_harms_itself_only(worn_crash, text):
    worn_crash.program(text)
    worn_crash.run("epython prog")
    worn_crash.cd(worn_crash.cwd)
    worn_crash.program("import sys\nsys.modules.pop('keyword', None)\n"
                       "import keyword\nprint('é', len(sys.argv), sys.stdout is sys.stderr)\n1 / 0")
    after = untimed(worn_crash.run("epython prog argument"))
    assert after.startswith("é 2 True\nTraceback") and "ZeroDivisionError" in after
    assert "Listing registered options" in worn_crash.run("epython pyctl --ls")


def test_a_program_may_close_the_terminals_descriptors_for_a_while(worn_crash):
    worn_crash.epython("import os\nkept = [os.dup(fd) for fd in range(3)]\n"
                       "for fd in (0, 2):\n    os.close(fd)\n"
                       "for fd in range(3):\n    os.dup2(kept[fd], fd)\nprint('done')")
    assert worn_crash.epython("print('on')") == "on\n"


def test_a_program_that_waits_for_input_gets_it(crash):
    crash.program("print('got', input('ask: '))")
    crash.start("epython prog")
    crash.until("ask: ", TIMEOUT)
    crash.type("an answer\n")
    assert "got an answer\n" in crash.finish()


def test_user_memory_chosen_by_a_program_does_not_outlive_it(crash):
    before = crash.run("set")
    crash.epython("import crash\ncrash.set_readmem_task(crash.pid_to_task(2))\n1 / 0")
    assert crash.run("set") == before
    crash.run("set 2")
    crash.epython("print('nothing')")
    assert "PID: 2\n" in crash.run("set")
    crash.run("set -p")
    assert crash.run("set") == before
