"""Module crash as programs know it: the functions that others of these tests leave out."""

import os
import struct

import pytest

from tests.engine.btfwriter import at
from tests.engine.world import World, crash, host_image, pykdump


def test_wrong_arguments_raise_what_programs_catch_and_what_python_raises(world: World):
    for call in (lambda: crash.readmem(), lambda: crash.readPtr("x"), lambda: crash.readInt(1.5, 4),
                 lambda: crash.sym2addr(5), lambda: crash.symbol_exists(None), crash.mem2long,
                 lambda: crash.exec_crash_command(5), lambda: crash.getFullBuckets(1),
                 lambda: crash.get_GDB_output(5), lambda: crash.crash_set_error(5),
                 lambda: crash.set_default_timeout("5"), lambda: crash.setprocname(5),
                 lambda: crash.exec_crash_command_bg2(5), lambda: crash.member_offset("x")):
        for kind in (crash.error, TypeError):
            with pytest.raises(kind, match="invalid parameter type"):
                call()


def test_memory_types_have_the_numbers_of_crash():
    assert (crash.KVADDR, crash.UVADDR, crash.PHYSADDR, crash.XENMACHADDR, crash.FILEADDR,
            crash.AMBIGUOUS) == (1, 2, 4, 8, 16, -1)


def test_places_and_sizes_of_members_are_told_by_tag_or_full_name(world: World):
    btf = world.btf
    btf.struct("s", 16, at("a", world.s16), at("b", btf.array(world.s32, 2), 4))
    btf.union("u", 8, at("c", world.s64))
    btf.typedef("s_t", 0)
    world.load()
    assert crash.member_offset("s", "b") == 4 == crash.member_offset("struct s", "b")
    assert crash.member_size("s", "b") == 8 and crash.member_size("union u", "c") == 8
    for name, member in (("nope", "a"), ("s", "nope"), ("s_t", "a"), ("", ""), ("s" * 5000, "a")):
        assert crash.member_offset(name, member) == -1 == crash.member_size(name, member)


def test_buckets_that_are_not_empty_are_found(world: World):
    table = world.place(struct.pack("<8Q", 0, 1, 0, 2, 5, 3, 0, 0))
    assert crash.getFullBuckets(table, 16, 4, 8) == [1, 2, 3]
    assert crash.getFullBucketsH(table, 16, 4, 8) == [(0, 1), (1, 2), (2, 3)]
    assert crash.getFullBuckets(table, 8, 8, 0) == [1, 2, 5, 3]
    assert crash.getFullBuckets(table, 16, 0, 0) == []
    for wrong in ((table, 0, 4, 0), (table, -8, 4, 0), (table, 8, -1, 0), (0x1000, 8, 4, 0),
                  (table, 1 << 40, 4, 0)):
        with pytest.raises(crash.error):
            crash.getFullBuckets(*wrong)


def test_system_calls_cannot_be_counted_without_their_table(world: World):
    with pytest.raises(crash.error, match="no sys_call_table"):
        crash.get_NR_syscalls()


def test_system_calls_are_counted_by_the_type_of_their_table(world: World):
    world.btf.variable("sys_call_table", world.btf.array(world.btf.pointer(0), 451))
    host_image.add_symbol("sys_call_table", 0xffffffff81000000, 0x100)
    world.load()
    assert crash.get_NR_syscalls() == 451


def test_system_calls_are_counted_up_to_the_next_symbol_where_the_type_is_unknown(world: World):
    world.load()
    host_image.add_symbol("sys_call_table", 0xffffffff81000000, 0x1000)
    host_image.add_symbol("next", 0xffffffff81000000 + 335 * 8)
    assert crash.get_NR_syscalls() == 335


def test_the_target_of_errors_is_changed_and_the_one_before_told(world: World):
    assert crash.crash_set_error("/dev/null") == "default"
    assert crash.crash_set_error("default") == "/dev/null"
    with pytest.raises(crash.error):
        crash.crash_set_error("/nowhere/file")


def test_the_default_timeout_is_an_attribute_of_the_module():
    before = crash.default_timeout
    assert crash.set_default_timeout(7) == before and crash.default_timeout == 7
    assert crash.set_default_timeout(before) == 7


def finished(line: str) -> tuple[bytes, int]:
    """What a command in the background wrote, and its exit status."""
    fd, pid = crash.exec_crash_command_bg2(line)
    with os.fdopen(fd, "rb") as pipe:
        text = pipe.read()
    return text, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_command_in_the_background_writes_to_a_pipe(world: World):
    host_image.add_command("sys", b"RELEASE\xff\n" * 20000)
    host_image.add_command("bad", b"half\n", fails=True)
    assert finished("sys") == (b"RELEASE\xff\n" * 20000, 0)
    assert finished("bad") == (b"half\n", 1) and finished("nope") == (b"", 1)


def test_a_command_whose_own_output_goes_nowhere_has_its_text(world: World):
    host_image.add_command("sys", b"text")
    outputs = len(os.listdir("/proc/self/fd"))
    assert crash.exec_crash_command("sys", True) == "text"
    with pytest.raises(crash.error):
        crash.exec_crash_command("nope", True)
    assert len(os.listdir("/proc/self/fd")) == outputs
    assert os.fstat(1) != os.stat("/dev/null")


def test_the_process_has_the_name_given():
    with open("/proc/self/comm") as file:
        before = file.read().strip()
    try:
        crash.setprocname("a name of more than 15 characters")
        with open("/proc/self/comm") as file:
            assert file.read() == "a name of more \n"
    finally:
        crash.setprocname(before)


def test_a_type_is_spelled_as_c_spells_it(world: World):
    btf = world.btf
    rows = btf.pointer(btf.array(world.s16, 2))
    btf.struct("s", 64, at("rows", rows), at("many", btf.array(rows, 3), 8),
               at("pointers", btf.array(btf.pointer(world.s16), 2), 32),
               at("deep", btf.pointer(btf.pointer(btf.array(rows, 4))), 48))
    world.load()
    assert [member[3] for member in pykdump.type_members("struct s")] == [
        "short int (*)[2]", "short int (*[3])[2]", "short int *[2]",
        "short int (*(**)[4])[2]"]
    for spelled, size in (("short int (*)[2]", 8), ("short int (*[3])[2]", 24),
                          ("short int *[2]", 16), ("short int (*(**)[4])[2]", 8)):
        assert pykdump.type_size(spelled) == size
