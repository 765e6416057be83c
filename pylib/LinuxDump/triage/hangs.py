"""Finds threads that hang: what each group of them waits for in the end, and deadlocks."""

from __future__ import annotations

from collections.abc import Iterator

from LinuxDump.hangs import is_hung
from LinuxDump.taskrows import Row, task_rows
from LinuxDump.waitgraph import Cluster, WaitGraph

from .finding import Evidence, Finding, Severity

_HUNG = 120     # seconds, the default of kernel.hung_task_timeout_secs
_SHOWN = 5      # threads of a group


def findings() -> Iterator[Finding]:
    """Deadlocks, then groups of threads that have not run for two minutes, the largest first."""
    rows = {row.task: row for row in task_rows()}
    hung = [row.task for row in rows.values() if is_hung(row)]
    graph = WaitGraph(hung)
    circles = graph.cycles()
    for circle in circles:
        yield _deadlock(circle, graph, rows)
    for cluster in graph.clusters():
        waiters = [rows[task] for task in cluster.waiters if task in rows]
        oldest = max((row.ran_ago for row in waiters), default=0) / 1000
        if oldest >= _HUNG and not any(cluster.root in circle for circle in circles):
            yield _cluster(cluster, waiters, oldest, rows)


def _deadlock(circle: list[int], graph: WaitGraph, rows: dict[int, Row]) -> Finding:
    evidence = tuple(
        _task(rows.get(task), task, f"waits for {graph.waits[task].kind} {graph.waits[task].name}")
        for task in circle)
    return Finding("hangs.deadlock", Severity.ERROR,
                   f"{len(circle)} threads wait for each other in a circle.", evidence, "hanginfo")


def _cluster(cluster: Cluster, waiters: list[Row], oldest: float, rows: dict[int, Row]) -> Finding:
    what = f"{cluster.what.kind} {cluster.what.name}".rstrip()
    root = rows.get(cluster.root)
    owner = f", which pid={root.pid} ({root.comm}) has" if root else ""
    count = f"{len(waiters)} threads wait" if len(waiters) > 1 else "A thread waits"
    evidence = [Evidence(cluster.what.kind, cluster.what.name, cluster.what.obj)]
    if root:
        evidence.append(_task(root, root.task, "is in the way"))
    evidence += [_task(row, row.task, f"has not run for {row.ran_ago / 1000:.0f} s")
                 for row in waiters[:_SHOWN]]
    return Finding("hangs.cluster", Severity.ERROR,
                   f"{count} for {what}{owner}; the longest for {oldest:.0f} s.",
                   tuple(evidence), f"bt {root.pid}" if root else "hanginfo")


def _task(row: Row | None, task: int, text: str) -> Evidence:
    return Evidence("task", f"{row.comm} {text}" if row else text, task, row.pid if row else None)
