"""Nothing that is done often leaves anything behind."""

import contextlib
import ctypes
import gc
import io
import struct
import sys
import tracemalloc

import pytest

from tests.engine.btfwriter import Member, at
from tests.engine.world import DATA_BASE, World, crash, host_image, pykdump

ROUNDS = 10_000
SMALLEST_OBJECT = 16


@pytest.fixture
def full(world: World):
    """A struct with a member of each kind."""
    btf = world.btf
    node = btf.next_id()
    btf.struct("node", 8, at("next", node + 1))
    to_node = btf.pointer(node)
    color = btf.enum("color", {"RED": 0, "BLUE": -1})
    text = world.place(b"text\0")
    btf.struct("full", 128, at("int", world.s32), at("big", world.u128, 16), at("flag", world.bool),
               at("color", color, 4), Member("bits", world.u32, 65, 9),
               Member("tint", color, 74, 2), at("node", to_node, 32),
               at("embedded", node, 32), at("name", btf.array(world.char, 8), 40),
               at("text", btf.pointer(world.char), 48), at("list", btf.array(world.u16, 4), 56),
               at("open", btf.array(world.u16, 0), 64),
               at("call", btf.pointer(btf.function(0)), 64),
               at("number", btf.pointer(world.s32), 72),
               at("real_number", btf.floating("double", 8), 80),
               at("nodes", btf.array(to_node, 2), 88), at("slot", btf.array(to_node, 1), 104))
    value = world.struct("struct full", bytes(128))
    host_image.write(int(value) + 32, struct.pack("<QQQ", int(value), 0x6162, text))
    host_image.write(int(value) + 72, struct.pack("<Q", int(value)))
    pykdump.purge_caches("memory")
    return value


class MallocInfo(ctypes.Structure):
    """struct mallinfo2 of the C library; zeros under a sanitizer."""

    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
        "fordblks", "keepcost")]


mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = MallocInfo


def memory_growth(action, rounds: int) -> int:
    """How many bytes more Python or the C library has given away after many rounds."""
    tracemalloc.start()
    try:
        # Python's own tables are built anew now and then; the old ones are to be traced, too.
        for _ in range(rounds):
            action()
        gc.collect()
        python, c = tracemalloc.get_traced_memory()[0], mallinfo2().uordblks
        for _ in range(rounds):
            action()
        gc.collect()
        c = mallinfo2().uordblks - c
        return max(tracemalloc.get_traced_memory()[0] - python, c)
    finally:
        tracemalloc.stop()


def check(action, *classes, rounds: int = ROUNDS) -> None:
    gc.collect()
    counts = [sys.getrefcount(each) for each in classes]
    # Only what grows each time is a leak.
    limit = max(4096, SMALLEST_OBJECT * rounds)
    assert any(memory_growth(action, rounds) < limit for _ in range(8))
    # An exception or a frame may hold a few.
    assert all(abs(sys.getrefcount(each) - count) < 10 for each, count in zip(classes, counts))


def dumped(value) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        value.Dump(4)
    return out.getvalue()


def failing(action, *exceptions):
    def run():
        try:
            action()
        except exceptions:
            return
        raise AssertionError("no exception")
    return run


MEMBERS = ["int", "big", "flag", "color", "bits", "tint", "node", "embedded", "name", "text",
           "list", "open", "call", "number", "real_number", "nodes", "slot"]


@pytest.mark.parametrize("name", MEMBERS)
def test_reading_a_member_leaves_nothing(full, name):
    check(lambda: getattr(full, name), type(full), type(getattr(full, name)))


@pytest.mark.parametrize("name", MEMBERS)
def test_failing_to_read_a_member_leaves_nothing(full, name):
    lost = pykdump.readSU("struct full", 0x1000)
    if name in ("embedded", "open", "nodes", "slot"):
        check(lambda: getattr(lost, name), type(lost))
    else:
        check(failing(lambda: getattr(lost, name), crash.error), type(lost), crash.error,
              rounds=1000)


OPERATIONS = {
    "readSU": lambda s: pykdump.readSU("struct full", DATA_BASE),
    "readSU of a negative address": lambda s: pykdump.readSU("struct full", -8),
    "StructResult": lambda s: crash.StructResult("struct full", 5),
    "the class": lambda s: type(s)(5),
    "str": lambda s: (str(s), repr(s), s.shortStr(), f"{s}", f"{s:x}"),
    "arithmetic": lambda s: (s + 1, 1 + s, s - 1, s[3], s & 1, len(s), hash(s), s == 1),
    "questions": lambda s: (s.hasField("int"), s.fieldOffset("bits"), s.isNamed("struct full"),
                            s.PYT_size, s.PYT_symbol, s.Deref, s.getDeref()),
    "castTo": lambda s: s.castTo("struct node"),
    "Eval": lambda s: (s.Eval("embedded.next"), s.Eval("int")),
    "a computed name": lambda s: getattr(s, "".join(["te", "xt"])),
    "a name that is no plain str": lambda s: getattr(s, crash.SmartString(b"text")),
    "an array of pointers": lambda s: (repr(s.nodes), [*s.nodes], s.nodes[0], s.nodes[5], s.slot[0],
                                       s.nodes + [1], [1] + s.nodes, s.nodes == s.nodes),
    "attributes": lambda s: (setattr(s[0], "a", []), setattr(s, "b", {}), s.b, delattr(s, "b")),
    "class attributes": lambda s: (type(s).PYT_symbol, s.PYT_attrcache),
    "mangled names": lambda s: (getattr(s, "_A__int", None) if s.hasField("_A") else None),
    "Dump": lambda s: dumped(s),
    "pseudo-attributes": lambda s: (pykdump.set_attribute("struct node", "Me", property(int), 0),
                                    s.embedded.Me, pykdump.read_chain(s, "embedded.next")),
    "tables": lambda s: (crash.getFullBuckets(int(s) + 32, 8, 4, 0),
                         crash.getFullBucketsH(int(s) + 32, 8, 4, 0)),
    "members": lambda s: (crash.member_offset("full", "list"), crash.member_size("full", "list")),
    "an enum": lambda s: (str(s.color), f"{s.color:d}", f"{s.color}", repr(s.tint)),
    "a pointer": lambda s: (s.number.Deref, s.number[1], repr(s.number), s.number.ptrlev),
    "a text": lambda s: (s.text.ByteArray, s.text.addr, s.text.ptr, int(s.text), s.name.addr),
    "SmartString": lambda s: crash.SmartString(b"abc", 1, 2),
    "readmem": lambda s: (crash.readmem(s, 100), crash.readPtr(s), crash.readInt(s, 16, True)),
    "mem2long": lambda s: (crash.mem2long(bytes(8)), crash.mem2long(bytes(64), array=8)),
    "FD_ISSET": lambda s: crash.FD_ISSET(3, b"abc"),
    "read_value": lambda s: (pykdump.read_value("int", s), pykdump.read_value("int *", s),
                             pykdump.read_value("int[3]", s)),
    "types": lambda s: (pykdump.type_size("int **"), pykdump.type_members("struct full"),
                        pykdump.type_enumerators("enum color"), pykdump.variable_type("x")),
    "list_nodes": lambda s: (pykdump.list_nodes(s + 32 - s + s, 0, 10),
                             pykdump.list_nodes(s, 32, 10, "struct full", 8)),
    "getListSize": lambda s: crash.getListSize(int(s) + 32),
    "symbols": lambda s: (crash.addr2sym(s), crash.addr2sym(s, True), crash.sym2addr("x"),
                          crash.sym2alladdr("__start_BTF"), crash.symbol_exists("__start_BTF")),
    "information": lambda s: (pykdump.dump_info(), pykdump.types_source(),
                              pykdump.cache_statistics()),
    "purging": lambda s: (pykdump.purge_caches("memory"), s.text, pykdump.purge_caches("types"),
                          pykdump.readSU("struct full", 0)),
}

FAILURES = {
    "a missing member": lambda s: s.nope,
    "a missing computed member": lambda s: getattr(s, "no" + str(id(s))),
    "a member of NULL": lambda s: pykdump.readSU("struct node", 0).next,
    "a missing type": lambda s: pykdump.readSU("struct nope", 0),
    "no address": lambda s: pykdump.readSU("struct full", None),
    "a chain": lambda s: s.Eval("node.nope"),
    "a chain of nothing": lambda s: s.Eval("int.nope"),
    "no index": lambda s: s["x"],
    "no factory": lambda s: s["int"],
    "no factory of enums": lambda s: s.color.einfo,
    "no arguments": lambda s: crash.readmem(),
    "no text": lambda s: crash.sym2addr(5),
    "an unreadable array": lambda s: repr(pykdump.readSU("struct full", 0x1000).nodes),
    "no attribute": lambda s: delattr(s, "nope"),
    "no sum": lambda s: s + "x",
    "a cast": lambda s: s.castTo("struct nope"),
    "memory": lambda s: crash.readmem(0x1000, 10),
    "a size": lambda s: crash.readmem(s, -1),
    "an address": lambda s: crash.readmem(1 << 70, 8),
    "bytes": lambda s: crash.mem2long(b"abc"),
    "a command": lambda s: crash.exec_crash_command("nope"),
    "a text": lambda s: crash.SmartString(b"x", "y"),
    "a node": lambda s: pykdump.list_nodes(s, 32, 10, "int"),
    "a cache": lambda s: pykdump.purge_caches("nope"),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_works_leaves_nothing(full, name):
    action = OPERATIONS[name]
    check(lambda: action(full), type(full), type(full.node), crash.StructResult,
          crash.SmartString)


@pytest.mark.parametrize("name", FAILURES)
def test_what_fails_leaves_nothing(full, name):
    action = FAILURES[name]
    check(failing(lambda: action(full), TypeError, KeyError, IndexError, ValueError, crash.error,
                  RuntimeError, AttributeError),
          type(full), crash.error, rounds=2000)


def test_classes_derived_and_forgotten_leave_nothing(full):
    def derive():
        derived = type("Derived", (type(full),), {})
        assert derived(int(full)).int == full.int
        gc.collect()

    check(derive, type(full), rounds=100)


def test_worlds_made_and_forgotten_leave_nothing():
    def live():
        world = World()
        world.btf.struct("s", 16, at("x", world.s32), at("p", world.btf.pointer(world.s32), 8))
        value = world.struct("struct s", bytes(16))
        value.x, value.p
        gc.collect()

    check(live, crash.StructResult, crash.tPtr, rounds=100)
