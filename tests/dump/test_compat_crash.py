"""Module crash, function by function, against what crash itself prints and the guest told."""

import json
import re

import pytest

from tests.dump.harness import untimed

PRELUDE = """\
import crash, json
from pykdump.API import *
init = readSU("struct task_struct", crash.sym2addr("init_task"))
first = readSU("struct task_struct", crash.pid_to_task(1))
def told(function, *arguments):
    try:
        return function(*arguments)
    except (crash.error, IndexError, TypeError) as err:
        return [type(err).__name__, str(err)]
"""


@pytest.fixture
def told(crash):
    """A function: the value of an expression that JSON can carry."""
    def tell(expression, before=""):
        return json.loads(crash.epython(f"{PRELUDE}{before}\nprint(json.dumps({expression}))"))
    return tell


def hexadecimal(text):
    """All addresses in what crash printed."""
    return [int(number, 16) for number in re.findall(r"\b[0-9a-f]{16}\b", text)]


# -- types --

def test_sizes_and_places_by_the_tag_of_a_struct(crash, told):
    shown = crash.run("struct -o list_head")
    assert "[8] struct list_head *prev;" in shown and "SIZE: 16" in shown
    assert told("[crash.struct_size('list_head'), crash.member_offset('list_head', 'prev'), "
                "crash.member_size('list_head', 'prev'), crash.union_size('fpregs_state')]") \
        == [16, 8, 8, int(re.search(r"SIZE: (\d+)", crash.run("union fpregs_state"))[1])]


def test_what_there_is_not_has_the_size_minus_one(told):
    assert told("[crash.struct_size('nothing'), crash.union_size('nothing'), "
                "crash.member_offset('list_head', 'nothing'), "
                "crash.member_size('nothing', 'next')]") == [-1] * 4


def test_the_value_of_an_enumerator(crash, told):
    value = int(re.search(r"= (\d+)", crash.run("p (int)PIDTYPE_SID"))[1])
    assert told("crash.enumerator_value('PIDTYPE_SID')") == value
    assert told("crash.enumerator_value('nothing')") is None


def test_descriptions_of_types_are_dictionaries(told):
    assert told("crash.gdb_typeinfo('struct list_head')") == {
        "basetype": "struct list_head", "codetype": 3, "typelength": 16, "body": [
            {"basetype": "struct list_head", "codetype": 1, "typelength": 8, "stars": 1,
             "ptrbasetype": 3, "fname": name, "bitoffset": bits}
            for name, bits in (("next", 0), ("prev", 64))]}
    assert told("crash.gdb_whatis('init_task')")["fname"] == "init_task"


@pytest.mark.parametrize("call", ["gdb_typeinfo, 'struct nothing'", "gdb_whatis, 'nothing'"])
def test_an_unknown_type_is_the_error_that_programs_catch(told, call):
    kind, text = told(f"told(crash.{call})")
    assert kind == "error" and text.startswith("PyKdump/GDB error")


# -- symbols --

def test_whether_there_is_a_symbol_is_a_number(told):
    assert told("[crash.symbol_exists('init_task'), crash.symbol_exists('nothing')]") == [1, 0]


def test_the_address_of_a_symbol(crash, told):
    assert [told("crash.sym2addr('init_task')")] == hexadecimal(crash.run("sym init_task"))
    assert told("crash.sym2addr('nothing')") == 0


def test_all_addresses_of_a_symbol_with_several(crash, told):
    name = told("next(name for name in (line.split()[2] for line in "
                "crash.exec_crash_command('sym -l').splitlines() if len(line.split()) == 3) "
                "if len(crash.sym2alladdr(name)) > 1)")
    shown = [int(line.split()[0], 16) for line in crash.run("sym -l").splitlines()
             if line.endswith(f" {name}")]
    assert sorted(told(f"crash.sym2alladdr('{name}')")) == sorted(shown) and len(shown) > 1
    assert told("crash.sym2alladdr('nothing')") == []


def test_the_symbol_at_an_address(told):
    assert told("[crash.addr2sym(int(init)), crash.addr2sym(int(init) + 1), crash.addr2sym(1)]") \
        == ["init_task", None, None]


def test_the_symbol_before_an_address(told):
    assert told("[crash.addr2sym(int(init) + 9, True), crash.addr2sym(1, True)]") \
        == [["init_task", 9], [None, None]]


def test_the_module_of_an_address(dump, told):
    for module in dump.oracle["modules"]:
        assert told(f"crash.addr2mod({module['address']} + 8)") == module["name"]
    assert told("crash.addr2mod(int(init))") is None


# -- memory --

def test_memory_is_bytes(told):
    assert told("crash.readmem(crash.sym2addr('linux_banner'), 14).decode()") == "Linux version "


def test_a_pointer_is_an_unsigned_number(crash, told):
    shown = crash.run(f"rd {told('hex(init.tasks)')}")
    assert told("crash.readPtr(init.tasks)") == int(shown.split()[1], 16)


def test_null_is_an_index_error_for_memory_and_pointers(told):
    for call in ("readmem, 0, 8", "readPtr, 0"):
        assert told(f"told(crash.{call})") == ["IndexError", "readPtr NULL pointer"]


def test_null_is_no_index_error_for_numbers(told):
    kind, text = told("told(crash.readInt, 0, 4)")
    assert kind == "UnmappedError" and text.startswith("readmem error at addr 0x0, reading 4 bytes")


def test_numbers_of_any_size_with_and_without_sign(told):
    assert told("[crash.readInt(address, 2), crash.readInt(address, 2, True), "
                "crash.readInt(address, 3), crash.readInt(address, 8, 1, crash.KVADDR)]",
                "address = int(init) + init.fieldOffset('stack') + 6") \
        == told("[int.from_bytes(data[:2], 'little'), "
                "int.from_bytes(data[:2], 'little', signed=True), "
                "int.from_bytes(data[:3], 'little'), "
                "int.from_bytes(data, 'little', signed=True)]",
                "data = crash.readmem(int(init) + init.fieldOffset('stack') + 6, 8)")


def test_memory_of_a_task_while_it_is_chosen(dump, told):
    words = dump.oracle["cmdline"]["1"]
    text = "".join(f"{word}\0" for word in words)
    assert told(f"crash.readmem(first.mm.arg_start, {len(text)}).decode()",
                "crash.set_readmem_task(first)") == text
    assert told("[crash.set_readmem_task(first), crash.set_readmem_task(0), "
                "crash.readPtr(init.tasks) > 0]") == [None, None, True]


def test_the_physical_address_of_a_user_address(dump, told):
    assert told("crash.readmem(crash.uvtop(first, first.mm.arg_start), 4, crash.PHYSADDR).decode()"
                ) == dump.oracle["cmdline"]["1"][0][:4]
    assert told("told(crash.uvtop, 1, 2)") \
        == ["FaultError", "no physical page behind user address 0x2 of task 0x1"]


def test_the_struct_page_of_a_physical_address(crash, told):
    shown = crash.run("kmem -p 100000").splitlines()[1].split()
    assert told("crash.phys_to_page(0x100000)") == int(shown[0], 16)
    assert told("[crash.PAGEOFFSET(0x100123), crash.PAGESIZE, crash.PAGE_CACHE_SHIFT]") \
        == [0x123, 4096, 12]


# -- lists --

def test_the_length_of_a_list_is_counted_up_to_a_limit(crash, told):
    count = len(crash.run(f"list -H {told('hex(init.tasks)')}").split())
    assert told("[crash.getListSize(init.tasks, 0, 100000), crash.getListSize(init.tasks, 0), "
                "crash.getListSize(init.tasks, 0, 5)]") == [count, count, 5]


# -- tasks and files --

def test_tasks_by_pid_and_pids_by_task(crash, told, dump):
    shown = {int(row[0]): int(row[3], 16) for row in (
        line.lstrip("> ").split() for line in crash.run("ps").splitlines()[1:])}
    del shown[0]
    assert {task["tid"] for task in dump.oracle["tasks"]} == set(shown)
    assert told(f"[crash.pid_to_task(pid) for pid in {list(shown)}]") == list(shown.values())
    assert told(f"[crash.task_to_pid(task) for task in {list(shown.values())}]") == list(shown)
    assert told("[crash.pid_to_task(99999), crash.task_to_pid(8)]") == [0, None]


def test_a_task_is_active_while_it_is_on_a_cpu(crash, told):
    active = [int(line.lstrip("> ").split()[3], 16) for line in crash.run("ps").splitlines()[1:]
              if line.startswith(">")]
    assert active and told(f"[crash.is_task_active(task) for task in {active}]") \
        == [True] * len(active)
    assert told("crash.is_task_active(crash.pid_to_task(2))") is False


def test_the_size_of_a_task_in_kilobytes(crash, told):
    row = crash.run("ps 1").splitlines()[1].lstrip("> ").split()
    assert told("crash.get_task_mem_usage(first)") == [int(row[6]), int(row[7])]


def test_the_path_of_an_open_file_and_of_a_folder(dump, told):
    assert told("[crash.get_pathname(path.dentry, path.mnt) for path in "
                "(first.fs.root, first.fs.pwd, first.mm.exe_file.f_path)]")[::2] \
        == ["/", "/bin/busybox"]
    pid = next(pid for pid, files in dump.oracle["fds"].items() if "/tmp/tail.out" in
               files.values())
    assert told("crash.get_pathname(task.files.fdt.fd[1].f_path.dentry, "
                "task.files.fdt.fd[1].f_path.mnt)",
                f"task = readSU('struct task_struct', crash.pid_to_task({pid}))") \
        == "/tmp/tail.out"


def test_the_uptime_is_in_jiffies(dump, told):
    assert 0 <= told("crash.get_uptime() / crash.HZ") - dump.oracle["uptime"] < 60


# -- commands --

def test_the_text_of_a_gdb_command(crash, told):
    assert told("crash.get_GDB_output('ptype struct list_head')") \
        == crash.run("gdb ptype struct list_head")
    assert told("crash.get_GDB_output('ptype struct nothing')") is None


def test_the_text_of_a_command(crash, told):
    for line in ("sys", "mod", "bt 1"):
        assert told(f"crash.exec_crash_command('{line}')") == crash.run(line)
    assert told("crash.exec_crash_command('sys', 1)") == crash.run("sys")


def test_a_program_runs_another_and_keeps_its_own_names(crash):
    crash.program("import sys\nname = 'inner'\nprint(name, sys.argv)", "inner.py")
    assert crash.epython("import crash, sys\nname = 'outer'\n"
                         "status = crash.exec_epython_command('inner', '-x')\n"
                         "print(name, sys.argv, status)", "a") \
        == "inner ['./inner.py', '-x']\nouter ['./prog.py', 'a'] 0\n"


def test_commands_of_the_plugin_begin_with_epython(told):
    assert told("crash.get_epython_cmds()")[0] == "epython"


def test_a_registered_program_is_a_command_with_help_instead_of_an_alias(fresh_crash, tmp_path):
    (tmp_path / "mine.py").write_text("import sys\nprint('mine', sys.argv[1:])")
    session = fresh_crash(PYKDUMPPATH=str(tmp_path))
    session.run("alias mine ps")
    assert session.epython("import crash\nprint(crash.register_epython_prog("
                           "'mine', 'shows', '[-v]', 'what it is'), "
                           "'mine' in crash.get_epython_cmds())") == "True True\n"
    assert untimed(session.run("mine -v x")) == "mine ['-v', 'x']\n"
    help_text = session.run("help mine")
    assert "mine - shows" in help_text and "what it is" in help_text


# -- constants --

def test_versions_are_those_of_crash(crash, told):
    running = re.search(r"crash (\S+)", crash.run("help -v") + crash.run("!crash -v"))[1]
    assert told("[crash.Crash_run, type(crash.version).__name__, crash.WARNING, WARNING]") \
        == [running, "str", "++WARNING+++", "+++WARNING+++"]
    assert told("crash.Crash_build") == told("crash.Crash_run")


def test_codes_of_types_are_those_in_descriptions(told):
    names = ["PTR", "ARRAY", "STRUCT", "UNION", "ENUM", "FUNC", "INT", "FLT", "VOID", "BOOL"]
    codes = told(f"[getattr(crash, 'TYPE_CODE_' + name) for name in {names}]")
    assert len(set(codes)) == len(names)
    assert told("[crash.gdb_typeinfo(name)['codetype'] for name in ('char *', 'struct list_head', "
                "'union fpregs_state', 'enum pid_type', 'int', '_Bool')]") \
        == [codes[names.index(name)] for name in ("PTR", "STRUCT", "UNION", "ENUM", "INT", "BOOL")]
