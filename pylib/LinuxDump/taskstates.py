"""Owns the states of tasks: their bits, names, letters and colours.

Must not know how tasks are found.
"""

from __future__ import annotations

import functools
from typing import Any

from LinuxDump import Constants, crashcolor

# As they are since 4.14.  TASK_STOPPED and TASK_TRACED are the bits that the kernel has with two
# underscores before the name.
TASK_STATE = Constants(
    TASK_RUNNING=0, TASK_INTERRUPTIBLE=1, TASK_UNINTERRUPTIBLE=2, TASK_STOPPED=4, TASK_TRACED=8,
    EXIT_DEAD=0x10, EXIT_ZOMBIE=0x20, TASK_PARKED=0x40, TASK_DEAD=0x80, TASK_WAKEKILL=0x100,
    TASK_WAKING=0x200, TASK_NOLOAD=0x400, TASK_NEW=0x800,
    TASK_RTLOCK_WAIT=0x1000,        # 5.15
    # 6.1: f5d39b020809 ("freezer,sched: Rewrite core freezer logic")
    TASK_FREEZABLE=0x2000, TASK_FREEZABLE_UNSAFE=0x4000, TASK_FROZEN=0x8000)
_IDLE = TASK_STATE.TASK_UNINTERRUPTIBLE | TASK_STATE.TASK_NOLOAD
# An attribute only: as an item it would take part in the naming of bits.
object.__setattr__(TASK_STATE, "TASK_IDLE", _IDLE)

# These say how a task is to be treated while it is in a state, not in which one it is.
_MODIFIERS = (TASK_STATE.TASK_NOLOAD | TASK_STATE.TASK_NEW | TASK_STATE.TASK_FREEZABLE
              | TASK_STATE.TASK_FREEZABLE_UNSAFE)
_TRAPPED = TASK_STATE.TASK_STOPPED | TASK_STATE.TASK_TRACED
UNREADABLE = "??"


@functools.lru_cache(maxsize=None)
def task_state2str(state: int) -> str:
    """The names of a task state's bits, low ones first; `state:N` if none is known."""
    bits = state & ~_MODIFIERS
    if state & _IDLE == _IDLE and bits == TASK_STATE.TASK_UNINTERRUPTIBLE:
        return "TASK_IDLE"
    if bits & _TRAPPED:
        bits &= ~TASK_STATE.TASK_WAKEKILL       # a part of being stopped
    if not bits:
        return "TASK_RUNNING"
    names = [name for name, bit in TASK_STATE.items() if bit & bits]
    return "|".join(names) or f"state:{state}"


def getTaskState(task: Any) -> int:
    """The state of a task as a number, without the exit state."""
    try:
        return task.__state     # 5.14: 2f064a59a11f ("sched: Change task_struct::state")
    except KeyError:
        return task.state


# The letters of a state, the first of its bits that are set, and its colour.
_SHORT_STATES = (
    ("DE", TASK_STATE.TASK_DEAD | TASK_STATE.EXIT_DEAD, crashcolor.LIGHTRED),
    ("ZO", TASK_STATE.EXIT_ZOMBIE, crashcolor.YELLOW),
    ("TR", TASK_STATE.TASK_TRACED, crashcolor.MAGENTA),
    ("ST", TASK_STATE.TASK_STOPPED, crashcolor.CYAN),
    ("UN", TASK_STATE.TASK_UNINTERRUPTIBLE, crashcolor.RED),
    ("IN", TASK_STATE.TASK_INTERRUPTIBLE, crashcolor.RESET),
    ("RU", 0, crashcolor.BLUE),
)
_STATE_COLORS = {letters: colour for letters, _bits, colour in _SHORT_STATES}


def task_state_str(state: int | str) -> str:
    """A state (its number, or its letters) by two letters: RU IN UN ST TR ZO DE."""
    if isinstance(state, str):
        return state
    return next(letters for letters, bits, _colour in _SHORT_STATES if state & bits or not bits)


def task_state_color(state: int | str) -> int:
    """The colour of crashcolor for a state; KeyError for unknown letters."""
    return _STATE_COLORS[task_state_str(state)]


def state_name(ts: Any) -> str:
    """The name of a struct task_struct's state, for a dead one of its exit state; crash.error."""
    exit_state = ts.exit_state
    if exit_state:
        dead = not exit_state & TASK_STATE.EXIT_ZOMBIE
        return "EXIT_DEAD" if dead else "EXIT_ZOMBIE"
    return task_state2str(getTaskState(ts))
