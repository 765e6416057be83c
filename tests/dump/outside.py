"""Owns the programs that look into a crash session from outside, as people run them.

Must not know what is tested.
"""

import json
import os
import socket
import subprocess

import pexpect

PYTHON = "/usr/bin/python3"
TIMEOUT = 60


class Attach:
    """mpykdump-attach, out of the plug-in's own file."""

    def __init__(self, plugin):
        self._command = [PYTHON, "-I", str(plugin), "attach"]

    def run(self, *arguments, typed="", before=()):
        """To its end: (exit status, standard output, standard error)."""
        result = subprocess.run([*before, *self._command, *map(str, arguments)], input=typed,
                                capture_output=True, text=True, timeout=TIMEOUT, check=False)
        return result.returncode, result.stdout, result.stderr

    def terminal(self, *arguments, **env):
        """On a terminal of its own; the caller closes it."""
        child = pexpect.spawn(self._command[0], [*self._command[1:], *map(str, arguments)],
                              encoding="utf-8", timeout=TIMEOUT, echo=False,
                              env={"PATH": os.environ["PATH"], "TERM": "dumb",
                                   "INPUTRC": "/dev/null", "LANG": "C.UTF-8", **env})
        child.delaybeforesend = None
        return child


def say(terminal, line, prompt="(Pdb) "):
    """Type a line at a prompt; what was printed until the next."""
    terminal.sendline(line)
    terminal.expect_exact(prompt)
    return terminal.before.replace("\r\n", "\n")


class Editor:
    """The little of the debug adapter protocol that an editor needs to stop a program."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self._file = self._socket.makefile("rb")
        self._number = 0

    def send(self, command, **arguments):
        """A request; the number of its answer."""
        self._number += 1
        body = json.dumps({"seq": self._number, "type": "request", "command": command,
                           "arguments": arguments}).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return self._number

    def ask(self, command, **arguments):
        """A request; the body of its answer."""
        number = self.send(command, **arguments)
        answer = self._until(lambda message: message.get("request_seq") == number)
        assert answer["success"], answer
        return answer.get("body")

    def event(self, name):
        """Wait for an event; its body."""
        return self._until(lambda message: message.get("event") == name).get("body")

    def close(self):
        self._file.close()
        self._socket.close()

    def _until(self, wanted):
        while True:
            message = self._read()
            if wanted(message):
                return message

    def _read(self):
        size = None
        while (line := self._file.readline().strip()) or size is None:
            assert line, "debugpy has hung up"
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        return json.loads(self._file.read(size))
