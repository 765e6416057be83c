"""Owns the file of switches that hold from the start of every session: `pyctl --save`.

There is none until somebody asks for it.  Must not know what the switches do.
"""

from __future__ import annotations

import os
import stat

from . import output, registry

_MOST = 1 << 16         # bytes


def file() -> str:
    """Where it is, or would be."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(folder):
        folder = os.path.expanduser("~/.config")
    return os.path.join(folder, "mpykdump", "switches")


def save() -> list[str]:
    """Keep what is set now, and nothing else; what was kept, as name=value.  OSError."""
    chosen = [f"{name}={text}" for name, text in registry.chosen().items()]
    if not chosen:
        try:
            os.unlink(file())
        except FileNotFoundError:
            pass
        return []
    os.makedirs(os.path.dirname(file()), 0o700, exist_ok=True)
    new = f"{file()}.{os.getpid()}"
    with open(new, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write("".join(f"{line}\n" for line in chosen))
    os.replace(new, file())
    return chosen


def load() -> None:
    """Set what was saved.  A line that cannot be honoured is told of, the others are."""
    try:
        text = _read()
    except FileNotFoundError:
        return
    except OSError as err:
        output.complain(f"mpykdump: {file()} is ignored: {err.strerror}")
        return
    for number, line in enumerate(text.splitlines(), 1):
        name, equals, value = line.partition("=")
        if not line.strip() or line.startswith("#"):
            continue
        try:
            if not equals:
                raise registry.RegistryError("it is not of the form name=value")
            registry.expect(name.strip(), value.strip())
        except registry.RegistryError as err:
            output.complain(f"mpykdump: {file()}, line {number} is ignored: {err}")


def _read() -> str:
    descriptor = os.open(file(), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as stream:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode) or info.st_size > _MOST:
            raise OSError(0, "it is no file of settings")
        if info.st_uid not in (os.geteuid(), 0) or info.st_mode & 0o022:
            raise OSError(0, "others may write to it")
        return stream.read(_MOST).decode("utf-8", "replace")
