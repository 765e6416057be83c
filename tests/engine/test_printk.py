"""The kernel's log out of memory that may say anything."""

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.kernellog import (COMMITTED, INFO, MASK, RESERVED, REUSABLE, Buffer, Ring)
from tests.engine.world import DATA_BASE, DATA_SIZE, World


@pytest.fixture
def printk(library):
    return library("LinuxDump.printk")


@pytest.fixture
def ring(world):
    return Ring(world)


@pytest.fixture
def buffer(world):
    return Buffer(world)


def texts(log):
    return [record.text for record in log.records]


# -- the ring buffer ----------------------------------------------------------------------------

def test_records_come_as_they_were_printed(ring, printk):
    ring.add(0, b"first", level=5, time=1_234_567_890, caller=17)
    ring.add(1, b"second\nline", level=3, flags=8, facility=3, caller=1 << 31 | 2,
             device=(b"pci", b"+pci:0000:00:01.0"))
    log = printk.kernel_log()
    assert log == (log.records, 0, 0, 0, ()) and log.whole
    first, second = log.records
    assert (first.seq, first.text, first.level, first.seconds, first.cont, first.caller) \
        == (0, "first", 5, 1.23456789, False, "T17")
    assert (second.text, second.facility, second.cont, second.caller, second.subsystem,
            second.device) == ("second\nline", 3, True, "C2", "pci", "+pci:0000:00:01.0")
    assert list(printk.log_lines(log.records)) == [
        "[    1.234567] first", "[    0.000000] second", "               line"]


def test_an_empty_log_is_no_error(ring, printk):
    assert printk.kernel_log() == ([], 0, 0, 0, ())


def test_the_oldest_records_are_overwritten_and_counted(ring, printk):
    for seq in range(21):
        ring.add(seq, b"text %d" % seq)
    log = printk.kernel_log()
    assert texts(log) == [f"text {seq}" for seq in range(13, 21)]
    assert (log.overwritten, log.missing, log.problems) == (13, 0, ())


def test_a_text_that_goes_on_at_the_beginning_is_whole(ring, printk):
    for seq in range(7):
        ring.add(seq, bytes([65 + seq]) * 50)
    # four places of 64 bytes, the last of which the kernel leaves free
    assert texts(printk.kernel_log())[-3:] == ["E" * 50, "F" * 50, "G" * 50]


def test_a_text_may_end_where_the_buffer_ends(ring, printk):
    ring.add(0, b"x" * 184)
    ring.write(ring.data + 192, struct.pack("<Q", ring.first + 1) + b"the last")
    ring.descriptor(1, COMMITTED, 192, 256)
    ring.write(ring.infos + INFO, struct.pack("<QQHBBI", 1, 0, 8, 0, 6 << 5, 1))
    assert texts(printk.kernel_log()) == ["x" * 184, "the last"]


def test_empty_texts_and_texts_that_found_no_place(ring, printk):
    ring.add(0, b"")
    ring.add(1, b"lost")
    ring.descriptor(1, COMMITTED, 1, 1)
    log = printk.kernel_log()
    assert texts(log) == [""] and log.problems == ("damaged records: 1",)


def test_what_is_being_written_and_what_is_free_is_not_there(ring, printk):
    ring.add(0, b"complete")
    ring.add(1, b"not yet", state=RESERVED)
    ring.add(2, b"may go on", state=COMMITTED)
    ring.add(3, b"old", state=REUSABLE)
    log = printk.kernel_log()
    assert texts(log) == ["complete", "may go on"]
    assert (log.missing, log.problems, log.whole) == (1, (), False)


def test_records_that_had_no_room_are_counted(ring, printk):
    ring.describe(fail=5)
    assert printk.kernel_log().dropped == 5


@pytest.mark.parametrize("damage", [
    lambda ring: ring.descriptor(1, COMMITTED, 4, 64),              # not aligned
    lambda ring: ring.descriptor(1, COMMITTED, 16, 16),             # no room for the number
    lambda ring: ring.descriptor(1, COMMITTED, 0, 1 << 40),         # longer than the buffer
    lambda ring: ring.descriptor(1, COMMITTED, 64, 8),              # ends before it begins
    lambda ring: ring.add(1, b"another one's number", info_seq=77),
    lambda ring: ring.write(ring.data, bytes(ring.size))],
    ids=["odd", "short", "long", "backwards", "number", "zeros"])
def test_a_damaged_record_is_counted_and_others_are_there(ring, printk, damage):
    for seq in range(3):
        ring.add(seq, b"text %d" % seq)
    damage(ring)
    log = printk.kernel_log()
    assert "text 1" not in texts(log) and "damaged records: " in log.problems[-1]


def test_a_length_past_the_text_is_cut(ring, printk):
    ring.add(0, b"12345678", length=60000)
    assert texts(printk.kernel_log()) == ["12345678"]


@pytest.mark.parametrize("changes", [
    {"count_bits": 0}, {"count_bits": 31}, {"count_bits": 0xffffffff}, {"size_bits": 0},
    {"size_bits": 64}, {"size_bits": 0xffffffff}])
def test_a_ring_of_impossible_size_is_one_problem(ring, printk, changes):
    ring.describe(**changes)
    log = printk.kernel_log()
    assert log.records == [] and "is damaged" in log.problems[0]


@pytest.mark.parametrize("changes", [
    {"descs": 0}, {"descs": MASK}, {"infos": 0}, {"infos": 0xdead0000}, {"data": 0},
    {"data": MASK - 8}, {"count_bits": 20}, {"size_bits": 28}])
def test_a_pointer_to_nowhere_is_told(ring, printk, changes):
    ring.add(0, b"text")
    ring.describe(**changes)
    log = printk.kernel_log()
    assert log.problems and all(problem.isprintable() for problem in log.problems)


def test_a_log_whose_ring_is_not_in_the_dump(ring, printk):
    ring.write(ring.pointer, struct.pack("<Q", 0xdead0000))
    log = printk.kernel_log()
    assert log.records == [] and "cannot be read" in log.problems[0]


def test_the_pages_of_texts_that_are_there_are_read(ring, printk):
    end = DATA_BASE + DATA_SIZE
    ring.write(end - 64, struct.pack("<Q", ring.first) + b"before the hole")
    ring.write(ring.infos, struct.pack("<QQHBBI", 0, 0, 15, 0, 6 << 5, 1))
    ring.descriptor(0, COMMITTED, 0, 64)
    ring.describe(data=end - 64)
    log = printk.kernel_log()
    assert texts(log) == ["before the hole"]
    assert log.problems == (f"{ring.size - 64} bytes of text cannot be read",)


def test_bytes_that_are_no_text_cannot_hurt_a_terminal(ring, printk):
    ring.add(0, b"\x1b[2J\xff\xc3\xa9\tend\x00", device=(b"\x1b", b"b8:0"))
    record, = printk.kernel_log().records
    assert record.text == "\x1b[2J\\xff\xe9\tend\x00" and record.subsystem == "\\x1b"
    assert list(printk.log_lines([record])) == [
        "[    0.000000] \\x1b[2J\\xff\xe9\tend\\x00"]


NOISE = st.lists(st.tuples(st.sampled_from(["descs", "infos", "data", "ring"]),
                           st.integers(0, 79), st.binary(min_size=1, max_size=16)), max_size=6)


@given(NOISE)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_damaged_the_log_is_read(printk, noise):
    ring = Ring(World())
    for seq in range(11):
        ring.add(seq, b"text %d" % seq)
    for place, offset, data in noise:
        ring.write(getattr(ring, place) + offset, data)
    log = printk.kernel_log(MEMOIZE=False)
    assert all(0 <= record.level < 8 and record.stamp for record in log.records)
    assert log.missing >= 0


# -- before 5.10 -------------------------------------------------------------------------------

def test_old_records_lie_one_behind_the_other(buffer, printk):
    place = buffer.record(0, b"first", time=5_000_000_000, level=4)
    place = buffer.record(place, b"second", b"SUBSYSTEM=usb\0DEVICE=c189:1")
    buffer.set("log_next_idx", place)
    buffer.set("log_next_seq", 2)
    log = printk.kernel_log()
    first, second = log.records
    assert log.whole and (first.text, first.level, first.seconds) == ("first", 4, 5.0)
    assert (second.text, second.subsystem, second.device) == ("second", "usb", "c189:1")


def test_old_records_go_on_at_the_beginning(buffer, printk):
    end = buffer.record(0, b"the third")
    place = buffer.record(128, b"the first")
    place = buffer.record(place, b"the second")
    buffer.record(place, b"", length=0)
    buffer.set("log_first_idx", 128)
    buffer.set("log_next_idx", end)
    buffer.set("log_first_seq", 40)
    buffer.set("log_next_seq", 43)
    log = printk.kernel_log()
    assert texts(log) == ["the first", "the second", "the third"]
    assert (log.overwritten, log.missing, log.problems) == (40, 0, ())


@pytest.mark.parametrize("length", [4, 23, 4000, 65535])
def test_a_damaged_old_record_ends_the_log(buffer, printk, length):
    place = buffer.record(0, b"first")
    buffer.record(place, b"second", length=length)
    buffer.set("log_next_seq", 3)
    log = printk.kernel_log()
    assert texts(log) == ["first"] and log.missing == 2
    assert log.problems == (f"record 1 at {place} is damaged: {length} bytes",)


def test_an_old_log_of_impossible_length(buffer, printk):
    buffer.set("log_buf_len", 0x7fffffff)
    assert printk.kernel_log().problems == ("log_buf_len is damaged: 2147483647",)


def test_an_old_log_of_zeros_ends(buffer, printk):
    buffer.set("log_next_seq", 1 << 60)
    log = printk.kernel_log()
    assert log.records == [] and "is damaged: 0 bytes" in log.problems[0]


def test_a_kernel_with_no_log_that_is_known(world, printk):
    world.load()
    with pytest.raises(TypeError, match="prb"):
        printk.kernel_log()
