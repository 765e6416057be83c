"""Owns crash processes that were started once, and the sessions that are forked from them.

See zygote.c, which is the other half. Must not know what is typed in a session, nor what is tested.
"""

import contextlib
import ctypes
import os
import pty
import signal
import socket
import subprocess
import tempfile
import termios
from pathlib import Path

import pexpect
from ptyprocess.ptyprocess import PtyProcess

CRASH = "/usr/bin/crash"
SOURCE = Path(__file__).with_suffix(".c")
COMPILE = ("gcc", "-std=gnu11", "-D_GNU_SOURCE", "-DX86_64", "-O2", "-fPIC", "-shared", "-Wall")
DIMENSIONS = (50, 80)                # of the terminal: lines, columns
ZYGOTES = 3                          # alive at a time; each has 400 MB, shared with its sessions
TIMEOUT = 100                        # seconds; far more than anything takes
ROOM_FOR_ENVIRONMENT = 16 << 10      # bytes; no session's is larger
PR_SET_CHILD_SUBREAPER = 36
libc = ctypes.CDLL(None, use_errno=True)


class Zygote:
    """A crash with an open dump, which shows no prompt but forks sessions."""

    def __init__(self, files, environment):
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.set_inheritable(True)
        self._socket.settimeout(TIMEOUT)
        with theirs, tempfile.TemporaryDirectory(prefix="zygote-") as home:
            extension, commands = f"{home}/zygote.so", Path(home, "commands")
            subprocess.run([*COMPILE, "-o", extension, str(SOURCE)], check=True)
            # gdb's threads would be missing in a fork.
            commands.write_text("gdb maintenance set worker-threads 0\n"
                                f"extend {extension}\nzygote {theirs.fileno()}\n")
            self._process = PtyProcess.spawn(
                [CRASH, "-s", "-i", str(commands), *files], cwd=home, echo=False,
                env={**environment, "HOME": home, "ROOM": "x" * ROOM_FOR_ENVIRONMENT},
                dimensions=DIMENSIONS, pass_fds=[theirs.fileno()])
            theirs.close()                   # or its end could not be seen
            self._answer()

    @property
    def pid(self):
        return self._process.pid

    def fork(self, files, cwd, environment):
        """A session whose files 0, 1 and 2 these are; its PID, of a child of this process."""
        strings = [cwd, *(f"{name}={value}" for name, value in environment.items())]
        text = b"".join(os.fsencode(string) + b"\0" for string in strings)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        try:
            return int.from_bytes(self._answer([text], files), "little")
        finally:
            libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)

    def _answer(self, request=(), files=()):
        try:
            if request:
                socket.send_fds(self._socket, request, files)
            answer = self._socket.recv(64)
        except OSError as error:
            answer, reason = b"", error
        else:
            reason = "it has ended"
        if answer:
            return answer
        os.kill(self._process.pid, signal.SIGKILL)
        raise AssertionError(f"no session can be forked from a crash: {reason}\n{self._printed()}")

    def _printed(self):
        with contextlib.suppress(EOFError):
            return self._process.read(1 << 16).decode()
        return ""

    def close(self):
        """It ends; sessions go on."""
        self._socket.close()
        self._process.close(force=True)


class Zygotes:
    """One for each dump that is open, until others have been used more lately."""

    def __init__(self, environment):
        self._environment = environment
        self._alive = {}             # by files, the one that was used last at the end

    def __iter__(self):
        return iter(self._alive.values())

    def get(self, *files):
        """The zygote that has opened these: namelist and dump."""
        files = tuple(map(str, files))
        zygote = self._alive.pop(files, None) or Zygote(files, self._environment)
        self._alive[files] = zygote
        while len(self._alive) > ZYGOTES:
            self._alive.pop(next(iter(self._alive))).close()
        return zygote

    def close(self):
        """All of them end."""
        while self._alive:
            self._alive.popitem()[1].close()


class ForkedSession(pexpect.spawn):
    """What pexpect starts, but forked from a zygote."""

    def __init__(self, zygote, **options):
        self._zygote = zygote
        super().__init__(CRASH, dimensions=DIMENSIONS, **options)

    def _spawnpty(self, args, *, env, cwd, echo, dimensions, preexec_fn=None):
        ours, theirs = pty.openpty()
        try:
            termios.tcsetwinsize(theirs, dimensions)
            if not echo:
                modes = termios.tcgetattr(theirs)
                modes[3] &= ~termios.ECHO
                termios.tcsetattr(theirs, termios.TCSANOW, modes)
            return PtyProcess(self._zygote.fork([theirs] * 3, cwd, env), ours)
        finally:
            os.close(theirs)
