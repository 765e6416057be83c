"""Lists of modules that are damaged, or that this kernel keeps in another way."""

import struct

import pytest

from tests.engine.btfwriter import at
from tests.engine.world import PAGE, host_image, pykdump

LIST, NAME, TAINTS, SIZE = 8, 24, 80, 128


@pytest.fixture
def dlkm(library):
    return library("LinuxDump.dlkm")


def add_list(world):
    btf = world.btf
    entry = btf.struct("list_head", 16, at("next", world.u64), at("prev", world.u64, 8))
    return entry


def linked(world, head, nodes):
    """Makes a list of a head and of nodes."""
    ring = [head, *nodes]
    for index, node in enumerate(ring):
        host_image.write(node, struct.pack("<QQ", ring[(index + 1) % len(ring)], ring[index - 1]))
    pykdump.purge_caches("memory")


@pytest.fixture
def unloaded(world):
    """A function: a list of unloaded modules of these (name, taints, times)."""
    entry = add_list(world)
    world.btf.struct("mod_unload_taint", SIZE, at("list", entry),
                     at("name", world.btf.array(world.char, 56), 16), at("taints", world.u64, 72),
                     at("count", world.u64, 80))
    head = world.place(bytes(16))
    host_image.add_symbol("unloaded_tainted_modules", head)
    world.load()

    def make(*records):
        nodes = [world.place(bytes(16) + struct.pack("<56sQQ", name, taints, times))
                 for name, taints, times in records]
        linked(world, head, nodes)
        return nodes
    return make


def test_unloaded_modules_that_had_tainted_the_kernel(unloaded, dlkm):
    unloaded((b"nvidia", 1 | 1 << 12, 3), (b"lab", 1 << 13, 1))
    assert dlkm.unloaded_tainted_modules() == [("nvidia", "PO", 3), ("lab", "E", 1)]


def test_a_damaged_list_of_them_keeps_what_was_found(unloaded, dlkm, capsys):
    nodes = unloaded((b"first", 1, 1), (b"second", 1, 1))
    host_image.write(nodes[1], struct.pack("<QQ", 0xdead0000, 0))
    pykdump.purge_caches("memory")
    assert dlkm.unloaded_tainted_modules()[:2] == [("first", "P", 1), ("second", "P", 1)]
    assert "list of unloaded tainted modules, after 3: error" in capsys.readouterr().out


def test_a_kernel_that_keeps_none_has_none(world, dlkm):
    world.load()
    assert dlkm.unloaded_tainted_modules() == [] and dlkm.last_unloaded() is None
    assert dlkm.modules() == [] and dlkm.lsmod() == {}


def test_taints_that_nobody_knows_are_numbers(world, dlkm):
    world.load()
    assert dlkm.letters(1 << 12 | 1 << 40) == "O(40)"
    assert dlkm.letters(0) == ""


@pytest.fixture
def modules(world):
    """The type of modules, as it was before 6.4."""
    entry = add_list(world)
    world.btf.struct("module", SIZE, at("state", world.u32), at("list", entry, LIST),
                     at("name", world.btf.array(world.char, 56), NAME))
    world.load()
    return world


def module_bytes(name, state=0, pointers=(0xffffffff81000000, 0xdead000000000122)):
    return struct.pack("<Q QQ 56s", state, *pointers, name).ljust(SIZE, b"\0")


def test_an_unloaded_module_is_found_in_what_is_free(modules, dlkm):
    start = modules.place(bytes(3 * PAGE), align=PAGE)
    modules.write(start + PAGE + 64, module_bytes(b"gone_one", state=2))
    assert dlkm.find_remains(start, start + 3 * PAGE) == [(start + PAGE + 64, "gone_one")]


@pytest.mark.parametrize("data", [
    module_bytes(b"gone", state=9), module_bytes(b"\x01gone"), module_bytes(b"x" * 56),
    module_bytes(b"gone", pointers=(4096, 8192)), bytes(SIZE)],
    ids=["state", "name", "endless", "list", "zeros"])
def test_what_only_looks_like_a_module_is_none(modules, dlkm, data):
    start = modules.place(bytes(PAGE), align=PAGE)
    modules.write(start, data)
    assert dlkm.find_remains(start, start + PAGE) == []


def test_memory_that_was_given_back_is_passed_over(modules, dlkm):
    assert dlkm.find_remains(0xffffffffc0000000, 0xffffffffc0010000) == []
