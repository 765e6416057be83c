"""Owns the debugger of editors, debugpy, behind `epython --listen`.

debugpy cannot be taken out of a process again, so the program runs in a fork of the session.
Must not know how programs are found.
"""

from __future__ import annotations

import importlib.util
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

PORT = 5678             # where editors look
_FAREWELL = 2.0         # seconds to tell an editor that the program has ended


class EditorError(Exception):
    """debugpy cannot be used as it is; the text says why."""


def is_installed() -> bool:
    """Whether the debugger of editors, debugpy, can be imported."""
    return importlib.util.find_spec("debugpy") is not None


def fork() -> int | None:
    """None in the child, in which the program is to run; in the parent, when it has, its status.

    The status is that of os.waitstatus_to_exitcode.  Ctrl-C is the child's.
    """
    child = os.fork()
    if child == 0:
        return None
    before = signal.signal(signal.SIGINT, _nothing)
    try:
        _, status = os.waitpid(child, 0)
    finally:
        signal.signal(signal.SIGINT, before)
    return os.waitstatus_to_exitcode(status)


def _nothing(number: int, frame: object) -> None:
    """The child has got it, too."""


def wait(address: tuple[str, int], patience: float, so_path: str,
         tell: Callable[[str], None]) -> None:
    """Let an editor of this user's attach; EditorError when none does."""
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    import debugpy
    from debugpy.server import api

    # The adapter, a process of its own, is started as `python DIRECTORY ...`: serve_adapter.
    api.adapter = SimpleNamespace(__file__=os.path.join(so_path, "__main__.py"))
    debugpy.configure(python=sys.executable, subProcess=False)
    try:
        host, port = debugpy.listen(address)
    except RuntimeError as err:
        raise EditorError(f"debugpy: {err}") from None
    tell(f"waiting {patience / 60:.0f} minutes for an editor to attach (Ctrl-C ends that): "
         f"debugpy at {host}:{port}")
    too_late = threading.Timer(patience, lambda: debugpy.wait_for_client.cancel())
    too_late.daemon = True
    too_late.start()
    debugpy.wait_for_client()
    too_late.cancel()
    if not debugpy.is_client_connected():
        raise EditorError("no editor has come")


def serve_adapter(argv: list[str]) -> NoReturn:
    """debugpy's adapter, which has no password, for this user's connections alone."""
    from debugpy.adapter import __main__ as adapter
    from debugpy.common import sockets

    serve = sockets.serve
    session = os.pidfd_open(os.getppid())

    def serve_user(name: str, handler: Callable[[socket.socket], object],
                   *args: object, **keywords: object) -> object:
        def handle(sock: socket.socket) -> None:
            if uid_of_peer(sock) == os.geteuid():
                handler(sock)
            else:
                sock.close()
        # Only now: the adapter has forked, and its threads start here.
        threading.Thread(target=_end_with, args=(session,), daemon=True).start()
        return serve(name, handle, *args, **keywords)

    sockets.serve = serve_user
    adapter.main(adapter._parse_argv(argv))
    sys.exit()


def _end_with(pidfd: int) -> NoReturn:
    """Nothing listens for a program that has ended, whether its editor has noticed or not."""
    select.select([pidfd], [], [])
    time.sleep(_FAREWELL)
    os._exit(0)


def uid_of_peer(sock: socket.socket) -> int | None:
    """The user on the other side of a TCP connection within this machine; None: unknown."""
    other, own = _in_table(sock.getpeername()), _in_table(sock.getsockname())
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table:
            fields = line.split()
            # A closed connection (other states) belongs to nobody, which is shown as root.
            if fields[1:4] == [other, own, "01"]:
                return int(fields[7])
    return None


def _in_table(address: tuple[str, int]) -> str:
    (number,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{number:08X}:{address[1]:04X}"
