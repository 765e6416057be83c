"""Owns sysctl tables: what is tuned below /proc/sys, and the values it has.

What shows a setting in the kernel (its proc_handler) tells the type of its data.  Must not know
what the settings mean.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from LinuxDump.Time import ticks_per_second
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import (addr2sym, crash, pylog, readInt, readmem, readPtr, readSU, sym2addr,
                         walk_rbtree)
from pykdump.plaintext import one_line

_MAX_ENTRIES, _MAX_DEPTH, _MAX_TABLE, _MAX_DIRS = 100_000, 16, 65_536, 10_000
_MAX_NUMBERS, _MAX_STRING, _MAX_BITMAP = 4096, 1 << 16, 1 << 20
_SHOWN = 5                      # elements of an array that getCtlData() has
_USER_HZ = 100
UNKNOWN = "(?)"
# Where namespaces have their part: the symbol, its type, the ctl_table_set in it.
_SETS = (("init_net", "struct net", "sysctls"), ("init_user_ns", "struct user_namespace", "set"),
         ("init_ipc_ns", "struct ipc_namespace", "ipc_set"),
         ("init_ipc_ns", "struct ipc_namespace", "mq_set"),
         ("init_pid_ns", "struct pid_namespace", "set"))

Value = int | str | list[int]


class Setting(NamedTuple):
    """A file below /proc/sys."""

    name: str               # "net.ipv4.ip_forward"
    table: Any              # struct ctl_table
    value: Value | None     # None: only the kernel itself could compute it, or it is not readable
    handler: str            # what shows it in the kernel: "proc_dointvec"; "" for nothing known

    @property
    def text(self) -> str:
        """The value as /proc/sys shows it; "(?)" if there is none."""
        if self.value is None:
            return UNKNOWN
        return "\t".join(map(str, self.value)) if isinstance(self.value, list) else str(self.value)


# -- tables ---------------------------------------------------------------------------------------

def getCtlTables(net: int = 0) -> dict[str, Any]:
    """struct ctl_table of all settings by name: "net.ipv4.ip_forward".

    Those of the network are of a struct net, of the first one unless told; {} for a kernel without
    sysctl.  Damage is reported in the log.
    """
    found: dict[str, Any] = {}
    root = sym2addr("sysctl_table_root")
    if not root:
        return found
    base = readSU("struct ctl_table_root", root)
    for tables in (base.default_set, *_namespaces(net)):
        for path, table in _walk(tables.dir):
            found.setdefault(".".join(part.replace(".", "/") for part in path), table)
    return found


def _namespaces(net: int) -> Iterator[Any]:
    """struct ctl_table_set of the first namespaces of each kind; those links lead to."""
    for symbol, sname, member in _SETS:
        address = net if net and symbol == "init_net" else sym2addr(symbol)
        try:
            space = readSU(sname, address)
        except TypeError:
            continue
        if address and space.hasField(member):
            yield getattr(space, member)


_Path = tuple[str, ...]


def _walk(top: Any) -> Iterator[tuple[_Path, Any]]:
    """(path, struct ctl_table) of what is below a struct ctl_dir, but for links."""
    pending: list[tuple[_Path, Any]] = [((), top)]
    seen: set[int] = set()
    while pending:
        path, directory = pending.pop()
        if int(directory) in seen or len(path) > _MAX_DEPTH or len(seen) > _MAX_DIRS:
            pylog.error(f"sysctl: {directory} is in itself, or there are too many")
            continue
        seen.add(int(directory))
        nodes, report = walk_rbtree(directory.root, "struct ctl_node", "node", limit=_MAX_ENTRIES)
        if not report.whole:
            pylog.error(f"sysctl: {'.'.join(path) or 'the root'}: {report}")
        for node in nodes:
            try:
                header, table = _entry(node)
                name, mode = one_line(table.procname or ""), table.mode
            except crash.error as err:
                pylog.error(f"sysctl: {'.'.join(path) or 'the root'}: {err}")
                continue
            if not name:
                continue
            if stat.S_ISDIR(mode):
                pending.append(((*path, name), header.castTo("struct ctl_dir")))
            elif not stat.S_ISLNK(mode):
                yield (*path, name), table


def _entry(node: Any) -> tuple[Any, Any]:
    """Of a struct ctl_node the header of its table, and the struct ctl_table it stands for.

    6.6: 53f3811dfd5e ("sysctl: Use ctl_table_size as stopping criteria for list macro"); before,
    and until 6.11 besides, the last entry of a table has no name.
    """
    header = node.header
    index, rest = divmod(int(node) - int(header.node), len(node))
    size = header.ctl_table_size if header.hasField("ctl_table_size") else _MAX_TABLE
    if rest or not 0 <= index < min(size, _MAX_TABLE):
        raise crash.error(f"{node} is not of {header}")
    return header, header.ctl_table[index]


# -- values ---------------------------------------------------------------------------------------

def settings(net: int = 0) -> list[Setting]:
    """All settings by name, with their values."""
    return [setting_of(name, table) for name, table in sorted(getCtlTables(net).items())]


def setting_of(name: str, table: Any) -> Setting:
    """What a struct ctl_table says."""
    handler, value = "", None
    try:
        handler = addr2sym(table.proc_handler) or ""
        value = _value(table, handler)
    except (crash.error, IndexError):
        pass
    return Setting(name, table, value, handler)


def getCtlData(ct: Any) -> Any:
    """The value of a struct ctl_table: text, an int, a list of them, or "(?)".

    A list has five ints at most, and then the text `... N more elements`.
    """
    value = setting_of("", ct).value
    if value is None:
        return UNKNOWN
    if isinstance(value, list) and len(value) > _SHOWN:
        return [*value[:_SHOWN], f"... {len(value) - _SHOWN} more elements"]
    return value


class _Kind(NamedTuple):
    """How numbers are kept and shown."""

    size: int
    signed: bool
    shown: Callable[[int], int] = int
    single: bool = False            # whatever room the table says there is


def _in(units: int) -> Callable[[int], int]:
    """Jiffies in a unit of which a second has so many, towards zero as C divides."""
    return lambda value: abs(value) * units // ticks_per_second() * (-1 if value < 0 else 1)


_INT, _ULONG = _Kind(4, True), _Kind(8, False)
_SECONDS, _MS = _Kind(4, True, _in(1)), _Kind(4, True, _in(1000))
# By what the name of the handler has in it; the first that fits.
_KINDS = tuple((re.compile(pattern), kind) for pattern, kind in (
    # What they show is counted or put together at that moment.
    ("^proc_nr_|^do_proc_dqstats$|unres_qlen|rss_key|doflags|hash_seed", None),
    ("userhz_jiffies", _Kind(4, True, _in(_USER_HZ))),
    ("ulong.*ms_jiffies", _Kind(8, False, _in(1000))),
    ("ms_jiffies", _MS), ("jiffies", _SECONDS),
    ("ulong|_bytes_handler$|^proc_dohung_task|^mmap_min_addr|^overcommit_kbytes", _ULONG),
    ("dolong", _Kind(8, True)),
    ("u8vec", _Kind(1, False)), ("dobool", _Kind(1, False, bool, True)),
    ("static_key", _Kind(4, True, lambda value: int(value > 0), True)),
    ("uint", _Kind(4, False)), ("dointvec|_ratio_sysctl_handler$|_port_range$|_group_range$", _INT),
))
# Handlers which know by the name what they show.
_BY_NAME = re.compile("^neigh_proc_base_reachable_time$|^ndisc_ifinfo_sysctl_change$")
_STRINGS = re.compile("dostring|uts_string|^devkmsg_sysctl_set_loglvl$")
# What has a handler of its own is, if it is so long, what all others are.
_BY_LENGTH = {1: _Kind(1, False), 4: _INT}


def _value(table: Any, handler: str) -> Value | None:
    data, length = int(table.data), table.maxlen
    if not data or length <= 0:
        return None
    if _STRINGS.search(handler):
        return _string(data, min(length, _MAX_STRING))
    if "large_bitmap" in handler:
        return _ranges(readPtr(data), length)
    kind = _kind(handler, str(table.procname), length)
    return _numbers(data, kind, length) if kind else None


def _kind(handler: str, name: str, length: int) -> _Kind | None:
    if _BY_NAME.search(handler):
        return _MS if name.endswith("_ms") else _INT if name == "retrans_time" else _SECONDS
    for pattern, kind in _KINDS:
        if pattern.search(handler):
            return kind
    return _BY_LENGTH.get(length)


def _numbers(address: int, kind: _Kind, length: int) -> Value | None:
    count = 1 if kind.single else min(length // kind.size, _MAX_NUMBERS)
    values = [int(kind.shown(readInt(address + kind.size * index, kind.size, kind.signed)))
              for index in range(count)]
    return values[0] if len(values) == 1 else values or None


def _string(address: int, length: int) -> str:
    text = readmem(address, length).partition(b"\0")[0].decode("utf-8", "backslashreplace")
    return one_line(text)


def _ranges(address: int, bits: int) -> str:
    """The bits that are set, as 1-3,8."""
    from LinuxDump.sched import as_ranges

    if bits > _MAX_BITMAP:
        return UNKNOWN
    mask = int.from_bytes(readmem(address, -(-bits // 8)), "little")
    return as_ranges([bit for bit in range(bits) if mask >> bit & 1]) if mask else ""


def print_sysctl(verbose: int = 0) -> None:
    """Print settings and their values by name; 1: struct ctl_table, too; 2: what shows it."""
    for setting in settings():
        print(f"{setting.name:<20} {_as_text(setting)}")
        if verbose > 0:
            print(f"    {setting.table}")
        if verbose > 1:
            print(f"    proc_handler={setting.handler or hex(setting.table.proc_handler)}")


def _as_text(setting: Setting) -> str:
    value = getCtlData(setting.table) if isinstance(setting.value, list) else setting.value
    return UNKNOWN if value is None else str(value)
