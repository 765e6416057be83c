"""Owns where log records go to: the output of the running command, a file, or syslog.

Handlers are put on the loggers that a person has asked for only, so that `logging.basicConfig` of a
program works as ever.  Must not know which loggers those are.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import sys
from contextlib import suppress
from typing import Any

from .registry import RegistryError

_TERMINAL = "%(levelname)s %(name)s: %(message)s"
_FILE = "%(asctime)s [%(process)d] %(levelname)s %(name)s: %(message)s"
_SYSLOG = "mpykdump[%(process)d]: %(levelname)s %(name)s: %(message)s"
_LOCAL_SYSLOG = "/dev/log"
_SYSLOG_PORT = 514
_TOLD = "mpykdump_told"         # an attribute of records


class _Terminal(logging.StreamHandler[Any]):
    """Into the output of the command that runs, which is another one for each."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:    # type: ignore[override]
        return sys.stderr

    def handleError(self, record: logging.LogRecord) -> None:
        # An output that is no more ends the command in its own way (output.py).
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


class _Elsewhere(logging.Handler):
    """What files and syslog have in common: they may fail long after they were chosen."""

    told = False

    def handleError(self, record: logging.LogRecord) -> None:
        err = sys.exc_info()[1]
        if not isinstance(err, OSError):
            super().handleError(record)
        elif not self.told:
            self.told = True
            print(f"log: records are lost: {err.strerror or err}", file=sys.stderr)


class _File(_Elsewhere, logging.FileHandler):
    pass


class _Sink(logging.Handler):
    """What is put on loggers; it passes on to the destination in force, each record once."""

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, _TOLD, False):
            return
        setattr(record, _TOLD, True)
        target = _State.target
        if not (isinstance(target, _Terminal) and _shown_by_program(record)):
            target.handle(record)


def _shown_by_program(record: logging.LogRecord) -> bool:
    """Has the program a handler of its own that writes this to the same place?"""
    logger: logging.Logger | None = logging.getLogger(record.name)
    while logger is not None:
        if any(getattr(handler, "stream", None) is sys.stderr and record.levelno >= handler.level
               for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


class _State:
    sink = _Sink()
    # For loggers that nobody has asked for: warnings go the same way.
    fallback = _Sink(logging.WARNING)
    python_fallback = logging.lastResort
    target: logging.Handler


def _formatted(handler: logging.Handler, form: str) -> logging.Handler:
    handler.setFormatter(logging.Formatter(form))
    return handler


_State.target = _formatted(_Terminal(), _TERMINAL)


def attach(logger: logging.Logger) -> None:
    """Let what this logger and those below it let through be heard."""
    logger.addHandler(_State.sink)


def detach(logger: logging.Logger) -> None:
    """What the logger says goes to the sink no more."""
    logger.removeHandler(_State.sink)


def parsed(text: str) -> str:
    """A destination as it is kept; RegistryError for one that cannot be."""
    kind, colon, rest = text.partition(":")
    if text in ("terminal", "syslog"):
        return text
    if kind == "file" and rest:
        return "file:" + os.path.abspath(os.path.expanduser(rest))
    if kind == "syslog" and rest:
        _address(rest)
        return text
    raise RegistryError(f"{text!r} is none of terminal, file:PATH, syslog, syslog:PATH, "
                        "syslog:HOST[:PORT]")


def redirect(where: str) -> None:
    """Send records elsewhere from now on; RegistryError when that cannot be, nothing is changed."""
    kind, _colon, rest = where.partition(":")
    try:
        if kind == "file":
            target = _file(rest)
        elif kind == "syslog":
            target = _syslog(rest or _LOCAL_SYSLOG)
        else:
            target = _formatted(_Terminal(), _TERMINAL)
    except OSError as err:
        raise RegistryError(f"{rest or _LOCAL_SYSLOG}: {err.strerror or err}") from err
    before, _State.target = _State.target, target
    logging.lastResort = (_State.python_fallback if kind == "terminal"
                          else _State.fallback)  # type: ignore[assignment]
    with suppress(OSError):
        before.close()


def _file(path: str) -> logging.Handler:
    # A pipe without a reader would stop the session here.
    if os.path.exists(path) and not (os.path.isfile(path) or stat.S_ISCHR(os.stat(path).st_mode)):
        raise OSError(0, "it is not a file that can be written to")
    return _formatted(_File(path, encoding="utf-8", errors="backslashreplace"), _FILE)


def _address(text: str) -> str | tuple[str, int]:
    """Of a syslog: a socket's path, or host and port; RegistryError for a bad port."""
    if text.startswith("/"):
        return text
    host, colon, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "")
    if not colon:
        return text, _SYSLOG_PORT
    if not host or not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536):
        raise RegistryError(f"syslog: {text!r} is not HOST or HOST:PORT")
    return host, int(port)


def _syslog(text: str) -> logging.Handler:
    from logging.handlers import SysLogHandler

    address = _address(text)
    if isinstance(address, str):
        _try(address)

    class _Syslog(_Elsewhere, SysLogHandler):
        pass

    return _formatted(_Syslog(address=address), _SYSLOG)


def _try(path: str) -> None:
    """OSError when nobody takes a log at this socket: the handler would not tell."""
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        try:
            datagrams.connect(path)
            return
        except OSError as err:
            if err.errno != errno.EPROTOTYPE:
                raise
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.connect(path)
