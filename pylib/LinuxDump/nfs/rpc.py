"""Owns the kernel's RPC clients: their transports, and the requests that are under way.

Must not know NFS, nor what programs print.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.dlkm import lsmod
from LinuxDump.inet import get_net_namespace_list
from LinuxDump.Time import get_ktime_j, ktime_t, tkr_time
from pykdump.API import (CU_LIVE, addr2sym, crash, member_offset, memoize_cond, readPtr, readSU,
                         readU32, sym2addr, walk_list)

MAX_CLIENTS, MAX_REQUESTS, MAX_TRANSPORTS = 100_000, 100_000, 4096
_MAX_NET = 512              # bytes of a struct sunrpc_net
_MAX_GENERIC = 1024         # of what modules have for each struct net
_QUEUED = 1 << 1            # of rpc_task.tk_runstate: RPC_TASK_QUEUED
_MAJORSEEN = 0x20           # of rpc_task.tk_flags: RPC_CALL_MAJORSEEN
_NS = 1_000_000_000

# rpc_xprt.address_strings, enum rpc_display_format_t
ADDRESS, PORT, NETID = 0, 1, 5
# Bits of rpc_xprt.state
XPRT_STATES = ("LOCKED", "CONNECTED", "CONNECTING", "CLOSE_WAIT", "BOUND", "BINDING", "CLOSING",
               "OFFLINE", "REMOVE", "CONGESTED", "CWND_WAIT", "WRITE_SPACE", "SND_IS_COOKIE")
CONNECTED = 1 << 1


class Transport(NamedTuple):
    """A struct rpc_xprt, by which requests go to a server.

    xprt        struct rpc_xprt
    server      what the server is called
    address     its address and port, as the kernel shows them; "" where it has none
    port
    netid       "tcp", "tcp6", "udp", "local", "rdma" ...
    state       words of XPRT_STATES
    """

    xprt: Any
    server: str
    address: str
    port: str
    netid: str
    state: list[str]


class Request(NamedTuple):
    """A struct rpc_task: one call, from before it is sent until its answer has been taken.

    task        struct rpc_task
    clnt        its struct rpc_clnt
    xprt        struct rpc_xprt, by which it goes; a null pointer before there is one
    program     "nfs", and the version
    version
    procedure   "GETATTR"; "" of an empty call
    owner       the process that asked, its tgid; 0 of the kernel
    age         seconds since it was made; None if it is not known
    xid         what it is known by on the wire; None before it has one
    sent        how many times it has been sent; 0 before it has a slot
    timeouts    how many times an answer has come too late
    late        it has had its major timeout: the kernel has logged "not responding"
    status      what is wrong for the moment, a negative errno; 0
    action      the function that is next
    queue       what it waits in: "xprt_pending" is the answer; "" if it runs
    """

    task: Any
    clnt: Any
    xprt: Any
    program: str
    version: int
    procedure: str
    owner: int
    age: float | None
    xid: int | None
    sent: int
    timeouts: int
    late: bool
    status: int
    action: str
    queue: str

    @property
    def name(self) -> str:
        """Program, version and procedure: "nfs v3 GETATTR"."""
        return f"{self.program} v{self.version} {self.procedure}".rstrip()


class Requests(NamedTuple):
    """Requests, the oldest first, and what could not be read: sentences."""

    requests: list[Request]
    problems: list[str]


def clients() -> tuple[list[Any], list[str]]:
    """Each struct rpc_clnt of all network namespaces, and what could not be read.

    TypeError if the dump does not have the module's types.
    """
    found: list[Any] = []
    problems: list[str] = []
    for net in get_net_namespace_list() if _is_there() else ():
        try:
            head = _head(net)
            if head:
                some, report = walk_list(head, "struct rpc_clnt", "cl_clients",
                                         limit=MAX_CLIENTS)
                found += some
                if not report.whole:
                    problems.append(f"RPC clients of {net}: {report}; {len(some)} could be read")
        except (crash.error, IndexError) as err:
            problems.append(f"RPC clients of {net}: {err}")
    return found, problems


def _is_there() -> bool:
    return bool(sym2addr("rpc_create")) or "sunrpc" in lsmod()


def _head(net: Any) -> int:
    """The list of all RPC clients of a struct net; 0 if there are none.  crash.error.

    It is in the struct sunrpc_net, one of what modules have for each net.  Which of them that is
    says a variable that crash does not know of since 6.4 (it lies in memory that is read-only
    after init), and kernels before 5.11 do not have the type in the dump: then it is found by
    what it leads to.
    """
    table = net.gen
    if not table:
        return 0
    start = int(table) + member_offset("struct net_generic", "ptr")
    number = sym2addr("sunrpc_net_id")
    numbers = [readU32(number)] if number else range(1, min(table.s.len, _MAX_GENERIC))
    offset = member_offset("struct sunrpc_net", "all_clients")
    if number and offset >= 0:
        own = readPtr(start + 8 * readU32(number))
        return own + offset if own else 0
    places = [offset] if offset >= 0 else range(0, _MAX_NET, 8)
    for at in numbers:
        own = readPtr(start + 8 * at)
        for place in places if own else ():
            if _leads_to_client(own + place, net):
                return own + place
    return 0


def _leads_to_client(head: int, net: Any) -> bool:
    """Whether a list has a struct rpc_clnt, the transport of which belongs to a struct net."""
    try:
        first = readPtr(head)
        if first == head or readPtr(first + 8) != head:
            return False
        clnt = readSU("struct rpc_clnt", first - member_offset("struct rpc_clnt", "cl_clients"))
        return bool(clnt.cl_xprt.xprt_net == net)
    except (crash.error, IndexError):
        return False            # no list


def transports(clnt: Any) -> list[Any]:
    """Each struct rpc_xprt of a struct rpc_clnt, its own first.  crash.error."""
    own = clnt.cl_xprt
    switch = clnt.cl_xpi.xpi_xpswitch
    if not switch:
        return [own] if own else []
    found, _report = walk_list(switch.xps_xprt_list, "struct rpc_xprt", "xprt_switch",
                               limit=MAX_TRANSPORTS)
    return list(found)


def transport(xprt: Any) -> Transport:
    """What is known of a struct rpc_xprt.  crash.error, IndexError."""
    texts = xprt.address_strings
    address, port, netid = (str(texts[which] or "") for which in (ADDRESS, PORT, NETID))
    return Transport(xprt, str(xprt.servername or ""), address, port, netid,
                     [word for bit, word in enumerate(XPRT_STATES) if xprt.state >> bit & 1])


def now() -> int | None:
    """CLOCK_MONOTONIC when the dump was taken, in ns; None if the kernel does not show it."""
    return tkr_time() or get_ktime_j()


def request(task: Any) -> Request:
    """What a struct rpc_task is to do.  crash.error, IndexError."""
    clnt, procedure, slot = task.tk_client, task.tk_msg.rpc_proc, task.tk_rqstp
    clock = now()
    start = ktime_t(task.tk_start)
    queue = task.tk_waitqueue if task.tk_runstate & _QUEUED else None
    return Request(
        task, clnt, _xprt(task), str(clnt.cl_program.name), clnt.cl_vers,
        str(procedure.p_name or "") if procedure else "", task.tk_owner,
        None if clock is None else (clock - start) / _NS,
        int.from_bytes(slot.rq_xid.to_bytes(4, "little"), "big") if slot else None,
        slot.rq_ntrans if slot else 0, task.tk_timeouts, bool(task.tk_flags & _MAJORSEEN),
        task.tk_status, addr2sym(int(task.tk_action)) or "",
        str(queue.name or "") if queue else "")


def _xprt(task: Any) -> Any:
    return task.tk_xprt or (task.tk_rqstp.rq_xprt if task.tk_rqstp else task.tk_client.cl_xprt)


@memoize_cond(CU_LIVE)
def requests() -> Requests:
    """All that are under way; TypeError if the dump does not have the module's types."""
    found: list[Request] = []
    owners, problems = clients()
    for clnt in owners:
        try:
            tasks, report = walk_list(clnt.cl_tasks, "struct rpc_task", "tk_task",
                                      limit=MAX_REQUESTS)
        except (crash.error, IndexError) as err:
            problems.append(f"requests of {clnt}: {err}")
            continue
        if not report.whole:
            problems.append(f"requests of {clnt}: {report}; {len(tasks)} could be read")
        for task in tasks:
            try:
                found.append(request(task))
            except (crash.error, IndexError) as err:
                problems.append(f"{task} of {clnt}: {err}")
    return Requests(sorted(found, key=lambda each: -(each.age or 0)), problems)


def server_of(xprt: Any) -> str:
    """How people call a server: its name, and its address where that is another; and the port.

    crash.error, IndexError.
    """
    known = transport(xprt)
    address = f"[{known.address}]" if ":" in known.address else known.address
    where = f"{address}:{known.port}" if known.address else known.netid
    return where if known.server in ("", known.address) else f"{known.server} ({where})"


def told(what: Request) -> str:
    """A request in words: what it is, where it goes, and since when.  crash.error, IndexError."""
    words = [what.name]
    if what.xprt:
        state = ", ".join(transport(what.xprt).state).lower()
        words[0] += f" to {server_of(what.xprt)}"
        words.append(f"transport {state or 'not connected'}")
    if what.age is not None:
        words.append(f"made {what.age:.0f} s ago")
    words.append(f"sent {what.sent} times" if what.sent != 1 else "sent once")
    if what.late:
        words.append("the server does not respond")
    return "; ".join(words)


def is_task(address: int) -> bool:
    """Whether a struct rpc_task is at an address: its client has it on its list.  crash.error."""
    node = address + member_offset("struct rpc_task", "tk_task")
    return readPtr(readPtr(node) + 8) == node and readPtr(readPtr(node + 8)) == node \
        and bool(readSU("struct rpc_task", address).tk_client)
