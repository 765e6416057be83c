"""Owns process trees: each process once, whatever a damaged dump says, and drawing in text.

Must not know what is written at a node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from LinuxDump.Tasks import Task, TaskList
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import crash, pylog

Item = TypeVar("Item")


class Style(NamedTuple):
    """Connectors of a tree, all of one width."""

    first: str      # to the first of several children, on the line of their parent
    only: str       # to the only child
    middle: str     # to a further child, on a line of its own
    last: str       # to the last one
    bar: str        # below a child that is not the last
    blank: str      # below the last


WIDE = Style("-+- ", "-+- ", " |- ", " `- ", " |  ", "    ")
COMPACT = Style("-+-", "---", " |-", " `-", " | ", "   ")


class _Indent:
    """What is left of a node.  As text only when needed: a tree may be one long branch."""

    __slots__ = ("_above", "_own")

    def __init__(self, above: _Indent | None, own: str) -> None:
        self._above = above
        self._own = own

    def __str__(self) -> str:
        parts = []
        level: _Indent | None = self
        while level is not None:
            parts.append(level._own)
            level = level._above
        return "".join(reversed(parts))


class Label(NamedTuple):
    """The text of a node as it is shown, and how wide that is (colours have no width)."""

    text: str
    width: int


def draw(root: Item, label: Callable[[Item], Label], children: Callable[[Item], Sequence[Item]],
         style: Style) -> Iterator[str]:
    """The lines of a tree.  `children` must not give an item twice, or there is no end."""
    line = ""
    # item, what leads to it, whether that begins a line, what is left of its children
    pending: list[tuple[Item, str, _Indent | None, _Indent | None]] = [(root, "", None, None)]
    while pending:
        item, connector, new_line, left = pending.pop()
        if new_line is not None:
            yield line.rstrip()
            line = str(new_line)
        text, width = label(item)
        line += connector + text
        pending.extend(reversed(_branches(children(item), _Indent(left, " " * width), style)))
    yield line.rstrip()


def _branches(items: Sequence[Item], column: _Indent, style: Style
              ) -> list[tuple[Item, str, _Indent | None, _Indent | None]]:
    branches: list[tuple[Item, str, _Indent | None, _Indent | None]] = []
    final = len(items) - 1
    for index, item in enumerate(items):
        below = _Indent(column, style.blank if index == final else style.bar)
        if index == 0:
            connector = style.first if final else style.only
            branches.append((item, connector, None, below))
        else:
            connector = style.last if index == final else style.middle
            branches.append((item, connector, column, below))
    return branches


class Processes:
    """The processes below one, each once."""

    def __init__(self, table: TaskList, root: Task) -> None:
        self._table = table
        self.root = root
        self._depths: dict[int, int] = {root.ts: 0}

    def __len__(self) -> int:
        """How many were met so far."""
        return len(self._depths)

    def depth(self, task: Task) -> int:
        """How many ancestors it is shown below."""
        return self._depths[task.ts]

    def children(self, task: Task) -> list[Task]:
        """Those that were not met yet; what cannot be read is reported and left out."""
        try:
            found = self._table.children(task)
        except crash.error as err:
            pylog.error(f"children of {task.ts} cannot be read: {err}")
            return []
        depth = self.depth(task) + 1
        fresh = []
        for child in found:
            if child.ts in self._depths:
                pylog.error(f"{child.ts}, a child of {task.ts}, is in the tree already")
                continue
            self._depths[child.ts] = depth
            fresh.append(child)
        return fresh


# -- trees as wholes ----------------------------------------------------------------------------

class Node:
    """A process in a tree, and those below it; `count` equal ones, when they were put together."""

    __slots__ = ("task", "children", "count")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.children: list[Node] = []
        self.count = 1


def grow(processes: Processes, depth: int | None = None) -> Node:
    """The tree of processes, `depth` levels below its root."""
    root = Node(processes.root)
    pending = [root]
    while pending:
        node = pending.pop()
        if depth is None or processes.depth(node.task) < depth:
            node.children = [Node(child) for child in processes.children(node.task)]
            pending += node.children
    return root


def walk(root: Node) -> Iterator[Node]:
    """The nodes of a tree, each before those below it, in order."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))


def prune(root: Node, keep: Callable[[Task], bool]) -> None:
    """Leave only what is kept, and what leads to it; the root stays."""
    kept = {id(node) for node in walk(root) if keep(node.task)}
    for node in reversed(list(walk(root))):
        node.children = [child for child in node.children
                         if child.children or id(child) in kept]


def compact(root: Node, text: Callable[[Task], str]) -> None:
    """Put children together that look alike, with all below them; the first is left."""
    shapes: dict[tuple[str, tuple[tuple[int, int], ...]], int] = {}
    shape_of: dict[int, int] = {}
    for node in reversed(list(walk(root))):
        alike: dict[int, Node] = {}
        for child in node.children:
            first = alike.setdefault(shape_of[id(child)], child)
            if first is not child:
                first.count += 1
        node.children = list(alike.values())
        below = tuple((shape, child.count) for shape, child in alike.items())
        shape_of[id(node)] = shapes.setdefault((text(node.task), below), len(shapes))


def records(root: Node) -> list[dict[str, Any]]:
    """The nodes in the order in which they are drawn, as JSON has them."""
    depths = {id(root): 0}
    found = []
    for node in walk(root):
        depth = depths[id(node)]
        depths.update((id(child), depth + 1) for child in node.children)
        try:
            found.append(_record(node, depth))
        except crash.error as err:
            pylog.error(f"{node.task.ts} cannot be read: {err}")
    return found


def _record(node: Node, depth: int) -> dict[str, Any]:
    task = node.task
    return {"pid": task.pid, "ppid": task.real_parent.tgid, "comm": str(task.comm),
            "task": f"0x{task.ts:x}", "state": task.state, "depth": depth, "count": node.count,
            "threads": len(task.threads) + 1}


def path_to(task: Task) -> list[Task]:
    """The processes from the first one to a process, as far as parents can be read."""
    path = [task]
    seen = {int(task.ts)}
    while True:
        try:
            parent = task.ttable.task(path[-1].real_parent.group_leader)
        except crash.error as err:
            pylog.error(f"the parent of {path[-1].ts} cannot be read: {err}")
            break
        if parent.ts in seen:
            break               # the first process is its own parent, and damage may make circles
        seen.add(int(parent.ts))
        path.append(parent)
    return path[::-1]
