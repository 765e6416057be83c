"""NFS: mounts, servers, requests and state, on a guest that is server and client."""

import json
import re

import pytest

MOUNTINFO = """
from LinuxDump.fs import mounts
for mount in mounts.mounts(mounts.init_namespace()).mounts:
    print(mount.line)
"""


STATS = """
import json
from LinuxDump.nfs import rpc, shares
from LinuxDump.nfs.statstext import record
print(json.dumps({
    "stats": {each.points[0]: record(shares.stats_of(each.sb)) for each in shares.shares().shares},
    "shares": [[each.hostname, each.address, each.version, each.points]
               for each in shares.shares().shares],
    "own": [each.points[0] for each in shares.own_shares()],
    "requests": [[each.name, rpc.server_of(each.xprt), each.owner, each.late, each.sent]
                 for each in rpc.requests().requests],
    "problems": rpc.requests().problems + shares.shares().problems,
    "clients": [[clnt.cl_clid, clnt.cl_xprt.id] for clnt in rpc.clients()[0]],
    "transports": {clnt.cl_clid: [[each.netid, each.address, each.port, each.xprt.id]
                                  for each in map(rpc.transport, rpc.transports(clnt))]
                   for clnt in rpc.clients()[0]},
}))
"""
FINDINGS = """
import json
from LinuxDump.triage.detectors import detect
found = detect(["nfs"])
print(json.dumps([[each.record() for each in found.findings], found.failed]))
"""
# A server there counts what others do; on these mounts nobody does anything any more.
QUIET = ("/mnt/v3", "/mnt/v3soft", "/mnt/v3local", "/mnt/v40", "/mnt/v41", "/mnt/v42", "/mnt/v6")


@pytest.fixture(scope="module")
def told(nfs_crash):
    return json.loads(nfs_crash.epython(STATS))


@pytest.fixture(scope="module")
def findings(nfs_crash):
    found, failed = json.loads(nfs_crash.epython(FINDINGS))
    assert failed == {}
    return {each["id"]: each for each in found}


@pytest.fixture(scope="module")
def pids(nfs_dump):
    """Name of a process -> its PIDs."""
    found = {}
    for task in nfs_dump.oracle["tasks"]:
        found.setdefault(task["comm"], []).append(task["pid"])
    return found


@pytest.fixture(scope="module")
def mountstats(nfs_dump):
    """Mount point -> what the guest's /proc/self/mountstats says of it, of those of NFS."""
    text = nfs_dump.oracle["text"]["mountstats"].replace("\r", "")
    found = {}
    for block in re.split("^device ", text, flags=re.MULTILINE):
        head = re.match(r"\S+ mounted on (\S+) with fstype nfs4? statvers=1.1\n", block)
        if head:
            found[head[1]] = _account(block)
    return found


def _account(block):
    told = {line[0]: line[1] for line in re.findall(r"^\t(\w+):\t(.*)$", block, re.MULTILINE)}
    told["xprt"] = re.findall(r"^\txprt:\t(.*)$", block, re.MULTILINE)
    told["operations"] = {
        name: list(map(int, numbers.split()))
        for name, numbers in re.findall(r"^\t *([A-Z_0-9]+): ([ \d]+)$", block, re.MULTILINE)}
    return told


@pytest.fixture(scope="module")
def mountinfo(nfs_dump):
    """Mount point -> its line of /proc/self/mountinfo, of those of NFS."""
    lines = nfs_dump.oracle["text"]["proc/mountinfo"].splitlines()
    return {line.split()[4]: line for line in lines if re.search(" - nfs4? ", line)}


# -- mounts ----------------------------------------------------------------------------------------

def test_lines_of_mountinfo_are_the_guests(nfs_crash, mountinfo):
    lines = nfs_crash.epython(MOUNTINFO).splitlines()
    assert [line for line in lines if line in mountinfo.values()] == list(mountinfo.values())
    assert len(mountinfo) == 10


def test_mounts_are_told_with_options_that_are_as_by_default(nfs_crash):
    text = nfs_crash.run("epython mountshow --mounts /mnt/v41")
    words = text.split("\n\n")[0].split()
    assert text.startswith("127.0.0.1:/ /mnt/v41 nfs4\n  opts: rw, noatime, vers=4.1, rsize=65536,")
    assert words[3:] == [
        "opts:", "rw,", "noatime,", "vers=4.1,", "rsize=65536,", "wsize=65536,", "namlen=255,",
        "acregmin=3,", "acregmax=60,", "acdirmin=30,", "acdirmax=60,", "hard,", "proto=tcp,",
        "nconnect=3,", "timeo=600,", "retrans=2,", "sec=sys,", "clientaddr=127.0.0.1,",
        "local_lock=none,", "addr=127.0.0.1"]


def test_a_place_where_nothing_is_mounted_is_told(nfs_crash):
    assert nfs_crash.run("epython mountshow --stats /mnt/none").startswith(
        "Nothing is mounted at /mnt/none\n")


def test_options_in_mountstats_are_the_guests(nfs_crash, mountstats):
    for point, account in mountstats.items():
        text = nfs_crash.run(f"epython mountshow --mounts {point}")
        shown = " ".join(text.split("\n\n")[0].split()).partition("opts: ")[2].split(", ")
        theirs = account["opts"].split(",")
        assert [word for word in shown if word in theirs] == theirs
        assert {word.partition("=")[0] for word in set(shown) - set(theirs)} \
            <= {"relatime", "noatime", "addr"}


# -- numbers ---------------------------------------------------------------------------------------

def test_counters_are_those_of_mountstats(told, mountstats):
    assert told["problems"] == []
    assert set(QUIET) < mountstats.keys() <= told["stats"].keys()
    for point in QUIET:
        ours, theirs = told["stats"][point], mountstats[point]
        for kind in ("events", "bytes"):
            assert list(ours["counters"][kind].values()) == list(map(int, theirs[kind].split()))
        operations = {name: [row[column] for column in (
            "ops", "transmissions", "timeouts", "sent", "received", "queue", "rtt", "execute",
            "errors")] for name, row in ours["operations"].items()}
        assert operations == {name: row for name, row in theirs["operations"].items() if row[0]}


def test_capabilities_and_security_are_those_of_mountstats(told, mountstats):
    for point, theirs in mountstats.items():
        ours = told["stats"][point]
        caps = ours["caps"]
        assert theirs["caps"] == f"caps=0x{caps['caps']:x}," + ",".join(
            f"{name}={caps[name]}" for name in ("wtmult", "dtsize", "bsize", "namlen"))
        assert theirs["sec"] == "flavor={},pseudoflavor={}".format(*ours["flavor"])
        own = [name if value == "" else f"{name}={value:#x}" if name[:2] in ("bm", "ac")
               else f"{name}={value}" for name, value in ours["v4"].items()]
        assert theirs.get("nfsv4", "") == ",".join(own)


def test_transports_are_those_of_mountstats(told, mountstats):
    for point in QUIET:
        ours, theirs = told["stats"][point]["transports"], mountstats[point]["xprt"]
        assert len(ours) == len(theirs) == (3 if point == "/mnt/v41" else 1)
        for (kind, numbers), text in zip(ours, theirs):
            name, *words = text.split()
            counted = list(map(int, words))
            # idle since then, for the time that the rest of the account has taken
            assert 0 <= numbers[4] - counted[4] <= 60
            assert (kind, numbers[:4] + numbers[5:]) == (name, counted[:4] + counted[5:])


def test_ages_grow_by_the_time_that_the_account_takes(told, mountstats):
    for point, theirs in mountstats.items():
        assert 0 <= told["stats"][point]["age"] - int(theirs["age"]) <= 60


def test_stats_as_text(nfs_crash, mountstats):
    text = nfs_crash.run("epython mountshow --stats /mnt/v41")
    assert re.search(r"^  age: \d+$", text, re.MULTILINE)
    assert re.search(r"^  caps: caps=0x[0-9a-f]+, wtmult=512, dtsize=65536, bsize=0, namelen=255$",
                     text, re.MULTILINE)
    assert "\n  sec: flavor=1, pseudoflavor=1\n" in text
    assert len(re.findall(r"^  xprt:  tcp( \d+){13}$", text, re.MULTILINE)) == 3
    assert re.search(r"^ +ops +trans +tmout +bytes-sent +bytes-recv +q/op +rtt/op +exe/op$", text,
                     re.MULTILINE)
    row = mountstats["/mnt/v41"]["operations"]["READ"]
    words = re.search(r"^  READ +(.*)$", text, re.MULTILINE)[1].split()
    assert words[:5] == list(map(str, row[:5]))
    assert [float(word) for word in words[5:]] == [round(total / row[0], 2) for total in row[5:8]]
    assert max(map(len, text.partition("  age")[0].splitlines())) <= 80


# -- servers ---------------------------------------------------------------------------------------

def test_shares_are_the_volumes_of_the_guest(told, nfs_dump):
    rows = [line.partition(":")[2].split()
            for line in nfs_dump.oracle["text"]["nfsfs"].splitlines() if "volumes:v" in line]
    shares = told["shares"]
    assert len(shares) == len(rows) == 10
    assert sorted(f"v{version[0]}" for _host, _address, version, _points in shares) \
        == sorted(row[0] for row in rows)
    assert ["10.0.9.2", "10.0.9.2", "4.1", ["/mnt/far4"]] in shares
    assert ["127.0.0.1", "127.0.0.1", "4.2", ["/mnt/v42/other"]] in shares


def test_rpc_clients_and_transports_are_those_of_debugfs(told, nfs_dump):
    text = nfs_dump.oracle["text"]["sunrpc"]
    theirs = re.findall(r"netid: +(\S+)\n.*addr: +(\S+)\n.*port: +(\S+)$", text, re.MULTILINE)
    ours = {number: (netid, address, port)
            for rows in told["transports"].values() for netid, address, port, number in rows}
    assert sorted(ours.values()) == sorted(theirs)
    assert len(ours) > 10


# -- a server that does not answer -----------------------------------------------------------------

def test_requests_are_those_of_debugfs(told, nfs_dump, pids):
    text = nfs_dump.oracle["text"]["sunrpc"]
    theirs = re.findall(r" (\w+)v\d (\w+) a:", text)
    ours = [(name.split()[0], name.split()[-1])
            for name, server, _owner, _late, _sent in told["requests"]]
    assert set(ours) == set(theirs) == {("nfs", "WRITE"), ("nfsacl", "GETACL"),
                                        ("nfs", "OPEN_NOATTR")}
    assert {server for _name, server, _owner, _late, _sent in told["requests"]} \
        == {"10.0.9.2:2049"}
    owners = {owner for _name, _server, owner, _late, _sent in told["requests"]}
    assert owners == {*pids["dd"], *pids["cat"], min(pids["mkdir"])}
    assert all(late and sent for _name, _server, _owner, late, sent in told["requests"])


def test_a_server_that_does_not_answer_is_a_finding(findings, pids):
    found = findings["nfs.unanswered"]
    assert found["severity"] == "error"
    assert re.fullmatch(
        r"The server 10\.0\.9\.2:2049 does not answer: 3 requests wait, the oldest, \w+ v\d \w+, "
        r"for \d+ s; mounted from it: /mnt/far3, /mnt/far4; 4 threads hang for that\.",
        found["sentence"])
    asked = {piece["pid"] for piece in found["evidence"] if piece["what"] == "task"}
    assert asked == {*pids["dd"], *pids["cat"], *pids["mkdir"]}


def test_mounts_of_the_machines_own_server_are_a_note(findings, told):
    found = findings["nfs.loopback"]
    assert found["severity"] == "note"
    assert set(told["own"]) == {*QUIET, "/mnt/v42/other"}
    assert "/mnt/far" not in found["sentence"] and "/mnt/v3, " in found["sentence"]


def test_who_waits_for_an_answer_is_explained(nfs_crash, pids):
    text = nfs_crash.run("epython hanginfo -v")
    block = text.partition("Waiting for answers to RPC requests")[2].partition("\n\n")[0]
    assert re.search(rf"^ +{pids['cat'][0]} +cat ", block, re.MULTILINE)
    assert re.search(r"^  -- <struct rpc_task 0x[0-9a-f]+> RPC request, 1 waiting\n"
                     r"   nfs v4 OPEN_NOATTR to 10\.0\.9\.2:2049; transport connected, bound; "
                     r"made \d+ s ago; sent .*; the server does not respond$", block, re.MULTILINE)
    # the second waits for the lock of the directory, which the first has
    first, second = sorted(pids["mkdir"])
    chain = json.loads(nfs_crash.epython(GRAPH.format(second)))
    assert chain == [["rwsem", [first]], ["RPC request", []]]


GRAPH = """
import json
from pykdump.API import readSU
from LinuxDump.Tasks import TaskTable
from LinuxDump.waitgraph import WaitGraph
task = TaskTable().getByPid({}).ts
print(json.dumps([[wait.kind, [readSU("struct task_struct", owner).pid for owner in wait.owners]]
                  for wait in WaitGraph([task]).chain(int(task))]))
"""


def test_threads_that_a_mount_holds_up_are_told_with_it(nfs_crash, pids):
    text = nfs_crash.run("epython mountshow --stats /mnt/far3")
    first, second = sorted(pids["mkdir"])
    assert f"  blocked: {pids['dd'][0]} (dd), {first} (mkdir), {second} (mkdir)\n" in text


# -- what programs take from the library -----------------------------------------------------------

def test_mounts_and_flags_by_their_old_names(nfs_crash):
    text = nfs_crash.epython("""
from LinuxDump.nfsrpc import *
init_Structures()
mounts = get_nfs_mounts()
print(sorted((host, point) for host, server, point in mounts if point[5:] in ("v41", "far3")))
flags = {point: dbits2str(server.flags, NFS_flags, 10) for host, server, point in mounts}
print(flags["/mnt/v3soft"], flags["/mnt/v6"])
print(sorted({str(server.Hostname) for host, server, point in mounts}))
print(is_NFSD(), if_loopback_NFS())
""")
    assert text.splitlines()[:4] == [
        "[('10.0.9.2', '/mnt/far3'), ('127.0.0.1', '/mnt/v41')]",
        "SOFT|NOAC|TCP|VER3|NONLM|UNSHARED|LOCAL_FLOCK|LOCAL_FCNTL TCP|SOFTERR|SOFTREVAL",
        "['10.0.9.2', '127.0.0.1']", "+++WARNING+++ NFS loopback mount -> 127.0.0.1"]


STATE = """
import json
from LinuxDump.nfs import shares, state4
print(json.dumps({share.points[0]: [
    [[each.path, each.mode, len(each.locks)] for owner in state4.owners(share.server)
     for each in owner.states],
    [[each.path, each.mode] for each in state4.delegations(share.server)],
    state4.lease(share.server.nfs_client)]
    for share in shares.shares().shares if share.version.startswith("4")}))
"""


def test_open_files_locks_and_delegations_are_those_that_the_server_knows(nfs_crash, nfs_dump):
    found = json.loads(nfs_crash.epython(STATE))
    text = nfs_dump.oracle["text"]["nfsd"]
    for number in "012":
        client = re.search(rf'fs/nfsd/clients/(\d+)/info:name: "Linux NFSv4.{number} ', text)[1]
        theirs = re.findall(rf"clients/{client}/states:.* type: (\w+),(?: access: ([^,]+),)?.*"
                            r'filename: "([^"]+)"', text)
        states, delegations, (time, age) = found[f"/mnt/v4{number}"]
        assert sorted((path, mode) for path, mode in delegations) == sorted(
            (path, access.strip("-,")) for kind, access, path in theirs if kind == "deleg") != []
        opened = {path: (mode, locks) for path, mode, locks in states}
        for kind, access, path in theirs:
            if kind == "open":
                assert set(access.strip("-")) <= set(opened[path][0])
        assert [path for path, (_mode, locks) in opened.items() if locks] == ["/file-4"]
        assert time == 3600 and 0 <= age < 120


def test_state_by_its_old_names(nfs_crash):
    text = nfs_crash.epython("""
from LinuxDump.nfsrpc import get_nfs_mounts
from LinuxDump.fs import nfs4_fs_h as Nfs4
server = next(server for host, server, point in get_nfs_mounts() if point == "/mnt/v41")
Nfs4.nfs_server(server).print_verbose(True, False, True)
Nfs4.nfs_client(server.nfs_client).print_verbose()
print(Nfs4.NFS4_CLIENT_STATE["NFS4CLNT_LEASE_EXPIRED"], Nfs4.NFS4_STATE_FLAGS["NFS_OPEN_STATE"])
""")
    assert re.match(r"\(struct nfs_server \*\)0x[0-9a-f]+\n - rsize = 65536, rpages = 16\n", text)
    assert re.search(r"\(struct nfs4_state \*\)0x[0-9a-f]+\n - file = /open-1, inode = "
                     r"0x[0-9a-f]+, mode = w\n - n_rdonly = 0, n_wronly = 1, n_rdwr = 0\n", text)
    assert re.search(r"\(struct nfs_delegation \*\)0x[0-9a-f]+\n - file = /file-5, .* type = r\n",
                     text)
    assert text.endswith(" - NFS4 lease is _NOT_ expired\n2 2\n")
