"""Mounts, paths, open files, locks and directories, against what the guest said of itself."""

import json
import re

import pytest

HEAD = "import json\nfrom pykdump.API import *\n"


@pytest.fixture
def told(crash):
    """A function: the value of an expression, after some statements, by way of JSON."""
    def tell(expression, before=""):
        return json.loads(crash.epython(f"{HEAD}{before}\nprint(json.dumps({expression}))\n"))
    return tell


def pid_of(dump, name):
    return next(task["pid"] for task in dump.oracle["tasks"] if task["name"] == name)


# -- mounts --

MOUNTS = "from LinuxDump.fs import *\nfrom LinuxDump.fs import mounts\n" \
    "from LinuxDump.Tasks import TaskTable\n"


def test_mounts_are_those_of_the_guest_in_its_order(told, dump):
    rows = told("[row[2:] for row in getMount()]", MOUNTS)
    assert rows == [[mount["type"], mount["device"], mount["point"]]
                    for mount in dump.oracle["mounts"]]
    assert any(re.search(r"\t.*\\ ", point) for _type, _device, point in rows)


def test_mounts_and_superblocks_are_those_that_crash_finds(crash, told):
    theirs = re.findall(r"^([0-9a-f]{16}) ([0-9a-f]{16}) ", crash.run("mount"), re.MULTILINE)
    assert told("[(f'{mnt:016x}', f'{sb:016x}') for mnt, sb, *rest in getMount()]", MOUNTS) \
        == [list(pair) for pair in theirs]


def test_a_second_call_gives_the_same_list(told):
    assert told("[getMount() is getMount(), getMount(MEMOIZE=False) is getMount(),"
                " getMount(MEMOIZE=False) == getMount()]", MOUNTS) == [True, False, True]


def test_the_first_mount_of_a_superblock(told, dump):
    # the disk is mounted three times
    assert told("[row[4] for row in getMount()"
                " if row[0] == sb2Vfsmnt(readSU('struct super_block', row[1]))"
                " and row[3] == '/dev/loop0']", MOUNTS) == ["/mnt/disk"]
    assert told("sb2Vfsmnt(1)", MOUNTS) == 0


def test_mountinfo_of_processes_in_other_namespaces_and_roots(told, dump):
    accounts = dump.oracle["mountinfo"]
    read = told("""{pid: [(mount.line, mount.super_options.complete) for mount in
        mounts.mounts(task.nsproxy.mnt_ns, task.fs.root).mounts if mount.reachable]
        for pid, task in ((pid, TaskTable().getByPid(pid)) for pid in pids)}""",
                MOUNTS + f"pids = {list(map(int, accounts))}\n")
    assert read.keys() == accounts.keys()
    exact = 0
    for pid, lines in accounts.items():
        assert len(read[pid]) == len(lines)
        for (line, complete), theirs in zip(read[pid], lines):
            if complete:
                assert line == theirs
                exact += 1
            else:       # a filesystem adds options that are not known
                assert theirs == line or theirs.startswith(f"{line},")
    text = "\n".join(line for lines in accounts.values() for line in lines)
    for word in (" shared:", " master:", r"\040", r"\011", r"\134", "noexec", "uid=7"):
        assert word in text
    assert len({tuple(lines) for lines in accounts.values()}) > 2
    assert exact > 20


def test_a_mount_that_a_root_does_not_see_is_told_apart(told, dump):
    jailed = next(pid for pid, links in dump.oracle["links"].items()
                  if links.get("root") == "/mnt/jail")
    seen = told("[mount.reachable for mount in"
                " mounts.mounts(task.nsproxy.mnt_ns, task.fs.root).mounts]",
                MOUNTS + f"task = TaskTable().getByPid({jailed})\n")
    assert sum(seen) == 1 and len(seen) == len(dump.oracle["mounts"])


def test_all_mount_namespaces_are_found(told, dump):
    tables = {tuple(lines) for lines in dump.oracle["mountinfo"].values()
              if lines[0].split()[4] == "/"}        # seen from the root of their namespace
    spaces = told("[len(mounts.structs(space).mounts) for space in"
                  " mounts.namespaces(task.ts for task in TaskTable().allTasks())]", MOUNTS)
    # devtmpfs has one of its own where kdevtmpfs lives
    assert len(spaces) in (len(tables), len(tables) + 1)
    assert set(map(len, tables)) <= set(spaces)


def test_nothing_is_frozen(told):
    assert told("[sb_frozen(readSU('struct super_block', row[1])) for row in getMount()]",
                MOUNTS + "from LinuxDump.fs import *\n") == [0] * len(told("getMount()", MOUNTS))


# -- open files --

FILES = "from LinuxDump.Files import *\nfrom LinuxDump import Files\n" \
    "from LinuxDump.Tasks import TaskTable\n"


def test_open_files_of_every_process_are_named_as_in_proc(told, dump):
    read = told("{task.pid: {fd: info[4] for fd, info in pidFiles(task.pid).files.items()}"
                " for task in TaskTable().allTasks()}", FILES)
    accounts = dump.oracle["fds"]
    assert {pid for pid, files in read.items() if files} == accounts.keys()
    for pid, files in accounts.items():
        if pid != "1":                  # has printed the account, and opened another file
            assert read[pid] == files
    names = {re.sub(r"\d+", "N", name) for files in accounts.values() for name in files.values()}
    assert {"pipe:[N]", "socket:[N]", "anon_inode:[eventpoll]", "/memfd:lab memory (deleted)",
            "net:[N]", "anon_inode:[pidfd]", "/run/lab.deleted (deleted)"} <= names


def test_exe_cwd_and_root_of_every_process(told, dump):
    read = told("{task.pid: Files.links(task.ts) for task in TaskTable().allTasks() if task.pid}",
                FILES)
    accounts = dump.oracle["links"]
    alive = {str(task["pid"]) for task in dump.oracle["tasks"] if task["state"] != "Z"}
    for pid in alive & accounts.keys():
        assert read[pid] == accounts[pid]
    exes = {links.get("exe") for links in accounts.values()}
    assert {"/tmp/sleep (deleted)", "/mnt/jail/bin/busybox", None} <= exes


def test_files_have_the_addresses_and_types_that_crash_shows(crash, told, dump):
    pid = pid_of(dump, "lab-files")
    theirs = re.findall(r"^ *(\d+) ([0-9a-f]{16}) ([0-9a-f]{16}) ([0-9a-f]{16}) (\w+)",
                        crash.run(f"files {pid}"), re.MULTILINE)
    ours = told(f"[[fd, *info[:4]] for fd, info in pidFiles({pid}).files.items()]", FILES)
    assert [[str(fd), f"{file:016x}", f"{dentry:016x}", f"{inode:016x}", kind]
            for fd, file, dentry, inode, kind in ours] == [list(row) for row in theirs]
    assert len(ours) > 10


def test_files_as_a_table(crash, dump):
    pid = pid_of(dump, "lab-waiter")
    text = crash.epython(f"{FILES}pidFiles({pid}).printFiles()\nprint(pidFiles({pid}).fileInfo(3)"
                         "[3:])\n")
    lines = text.splitlines()
    assert lines[0] == " FD       FILE            DENTRY           INODE       TYPE PATH"
    assert re.fullmatch(r"  3 [0-9a-f]{16} [0-9a-f]{16} [0-9a-f]{16} REG  /run/lab.lock", lines[4])
    assert lines[5] == "['REG', '/run/lab.lock']"


def test_who_has_a_file_open(crash, told, dump):
    lock = told(f"pidFiles({pid_of(dump, 'lab-files')}).files[3]", FILES)
    holders = [pid_of(dump, "lab-files"), pid_of(dump, "lab-waiter")]
    dentry, inode = lock[1:3]
    assert told(f"[filesR({inode}), filesR('{dentry:x}'), filesR('/run/lab.lock'), filesR(12345)]",
                FILES) == [holders, holders, holders, []]
    theirs = re.findall(r"^PID: (\d+)", crash.run(f"foreach files -R {inode:x}"), re.MULTILINE)
    assert holders == sorted(map(int, theirs))


def test_files_of_no_process_are_a_warning(crash):
    assert crash.epython(f"{FILES}print(pidFiles(9999999).files)\n").startswith(
        "+++WARNING+++ files of 9999999: there is no such process\n{}\n")


# -- locks --

LOCKS = "from LinuxDump.flock import *\n"


def test_locks_are_those_of_the_guest(crash, dump):
    account = dump.oracle["text"]["proc/locks"].splitlines()
    assert crash.epython(LOCKS + "print_locks()\n").splitlines() == account
    assert {line.split()[1] for line in account} >= {"POSIX", "FLOCK", "OFDLCK", "LEASE", "->"}


def test_a_lock_has_its_inode(told, dump):
    pid = pid_of(dump, "lab-files")
    numbers = told("[[lock.kind, lock.inode.i_ino, lock.start, lock.end, lock.pid]"
                   " for lock in locks().locks]", LOCKS)
    assert [row[2:] for row in numbers if row[0] == "OFDLCK"] == [[10, 19, -1]]
    assert [row[4] for row in numbers if row[0] in ("FLOCK", "LEASE")] == [pid, pid]
    inode = told("[lock.lock.Inode.i_ino for lock in locks().locks if lock.kind == 'FLOCK']",
                 LOCKS)
    assert inode == [row[1] for row in numbers if row[0] == "FLOCK"]


def test_one_lock_is_a_line(crash, dump):
    text = crash.epython(LOCKS + "for lock in locks().locks:\n    print_lock(lock.lock)\n")
    account = [line.partition(" ")[2].replace("-> ", "")
               for line in dump.oracle["text"]["proc/locks"].splitlines()]
    assert [re.sub(r"^<struct file_l\w+ 0x[0-9a-f]+> ", "", line)
            for line in text.splitlines()] == account


# -- directories --

DCACHE = "from LinuxDump.fs.dcache import *\n"
ENTRY = re.compile(r" ([-dlcbps][-rwxsStT]{9}) +(\d+) +(\d+) +(\d+) \d{4}-\d\d-\d\d \d\d:\d\d (.*)")


def test_a_directory_is_listed_in_the_order_of_ls(crash):
    entry, title, *lines = crash.epython(DCACHE + "ls_pathname('/run')\n").splitlines()
    assert ENTRY.fullmatch(entry).groups() == ("drwxrwxrwt", "0", "0", entry.split()[3], "run")
    assert title == "=== Listing Directory Contents"
    rows = [ENTRY.fullmatch(line).groups() for line in lines]
    names = [row[4] for row in rows]
    assert names == sorted(names, key=lambda name: name.lstrip(".").lower())
    assert {"fifo", "lab.lock", "lab.sock", "lab file \\ with blanks", "ready"} <= set(names)
    assert "lab.deleted" not in names
    modes = {row[4]: row[0] for row in rows}
    assert [modes[name][0] for name in ("fifo", "lab.lock", "lab.sock", "ready")] == list("p-sd")


def test_a_listing_shows_what_is_mounted_over_a_directory(crash):
    lines = crash.epython(DCACHE + "ls_pathname('/')\n").splitlines()
    modes = {ENTRY.fullmatch(line).group(5): ENTRY.fullmatch(line).group(1) for line in lines[2:]}
    # /proc was made as any directory; its filesystem lets nobody write
    assert modes["proc"] == "dr-xr-xr-x" and modes["tmp"] == "drwx------"


def test_more_of_a_listing(crash):
    text = crash.epython(DCACHE + "ls_pathname('/run', 2)\n")
    assert re.search(r"^ -- <struct dentry 0x[0-9a-f]+> lab.lock\n"
                     r"<struct inode 0x[0-9a-f]+>  mode=00100644\n -rw-r--r-- .* lab.lock$", text,
                     re.MULTILINE)
    assert re.search(r"^ -- <struct dentry 0x[0-9a-f]+> \(stale\) lab.deleted$", text,
                     re.MULTILINE)


def test_a_directory_by_the_address_of_its_dentry(crash):
    by_address, by_name = (crash.epython(
        f"{DCACHE}dentry, mnt = pathname2dentry('/run/ready')\nls_pathname({argument})\n")
        for argument in ("'%x' % dentry", "'/run/ready'"))
    assert by_address == by_name and " lab-files\n" in by_name


@pytest.mark.parametrize("path", ["/nope", "/run/lab.lock/x", "zzz", "", "123456789abcdef012345"])
def test_what_cannot_be_listed_is_one_line(crash, path):
    assert crash.epython(f"{DCACHE}ls_pathname({path!r})\n") == f"Cannot list {path}\n"


def test_paths_lead_to_dentries_and_mounts(told, dump):
    rows = told("[[pathname2dentry(row[4])[1] == row[0], read_dir(pathname2dentry(row[4])[0])"
                " is not None] for row in getMount()]", DCACHE)
    assert rows == [[True, True]] * len(dump.oracle["mounts"])
    assert told("[pathname2dentry('x'), list(read_dir(None)), list(read_dir(pathname2dentry("
                "'/run/lab.lock')[0]))]", DCACHE) == [[None, None], [], []]


def test_times_of_a_file_are_near_the_end_of_the_guest(told):
    times = told("[[inode_time(inode, which) / 1e9 for which in ('atime', 'mtime', 'ctime')],"
                 " readSymbol('tk_core').timekeeper.xtime_sec]",
                 DCACHE + "from LinuxDump.fs.inodes import inode_time\n"
                 "inode = pathname2dentry('/run/ready')[0].d_inode\n")
    assert all(0 <= times[1] - when < 120 for when in times[0])


# -- what programs take with a star --

def test_names_that_programs_take_with_a_star(told):
    assert told("[all(name in globals() for name in ('getMount', 'sb_frozen', 'os', 'string',"
                " 'sb2Vfsmnt', 'get_dentry_name', 'IS_ROOT', 'readSU', '__name__'))]",
                "from LinuxDump.fs import *\n") == [True]
    assert told("[S_IFMT, S_IFLNK, S_ISUID, S_IXGRP, S_ISVTX, S_ISGID, S_ISDIR(0o40755),"
                " S_ISSOCK(0o140755), S_ISREG(0o40755), callable(getMount), string.digits,"
                " callable(time.time)]", DCACHE) \
        == [0o170000, 0o120000, 0o4000, 0o10, 0o1000, 0o2000, True, True, False, True,
            "0123456789", True]


# -- what is no filesystem at all --

WRONG = "from LinuxDump.fs import mounts\nfrom LinuxDump.fs.paths import Paths\n" \
    "from LinuxDump import Files, flock\nfrom LinuxDump.fs.dcache import *\n" \
    "addresses = [1, 0xdead000000000100, sym2addr('linux_banner'), sym2addr('init_task'),\n" \
    "    sym2addr('empty_zero_page'), (1 << 64) - 8]\n"


def test_what_is_no_namespace_has_no_mounts_but_problems(told):
    found = told("[[len(one.mounts), one.problems] for one in"
                 " (mounts.mounts(readSU('struct mnt_namespace', a)) for a in addresses)]", WRONG)
    assert all(not count for count, _problems in found)
    assert sum(bool(problems) for _count, problems in found) >= 4
    assert all("0x" in text for _count, problems in found for text in problems)


def test_what_is_no_dentry_has_no_path_but_an_error(told):
    found = told("[error(mnt, dentry) for mnt in (good, *addresses) for dentry in addresses]",
                 WRONG + "good = getMount()[0][0]\n"
                 "def error(mnt, dentry):\n    try:\n"
                 "        return Paths().shown(mnt, readSU('struct dentry', dentry))\n"
                 "    except crash.error as err:\n        return str(err)\n")
    assert len(found) == 42
    assert all(isinstance(text, str) for text in found)


def test_a_path_without_an_end_is_an_error(told):
    cyclic = "paths = Paths()\npaths._names.update({1: ('a', 2), 2: ('b', 1)})\n" \
        "paths._mounts.update({9: (3, 9, 0, True), 8: (4, 7, 4, True), 7: (4, 8, 4, True)})\n" \
        "def error(function, *arguments):\n    try:\n        return function(*arguments)\n" \
        "    except crash.error as err:\n        return str(err)\n"
    assert told("[error(paths.way, 9, 1), error(paths.way, 8, 4), error(paths.inside, 1)]",
                WRONG + cyclic) == [
        "the path of <struct dentry 0x1> in <struct mount 0x9> has no end: 4096 steps",
        "the path of <struct dentry 0x4> in <struct mount 0x8> has no end: 4096 steps",
        "the path of <struct dentry 0x1> has no end: 4096 steps"]


def test_what_is_no_task_has_no_files_but_problems(told):
    found = told("[[len(one.files), one.problems] for one in"
                 " (Files.files_of(readSU('struct task_struct', a)) for a in addresses)]", WRONG)
    assert [bool(count or problems) for count, problems in found[:2]] == [True, True]
    assert all(not count for count, _problems in found)


def test_a_file_that_is_none_does_not_hide_the_others(told, dump):
    pid = pid_of(dump, "lab-files")
    found = told("[[file.fd for file in one.files], one.problems]",
                 WRONG + "from LinuxDump.Tasks import TaskTable\n"
                 "real = Files.open_files\n"
                 "def damaged(files):\n    for fd, address in real(files):\n"
                 "        yield fd, 0xdead000000000100 if fd == 4 else address\n"
                 f"Files.open_files = damaged\ntry:\n"
                 f"    one = Files.files_of(TaskTable().getByPid({pid}).ts)\n"
                 "finally:\n    Files.open_files = real\n")
    numbers = sorted(map(int, dump.oracle["fds"][str(pid)]))
    assert found[0] == [fd for fd in numbers if fd != 4]
    assert found[1][0].startswith("file 4 of <struct task_struct 0x")
    assert "0xdead000000000100" in found[1][0]
    assert found[1][1].startswith(f"{len(numbers) - 1} of {len(numbers)} files of ")


@pytest.mark.parametrize("address", ["1", "dead000000000100", "ffffffffffffffff"])
def test_what_is_no_dentry_is_listed_in_one_line(crash, address):
    text = crash.epython(f"{DCACHE}ls_pathname({address!r}, 2)\n")
    assert text.startswith(f"Cannot list {address}: ") and text.count("\n") == 1


def test_what_is_no_directory_entry_has_no_children(crash):
    text = crash.epython(WRONG + "for address in addresses:\n"
                         "    print(len(read_dir(readSU('struct dentry', address))))\n")
    assert "Traceback" not in text
    assert re.findall(r"^\d+$", text, re.MULTILINE)[:2] == ["0", "0"]


def test_what_is_no_lock_is_an_error_with_its_address(crash):
    text = crash.epython(WRONG + "for address in addresses[:2]:\n    try:\n"
                         "        flock.print_lock(readSU('struct file_lock', address))\n"
                         "    except crash.error as err:\n        print(err)\n")
    assert len(text.splitlines()) == 2 and "dead0000000001" in text
