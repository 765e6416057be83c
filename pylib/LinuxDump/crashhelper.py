"""Owns running commands with their output in files, for commands that write past our output.

A line of `!shell`, or one that crash pipes on, writes to a descriptor and not to crash's output.
Must not know the commands.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import crash


def run_command_with_file(func: Callable[[str], object], command: str,
                          file_content: str | None) -> str:
    """What `func(command)` writes to stdout and then to stderr, with `file_content` as its stdin.

    The command gets the redirections of a shell; one with stdin is a command of the shell, with or
    without `!` before it.  A failure of `func` is its text.
    """
    with tempfile.TemporaryDirectory(prefix="pykdump-") as folder:
        out, err, source = (Path(folder, name) for name in ("stdout", "stderr", "stdin"))
        line = f"{command} > {out} 2> {err}"
        if file_content is not None:
            source.write_text(file_content)
            # not with <, by which crash takes its own arguments from a file
            line = f"!cat {source} | {line.removeprefix('!')}"
        failure = ""
        try:
            func(line)
        except Exception as raised:     # a command that prints nothing itself fails, too
            failure = str(raised)
        return failure or _content(out) + _content(err)


def _content(path: Path) -> str:
    try:
        return path.read_text(errors="backslashreplace")
    except OSError:
        return f"Failed to read {path.name}"


def run_command(func: Callable[[str], object], command: str) -> str:
    """The same without stdin."""
    return run_command_with_file(func, command, None)


def run_gdb_command_with_file(cmd: str, content: str | None) -> str:
    """What a gdb command (`!shell command`, too) writes."""
    return run_command_with_file(crash.get_GDB_output, cmd, content)


def run_gdb_command(cmd: str) -> str:
    return run_gdb_command_with_file(cmd, None)


def run_crash_command_with_file(cmd: str, content: str | None) -> str:
    """What a crash command writes."""
    return run_command_with_file(crash.exec_crash_command, cmd, content)


def run_crash_command(cmd: str) -> str:
    return run_crash_command_with_file(cmd, None)
