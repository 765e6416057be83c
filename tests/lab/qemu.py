"""One QEMU machine: starts, is watched through its serial line, is dumped through QMP, is killed.

It runs without KVM on purpose: a /dev/kvm which exists and hangs its guest is common, and
emulation costs a few seconds only.
"""

import json
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Optional

from tests.lab import LabError

# qemu64 and not max: five-level paging would change the address layout. The vmcoreinfo device
# lets the guest hand its VMCOREINFO note over, which tells the KASLR offset.
FLAGS = ("-accel", "tcg,thread=multi", "-cpu", "qemu64", "-m", "512", "-smp", "2",
         "-device", "vmcoreinfo", "-nic", "none", "-display", "none", "-no-reboot",
         "-nodefaults", "-no-user-config")
# no_hash_pointers: /proc then shows where sockets are, which makes the guest's account checkable.
# no_timer_check: a busy host lets the kernel's look at its timer fail, of which it would die.
KERNEL_ARGUMENTS = "console=ttyS0 panic=0 no_hash_pointers no_timer_check"
DUMP_FORMATS = {"kdump": "kdump-zlib", "elf": "elf"}
# setpriv: when this program is killed outright, QEMU does not outlive it.
COMMAND = ("setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64")
MEMORY = 512 << 20
POLL = 0.05
QMP_TIMEOUT = 30.0
SERIAL_TAIL = 15


class Refused(LabError):
    """QEMU does not do what it was told to."""


class Died(LabError):
    """The guest panicked before its time, as it may under a busy host; another may not."""


class Machine:
    """A running guest, as a context manager: leaving the block kills it, whatever happened.

    The serial line goes to the file `serial`; `boot` is more of the kernel's command line, and
    `memory` in MiB. All methods raise LabError, with the last lines of the serial line, when QEMU
    ends early or something takes too long.
    """

    def __init__(self, vmlinuz: Path, initramfs: Path, serial: Path, boot: str = "",
                 memory: int = MEMORY >> 20) -> None:
        self._arguments = [
            *COMMAND, *FLAGS, "-m", str(memory), "-kernel", str(vmlinuz),
            "-initrd", str(initramfs), "-append", f"{KERNEL_ARGUMENTS} {boot}".rstrip(),
            "-serial", "chardev:serial",
            "-chardev", f"file,id=serial,path={_escaped(serial)}"]
        self._serial = serial
        self._process: Optional[subprocess.Popen[str]] = None
        self._qmp: Optional[_Qmp] = None
        self._resources = ExitStack()

    def __enter__(self) -> "Machine":
        with ExitStack() as stack:
            ours, theirs = socket.socketpair()
            stack.enter_context(ours)
            stack.enter_context(theirs)
            command = [*self._arguments, "-mon", "chardev=control,mode=control",
                       "-chardev", f"socket,id=control,fd={theirs.fileno()}"]
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
            stack.callback(self._kill)
            theirs.close()
            self._qmp = _Qmp(ours)
            try:
                self._qmp.start()
            except LabError as error:
                raise LabError(f"QEMU does not start: {error}{self._last_words()}") from error
            self._resources = stack.pop_all()
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self._resources.close()

    def wait_for_serial(self, text: str, timeout: float, unless: Optional[str] = None) -> None:
        """Return when the guest has printed `text`.

        Raises Died when it has printed `unless` and not `text`.
        """
        def printed() -> bool:
            told = self._serial_bytes()
            if text.encode() in told:
                return True
            if unless is not None and unless.encode() in told:
                raise Died(f"the guest died before it printed {text!r}{self._tail()}")
            return False

        self._wait(printed, f"the guest prints {text!r}", timeout)

    def dump(self, target: Path, format_name: str, timeout: float) -> None:
        """Write the guest's memory to `target` in a format of DUMP_FORMATS."""
        qmp = self._control()
        state: dict[str, Any] = {}

        def begun() -> bool:
            """QEMU says that a dump is completed a moment before it is ready for another."""
            try:
                qmp.execute("dump-guest-memory", paging=False, protocol=f"file:{target}",
                            format=DUMP_FORMATS[format_name], detach=True)
            except Refused as error:
                if "in progress" not in str(error):
                    raise
                return False
            return True

        def ended() -> bool:
            state.update(qmp.execute("query-dump"))
            return state["status"] in ("completed", "failed")

        self._wait(begun, "QEMU begins a dump", QMP_TIMEOUT)
        self._wait(ended, f"QEMU writes {target.name}", timeout)
        if state["status"] == "failed":
            raise LabError(f"QEMU could not write {target}")

    def poke(self, command: str, arguments: dict[str, Any]) -> None:
        """Do something to the guest: a command of QMP, such as inject-nmi."""
        self._control().execute(command, **arguments)

    def type(self, text: str) -> None:
        """Let characters come in on the serial line, on which nothing has come in before."""
        typed = self._serial.with_name("typed")
        typed.write_text(text)
        self._control().execute("chardev-change", id="serial", backend={
            "type": "file",
            "data": {"out": str(self._serial), "in": str(typed), "append": True}})

    def version(self) -> str:
        """QEMU's version, as in 7.2.18."""
        number = self._control().execute("query-version")["qemu"]
        return f"{number['major']}.{number['minor']}.{number['micro']}"

    def _control(self) -> "_Qmp":
        if self._qmp is None:
            raise LabError("the machine is not running")
        return self._qmp

    def _wait(self, condition: Callable[[], bool], what: str, timeout: float) -> None:
        process = self._process
        deadline = time.monotonic() + timeout
        while not condition():
            if process is not None and process.poll() is not None:
                raise LabError(f"QEMU ended before {what}{self._last_words()}{self._tail()}")
            if time.monotonic() > deadline:
                raise LabError(f"gave up waiting until {what} ({timeout:.0f} s){self._tail()}")
            time.sleep(POLL)

    def _serial_bytes(self) -> bytes:
        return self._serial.read_bytes() if self._serial.exists() else b""

    def _tail(self) -> str:
        lines = self._serial_bytes().decode(errors="replace").splitlines()[-SERIAL_TAIL:]
        return "\nlast lines of the guest:\n" + "\n".join(lines) if lines else ""

    def _last_words(self) -> str:
        """What QEMU, which has ended or is ended now, wrote to stderr."""
        words = self._kill().strip()
        return f"\n{words}" if words else ""

    def _kill(self) -> str:
        if self._process is None or self._process.stderr is None or self._process.stderr.closed:
            return ""
        self._process.kill()
        return self._process.communicate()[1]


class _Qmp:
    """QEMU's control socket: commands and their answers, one JSON object a line."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._socket.settimeout(QMP_TIMEOUT)
        self._lines = connection.makefile("r", encoding="utf-8")

    def start(self) -> None:
        """Begin the conversation; QEMU's greeting is neither return nor error, so it is skipped."""
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        """The answer to `command`; events in between are ignored. Raises LabError."""
        request = json.dumps({"execute": command, "arguments": arguments})
        try:
            self._socket.sendall(request.encode() + b"\n")
            while True:
                line = self._lines.readline()
                if not line:
                    raise LabError(f"QEMU closed its control socket during {command}")
                answer = json.loads(line)
                if "error" in answer:
                    raise Refused(f"QEMU refuses {command}: {answer['error']['desc']}")
                if "return" in answer:
                    return answer["return"]
        except OSError as error:
            raise LabError(f"QEMU does not answer {command}: {error}") from error


def _escaped(path: Path) -> str:
    """A path as the value of a QEMU option: there a comma is written twice."""
    return str(path).replace(",", ",,")
