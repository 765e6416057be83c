"""The programs that are measured: crash at its prompt, and workers inside crash and with drgn."""

import ast
import os
import select
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable, Optional

import pexpect  # type: ignore[import]

HERE = Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
PROMPT = "crash> "
TIMEOUT = 180.0         # seconds; far more than anything takes
POLL = 1.0
OPEN_DUMP = """
import drgn
def open_dump():
    prog = drgn.Program()
    prog.set_core_dump({vmcore!r})
    prog.load_debug_info([{vmlinux!r}])
    return prog
"""


class BenchError(Exception):
    """Something that is measured does not run; the message is meant for people."""


class Absent(BenchError):
    """A snippet uses what is not there."""


class Worker:
    """The other end of worker.py: it is given FIFOs, and whoever owns it starts it with them.

    What it writes to its `terminal` is read and forgotten, lest it wait for a reader.
    """

    def __init__(self, alive: Callable[[], bool], terminal: Optional[int] = None) -> None:
        self._alive = alive
        self._terminal = [] if terminal is None else [terminal]
        self._resources = ExitStack()
        self._directory = Path(self._resources.enter_context(tempfile.TemporaryDirectory()))
        self.paths = [self._directory / name for name in ("requests", "replies")]
        self._requests, self._replies = map(self._fifo, self.paths)
        self._buffer = b""

    def open(self, statements: str) -> None:
        """Run statements whose names all rows have."""
        self._request(do="open", statements=statements)

    def set_up(self, setup: str, expression: str) -> None:
        """Begin a row."""
        self._request(do="set up", setup=setup, expression=expression)

    def run(self, count: int) -> float:
        """The seconds that the row's expression takes `count` times."""
        return float(self._request(do="run", count=count)["seconds"])

    def ask(self, expression: str) -> Any:
        """The value of an expression among the row's names."""
        return self._request(do="ask", expression=expression)["value"]

    def end(self) -> None:
        """Let it end by itself."""
        os.write(self._requests, b"{}\n")

    def close(self) -> None:
        """Remove the FIFOs."""
        self._resources.close()

    def _fifo(self, path: Path) -> int:
        os.mkfifo(path, 0o600)
        # Both ways: so the opening does not wait for the other side.
        handle = os.open(path, os.O_RDWR)
        self._resources.callback(os.close, handle)
        return handle

    def _request(self, **request: Any) -> dict[str, Any]:
        os.write(self._requests, f"{request!r}\n".encode())
        reply: dict[str, Any] = ast.literal_eval(self._line().decode())
        if "absent" in reply:
            raise Absent(reply["absent"])
        if "error" in reply:
            raise BenchError(reply["error"])
        return reply

    def _line(self) -> bytes:
        deadline = time.monotonic() + TIMEOUT
        while b"\n" not in self._buffer:
            ready = select.select([self._replies, *self._terminal], [], [], POLL)[0]
            if self._replies in ready:
                self._buffer += os.read(self._replies, 1 << 16)
            elif not self._alive():
                raise BenchError("a program that was measured has ended")
            elif ready:
                os.read(self._terminal[0], 1 << 16)
            elif time.monotonic() > deadline:
                raise BenchError(f"no answer to a snippet within {TIMEOUT:.0f} s")
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


class Crash:
    """crash on a terminal; `started` is how many seconds it took to show its prompt."""

    def __init__(self, vmlinux: Path, vmcore: Path, home: Path) -> None:
        (home / ".crashrc").write_text("set scroll off\n")
        environment = {"HOME": str(home), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "dumb",
                       "LANG": "C.UTF-8", "PYKDUMPPATH": str(HERE)}
        begin = time.perf_counter()
        self._child = pexpect.spawn(
            "crash", ["-s", str(vmlinux), str(vmcore)], cwd=str(home), env=environment,
            echo=False, dimensions=(50, 200), encoding="utf-8", timeout=TIMEOUT)
        self._child.delaybeforesend = None
        self.await_prompt()
        self.started = time.perf_counter() - begin
        self.pid = int(self._child.pid)
        self.worker = Worker(self._child.isalive, self._child.child_fd)
        self._working = False

    def type(self, command: str) -> float:
        """The seconds from Enter to the prompt; what is printed is read and forgotten."""
        begin = time.perf_counter()
        self._child.send(f"{command}\n")
        self.await_prompt()
        return time.perf_counter() - begin

    def start_worker(self) -> None:
        """From now on there is no prompt, but a worker, once."""
        if self._working:
            return
        self._working = True
        requests, replies = self.worker.paths
        self._child.send(f"epython worker {requests} {replies}\n")

    def end_worker(self) -> None:
        """Back to the prompt."""
        if self._working:
            self._working = False
            self.worker.end()
            self.await_prompt()

    def close(self) -> None:
        """End crash."""
        self._child.close(force=True)
        self.worker.close()

    def await_prompt(self) -> None:
        """Return when there is a prompt."""
        try:
            self._child.expect_exact(PROMPT)
        except pexpect.ExceptionPexpect as error:
            said = str(self._child.before)[-500:]
            raise BenchError(f"crash does not come to its prompt: {said}") from error


class Drgn:
    """A process with drgn and a worker."""

    def __init__(self, vmlinux: Path, vmcore: Path) -> None:
        self.opening = OPEN_DUMP.format(vmlinux=str(vmlinux), vmcore=str(vmcore))
        self.worker = Worker(lambda: self._process.poll() is None)
        self._process = subprocess.Popen(
            [PYTHON, str(HERE / "worker.py"), *map(str, self.worker.paths)],
            stdin=subprocess.DEVNULL)
        self.pid = self._process.pid

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self.worker.close()
