"""Walks and columns on a real dump, against crash's own commands and the guest's account."""

import re

import pytest

HEADER = "from pykdump.API import *\n"
# Names of the structures of which several are walked; each line of output is one number.
TASKS = 'sym2addr("init_task") + member_offset("struct task_struct", "tasks")'


def numbers(text):
    return [int(word, 16) for word in re.findall(r"\b(?:0x)?([0-9a-f]{16})\b", text)]


def pids_of(crash):
    """The PIDs that crash's ps has, without the idle tasks."""
    rows = [line.lstrip(">").split() for line in crash.run("ps").splitlines()]
    return {int(row[0]) for row in rows if row and row[0].isdigit()} - {0}


def lines_of(crash, text):
    return crash.epython(HEADER + text).splitlines()


def test_tasks_by_list_and_by_columns_are_those_of_the_guest(crash, dump):
    text = lines_of(crash, f"""
tasks, report = walk_list({TASKS}, "struct task_struct", "tasks", as_column=True)
table = columns(tasks, "struct task_struct", ["pid", "comm", "mm", "mm.pgd"])
print(report, len(table))
for row in table.rows("pid", "comm"):
    print(*row)
print(table.mm.tolist().count(0) == table.mm_pgd.missing, table["mm.pgd"].faults[0].reason)
print(all(t.comm == c and t.pid == p for t, p, c in
          zip(tasks.objects(), table.pid, table.comm)))
""")
    assert text[0] == "whole 4" and text[-2:] == ["True null", "True"]
    ours = {int(line.split()[0]): line.split(None, 1)[1] for line in text[1:-2]}
    leaders = {task["tid"]: task["comm"] for task in dump.oracle["tasks"]
               if task["tid"] == task["tgid"]}
    # A worker of the kernel's may have ended since the guest gave its account.
    assert set(ours) == set(leaders) & pids_of(crash)
    assert ours == {pid: leaders[pid] for pid in ours}


def test_a_list_is_what_crash_walks(crash):
    theirs = numbers(crash.run("list -H free_vmap_area_list"))
    ours = lines_of(crash, 'print(*map(hexl, walk_list(sym2addr("free_vmap_area_list"))[0]))')
    assert ours[0].split() == [hex(number) for number in theirs] and len(theirs) > 50


def test_an_rbtree_is_what_crash_walks(crash):
    theirs = numbers(crash.run("tree -t rbtree -o vmap_area.rb_node free_vmap_area_root"))
    ours = lines_of(crash, 'found, report = walk_rbtree(sym2addr("free_vmap_area_root"), '
                    '"struct vmap_area", "rb_node")\nprint(report, *map(hexl, found))')[0].split()
    assert ours[0] == "whole" and sorted(int(x, 16) for x in ours[1:]) == sorted(theirs)
    by_address = lines_of(
        crash, 'print(walk_rbtree(sym2addr("free_vmap_area_root"), "struct vmap_area", '
        '"rb_node")[0] == walk_list(sym2addr("free_vmap_area_list"), "struct vmap_area", '
        '"list")[0])')
    assert by_address == ["True"]


def test_page_caches_are_what_crash_finds(crash):
    text = lines_of(crash, """
supers, _ = walk_list(sym2addr("super_blocks"), "struct super_block", "s_list")
best = None
for sb in supers:
    for inode in walk_list(sb.s_inodes, "struct inode", "i_sb_list")[0]:
        pages = inode.i_mapping
        indices, entries, report = walk_xarray(pages.i_pages)
        assert report.whole and len(indices) == pages.nrpages, (inode, report)
        if best is None or len(indices) > len(best[1]):
            best = pages.i_pages, indices, entries
print(hexl(best[0]), *map(hexl, best[2]))
""")[0].split()
    theirs = numbers(crash.run(f"tree -t xarray {text[0]}"))
    assert [int(word, 16) for word in text[1:]] == theirs and len(theirs) > 100


def test_pids_in_the_idr_are_those_of_ps(crash):
    text = lines_of(crash, """
ids, pids, report = walk_idr(sym2addr("init_pid_ns") + member_offset("struct pid_namespace",
                                                                    "idr"), "struct pid")
print(report)
print(*(i for i, pid in zip(ids, pids) if pid.tasks[0].first))
""")
    assert text[0] == "whole"
    assert {int(word) for word in text[1].split()} == pids_of(crash)


def test_maps_in_the_maple_tree_are_those_of_the_guest(crash, dump):
    text = lines_of(crash, """
for task in walk_list(%s, "struct task_struct", "tasks")[0]:
    if task.mm:
        firsts, lasts, areas, report = walk_maple(task.mm.mm_mt, "struct vm_area_struct")
        assert report.whole and len(areas) == task.mm.map_count
        assert all(v.vm_start == a and v.vm_end == b + 1
                   for a, b, v in zip(firsts, lasts, areas))
        for first, last in zip(firsts, lasts):
            print(task.pid, f"{first:08x}-{last + 1:08x}")
""" % TASKS)
    ours = {}
    for line in text:
        pid, area = line.split()
        ours.setdefault(int(pid), []).append(area)
    maps = {int(pid): areas for pid, areas in dump.oracle["maps"].items()}
    assert maps and len(ours) > 10
    for pid, lines in maps.items():
        areas = [line.split()[0] for line in lines if "[vsyscall]" not in line]
        assert areas == ours.get(pid, areas), pid


def test_a_maple_tree_is_what_crash_walks(crash):
    ours = lines_of(crash, """
mm = next(t.mm for t in walk_list(%s, "struct task_struct", "tasks")[0] if t.mm)
print(hexl(mm.mm_mt), *map(hexl, walk_maple(mm.mm_mt)[2]))
""" % TASKS)[0].split()
    theirs = crash.run(f"tree -x -t maple {ours[0]}")
    if "usage" in theirs.lower() or "invalid" in theirs.lower():
        pytest.skip("this crash knows no maple trees")
    assert [int(word, 16) for word in ours[1:]] == numbers(theirs)


def test_allocated_objects_of_all_caches_are_as_many_as_crash_counts(crash):
    theirs = {}
    for line in crash.run("kmem -s").splitlines():
        words = line.split(None, 6)
        if re.fullmatch("[0-9a-f]{16}", words[0] if words else ""):
            theirs[words[0]] = int(words[2])
    ours = dict(line.split() for line in lines_of(crash, """
for cache in walk_list(sym2addr("slab_caches"), "struct kmem_cache", "list")[0]:
    objects, report = walk_slab(cache, as_column=True)
    print(f"{cache:x}", len(objects) if report.whole else report)
"""))
    # That summary counts free objects of slabs which CPUs have put aside; the listing does not.
    for cache in theirs:
        if ours[cache] != str(theirs[cache]):
            listed = crash.run(f"kmem -S {cache}")
            theirs[cache] = len(re.findall(r"^  \[[0-9a-f]{16}\]$", listed, re.M))
    assert {cache: int(count) for cache, count in ours.items()} == theirs and len(theirs) > 100


@pytest.mark.parametrize("cache", ["task_struct", "dentry", "kmalloc-64", "radix_tree_node",
                                   "ext4_inode_cache", "shmem_inode_cache"])
def test_allocated_objects_are_those_that_crash_lists(crash, cache):
    listed = crash.run(f"kmem -S {cache}")
    assert "CACHE" in listed, listed
    # crash lists the slabs of CPUs and of partial lists: the kernel has no list of full ones.
    allocated = set(re.findall(r"^  \[([0-9a-f]{16})\]$", listed, re.M))
    free = set(re.findall(r"^   ([0-9a-f]{16})  (?:\(cpu \d+ cache\))?$", listed, re.M))
    ours = set(lines_of(crash, f'print(*(f"{{o:x}}" for o in walk_slab("{cache}")[0]))')[0].split())
    assert allocated <= ours and not free & ours and allocated | free


def test_all_tasks_are_objects_of_their_slab(crash):
    assert lines_of(crash, f"""
objects = set(walk_slab("task_struct")[0])
print(all(int(t) in objects for t in walk_list({TASKS}, "struct task_struct", "tasks")[0][1:]))
""") == ["True"]


def test_dentries_of_the_hash_table_are_objects_of_their_slab(crash):
    text = lines_of(crash, """
table, shift = readSymbol("dentry_hashtable"), readSymbol("d_hash_shift")
found, report = walk_hash(readULong(sym2addr("dentry_hashtable")),
                          1 << 32 - readU32(sym2addr("d_hash_shift")), "struct dentry", "d_hash",
                          kind="hlist_bl", as_column=True)
print(report, len(found) > 1000, set(found) <= set(walk_slab("dentry")[0]))
""".replace('table, shift = readSymbol("dentry_hashtable"), readSymbol("d_hash_shift")\n', ""))
    assert text == ["whole True True"]


def test_per_cpu_run_queues_know_their_cpu(crash, dump):
    assert lines_of(crash, """
cpus, queues, report = walk_percpu(sym2addr("runqueues"), "struct rq")
print(report, cpus, [rq.cpu for rq in queues])
""") == ["whole {0} {0}".format(list(range(dump.oracle["nproc"])))]


def test_open_files_of_a_task_are_those_of_the_guest(crash, dump):
    text = lines_of(crash, f"""
for task in walk_list({TASKS}, "struct task_struct", "tasks")[0]:
    if task.files:
        table = task.files.fdt
        indices, files, report = walk_pointers(table.Eval("fd"), table.max_fds, "struct file")
        print(task.pid, *indices)
""")
    ours = {int(line.split()[0]): [int(word) for word in line.split()[1:]] for line in text}
    assert dump.oracle["fds"]
    for pid, files in dump.oracle["fds"].items():
        if int(pid) in ours and int(pid) != 1:
            assert sorted(map(int, files)) == ours[int(pid)], pid
