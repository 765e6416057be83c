"""What handlers of signals may do while a loop of the engine runs."""

import signal
import struct
from contextlib import contextmanager

import pytest

from tests.engine.world import World, crash, host_image, pykdump

HEAD = 0x10000000
NODES = 100_000


@pytest.fixture
def long_list(world: World) -> int:
    """A list in a place of its own, whose pages are read one by one; its head."""
    host_image.add_region(HEAD, b"".join(struct.pack("<Q", HEAD + 8 * (i + 1))
                                         for i in range(NODES)) + bytes(8))
    pykdump.purge_caches("memory")
    return HEAD


@contextmanager
def handled(handler):
    """SIGINT, which the image sends in a read, goes to `handler`."""
    before = signal.signal(signal.SIGINT, lambda number, frame: handler())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_must_not_run_within_a_loop_runs_right_after_it(long_list):
    events = []

    def later():
        events.append(("called", host_image.read_count()))

    def handler():
        events.append(("signal", host_image.read_count()))
        pykdump.call_outside_loops(later)

    with handled(handler):
        host_image.interrupt_after(10)
        nodes, end = pykdump.list_nodes(long_list, 0, 1 << 40)[:2]
        reads = host_image.read_count()
    assert len(nodes) == NODES and end == "whole"
    assert [event for event, _ in events] == ["signal", "called"]
    assert events[0][1] < reads and events[1][1] == reads


def test_outside_of_loops_it_runs_at_once():
    events = []
    with handled(lambda: pykdump.call_outside_loops(lambda: events.append("called"))):
        signal.raise_signal(signal.SIGINT)
        assert events == ["called"]


def test_what_it_raises_comes_out_after_the_loop(long_list):
    def fail():
        raise LookupError("from outside")

    with handled(lambda: pykdump.call_outside_loops(fail)):
        host_image.interrupt_after(10)
        with pytest.raises(LookupError, match="from outside"):
            crash.getListSize(long_list, 0, 1 << 40)
            "between two bytecodes"
