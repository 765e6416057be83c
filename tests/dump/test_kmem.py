"""Memory of the machine, slab caches, and what is found wrong with them, against what the guests
told of themselves and against crash."""

import json
import re

import pytest

# Names of MemInfo and of /proc/meminfo.
LINES = {
    "total": "MemTotal", "free": "MemFree", "available": "MemAvailable", "buffers": "Buffers",
    "cached": "Cached", "swap_cached": "SwapCached", "active_anon": "Active(anon)",
    "inactive_anon": "Inactive(anon)", "active_file": "Active(file)",
    "inactive_file": "Inactive(file)", "unevictable": "Unevictable", "mlocked": "Mlocked",
    "swap_total": "SwapTotal", "swap_free": "SwapFree", "dirty": "Dirty",
    "writeback": "Writeback", "anon": "AnonPages", "mapped": "Mapped", "shmem": "Shmem",
    "reclaimable": "KReclaimable", "slab_reclaimable": "SReclaimable",
    "slab_unreclaimable": "SUnreclaim", "kernel_stacks": "KernelStack",
    "page_tables": "PageTables", "commit_limit": "CommitLimit", "committed": "Committed_AS",
    "vmalloc": "VmallocUsed", "percpu": "Percpu", "anon_huge": "AnonHugePages",
    "hugetlb": "Hugetlb",
}
# The guest goes on while it tells of itself: it makes processes, and CPUs add up what they count.
# None of these changes at all.
FIXED = {"total", "swap_total", "mlocked", "unevictable", "writeback", "commit_limit", "percpu",
         "anon_huge", "hugetlb", "swap_cached"}
MOVES = 4 << 20     # bytes, of the others


def answer(session, text):
    """What a program prints as JSON."""
    header = ("import json\nfrom pykdump.API import *\n"
              "from LinuxDump import kmem, slabs, swap, zones\n")
    return json.loads(session.epython(header + text))


def test_totals_are_those_of_the_guest(crash, dump):
    ours = answer(crash, "print(json.dumps(kmem.meminfo()._asdict()))")
    theirs = dump.oracle["meminfo"]
    for name, line in LINES.items():
        expected = theirs[line] << 10
        assert abs(ours[name] - expected) <= (0 if name in FIXED else MOVES), line


def test_counters_have_the_names_of_proc_vmstat(crash, dump):
    ours = answer(crash, "print(json.dumps(kmem.vmstat()))")
    theirs = dict(line.split() for line in dump.oracle["text"]["proc/vmstat"].splitlines())
    computed = {"nr_dirty_threshold", "nr_dirty_background_threshold", "nr_memmap_pages",
                "nr_memmap_boot_pages", "nr_unstable"}
    assert set(ours) == set(theirs) - computed
    # What has happened by then has happened.
    for name in ("pgfault", "pgfree", "pgmajfault", "pswpout", "oom_kill"):
        assert ours[name] >= int(theirs[name]), name


def test_zones_are_those_of_the_guest(crash, dump):
    ours = answer(crash, "print(json.dumps([z._asdict() for z in zones.zones()]))")
    counted = answer(crash, "from LinuxDump import vmstat\nprint(json.dumps([vmstat.of_zone("
                     "readSU('struct zone', z.address))['NR_FREE_PAGES'] for z in zones.zones()]))")
    info = dump.oracle["text"]["proc/zoneinfo"]
    blocks = re.findall(r"zone +(\w+) ((?: +\d+)+)", dump.oracle["text"]["proc/buddyinfo"])
    assert [zone["name"] for zone in ours] == [name for name, _numbers in blocks]
    for zone, exactly, (name, numbers) in zip(ours, counted, blocks):
        text = re.search(rf"zone +{name}\n.*?(?=\nNode|\Z)", info, re.S).group()
        for key, line in (("min", "min"), ("low", "low"), ("high", "high"), ("spanned", "spanned"),
                          ("present", "present"), ("managed", "managed")):
            assert zone[key] == int(re.search(rf"^ +{line} +(\d+)$", text, re.M)[1]), (name, key)
        assert exactly == sum(count << i for i, count in enumerate(zone["blocks"]))
        assert abs(exactly - zone["free"]) * 4096 <= MOVES      # what CPUs have not added yet
        theirs = sum(int(count) << i for i, count in enumerate(numbers.split()))
        assert abs(zone["free"] - theirs) * 4096 <= MOVES
        assert len(zone["blocks"]) == len(numbers.split())


def test_free_lists_are_sound_and_as_long_as_the_kernel_counts(crash):
    assert answer(crash, """
print(json.dumps([[list(zone.blocks), [sum(own.blocks for own in lists if own.order == order)
                                       for order in range(len(zone.blocks))],
                   [own.problem for own in lists if own.problem]]
                  for zone in zones.zones() for lists in [zones.free_lists(zone)]]))
""") == [[blocks, blocks, []] for blocks, _same, _none in answer(crash, """
print(json.dumps([[list(zone.blocks), 0, 0] for zone in zones.zones()]))""")]


def test_free_lists_by_migrate_type_are_those_of_proc_pagetypeinfo(crash, dump):
    ours = answer(crash, """
print(json.dumps([[zone.name, own.kind, own.order, own.blocks]
                  for zone in zones.zones() for own in zones.free_lists(zone)]))""")
    told = {}
    for zone, kind, order, blocks in ours:
        counts = told.setdefault((zone, kind), [])
        assert order == len(counts)
        counts.append(blocks)
    rows = re.findall(r"zone +(\w+), type +(\w+) ((?: +\d+)+)",
                      dump.oracle["text"]["proc/pagetypeinfo"].partition("Number of blocks")[0])
    theirs = {(zone, kind): [int(number) for number in numbers.split()]
              for zone, kind, numbers in rows}
    assert list(told) == list(theirs)
    for key, numbers in theirs.items():
        assert len(told[key]) == len(numbers)
        # who tells goes on taking pages of the larger zone
        free, then = (sum(count << order for order, count in enumerate(counts))
                      for counts in (told[key], numbers))
        assert told[key] == numbers if key[0] == "DMA" else abs(free - then) * 4096 <= MOVES


def test_the_table_is_the_one_of_crash(crash):
    ours = crash.epython("from LinuxDump.report import memory\nmemory.show(0)").splitlines()
    theirs = crash.run("kmem -i").splitlines()
    assert ours[0].split() == theirs[0].split()

    def named(lines, name):
        return next(line for line in lines if line.lstrip().startswith(name + " "))
    for name in ("TOTAL MEM", "FREE", "USED", "BUFFERS", "CACHED", "TOTAL HUGE", "HUGE FREE",
                 "TOTAL SWAP", "SWAP USED", "SWAP FREE", "COMMIT LIMIT"):
        assert named(ours, name) == named(theirs, name)
    # crash 8.0.2 leaves out half of the slabs and what CPUs have not added up of COMMITTED.
    for name in ("SHARED", "SLAB", "COMMITTED"):
        assert re.fullmatch(r" +\w+ +\d+ +[\d.]+ [KMG]B +\d+% of TOTAL (MEM|LIMIT)",
                            named(ours, name))


def test_what_kmem_f_prints_is_parsed_and_printed(crash):
    text = crash.epython("""
from LinuxDump.kmem import *
found = parse_kmemf(exec_crash_command("kmem -f"))
print([zone[1] for zone in found], all(len(row) == 5 for zone in found for row in zone[2:]))
mine = zone_rows(zones()[1])
print(sum(row[4] for row in found[1][2:]) == sum(row[4] for row in mine[2:]))
print_Zone(mine)
try:
    parse_kmemf("nothing")
except ValueError as err:
    print(err)
""")
    assert "['DMA', 'DMA32'" in text and "True\nTrue\n" in text.replace("] True", "]\nTrue")
    assert "   == Zone:DMA32 ==" in text and "FREE_AREA_STRUCT" in text
    assert re.search(r"^  0        4k  0x[0-9a-f]{16} +\d+ +\d+$", text, re.M)
    assert "this is not what kmem -f prints" in text


def test_slab_caches_are_those_of_proc_slabinfo(crash, dump):
    ours = {row[0]: row[1:] for row in
            answer(crash, "print(json.dumps([list(row) for row in slabs.slabinfo()]))")}
    rows = [line.split() for line in dump.oracle["text"]["proc/slabinfo"].splitlines()[2:]]
    theirs = {row[0]: [int(number) for number in row[1:6]] + [int(row[14])] for row in rows}
    assert set(ours) == set(theirs) and len(ours) > 100
    same = 0
    for name, (active, objects, size, per_slab, pages, count) in ours.items():
        assert [size, per_slab, pages] == theirs[name][2:5], name
        same += [active, objects, count] == theirs[name][:2] + theirs[name][5:]
    # Caches of processes and files go on being used while the guest tells.
    assert same > len(ours) * 2 / 3


def test_slabs_that_are_found_are_those_that_nodes_count(crash):
    assert answer(crash, """
print(json.dumps([cache.name for cache in slabs.all_caches().caches
                  if (cache.slabs, cache.objects) != (
                      sum(n.slabs for n in slabs.node_lists(cache)),
                      sum(n.objects for n in slabs.node_lists(cache)))]))""") == []


def test_an_address_is_told_by_its_object(crash):
    text = crash.epython("""
from LinuxDump import Slab
taken, free = Slab.get_slab_addrs("task_struct")
init = walk_list(sym2addr("init_task") + member_offset("struct task_struct", "tasks"),
                 "struct task_struct", "tasks")[0][1]
print(int(init) in taken, not set(taken) & set(free), len(free) > 0)
print(Slab.whatis_slab(int(init) + 8))
print(Slab.whatis_slab(free[0]))
print(Slab.whatis_slab(sym2addr("init_task")), Slab.whatis_slab(0))
try:
    Slab.get_slab_addrs("nothing")
except KeyError as err:
    print(err)
""").splitlines()
    assert text[0] == "True True True"
    assert re.fullmatch(r"slab cache task_struct \(0x[0-9a-f]+\), object 0x[0-9a-f]+ \+8, "
                        "allocated", text[1])
    assert text[2].endswith(", free") and text[3:] == ["None None", "'no slab nothing'"]


def test_a_healthy_guest_has_no_finding_about_memory(crash):
    assert answer(crash, """
from LinuxDump.triage.detectors import detect
found = detect(("memory", "slabs"))
print(json.dumps([[f.id for f in found.findings], found.failed]))""") == [[], {}]


# -- the guest whose memory is short -------------------------------------------------------------

@pytest.fixture(scope="module")
def found(memory_crash):
    """Findings by their ids."""
    records = answer(memory_crash, """
from LinuxDump.triage.detectors import detect
found = detect(("memory", "slabs"))
assert not found.failed, found.failed
print(json.dumps([f.record() for f in found.findings]))""")
    return {record["id"]: [other for other in records if other["id"] == record["id"]]
            for record in records}


def test_pressure_names_who_waits_and_what_holds_them_up(found):
    finding, = found["memory.pressure"]
    assert finding["severity"] == "error" and "zone DMA32" in finding["sentence"]
    texts = [piece["text"] for piece in finding["evidence"]]
    assert any("lab_shrink_count holds" in text for text in texts)
    assert any(text.startswith("lab-reclaim-") for text in texts)


def test_what_is_used_up_is_named(found):
    assert found["memory.swap-full"][0]["evidence"][0]["text"] == "/dev/zram0"
    groups = " ".join(finding["sentence"] for finding in found["memory.cgroup"])
    assert "/lab-high" in groups and "/lab-max" in groups
    assert "lab-hog" in found["memory.process"][0]["sentence"]
    assert "60 MB" in found["memory.huge-pages"][0]["sentence"]
    assert "leak_areas [lab_memory]: 240 areas" in found["memory.vmalloc"][0]["evidence"][0]["text"]
    assert "overcommit_memory=2" in found["memory.commit"][0]["sentence"]
    assert "lab_leak has 64 MB in 122880 objects" in found["slabs.growth"][0]["sentence"]


def test_damaged_caches_are_critical_with_addresses(found):
    damaged = {finding["evidence"][0]["text"]: finding for finding in found["slabs.corruption"]}
    assert set(damaged) == {"lab_twice", "lab_overwritten"}
    for finding in damaged.values():
        assert finding["severity"] == "critical"
        assert finding["evidence"][1]["address"].startswith("0xffff")
    assert "on the list already" in damaged["lab_twice"]["evidence"][1]["text"]
    assert "out of the slab" in damaged["lab_overwritten"]["evidence"][1]["text"]


def test_a_free_list_that_is_wrong_is_critical_with_the_page(found):
    finding, = found["memory.free-lists"]
    assert finding["severity"] == "critical" and finding["sentence"].startswith("1 lists of free")
    piece, = finding["evidence"]
    assert re.fullmatch(r"order 0 \w+: a block of order 7 is on it", piece["text"])
    assert piece["address"].startswith("0xffff")


def test_fragmentation_is_found_as_the_kernel_counted_it(found, memory_crash):
    finding, = found["memory.fragmentation"]
    assert "no block of 64 KB, for which threads have asked" in finding["sentence"]
    # The last that the kernel has logged is how many free blocks there are.
    counted = re.findall(r"Node 0 (DMA\w*): ((?:\d+\*\d+kB (?:\(\w+\) )?)+)",
                         memory_crash.run("log"))
    theirs = {zone: [int(count) for count in re.findall(r"(\d+)\*", counts)]
              for zone, counts in counted}
    for piece in finding["evidence"]:
        zone, numbers = piece["text"].split(" blocks ")
        ours = json.loads(numbers.replace("(", "[").replace(")", "]"))
        assert len(ours) == len(theirs[zone]) and not any(ours[4:])
        assert all(abs(mine - told) <= 16 for mine, told in zip(ours, theirs[zone]))
    assert "no block" in finding["sentence"] and sum(theirs["DMA32"]) > 64


def test_who_was_killed_for_memory_is_told_from_the_log(memory_crash):
    finding, = answer(memory_crash, """
from LinuxDump.triage.detectors import detect
print(json.dumps([f.record() for f in detect(("logmarks",)).findings]))""")
    assert finding["id"] == "log.oom" and ": 1, at " in finding["sentence"]
    assert re.search(r"Memory cgroup out of memory: Killed process \d+ \(dd\)",
                     finding["evidence"][0]["text"])


def test_swap_is_that_of_the_guest(memory_crash, memory_dump):
    device, = answer(memory_crash,
                     "print(json.dumps([list(device) for device in swap.devices()]))")
    name, kind, size = memory_dump.oracle["text"]["proc/swaps"].splitlines()[1].split()[:3]
    assert [device[1], device[2], device[3] >> 10] == [name, kind, int(size)]


def test_pressure_is_near_what_the_guest_read(memory_crash, memory_dump):
    ours = answer(memory_crash, """
from LinuxDump import psi
print(json.dumps(list(psi.of_system("memory").full)))""")
    line = memory_dump.oracle["text"]["proc/pressure/memory"].splitlines()[1]
    # Averages are made every two seconds; the total only grows, but for what is not added up.
    assert ours[3] >= int(line.rpartition("=")[2]) * 0.9 and ours[0] > 0


def test_the_section_has_the_lines_that_people_look_for(memory_crash):
    text = memory_crash.run("epython crashinfo --fast")
    assert "| Memory Usage (kmem -i) |" in text
    for line in (r"\+\+\+WARNING\+\+\+ Commited \d+%", r"\+\+\+ERROR\+\+\+ SLAB corruption\n\t",
                 r"PID=\d+ CMD=lab-hog uses +\d+\.\d% of total memory"):
        assert re.search(line, text), line
