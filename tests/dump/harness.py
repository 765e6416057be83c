"""Owns the conversation with crash: a session on a terminal, and one fed from a pipe.

Must not know what is tested.
"""

import io
import os
import re
import signal
import subprocess
from pathlib import Path

import pexpect

from tests.dump.zygote import CRASH, DIMENSIONS, ForkedSession, Zygotes

PROMPT = "crash> "
TIMEOUT = 100          # seconds; far more than anything takes
TIME = re.compile(r"\n \*\* Execution took [ \d]{3}\.\d\ds \(real\) [ \d]{3}\.\d\ds \(CPU\)"
                  r"(, Child processes: [ \d]{3}\.\d\ds)?\n\Z")

# what a slow machine is shown while an index is made; nothing of it stays on the screen
WIPED = re.compile(r"(\rmpykdump: reading [^\r\x1b]*)+\r\x1b\[K")


# what crash and gdb read while they start, and not after
STARTING = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "dumb", "LANG": "C.UTF-8"}
ALSO_STARTING = {"LC_ALL", "LD_PRELOAD", "EDITOR"}


class CrashDied(AssertionError):
    """crash has ended, or has not come back to its prompt."""


def environment(home: Path, **changes):
    """What crash and the plug-in may see: nothing of the person's who runs the tests."""
    scratch = home / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    fixed = {"HOME": str(home), "TMPDIR": str(scratch), "XDG_CACHE_HOME": str(home / "cache"),
             "INPUTRC": str(home / ".inputrc"), **STARTING}
    if "PYKDUMP_TYPES" in os.environ:       # make test TYPES=...
        fixed["PYKDUMP_TYPES"] = os.environ["PYKDUMP_TYPES"]
    return {**fixed, **changes}


class Crash:
    """crash on a terminal that does not echo what is typed.

    It is forked from one that has read the debug information, if nothing asked for makes a
    difference to that; `anew` starts it as people do.
    """

    zygotes = Zygotes(STARTING)

    def __init__(self, dump, home, *, cwd=None, vmcore=None, crashrc="set scroll off\n",
                 echo=False, anew=False, options=(), **env):
        self.cwd = Path(cwd or home / "cwd")
        self.cwd.mkdir(parents=True, exist_ok=True)
        (home / ".crashrc").write_text(crashrc)
        # Or newer ones switch the terminal at every prompt.
        (home / ".inputrc").write_text("set enable-bracketed-paste off\n")
        self._log = io.StringIO()
        self._log_mark = 0
        self._pending = ""
        terminal = {"cwd": str(self.cwd), "env": environment(home, **env), "echo": echo,
                    "encoding": "utf-8", "codec_errors": "backslashreplace", "timeout": TIMEOUT}
        if anew or options or vmcore or env.keys() & {*STARTING, *ALSO_STARTING}:
            self._child = pexpect.spawn(
                CRASH, ["-s", *options, str(dump.vmlinux), str(vmcore or dump.kdump)],
                dimensions=DIMENSIONS, **terminal)
        else:
            self._child = ForkedSession(self.zygotes.get(dump.vmlinux, dump.kdump), **terminal)
        self._child.delaybeforesend = None
        self._child.delayafterclose = self._child.delayafterterminate = 0.02
        self._child.logfile_read = self._log
        self.greeting = self.finish()

    # -- commands --

    def run(self, line, timeout=TIMEOUT):
        """Type a command; exactly what it printed."""
        self.start(line)
        return self.finish(timeout)

    def start(self, line):
        """Type a command and do not wait."""
        self._pending = ""
        self._log.write(f"{line}\n")
        self._child.send(line + "\n")

    def type(self, keys):
        """Press keys."""
        self._child.send(keys)

    def until(self, text, timeout=TIMEOUT):
        """Wait until the running command has printed `text`."""
        self._wait(re.escape(text), timeout)

    def finish(self, timeout=TIMEOUT):
        """Wait for the prompt; what was printed since the command was typed."""
        self._wait(re.escape(PROMPT) + r"\Z", timeout)
        printed, self._pending = self._pending, ""
        return WIPED.sub("", printed[:-len(PROMPT)])

    def _wait(self, pattern, timeout):
        try:
            self._child.expect(pattern, timeout=timeout, searchwindowsize=4000)
        except pexpect.EOF:
            self._child.close()
            raise CrashDied(f"crash has ended: {self.ending()}\n{self._child.before}") from None
        except pexpect.TIMEOUT:
            self._child.close(force=True)
            raise CrashDied(f"crash does not answer: it printed\n{self._child.before}") from None
        self._pending += (self._child.before + self._child.after).replace("\r\n", "\n")

    def interrupt(self):
        """Press Ctrl-C."""
        self._child.sendintr()

    def interrupt_until_asked(self):
        """Press Ctrl-C until crash asks anew, as people do.

        Its line editing, with the plug-in or without, does not see a signal just before it waits.
        """
        for _ in range(50):
            self.interrupt()
            if self._child.expect_exact([PROMPT, pexpect.TIMEOUT], timeout=2) == 0:
                return
        raise AssertionError("Ctrl-C is not seen")

    # -- programs --

    def program(self, text, name="prog.py"):
        """Write a program to the current directory."""
        path = self.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def epython(self, text, arguments=""):
        """Run a program text; what it printed, without the line about time."""
        self.program(text)
        return untimed(self.run(f"epython prog {arguments}".rstrip()))

    def cd(self, directory):
        """Let crash's own command change the directory."""
        self.run(f"cd {directory}")
        self.cwd = Path(directory)

    # -- the process --

    @property
    def pid(self):
        return self._child.pid

    def alive(self):
        return not self._child.closed and self._child.isalive()

    def rss(self):
        """Resident memory in KiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))

    def quit(self):
        """Leave as people do; how it ended."""
        self._child.send("quit\n")
        return self.gone()

    def gone(self):
        """Wait for crash to end; how it did."""
        self._child.expect(pexpect.EOF)
        self._child.close()
        return self.ending()

    def ending(self):
        if self._child.signalstatus is not None:
            return signal.Signals(self._child.signalstatus).name
        return self._child.exitstatus

    def close(self):
        self._child.close(force=True)

    # -- what to show when a test fails --

    def mark(self):
        self._log_mark = self._log.tell()

    def transcript(self):
        return self._log.getvalue()[self._log_mark:].replace("\r\n", "\n")


def untimed(text):
    """A command's output without the line about time, which must be its last."""
    found = TIME.search(text)
    assert found, f"no line about time at the end of:\n{text}"
    return text[:found.start()]


def batch(dump, home, lines, *, timeout=TIMEOUT, **env):
    """Feed commands to a crash that has no terminal: (all that it printed, exit status)."""
    home.mkdir(exist_ok=True)
    result = subprocess.run(
        [CRASH, "-s", str(dump.vmlinux), str(dump.kdump)], cwd=home,
        env=environment(home, **env), input="".join(f"{line}\n" for line in lines), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False,
        start_new_session=True)
    return result.stdout, result.returncode


def stripped_of_colour(text):
    """The text without the sequences that move cursors and change colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\x07\r]", "", text)


def children_of(pid):
    """Live child processes, as ps knows them."""
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listing.read_text().split() if os.path.exists(f"/proc/{child}")]
