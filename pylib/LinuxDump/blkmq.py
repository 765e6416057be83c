"""Owns requests: those that a queue of the multi-queue block layer has allocated, and their age.

A request has a tag for as long as it is in use, so the tags' bitmaps tell which there are, those
that no list has included.  Must not know drivers, nor who waits for a request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from LinuxDump.percpu import percpu_ptr
from LinuxDump.Time import tkr_time
from pykdump.API import (CU_LIVE, EnumInfo, HZ, crash, member_offset, memoize_cond, readPtr,
                         readSU, readU64, struct_size, sym2addr, sys_info, walk_list,
                         walk_pointers, walk_xarray)

_MAX_TAGS = 1 << 16         # 10240 is the most that the kernel gives (BLK_MQ_MAX_DEPTH)
_MAX_QUEUES = 1 << 14
_MAX_LISTED = 1 << 18
_OP_MASK = 0xff
_OLD_TIMED_OUT = 21         # the bit of RQF_TIMED_OUT
_NS = 1_000_000_000
IDLE, IN_FLIGHT, COMPLETE = range(3)        # enum mq_rq_state
_STATES = {IDLE: "idle", IN_FLIGHT: "in flight", COMPLETE: "complete"}


class Request(NamedTuple):
    """A request that is in use.

    rq        struct request
    hctx      number of its hardware queue, -1 if it has none yet
    op        "READ", "WRITE", "FLUSH", "DISCARD" ...
    sector    where on the disk, in sectors of 512 bytes
    bytes     its length, as far as it is not done
    state     "idle" (the driver has not been given it), "in flight" or "complete"
    place     where it is: "driver", "dispatch list", "requeue list", "software queue", "scheduler",
              "flush", or "allocated" when in none of them
    age       seconds since it was begun; None if the kernel has not measured it
    timeout   seconds it is given, 0 if unknown
    overdue   seconds since its time was up, by the clock of the last tick; 0 if it is not, or if
              no driver has it
    timed_out has it run into its timeout already, and was given more time
    tag       its tag of the hardware queue, -1 without; `internal` that of the scheduler
    """

    rq: Any
    hctx: int
    op: str
    sector: int
    bytes: int
    state: str
    place: str
    age: float | None
    timeout: float
    overdue: float
    timed_out: bool
    tag: int
    internal: int

    @property
    def begun(self) -> bool:
        """Is it more than an empty tag: in a list, with the driver, or of some length."""
        return self.place != "allocated" or self.bytes > 0


class Requests(NamedTuple):
    """Requests of a queue, and what could not be read: sentences with addresses."""

    requests: list[Request]
    problems: list[str]


@memoize_cond(CU_LIVE)
def _operations() -> dict[int, str]:
    """Number of an operation -> its name."""
    # 6.0: ff07a02e9e8e ("treewide: Rename enum req_opf into enum req_op")
    for enum in ("enum req_op", "enum req_opf"):
        try:
            return {value: name[len("REQ_OP_"):] for name, value in EnumInfo(enum).items()
                    if name.startswith("REQ_OP_") and name != "REQ_OP_LAST"}
        except TypeError:
            continue
    return {0: "READ", 1: "WRITE", 2: "FLUSH", 3: "DISCARD"}


def operation(flags: int) -> str:
    """The name of the operation in cmd_flags or bi_opf: READ WRITE FLUSH ..."""
    return _operations().get(flags & _OP_MASK, f"op {flags & _OP_MASK}")


@memoize_cond(CU_LIVE)
def _timed_out_flag() -> int:
    # 6.12: 5f89154e8e9e ("block: Use enum to define RQF_x bit indexes")
    bit = crash.enumerator_value("__RQF_TIMED_OUT")
    return 1 << (_OLD_TIMED_OUT if bit is None else bit)


@memoize_cond(CU_LIVE)
def now() -> tuple[int, int]:
    """(CLOCK_MONOTONIC in ns, jiffies) when the dump was taken, by the last tick."""
    return tkr_time() or 0, readU64(sym2addr("jiffies"))


def hardware_queues(queue: Any) -> list[Any]:
    """The struct blk_mq_hw_ctx of a struct request_queue."""
    if not queue.mq_ops:
        return []
    try:
        table = queue.hctx_table        # 5.18: 4e5cc99e1e48 ("blk-mq: manage hctx map via xarray")
    except KeyError:
        count = min(queue.nr_hw_queues, _MAX_QUEUES)
        return walk_pointers(int(queue.queue_hw_ctx), count, "struct blk_mq_hw_ctx")[1]
    return walk_xarray(table, "struct blk_mq_hw_ctx", limit=_MAX_QUEUES)[1]


def tags_in_use(bitmap: Any) -> Iterator[int]:
    """Numbers that are taken of a struct sbitmap: set, and not cleared since."""
    shift, depth = bitmap.shift, min(bitmap.depth, _MAX_TAGS)
    if not 0 <= shift <= 6 or not bitmap.map:
        return
    size = struct_size("struct sbitmap_word")
    word_at, cleared_at = (member_offset("struct sbitmap_word", name)
                           for name in ("word", "cleared"))
    for number in range((depth + (1 << shift) - 1) >> shift):
        at = int(bitmap.map) + number * size
        bits = readU64(at + word_at)
        if bits and cleared_at >= 0:
            bits &= ~readU64(at + cleared_at)
        while bits:
            lowest = bits & -bits
            tag = (number << shift) + lowest.bit_length() - 1
            if tag < depth:
                yield tag
            bits ^= lowest


def _bitmaps(tags: Any) -> Iterator[tuple[int, Any]]:
    """(first tag, struct sbitmap) of reserved tags and of the others."""
    for first, member in ((0, "breserved_tags"), (tags.nr_reserved_tags, "bitmap_tags")):
        queue = getattr(tags, member)   # 5.16: ae0f1a732f4a: no pointer any more
        if queue:
            yield first, queue.sb


def _allocated(tags: Any) -> Iterator[int]:
    """Addresses of the struct request whose tags are taken."""
    requests = int(tags.static_rqs)
    if not requests:
        return
    for first, bitmap in _bitmaps(tags):
        for tag in tags_in_use(bitmap):
            if first + tag < min(tags.nr_tags, _MAX_TAGS):
                request = readPtr(requests + 8 * (first + tag))
                if request:
                    yield request


def _listed(head: Any) -> set[int]:
    found, _report = walk_list(head, "struct request", "queuelist", limit=_MAX_LISTED,
                               as_column=True)
    return set(found)


class _Places:
    """In which list of a queue each request is."""

    def __init__(self, queue: Any, hctxs: list[Any]) -> None:
        self.of: dict[int, str] = {}
        self._queue = queue
        for hctx in hctxs:
            self._add(hctx.dispatch, "dispatch list")
        for name in ("requeue_list", "flush_list"):
            if queue.hasField(name):        # 6.6: 9a67aa52a42b: flush_list of a queue
                self._add(getattr(queue, name), "requeue list")
        if queue.queue_ctx and not queue.elevator:
            for cpu in range(sys_info.CPUS):
                context = percpu_ptr(queue.queue_ctx, cpu)
                for kind in context.rq_lists:
                    self._add(kind, "software queue")

    def _add(self, head: Any, place: str) -> None:
        for request in _listed(head):
            self.of.setdefault(request, place)


def requests(queue: Any) -> Requests:
    """All requests in use of a struct request_queue, the oldest first."""
    problems: list[str] = []
    hctxs = hardware_queues(queue)
    found: dict[int, tuple[Any, bool]] = {}
    seen = set()
    for hctx in hctxs:
        try:
            tags = hctx.sched_tags or hctx.tags
            if tags and int(tags) not in seen:
                seen.add(int(tags))
                for address in _allocated(tags):
                    found.setdefault(address, (readSU("struct request", address), False))
            flush = hctx.fq.flush_rq if hctx.fq else None
            if flush and flush.state != IDLE:
                found.setdefault(int(flush), (flush, True))
        except (crash.error, IndexError) as err:
            problems.append(f"tags of {hctx}: {err}")
    if not found:
        return Requests([], problems)
    places = _attempt(lambda: _Places(queue, hctxs).of, {}, f"lists of {queue}", problems)
    made = []
    for request, is_flush in found.values():
        try:
            if request.q == queue:      # tags may be shared by many
                made.append(_made(request, "flush" if is_flush else
                                  places.get(int(request), "")))
        except (crash.error, IndexError) as err:
            problems.append(f"{request}: {err}")
    return Requests(sorted(made, key=lambda each: -(each.age or 0)), problems)


def _attempt(make: Callable[[], dict[int, str]], otherwise: dict[int, str], what: str,
             problems: list[str]) -> dict[int, str]:
    try:
        return make()
    except (crash.error, IndexError) as err:
        problems.append(f"{what}: {err}")
        return otherwise


def _made(request: Any, place: str) -> Request:
    monotonic, _jiffies = now()
    state = int(request.state)
    if state != IDLE and not place:
        place = "driver"
    elif not place:
        place = "scheduler" if request.q.elevator and request.internal_tag >= 0 \
            and request.__data_len else "allocated"
    timeout = request.timeout / HZ
    overdue = late(request) if state == IN_FLIGHT and request.deadline else 0.0
    hctx = request.mq_hctx
    return Request(request, hctx.queue_num if hctx else -1, operation(int(request.cmd_flags)),
                   request.__sector, request.__data_len, _STATES.get(state, f"state {state}"),
                   place, _age(request, monotonic, overdue + timeout), timeout, max(overdue, 0),
                   bool(int(request.rq_flags) & _timed_out_flag()), request.tag,
                   request.internal_tag)


def _age(request: Any, monotonic: int, by_deadline: float) -> float | None:
    started = request.start_time_ns
    if started and monotonic:
        return max(monotonic - started, 0) / _NS
    return by_deadline if by_deadline > 0 else None


def late(request: Any) -> float:
    """Seconds since the time of a struct request was up, by the last tick; negative before."""
    ticks = (now()[1] - request.deadline) & ((1 << 64) - 1)
    return (ticks - (1 << 64) if ticks >> 63 else ticks) / HZ


def oldest(found: Iterable[Request]) -> float:
    """Seconds of the oldest, 0 of none."""
    return max((request.age or 0 for request in found), default=0)
