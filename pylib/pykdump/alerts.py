"""Owns SIGIO: being told that something arrives at a socket while a program runs.

The kernel sends it when a watched socket becomes readable, so that nothing has to wait for a
client in a thread.  Must not know what arrives.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
from collections.abc import Callable
from types import FrameType

_watched: dict[int, tuple[socket.socket, Callable[[FrameType | None], object]]] = {}


def watch(sock: socket.socket, callback: Callable[[FrameType | None], object]) -> None:
    """Call `callback(interrupted frame)` in the main thread when something may have arrived."""
    if signal.getsignal(signal.SIGIO) is not _on_sigio:
        signal.signal(signal.SIGIO, _on_sigio)
        # Or crash's own system calls would fail with EINTR.
        signal.siginterrupt(signal.SIGIO, False)
    fd = sock.fileno()
    _watched[fd] = sock, callback
    fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)


def forget(sock: socket.socket) -> None:
    """Before it is closed."""
    fd = sock.fileno()
    if _watched.pop(fd, None) is not None:
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_ASYNC)


def after_fork() -> None:
    """In a child: clients are the parent's."""
    for sock, _callback in _watched.values():
        sock.close()
    _watched.clear()


def is_handler(frame: FrameType) -> bool:
    """Whether a frame is the handler's: what it has called is no part of the program."""
    return frame.f_code is _on_sigio.__code__


def _on_sigio(number: int, frame: FrameType | None) -> None:
    for _sock, callback in list(_watched.values()):
        callback(frame)
