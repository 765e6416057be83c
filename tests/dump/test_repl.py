"""The REPL on a terminal: what is typed, what is shown, and how it is left."""

import os
import stat

import pytest

from tests.dump.harness import untimed

GREETING = """\
PyKdump Embedded REPL: Python {version}
Use Ctrl-D to return to crash

from pykdump.API import *
"""
PROMPT = ">>> "


class Repl:
    """Typing to a REPL that has been started."""

    def __init__(self, session):
        self.session = session
        self.greeting = None

    def start(self, line="epython repl"):
        self.session.start(line)
        self.greeting = self.answer()
        return self

    def answer(self, prompt=PROMPT):
        """What is printed until it asks again."""
        self.session._pending = ""
        self.session.until(prompt)
        return self.session._pending[:-len(prompt)]

    def __call__(self, *lines, prompt=PROMPT):
        """Type lines; what the last one printed."""
        for line in lines:
            self.session.type(line + "\n")
            text = self.answer(prompt)
        return text

    def interrupt(self):
        """Press Ctrl-C; what is printed until it asks again."""
        self.session.interrupt()
        return self.answer()

    def leave(self, keys="\x04"):
        """What is printed until crash asks."""
        self.session._pending = ""
        self.session.type(keys)
        return self.session.finish()


@pytest.fixture
def repl(crash):
    talking = Repl(crash).start()
    yield talking
    if crash.alive():
        talking.leave()
        crash.epython("import builtins\nbuiltins.__dict__.pop('_', None)\n"
                      "for name in ('task', 'kept', 'number'):\n    globals().pop(name, None)\n"
                      "del name")


# -- the frame --

@pytest.mark.parametrize("keys", ["\x04", "exit()\n", "exit\n", "quit()\n", "raise SystemExit\n"])
def test_it_begins_and_ends_as_documented(crash, keys):
    version = crash.epython("import platform\nprint(platform.python_version())").strip()
    repl = Repl(crash).start()
    assert repl.greeting == GREETING.format(version=version)
    assert untimed(repl.leave(keys)).lstrip("\n") == "Returning to crash\n"


def test_it_is_a_command_of_crash_too(crash):
    assert "THING?" in crash.run("help repl")
    assert untimed(Repl(crash).start("repl").leave()).endswith("Returning to crash\n")


def test_a_status_is_that_of_the_command(crash):
    assert untimed(Repl(crash).start().leave("exit(3)\n")) \
        == "Returning to crash\n -- sys.exit(3) --\n"
    assert untimed(Repl(crash).start().leave("raise SystemExit('enough')\n")) \
        == "Returning to crash\nenough\n"


def test_names_are_those_of_the_session(crash):
    crash.epython("left = 'by a program'")
    repl = Repl(crash).start()
    assert repl("left") == "'by a program'\n"
    repl("kept = readSymbol('init_task').comm")
    repl.leave()
    assert "panic at" in crash.run("bt")
    assert crash.epython("print(kept)") == "swapper/0\n"
    assert Repl(crash).start()("kept") == "'swapper/0'\n"
    crash.type("\x04")
    crash.finish()
    crash.epython("del left, kept")


def test_names_that_people_have_set_are_not_those_of_the_api(crash):
    repl = Repl(crash).start()
    repl("pp = 'mine'")
    repl.leave()
    repl.start()
    assert repl("pp", "main = 1", "main") == "1\n"
    repl.leave()
    repl.start()
    assert repl("pp, main") == "('mine', 1)\n"
    repl("del pp, main")
    repl.leave()


def test_nothing_of_the_repl_stays_for_programs(crash):
    state = ("import builtins, readline, sys\n"
             "print([n for n in ('exit', 'quit', 'help') if hasattr(builtins, n)],\n"
             "      sys.displayhook is sys.__displayhook__, readline.get_completer(),\n"
             "      readline.get_current_history_length())")
    before = crash.epython(state)
    assert before.startswith("[] True None ")
    Repl(crash).start().leave()
    assert crash.epython(state) == before


# -- what is typed --

def test_results_are_shown_and_kept(repl):
    assert repl("6 * 7") == "42\n"
    assert repl("_ + 1") == "43\n"
    assert repl("None") == ""
    assert repl("print(_)") == "43\n"


def test_the_last_result_is_not_what_a_loop_of_a_program_left(crash):
    crash.epython("for _ in range(100000):\n    pass")
    repl = Repl(crash).start()
    assert repl("6 * 7", "_ + 1") == "43\n"
    repl.leave()
    assert crash.epython("print(_)\ndel _") == "99999\n"


def test_a_statement_may_have_several_lines(repl):
    assert repl("def twice(x):", prompt="... ") == ""
    assert repl("    return 2 * x", prompt="... ") == ""
    assert repl("", "twice(21)") == "42\n"
    assert repl("del twice") == ""


def test_several_statements_may_be_pasted(repl):
    repl("import readline; readline.parse_and_bind('set enable-bracketed-paste on')")
    repl.session.type("\x1b[200~number = 0\nfor i in range(3):\n    number += i\n\n"
                      "    number += 1\nnumber\n\x1b[201~\n")
    repl.session.until("6\r\n")
    repl.answer()
    repl("readline.parse_and_bind('set enable-bracketed-paste off')")


def test_errors_are_shown_as_those_of_programs_with_their_lines(repl):
    repl("def fails():", "    return 1 / 0", prompt="... ")
    repl("")
    assert repl("fails()").splitlines()[0::2] == [
        "Traceback (most recent call last):", "    fails()", "    return 1 / 0",
        "ZeroDivisionError: division by zero"]
    assert repl("if:").splitlines()[-1] == "SyntaxError: invalid syntax"
    assert "codeop" not in repl("'open")
    assert "has no attribute" in repl("crash.nothere")
    assert repl("1") == "1\n"


def test_errors_of_the_dump_name_struct_and_member(repl):
    assert "struct task_struct.comm" in repl("readSU('struct task_struct', 0x10).comm")


@pytest.mark.parametrize("line", [
    "print('it ' 'runs'); import time; time.sleep(100)", "!echo 'it' 'runs'; sleep 100",
    "print('it ' 'runs'); [x for x in iter(int, 1)]",
    "print('it ' 'runs'); [search_memory(0xdead0beef0dead0b + n) for n in range(10**6)]",
    "%crash sys | echo 'it' 'runs'; sleep 100"])
def test_ctrl_c_ends_what_runs_and_never_the_repl(repl, line):
    repl.session.type(line + "\n")
    repl.session.until("it runs")
    assert repl.interrupt().endswith("KeyboardInterrupt\n")
    assert repl("40 + 2") == "42\n"


def test_ctrl_c_gives_up_half_a_line_and_half_a_statement(repl):
    repl("!stty echo")
    repl.session.type("40 + ")
    repl.session.until("40 + ")     # else the terminal may forget what is typed
    assert "KeyboardInterrupt" in repl.interrupt()
    repl("if True:", prompt="... ")
    assert "KeyboardInterrupt" in repl.interrupt()
    repl("!stty -echo")
    assert repl("40 + 2") == "42\n"


def test_ctrl_c_is_seen_even_if_it_does_not_end_the_waiting_for_a_key(repl):
    repl("import _thread, threading")
    repl("threading.Timer(0.5, _thread.interrupt_main).start()")
    assert "KeyboardInterrupt" in repl.answer()
    assert repl("import signal; signal.getsignal(signal.SIGALRM)") == "<Handlers.SIG_DFL: 0>\n"


def test_ctrl_c_again_and_again_does_not_end_it(repl):
    for _ in range(10):
        repl.session.interrupt()
    assert "KeyboardInterrupt" in repl.interrupt()
    repl.session.type("\n\nprint('still ' + 'there')\n")
    repl.session.until("still there")
    repl.answer()


# -- how it is shown --

def test_a_struct_is_shown_member_by_member(repl):
    text = repl("readSymbol('init_task').tasks")
    lines = text.splitlines()
    assert lines[0].startswith("<struct list_head 0x") and "init_task+0x" in lines[0]
    assert [line.split()[:2] for line in lines[1:]] == [["next", "="], ["prev", "="]]


def test_a_large_struct_is_cut_to_the_screen(repl):
    lines = repl("task = readSymbol('init_task')", "task").splitlines()
    assert len(lines) < 50 and lines[-1].endswith(" more: _.Dump() prints all, _? their types")
    assert max(map(len, lines)) <= 80
    assert "  prio " in "\n".join(lines)


def test_what_cannot_be_read_is_one_line(repl):
    assert repl("readSU('struct task_struct', 0x10)").splitlines()[1:] \
        == ["  <readmem error at addr 0x10, reading 1 bytes: not mapped>"]
    assert repl("readSU('struct task_struct', 0)") == "<struct task_struct 0x0>\n"


def test_addresses_are_shown_in_hex_too_and_with_symbols(repl):
    assert repl("sym2addr('init_task')").endswith(", init_task)\n")
    assert repl("70000") == "70000  (0x11170)\n"
    assert repl("7") == "7\n"


def test_long_containers_are_cut(repl):
    assert repl("list(range(1000))").endswith("\n... 900 more of 1,000\n")
    text = repl("readSUListFromHead('init_task', 'tasks', 'struct task_struct')[:3]")
    assert text.count("<struct task_struct 0x") == 3 and "StructResult" not in text


def test_colours_are_for_terminals_that_have_them(repl):
    assert "\x1b[" not in repl("readSymbol('init_task').tasks")
    repl("os.environ['TERM'] = 'xterm'")
    assert "\x1b[1m<struct list_head" in repl("readSymbol('init_task').tasks")
    repl("os.environ['NO_COLOR'] = '1'")
    assert "\x1b[" not in repl("readSymbol('init_task').tasks")
    repl("del os.environ['NO_COLOR']; os.environ['TERM'] = 'dumb'")


# -- completion --

@pytest.mark.parametrize("keys, shown", [
    ("task.group_leade\t.comm", "'swapper/0'"), ("task.tasks.prev.nex\t == task.tasks", "True"),
    ("task.real_parent.real_par\t == task", "True"),
    ("readSymbol('init_tas\t).comm", "'swapper/0'"), ("PYKD.init_tas\t.comm", "'swapper/0'"),
    ("getSizeOf('struct list_hea\t')", "16"), ("readSym\t'init_task').comm", "'swapper/0'"),
    ("readSymbol('init_task').group_leade\t.comm", "'swapper/0'"),
    ("task.Eval('real_parent.group_lead\t.comm')", "'swapper/0'"),
    ("%tim\t 7", "7\n0.")])
def test_tab_completes(repl, keys, shown):
    repl("task = readSymbol('init_task')")
    assert repl(keys).lstrip("\x07").startswith(shown)


CANDIDATES = """\
from pykdump.API import *
from pykdump.repl.completion import candidates
import sys
task = readSymbol("init_task")
tasks = [task]
class Trap:
    def __getattr__(self, name):
        print("asked for", name)
    @property
    def bad(self):
        print("asked")
trap = Trap()
for line in sys.argv[1:]:
    typed, found = candidates(line, globals())
    found = sorted({name for name in found if name.startswith(typed)})
    print(len(found), *found[:4])
"""


@pytest.mark.parametrize("line, first", [
    ("task.mm.pg", ["pgd", "pgtables_bytes"]), ("tasks[0].mm.pg", ["pgd", "pgtables_bytes"]),
    ("x = f(task.mm.pg", ["pgd", "pgtables_bytes"]),
    ("task.mm.owner.mm.owner.com", ["comm", "compat_robust_list"]),
    ("task.cast", ["castTo"]), ("task.bit_l", []), ("task.nothere.", []), ("trap.bad.", []),
    ("trap.ba", ["bad"]), ("nothere.", []), ("sys.platl", ["platlibdir"]),
    ("for struct list_hea", ["list_head"]), ('readSU("struct list_hea', ["list_head"]),
    ("readSU('str", ["struct", "struct "]),
    ("member_size('struct task_struct', 'task_f", ["task_frag"]),
    ("member_offset('struct list_head', 'ne", ["next"]),
    ("readSUListFromHead('init_task', 'no_such", []),
    ("EnumInfo('enum pid_ty", ["pid_type"]), ("%run pyct", ["pyctl"]),
    ("%run ./wan", ["./wanted.py"]), ("%run wan", ["wanted"]),
    ("%run pyctl --l", []), ("'no call str", []), ("symbol_exists('zzzz_no", []),
    ("task.tasks.", ["Deref", "Dump", "Eval", "PYT_attrcache"]),
    ("]].", []), ("'\\", [])])
def test_what_may_be_meant_is_known_without_running_anything(crash, line, first):
    crash.program("", "wanted.py")
    crash.program(f"import sys\nsys.argv[1:] = [{line!r}]\n{CANDIDATES}")
    count, *names = untimed(crash.run("epython prog")).split("\n")[0].split(" ")
    assert " ".join(names).split() == " ".join(first).split() and int(count) >= len(first)


def test_symbols_of_the_kernel_are_found_by_their_beginning(crash):
    names = crash.epython(
        "import _pykdump\nnames = _pykdump.symbol_names('init_ta', 50)\n"
        "print(*names)\nprint(len(_pykdump.symbol_names('', 7)), "
        "_pykdump.symbol_names('zzz_none', 5))").splitlines()
    assert "init_task" in names[0].split() and all(n.startswith("init_ta")
                                                   for n in names[0].split())
    assert names[1] == "7 []"


# -- history --

@pytest.fixture
def history(crash):
    """The file of the session's history."""
    home = crash.epython("import os\nprint(os.path.expanduser('~'))").strip()
    return os.path.join(home, ".local/state/mpykdump/repl_history")


def test_lines_are_remembered_over_two_runs_and_in_a_private_file(crash, history):
    repl = Repl(crash).start()
    repl("'a line to remember'")
    repl.leave()
    repl.start()
    assert repl("\x10") == "'a line to remember'\n"
    assert "'a line to remember'\n" in repl("%history 5")
    repl.leave()
    info = os.stat(history)
    assert stat.S_IMODE(info.st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(history)).st_mode) == 0o700
    with open(history) as file:
        assert "'a line to remember'\n" in file.readlines()


def test_without_history_nothing_is_read_or_kept(crash, history):
    repl = Repl(crash).start()
    repl("'one to keep'")
    repl.leave()
    repl.start("epython repl --no-history")
    assert repl("%history") == "%history\n"
    repl("'one to forget'")
    repl.leave()
    with open(history) as file:
        assert "'one to keep'\n" in (text := file.read()) and "forget" not in text


def test_crashs_own_history_and_completion_are_its_own(crash):
    crash.run("sys -t")
    repl = Repl(crash).start()
    repl("'not a command'")
    repl.leave()
    assert "TAINTED" in crash.run("\x10\x10")
    assert "'not a command'" not in crash.run("h")


# -- commands and questions --

def test_a_program_runs_and_leaves_its_names(repl):
    repl.session.program("import sys\nfrom pykdump.API import *\nnumber = len(sys.argv)\n"
                         "pylog.warning('beware')\nsys.exit(2)")
    text = repl("%run prog one 'two words'")
    assert " -- sys.exit(2) --\n" in text and text.count("A Summary Of Problems") == 1
    assert repl("number") == "3\n"
    assert "Cannot find the program <nothere>" in repl("%run nothere")
    assert repl("%run") == "%run: which program? As in: %run taskinfo --summary\n"
    assert repl("%run 'open") == "%run: No closing quotation\n"
    assert "Number of Threads" in repl("%run taskinfo --summ")


def test_commands_of_crash_and_the_shell_are_at_hand(repl):
    assert repl("%crash sys").startswith("      KERNEL: ")
    assert repl("%crash sys | grep -c KERNEL") == "1\n"
    assert repl("%crash nothere") == "crash: command not found: nothere\n"
    assert repl("%crash") == "%crash: which command? As in: %crash bt\n"
    assert repl("!echo from the shell") == "from the shell\n"
    assert repl("%nothere 1") == "%nothere is no command of the REPL, %help lists them\n"
    assert repl("%time 6 * 7").splitlines()[0] == "42"
    assert repl("_") == "42\n"
    assert all(f"  %{name}" in repl("%help") for name in ("run", "crash", "time", "history"))


def test_a_percent_sign_within_a_statement_is_pythons(repl):
    repl("number = (100", prompt="... ")
    repl("% 30)")
    assert repl("number") == "10\n"


def test_an_error_can_be_debugged_afterwards(repl):
    repl("def fails(value):", "    return 1 / value", prompt="... ")
    repl("")
    repl("fails(0)")
    assert repl("%debug", prompt="(Pdb) ").endswith("-> return 1 / value\n")
    assert repl("p value", prompt="(Pdb) ") == "0\n"
    repl("q")
    assert repl("1") == "1\n"


@pytest.mark.parametrize("question, parts", [
    ("list_head?", ["struct list_head: 16 bytes, 2 members", "struct list_head *next;"]),
    ("struct list_head?", ["struct list_head: 16 bytes, 2 members"]),
    ("?struct list_head", ["struct list_head: 16 bytes, 2 members"]),
    ("readSymbol('init_task').tasks?", ["<struct list_head 0x", "init_task+0x", "prev;"]),
    ("pid_type?", ["enum pid_type: 4 bytes", "PIDTYPE_TGID"]),
    ("atomic_t?", ["atomic_t, a typedef of ", "int counter;"]), ("u64?", ["8 bytes"]),
    ("init_task?", ["symbol init_task: 0x", "struct task_struct init_task;"]),
    ("schedule?", ["symbol schedule: 0x", "void schedule(void);"]),
    ("readSU?", ["readSU(type, address) -> StructResult"]),
    ("readSUListFromHead?", ["function readSUListFromHead(", "mpykdump.so"]),
    ("readSUListFromHead??", ["def readSUListFromHead("]),
    ("sys_info?", ["What the engine knows"]), ("os?", ["module os"]), ("70000?", ["0x11170"]),
    ("nothere?", ["nothere: neither a name of Python here, nor a type or symbol"]),
    ("struct nothere?", ["no type struct nothere"]), ("crash.nothere?", ["AttributeError"]),
    ("task_struct?", ["struct task_struct: ", "unsigned int                    "])])
def test_questions_are_answered(repl, question, parts):
    text = repl(question)
    for part in parts[:-1] if question == "task_struct?" else parts:
        assert part in text
    assert "Traceback" not in text


def test_a_function_of_the_repl_has_its_source(repl):
    repl("def mine(a, b=2):", '    """What it does."""', "    return a", prompt="... ")
    repl("")
    assert repl("mine?").splitlines()[:2] == ["function mine(a, b=2)", "What it does."]
    assert repl("mine??").rstrip().endswith("    return a")
    repl("del mine")


def test_help_is_pythons(repl):
    assert "readSU(type, address)" in repl("help(readSU)")
    assert "%help lists what else can be typed" in repl("help")


# -- where it goes --

def test_into_a_file_goes_what_is_typed_and_answered(crash):
    for line in ("> report", "--ofile=report"):
        repl = Repl(crash).start(f"epython repl {line}")
        assert repl("6 * 7") == "42\n"
        assert "ZeroDivisionError" in repl("1 / 0")
        repl.leave()
        text = (crash.cwd / "report").read_text()
        assert "\n>>> 6 * 7\n42\n>>> 1 / 0\nTraceback" in text
        assert text.startswith("\n   ***") and "Execution took" in text


def test_into_a_pipe_go_the_answers(crash):
    repl = Repl(crash)
    crash.start("epython repl | cat > report")
    repl.answer()
    repl("6 * 7", "!echo from the shell")
    repl.leave()
    text = (crash.cwd / "report").read_text()
    assert "42\nfrom the shell\n" in text and "6 * 7" not in text and PROMPT not in text


def test_a_pipe_that_closes_ends_it(crash):
    repl = Repl(crash)
    crash.start("epython repl | head -1")
    repl.answer()
    crash.type("print('x' * 10 ** 6)\n")
    assert "Traceback" not in crash.finish()


def test_an_argument_that_it_does_not_know_is_told(crash):
    assert "unrecognized arguments: --nope" in crash.run("epython repl --nope")
    assert "--ipython" in crash.run("epython repl -h")


# -- IPython --

def test_ipython_is_its_other_face(crash):
    crash.run("epython pyctl replShell=ipython")
    crash.start("epython repl")
    repl = Repl(crash)
    assert repl.answer("In [1]: ").startswith("PyKdump Embedded REPL: Python ")
    assert "42" in repl("kept = 6 * 7; kept", prompt="In [2]: ")
    assert "<struct list_head 0x" in repl("readSymbol('init_task').tasks", prompt="In [3]: ")
    assert "16 bytes, 2 members" in repl("list_head?", prompt="In [4]: ")
    assert "DUMPFILE" in repl("%crash sys", prompt="In [5]: ")
    assert "<replShell=ipython>" in repl("%run pyctl --ls replShell", prompt="In [6]: ")
    crash.type("import time; print(40 + 2); time.sleep(100)\n")
    crash.until("\n42")
    crash.interrupt()
    repl.answer("In [7]: ")
    assert "Returning to crash" in repl.leave("exit\n")
    crash.run("epython pyctl --clear replShell")
    assert crash.epython("print(kept, 'In' in globals(), 'get_ipython' in globals())\ndel kept") \
        == "42 False False\n"
    crash.start("epython repl --ipython")
    repl.answer("]: ")
    assert "Returning to crash" in repl.leave("exit\n")
    assert untimed(Repl(crash).start().leave()).endswith("Returning to crash\n")
