"""Settings of the kernel, against what the guest's /proc/sys shows."""

import json
import re

import pytest

# They change while the guest prints and panics; what is computed when it is read has no value.
CHANGES = re.compile(r"kernel\.(printk|random\.entropy_avail|sched_domain.*\.max_newidle_lb_cost)$")
COMPUTED = {"kernel.threads-max", "net.ipv4.ip_local_port_range"}     # by some kernels
FEW = 8     # in a hundred at most may be without a value


@pytest.fixture(scope="module")
def guest(dump):
    """Name -> what /proc/sys shows."""
    found = {}
    for line in dump.oracle["text"]["proc/sys"].splitlines():
        path, _, value = line.removeprefix("sys/").partition(":")
        name = path.replace(".", "\0").replace("/", ".").replace("\0", "/")
        found.setdefault(name, []).append(value)
    return {name: "\n".join(values) for name, values in found.items()}


@pytest.fixture
def told(crash):
    def tell(expression, before=""):
        return json.loads(crash.epython("import json\nfrom LinuxDump.sysctl import *\n"
                                        f"{before}\nprint(json.dumps({expression}))\n"))
    return tell


def test_every_setting_of_the_guest_is_there(told, guest):
    names = told("list(getCtlTables())")
    assert guest.keys() - names == set() and len(guest) > 800
    # files that can only be written, or are not readable yet
    assert len(names) - len(guest) < 20


def test_values_are_those_of_the_guest(told, guest):
    known = told("{s.name: s.text for s in settings()}", "from LinuxDump.sysctl import settings")
    wrong = {name: (known[name], value) for name, value in guest.items()
             if known[name] not in ("(?)", value) and not CHANGES.match(name)}
    assert wrong == {}
    unknown = sum(known[name] == "(?)" for name in guest)
    assert unknown * 100 < FEW * len(guest)


@pytest.mark.parametrize("name", [
    "kernel.hostname", "kernel.core_pattern", "kernel.pid_max", "kernel.sched_rt_runtime_us",
    "kernel.shmmax", "kernel.threads-max", "vm.swappiness", "vm.dirty_writeback_centisecs",
    "net.ipv4.tcp_mem", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_ecn", "net.ipv4.neigh.default.retrans_time_ms", "net.ipv4.route.gc_timeout",
    "net.ipv6.conf.all.forwarding", "user.max_user_namespaces", "fs.mqueue.msg_max"])
def test_strings_ints_longs_arrays_and_times_are_read(told, guest, name):
    if name not in guest:       # of another kernel
        assert told(f"{name!r} in getCtlTables()") is False
        return
    value = told(f"getCtlData(getCtlTables()[{name!r}])")
    shown = "\t".join(map(str, value)) if isinstance(value, list) else str(value)
    assert shown == guest[name] or shown == "(?)" and name in COMPUTED


def test_a_long_array_is_cut(told):
    assert told("getCtlData(getCtlTables()['kernel.printk'])")[1:] == [4, 1, 7]
    array = told("getCtlData(Bunch(procname='made', data=sym2addr('linux_banner'), maxlen=48,"
                 " proc_handler=sym2addr('proc_dointvec')))")
    assert len(array) == 6 and array[-1] == "... 7 more elements"


def test_names_with_a_dot_are_as_sysctl_writes_them(told):
    assert all("" not in name.split(".") for name in told("list(getCtlTables())"))


def test_they_are_printed_by_name(crash, guest):
    lines = crash.epython("from LinuxDump.sysctl import print_sysctl\nprint_sysctl()\n") \
        .splitlines()
    names = [line.split()[0] for line in lines]
    assert names == sorted(names) and set(names) >= set(guest)
    assert f"{'vm.swappiness':<20} {guest['vm.swappiness']}" in lines
    assert re.search(r"^net.ipv4.tcp_mem +\[\d+, \d+, \d+\]$", "\n".join(lines), re.M)
    assert f"{'kernel.tainted':<20} (?)" in lines


def test_more_of_each_on_request(crash):
    text = crash.epython("from LinuxDump.sysctl import print_sysctl\nprint_sysctl(2)\n")
    assert re.search(r"^vm.swappiness .*\n    <struct ctl_table 0x[0-9a-f]+>\n"
                     r"    proc_handler=proc_dointvec_minmax$", text, re.M)


@pytest.mark.parametrize("root", ["8", "sym2addr('linux_banner')"])
def test_a_damaged_root_is_reported(crash, root):
    text = crash.epython(
        "from LinuxDump import sysctl\nfrom pykdump.API import sym2addr\n"
        f"root, kept = {root}, sysctl.sym2addr\n"
        "sysctl.sym2addr = lambda name: root if name == 'sysctl_table_root' else kept(name)\n"
        "try:\n    print(len(sysctl.getCtlTables()) > 0)\n"
        "finally:\n    sysctl.sym2addr = kept\n")
    assert "+++ERROR+++ sysctl: " in text and "Traceback" not in text
    assert "\nTrue\n" in text       # what namespaces have is there


def test_ticks_are_those_of_the_kernel(told):
    assert told("ticks_per_second()", "from LinuxDump.Time import ticks_per_second") == 250
