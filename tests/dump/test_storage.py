"""Filesystems of every kind, well and not: numbers, health, findings, mountshow, on a guest."""

import json
import re

import pytest

READ = """
import json
from LinuxDump.fs import blocked, journals
from LinuxDump.fs.mounted import filesystems
found = filesystems()
print(json.dumps({"problems": found.problems + journals.journals()[1],
    "filesystems": {each.points[0]: [each.kind, each.device, each.usage, each.health._asdict(),
                                     [row.comm for row in
                                      blocked.blocked_tasks().get(int(each.sb), [])]]
                    for each in found.filesystems if each.points}}))
"""
FINDINGS = """
import json
from LinuxDump.triage.detectors import detect
found = detect(["storage", "filesystems"])
print(json.dumps([[each.record() for each in found.findings], found.failed]))
"""
GRAPH = """
import json
from LinuxDump.taskrows import task_rows
from LinuxDump.waitgraph import WaitGraph
rows = {row.task: row for row in task_rows()}
graph = WaitGraph(task for task, row in rows.items() if "UNINTERRUPTIBLE" in row.state)
print(json.dumps({rows[task].comm: [wait.kind, [rows[owner].comm for owner in wait.owners],
                                    wait.confidence, wait.note,
                                    [rows[one.task].comm for one in graph.chain(task)]]
                  for task, wait in graph.waits.items()}))
"""


@pytest.fixture(scope="module")
def told(storage_crash):
    return json.loads(storage_crash.epython(READ))


@pytest.fixture(scope="module")
def findings(storage_crash):
    found, failed = json.loads(storage_crash.epython(FINDINGS))
    assert failed == {}
    name = re.compile(r"/mnt/\w+|loop\d|lab-\w+|[\w-]+-8|$")
    return {(each["id"], name.search(each["sentence"])[0]): each for each in found}


@pytest.fixture(scope="module")
def statfs(storage_dump):
    """Mount point -> [block size, blocks, free, available, files, free files], as stat -f says."""
    rows = (line.split("|")
            for line in storage_dump.oracle["text"]["statfs"].splitlines())
    return {row[0]: list(map(int, row[2:-1])) for row in rows}


def test_numbers_are_those_of_statfs(told, statfs):
    assert told["problems"] == []
    compared = set()
    for point, (kind, _device, usage, _health, _blocked) in told["filesystems"].items():
        if usage is not None:
            assert usage == statfs[point], f"{kind} on {point}"
            compared.add(kind)
    assert compared == {"ext3", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "rootfs", "devtmpfs"}


def test_what_is_wrong_with_each(told):
    wrong = {point: {name for name in ("frozen", "shutdown", "aborted") if one[3][name]}
             for point, one in told["filesystems"].items()}
    # kernels between 6.6 and 6.14 have the one word for the other
    wrong["/mnt/errors"].discard("shutdown")
    assert {point: words for point, words in wrong.items() if words} == {
        "/mnt/frozen": {"frozen"}, "/mnt/errors": {"aborted"}, "/mnt/xfsdown": {"shutdown"},
        "/mnt/shut": {"shutdown", "aborted"}, "/mnt/btrfsdown": {"aborted"}}
    assert told["filesystems"]["/mnt/frozen"][3]["frozen"] == "complete"


def test_errors_are_those_that_ext4_remembers(told, storage_dump):
    theirs = dict(re.findall(r"^/sys/fs/ext4/zram3/(\w+):(.*)$",
                             storage_dump.oracle["text"]["sys/fs"], re.M))
    health = told["filesystems"]["/mnt/errors"][3]
    assert health["errors"] == int(theirs["errors_count"]) == 1
    for which in ("first", "last"):
        time, function, line, inode, block = health[which]
        assert [str(time), function, str(line), str(inode), str(block)] \
            == [theirs[f"{which}_error_{name}"] for name in ("time", "func", "line", "ino",
                                                             "block")]


def test_who_cannot_go_on_because_of_a_filesystem(told):
    waiting = {point: sorted(one[4]) for point, one in told["filesystems"].items() if one[4]}
    assert waiting.keys() == {"/mnt/frozen", "/mnt/stuck"}
    assert waiting["/mnt/frozen"].count("touch") == 2
    assert {"truncate", "sync", "chmod", "jbd2/dm-2-8"} <= set(waiting["/mnt/stuck"])


# -- a journal that cannot commit --

@pytest.fixture(scope="module")
def waits(storage_crash):
    return json.loads(storage_crash.epython(GRAPH))


@pytest.mark.parametrize("waiter, owner, note", [
    ("jbd2/dm-2-8", "truncate", "locked; one handle is open"),
    ("sync", "jbd2/dm-2-8", "locked"), ("chmod", "jbd2/dm-2-8", "locked")])
def test_a_transaction_has_an_owner(waits, waiter, owner, note):
    assert waits[waiter][:3] == ["jbd2 transaction", [owner], "certain"]
    assert re.fullmatch(rf"transaction \d+ of dm-2-8, {note}", waits[waiter][3])


def test_the_chain_leads_to_who_waits_for_the_disk(waits):
    assert waits["chmod"][4] == ["chmod", "jbd2/dm-2-8", "truncate"]
    assert waits["truncate"][0] == "buffer"
    assert re.fullmatch(r"block \d+ of dm-2", waits["truncate"][3])


def test_hanginfo_puts_them_in_a_class_of_their_own(storage_crash):
    text = storage_crash.run("hanginfo")
    assert "Waiting for journal commits" in text
    assert re.search(r"Owner: pid=\d+ cmd=(jbd2/dm-2-8|truncate)\n   transaction \d+ of dm-2-8, "
                     "locked", text)


# -- findings --

@pytest.mark.parametrize("kind, name, severity, sentence", [
    ("storage.stuck-request", "loop0", "error", r"2 requests on loop0 are stuck: the oldest "
     r"is a WRITE of \d+ bytes at sector \d+, begun \d+ s ago with a timeout of 30 s; its driver "
     r"has not answered\."),
    ("storage.stuck-request", "loop1", "error", r"A request on loop1 is stuck: it is a "
     r"WRITE of 4096 bytes at sector 512, begun .*"),
    ("storage.suspended", "lab-stuck", "error", r"lab-stuck \(dm-2\) of the device mapper is "
     r"suspended, and a bio waits for its resumption\."),
    ("filesystems.frozen", "/mnt/frozen", "error", r"ext4 on zram2 \(/mnt/frozen\) is frozen, and "
     r"\d threads wait for its end; the longest for \d+ s\."),
    ("filesystems.shutdown", "/mnt/shut", "error", r"ext4 on zram4 .* is shut down: .*"),
    ("filesystems.shutdown", "/mnt/xfsdown", "error", r"xfs on zram6 .* is shut down: .*"),
    (("filesystems.aborted", "filesystems.shutdown"), "/mnt/errors", "error", r"ext4 on zram3 "
     r"\(/mnt/errors\) .* since an error: trigger_test_error:\d+\."),
    ("filesystems.aborted", "/mnt/btrfsdown", "error", r"btrfs on dm-0 .*"),
    ("filesystems.journal", "dm-2-8", "error", r"The journal of dm-2-8 does not get on: "
     r"transaction \d+, begun \d+ s ago, is locked; pid=\d+ \(truncate\) has a handle of it\."),
    ("filesystems.full", "/mnt/full", "warning", r"ext4 on zram1 \(/mnt/full\) is full: 0 of \d+ "
     r"blocks of 4096 bytes are left, \d+ more are kept for root\."),
    ("filesystems.inodes", "/mnt/inodes", "warning", r"tmpfs .* has few inodes left: 0 of 40\."),
])
def test_what_is_wrong_is_found(findings, kind, name, severity, sentence):
    kinds = (kind,) if isinstance(kind, str) else kind
    found = next(findings[each, name] for each in kinds if (each, name) in findings)
    assert found["severity"] == severity and re.fullmatch(sentence, found["sentence"])
    assert found["evidence"] and found["command"]


def test_nothing_else_is_found(findings):
    assert len(findings) == 11


def test_findings_name_who_waits(findings):
    def names(*key):
        return [each["text"].split()[0] for each in findings[key]["evidence"]
                if each["what"] == "task"]
    assert names("storage.stuck-request", "loop0") == ["dd", "dd"]
    assert names("storage.suspended", "lab-stuck") == ["truncate"]
    assert names("filesystems.journal", "dm-2-8") == ["truncate"]
    assert names("filesystems.frozen", "/mnt/frozen").count("touch") == 2


def test_errors_that_the_log_tells_are_counted(storage_crash, storage_dump):
    told = {record["id"]: record for record in json.loads(storage_crash.epython("""
import json
from LinuxDump.triage.detectors import detect
print(json.dumps([f.record() for f in detect(("logmarks",)).findings]))"""))}
    log = storage_dump.oracle["text"]["dmesg"]
    # 5.10's btrfs warns of what its disk does
    warned = {"log.warning"} if "WARNING: CPU" in log else set()
    assert set(told) == {"log.io-error", "log.filesystem"} | warned
    for kind, words in (("io-error", "I/O error, dev |Buffer I/O error on dev "),
                        ("filesystem", "EXT4-fs error|BTRFS:? error|XFS .*Shutting down")):
        lines = [line for line in log.splitlines() if re.search(words, line)]
        assert len(lines) > 1 and f": {len(lines)}, from " in told[f"log.{kind}"]["sentence"]
        evidence = told[f"log.{kind}"]["evidence"]
        assert evidence[0]["text"].endswith(lines[0].partition("] ")[2])
        assert evidence[-1]["text"].endswith(lines[-1].partition("] ")[2])


def test_a_healthy_machine_has_nothing_above_a_note(crash):
    found, failed = json.loads(crash.epython(FINDINGS))
    assert failed == {} and [each for each in found if each["severity"] != "note"] == []


# -- sections --

def section(session, name, verbose=1):
    return session.epython(f"from LinuxDump.report import {name}\n{name}.show({verbose})\n"
                           f"{name}.data()\n")


def test_sections_warn_of_requests_and_frozen_filesystems(storage_crash):
    text = section(storage_crash, "blockrequests", 0)
    assert text.startswith("+++WARNING+++ there are outstanding blk_dev requests\n"
                           "   lab-stuck (dm-2) is suspended; bios that wait for its resumption: "
                           "1\n")
    assert "loop0 WRITE sector=" in section(storage_crash, "blockrequests")
    text = section(storage_crash, "frozen", 0)
    assert text.startswith("+++WARNING+++ There are frozen FS, rerun with '-v' to get a list\n")
    assert "(/mnt/frozen)" not in text and "(/mnt/shut): shut down" in text
    assert "ext4 on zram2 (/mnt/frozen) is frozen (complete)" in section(storage_crash, "frozen")


def test_sections_of_a_healthy_machine_are_empty(crash):
    assert section(crash, "blockrequests", 0) + section(crash, "frozen", 0) == ""


def test_sizes_of_ext_filesystems(storage_crash, statfs):
    text = storage_crash.epython("from LinuxDump.fs.ext3 import *\nshowExt3()\n")
    blocks = re.findall(r"^<struct mount 0x\w+> (\S+) (\S+) (\S+).*\n((?: +\d+    .+\n)+)", text,
                        re.M)
    assert {row[2] for row in blocks} == {"/mnt/good", "/mnt/full", "/mnt/frozen", "/mnt/errors",
                                          "/mnt/shut", "/mnt/stuck"}
    for _kind, _device, point, lines in blocks:
        numbers = [int(line.split()[0]) for line in lines.splitlines()]
        size, total, free, available, files, files_free = statfs[point]
        assert numbers == [total * size // 1024, size, free, available, files, files_free]


def test_a_directory_is_listed_as_ls_does(storage_crash, storage_dump):
    text = storage_crash.epython("from LinuxDump.fs.dcache import *\n"
                                 "ls_pathname('/mnt/good/dir')\n")
    ours = [line.split() for line in text.splitlines()[2:]]
    theirs = [line.split() for line in
              storage_dump.oracle["text"]["listing"].splitlines() if " file-" in line]
    assert [[row[0], row[1], row[2], row[3], row[-1]] for row in ours] \
        == [[row[0], row[2], row[3], row[4], row[-1]] for row in theirs]
    assert len(ours) == 8


# -- mountshow --

def run(session, arguments=""):
    text = session.run(f"mountshow {arguments}".rstrip())
    return text[:text.index("\n ** Execution took")]


def test_mounts_are_as_in_mountinfo(storage_crash, storage_dump):
    whole = json.loads(run(storage_crash, "--json"))
    lines = run(storage_crash).splitlines()
    theirs = storage_dump.oracle["mountinfo"]["1"]
    assert len(lines) == len(theirs) == len(whole)
    for line, account, one in zip(lines, theirs, whole):
        if one["super_options_complete"]:
            assert line == account
        else:
            assert account == line or account.startswith(f"{line},")
    exact = {one["type"] for one in whole if one["super_options_complete"]}
    assert {"ext3", "ext4", "xfs", "tmpfs", "debugfs"} <= exact
    by_pid = run(storage_crash, "--pid 1").splitlines()
    assert by_pid == lines


def test_mounts_of_another_namespace(storage_crash, storage_dump):
    other = next(pid for pid, lines in storage_dump.oracle["mountinfo"].items()
                 if any(" tmpfs inner " in line for line in lines))
    lines = run(storage_crash, f"--pid={other}").splitlines()
    theirs = storage_dump.oracle["mountinfo"][other]
    assert [line.split(" - ")[0] for line in lines] == [line.split(" - ")[0] for line in theirs]
    space = storage_crash.epython("from LinuxDump.Tasks import TaskTable\n"
                                  f"print('%x' % TaskTable().getByPid({other}).nsproxy.mnt_ns)\n")
    assert run(storage_crash, f"--ns={space}").splitlines() == lines


def test_mounts_by_type_by_place_and_by_address(storage_crash):
    assert [line.split()[4] for line in run(storage_crash, "--type=xfs,btrfs").splitlines()] \
        == ["/mnt/xfs", "/mnt/xfsdown", "/mnt/btrfs", "/mnt/btrfsdown"]
    one = json.loads(run(storage_crash, "--json /mnt/xfs/"))
    assert [each["point"] for each in one] == ["/mnt/xfs"]
    assert run(storage_crash, one[0]["mount"][2:]) == run(storage_crash, "/mnt/xfs")


def test_a_mount_with_its_options(storage_crash, storage_dump):
    (account,) = (line for line in storage_dump.oracle["mountinfo"]["1"] if " /mnt/tmpfs " in line)
    own = account.split()[-1].split(",")        # newer kernels add inode64
    assert own[:2] == ["rw", "size=8192k"]
    assert run(storage_crash, "--mounts /mnt/tmpfs") \
        == f"some /mnt/tmpfs tmpfs\n  opts: {', '.join(['rw', 'relatime', *own[1:]])}\n"
    text = run(storage_crash, "--mounts /mnt/overlay")
    assert all(len(line) <= 80 for line in text.splitlines())
    assert text.splitlines()[2].startswith(8 * " " + "workdir=/mnt/good/work")


def test_a_mount_with_how_it_is(storage_crash):
    text = run(storage_crash, "--stats /mnt/frozen")
    assert "\n  state: frozen\n" in text and re.search(r"\n  blocked: .*\(touch\)", text)
    text = run(storage_crash, "--stats /mnt/bound")
    assert "of which /dir is\n        mounted; also at /mnt/good, /mnt/remounted\n" in text
    text = run(storage_crash, "--stats /mnt/stuck")
    assert re.search(r"\n  journal: transaction \d+ is locked, begun \d+\.\d s ago, "
                     r"handles open: 1\n", text)
    text = run(storage_crash, "--stats /mnt/overlay")
    assert "\n  upper: /mnt/good/upper\n  work: /mnt/good/work\n  lower: /mnt/good/lower\n" in text
    text = run(storage_crash, "--stats /mnt/errors")
    assert re.search(r"\n  state: (aborted|shut down), errors: 1(, read-only)?\n"
                     r"  first error: trigger_test_error:", text)


def test_cached_inodes_are_those_of_the_slab(storage_crash):
    """Each inode of an ext filesystem is in one slab cache, and in its superblock's list."""
    listed, allocated = json.loads(storage_crash.epython(
        "import json\nfrom pykdump.API import *\nfrom LinuxDump.fs.superblocks import *\n"
        "from LinuxDump.fs.cached import cached\n"
        "ext = [sb for sb in all_superblocks()[0] if operations(sb) == 'ext4_sops']\n"
        "inodes = walk_slab('ext4_inode_cache', 'struct ext4_inode_info')[0]\n"
        "print(json.dumps([sum(cached(sb).inodes for sb in ext),"
        " sum(one.vfs_inode.i_sb in ext for one in inodes)]))\n"))
    # buddy bitmaps are kept in inodes of no cache
    assert 0 < listed <= allocated + 6


@pytest.mark.parametrize("arguments, says", [
    ("/nope", "Nothing is mounted at /nope\n"),
    ("zz", "mountshow: 'zz' is no address of a struct mount\n"),
    ("--ns=1", "mountshow: '1' is no address of a struct mnt_namespace\n"),
    ("--pid=99999", "There is no task with pid= 99999\n"),
    ("--version", "MOUNTSHOW version 1.0\n"),
])
def test_what_there_is_not_is_one_line(storage_crash, arguments, says):
    assert run(storage_crash, arguments) == says


def test_what_is_no_namespace_is_told_with_those_there_are(storage_crash):
    text = run(storage_crash, "--ns=ffffffff81000000")
    assert re.fullmatch(r"mountshow: ffffffff81000000 is no mount namespace; there are"
                        r"( [0-9a-f]{16}){2,3}\n", text)


# -- damage --

def test_what_is_no_superblock_is_an_error_or_not_known(storage_crash):
    text = storage_crash.epython("""
from pykdump.API import *
from LinuxDump.fs import cached, health, journals, usage
for address in (1, sym2addr("linux_banner"), sym2addr("init_task"), 0xdead000000000100):
    sb = readSU("struct super_block", address)
    for ask in (usage.usage, health.health, journals.journal_of, cached.cached):
        try:
            print("known" if ask(sb) else "not known")
        except crash.error as err:
            print("error" if "0x" in str(err) else err)
""")
    assert len(text.splitlines()) == 16
    assert set(text.splitlines()) <= {"known", "not known", "error"}
