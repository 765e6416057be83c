"""Objects and module crash as programs know them, where it takes a real kernel and a real crash."""

import json
import re
import time

import pytest

PRELUDE = """\
import crash, json, os
from pykdump.API import *
init = readSU("struct task_struct", crash.sym2addr("init_task"))
leader = init.tasks.next
task = container_of(leader, "struct task_struct", "tasks")      # the one with PID 1
def background(line):
    fd, pid = crash.exec_crash_command_bg2(line)
    with os.fdopen(fd, "rb") as pipe:
        text = pipe.read().decode()
    return text, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def told(function, *arguments):
    try:
        return function(*arguments)
    except crash.error as err:
        return "error " + str(err)
"""


def asked(crash, text):
    """What a program prints as JSON."""
    return json.loads(crash.epython(f"{PRELUDE}print(json.dumps({text}))"))


# ---- what members are ----------------------------------------------------------------------------

def test_the_name_of_a_task_is_text_with_what_is_behind_it(crash):
    assert asked(crash, "[init.comm, init.comm[:], init.comm.addr == init.fieldOffset('comm') + "
                        "int(init), init.comm.ptr]") \
        == ["swapper/0", "swapper/0" + "\0" * 7, True, None]


def test_an_array_of_structs_of_one_is_that_struct(crash):
    assert asked(crash, "[task.thread_pid.numbers.nr, type(task.thread_pid.numbers).__name__]") \
        == [1, "StructResult_struct_upid"]


def test_an_array_of_pointers_is_read_by_index(crash):
    assert asked(crash, """[
        len(task.signal.pids), [int(one) for one in task.signal.pids] ==
        [int(task.signal.pids[i]) for i in range(4)], task.signal.pids[1] == task.thread_pid,
        len(task.files.fd_array), task.files.fd_array[0] == task.files.fdt.fd[0],
        type(task.files.fdt.fd).__name__, type(task.files.fdt.fd.Deref).__name__]""") \
        == [4, True, True, 64, True, "tPtr_struct_file___", "tPtr_struct_file__"]


def test_arrays_of_numbers_are_lists(crash):
    bits, auxiliary = asked(crash, "[task.cpus_mask.bits, task.mm.saved_auxv]")
    assert isinstance(bits, list) and len(auxiliary) > 20


def test_texts_behind_pointers_in_an_array_are_texts(crash):
    assert asked(crash, "[str(one) for one in readSymbol('task_state_array')][:2]") \
        == ["R (running)", "S (sleeping)"]


def test_every_member_of_large_structs_is_what_its_type_says(crash):
    text = crash.epython(PRELUDE + """
import _pykdump
count = 0
def look(struct):
    global count
    for name, _bits, _width, ctype, _size in _pykdump.type_members(struct.PYT_symbol):
        value = told(getattr, struct, name) if name else None
        count += 1
        if isinstance(value, str) and value.startswith("error"):
            continue
        if ctype.startswith(("struct ", "union ")) and not ctype.endswith("]"):
            fits = isinstance(value, StructResult) or ctype.endswith("**")
        elif ctype.endswith(" *") and ctype != "char *" and "(func)" not in ctype:
            fits = isinstance(value, (tPtr, StructResult))
        elif ctype in ("int", "unsigned int", "long int", "long unsigned int"):
            fits = type(value) is int
        else:
            fits = True
        if not fits:
            print(struct.PYT_symbol, name, ctype, type(value))
        repr(value)
for struct in (task, task.mm, task.files, task.signal, task.fs.pwd.dentry.d_inode, task.cred,
               readSU("struct sk_buff", task), readSU("struct page", task),
               readSU("struct rq", task), readSU("struct net", task)):
    look(struct)
print(count > 600)
""")
    assert text == "True\n"


def test_an_enum_value_of_the_kernel_knows_its_type(crash):
    assert asked(crash, """(lambda kind: [str(kind), int(kind), kind.einfo.KOBJ_NS_TYPE_NET,
        kind.einfo.getnam(0), kind.einfo == EnumInfo("enum kobj_ns_type")])
        (readSU("struct kobj_ns_type_operations", sym2addr("net_ns_type_operations")).type)""") \
        == ["KOBJ_NS_TYPE_NET", 1, 1, "KOBJ_NS_TYPE_NONE", True]


def test_the_address_of_any_object(crash):
    assert asked(crash, """[Addr(task) == int(task), Addr(task.files.fdt.fd) ==
        readPtr(int(task.files.fdt) + task.files.fdt.fieldOffset("fd")), Addr(5, extra=3),
        Addr(readSymbol("saved_command_line")) == sym2addr("saved_command_line")]""") \
        == [True, True, 8, True]


# ---- StructResult --------------------------------------------------------------------------------

def test_a_missing_member_is_a_key_error_for_hasattr_and_getattr_too(crash):
    text = crash.epython(PRELUDE + """
for ask in (lambda: init.nothing, lambda: hasattr(init, "nothing"),
            lambda: getattr(init, "nothing", None), lambda: init["nothing"],
            lambda: init.fieldOffset("nothing")):
    try:
        print(ask())
    except KeyError as err:
        print(err.args[0].startswith("<struct task_struct> does not have a field <nothing>"))
""")
    assert text == "True\n" * 5


def test_members_that_are_keywords_are_read_with_getattr(crash):
    assert asked(crash, "str(getattr(readSymbol('net_class').p, 'class').name)") == "net"


def test_a_struct_answers_about_its_fields(crash):
    assert asked(crash, """[task.hasField("mm"), task.hasField("mm.pgd"), task.hasField("nothing"),
        task.isNamed("struct task_struct"), task.isNamed("task_struct"),
        task.castTo("struct list_head") == task, task.castTo("struct list_head").shortStr()[:10],
        task.tasks.fieldOffset("prev")]""") \
        == [True, False, False, True, False, True, "<list_head", 8]


def test_a_struct_is_its_own_target(crash):
    assert asked(crash, """[task.Deref == task, task.getDeref() == task, Deref(task) == task,
        type(task.Deref).__name__, Deref(task.files.fdt.fd).Deref == task.files.fdt.fd[0]]""") \
        == [True, True, True, "StructResult_struct_task_struct", True]


def test_all_members_of_a_task_are_dumped(crash):
    lines = crash.epython(PRELUDE + "task.Dump()").splitlines()
    assert lines[0] == "struct task_struct {" and lines[-1] == "}"
    assert "    pid = 1," in lines and "    comm = 'init'," in [
        re.sub("'.*'", "'init'", line) for line in lines]
    assert lines.count("    thread_info = {") == 1 and len(lines) > 200


def test_the_size_and_places_are_those_of_crash(crash):
    shown = crash.run("struct -o task_struct")
    size = int(re.search(r"^SIZE: (\d+)$", shown, re.MULTILINE)[1])
    place = int(re.search(r"\[(\d+)\] pid_t pid;", shown)[1])
    assert asked(crash, """[len(task), task.PYT_size, type(task).PYT_size, task.fieldOffset("pid"),
                 crash.member_offset("task_struct", "pid"),
                 crash.member_size("task_struct", "comm")]""") == [size] * 3 + [place] * 2 + [16]


# ---- module crash --------------------------------------------------------------------------------

def test_a_command_in_the_background_gives_the_text_of_the_command(crash):
    shown = crash.run("sys")
    text, status = asked(crash, "background('sys')")
    assert text == shown and status == 0


def test_what_a_command_in_the_background_does_stays_there(crash):
    before = crash.run("set")
    text, _status = asked(crash, "background('set 2')")
    assert "PID: 2" in text and crash.run("set") == before


def test_a_command_in_the_background_that_fails_says_why_in_its_text(crash):
    text, _status = asked(crash, "background('bt 99999')")
    assert "invalid task or pid value: 99999" in text
    text, _status = asked(crash, "background('nocommand')")
    assert "command not found: nocommand" in text


def test_the_parent_reads_the_dump_undisturbed_while_children_do(crash):
    assert asked(crash, """[
        (lambda started: [[crash.exec_crash_command(f"task -R pid {pid}").count("pid = ")
                           for pid in (1, 2)],
                          [len(os.fdopen(fd).read()) > 1000 and os.waitpid(pid, 0)[1]
                           for fd, pid in started]])
        ([crash.exec_crash_command_bg2("foreach bt") for _ in range(3)])]""") \
        == [[[1, 1], [0, 0, 0]]]


def test_what_a_child_prints_comes_before_it_ends(crash):
    started = time.monotonic()
    line = crash.epython(PRELUDE + """
fd, pid = crash.exec_crash_command_bg2("repeat -1 sys")
print(len(os.read(fd, 100)) > 0)
os.kill(pid, 9)
os.waitpid(pid, 0)
os.close(fd)
""")
    assert line == "True\n" and time.monotonic() - started < 30


def test_system_calls_are_counted(crash):
    shown = crash.run("sys -c").splitlines()
    last = max(int(line.split()[0]) for line in shown if re.match(r" *\d+ +\w", line))
    assert asked(crash, "crash.get_NR_syscalls()") == last + 1


def test_errors_go_where_a_program_wants_them(crash):
    assert asked(crash, """[told(crash.exec_crash_command, "bt 99999"),
        crash.crash_set_error("/dev/null"), told(crash.exec_crash_command, "bt 99999"),
        crash.crash_set_error("default"), told(crash.exec_crash_command, "bt 99999")]""") \
        == ["bt: invalid task or pid value: 99999\n", "default", "error ", "/dev/null",
            "bt: invalid task or pid value: 99999\n"]
    assert "error: default" in crash.run("set error")


def test_a_command_may_choose_where_errors_go(crash, tmp_path):
    for target in (str(tmp_path / "errors"), "redirect", "default"):
        asked(crash, f"crash.exec_crash_command('set error {target}')")
        assert crash.run("set error") == f"error: {target}\n"


def test_a_target_of_errors_that_is_no_file_is_an_error(crash):
    assert asked(crash, "told(crash.crash_set_error, '/nowhere/file')").startswith("error crash")


def test_physical_memory_is_read_by_its_memory_type(crash):
    assert crash.run("eval 1").count("1")
    physical = int(re.search(r"^\w+ +(\w+)", crash.run(
        f"vtop {asked(crash, 'hex(init)')}").splitlines()[1])[1], 16)
    assert asked(crash, f"crash.readmem({physical} + init.fieldOffset('comm'), 9, "
                        "crash.PHYSADDR).decode()") == "swapper/0"


def test_full_buckets_of_a_table_of_the_kernel(crash):
    assert asked(crash, """(lambda table, found: [
        found == [int(one) for one in (crash.readPtr(table + 8 * i) for i in range(64)) if one],
        [pointer for _i, pointer in crash.getFullBucketsH(table, 8, 64, 0)] == found])
        (task.files.fdt.fd, crash.getFullBuckets(task.files.fdt.fd, 8, 64, 0))""") == [True, True]


@pytest.mark.parametrize("call", ["crash.readmem()", "crash.sym2addr(5)", "crash.readPtr(None)"])
def test_wrong_arguments_are_a_crash_error(crash, call):
    assert asked(crash, f"told(lambda: {call})").startswith("error invalid parameter type")
