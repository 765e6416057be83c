"""Disks and requests that have no end, against what /proc, /sys and debugfs of the guest said."""

import json
import re

import pytest

READ = """
import json
from LinuxDump import blkmq, block, diskkinds, dm, iowaits
from LinuxDump.disks import all_disks
def details(disk):
    try:
        return diskkinds.details(disk)
    except TypeError:       # a kernel without types of its modules
        return None
found = all_disks()
waiters = iowaits.IoWaiters()
print(json.dumps({
    "problems": found.problems + dm.all_mapped()[1],
    "disks": {disk.name: {
        "dev": disk.whole.dev, "size": disk.whole.size, "elevator": disk.elevator,
        "readonly": disk.whole.readonly, "bios": disk.takes_bios,
        "stats": [list(part) for part in disk.whole.stats()],
        "details": details(disk), "queues": len(blkmq.hardware_queues(disk.queue)),
        "requests": [{**request._asdict(), "rq": int(request.rq),
                      "waiters": [row.pid for row in waiters.of([request.rq.bio])]}
                     for request in blkmq.requests(disk.queue).requests]}
        for disk in found.disks},
    "mapped": {each.name: [each.disk.name, each.suspended, each.pending,
                           [list(iowaits.bio_of(bio)[1:]) for bio in each.deferred],
                           [row.comm for row in waiters.of(each.deferred)],
                           [list(target) for target in each.table()]]
               for each in dm.all_mapped()[0]}}))
"""
# disks of healthy filesystems
WRITTEN = ("zram0", "zram5", "zram7")
# what is in use, as /sys/kernel/debug/block/DISK/hctxN/busy shows it
BUSY = re.compile(r"(\w+)/hctx(\d+)/busy:([0-9a-f]{16}|\(_*ptrval_*\)) \{\.op=(\w+), .*"
                  r"\.state=(\w+), \.tag=(-?\d+), \.internal_tag=(-?\d+)\}")


@pytest.fixture(scope="module")
def told(storage_crash):
    return json.loads(storage_crash.epython(READ))


@pytest.fixture(scope="module")
def account(storage_dump):
    return storage_dump.oracle["text"]


@pytest.fixture(scope="module")
def sysfs(account):
    """/sys/block: disk -> file -> its lines."""
    files = {}
    for line in account["sys/block"].splitlines():
        path, _colon, text = line.partition(":")
        disk, _slash, name = path[len("/sys/block/"):].partition("/")
        files.setdefault(disk, {}).setdefault(name, []).append(text)
    return files


def test_disks_are_those_of_the_guest(told, account, sysfs):
    assert told["problems"] == []
    assert told["disks"].keys() == sysfs.keys()
    for line in account["proc/partitions"].splitlines()[2:]:
        major, minor, kib, name = line.split()
        assert told["disks"][name]["dev"] == [int(major), int(minor)]
        assert told["disks"][name]["size"] // 2 == int(kib)


def test_sizes_schedulers_and_hardware_queues_are_those_of_sysfs(told, sysfs):
    for name, disk in told["disks"].items():
        theirs = sysfs[name]
        assert disk["size"] == int(theirs["size"][0])
        assert disk["readonly"] == bool(int(theirs["ro"][0]))
        # newer kernels have no such file of devices that take bios
        scheduler = re.search(r"\[(.*)\]|^(none)$", theirs.get("queue/scheduler", ["none"])[0])
        assert disk["elevator"] == (scheduler[1] or scheduler[2])
        assert disk["queues"] == len([each for each in theirs if each.startswith("mq/")
                                      and each.endswith("/nr_tags")])
    # some kernels have mq-deadline as a module, which the guest has not
    assert told["disks"]["loop0"]["elevator"] == "none"


def test_statistics_are_those_of_proc_diskstats(told, account):
    rows = [line.split() for line in account["proc/diskstats"].splitlines()]
    assert {row[2] for row in rows} <= told["disks"].keys()
    exact = 0
    for row in rows:
        theirs = list(map(int, row[3:]))
        ios, merges, sectors, nsecs, in_flight = told["disks"][row[2]]["stats"]
        ours = [[ios[group], merges[group], sectors[group], nsecs[group] // 1_000_000]
                for group in range(3)]      # reads, writes, discards
        # filesystems write of their own accord, after the account as well
        if ours == [theirs[first:first + 4] for first in (0, 4, 11)]:
            exact += 1
        else:
            assert row[2] in WRITTEN and ours[1][0] >= theirs[4]
        if told["disks"][row[2]]["bios"]:
            assert sum(in_flight) == theirs[8]
        assert ios[3] == theirs[15] or row[2] in WRITTEN
    assert exact >= len(rows) - 2
    assert any(told["disks"][row[2]]["stats"][0][1] > 10 for row in rows)


def test_requests_in_use_are_those_of_debugfs(told, account):
    busy = list(BUSY.finditer(account["debug/block"]))
    # older kernels hide addresses from root, too
    hidden = any("ptrval" in match[3] for match in busy)
    theirs = {(match[1], 0 if hidden else int(match[3], 16), match[4], match[5].replace("_", " "),
               int(match[6]), int(match[7])) for match in busy}
    ours = {(name, 0 if hidden else request["rq"], request["op"], request["state"], request["tag"],
             request["internal"])
            for name, disk in told["disks"].items() for request in disk["requests"]}
    assert ours == theirs
    assert sorted(row[0] for row in ours) == ["loop0", "loop0", "loop1"]


def test_a_request_has_its_place_on_the_disk_its_age_and_who_waits(told, storage_dump):
    writers = {task["tid"] for task in storage_dump.oracle["tasks"]
               if task["name"] == "dd" and task["state"] == "D"}
    found = told["disks"]["loop0"]["requests"] + told["disks"]["loop1"]["requests"]
    assert sorted((each["sector"], each["bytes"]) for each in found) \
        == [(128, 4096), (512, 4096), (512, 8192)]
    waiting = {pid for each in found for pid in each["waiters"]}
    assert len(waiting) == 3 and waiting < writers
    for each in found:
        assert 34 <= each["age"] < storage_dump.oracle["uptime"] + 10
        assert each["place"] == "driver" and each["timeout"] == 30
        assert each["overdue"] < 10


def test_loop_devices_know_their_files(told, sysfs):
    for name, disk in told["disks"].items():
        if name.startswith("loop"):
            files = sysfs[name].get("loop/backing_file")
            assert disk["details"]["file"] == (files[0] if files else None)
            if files:
                assert disk["details"]["offset"] == int(sysfs[name]["loop/offset"][0])
    assert told["disks"]["loop2"]["details"]["offset"] == 4096


def test_zram_knows_what_it_stores(told, sysfs):
    for name, disk in told["disks"].items():
        if name.startswith("zram") and disk["size"]:
            stored, compressed, *_rest = map(int, sysfs[name]["mm_stat"][0].split())
            found = disk["details"]
            assert found["disksize"] == int(sysfs[name]["disksize"][0])
            assert [found["stored"], found["compressed"]] == [stored, compressed] \
                or name in WRITTEN and found["stored"] >= stored
            assert disk["details"]["algorithm"] == "lz4"


def test_mapped_devices_have_their_tables(told, account):
    # of a delay, the devices only
    ours = [f"{name}: {begin} {length} {kind} {args}".rstrip()
            for name, one in told["mapped"].items() for begin, length, kind, args in one[5]]
    theirs = [re.sub(r"(delay \S+) .*", r"\1", line.rstrip())
              for line in account["dm"].splitlines()]
    assert sorted(ours) == sorted(theirs)


def test_a_suspended_device_keeps_what_it_is_given(told, account):
    states = dict(re.findall(r"Name: +(\S+)\nState: +(\S+)", account["dm/info"]))
    assert {name: one[1] for name, one in told["mapped"].items()} \
        == {name: state == "SUSPENDED" for name, state in states.items()}
    _disk, suspended, _pending, deferred, waiters, _table = told["mapped"]["lab-stuck"]
    assert suspended and waiters == ["truncate"]
    assert [bio[0] for bio in deferred] == ["READ"] and deferred[0][2] == 4096


def test_a_slow_device_has_what_it_has_not_ended(told):
    assert told["mapped"]["lab-slow"][1:4] == [False, 1, []]


# -- as text --

DEV = "from LinuxDump.Dev import *\n"


def test_drivers_are_those_of_proc_devices(storage_crash, account):
    text = storage_crash.epython(DEV + "print_blkdevs()\n")
    rows = dict(re.findall(r"^ *(\d+)  (\S+) +<struct gendisk 0x[0-9a-f]+> fops=\w+$", text, re.M))
    theirs = re.findall(r"^ *(\d+) (\S+)", account["proc/devices"].partition("Block")[2], re.M)
    assert rows and set(rows.items()) <= set(theirs)


def test_disks_with_their_queues(storage_crash):
    text = storage_crash.epython(DEV + "print_blkdevs(1)\n")
    assert re.search(r"^    0 loop0   <struct (?:block_device|hd_struct) 0x\w+> "
                     r"<struct gendisk 0x\w+>\n"
                     r"       I/O Elevator=none\n"
                     r"        <struct request_queue 0x\w+> Len=0 in_flight=2 count=2\n"
                     r"        loop of /mnt/frozen/disk.img$", text, re.M)
    assert "zram: " in text and "dm: lab-stuck (linear) [" in text


def test_mapped_devices_as_text(storage_crash):
    lines = storage_crash.epython(DEV + "print_dm_devices()\n").splitlines()
    assert lines == [" ========== Devicemapper devices ============",
                     f"{'lab-failing':<40}  minor=0", f"{'lab-slow':<40}  minor=1",
                     f"{'lab-stuck':<40}  minor=2"]
    assert "       \\| logical  sectors 0->131071 linear 254:9 0\n" \
        in storage_crash.epython(DEV + "print_dm_devices(1)\n")


def test_counts_of_requests_as_text(storage_crash, sysfs):
    busy = {name: sum(map(int, files["inflight"][0].split())) for name, files in sysfs.items()}
    busy = {name: count for name, count in busy.items() if count}
    assert busy.items() >= {"loop0": 2, "loop1": 1}.items()
    text = storage_crash.epython(
        DEV + "print(print_request_queues(1), print_blk_cpu_done(), print_request_slab())\n")
    lines = text.splitlines()
    total = sum(busy.values())
    # where the device mapper counts bios that it has put off, they are among them
    assert lines[0] == f" -- Request Queues Analysis:     Count={total}, in_flight={total}"
    assert sorted(lines[1:-4]) == sorted(
        f"{name:<16} count={count:<4} in_flight={count}" for name, count in busy.items())
    assert lines[-4:-2] == [
        " -- Requests on blk_cpu_done:    Count=0",
        " -- Requests from SLAB Analysis: Count=3, STARTED=3 WRITE=3"]
    assert re.fullmatch(r"      -- Since started: newest +\d+\.\d\ds,  oldest +\d+\.\d\ds",
                        lines[-2])
    assert lines[-1] == f"{total} 0 3"


def test_requests_of_a_queue_for_programs_that_look_at_their_ages(storage_crash):
    text = storage_crash.epython(
        "from LinuxDump.block import *\n"
        "for queue in get_all_request_queues('loop0'):\n"
        "    for rq in get_queue_requests(queue):\n"
        "        print(rq_names[queue], rq._reqinfo_.rq_alloc < -30, rq._reqinfo_.state)\n")
    assert text == "loop0 True in flight\n" * 2


def test_one_request_in_words(storage_crash):
    text = storage_crash.epython(
        DEV + "jiffies, rq = get_blkreq_fromslab()[-1]\n"
        "print(jiffies > 30 * HZ, decode_rq_state(rq), is_request_BAD(rq), is_request_STARTED(rq),"
        " is_request_WRITE(rq))\nprint(decode_request(rq))\nprint(blk_rq_deadline(rq))\n")
    assert text.splitlines()[0] == "True driver None True True"
    assert re.fullmatch(r"<struct request 0x\w+> WRITE sector=\d+ bytes=\d+ in flight \(driver\) "
                        r"age=\d+\.\d\ds timeout=30s hctx=0 tag=\d+ internal_tag=-?\d+",
                        text.splitlines()[1])
    assert re.fullmatch(r"in \d+\.\d\d s|\d+\.\d\d s ago", text.splitlines()[2])


def test_what_is_no_request_is_bad_or_not_in_use(storage_crash):
    text = storage_crash.epython(
        DEV + "for address in (1, sym2addr('linux_banner'), 0xdead000000000100):\n"
        "    rq = readSU('struct request', address)\n"
        "    print(bool(is_request_BAD(rq)))\n")
    assert "Traceback" not in text and text.count("True") >= 2


def test_a_healthy_machine_has_no_requests(crash):
    text = crash.epython(DEV + "print(print_request_queues(-1), print_request_slab(-1),"
                         " print_blk_cpu_done(-1))\nprint_dm_devices()\n")
    assert text == "0 0 0\n ========== Devicemapper devices ============\n" \
        "    none: no disk of this kernel belongs to the device mapper\n"


# -- damage --

HOSTILE = """
from pykdump.API import *
from LinuxDump import blkmq
class Bitmap:
    def __init__(self, **members):
        self.__dict__.update(members)
banner = sym2addr("linux_banner")
for shift, depth in ((6, 1 << 32), (200, 64), (-1, 5), (6, 70)):
    for place in (0, 1, banner, 0xdead000000000100):
        try:
            tags = list(blkmq.tags_in_use(Bitmap(shift=shift, depth=depth, map=place)))
            assert all(0 <= tag < depth for tag in tags)
            print("tags")
        except crash.error as err:
            print("error" if "0x" in str(err) else err)
for place in (1, banner, sym2addr("init_task"), 0xdead000000000100):
    try:
        found = blkmq.requests(readSU("struct request_queue", place))
        print(len(found.requests), bool(found.problems))
    except crash.error as err:
        print("error")
"""


def test_bitmaps_and_queues_that_are_none_end(storage_crash):
    text = storage_crash.epython(HOSTILE)
    assert "Traceback" not in text and len(text.splitlines()) == 20
    assert set(text.splitlines()) <= {"tags", "error", "0 False", "0 True"}
