"""Python 2's `commands`: the output of a command of the shell."""

from __future__ import annotations

import os
import shlex
import subprocess

__all__ = ["getstatusoutput", "getoutput", "mkarg"]


def getstatusoutput(cmd: str) -> tuple[int, str]:
    """(status as os.wait tells it, output and errors without the last newline)."""
    done = subprocess.run(cmd, shell=True, text=True, errors="backslashreplace", check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    code = done.returncode
    return (-code if code < 0 else code << 8), done.stdout.removesuffix("\n")


def getoutput(cmd: str) -> str:
    return getstatusoutput(cmd)[1]


def mkarg(x: str) -> str:
    """The text as one word of a command, with a space before it."""
    return " " + shlex.quote(os.fspath(x))
