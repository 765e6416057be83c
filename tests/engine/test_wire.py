"""The wire trace: each message that crosses into crash is a line of a file, and is summed up."""

import errno
import os
import re

import pytest

from tests.engine.test_leaks import check
from tests.engine.test_trace import MISSING, events, kernel, nobody_watches  # noqa: F401
from tests.engine.world import DATA_BASE, crash, host_image, pykdump

KINDS = frozenset(pykdump.wire_kinds())


class Wire:
    """A trace in a file."""

    def __init__(self, path):
        self.path = path
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def watch(self, kinds=KINDS, summing=False):
        pykdump.wire_open(self.fd)
        pykdump.wire_watch(kinds, summing)

    def lines(self):
        """What was written, without the process and with all times the same."""
        text = re.sub(r" \d+\.\d us?", " ", self.path.read_text())
        return [re.sub(r"\d+\.\dus", "0.1us", line.removeprefix(f"[{os.getpid()}] "))
                for line in text.splitlines()]


@pytest.fixture
def wire(world, tmp_path):
    made = Wire(tmp_path / "trace")
    yield made
    try:
        os.close(made.fd)
    except OSError:
        pass


def test_the_kinds_are_named():
    assert pykdump.wire_kinds() == ("READ", "TRANSLATE", "SYMBOL", "TYPE", "COMMAND", "GDB",
                                    "TASK", "PATH", "LIFE")


def test_each_message_is_a_line_and_so_is_its_answer(world, wire):
    wire.watch()
    crash.readmem(DATA_BASE, 8)
    crash.readmem(DATA_BASE, 8)
    assert wire.path.read_text().startswith(f"[{os.getpid()}] crash sent <READ addr=")
    assert wire.lines() == [
        "crash sent <READ addr=ffff888000000000 size=8 type=KVADDR>",
        "crash received <READ 8 bytes 0.1us miss>",
        "crash sent <READ addr=ffff888000000000 size=8 type=KVADDR>",
        "crash received <READ 8 bytes 0.1us hit>"]


def test_the_other_kinds(kernel, wire):  # noqa: F811
    host_image.add_task(DATA_BASE, 7)
    host_image.add_path(5, 6, b"/etc")
    host_image.add_module("ext4", 0x5000, 0x1000)
    host_image.add_translation(DATA_BASE, 0x400000, 0x1000)
    wire.watch()
    crash.sym2addr("nr_cpu_ids"), crash.sym2addr("nope"), crash.addr2sym(5)
    crash.addr2mod(0x5008)
    crash.struct_size("item"), crash.struct_size("nope"), crash.enumerator_value("NOPE")
    crash.exec_crash_command("sys"), crash.get_GDB_output("p 1"), crash.get_GDB_output("p 2")
    crash.pid_to_task(7), crash.task_to_pid(DATA_BASE), crash.get_uptime()
    crash.uvtop(DATA_BASE, 0x400000), crash.get_pathname(5, 6)
    symbol = f"{crash.sym2addr('nr_cpu_ids'):x}"
    assert wire.lines()[:30] == [
        "crash sent <SYMBOL name=nr_cpu_ids>", f"crash received <SYMBOL {symbol} 0.1us>",
        "crash sent <SYMBOL name=nope>", "crash received <SYMBOL none 0.1us>",
        "crash sent <SYMBOL addr=5>", "crash received <SYMBOL none 0.1us>",
        "crash sent <SYMBOL module addr=5008>", "crash received <SYMBOL ext4 0.1us>",
        "crash sent <TYPE type=struct item>", "crash received <TYPE 64 bytes 0.1us>",
        "crash sent <TYPE type=struct nope>",
        "crash received <TYPE failed 0.1us: no type struct nope>",
        "crash sent <TYPE enumerator=NOPE>", "crash received <TYPE none 0.1us>",
        'crash sent <COMMAND "sys">', "crash received <COMMAND 10 bytes 0.1us>",
        'crash sent <GDB "p 1">', "crash received <GDB 7 bytes 0.1us>",
        'crash sent <GDB "p 2">', "crash received <GDB failed 0.1us: no such command: p 2>",
        "crash sent <TASK pid_to_task(7)>", "crash received <TASK ffff888000000000 0.1us>",
        "crash sent <TASK task_to_pid(ffff888000000000)>", "crash received <TASK 7 0.1us>",
        "crash sent <TASK get_uptime>", wire.lines()[25],
        "crash sent <TRANSLATE uvtop addr=400000 task=ffff888000000000>",
        "crash received <TRANSLATE 4096 0.1us>",
        "crash sent <PATH dentry=5 mount=6>", 'crash received <PATH "/etc" 0.1us>']


def test_a_failed_read_says_why(world, wire):
    wire.watch()
    with pytest.raises(crash.error):
        crash.readmem(MISSING, 8)
    assert wire.lines()[1].startswith("crash received <READ failed 0.1us: readmem error at addr")


def test_only_the_kinds_asked_for_are_written(world, wire):
    wire.watch(frozenset(["SYMBOL"]))
    crash.readmem(DATA_BASE, 8)
    crash.sym2addr("x")
    assert wire.lines() == ["crash sent <SYMBOL name=x>", "crash received <SYMBOL none 0.1us>"]


def test_hostile_text_stays_in_its_line(world, wire):
    wire.watch()
    crash.sym2addr("a\nb\x1b[2J\x7f" + "ü")
    crash.sym2addr("x" * 5000)
    host_image.add_command("\n" * 399 + "z", b"x")
    crash.exec_crash_command("\n" * 399 + "z")
    lines = wire.lines()
    assert lines[0] == "crash sent <SYMBOL name=a\\nb\\x1b[2J\\x7fü>"
    assert lines[2] == f"crash sent <SYMBOL name={'x' * 400}...>"
    assert len(lines) == 6 and all(len(line) < 2048 for line in lines)


def test_a_line_of_ones_own(wire):
    wire.watch()
    pykdump.wire_write("program x starts")
    assert wire.lines() == ["program x starts"]
    with pytest.raises(TypeError):
        pykdump.wire_write(5)


def test_callback_and_trace_see_the_same(world, wire, events):  # noqa: F811
    wire.watch(frozenset(["READ"]))
    crash.readmem(DATA_BASE, 8)
    crash.sym2addr("x")
    assert [event[0] for event in events] == ["read", "symbol"] and len(wire.lines()) == 2
    pykdump.trace_set(None)
    crash.readmem(DATA_BASE, 8)
    assert len(events) == 2 and len(wire.lines()) == 4


def test_a_full_disk_ends_the_trace_and_nothing_else(world):
    fd = os.open("/dev/full", os.O_WRONLY)
    pykdump.wire_open(fd)
    pykdump.wire_watch(KINDS, False)
    assert crash.readmem(DATA_BASE, 4) == bytes(4)
    assert pykdump.wire_error() == errno.ENOSPC and pykdump.wire_error() == 0
    assert crash.readmem(DATA_BASE, 4) == bytes(4) and pykdump.wire_error() == 0
    os.close(fd)


def test_a_reader_who_has_left_ends_the_trace(world):
    reader, writer = os.pipe()
    os.close(reader)
    pykdump.wire_open(writer)
    pykdump.wire_watch(KINDS, False)
    assert crash.readmem(DATA_BASE, 4) == bytes(4)
    assert pykdump.wire_error() == errno.EPIPE
    os.close(writer)


def test_a_closed_descriptor_ends_the_trace(world, wire):
    wire.watch()
    os.close(wire.fd)
    crash.readmem(DATA_BASE, 4)
    assert pykdump.wire_error() == errno.EBADF
    pykdump.wire_open(wire.fd)
    assert pykdump.wire_error() == errno.EBADF


def test_another_file_under_the_number_is_not_written_to(world, wire, tmp_path):
    wire.watch()
    with open(tmp_path / "precious", "wb") as precious:
        os.dup2(precious.fileno(), wire.fd)
        crash.readmem(DATA_BASE, 4)
    assert pykdump.wire_error() == errno.EBADF
    assert (tmp_path / "precious").read_bytes() == b""


def test_children_write_whole_lines_with_their_own_number(world, wire):
    wire.watch()
    children = []
    for _ in range(4):
        child = os.fork()
        if not child:
            for _ in range(500):
                crash.sym2addr("x" * 300)
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    lines = wire.path.read_text().splitlines()
    assert len(lines) == 4000
    form = re.compile(r"\[(\d+)\] crash (sent <SYMBOL name=x{300}>|"
                      r"received <SYMBOL none \d+\.\dus>)")
    processes = [int(form.fullmatch(line)[1]) for line in lines]
    assert all(processes.count(child) == 1000 for child in children)


def test_messages_are_summed_up_by_kind_and_by_the_line_that_asks(world, wire):
    wire.watch(summing=True)
    crash.readmem(DATA_BASE, 8)
    for _ in range(3):
        crash.readmem(DATA_BASE, 100)
    crash.sym2addr("x")
    rows = pykdump.wire_summary()
    line = test_messages_are_summed_up_by_kind_and_by_the_line_that_asks.__code__.co_firstlineno
    assert [row[:4] for row in rows] == [
        ("READ", f"{__file__}:{line + 2}", 1, 8), ("READ", f"{__file__}:{line + 4}", 3, 300),
        ("SYMBOL", f"{__file__}:{line + 5}", 1, 0)]
    assert all(row[4] >= 0 for row in rows) and pykdump.wire_summary() == []


def test_the_framework_is_not_the_line_that_asks(world, wire):
    inner = {"__name__": "pykdump.lowlevel", "crash": crash}
    exec(compile("def read(x):\n    return crash.readmem(x, 8)", "inner.py", "exec"), inner)
    wire.watch(summing=True)
    inner["read"](DATA_BASE)
    assert __file__ in pykdump.wire_summary()[0][1]


def test_what_is_summed_up_leaves_nothing(world, wire):
    def action():
        wire.watch(summing=True)
        for number in range(50):
            exec(compile("crash.sym2addr('x')", f"file{number}", "exec"), {"crash": crash})
        assert len(pykdump.wire_summary()) == 50
        os.ftruncate(wire.fd, 0)
    check(action, rounds=50)
