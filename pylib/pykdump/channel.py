"""Owns the line between a session and a client outside: where they meet, who may, messages.

Used on both sides, so it needs Python alone.  A message is a JSON object on a line of its own.
Must not know what messages are about.
"""

from __future__ import annotations

import errno
import json
import os
import pwd
import select
import socket
import stat
import struct
import time
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PROTOCOL = 1
_LARGEST = 16 << 20     # bytes of a message; a longer one is none of ours
_STUCK = 30.0           # seconds without taking a byte after which the other side counts as gone
_MAX_PATH = 107         # bytes of a unix socket's name


class ChannelError(Exception):
    """A line that cannot be had, or an other side that may not have it; the text says why."""


class Gone(ChannelError):
    """The other side has left."""


class Channel:
    """One side of a line."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(_STUCK)
        self._socket = sock
        self._bytes = b""
        self._messages: deque[dict[str, Any]] = deque()
        self._ended = False
        self._reading = False           # handlers of signals may come in between

    @property
    def socket(self) -> socket.socket:
        return self._socket

    def send(self, **message: object) -> None:
        """Raises Gone when nobody takes it."""
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError as err:
            raise Gone("the other side has left") from err

    def receive(self, patience: float | None = None) -> dict[str, Any]:
        """The next message; Gone when there will be none, or none within `patience` seconds."""
        deadline = None if patience is None else time.monotonic() + patience
        self._reading = True
        try:
            while not self._messages:
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                if self._ended or not self.arrived(left):
                    raise Gone("the other side has left" if self._ended else "no answer")
                self._take()
            return self._messages.popleft()
        finally:
            self._reading = False

    def interrupted(self) -> bool:
        """Whether the other side has sent an interrupt, or has left; takes the interrupts out.

        For handlers of signals: False within `receive`, after which it is to be asked again, and
        within itself.
        """
        found = False
        while not self._reading:
            self._reading = True
            try:
                while not self._ended and self.arrived():
                    self._take()
                others = [message for message in self._messages if "interrupt" not in message]
                found = found or len(others) < len(self._messages)
                self._messages = deque(others)
            finally:
                self._reading = False
            # A handler that came in between has left its message to this one.
            if self._ended or not self.arrived():
                return found or self._ended
        return False

    def arrived(self, patience: float | None = 0) -> bool:
        """Whether something can be read, now or within so many seconds; None: for ever."""
        return bool(select.select([self._socket], [], [], patience)[0])

    @property
    def ended(self) -> bool:
        """Whether the other side is known to have left."""
        return self._ended

    def close(self) -> None:
        self._socket.close()

    def _take(self) -> None:
        try:
            data = self._socket.recv(1 << 16)
        except OSError:
            data = b""
        self._bytes += data
        *lines, self._bytes = self._bytes.split(b"\n")
        self._ended = not data or len(self._bytes) > _LARGEST
        for line in lines:
            self._parse(line)

    def _parse(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if isinstance(message, dict):
            self._messages.append(message)
        else:                   # no client of ours
            self._ended = True


def private_directory() -> str:
    """A directory that nobody else can enter, made when there is none.  Raises ChannelError."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime) and _is_private(runtime):
        path = os.path.join(runtime, "mpykdump")
    else:
        temporary = os.environ.get("TMPDIR", "")
        base = temporary if os.path.isabs(temporary) else "/tmp"
        path = os.path.join(base, f"mpykdump-{os.geteuid()}")
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except OSError as err:
        raise ChannelError(f"{path}: {err.strerror}") from err
    if not _is_private(path):
        raise ChannelError(f"{path} must be a directory of {user_name(os.geteuid())} that nobody "
                           f"else may enter (mode 0700): move it away")
    return path


def _is_private(path: str) -> bool:
    try:
        status = os.lstat(path)     # a link may be somebody else's
    except OSError:
        return False
    return (stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
            and not status.st_mode & 0o077)


def listen_here(name: str) -> tuple[socket.socket, str]:
    """A listening socket in the private directory and its path.  Raises ChannelError."""
    path = os.path.join(private_directory(), name)
    if len(os.fsencode(path)) > _MAX_PATH:
        raise ChannelError(f"{path}: too long a name for a socket, set XDG_RUNTIME_DIR or TMPDIR")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(sock.fileno(), 0o600)     # the file gets this mode from the start
        _remove_stale(path)
        sock.bind(path)
        sock.listen(8)
    except OSError as err:
        sock.close()
        raise ChannelError(f"{path}: {err.strerror}") from err
    return sock, path


def _remove_stale(path: str) -> None:
    """What a killed process left; PIDs come again."""
    try:
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
    except FileNotFoundError:
        pass


def remove(path: str) -> None:
    """Take a socket's name away; it may be gone."""
    try:
        os.unlink(path)
    except OSError:
        pass


def check_peer(sock: socket.socket) -> None:
    """Raises ChannelError when the other side of a unix socket is not of this user."""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, uid, _gid = struct.unpack("3i", credentials)
    if uid != os.geteuid():
        raise ChannelError(f"user {user_name(uid)} was refused: only {user_name(os.geteuid())} "
                           f"may connect")


def user_name(uid: int) -> str:
    """The name of a user; the number as text if it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def loopback_address(text: str) -> tuple[str, int]:
    """HOST:PORT of this machine alone; ChannelError for anything else."""
    host, colon, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not colon or not port.isdecimal() or int(port) > 0xffff:
        raise ChannelError(f"{text!r} is not HOST:PORT")
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as err:
        raise ChannelError(f"{host}: {getattr(err, 'strerror', None) or err}") from err
    address = str(found[4][0])
    if not address.startswith("127.") and address != "::1":
        raise ChannelError(f"{host} is not on this machine alone: anyone could listen in; "
                           f"use 127.0.0.1 and reach it with ssh -L")
    return address, int(port)


def listen_tcp(address: tuple[str, int]) -> socket.socket:
    """A listening socket of this machine.  Raises ChannelError."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(8)
    except OSError as err:
        sock.close()
        reason = "somebody else listens there" if err.errno == errno.EADDRINUSE else err.strerror
        raise ChannelError(f"{address[0]}:{address[1]}: {reason}") from err
    return sock
