"""The threads that ran last, with what they were called with."""

from __future__ import annotations

from typing import Any

from LinuxDump.taskrows import Row, task_rows
from pykdump.API import crash, readProcessMem, readSU
from pykdump.plaintext import one_line

_COUNT = 5
_LONGEST = 4096
_NO_STACK = "(no user stack)"


def show(verbose: int) -> None:
    """Print the five of them, those on a CPU first."""
    print(f"{'PID':>7}  {'CMD':<15} {'Age':>7}  ARGS\n"
          f"{'':7}  {'':15} {'(ms)':>7}\n{'-' * 7}  {'-' * 15} {'-' * 7}  {'-' * 4}")
    for row in _chosen():
        arguments = _arguments(row)
        text = _NO_STACK if arguments is None else " ".join(map(one_line, arguments))
        print(f"{row.pid:7}  {one_line(row.comm):<15} {max(row.ran_ago, 0):7.0f}  {text}")


def data() -> list[dict[str, Any]]:
    """The same; `arguments` is null for kernel threads, and where memory is not in the dump."""
    return [{"pid": row.pid, "comm": row.comm, "ran_ms_ago": row.ran_ago, "active": row.active,
             "arguments": _arguments(row)} for row in _chosen()]


def _chosen() -> list[Row]:
    rows = [row for row in task_rows() if row.pid]
    return sorted(rows, key=lambda row: (not row.active, row.ran_ago, row.pid))[:_COUNT]


def _arguments(row: Row) -> list[str] | None:
    """What is between the stack's arguments and environment, as /proc/PID/cmdline has it."""
    if row.kthread:
        return None
    try:
        mm = readSU("struct task_struct", row.task).mm
        if not mm:
            return None
        size = min(max(mm.arg_end - mm.arg_start, 0), _LONGEST)
        raw = readProcessMem(row.task, mm.arg_start, size) if size else b""
    except crash.error:
        return None
    text = raw.decode("utf-8", "backslashreplace")
    return text.removesuffix("\0").split("\0") if text else []
