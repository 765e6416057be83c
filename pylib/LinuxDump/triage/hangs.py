"""Finds threads that hang: what each group of them waits for in the end, and deadlocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from LinuxDump import stacks
from LinuxDump.Analysis import waiters_for_unix
from LinuxDump.hangs import is_hung
from LinuxDump.taskrows import Row, task_rows, wait_channels
from LinuxDump.waitgraph import Cluster, WaitGraph
from pykdump.API import crash, readULong, sym2addr

from .finding import Evidence, Finding, Severity

_HUNG = 120         # seconds, the default of kernel.hung_task_timeout_secs
_LONG = 30          # seconds, of a crowd
_CROWD = 10         # threads that wait for one thing
_SHOWN = 5          # threads of a group
_DEAF = 5           # seconds, of a log daemon
# A parent waits like that for its child to run a program: as long as that likes.
_PATIENT = ("vfork",)

_Rows = dict[int, Row]


def findings() -> Iterator[Finding]:
    """Deadlocks, groups of threads that hang, the largest first, and a log daemon that does."""
    rows = {row.task: row for row in task_rows()}
    hung = [row.task for row in rows.values() if is_hung(row)]
    graph = WaitGraph(hung)
    watchdog = _watchdog_panics(rows)
    circles = graph.cycles()
    clusters = graph.clusters()
    for circle in circles:
        yield _deadlock(circle, clusters, graph, rows)
    for cluster in clusters:
        waiters = [rows[task] for task in cluster.waiters if task in rows and is_hung(rows[task])]
        severity = _severity(waiters, watchdog)
        if severity and cluster.what.kind not in _PATIENT \
                and not any(cluster.root in circle for circle in circles):
            yield _cluster(cluster, _oldest_first(waiters), severity, rows)
    yield from _unknown([rows[task] for task in hung if task not in graph.waits], watchdog)
    yield from _syslog(rows)


def _timeout() -> int:
    """After how many seconds the kernel itself takes a thread for hung."""
    try:
        return readULong(sym2addr("sysctl_hung_task_timeout_secs")) or _HUNG
    except (crash.error, IndexError):
        return _HUNG        # built without CONFIG_DETECT_HUNG_TASK


def _watchdog_panics(rows: _Rows) -> bool:
    """Is it the kernel's own search for hung threads that has ended the machine."""
    return any(rows[task].comm == "khungtaskd" and "panic" in stacks.stack_of(task).functions
               for task in stacks.running() if task in rows)


def _severity(waiters: list[Row], watchdog: bool) -> Severity | None:
    """Of threads that wait for one thing; None: they may be about to go on."""
    oldest = _age(waiters)
    if oldest >= _timeout():
        return Severity.CRITICAL if watchdog else Severity.ERROR
    if oldest >= _LONG and len(waiters) >= _CROWD:
        return Severity.ERROR
    return Severity.WARNING if oldest >= _LONG and len(waiters) > 1 else None


def _age(waiters: list[Row]) -> float:
    """Seconds that the oldest has not run."""
    return max((row.ran_ago for row in waiters), default=0) / 1000


def _oldest_first(waiters: Iterable[Row]) -> list[Row]:
    return sorted(waiters, key=lambda row: (-row.ran_ago, row.pid))


def _deadlock(circle: list[int], clusters: list[Cluster], graph: WaitGraph,
              rows: _Rows) -> Finding:
    evidence = tuple(
        _task(rows.get(task), task, f"waits for {graph.waits[task].kind} {graph.waits[task].name}")
        for task in circle)
    behind = sum(len(set(cluster.waiters) - set(circle)) for cluster in clusters
                 if cluster.root in circle)
    more = f", and {behind} more for them" if behind else ""
    return Finding("hangs.deadlock", Severity.ERROR,
                   f"{len(circle)} threads wait for each other in a circle{more}.", evidence,
                   "hanginfo")


def _cluster(cluster: Cluster, waiters: list[Row], severity: Severity, rows: _Rows) -> Finding:
    what = f"{cluster.what.kind} {cluster.what.name}".rstrip()
    root = rows.get(cluster.root)
    sure = "" if cluster.what.confidence == "certain" else f" ({cluster.what.confidence})"
    owner = f", which pid={root.pid} ({root.comm}) has{sure}" if root else ""
    evidence = [Evidence(cluster.what.kind, cluster.what.name, cluster.what.obj)]
    if root:
        evidence.append(_task(root, root.task, f"is in the way, {root.state}, in "
                              f"{wait_channels([root]).get(root.task, 'its own code')}"))
    return Finding("hangs.cluster", severity,
                   f"{_count(waiters)} for {what}{owner}; the longest for {_age(waiters):.0f} s.",
                   (*evidence, *_evidence(waiters)),
                   f"bt {root.pid}" if root else "hanginfo")


def _unknown(waiters: list[Row], watchdog: bool) -> Iterator[Finding]:
    """Threads of which it is not known what they wait for, by the function that they sleep in."""
    channels = wait_channels(waiters)
    groups: dict[str, list[Row]] = {}
    for row in waiters:
        groups.setdefault(channels.get(row.task, "a place that is not known"), []).append(row)
    for function, members in sorted(groups.items(), key=lambda item: -len(item[1])):
        severity = _severity(members, watchdog)
        if severity:
            members = _oldest_first(members)
            yield Finding("hangs.blocked", severity,
                          f"{_count(members)} in {function}; the longest for "
                          f"{_age(members):.0f} s.", _evidence(members), "hanginfo")


def _syslog(rows: _Rows) -> Iterator[Finding]:
    """A log daemon that does not read: who logs something hangs, and that may be everybody."""
    for crowd in waiters_for_unix():
        daemon = rows.get(int(crowd.daemon.ts)) if crowd.daemon else None
        if daemon is None or daemon.ran_ago < _DEAF * 1000 and daemon.code not in ("ST", "UN"):
            continue
        waiters = _oldest_first(rows[int(task)] for task in crowd.waiters if int(task) in rows)
        yield Finding("hangs.syslog", Severity.WARNING,
                      f"{_count(waiters)} for the log daemon pid={daemon.pid} ({daemon.comm}), "
                      f"which is {daemon.state} and has not run for {daemon.ran_ago / 1000:.0f} s.",
                      (Evidence("socket", crowd.path, int(crowd.sock)),
                       _task(daemon, daemon.task, f"is {daemon.state}"), *_evidence(waiters)),
                      "hanginfo --syslogger -v")


def _count(waiters: list[Row]) -> str:
    return f"{len(waiters)} threads wait" if len(waiters) > 1 else "A thread waits"


def _evidence(waiters: list[Row]) -> tuple[Evidence, ...]:
    told = [_task(row, row.task, f"has not run for {row.ran_ago / 1000:.0f} s")
            for row in waiters[:_SHOWN]]
    if len(waiters) > _SHOWN:
        told.append(Evidence("tasks", f"{len(waiters) - _SHOWN} more"))
    return tuple(told)


def _task(row: Row | None, task: int, text: str) -> Evidence:
    return Evidence("task", f"{row.comm} {text}" if row else text, task, row.pid if row else None)
