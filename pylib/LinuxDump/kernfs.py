"""Owns kernfs, the trees that sysfs and cgroups are made of.

Must not know what the nodes stand for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from LinuxDump.trees import for_all_rbtree
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import container_of, crash
from pykdump.plaintext import one_line

_TYPES = {1: "/", 2: ".", 4: "@"}       # KERNFS_DIR, KERNFS_FILE, KERNFS_LINK
_TYPE_MASK = 0xf
_MAX_DEPTH = 100


def kernfs_node_type(kn: Any) -> int:
    """KERNFS_DIR 1, KERNFS_FILE 2 or KERNFS_LINK 4."""
    return kn.flags & _TYPE_MASK


def kernfs_active(kn: Any) -> bool:
    """Is a node in use, not about to be removed."""
    return kn.active.counter >= 0


def kernfs_parent(kn: Any) -> Any:
    """The node above; NULL for a root."""
    try:
        # 6.15: 633488947ef6 ("kernfs: Use RCU to access kernfs_node::parent.")
        return kn.__parent
    except KeyError:
        return kn.parent


def rb_to_kn(node: int) -> Any:
    """The kernfs_node of a struct rb_node."""
    return container_of(node, "struct kernfs_node", "rb")


def kndir_iterate(kn: Any) -> Iterator[Any]:
    """The nodes in a directory that are in use."""
    for child in for_all_rbtree(kn.dir.children, "struct kernfs_node", "rb"):
        if kernfs_active(child):
            yield child


def decode_kernfs_node(kn: Any) -> tuple[str, str]:
    """(name, what it is): / a directory, @ a link, . a file, ?n anything else."""
    number = kernfs_node_type(kn)
    return str(kn.name), _TYPES.get(number, f"?{number}")


def kernfs_fullpath(kn: Any) -> str:
    """The names from the root, joined by /; `Bad kernfs_node` for what is none."""
    names: list[str] = []
    try:
        for _ in range(_MAX_DEPTH):
            parent = kernfs_parent(kn)
            if not parent:
                return "/".join(["", *reversed(names)]) if names else "/"
            names.append(str(kn.name))
            kn = parent
    except crash.error:
        pass
    return "Bad kernfs_node"


def walk_kdir(kn: Any, indent: int = 0) -> None:
    """Print a directory and all below it."""
    if indent > _MAX_DEPTH:
        return
    for child in kndir_iterate(kn):
        name, kind = decode_kernfs_node(child)
        print(f"{' ' * indent}{one_line(name)}{'' if kind == '.' else kind}")
        if kind == "/":
            walk_kdir(child, indent + 2)
