"""Owns what NFS counts of a mount: the numbers of /proc/PID/mountstats.

Must not know how they are printed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.nfs.options import version_text
from LinuxDump.nfs.rpc import CONNECTED, transports
from LinuxDump.Time import ktime_t
from pykdump.API import (HZ, EnumInfo, addr2sym, readSU, readU64, struct_exists, struct_size,
                         sym2addr, walk_percpu)

_MAX_PROCEDURES, _MAX_PARENTS = 1000, 100
_NS_MS = 1_000_000
_U64 = 1 << 64
# Members of struct rpc_iostats, in the order of Operation
_COUNTED = ("om_ops", "om_ntrans", "om_timeouts", "om_bytes_sent", "om_bytes_recv")
_TIMED = ("om_queue", "om_rtt", "om_execute")
# The function that prints a transport's numbers -> its name there
_TRANSPORTS = {"xs_tcp_print_stats": "tcp", "xs_udp_print_stats": "udp",
               "xs_local_print_stats": "local"}
# The enum of what is counted, and what its names begin with.
_ENUMS = {"events": ("enum nfs_stat_eventcounters", "NFSIOS_"),
          "bytes": ("enum nfs_stat_bytecounters", "NFSIOS_"),
          "fscache": ("enum nfs_stat_fscachecounters", "NFSIOS_FSCACHE_")}


class Operation(NamedTuple):
    """One procedure of the protocol, since the mount's RPC client was made; times in ms."""

    name: str
    ops: int
    transmissions: int
    timeouts: int
    sent: int           # bytes
    received: int
    queue: int
    rtt: int
    execute: int
    errors: int


class Counters(NamedTuple):
    """What is counted, by name, in the kernel's order."""

    events: dict[str, int]
    bytes: dict[str, int]
    fscache: dict[str, int]     # {} if the kernel does not count it here


class Stats(NamedTuple):
    """What a line of mountstats tells of a struct nfs_server.

    age         seconds that it is mounted
    impl        (name, domain, seconds, nanoseconds) of the server's implementation; None
    caps        numbers by their names there
    v4          the same of version 4, with "pnfs", "lease_time", "lease_expired" ...; {} of others
    flavor      of security, and the pseudo-flavor
    counters    None if the server has none, or the dump not their type
    counted     does the server have them
    program     its number, version and name
    transports  (kind, numbers) of each; None is not in the dump
    operations  [] if the dump does not have their type
    """

    age: int
    impl: tuple[str, str, int, int] | None
    caps: dict[str, int]
    v4: dict[str, int | str]
    flavor: tuple[int, int]
    counters: Counters | None
    counted: bool
    program: tuple[int, int, str]
    transports: list[tuple[str, list[int | None]]]
    operations: list[Operation]


def stats(server: Any) -> Stats:
    """Of a struct nfs_server; crash.error, IndexError, KeyError."""
    clnt, client = server.client, server.nfs_client
    auth = clnt.cl_auth
    impl = client.cl_implid if client.hasField("cl_implid") else None
    return Stats(
        _seconds_since(server.mount_time),
        (str(impl.name), str(impl.domain), impl.date.seconds, impl.date.nseconds)
        if impl else None,
        {"caps": server.caps, "wtmult": server.wtmult, "dtsize": server.dtsize,
         "bsize": server.bsize, "namlen": server.namelen},
        _v4(server, client) if version_text(server).startswith("4") else {},
        (auth.au_ops.au_flavor, auth.au_flavor), _counters(server), bool(server.io_stats),
        (clnt.cl_prog, clnt.cl_vers, str(clnt.cl_program.name)),
        [_transport(xprt) for xprt in transports(clnt)], _operations(clnt))


def _jiffies() -> int:
    return readU64(sym2addr("jiffies"))


def _seconds_since(then: int) -> int:
    return (_jiffies() - then) % _U64 // HZ


def _v4(server: Any, client: Any) -> dict[str, int | str]:
    mask = server.attr_bitmask
    told: dict[str, int | str] = {"bm0": mask[0], "bm1": mask[1], "bm2": mask[2],
                                  "acl": server.acl_bitmask}
    if client.cl_session:
        told["sessions"] = ""
    driver = server.pnfs_curr_ld
    told["pnfs"] = str(driver.name) if driver else "not configured"
    # 5.6: since then mountstats tells of the lease
    lease = client.cl_lease_time
    told["lease_time"] = lease // HZ
    passed = _jiffies() - client.cl_last_renewal - lease
    told["lease_expired"] = passed // HZ if passed > 0 else 0
    return told


def _counters(server: Any) -> Counters | None:
    pointer = int(server.io_stats or 0)
    if not pointer or not struct_exists("struct nfs_iostats"):
        return None
    _cpus, each, _report = walk_percpu(pointer, "struct nfs_iostats")
    sums: dict[str, dict[str, int]] = {"fscache": {}}
    for kind, (enum, start) in _ENUMS.items():
        if each and each[0].hasField(kind):
            columns = [getattr(cpu, kind) for cpu in each]
            names = _names(enum, start, len(columns[0]))
            sums[kind] = {name: sum(column[index] for column in columns)
                          for index, name in enumerate(names)}
    return Counters(**sums)


def _names(enum: str, start: str, count: int) -> list[str]:
    known: dict[int, str] = {}
    try:
        known = {value: name[len(start):].lower() for name, value in EnumInfo(enum).items()
                 if name.startswith(start)}
    except TypeError:
        pass                # a dump without the enum: their numbers are their names
    return [known.get(index, str(index)) for index in range(count)]


def _transport(xprt: Any) -> tuple[str, list[int | None]]:
    """As the kernel prints them: those of TCP are 13 numbers."""
    kind = _TRANSPORTS.get(addr2sym(int(xprt.ops.print_stats or 0)) or "", "")
    count = xprt.stat
    idle = _seconds_since(xprt.last_used) if xprt.state & CONNECTED else 0
    connection = [count.connect_count, count.connect_time // HZ, idle] \
        if kind in ("tcp", "local") else []
    port: list[int | None] = []
    if kind in ("tcp", "udp"):
        port = [readSU("struct sock_xprt", int(xprt)).srcport
                if struct_exists("struct sock_xprt") else None]
    return kind or "unknown", [
        *port, count.bind_count, *connection, count.sends, count.recvs, count.bad_xids,
        count.req_u, count.bklog_u, count.max_slots, count.sending_u, count.pending_u]


def _operations(clnt: Any) -> list[Operation]:
    """Of a client and those that it was made from; [] if the dump does not have their type."""
    if not struct_exists("struct rpc_iostats"):
        return []
    chain = [clnt]
    for _ in range(_MAX_PARENTS):
        parent = chain[-1].cl_parent
        if not parent or parent == chain[-1]:
            break
        chain.append(parent)
    size = struct_size("struct rpc_iostats")
    procedures = clnt.cl_procinfo
    made = []
    for number in range(min(clnt.cl_maxproc, _MAX_PROCEDURES)):
        rows = [readSU("struct rpc_iostats", int(one.cl_metrics) + size * number)
                for one in chain if one.cl_metrics and number < one.cl_maxproc]
        procedure = procedures[number]
        made.append(Operation._make([
            str(procedure.p_name or number or "NULL"),
            *(sum(getattr(row, name) for row in rows) for name in _COUNTED),
            *(sum(ktime_t(getattr(row, name)) for row in rows) // _NS_MS for name in _TIMED),
            sum(row.om_error_status for row in rows)]))
    return made
