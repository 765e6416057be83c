"""Owns mpykdump-attach: looking into a crash session from outside.

Runs in a Python of its own, beside the session, and needs Python alone.  Must not know what a
session does with what it is sent.
"""

from __future__ import annotations

import argparse
import fcntl
import io
import os
import re
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator

from . import alerts, channel

_STACKS = re.compile(r"/memfd:mpykdump-stacks-(\d+)-(\d+) \(deleted\)")
_STACKS_PROTOCOL = 1    # extension/epython/stacks.h
_PATIENCE = 10.0        # seconds for the stacks
_STOPPED = {"T": "it is stopped, continue it first (fg)", "t": "gdb or strace has stopped it"}
_NOTICE = 1.0           # seconds after which a wait is explained

_DESCRIPTION = """Look into a running crash session that has mpykdump loaded.

  mpykdump-attach PID               the Python stacks of all its threads, whatever it does
  mpykdump-attach PID FILE          run a Python file in it; what that prints comes here
  mpykdump-attach PID --shell       a Python prompt in it; the program waits meanwhile
  mpykdump-attach PID --debugger    the debugger of `epython --listen` in it
  mpykdump-attach HOST:PORT         the same, where it listens with a token

FILE and --shell need PYKDUMP_ATTACH=1 in crash's environment, or at its prompt
epython pyctl --set attach=1.  Only the session's own user may attach."""


class Refused(Exception):
    """What was asked cannot be done; the text is one line for a person."""


def main(argv: list[str]) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(
        prog="mpykdump-attach", description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("session", metavar="PID|HOST:PORT", help="where to attach")
    parser.add_argument("file", nargs="?", metavar="FILE", help="Python to run there, - for stdin")
    parser.add_argument("--shell", action="store_true", help="a Python prompt there")
    parser.add_argument("--debugger", action="store_true", help="the debugger that waits there")
    options = parser.parse_args(argv)
    if bool(options.file) + options.shell + options.debugger > 1:
        parser.error("FILE, --shell and --debugger exclude each other")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _obey(options)
    except (Refused, channel.ChannelError) as err:
        print(f"mpykdump-attach: {err}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)    # or Python complains at its end
        return 1
    except KeyboardInterrupt:
        print()
        return 130


def _obey(options: argparse.Namespace) -> int:
    if ":" in options.session:
        if options.file or options.shell:
            raise Refused("only the debugger listens at HOST:PORT")
        return _debug_by_tcp(options.session)
    session = _Session(options.session)
    if options.debugger:
        return _talk(session.connect("debug-"), debugger=True)
    if options.shell:
        return _talk(session.connect("attach-"), session.nudge, shell=True)
    if options.file:
        name, source = _source(options.file)
        return _talk(session.connect("attach-"), session.nudge, payload=source, name=name)
    session.print_stacks()
    return 0


def _source(file: str) -> tuple[str, str]:
    try:
        if file == "-":
            return "<stdin>", sys.stdin.read()
        with open(file, encoding="utf-8") as stream:
            return os.path.abspath(file), stream.read()
    except OSError as err:
        raise Refused(f"{file}: {err.strerror}") from err
    except UnicodeDecodeError as err:
        raise Refused(f"{file} is not Python: {err}") from err


class _Session:
    """A process that is a crash session of this user's."""

    def __init__(self, text: str) -> None:
        if not text.isdecimal() or not 0 < int(text) < 1 << 31:
            raise Refused(f"{text!r} is not a PID")
        self._pid = int(text)
        try:
            self._pidfd = os.pidfd_open(self._pid)      # the PID cannot become another's
            owner = os.stat(f"/proc/{self._pid}").st_uid
        except OSError as err:
            raise Refused(f"no process {self._pid}") from err
        if owner != os.geteuid():
            raise Refused(f"process {self._pid} is user {channel.user_name(owner)}'s: only "
                          f"{channel.user_name(owner)} may attach")
        self._file, self._signal = self._stacks_file()

    def _stacks_file(self) -> tuple[str, int]:
        for path, target in self._descriptors():
            found = _STACKS.fullmatch(target)
            if found and int(found[1]) == _STACKS_PROTOCOL:
                return path, int(found[2])
            if found:
                raise Refused(f"process {self._pid} has an mpykdump of another version: use its "
                              f"own mpykdump-attach")
        raise Refused(self._why_not())

    def _descriptors(self) -> Iterator[tuple[str, str]]:
        directory = f"/proc/{self._pid}/fd"
        try:
            for name in os.listdir(directory):
                try:
                    yield f"{directory}/{name}", os.readlink(f"{directory}/{name}")
                except FileNotFoundError:
                    pass                                # closed meanwhile
        except OSError as err:
            raise Refused(f"process {self._pid} cannot be looked into: {err.strerror}") from err

    def _why_not(self) -> str:
        try:
            program = os.path.basename(os.readlink(f"/proc/{self._pid}/exe"))
            with open(f"/proc/{self._pid}/maps", encoding="utf-8", errors="replace") as maps:
                mapped = maps.read()
        except OSError as err:
            return f"process {self._pid} cannot be looked into: {err.strerror}"
        if program.removesuffix(" (deleted)") != "crash":
            return f"process {self._pid} is no crash session but {program}"
        if "mpykdump.so" in mapped:
            return f"the mpykdump in process {self._pid} is too old to be attached to"
        return f"crash {self._pid} has no mpykdump loaded (extend mpykdump.so)"

    def print_stacks(self) -> None:
        """The Python stacks of all threads, as the session's signal handler writes them."""
        text = self._stacks()
        begin, _, stacks = text.partition("\n")
        command = begin.split(" ", 2)[2]
        doing = f"runs: {command}" if command else "runs no program"
        print(f"crash {self._pid} {doing}\n\n{stacks.rpartition('end ')[0]}", end="", flush=True)

    def _stacks(self) -> str:
        with open(self._file, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)            # against other clients
            file.truncate(0)
            self._check_alive()
            signal.pidfd_send_signal(self._pidfd, self._signal)
            end = f"\nend {self._pid} \n"
            started = time.monotonic()
            while True:
                text = os.pread(file.fileno(), 1 << 24, 0).decode("utf-8", "replace")
                if text.endswith(end):
                    return text
                self._check_alive()
                if self._state() in _STOPPED or time.monotonic() - started > _PATIENCE:
                    raise Refused(f"crash {self._pid} does not answer: {self._why_silent()}")
                time.sleep(0.005)

    def _check_alive(self) -> None:
        if select.select([self._pidfd], [], [], 0)[0]:
            raise Refused(f"crash {self._pid} has ended")

    def _state(self) -> str:
        """A letter, as ps shows it."""
        try:
            with open(f"/proc/{self._pid}/stat", encoding="utf-8", errors="replace") as file:
                return file.read().rpartition(")")[2].split()[0]
        except OSError:
            return "X"

    def _why_silent(self) -> str:
        state = self._state()
        return _STOPPED.get(state, f"its state is {state}")

    def connect(self, prefix: str) -> channel.Channel:
        """To the socket in it whose name begins so."""
        path = self._socket_path(prefix)
        if path is None and prefix == "attach-":
            raise Refused(f"crash {self._pid} runs nobody else's code: type `epython pyctl --set "
                          f"attach=1` at its prompt, or start it with PYKDUMP_ATTACH=1")
        if path is None:
            raise Refused(f"in crash {self._pid} no debugger waits: epython --listen PROG")
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(path)
        except OSError as err:
            raise Refused(f"{path}: {err.strerror}") from err
        channel.check_peer(sock)
        return channel.Channel(sock)

    def nudge(self) -> None:
        """Have the session look at its sockets again: crash's prompt may have missed the signal.

        Only for code to be run: a session that waits for a debugger may be one that knows nothing
        of the signal, which would end it.
        """
        self._check_alive()
        signal.pidfd_send_signal(self._pidfd, signal.SIGIO)

    def _socket_path(self, prefix: str) -> str | None:
        own = {target[8:-1] for _, target in self._descriptors() if target.startswith("socket:[")}
        with open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as table:
            for line in table:
                fields = line.rstrip("\n").split(maxsplit=7)
                if (len(fields) == 8 and fields[6] in own
                        and os.path.basename(fields[7]) == f"{prefix}{self._pid}"):
                    return fields[7]
        return None


def _debug_by_tcp(address: str) -> int:
    host, port = channel.loopback_address(address)
    token = os.environ.get("PYKDUMP_TOKEN") or _ask_token()
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        sock.connect((host, port))
    except OSError as err:
        raise Refused(f"{address}: {err.strerror}") from err
    return _talk(channel.Channel(sock), debugger=True, token=token)


def _ask_token() -> str:
    import getpass
    try:
        return getpass.getpass("token: ")
    except EOFError:
        raise Refused("a token is needed: the session shows it") from None


def _talk(line: channel.Channel, nudge: Callable[[], object] | None = None,
          **wish: object) -> int:
    """The conversation until the session ends it; the exit status."""
    if sys.stdin.isatty():
        import readline  # noqa: F401 - input() edits lines with it
    line.send(protocol=channel.PROTOCOL, **wish)
    _await_ready(line, nudge)
    typing = _Typing(line)
    try:
        return _converse(line, typing)
    finally:
        typing.end()


def _converse(line: channel.Channel, typing: _Typing) -> int:
    while True:
        try:
            message = line.receive()
        except channel.Gone:
            raise Refused("the session has ended, or has hung up") from None
        if "output" in message:
            sys.stdout.write(message["output"])
            sys.stdout.flush()
        elif "prompt" in message:
            typing.answer(message["prompt"])
        elif "error" in message:
            raise Refused(message["error"])
        elif "end" in message:
            return int(message["end"])


def _await_ready(line: channel.Channel, nudge: Callable[[], object] | None) -> None:
    told = False
    while not line.arrived(_NOTICE):
        if not told:
            print("mpykdump-attach: waiting until a command of crash or a loop in C has ended; "
                  "Ctrl-C gives up", file=sys.stderr)
        told = True
        if nudge is not None:
            nudge()
    message = line.receive()
    if "error" in message:
        raise Refused(message["error"])


class _SessionSpoke(Exception):
    """While a line is being typed: it has ended, or has been taken back."""


class _Typing:
    """A person at the keyboard, whose line is given up when the session speaks."""

    _SIGNALS = (signal.SIGINT, signal.SIGIO)

    def __init__(self, line: channel.Channel) -> None:
        self._line = line
        self._active = False
        alerts.watch(line.socket, self._on_alert)
        signal.signal(signal.SIGINT, self._on_sigint)

    def end(self) -> None:
        """Before Python ends, which would let SIGIO end the process."""
        alerts.forget(self._line.socket)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def answer(self, prompt: str) -> None:
        """Send what is typed."""
        try:
            self._active = True
            self._on_alert(None)
            text = input(prompt)
            self._stop()
            self._line.send(line=text)
        except _SessionSpoke:
            print()
        except EOFError:
            self._stop()
            self._line.send(eof=True)
        except KeyboardInterrupt:
            print()
            self._line.send(interrupt=True)
        finally:
            self._active = False
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._SIGNALS)

    def _stop(self) -> None:
        """No exception of a handler's from now on; a second one within input() is an error of
        Python's, and one while a line is sent would cut it."""
        self._active = False
        signal.pthread_sigmask(signal.SIG_BLOCK, self._SIGNALS)

    def _on_sigint(self, number: int, frame: object) -> None:
        if self._active:
            self._stop()
            raise KeyboardInterrupt
        try:
            self._line.send(interrupt=True)
        except channel.Gone:
            pass                        # it is about to be noticed

    def _on_alert(self, frame: object) -> None:
        # The signal may come after what it tells of has been read.
        if self._active and self._line.arrived():
            self._stop()
            raise _SessionSpoke
