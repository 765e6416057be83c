"""Owns the list of what a program has left waiting: asyncio tasks and greenlets, with stacks.

Must not know who asks.
"""

from __future__ import annotations

import gc
import linecache
import sys
from collections.abc import Iterator
from traceback import FrameSummary, StackSummary
from types import FrameType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Suspended:
    """One task or greenlet: what it is, and where it stands, the innermost frame last."""

    __slots__ = ("thing", "title", "stack")

    def __init__(self, thing: object, title: str, frames: list[FrameType]) -> None:
        self.thing = thing
        self.title = title
        self.stack = StackSummary.from_list(_summary(frame) for frame in frames)

    def __str__(self) -> str:
        return f"{self.title}\n{''.join(self.stack.format())}".rstrip("\n")


def _summary(frame: FrameType) -> FrameSummary:
    code = frame.f_code
    linecache.checkcache(code.co_filename)
    line = linecache.getline(code.co_filename, frame.f_lineno, frame.f_globals).strip()
    return FrameSummary(code.co_filename, frame.f_lineno, code.co_name, lookup_line=False,
                        line=line)


def everything() -> list[Suspended]:
    """Tasks that are not done and greenlets that have been switched from, of all loops and hubs.

    They are found by the garbage collector: an event loop that is closed, or belongs to another
    thread, does not name its tasks any more.
    """
    task, greenlet = _class("asyncio", "Task"), _class("greenlet", "greenlet")
    if task is None and greenlet is None:
        return []
    gc.collect()                # what nobody can reach any more is not waiting
    found: list[Suspended] = []
    for thing in gc.get_objects():
        if task is not None and issubclass(type(thing), task):
            if not thing.done():
                found.append(_of_task(thing))
        elif greenlet is not None and issubclass(type(thing), greenlet):
            if thing.gr_frame is not None:
                found.append(_of_greenlet(thing))
    return found


def _class(module: str, name: str) -> type[Any] | None:
    """A class of a module, where a program has imported it."""
    kind = getattr(sys.modules.get(module), name, None)
    return kind if isinstance(kind, type) else None


def _of_task(task: Any) -> Suspended:
    return Suspended(task, f"asyncio task {task.get_name()!r}", list(_awaiting(task.get_coro())))


def _awaiting(step: Any) -> Iterator[FrameType]:
    """The frames of a coroutine and of those that it awaits, the innermost last."""
    while step is not None:
        for frame, awaited in (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"),
                               ("ag_frame", "ag_await")):
            if hasattr(step, frame):
                break
        else:
            return              # a future
        if getattr(step, frame) is not None:
            yield getattr(step, frame)
        step = getattr(step, awaited)


def _of_greenlet(greenlet: Any) -> Suspended:
    frames = []
    frame = greenlet.gr_frame
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    kind = type(greenlet)
    return Suspended(greenlet, f"greenlet {kind.__module__}.{kind.__qualname__}"
                     f" at {id(greenlet):#x}", frames[::-1])
