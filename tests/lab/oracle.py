"""The oracle: a guest's account on its serial line, parsed to the shape the package documents."""

import re
import socket
import struct
from typing import Any, Iterator, Optional

from tests.lab import LabError

SECTION = "@@@ "
BEGIN = "@@@ lab account begins"
END = "@@@ lab account ends"
KTHREAD_FLAG = 0x00200000
COMM_LENGTH = 15
KERNEL_HALF = 1 << 63
# A worker's name in /proc goes on, after + or -, with the work it does; its comm does not. Rescuers
# (R) are named after their queue, whatever that has in its name.
WORKER = re.compile(r"kworker/(?:R-.*|[^+-]*)")

Sections = dict[str, str]


class Garbled(LabError):
    """The account is not what the guest wrote, or is not of the moment of its end."""


class Unsteady(Garbled):
    """The guest changed while it told about itself."""


def parse(serial: str) -> dict[str, Any]:
    """The account in the text of a serial line. Raises LabError when it is not whole."""
    text = sections(serial)
    try:
        return {
            "uname": text["uname"].strip(),
            "nproc": int(text["nproc"]),
            "uptime": float(text["uptime"].split()[0]),
            "loadavg": [float(number) for number in text["loadavg"].split()[:3]],
            "tasks": _tasks(text["stat"], text["status"], _alive(text["alive"])),
            "mounts": _mounts(text["mounts"]),
            "modules": _modules(text["modules"]),
            "meminfo": _meminfo(text["meminfo"]),
            "sockets": _sockets(text),
            "cmdline": _strings_by_pid(text["cmdline"]),
            "environ": _strings_by_pid(text["environ"]),
            "fds": _fds(text["fds"]),
            "links": _links(text["links"]),
            "mountinfo": _lines_by_pid(text["mountinfo"]),
            "stacks": _stacks(text["stacks"]),
            "maps": _lines_by_pid(text["maps"]),
            "text": text,
        }
    except KeyError as error:
        raise Garbled(f"the guest's account has no {error}") from error
    except (ValueError, IndexError) as error:
        raise Garbled(f"the guest's account cannot be read: {error}") from error


def sections(serial: str) -> Sections:
    """Section name -> its text. Raises LabError when the begin or end mark is absent."""
    serial = serial.replace("\r\n", "\n")
    start = serial.find(BEGIN)
    end = serial.find(END, start)
    if start < 0 or end < 0:
        raise LabError("the guest printed no whole account of itself")
    body = serial[start + len(BEGIN):end]
    named = (part.partition("\n") for part in body.split("\n" + SECTION)[1:])
    return {name: text.strip("\n") for name, _, text in named}


def _alive(text: str) -> set[int]:
    """The threads at the end of the account, from paths such as 118/task/121."""
    return {int(path.rpartition("/")[2]) for path in text.split()}


def _tasks(stat: str, status: str, alive: set[int]) -> list[dict[str, Any]]:
    """The tasks at the end of the account. Raises Unsteady when one was born meanwhile."""
    details = {task["tid"]: task for task in _status_tasks(status)}
    states = {task["tid"]: task for task in map(_stat_task, filter(None, stat.splitlines()))}
    late = alive - (details.keys() & states.keys())
    if late:
        raise Unsteady(f"task {min(late)} was born while the guest printed its account")
    return [{**task, **details[tid]} for tid, task in states.items() if tid in alive]


def _stat_task(line: str) -> dict[str, Any]:
    """One line of /proc/PID/task/TID/stat; the name may hold blanks and parentheses."""
    tid, _, rest = line.partition(" (")
    name, _, tail = rest.rpartition(") ")
    field = tail.split()
    flags = int(field[6])
    return {
        "pid": int(tid), "name": name, "comm": _comm(name), "state": field[0],
        "tid": int(tid), "ppid": int(field[1]), "pgrp": int(field[2]), "session": int(field[3]),
        "flags": flags, "kthread": bool(flags & KTHREAD_FLAG), "prio": int(field[15]),
        "nice": int(field[16]), "threads": int(field[17]), "start_ticks": int(field[19]),
        "cpu": int(field[36]), "rt_priority": int(field[37]), "policy": int(field[38]),
    }


def _comm(name: str) -> str:
    worker = WORKER.match(name)
    return (worker.group() if worker else name)[:COMM_LENGTH]


def _status_tasks(text: str) -> Iterator[dict[str, Any]]:
    """The chosen lines of all /proc/PID/task/TID/status, one after the other."""
    for block in re.split(r"^(?=Tgid:)", text, flags=re.MULTILINE):
        field = dict(line.split(":", 1) for line in block.splitlines() if ":" in line)
        if not field:
            continue
        yield {
            "tid": int(field["Pid"]), "tgid": int(field["Tgid"]),
            "tracer": int(field["TracerPid"]), "uid": int(field["Uid"].split()[0]),
            "gid": int(field["Gid"].split()[0]),
            "nspid": [int(number) for number in field["NSpid"].split()],
            "vm_size_kb": int(field.get("VmSize", "0").split()[0]),
            "vm_rss_kb": int(field.get("VmRSS", "0").split()[0]),
            "switches": [int(field["voluntary_ctxt_switches"]),
                         int(field["nonvoluntary_ctxt_switches"])],
        }


def _mounts(text: str) -> list[dict[str, Any]]:
    rows = (line.split() for line in text.splitlines())
    return [{"device": _unescaped(row[0]), "point": _unescaped(row[1]), "type": row[2],
             "options": row[3].split(",")} for row in rows]


def _unescaped(path: str) -> str:
    """/proc/mounts writes blanks and backslashes as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal.group(1), 8)), path)


def _modules(text: str) -> list[dict[str, Any]]:
    rows = (line.split() for line in text.splitlines())
    return [{"name": row[0], "size": int(row[1]), "refcount": int(row[2]),
             "address": int(row[5], 16),
             "users": [user for user in row[3].split(",") if user not in ("", "-")]}
            for row in rows]


def _meminfo(text: str) -> dict[str, int]:
    rows = (line.split(":", 1) for line in text.splitlines())
    return {name: int(value.split()[0]) for name, value in rows}


def _sockets(text: Sections) -> dict[str, list[dict[str, Any]]]:
    tables = {name: [_inet_socket(line.split()) for line in text[f"net/{name}"].splitlines()[1:]]
              for name in ("tcp", "tcp6", "udp", "udp6")}
    tables["unix"] = [_unix_socket(line) for line in text["net/unix"].splitlines()[1:]]
    return tables


def _inet_socket(row: list[str]) -> dict[str, Any]:
    """A row of /proc/net/tcp: sl local remote st tx:rx tr:when retrnsmt uid timeout inode."""
    sent, received = row[4].split(":")
    return {"local": _endpoint(row[1]), "remote": _endpoint(row[2]), "state": int(row[3], 16),
            "tx_queue": int(sent, 16), "rx_queue": int(received, 16), "uid": int(row[7]),
            "inode": int(row[9])}


def _endpoint(text: str) -> list[Any]:
    """[address, port]; /proc shows the address as 32-bit words in host byte order."""
    address, port = text.split(":")
    words = [int(address[start:start + 8], 16) for start in range(0, len(address), 8)]
    packed = struct.pack(f"<{len(words)}I", *words)
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return [socket.inet_ntop(family, packed), int(port, 16)]


def _unix_socket(line: str) -> dict[str, Any]:
    row = line.split(None, 7)
    return {"address": _kernel_address(row[0].rstrip(":")), "refcount": int(row[1], 16),
            "type": int(row[4], 16), "state": int(row[5], 16), "inode": int(row[6]),
            "path": row[7] if len(row) > 7 else ""}


def _kernel_address(text: str) -> Optional[int]:
    """An address, unless the kernel hides it: in a number which is none, or in words."""
    address = int(text, 16) if text.isalnum() else 0
    return address if address >= KERNEL_HALF else None


def _lines_by_pid(text: str) -> dict[str, list[str]]:
    """Lines printed as PID/file:line."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        found.setdefault(name.partition("/")[0], []).append(rest)
    return found


def _strings_by_pid(text: str) -> dict[str, list[str]]:
    """Lines printed as PID/file:strings, each of which a NUL ends."""
    found = {}
    for pid, lines in _lines_by_pid(text).items():
        strings = "\n".join(lines)
        found[pid] = strings[:-1].split("\0") if strings.endswith("\0") else [strings]
    return found


def _fds(text: str) -> dict[str, dict[str, str]]:
    """What ls -l printed: a line PID/fd: and then a line for each link."""
    found: dict[str, dict[str, str]] = {}
    pid = ""
    for line in text.splitlines():
        head = re.fullmatch(r"(\d+)/fd:", line)
        link = re.search(r" (\d+) -> (.*)$", line)
        if head:
            pid = head.group(1)
        elif link:
            found.setdefault(pid, {})[link.group(1)] = link.group(2)
    return found


def _links(text: str) -> dict[str, dict[str, str]]:
    """What ls -l printed of PID/exe, PID/cwd, PID/root; links that lead nowhere are left out."""
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        link = re.search(r" (\d+)/(exe|cwd|root) -> (.*)$", line)
        if link:
            found.setdefault(link.group(1), {})[link.group(2)] = link.group(3)
    return found


def _stacks(text: str) -> dict[str, list[str]]:
    """Lines printed as PID/task/TID/stack:[<0>] function+0x1/0x2."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        row = re.fullmatch(r"(\d+)/task/(\d+)/stack:\[<0>\] ([^+\s]+).*", line)
        if row:
            found.setdefault(f"{row.group(1)}/{row.group(2)}", []).append(row.group(3))
    return found
