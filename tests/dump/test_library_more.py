"""Memory, clocks, modules, resources and pseudo-attributes of LinuxDump, against the guest."""

import json
import re

import pytest


@pytest.fixture
def told(crash):
    """A function: the value of an expression, after some statements, by way of JSON."""
    def tell(expression, before=""):
        return json.loads(crash.epython(f"import json\nfrom LinuxDump.Tasks import *\n{before}\n"
                                        f"print(json.dumps({expression}))\n"))
    return tell


# -- memory of tasks --

def test_virtual_and_resident_memory_are_those_of_the_guest(told, dump):
    usage = told("{t.pid: get_task_mem_usage(t.ts) for t in TaskTable().tt if t.pid > 1}")
    checked = 0
    for task in dump.oracle["tasks"]:
        if task["tid"] == task["tgid"] and str(task["tid"]) in usage:
            assert usage[str(task["tid"])][0] == task["vm_size_kb"], task
            checked += task["vm_size_kb"] > 0
    assert checked > 10


AREAS = """
from LinuxDump.taskmem import areas
def vmas(mm):
    return [readSU("struct vm_area_struct", address) for address in areas(mm)]
"""


def shared_memory(dump):
    rows = [line.split() for line in dump.oracle["text"]["proc/sysvipc/shm"].splitlines()[1:]]
    return [[int(row[0]), int(row[1]), int(row[7]), row[2], int(row[3]), int(row[6])]
            for row in rows]


def test_segments_of_shared_memory_are_those_of_the_guest(told, dump):
    found = told("[list(s) for s in get_ipcs_m().values()]")
    assert found == shared_memory(dump) and found
    assert told("[list(key) for key in get_ipcs_m()]") == [row[:2] for row in found]


def test_who_has_shared_memory(told, dump):
    [segment] = shared_memory(dump)
    assert told("{str(t.comm): get_task_shm_usage(t) for t in TaskTable().tt"
                " if get_task_shm_usage(t)}") == {"lab-ipc": segment[4]}
    assert told("[list(vma2sysv(v)) for t in TaskTable().getByComm('lab-ipc')"
                " for v in vmas(t.mm) if vma2sysv(v)]", AREAS) \
        == [segment[:2]]


def test_areas_of_an_address_space_are_those_of_the_guest(told, dump):
    areas = told("{t.pid: [f'{v.vm_start:08x}-{v.vm_end:08x}' for v in vmas(t.mm)]"
                 " for t in TaskTable().tt if t.mm and t.comm.startswith('lab-t')}",
                 AREAS)
    assert len(areas) > 2
    for pid, found in areas.items():
        theirs = [line.split()[0] for line in dump.oracle["maps"][pid] if "[vsyscall]" not in line]
        assert found == theirs


def test_the_summary_of_memory_has_both_lists(crash):
    text = crash.epython("from LinuxDump.Tasks import *\nprint_memory_stats(100)\n"
                         "print_mm_stats(TaskTable().getByPid(1).mm)\n")
    first, second = text.split("\n\n ==== First 100 Tasks Reverse-sorted by RSS only ====\n")
    assert first.startswith(" ==== First 100 Tasks reverse-sorted by RSS+SHM ====\n")
    assert re.search(r"^   PID= +\d+ CMD=lab-ipc +RSS=\d\.\d{3} Gb shm=0\.000 Gb$", first, re.M)
    assert "shm=" not in second
    assert re.search(r"\n\n === Total Memory in RSS +\d+\.\d{3} Gb\n"
                     r" === Total Memory in SHM +0\.000 Gb\n", second)
    assert re.search(r"    MM_ANONPAGES   \d+\n", second)


def test_a_task_without_memory_has_none(told):
    assert told("[get_task_mem_usage(TaskTable().getByPid(2).ts),"
                " get_task_shm_usage(TaskTable().getByPid(2))]") == [[0, 0], 0]


# -- other names of Tasks --

def test_the_first_task_and_its_namespaces_are_names_of_the_module(told):
    assert told("[Tasks.init_task.comm, Tasks.init_nsproxy == Tasks.init_task.nsproxy]",
                "from LinuxDump import Tasks") == ["swapper/0", True]


def test_the_time_since_boot_is_that_of_crash(crash, told):
    minutes, seconds = re.search(r"UPTIME: .*?(\d+):(\d+)$", crash.run("sys"), re.M).groups()
    text = told("get_uptime()")
    assert text.endswith(f"{int(minutes):02}:{seconds}")
    assert abs(told("jiffie_clock_base()") / 1000 - (int(minutes) * 60 + int(seconds))) < 2


# -- clocks --

def test_boot_time_and_time_since_are_the_time_of_day(told):
    boot, since, now = told("[getboottime(), seconds_since_boot(), get_seconds()]",
                            "from LinuxDump import Time\nfrom LinuxDump.Time import *\n"
                            "getboottime, get_seconds = Time.getboottime, Time.get_seconds")
    assert abs(boot[0] + boot[1] / 1e9 + since - now) < 2
    assert 0 <= boot[1] < 10 ** 9


def test_what_crash_says_of_timers_is_printed(crash):
    text = crash.epython("from LinuxDump import Time\nTime.get_ktime_t()\n")
    assert "CLOCK: 0" in text


# -- modules and resources --

def test_modules_are_those_of_the_guest(told, dump):
    assert told("list(lsmod())", "from LinuxDump.dlkm import lsmod") \
        == [module["name"] for module in dump.oracle["modules"]]
    assert told("[readSU('struct module', address).name == name"
                " for name, address in lsmod().items()]",
                "from LinuxDump.dlkm import lsmod") == [True] * len(dump.oracle["modules"])


def test_resources_are_those_of_the_guest(crash, dump):
    lines = crash.epython("from LinuxDump.pci import *\nprint_PCI_resources()\n").splitlines()
    assert lines[0] == "iomem_resource".center(70, "=")
    end = lines.index("ioport_resource".center(70, "="))
    # The kernel adds the kernel's own ranges itself, with two blanks a level; all are there.
    assert lines[1:end] == dump.oracle["text"]["proc/iomem"].splitlines()
    assert re.fullmatch(r"[0-9a-f]{4}-[0-9a-f]{4} : \S.*", lines[end + 1])


def test_frequencies_of_a_machine_that_has_none_are_none(crash):
    text = crash.epython("from LinuxDump.CpuFreq import *\nprint(len(cpufreq_cpu_data))\n"
                         "print_cpufreq()\n")
    assert text == "2\n"


def test_nothing_is_said_of_special_cases_without_any(crash):
    assert crash.epython("from LinuxDump.specialcases import *\ncheck_specialcases()\n") == ""


def test_a_filesystem_of_ext_is_told_once_however_often_it_is_mounted(crash, dump):
    lines = crash.epython("from LinuxDump.fs.ext3 import *\nshowExt3()\n").splitlines()
    assert len(lines) == 7 and re.fullmatch(r"<struct mount 0x\w+> ext2 /dev/loop0 /mnt/disk",
                                            lines[0])
    total, _used, available = re.search(r"^/dev/loop0 +(\d+) +(\d+) +(\d+) .* /mnt/disk$",
                                        dump.oracle["text"]["df"], re.M).groups()
    size, block, _free, free_for_users = (int(line.split()[0]) for line in lines[1:5])
    assert [size, free_for_users * block // 1024] == [int(total), int(available)]


def test_servers_of_nfs_are_not_there(told):
    assert told("is_NFSD()", "from LinuxDump.nfsrpc import *") is False


def test_what_is_not_there_yet_ends_a_program_with_one_clear_error(crash):
    text = crash.epython("from LinuxDump.absent import absent\n"
                         "absent('LinuxDump.some', 'function')()\n")
    assert text.splitlines()[-1] == "LinuxDump.absent.NotThereYet: LinuxDump.some." \
        "function is not there yet in this version of mpykdump"


# -- pseudo-attributes --

NAMED = "from LinuxDump.members import name_members\n"


@pytest.mark.parametrize("group, expression", [
    ("tasks", "t.state == getTaskState(t) and t.Uid == 0 and t.Realparent == t.real_parent"),
    ("files", "f.Dentry == f.f_path.dentry and f.Mnt == f.f_path.mnt"),
    ("files", "f.Dentry.D_child is not None and f.hasField('Dentry')"),
    ("net", "d.open == d.netdev_ops.ndo_open and d.get_stats == d.netdev_ops.ndo_get_stats64"),
    ("sockets", "readSU('struct socket', s.sk_socket).Ino > 0"),
])
def test_members_have_the_names_that_programs_use(told, group, expression):
    assert told(f"bool({expression})", NAMED + f"name_members({group!r})\n" + """
t = readSU('struct task_struct', TaskTable().getByPid(1).ts)
f = t.mm.exe_file
d = readSymbol('init_net').loopback_dev
s = next(s for t in TaskTable().tt for s in t.get_task_socks())
""") is True


def test_members_of_files_are_named_once_there_are_tasks(told):
    assert told("f.Dentry == f.f_path.dentry and f.Mnt == f.f_path.mnt",
                "f = TaskTable().getByPid(1).mm.exe_file") is True


def test_groups_of_structs_that_a_kernel_lacks_are_no_error(told):
    assert told("[name_members(group) for group in ('nfs', 'tasks', 'files', 'net', 'sockets')]",
                NAMED) == [None] * 5
