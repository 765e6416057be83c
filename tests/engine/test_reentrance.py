"""A program's code in the middle of the engine's: nothing is lost, nothing is found half made.

Where the engine looks for Ctrl-C, handlers of signals run, and the garbage collector since Python
3.12; before, it ran wherever an object was made.
"""

import gc
import operator
import signal
import struct
from functools import partial

import pytest

from tests.engine import gdbtext
from tests.engine.btfwriter import at
from tests.engine.structures import FRAMES, Slabs, add_types
from tests.engine.test_lists import long_list
from tests.engine.world import DATA_BASE, World, host_image, pykdump

NAMES = ["struct mixed", "struct iphdr", "struct cryptomgr_param", "struct geneve_opt",
         "enum minus", "bool"]
NODES = 20_000


class Intruder:
    """Looks at everything, asks for types and memory, and empties the caches."""

    def __init__(self, *questions) -> None:
        self.questions = questions
        self.visits = 0
        self.answers: list = []

    def __call__(self, *what) -> None:
        self.visits += 1
        for found in gc.get_objects():
            if type(found) is list:
                for _ in found:             # a list with holes would be the end of Python
                    pass
        for question in self.questions:
            self.answers.append(question())
        for cache in "memory", "types":
            pykdump.purge_caches(cache)
        pykdump.cache_set_pages(64)

    def collected(self, phase: str, info: dict) -> None:
        if phase == "stop":
            self()


def ask_gdb() -> None:
    """A new world, of which gdb alone knows types."""
    World()
    for line, text in gdbtext.ANSWERS.items():
        host_image.add_command(line, text.encode(), gdb=True)


def during(calls, intruder: Intruder) -> list:
    """What the calls return, with the intruder at each collection, and no bytecode in between."""
    begin, end = (partial(change, intruder.collected)
                  for change in (gc.callbacks.append, gc.callbacks.remove))
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        return list(map(operator.call, [begin, *calls, end]))[1:-1]
    finally:
        gc.set_threshold(*threshold)
        if intruder.collected in gc.callbacks:
            end()


def instance(name: str):
    return pykdump.readSU(name, DATA_BASE)


@pytest.mark.parametrize("ask, names", [
    (pykdump.describe_type, NAMES), (pykdump.type_members, NAMES[:4]), (instance, NAMES[:4])],
    ids=["description", "members", "class"])
def test_types_are_the_same_when_others_find_out_about_them_meanwhile(ask, names):
    ask_gdb()
    expected = [ask(name) for name in names]
    ask_gdb()
    intruder = Intruder(lambda: [ask(name) for name in names])
    assert during([partial(ask, name) for name in names], intruder) == expected
    assert intruder.visits and all(answer == expected for answer in intruder.answers)
    assert [type(instance(name)) for name in names[:4]] \
        == [type(instance(name)) for name in names[:4]]


def test_a_class_is_one_class_whoever_makes_it_first():
    ask_gdb()
    intruder = Intruder(lambda: type(instance("struct mixed")))
    made, = during([partial(pykdump.readSU, "struct mixed", DATA_BASE)], intruder)
    assert intruder.visits and set(intruder.answers) == {type(made)} == {
        type(instance("struct mixed"))}


def a_list(world: World):
    head = long_list(world, NODES)
    return lambda: pykdump.list_nodes(head, 0, 1 << 40)


def a_column(world: World):
    base = 0x20000000
    host_image.add_region(base, b"".join(struct.pack("<Q", i) for i in range(NODES)))
    world.btf.struct("cell", 8, at("value", world.u64))
    world.load()
    addresses = list(range(base, base + 8 * NODES, 8))
    return lambda: [column.tolist() for column in
                    pykdump.columns(addresses, "struct cell", ["value"])[1]]


def a_search(world: World):
    host_image.add_region(0x30000000, struct.pack("<QQ", 7, 8) * NODES)
    return lambda: pykdump.search_words(0x30000000, 0x30000000 + 16 * NODES, 7, (1 << 64) - 1, 8,
                                        1 << 40)


def slabs(world: World):
    add_types(world)
    world.load()
    made = Slabs(world)
    for frame in range(16, FRAMES):
        made.slab(frame, [3, 0, 7])
    return made.walk


@pytest.mark.parametrize("prepare", [a_list, a_column, a_search, slabs])
def test_a_walk_goes_on_as_it_was_when_a_handler_has_walked_and_emptied_the_caches(
        world: World, prepare):
    walk = prepare(world)
    expected = walk()
    pykdump.purge_caches("memory")
    intruder = Intruder(walk, lambda: host_image.read_count())
    previous = signal.signal(signal.SIGINT, intruder)
    try:
        host_image.interrupt_after(1)
        assert walk() == expected
    finally:
        signal.signal(signal.SIGINT, previous)
    assert intruder.visits == 1 and intruder.answers[0] == expected


def test_types_that_are_found_out_about_end_at_the_first_exception():
    ask_gdb()

    def fail(*what):
        raise ZeroDivisionError

    previous = signal.signal(signal.SIGINT, fail)
    try:
        with pytest.raises(ZeroDivisionError):
            list(map(operator.call, [partial(signal.raise_signal, signal.SIGINT),
                                     partial(pykdump.describe_type, "struct mixed")]))
    finally:
        signal.signal(signal.SIGINT, previous)
    assert pykdump.type_size("struct mixed") == 400
