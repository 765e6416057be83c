"""Finds servers that do not answer requests of NFS and RPC, and mounts from the machine itself."""

from __future__ import annotations

from collections.abc import Iterator

from LinuxDump.fs.blocked import blocked_tasks
from LinuxDump.nfs.rpc import Request, requests, server_of
from LinuxDump.nfs.shares import Share, own_shares, shares_by
from LinuxDump.taskrows import Row
from pykdump.API import crash, readSU

from .finding import Evidence, Finding, Severity

_LONG = 30          # seconds that an answer may take
_SHOWN = 5          # of each kind of evidence


def findings() -> Iterator[Finding]:
    """Servers that do not answer first, the one that is waited for longest at the head."""
    servers: dict[str, list[Request]] = {}
    for each in requests().requests:
        if each.xprt and (each.late or (each.age or 0) >= _LONG):
            servers.setdefault(server_of(each.xprt), []).append(each)
    for server, waiting in servers.items():
        yield _unanswered(server, waiting)
    yield from _loopback()


def _unanswered(server: str, waiting: list[Request]) -> Finding:
    oldest = waiting[0]
    xprts = list(dict.fromkeys(int(each.xprt) for each in waiting))
    mounts = [share for xprt in xprts for share in shares_by(readSU("struct rpc_xprt", xprt))]
    rows = {row.task: row for share in mounts
            for row in blocked_tasks().get(int(share.sb), [])}.values()
    age = f"for {oldest.age:.0f} s" if oldest.age is not None else "for an unknown time"
    where = f"; mounted from it: {_listed(mounts)}" if mounts else ""
    held = f"; {_count(len(rows), 'thread hangs', 'threads hang')} for that" if rows else ""
    late = any(each.late for each in waiting)
    return Finding(
        "nfs.unanswered", Severity.ERROR if late or rows else Severity.WARNING,
        f"The server {server} does not answer: "
        f"{_count(len(waiting), 'request waits', 'requests wait')}, the oldest, {oldest.name}, "
        f"{age}{where}{held}.",
        (*(Evidence("rpc_xprt", server, xprt) for xprt in xprts[:_SHOWN]),
         *(_request(each) for each in waiting[:_SHOWN]),
         *map(_task, list(rows)[:_SHOWN])),
        "hanginfo -v" if rows else "mountshow --stats")


def _request(each: Request) -> Evidence:
    age = f", made {each.age:.0f} s ago" if each.age is not None else ""
    return Evidence("rpc_task", f"{each.name}{age}, sent {each.sent} times, {each.timeouts} "
                    "timeouts", int(each.task), each.owner or None)


def _task(row: Row) -> Evidence:
    return Evidence("task", f"{row.comm} hangs for it and has not run for "
                    f"{row.ran_ago / 1000:.0f} s", row.task, row.pid)


def _listed(mounts: list[Share]) -> str:
    names = list(dict.fromkeys(point for share in mounts
                               for point in (share.points or [share.name])))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _count(number: int, one: str, many: str) -> str:
    return f"one {one}" if number == 1 else f"{number} {many}"


def _loopback() -> Iterator[Finding]:
    try:
        found = own_shares()
    except (crash.error, KeyError):
        return              # who shows mounts or addresses reports it
    if found:
        yield Finding(
            "nfs.loopback", Severity.NOTE,
            f"This machine mounts NFS from itself: {_listed(found)}; memory that is freed by "
            "writing to such a mount may need memory first.",
            tuple(Evidence("nfs_server", f"{share.name} from {share.address}", int(share.server))
                  for share in found[:_SHOWN]), "mountshow --mounts")
