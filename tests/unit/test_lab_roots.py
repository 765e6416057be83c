"""The lab's roots: what runs in one leaves nothing behind, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab import LabError, roots, suites
from tests.lab.progress import Progress
from tests.lab.roots import Bind

ROOT = Path("/")            # every root directory will do, this one too
ENVIRONMENT = {"PATH": os.environ["PATH"]}
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


@pytest.fixture(name="place")
def mount_point() -> str:
    """A directory that every root has, and where nothing is mounted."""
    assert not os.path.ismount("/mnt")
    return "/mnt"


def mounts() -> str:
    return Path("/proc/self/mounts").read_text()


@only_root
def test_what_is_bound_is_seen_inside_alone(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("content")
    before = mounts()
    inside = 'test "$(cat file)" = content && test "$$" = 1 && test "$WORD" = "two words"'
    assert roots.run(ROOT, [Bind(tmp_path, place)], place, {**ENVIRONMENT, "WORD": "two words"},
                     ["sh", "-c", inside]) == 0
    assert mounts() == before and not os.path.ismount(place)


@only_root
def test_only_what_is_writable_is_written_to(tmp_path: Path, place: str) -> None:
    for writable in (False, True):
        status = roots.run(ROOT, [Bind(tmp_path, place, writable)], place, ENVIRONMENT,
                           ["sh", "-c", "exec 2>/dev/null; echo > made"])
        assert ((tmp_path / "made").exists(), status == 0) == (writable, writable)


@only_root
def test_an_exit_status_is_handed_on(place: str) -> None:
    assert roots.run(ROOT, [], place, ENVIRONMENT, ["sh", "-c", "exit 7"]) == 7


@only_root
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_no_process_and_no_mount(tmp_path: Path, place: str,
                                                            number: int) -> None:
    before = mounts()
    program = ("import signal; from pathlib import Path; from tests.lab.roots import *\n"
               "signal.signal(signal.SIGINT, signal.default_int_handler)     # or it is inherited\n"
               f"run(Path('/'), [Bind(Path('{tmp_path}'), '{place}')], '{place}',\n"
               f"    {ENVIRONMENT!r}, ['sh', '-c', 'sleep {tmp_path.stat().st_ino}'])")
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: sleepers(tmp_path))
        process.send_signal(number)
        process.wait()
    wait_for(lambda: not sleepers(tmp_path))
    assert mounts() == before


def sleepers(directory: Path) -> list[str]:
    wanted = f"sleep\0{directory.stat().st_ino}\0".encode()
    return [path.parent.name for path in Path("/proc").glob("[0-9]*/cmdline")
            if read(path) == wanted]


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_who_is_not_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="only root"):
        roots.get("trixie", Progress(lambda line: None))


@pytest.mark.parametrize("name", ["", "../x", "Trixie", "a b", "-x"])
def test_a_suite_has_the_name_of_one(name: str) -> None:
    with pytest.raises(LabError, match="not the name"):
        suites.source(name)
