"""The cache directory: entries which are whole or absent, made once however many runs ask.

An entry is a directory. It is filled under a temporary name beside its place and then renamed,
under a lock of its own, so it may be deleted at any time and a killed run leaves nothing that a
later one could take for an entry.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterable, Iterator

from tests.lab import LabError

Fill = Callable[[Path], None]


def root() -> Path:
    """The cache directory, created when absent.

    Raises LabError when it belongs to another user or everybody may write to it.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
    directory = home / "mpykdump"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    except OSError as error:
        raise LabError(f"cannot use the cache directory {directory}: {error.strerror}") from error
    if status.st_uid != os.geteuid():
        raise LabError(f"the cache directory {directory} belongs to another user "
                       f"(uid {status.st_uid}); set XDG_CACHE_HOME to a directory of your own")
    if status.st_mode & stat.S_IWOTH:
        raise LabError(f"the cache directory {directory} is writable by everybody; "
                       f"run: chmod o-w {directory}")
    return directory


def entry(place: Path, fill: Fill, *, holds: Iterable[str] = (), refresh: bool = False,
          waiting: Callable[[], None] = lambda: None) -> Path:
    """Return the directory `place`, made by `fill(temporary directory)` where necessary.

    That is when it is absent, or lacks one of the files it `holds`, or with `refresh`. `waiting`
    is called once when another run is making the entry. What `fill` raises is passed on, and
    leaves the place as it was.
    """
    wanted = tuple(holds)
    if not refresh and _whole(place, wanted):
        return place
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(place, waiting):
        _remove_leftovers(place)
        if not refresh and _whole(place, wanted):
            return place
        partial = Path(tempfile.mkdtemp(prefix=_partial_prefix(place), dir=place.parent))
        try:
            fill(partial)
            _replace(place, partial)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return place


@contextmanager
def locked(place: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock of the entry `place`; `waiting` is called once when it is taken."""
    name = place.with_name(f".{place.name}.lock")
    while True:
        handle = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _flock(handle, waiting)
            if not _still_named(handle, name):
                continue
            yield
            return
        finally:
            os.close(handle)


def require_space(directory: Path, needed: int, purpose: str) -> None:
    """Raise LabError when the disk of `directory` has less than `needed` bytes free."""
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise LabError(f"{purpose} needs {needed >> 20} MB free in {directory}, "
                       f"which has {free >> 20} MB; free some, or set XDG_CACHE_HOME")


def prune(directory: Path, pattern: str, keep: int) -> None:
    """Remove the entries whose names match `pattern`, but for the `keep` last touched ones."""
    with locked(directory / "prune"):
        entries = sorted(directory.glob(pattern), key=lambda path: path.stat().st_mtime)
        for place in entries[:-keep]:
            with locked(place):
                shutil.rmtree(place, ignore_errors=True)


def _whole(place: Path, wanted: tuple[str, ...]) -> bool:
    return place.is_dir() and all((place / name).exists() for name in wanted)


def _flock(handle: int, waiting: Callable[[], None]) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        fcntl.flock(handle, fcntl.LOCK_EX)


def _still_named(handle: int, name: Path) -> bool:
    """Whether the locked file is still the one of that name: the cache may have been deleted."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(name))
    except FileNotFoundError:
        return False


def _partial_prefix(place: Path) -> str:
    return f".{place.name}.partial-"


def _remove_leftovers(place: Path) -> None:
    """Remove what killed runs left; the lock is held, so no living run owns any of it."""
    for leftover in place.parent.glob(_partial_prefix(place) + "*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _replace(place: Path, partial: Path) -> None:
    """Put `partial` at `place`; an older entry there is moved aside first and then removed."""
    old = Path(str(partial) + "-old")
    if place.exists():
        place.rename(old)
    partial.rename(place)
    shutil.rmtree(old, ignore_errors=True)
