"""Owns what must happen around a fork, so that a child and crash do not disturb each other.

Must not know why a program forks.
"""

from __future__ import annotations

import os
import signal

import _pykdump

from . import alerts, output, wire

# A child is born with gdb's handlers of these, which do nothing there; until they are gone the
# signals wait.
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

_masks: list[set[int]] = []


def install() -> None:
    """Once in the life of the interpreter."""
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after_in_child)


def _before() -> None:
    output.flush()                  # or the child would write again what is pending
    _masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING))


def _after() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _masks.pop())


def _after_in_child() -> None:
    _pykdump.after_fork()
    alerts.after_fork()
    _after()
    wire.forked()
