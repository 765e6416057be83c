"""Owns the kernel's log, as records: what printk() has left in its ring buffer.

    for record in kernel_log().records:
        if record.level <= 3 and "I/O error" in record.text:
            print(record.seconds, record.text)

Nothing in the buffer is believed: a record counts only where descriptor, number and text agree, and
what does not is counted.  Must not know what messages mean, nor the time of day.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pykdump import missing
from pykdump.API import (CU_LIVE, CU_PYMOD, PAGESIZE, columns, crash, member_offset, memoize_cond,
                         readmem, readPtr, readSU, readU32, readU64, struct_exists, struct_size,
                         sym2addr, symbol_exists)
from pykdump.plaintext import one_line, printable

LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
FACILITIES = ("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
              "authpriv", "ftp")

_NS = 1_000_000_000
_CONT = 8                       # of printk_info.flags: a piece of the line before
_ON_CPU = 1 << 31               # of caller_id: a CPU, not a task
# Larger than log_buf_len= of any machine that anybody has been seen to use: 256 MB.
_MAX_SIZE_BITS, _MAX_COUNT_BITS = 28, 23
_WORD = 8
_FLAG_BITS = 62                 # of a descriptor's state: two bits, then its number
_ID = (1 << _FLAG_BITS) - 1
_COMMITTED, _FINALIZED = 1, 2
_NO_TEXT = 3                    # instead of a position: the text is empty
_MAX_OLD = 1 << 22
_CHUNK = 1 << 15                # descriptors that are read at once


class Record(NamedTuple):
    """A message of the log."""

    seq: int            # its number since boot
    ts_nsec: int        # local_clock(): ns since boot, without the time of suspends
    level: int          # 0 emerg ... 7 debug: LEVELS
    facility: int       # 0 the kernel itself, else of user space: FACILITIES
    flags: int
    caller_id: int
    text: str           # may have several lines; bytes that are no UTF-8 as \\xNN
    subsystem: str      # "pci", "" without a device
    device: str         # "+pci:0000:00:01.0", "b8:0", "c1:3", "n2"

    @property
    def seconds(self) -> float:
        """ts_nsec in seconds."""
        return self.ts_nsec / _NS

    @property
    def cont(self) -> bool:
        """Whether it continues the message before (KERN_CONT)."""
        return bool(self.flags & _CONT)

    @property
    def caller(self) -> str:
        """Who printed it: T17 a thread, C1 what interrupted CPU 1; "" before 5.1."""
        if self.caller_id < 0:
            return ""
        if self.caller_id & _ON_CPU:
            return f"C{self.caller_id & ~_ON_CPU}"
        return f"T{self.caller_id}"

    @property
    def stamp(self) -> str:
        """The time as dmesg prints it: `[    1.234567]`."""
        seconds, rest = divmod(self.ts_nsec, _NS)
        return f"[{seconds:5}.{rest // 1000:06}]"


class Log(NamedTuple):
    """The log as the dump has it."""

    records: list[Record]
    overwritten: int            # older ones, whose place has been taken
    missing: int                # within the range: damaged, not in the dump or not finished
    dropped: int                # which had no room when they were printed
    problems: tuple[str, ...]   # what was damaged, as text

    @property
    def whole(self) -> bool:
        """Whether all that is between the first record and the last is there."""
        return not self.missing and not self.problems


@memoize_cond(CU_LIVE | CU_PYMOD)
def kernel_log() -> Log:
    """All records, the oldest first.  TypeError for a kernel whose log is not known.

    5.10: 896fbe20b4e2 ("printk: use the lockless ringbuffer"); before, one record lay behind the
    other (3.5: 7ff9554bb578).
    """
    if symbol_exists("prb"):
        return _read(_from_ring)
    if symbol_exists("log_first_idx"):
        return _read(_from_buffer)
    raise TypeError(missing.symbol("prb"))


def log_lines(records: Iterable[Record]) -> Iterator[str]:
    """The lines of records, as crash's `log` and dmesg have them: `[    1.234567] text`.

    Further lines of one record are indented, as crash does.
    """
    for record in records:
        head = f"{record.stamp} "
        first, *more = printable(record.text).split("\n")
        yield head + first
        for line in more:
            yield " " * len(head) + line


def _read(reader: Any) -> Log:
    try:
        log: Log = reader()
    except crash.error as err:
        return Log([], 0, 0, 0, (f"the log cannot be read: {err}",))
    return log


# -- 5.10 and later: descriptors, what is known of each message, and its text apart --------------

def _from_ring() -> Log:
    ring = readSU("struct printk_ringbuffer", readPtr(sym2addr("prb")))
    descs, texts = ring.desc_ring, ring.text_data_ring
    count_bits, size_bits = descs.count_bits, texts.size_bits
    if not (0 < count_bits <= _MAX_COUNT_BITS and 3 < size_bits <= _MAX_SIZE_BITS):
        return Log([], 0, 0, 0, (f"{ring} is damaged: 2**{count_bits} descriptors, "
                                 f"2**{size_bits} bytes of text",))
    problems: list[str] = []
    found = _descriptors(int(descs.descs), 1 << count_bits, problems)
    data = _Data(readPtr(int(texts) + texts.fieldOffset("data")), 1 << size_bits)
    records, damaged = _records(found, int(descs.infos), data)
    if damaged:
        problems.append(f"damaged records: {damaged}")
    if data.lost:
        problems.append(f"{data.lost} bytes of text cannot be read")
    first = records[0].seq if records else 0
    expected = records[-1].seq - first + 1 if records else damaged
    return Log(records, first, expected - len(records), _failures(ring), tuple(problems))


def _failures(ring: Any) -> int:
    count: int = ring.fail.counter
    return max(count, 0)


_Descriptor = tuple[int, int, int, int]     # ID, slot, begin and end of its text


def _descriptors(base: int, count: int, problems: list[str]) -> list[_Descriptor]:
    """Of records that are complete, by ID.

    IDs rise by one from record to record, and tell the slot: so head and tail of the ring need not
    be believed.
    """
    found: list[_Descriptor] = []
    unreadable = 0
    for start in range(0, count, _CHUNK):
        slots = range(start, min(start + _CHUNK, count))
        rows = columns(_array(base, slots, struct_size("struct prb_desc")), "struct prb_desc",
                       ["state_var.counter", "text_blk_lpos.begin", "text_blk_lpos.next"])
        good = 0
        for slot, (state, begin, end) in zip(slots, rows.rows()):
            if state is None or begin is None or end is None:
                continue
            good += 1
            if state >> _FLAG_BITS & 3 in (_COMMITTED, _FINALIZED) and state & count - 1 == slot:
                found.append((state & _ID, slot, begin, end))
        unreadable += len(slots) - good
        if not good:
            unreadable += count - slots.stop
            break           # their number is wrong: there may be millions
    if unreadable:
        problems.append(f"{unreadable} of {count} descriptors cannot be read")
    found.sort()
    return found


_INFO = ("seq", "ts_nsec", "level", "facility", "flags", "caller_id", "text_len",
         "dev_info.subsystem", "dev_info.device")


def _records(found: list[_Descriptor], infos: int, data: _Data) -> tuple[list[Record], int]:
    """The records, and how many could not be put together."""
    where = _array(infos, (slot for _number, slot, *_rest in found),
                   struct_size("struct printk_info"))
    rows = list(columns(where, "struct printk_info", _INFO).rows())
    apart = _common(row[0] - found[at][0] for at, row in enumerate(rows) if row[0] is not None)
    records, damaged = [], 0
    for (number, _slot, begin, end), row in zip(found, rows):
        text = data.text(number, begin, end)
        if None in row or row[0] - number != apart or text is None:
            damaged += 1
            continue
        seq, ts_nsec, level, facility, flags, caller, length, subsystem, device = row
        records.append(Record(seq, ts_nsec, level, facility, flags, caller, _text(text[:length]),
                              one_line(subsystem), one_line(device)))
    return records, damaged


def _common(differences: Iterable[int]) -> int:
    """What most have in common: numbers and IDs of records are equally far apart."""
    return max(Counter(differences).items(), key=lambda item: item[1], default=(0, 0))[0]


class _Data:
    """The ring of texts."""

    def __init__(self, address: int, size: int) -> None:
        self._size = size
        self._bytes, self.lost = _read_bytes(address, size)

    def text(self, number: int, begin: int, end: int) -> bytes | None:
        """What is between two positions, which only ever grow; None if it is not that record's."""
        if begin & 1 or end & 1:
            return b"" if begin == end == _NO_TEXT else None
        size = self._size
        length, start = end - begin & _MASK, begin % size
        if start % _WORD or not _WORD <= length <= size:
            return None
        last = end - 1 & _MASK
        if last // size != begin // size:       # no room before the end: it is at the beginning
            start, length = 0, end % size
        block = self._bytes[start:start + length]
        return block[_WORD:] if int.from_bytes(block[:_WORD], "little") == number else None


# -- 3.5 to 5.9: one record behind the other ---------------------------------------------------

def _from_buffer() -> Log:
    """Where a record has no length the buffer goes on at its beginning."""
    name = "struct printk_log" if struct_exists("struct printk_log") else "struct log"
    base, size = readPtr(sym2addr("log_buf")), readU32(sym2addr("log_buf_len"))
    if size > 1 << _MAX_SIZE_BITS:
        return Log([], 0, 0, 0, (f"log_buf_len is damaged: {size}",))
    data, lost = _read_bytes(base, size)
    at, end = readU32(sym2addr("log_first_idx")), readU32(sym2addr("log_next_idx"))
    first, last = readU64(sym2addr("log_first_seq")), readU64(sym2addr("log_next_seq"))
    header = _OldHeader(name)
    records: list[Record] = []
    problems = [f"{lost} bytes cannot be read"] if lost else []
    for seq in range(first, min(last, first + _MAX_OLD)):
        if at + header.size <= size and not header.length(data, at):
            at = 0
        length = header.length(data, at) if at + header.size <= size else 0
        if length < header.size or at + length > size:
            problems.append(f"record {seq} at {at} is damaged: {length} bytes")
            break
        records.append(header.record(seq, data[at:at + length]))
        at += length
    else:
        if at != end and records:
            problems.append(f"the last record ends at {at}, and log_next_idx is {end}")
    return Log(records, first, max(last - first, 0) - len(records), 0, tuple(problems))


class _OldHeader:
    """Where struct printk_log (struct log before 3.11) has what."""

    def __init__(self, name: str) -> None:
        self.size = struct_size(name)
        self._at = {member: member_offset(name, member)
                    for member in ("ts_nsec", "len", "text_len", "dict_len", "facility",
                                   "caller_id")}

    def _number(self, record: bytes, member: str, size: int) -> int:
        return int.from_bytes(record[self._at[member]:self._at[member] + size], "little")

    def length(self, data: bytes, at: int) -> int:
        return self._number(data[at:at + self.size], "len", 2)

    def record(self, seq: int, data: bytes) -> Record:
        end = self.size + self._number(data, "text_len", 2)
        more = data[end:end + self._number(data, "dict_len", 2)].split(b"\0")
        known = {entry.partition(b"=")[0]: entry.partition(b"=")[2] for entry in more}
        bits = data[self._at["facility"] + 1]       # flags:5, level:3
        caller = self._number(data, "caller_id", 4) if self._at["caller_id"] >= 0 else -1
        return Record(seq, self._number(data, "ts_nsec", 8), bits >> 5,
                      self._number(data, "facility", 1), bits & 31, caller,
                      _text(data[self.size:end]), _name(known.get(b"SUBSYSTEM", b"")),
                      _name(known.get(b"DEVICE", b"")))


# -- bytes ---------------------------------------------------------------------------------------

_MASK = (1 << 64) - 1


def _array(base: int, slots: Iterable[int], step: int) -> array[int]:
    return array("Q", (base + slot * step & _MASK for slot in slots))


def _read_bytes(address: int, size: int) -> tuple[bytes, int]:
    """Memory in one read; pages that cannot be read are zeros, and their bytes counted."""
    try:
        return readmem(address, size), 0
    except (crash.error, IndexError):
        pass
    parts, lost, at = [], 0, address
    while at < address + size:
        length = min(PAGESIZE - at % PAGESIZE, address + size - at)
        try:
            parts.append(readmem(at, length))
        except (crash.error, IndexError):
            parts.append(bytes(length))
            lost += length
        at += length
    return b"".join(parts), lost


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _name(data: bytes) -> str:
    return one_line(_text(data.partition(b"\0")[0]))
