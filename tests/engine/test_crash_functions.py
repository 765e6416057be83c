"""The functions of module crash, and the rest of _pykdump: answers and exceptions."""

import _thread
import errno
import functools
import operator
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.world import (DATA_BASE, ENGINE, PAGE, PHYSICAL, USER, World, crash, host_image,
                                load_module, pykdump)

WRONG_ADDRESSES = [(1 << 70, crash.error), (-(1 << 64), crash.error), ("0", TypeError),
                   (1.5, TypeError), (None, TypeError), (b"", TypeError)]


@pytest.mark.parametrize("address, exception", WRONG_ADDRESSES)
@pytest.mark.parametrize("function", [
    lambda a: crash.readmem(a, 4), crash.readPtr, lambda a: crash.readInt(a, 4),
    crash.getListSize, lambda a: crash.uvtop(a, 0), lambda a: crash.uvtop(0, a),
    crash.phys_to_page, crash.PAGEOFFSET, crash.addr2sym, crash.addr2mod, crash.pid_to_task,
    crash.task_to_pid, crash.is_task_active, crash.get_task_mem_usage, crash.set_readmem_task,
    lambda a: crash.get_pathname(a, 0), crash.sLong, crash.le32_to_cpu, crash.le16_to_cpu,
    lambda a: pykdump.read_value("int", a)])
def test_an_address_is_an_int_of_64_bits(world: World, function, address, exception):
    world.load()
    with pytest.raises(exception):
        function(address)


@pytest.mark.parametrize("size, exception", [
    (0, crash.error), (-1, crash.error), (1 << 40, crash.error), (1 << 70, crash.error),
    (-(1 << 70), crash.error), ("4", TypeError), (4.0, TypeError), (None, TypeError)])
def test_a_size_is_between_a_byte_and_a_gigabyte(world: World, size, exception):
    for function in (crash.readmem, crash.readInt):
        with pytest.raises(exception):
            function(DATA_BASE, size)


def test_memory_is_read_as_bytes(world: World):
    address = world.place(b"hello")
    assert crash.readmem(address, 5) == b"hello" == crash.readmem(address, True * 5)
    with pytest.raises(IndexError, match="NULL"):
        crash.readmem(0, 4)
    with pytest.raises(crash.error):
        crash.readmem(0x1000, 4)
    with pytest.raises(crash.error):
        crash.readmem(DATA_BASE, 1 << 30)


@pytest.mark.parametrize("space", [0, 3, 5, 1 << 20])
def test_a_memory_type_is_one_of_crash(world: World, space):
    with pytest.raises(crash.error, match="not a memory type"):
        crash.readmem(DATA_BASE, 4, space)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 16, 32])
def test_an_int_of_any_size_is_read(world: World, size):
    address = world.place(b"\xfe" + b"\xff" * (size - 1))
    assert crash.readInt(address, size) == (1 << size * 8) - 2
    assert crash.readInt(address, size, True) == -2
    with pytest.raises(crash.error, match="too large"):
        crash.readInt(address, 33)


def test_a_pointer_is_read(world: World):
    assert crash.readPtr(world.place(struct.pack("<Q", (1 << 64) - 1))) == (1 << 64) - 1
    with pytest.raises(IndexError):
        crash.readPtr(0)
    with pytest.raises(crash.error):
        crash.readPtr(8)


def test_user_memory_is_that_of_a_task(world: World):
    for task, physical, text in ((0x100, 0x7000, b"first"), (0x200, 0x9000, b"second")):
        host_image.add_task(task, task >> 8)
        host_image.add_translation(task, 0x400000, physical)
        host_image.add_region(physical, text.ljust(PAGE, b"\0"), PHYSICAL)
    assert crash.uvtop(0x100, 0x400010) == 0x7010
    with pytest.raises(crash.error):
        crash.uvtop(0x100, 0x500000)
    for task, text in ((0x100, b"first"), (0x200, b"secon"), (0x100, b"first")):
        crash.set_readmem_task(task)
        assert crash.readmem(0x400000, 5) == text == crash.readmem(0x400000, 5, USER)
    crash.set_readmem_task(0)
    with pytest.raises(crash.error):
        crash.readmem(0x400000, 5)
    with pytest.raises(crash.error, match="bad taskaddr"):
        crash.set_readmem_task(0x300)
    assert crash.readmem(0x7000, 5, PHYSICAL) == b"first"


def test_a_physical_page_has_a_struct_page(world: World):
    host_image.set_info(mem_map=0xffffea0000000000)
    host_image.add_region(0x3000, bytes(PAGE), PHYSICAL)
    assert crash.phys_to_page(0x3008) == 0xffffea00000000c0
    with pytest.raises(crash.error):
        crash.phys_to_page(0x9000)
    assert crash.PAGEOFFSET(0x3008) == 8 and crash.PAGEOFFSET(-1) == PAGE - 1


def test_symbols_are_found_by_name_and_by_address(world: World):
    start = 0xffffffff81000000
    for name, address in (("_text", start), ("twin", start + 0x100), ("twin", start + 0x200),
                          ("_end", start + 0x1000)):
        host_image.add_symbol(name, address, 0x80)
    host_image.add_module("ext4", 0xffffffffc0000000, 0x1000)
    assert crash.sym2addr("_text") == start and crash.sym2addr("nope") == 0
    assert crash.sym2addr("twin") == start + 0x100
    assert crash.sym2alladdr("twin") == [start + 0x100, start + 0x200]
    assert crash.sym2alladdr("nope") == []
    assert (crash.symbol_exists("_text"), crash.symbol_exists("nope")) == (1, 0)
    assert crash.addr2sym(start) == "_text" and crash.addr2sym(start + 8) is None
    assert crash.addr2sym(start + 8, True) == ("_text", 8)
    assert crash.addr2sym(start - 1, True) == (None, None)
    assert crash.addr2mod(0xffffffffc0000fff) == "ext4"
    assert crash.addr2mod(start) is None
    for ask in (crash.symbol_exists, crash.sym2addr, crash.sym2alladdr, crash.enumerator_value):
        with pytest.raises(TypeError):
            ask(5)


def test_what_only_the_host_knows_is_asked(world: World):
    host_image.set_info(uptime_jiffies=12345)
    host_image.add_path(0x10, 0x20, b"/tmp/\xff")
    host_image.add_enumerator("TASK_DEAD", -3)
    host_image.add_task(0x1000, 17, True, 2000, 1000)
    assert crash.get_uptime() == 12345
    assert crash.get_pathname(0x10, 0x20) == "/tmp/\udcff"
    with pytest.raises(crash.error):
        crash.get_pathname(0x10, 0)
    assert crash.enumerator_value("TASK_DEAD") == -3 and crash.enumerator_value("nope") is None
    assert crash.pid_to_task(17) == 0x1000 and crash.pid_to_task(18) == 0
    assert crash.task_to_pid(0x1000) == 17 and crash.task_to_pid(0x2000) is None
    assert crash.is_task_active(0x1000) is True and crash.is_task_active(5) is False
    assert crash.get_task_mem_usage(0x1000) == (2000, 1000)
    with pytest.raises(crash.error):
        crash.get_task_mem_usage(5)


def test_commands_give_their_text(world: World):
    host_image.add_command("sys", b"RELEASE\xff\n")
    host_image.add_command("quiet", b"")
    host_image.add_command("bad", b"half\n", fails=True)
    host_image.add_command("silent", b"", fails=True)
    host_image.add_command("ptype int", b"int\n", gdb=True)
    assert crash.exec_crash_command("sys") == "RELEASE\\xff\n"
    for line, text in (("quiet", ""), ("bad", "half\n"), ("silent", "silent failed"),
                       ("nope", "no such command: nope")):
        with pytest.raises(crash.error) as caught:
            crash.exec_crash_command(line)
        assert caught.value.args == (text,)
    assert crash.get_GDB_output("ptype int") == "int\n" and crash.get_GDB_output("nope") is None
    for wrong in (5, None, "a\0b"):
        with pytest.raises((TypeError, ValueError)):
            crash.exec_crash_command(wrong)


def test_an_error_text_may_hold_any_bytes(world: World):
    world.load()
    for name in ("€" * 200, "ä" * 200, "x€" * 100):
        with pytest.raises(TypeError, match="no type"):
            pykdump.readSU(name, 0)
        with pytest.raises(crash.error, match="no such command"):
            crash.exec_crash_command(name * 5)


def test_a_program_becomes_a_command_once(world: World, capsys):
    host_image.add_command("bt -a", b"x")
    assert crash.register_epython_prog("mine", "does", "", "help\nmore") is True
    assert crash.register_epython_prog("mine", "does", "", "help") is False
    assert crash.register_epython_prog("bt", "does", "", "help") is False
    assert crash.get_epython_cmds() == ["mine"]
    assert capsys.readouterr().out == ("command mine is registered already\n"
                                       "crash already has a command bt\n")


@pytest.mark.parametrize("size, code", [(1, "B"), (2, "H"), (4, "I"), (8, "Q")])
def test_bytes_are_numbers(size, code):
    numbers = [0, 1, (1 << size * 8) - 1, 1 << size * 8 - 1]
    for number in numbers:
        data = struct.pack("<" + code, number)
        assert crash.mem2long(data) == number == crash.mem2long(bytearray(data), array=1)
        assert crash.mem2long(data, signed=True) == struct.unpack("<" + code.lower(), data)[0]
    assert crash.mem2long(struct.pack(f"<4{code}", *numbers), array=4) == numbers
    assert crash.mem2long(struct.pack(f"<4{code}", *numbers), True, 4)[2] == -1


@pytest.mark.parametrize("source, count", [
    (b"", 0), (b"abc", 0), (bytes(16), 0), (b"abc", 2), (bytes(12), 4), (b"", 4), (bytes(8), 9),
    (bytes(8), 1 << 60)])
def test_bytes_of_an_odd_size_are_no_numbers(source, count):
    with pytest.raises(crash.error, match="bad size"):
        crash.mem2long(source, array=count)


@pytest.mark.parametrize("arguments", [(), ("abc",), (5,), (None,), (b"a", False, "x"),
                                       (memoryview(bytes(16))[::2],)])
def test_what_is_no_bytes_is_no_number(arguments):
    with pytest.raises((TypeError, BufferError)):
        crash.mem2long(*arguments)


def test_bits_of_an_fd_set_are_told():
    bits = bytes([0b101, 0b10000000])
    assert [fd for fd in range(-20, 40) if crash.FD_ISSET(fd, bits)] == [0, 2, 15]
    assert crash.FD_ISSET(1 << 62, bits) == crash.FD_ISSET(0, b"") == 0
    assert crash.FD_ISSET(1 << 70, bits) == crash.FD_ISSET(-(1 << 70), bits) == 0
    for arguments, exception in ((("0", bits), TypeError), ((0, "x"), TypeError),
                                 ((0.0, bits), TypeError), (("1", bits), crash.error)):
        with pytest.raises(exception):
            crash.FD_ISSET(*arguments)


def test_numbers_are_taken_as_other_types():
    assert crash.sLong((1 << 64) - 1) == -1 and crash.sLong(5) == 5
    assert crash.le32_to_cpu(0x1_0000_0002) == 2 == crash.cpu_to_le32(2)
    assert crash.le16_to_cpu(0x1_0002) == 2


def test_output_goes_where_the_host_says(world: World):
    assert pykdump.output_write(b"one") == 3
    assert pykdump.output_write(memoryview(b"two")) == 3
    pykdump.output_flush()
    assert host_image.take_output() == b"onetwo" and host_image.take_output() == b""
    for kind, name in enumerate(("terminal", "pipe", "file")):
        host_image.set_output(kind)
        assert pykdump.stdout_kind() == name and pykdump.output_isatty() is (kind == 0)
    host_image.set_output(1, errno.EPIPE)
    for write in (lambda: pykdump.output_write(b"x"), pykdump.output_flush):
        with pytest.raises(BrokenPipeError):
            write()
    for wrong in ("text", 5, None):
        with pytest.raises(TypeError):
            pykdump.output_write(wrong)
    assert pykdump.output_fileno() == -1
    pykdump.after_fork()


def test_a_signal_in_the_middle_of_output_is_no_failure(world: World):
    pykdump.output_reset(False)
    host_image.set_output(1, errno.EINTR)
    assert pykdump.output_write(b"line\n") == 2 and host_image.take_output() == b"li"
    for write in (lambda: pykdump.output_write(b"x"), pykdump.output_flush):
        host_image.set_output(1, errno.EINTR)
        write()
        assert pykdump.output_failure() == 0
    assert host_image.take_output() == b"x"


def test_ctrl_c_ends_a_write_that_has_not_begun(world: World):
    pykdump.output_reset(False)
    for write in (functools.partial(pykdump.output_write, b"x"), pykdump.output_flush):
        host_image.set_output(1, errno.EINTR)
        with pytest.raises(KeyboardInterrupt):      # no bytecode in between, which would take it
            list(map(operator.call, [_thread.interrupt_main, write]))
        assert pykdump.output_failure() == 0 and host_image.take_output() == b""


def test_the_dump_is_described(world: World):
    host_image.set_info(cpus=4, hz=1000, live=True)
    info = pykdump.dump_info()
    assert (info["cpus"], info["hz"], info["live"], info["machine"]) == (4, 1000, True, "X86_64")
    assert info["namelist"] is None and info["release"] == "0.0.0-image"


def test_the_module_exists_once():
    with pytest.raises(ImportError, match="exists once"):
        load_module("crash")


def test_types_come_from_a_file_when_there_is_one(world: World, tmp_path):
    world.btf.struct("filed", 4)
    (tmp_path / "vmlinux").write_bytes(world.btf.blob())
    host_image.set_info(namelist=str(tmp_path / "vmlinux"))
    assert pykdump.type_size("struct filed") == 4
    assert pykdump.types_source() == "BTF of the namelist"


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"x" * 5000, None])
def test_a_file_without_types_leads_to_those_in_memory(world: World, tmp_path, content):
    file = tmp_path / "vmlinux"
    if content is not None:
        file.write_bytes(content)
    host_image.set_info(namelist=str(file))
    world.load()
    assert pykdump.type_size("int") == 4
    assert pykdump.types_source() == "BTF of the dump"


def test_objects_that_outlive_the_engine_do_no_harm():
    done = subprocess.run([sys.executable, "-c", "import tests.engine.late"],
                          cwd=Path(__file__).parents[2], capture_output=True, text=True,
                          env={**os.environ, "ENGINE_SO": str(ENGINE)})
    assert (done.returncode, done.stderr) == (0, "")
