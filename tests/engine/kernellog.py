"""Owns small logs as kernels keep them: printk's ring buffer, and what was before it."""

import struct

from tests.engine.btfwriter import Member, at
from tests.engine.world import World, host_image, pykdump

WORD, DESC, INFO = 8, 24, 88
REUSABLE, FINAL, COMMITTED, RESERVED = 3, 2, 1, 0
MASK = (1 << 64) - 1


class Ring:
    """A struct printk_ringbuffer of 2**3 descriptors and 2**8 bytes of text."""

    COUNT_BITS, SIZE_BITS = 3, 8

    def __init__(self, world: World) -> None:
        self.count, self.size = 1 << self.COUNT_BITS, 1 << self.SIZE_BITS
        self.descs = world.place(bytes(DESC * self.count))
        self.infos = world.place(bytes(INFO * self.count))
        self.data = world.place(bytes(self.size))
        self.ring = world.place(bytes(128))
        self.pointer = world.place(struct.pack("<Q", self.ring))
        self.lpos = -self.size & MASK       # as a kernel begins: soon it wraps
        self.first = (1 << 32) - self.count
        host_image.add_symbol("prb", self.pointer)
        _add_ring_types(world)
        world.load()
        self.describe()

    def describe(self, **changed: int) -> None:
        """Writes the ring's own struct, with members changed."""
        known = {"count_bits": self.COUNT_BITS, "descs": self.descs, "infos": self.infos,
                 "size_bits": self.SIZE_BITS, "data": self.data, "fail": 0, **changed}
        self.write(self.ring, struct.pack(
            "<I4xQQQQI4xQQQq", known["count_bits"], known["descs"], known["infos"], 0, 0,
            known["size_bits"], known["data"], 0, 0, known["fail"]))

    def add(self, seq: int, text: bytes, *, state: int = FINAL, level: int = 6, flags: int = 2,
            facility: int = 0, caller: int = 1, time: int = 0, device: tuple = (b"", b""),
            length: int | None = None, info_seq: int | None = None) -> None:
        """Print a record, as the kernel does."""
        begin, end = self._store(self.first + seq, text)
        self.descriptor(seq, state, begin, end)
        info = struct.pack("<QQHBBI16s48s", seq if info_seq is None else info_seq, time,
                           len(text) if length is None else length, facility, level << 5 | flags,
                           caller, *device)
        self.write(self.infos + seq % self.count * INFO, info)

    def descriptor(self, seq: int, state: int, begin: int, end: int) -> None:
        """Write the descriptor of a record."""
        self.write(self.descs + seq % self.count * DESC,
                   struct.pack("<QQQ", state << 62 | self.first + seq, begin, end))

    def _store(self, number: int, text: bytes) -> tuple[int, int]:
        if not text:
            return 3, 3
        length = -(-(WORD + len(text)) // WORD) * WORD
        begin = self.lpos
        start, end = begin % self.size, begin + length & MASK
        if start + length >= self.size:
            start, end = 0, (begin - start + self.size + length) & MASK
        self.write(self.data + start, struct.pack("<Q", number) + text)
        self.lpos = end
        return begin, end

    @staticmethod
    def write(address: int, data: bytes) -> None:
        host_image.write(address, data)
        pykdump.purge_caches("memory")


def _add_ring_types(world: World) -> None:
    btf = world.btf
    atomic = btf.typedef("atomic_long_t", btf.struct("", 8, at("counter", world.s64)))
    block = btf.struct("prb_data_blk_lpos", 16, at("begin", world.u64), at("next", world.u64, 8))
    desc = btf.struct("prb_desc", DESC, at("state_var", atomic), at("text_blk_lpos", block, 8))
    device = btf.struct("dev_printk_info", 64, at("subsystem", btf.array(world.char, 16)),
                        at("device", btf.array(world.char, 48), 16))
    info = btf.struct("printk_info", INFO, at("seq", world.u64), at("ts_nsec", world.u64, 8),
                      at("text_len", world.u16, 16), at("facility", world.u8, 18),
                      Member("flags", world.u8, 19 * 8, 5),
                      Member("level", world.u8, 19 * 8 + 5, 3),
                      at("caller_id", world.u32, 20), at("dev_info", device, 24))
    descs = btf.struct("prb_desc_ring", 40, at("count_bits", world.u32),
                       at("descs", btf.pointer(desc), 8), at("infos", btf.pointer(info), 16),
                       at("head_id", atomic, 24), at("tail_id", atomic, 32))
    texts = btf.struct("prb_data_ring", 32, at("size_bits", world.u32),
                       at("data", btf.pointer(world.char), 8), at("head_lpos", atomic, 16),
                       at("tail_lpos", atomic, 24))
    btf.struct("printk_ringbuffer", 80, at("desc_ring", descs), at("text_data_ring", texts, 40),
               at("fail", atomic, 72))


class Buffer:
    """A log of struct printk_log, one behind the other, in 256 bytes."""

    SIZE = 256
    HEADER = 24

    def __init__(self, world: World) -> None:
        self.data = world.place(bytes(self.SIZE))
        self.symbols = {name: world.place(bytes(8))
                        for name in ("log_buf", "log_buf_len", "log_first_idx", "log_next_idx",
                                     "log_first_seq", "log_next_seq")}
        for name, address in self.symbols.items():
            host_image.add_symbol(name, address)
        btf = world.btf
        btf.struct("printk_log", self.HEADER, at("ts_nsec", world.u64), at("len", world.u16, 8),
                   at("text_len", world.u16, 10), at("dict_len", world.u16, 12),
                   at("facility", world.u8, 14), Member("flags", world.u8, 15 * 8, 5),
                   Member("level", world.u8, 15 * 8 + 5, 3), at("caller_id", world.u32, 16))
        world.load()
        self.set("log_buf", self.data)
        self.set("log_buf_len", self.SIZE)

    def set(self, name: str, value: int) -> None:
        """Give a variable a value."""
        Ring.write(self.symbols[name], struct.pack("<Q", value))

    def record(self, place: int, text: bytes, properties: bytes = b"", *, time: int = 0,
               level: int = 6, length: int | None = None) -> int:
        """Writes a record at a place in the buffer; where the next one comes."""
        size = -(-(self.HEADER + len(text) + len(properties)) // 8) * 8
        header = struct.pack("<QHHHBBI4x", time, size if length is None else length, len(text),
                             len(properties), 0, level << 5, 1)
        Ring.write(self.data + place, header + text + properties)
        return place + size
