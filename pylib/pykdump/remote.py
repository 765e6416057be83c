"""Owns `epython --listen`: waiting for the client of a debugger, and who may be it.

Must not know what a debugger does.
"""

from __future__ import annotations

import hmac
import os
import secrets
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import _pykdump

from . import channel, editor, errors, execution, output, path
from .channel import Channel, ChannelError
from .modes import Mode, ModeError
from .remotepdb import RemoteDebugger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .programs import Program

PATIENCE = 600.0        # seconds until a client must have come
_SHY = 2.0              # seconds that a client has to say who it is
_REFUSALS = 20          # clients that are sent away before waiting ends


class Listen(Mode):
    """epython --listen: the program runs in a debugger whose terminal is elsewhere."""

    def __init__(self, value: str | None) -> None:
        super().__init__(value)
        self._address = None
        only_pdb, _colon, where = (value or "").partition(":")
        self._editor = only_pdb != "pdb" and editor.is_installed()
        if only_pdb != "pdb":
            where = value or ""
        try:
            if where:
                self._address = channel.loopback_address(where)
        except ChannelError as err:
            raise ModeError(f"--listen: {err}") from err
        self._debugger: RemoteDebugger | None = None

    @contextmanager
    def around(self, program: Program) -> Iterator[None]:
        if self._editor:
            self._await_editor()
            yield
            return
        try:
            self._debugger = debugger = _wait(self._address)
        except ChannelError as err:
            print(f"epython: --listen: {err} (program not run)")
            raise SystemExit(2) from None
        try:
            debugger.start(program.code())
            yield
        except Exception:               # then comes `failed`
            sys.settrace(None)
            raise
        except BaseException as err:
            debugger.end("The program was interrupted" if isinstance(err, KeyboardInterrupt)
                         else "The program has ended")
            raise
        debugger.end("The program has ended")

    def _await_editor(self) -> None:
        """Returns in the child in which the program is to run."""
        status = editor.fork()
        if status == 130:
            raise KeyboardInterrupt
        if status is not None and status < 0:
            print(f"epython: the program's process was ended by "
                  f"{signal.Signals(-status).name}")
        if status is not None:
            raise SystemExit            # it has run
        try:
            editor.wait(self._address or ("127.0.0.1", editor.PORT), PATIENCE, path.so_path(),
                        _tell)
        except editor.EditorError as err:
            print(f"epython: --listen: {err} (program not run)")
            raise SystemExit(2) from None

    def failed(self, err: BaseException) -> None:
        if self._debugger is None:
            return
        tb = errors.of_program(err.__traceback__)
        try:
            if tb is not None and not isinstance(err, SystemExit):
                self._debugger.post_mortem(err, tb)
        finally:
            self._debugger.end("The program has ended")


def set_trace(address: str | None = None) -> None:
    """Stop the calling program in a debugger elsewhere: wait for its client unless there is one.

    `address`: HOST:PORT of this machine, or None for a private socket.  RuntimeError when there
    can be no client.
    """
    debugger = _Embedded.debugger
    if debugger is None or not debugger.connected:
        try:
            debugger = _wait(None if address is None else channel.loopback_address(address))
        except ChannelError as err:
            raise RuntimeError(f"set_trace: {err}") from None
        _Embedded.debugger = debugger
        execution.at_end(_end_embedded)
    debugger.set_trace(sys._getframe(1))


class _Embedded:
    debugger: RemoteDebugger | None = None


def _end_embedded() -> None:
    if _Embedded.debugger is not None:
        _Embedded.debugger.end("The program has ended")
        _Embedded.debugger = None


def _wait(address: tuple[str, int] | None) -> RemoteDebugger:
    """The debugger of the first client that may be one; ChannelError when none comes."""
    path = token = None
    if address is None:
        listener, path = channel.listen_here(f"debug-{os.getpid()}")
        how = f"mpykdump-attach {os.getpid()} --debugger"
    else:
        listener = channel.listen_tcp(address)
        token = secrets.token_urlsafe(16)
        host, port = listener.getsockname()[:2]
        how = f"mpykdump-attach {f'[{host}]' if ':' in host else host}:{port}, token {token}"
    try:
        _tell(f"waiting {PATIENCE / 60:.0f} minutes for a debugger (Ctrl-C ends that): {how}")
        return RemoteDebugger(_first_client(listener, token))
    finally:
        listener.close()
        if path is not None:
            channel.remove(path)


def _tell(text: str) -> None:
    """To the person at crash's terminal, wherever output goes."""
    if _pykdump.output_isatty():
        print(f"epython: {text}", flush=True)
    else:
        output.flush()
        output.complain(f"epython: {text}")


def _first_client(listener: socket.socket, token: str | None) -> Channel:
    deadline = time.monotonic() + PATIENCE
    for _attempt in range(_REFUSALS):
        left = max(0.0, deadline - time.monotonic())
        if not select.select([listener], [], [], left)[0]:
            raise ChannelError("no debugger has come")
        sock, _address = listener.accept()
        line = Channel(sock)
        try:
            _check(line, token)
            line.send(ready=os.getpid())
            return line
        except ChannelError as err:
            _tell(f"a client was sent away: {err}")
            _refuse(line, err)
        except BaseException:
            line.close()
            raise
    raise ChannelError("too many clients were sent away")


def _check(line: Channel, token: str | None) -> None:
    """Raises ChannelError for a client that may not be the debugger's."""
    if token is None:
        channel.check_peer(line.socket)
    wish = line.receive(_SHY)
    given = str(wish.get("token", "")).encode("utf-8", "replace")
    if token is not None and not hmac.compare_digest(given, token.encode()):
        raise ChannelError("wrong token")
    if wish.get("protocol") != channel.PROTOCOL or "debugger" not in wish:
        raise ChannelError("it is no debugger's, or of another version")


def _refuse(line: Channel, why: ChannelError) -> None:
    try:
        line.send(error=str(why))
    except channel.Gone:
        pass
    line.close()
