"""Owns pdb with its terminal elsewhere: the debugger of one program, talking to one client.

Must not know how the client was found.
"""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import AbstractContextManager
from types import CodeType, FrameType, TracebackType

from . import alerts, clientio
from .channel import Channel, Gone
from .debugger import Debugger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class RemoteDebugger(Debugger):
    """pdb whose prompt is a client's; Ctrl-C there stops the program, leaving detaches."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self.use_rawinput = False       # which is crash's terminal's
        self._stream = clientio.ClientStream(channel)
        self._channel = channel
        self._process = os.getpid()
        self._stopping = False          # the client has pressed Ctrl-C
        self._then = ", the program goes on"
        self._hook = sys.breakpointhook
        alerts.watch(channel.socket, self._on_alert)
        sys.breakpointhook = self._on_breakpoint

    @property
    def connected(self) -> bool:
        return self._channel.socket.fileno() >= 0

    # -- from the program's begin to its end --

    def start(self, code: CodeType) -> None:
        """Stop at the first line of `code`, which is about to run."""
        def first(frame: FrameType, event: str, arg: object) -> Any:
            if frame.f_code is not code:
                return None
            self.reset()
            sys.settrace(self.trace_dispatch)
            return self.trace_dispatch(frame, event, arg)
        sys.settrace(first)

    def post_mortem(self, err: BaseException, tb: TracebackType) -> None:
        """Let the client look at what ended the program."""
        if not self.connected:
            return
        self._then = ""
        try:
            traceback.print_exception(type(err), err, tb, file=self._stream)
        except Gone:
            self._lose()
            return
        self.message("Uncaught exception. Entering post mortem debugging")
        self.reset()
        self.interaction(None, tb)

    def end(self, why: str) -> None:
        """Tell the client, and let it go."""
        sys.settrace(None)
        sys.breakpointhook = self._hook
        if not self.connected:
            return
        alerts.forget(self._channel.socket)
        try:
            self._stream.write(f"{why}\n")
            self._stream.flush()
            self._channel.send(end=0)
        except Gone:
            pass
        self._channel.close()

    def _lose(self) -> None:
        """The client has left: the program goes on without a debugger."""
        if not self.connected:
            return
        alerts.forget(self._channel.socket)
        self._channel.close()
        self.clear_all_breaks()
        self.set_continue()
        sys.settrace(None)
        print(f"epython: the debugger's client has left{self._then}", flush=True)

    # -- signals --

    def _on_alert(self, frame: FrameType | None) -> None:
        if not self._channel.interrupted():
            return
        if self._talking:               # a command of the client's runs
            raise clientio.Interrupted
        if self._channel.ended:
            self._lose()
        elif self._stopping:            # it has not come to a line since: a loop in C
            raise KeyboardInterrupt
        elif frame is not None:
            self._stopping = True
            self.set_trace(frame)

    def _on_breakpoint(self, *args: object, **keywords: object) -> None:
        if self.connected:
            self.set_trace(sys._getframe(1))
        else:
            self._hook(*args, **keywords)

    # -- pdb's own --

    def trace_dispatch(self, frame: FrameType, event: str, arg: Any) -> Any:
        if os.getpid() != self._process:        # a fork of the program
            sys.settrace(None)
            return None
        return super().trace_dispatch(frame, event, arg)

    def _conversation(self) -> AbstractContextManager[None]:
        return clientio.served(self._stream)

    def interaction(self, *where: Any) -> None:
        self._stopping = False
        if not self.connected:
            return
        try:
            super().interaction(*where)
        except Gone:
            self._lose()

    def _cmdloop(self) -> None:
        while True:
            try:
                self.cmdloop()
                return
            except clientio.Interrupted:
                self.message("--KeyboardInterrupt--")

    def error(self, msg: str) -> None:
        # A command that meets the client's end reports that as an error of its own.
        super().error(msg)
        if self._channel.ended:
            raise Gone(msg)

    def do_detach(self, arg: str) -> bool:
        """detach

        Leave; the program goes on without a debugger.
        """
        self.clear_all_breaks()
        self.set_continue()
        self.end("detached, the program goes on")
        return True

    def do_run(self, arg: str) -> None:
        """run

        Not here: type the epython command again at crash's prompt.
        """
        self.error("type the epython command again at crash's prompt")

    do_restart = do_run
