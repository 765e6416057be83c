"""Owns the running of code that a client outside sends: payloads and the shell of mpykdump-attach.

Nothing listens unless it is switched on.  What is sent runs in the main thread between two
bytecodes of the program, or at crash's prompt.  Must not know how a client finds the session.
"""

from __future__ import annotations

import atexit
import builtins
import linecache
import os
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

import _pykdump

from . import alerts, channel, clientio, registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SHY = 2.0              # seconds that a client has to say what it wants

attach: int             # the switch


class _Server:
    """The listening socket of this session."""

    def __init__(self) -> None:
        self._socket, self._path = channel.listen_here(f"attach-{os.getpid()}")
        self._socket.setblocking(False)
        self._process = os.getpid()
        self._serving = False
        alerts.watch(self._socket, self._on_arrival)
        atexit.register(self.close)

    def close(self) -> None:
        if self._socket.fileno() < 0:
            return
        atexit.unregister(self.close)
        alerts.forget(self._socket)
        self._socket.close()
        if os.getpid() == self._process:    # and not a fork of it
            channel.remove(self._path)

    def _on_arrival(self, frame: FrameType | None) -> None:
        # A loop of the engine holds what code from outside would change.
        _pykdump.call_outside_loops(self._serve)

    def _serve(self) -> None:
        """Answer all that have connected."""
        if self._serving:
            return
        frame = _program_frame()
        taken_back = False
        self._serving = True
        try:
            while not taken_back:
                try:
                    sock, _address = self._socket.accept()
                except OSError:         # nobody else
                    break
                taken_back = _Conversation(sock, frame).hold()
        finally:
            self._serving = False
        if taken_back:
            raise KeyboardInterrupt


def _program_frame() -> FrameType | None:
    """The innermost frame that is not of this machinery."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename in _OWN_FILES:
        frame = frame.f_back
    return frame


class _Conversation:
    """One client, from its connection to its end."""

    def __init__(self, sock: socket.socket, frame: FrameType | None) -> None:
        self._channel = channel.Channel(sock)
        self._stream = clientio.ClientStream(self._channel)
        self._guard = clientio.Guard(self._channel)
        self._frame = frame
        self._taken_back = False

    def hold(self) -> bool:
        """Whether Ctrl-C was pressed at the session's own terminal meanwhile."""
        sock = self._channel.socket
        sigint = signal.signal(signal.SIGINT, self._on_sigint)
        process = os.getpid()
        try:
            alerts.watch(sock, self._guard.on_alert)
            channel.check_peer(sock)
            self._obey(self._channel.receive(_SHY))
        except channel.ChannelError as err:
            self._tell(error=str(err))
        except KeyboardInterrupt:
            self._tell(error="interrupted at the session's terminal")
        finally:
            if os.getpid() != process:
                os._exit(0)             # a child that a payload forked and let fall through
            alerts.forget(sock)
            self._channel.close()
            signal.signal(signal.SIGINT, sigint)
        return self._taken_back

    def _tell(self, **message: object) -> None:
        try:
            self._channel.send(**message)
        except channel.Gone:
            pass                        # it need not be told

    def _on_sigint(self, number: int, frame: FrameType | None) -> None:
        self._taken_back = True
        self._stream.finish()
        raise KeyboardInterrupt

    def _obey(self, wish: dict[str, Any]) -> None:
        if wish.get("protocol") != channel.PROTOCOL:
            raise channel.ChannelError(f"the session speaks protocol {channel.PROTOCOL}, this "
                                       f"client {wish.get('protocol')}: use those of one version")
        names: dict[str, object] = {"__name__": "__attached__", "__builtins__": builtins,
                                    "frame": self._frame, "exit": sys.exit, "quit": sys.exit}
        self._channel.send(ready=os.getpid())
        status = 0
        with clientio.served(self._stream), _untraced():
            if "payload" in wish:
                status = self._run(str(wish["payload"]), str(wish.get("name", "payload")), names)
            else:
                clientio.Console(self._stream, names, self._guard).converse(self._banner())
        if self._taken_back:
            raise KeyboardInterrupt
        self._stream.flush()
        self._channel.send(end=status)

    def _run(self, source: str, name: str, names: dict[str, object]) -> int:
        """The payload; the client's exit status."""
        names["__file__"] = name
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        try:
            self._guard.run(compile(source, name, "exec", dont_inherit=True), names)
            return 0
        except SystemExit as err:
            if err.code is not None and not isinstance(err.code, int):
                print(err.code)
                return 1
            return err.code or 0
        except channel.Gone:
            raise
        except clientio.Interrupted as err:
            traceback.print_tb(_of_payload(err.__traceback__), file=sys.stdout)
            print("KeyboardInterrupt")
            return 130
        except BaseException as err:    # it must not end the program that was interrupted
            traceback.print_exception(type(err), err, _of_payload(err.__traceback__))
            return 1
        finally:
            linecache.cache.pop(name, None)

    def _banner(self) -> str:
        text = f"Python {sys.version}\nprocess {os.getpid()}: "
        if self._frame is None:
            return text + "no program runs"
        code = self._frame.f_code
        line = self._frame.f_lineno or code.co_firstlineno      # None before its first line
        return f"{text}interrupted in {code.co_filename}, line {line}; its frame is `frame`"


@contextmanager
def _untraced() -> Iterator[None]:
    """A debugger or profiler of the program has nothing to do with what comes from outside."""
    trace, profile = sys.gettrace(), sys.getprofile()
    sys.settrace(None)
    sys.setprofile(None)
    try:
        yield
    finally:
        sys.setprofile(profile)
        sys.settrace(trace)


def _of_payload(tb: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames that started the payload, and those that ended it."""
    while tb is not None and tb.tb_frame.f_code.co_filename in _OWN_FILES:
        tb = tb.tb_next
    last = tb
    while last is not None and last.tb_next is not None:
        if last.tb_next.tb_frame.f_code.co_filename in _OWN_FILES:
            last.tb_next = None
            break
        last = last.tb_next
    return tb


_OWN_FILES = frozenset(function.__code__.co_filename for function in
                       (_of_payload, alerts.watch, clientio.Guard.run))


class _State:
    server: _Server | None = None


def _switch(wanted: object) -> None:
    if wanted and _State.server is None:
        _State.server = _Server()
    elif not wanted and _State.server is not None:
        _State.server.close()
        _State.server = None


registry.registerModuleAttr("attach", default=0, on_change=_switch, listed=False,
                            help="1: mpykdump-attach may run payloads and a shell here")


def start() -> None:
    """The session starts: PYKDUMP_ATTACH says whether clients may run code in it."""
    text = os.environ.get("PYKDUMP_ATTACH")
    if not text:
        return
    try:
        if registry.convert(text, bool):
            registry.set_values({"attach": "1"})
    except ValueError as err:
        print(f"mpykdump: PYKDUMP_ATTACH: {err}", file=sys.stderr)


def stop() -> None:
    """The plug-in is unloaded, or the process ends."""
    registry.reset(["attach"])
