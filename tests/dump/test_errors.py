"""Errors of programs on a dump: what they name, and the styles in which they are shown."""

import re

import pytest

from tests.dump.harness import untimed

PROGRAM = """from pykdump.API import *


def look(task, word):
    name = task.comm
    file, table = readSU("struct file", 0xdead000000000000), init.cgroups.subsys
    pointer, state = init.files.fdt.fd, enumerator_value("PIDTYPE_PID")
    return file.f_op


init = readSU("struct task_struct", sym2addr("init_task"))
look(init, "word" * 100)
"""
ERROR = (r"crash.UnmappedError: readmem error at addr 0xdead0000000000\w\w, reading 8 bytes: "
         r"not mapped \(struct file.f_op, type struct file_operations \*, "
         r"of the object at 0xdead000000000000\)\n")


def failing(crash, options=""):
    crash.program(PROGRAM)
    return untimed(crash.run(f"epython {options} prog"))


def test_an_error_names_program_line_struct_member_type_and_address(crash):
    text = failing(crash)
    assert '  File "./prog.py", line 12, in <module>\n' in text
    assert '  File "./prog.py", line 8, in look\n    return file.f_op\n' in text
    assert re.search(ERROR + r"\Z", text)


@pytest.mark.parametrize("call, named", [
    ("ListHead(0xdead000000000000, 'struct file')",
     "list of struct file at 0xdead000000000000 is broken after 0 elements, at node 0xdead0"),
    ("readSUListFromHead(0xdead000000000000, 'tasks', 'struct task_struct')",
     "list of struct task_struct.tasks at 0xdead000000000000 is broken after 0 elements, at node"),
    ("list(hlist_for_each_entry('struct inode', 0xdead000000000000, 'i_hash'))",
     "not mapped (hlist of struct inode.i_hash at 0xdead000000000000)\n"),
    ("readSU('struct file', 0).f_path.dentry", "(struct path.dentry, type struct dentry *, of "
                                               "the object at 0x"),
    ("readSU('struct hlist_head', 0).first", "readPtr NULL pointer (struct hlist_head.first, type "
                                             "struct hlist_node *, of the object at 0x0)\n"),
    ("readSU('struct fdtable', sym2addr('init_task')).Eval('fd.Deref.f_op')",
     "IndexError: NULL pointer (element 0 of struct file ** 0x0)\n"),
    ("walk_slab('nosuch')", "no slab cache <nosuch>"),
    ("readSU('struct nosuch', 1)", "TypeError: no type struct nosuch\n"),
    ("readSU('int', 1)", "TypeError: no type int: it is neither a struct nor a union\n"),
    ("readSymbol('nosuch')", "TypeError: There's no symbol <nosuch>"),
    ("readU32(0x10)", "readmem error at addr 0x10, reading 4 bytes: not mapped\n")])
def test_what_cannot_be_had_is_named(crash, call, named):
    assert named in crash.epython(f"from pykdump.API import *\n{call}")


def test_short_is_a_line_for_each_frame_and_the_error(crash):
    frames, error = failing(crash, "--tb=short").split("crash.Unmapped")
    assert frames == ("./prog.py:12 in <module>: look(init, \"word\" * 100)\n"
                      "./prog.py:8 in look: return file.f_op\n")
    assert re.fullmatch(ERROR, "crash.Unmapped" + error)


def test_objects_of_the_dump_are_shown_by_type_and_address_and_not_read(crash):
    text = failing(crash, "--tb=locals")
    values = dict(re.findall(r"^    (\w+) = (.*)$", text, re.MULTILINE))
    assert re.fullmatch(r"<struct task_struct 0xffff[0-9a-f]{12}>", values["task"])
    assert values["init"] == values["task"]
    assert values["file"] == "<struct file 0xdead000000000000>"
    assert re.fullmatch(r"<Array1_struct_cgroup_subsys_state__+\d+_ of \d+>", values["table"])
    assert re.fullmatch(r"<tPtr struct file \*\* 0xffff[0-9a-f]{12}>", values["pointer"])
    assert values["name"] == "'swapper/0'" and values["word"].endswith("...")
    assert re.search(ERROR + r"\Z", text)


def test_showing_variables_reads_nothing_from_the_dump(crash):
    crash.program("from pykdump.API import *\nimport _pykdump\nfrom pykdump import preview\n"
                  "init = readSU('struct task_struct', sym2addr('init_task'))\n"
                  "values = [init, init.comm, init.cgroups.subsys, init.files.fdt.fd, init.se,\n"
                  "          columns([init], 'struct task_struct', ['pid']), init.pid_links]\n"
                  "seen = []\n_pykdump.observe_reads(lambda *read: seen.append(read))\n"
                  "before = _pykdump.cache_statistics()\n"
                  "shown = [preview.of(value) for value in values]\n"
                  "_pykdump.observe_reads(None)\n"
                  "print(seen, before == _pykdump.cache_statistics(), all(shown))")
    assert untimed(crash.run("epython prog")) == "[] True True\n"


@pytest.mark.parametrize("options, line", [
    ("--tb=loud", "epython: --tb: 'loud' is none of short, long, locals (program not run)\n"),
    ("--tb", "epython: --tb: a value is missing (program not run)\n")])
def test_a_bad_style_is_one_line(crash, options, line):
    assert failing(crash, options) == line


def test_the_style_of_the_session_is_set_with_pyctl(crash):
    crash.run("epython pyctl --set tracebackStyle=short")
    try:
        assert failing(crash).startswith("./prog.py:12 in <module>: look")
        text = untimed(crash.run("epython pyctl --set tracebackStyle=loud"))
        assert text == ("pyctl: tracebackStyle: 'loud' is none of short, long, locals\n"
                        " -- sys.exit(2) --\n")
        assert failing(crash).startswith("./prog.py:12 in <module>: look")
    finally:
        crash.run("epython pyctl --clear tracebackStyle")
    assert failing(crash).startswith("Traceback")


def test_an_error_in_a_program_of_the_plug_in_shows_its_lines(crash):
    text = crash.run("epython --tb=short taskinfo --pid 1 --nosuch")
    assert "unrecognized arguments" in text or "no such option" in text
    crash.epython("import LinuxDump.Tasks\n"
                  "kept = LinuxDump.Tasks.TaskTable\n"
                  "LinuxDump.Tasks.TaskTable = None")
    try:
        text = crash.run("epython --tb=short taskinfo --summ")
        assert re.search(r"progs/taskinfo.py:\d+ in main: .*TaskTable", text)
    finally:
        crash.epython("LinuxDump.Tasks.TaskTable = kept")
