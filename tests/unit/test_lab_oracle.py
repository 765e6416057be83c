"""The parser of a guest's account, on a small sample in the form the guest prints."""

from typing import Any

import pytest

from tests.lab import LabError, oracle

STAT_TAIL = ("1 118 0 0 -1 {flags} 15 0 0 0 1 2 0 0 20 0 3 0 143 1110016 13 "
             "18446744073709551615 4198400 4773000 140728 0 0 0 0 0 0 1 0 0 -1 1 0 0")


def stat(tid: int, name: str, state: str = "S", flags: int = 0) -> str:
    return f"{tid} ({name}) {state} {STAT_TAIL.format(flags=flags)} 0 0 0"


def status(tgid: int, tid: int) -> str:
    return "\n".join([
        f"Tgid:\t{tgid}", f"Pid:\t{tid}", "TracerPid:\t0", "Uid:\t1000\t0\t0\t0",
        "Gid:\t7\t0\t0\t0", f"NSpid:\t{tid}\t1", "VmSize:\t    1084 kB", "VmRSS:\t      52 kB",
        "voluntary_ctxt_switches:\t3", "nonvoluntary_ctxt_switches:\t4"])


SECTIONS = {
    "uname": "Linux lab-busy 6.1.0", "nproc": "2", "uptime": "4.96 3.00",
    "loadavg": "0.10 0.20 0.30 2/92 193",
    "mounts": "tmpfs /run\\040x tmpfs rw,nosuid 0 0",
    "modules": "loop 32768 2 - Live 0xffffffffc05c6000\n"
               "configfs 45056 1 loop,dummy, Live 0xffffffffc05c0000",
    "stat": "\n".join([
        stat(118, "lab-threads"), stat(121, "in (a) name"),
        stat(30, "kworker/1:0H-events_highpri", "I", 0x04208060),
        stat(12, "rcu_tasks_rude_kthread", "S", 0x00208040), stat(500, "cat", "R")]),
    "status": "\n".join([status(118, 118), status(118, 121), status(30, 30), status(12, 12),
                         status(501, 501)]),
    "alive": "118/task/118 118/task/121 30/task/30 12/task/12",
    "meminfo": "MemTotal:  469192 kB\nHugePages_Total:   0",
    "net/tcp": "  sl  local\n   0: 0100007F:1B59 0100007F:8800 01 00000000:00000016 00:00000000 "
               "00000000     0        0 11226 1 (____ptrval____) 20 4 30 10 -1",
    "net/tcp6": "  sl\n   0: 00000000000000000000000001000000:1B5B "
                "00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 "
                "    0        0 11229 1",
    "net/udp": "  sl", "net/udp6": "  sl",
    "net/unix": "Num  RefCount\nffff8a4080000000: 00000002 00000000 00010000 0001 01 11230 "
                "/run/lab.sock\nffff8a4080000400: 00000003 00000000 00000000 0001 03 11231",
    "cmdline": "171/cmdline:sleep\0001000\0", "environ": "171/environ:A=one\n171/environ:two\0B=\0",
    "links": "lrwxrwxrwx 1 0 0 0 Nov 20 22:40 118/cwd -> /a b\n"
             "lrwxrwxrwx 1 0 0 0 Nov 20 22:40 118/exe",
    "mountinfo": "118/mountinfo:1 1 0:2 / / rw - rootfs rootfs rw",
    "fds": "118/fd:\nlrwx------ 1 0 0 64 Nov 20 22:40 0 -> /dev/null\n"
           "l-wx------ 1 0 0 64 Nov 20 22:40 10 -> pipe:[9190]\n\n12/fd:",
    "stacks": "118/task/121/stack:[<0>] hrtimer_nanosleep+0xca/0x1a0\n"
              "118/task/121/stack:[<0>] do_syscall_64+0x55/0xb0",
    "maps": "118/maps:00400000-00401000 r--p 00000000 00:02 14 /bin/states",
}


def serial(sections: dict[str, str]) -> str:
    body = "".join(f"@@@ {name}\n{text}\n\n" for name, text in sections.items())
    return f"[ 1.0] Run /init\r\n{oracle.BEGIN}\n{body}{oracle.END}\n[ 5.0] Kernel panic\r\n"


@pytest.fixture(name="account")
def parsed() -> dict[str, Any]:
    return oracle.parse(serial(SECTIONS))


def test_tasks(account: dict[str, Any]) -> None:
    tasks = {task["tid"]: task for task in account["tasks"]}
    assert set(tasks) == {118, 121, 30, 12}, "the printing programs are not part of the account"
    thread = tasks[121]
    assert (thread["name"], thread["comm"], thread["state"]) == ("in (a) name",) * 2 + ("S",)
    assert (thread["pid"], thread["tgid"], thread["ppid"]) == (121, 118, 1)
    assert (thread["uid"], thread["gid"], thread["threads"], thread["cpu"]) == (1000, 7, 3, 1)
    assert (thread["nspid"], thread["switches"]) == ([121, 1], [3, 4])
    assert (thread["vm_size_kb"], thread["vm_rss_kb"]) == (1084, 52)


def test_comm_of_kernel_threads(account: dict[str, Any]) -> None:
    tasks = {task["tid"]: task for task in account["tasks"]}
    assert tasks[30]["comm"] == "kworker/1:0H"
    assert tasks[12]["comm"] == "rcu_tasks_rude_"
    assert [tasks[tid]["kthread"] for tid in (30, 12, 118)] == [True, True, False]


def test_tables(account: dict[str, Any]) -> None:
    assert account["mounts"] == [{"device": "tmpfs", "point": "/run x", "type": "tmpfs",
                                  "options": ["rw", "nosuid"]}]
    assert [module["users"] for module in account["modules"]] == [[], ["loop", "dummy"]]
    assert account["modules"][0]["address"] == 0xffffffffc05c6000
    assert account["meminfo"] == {"MemTotal": 469192, "HugePages_Total": 0}
    assert account["loadavg"] == [0.1, 0.2, 0.3]
    assert (account["uptime"], account["nproc"]) == (4.96, 2)


def test_sockets(account: dict[str, Any]) -> None:
    tcp = account["sockets"]["tcp"][0]
    assert (tcp["local"], tcp["remote"]) == (["127.0.0.1", 7001], ["127.0.0.1", 34816])
    assert (tcp["state"], tcp["rx_queue"], tcp["inode"]) == (1, 22, 11226)
    assert account["sockets"]["tcp6"][0]["local"] == ["::1", 7003]
    assert [row["path"] for row in account["sockets"]["unix"]] == ["/run/lab.sock", ""]
    assert [row["address"] for row in account["sockets"]["unix"]] \
        == [0xffff8a4080000000, 0xffff8a4080000400]


def test_what_belongs_to_processes(account: dict[str, Any]) -> None:
    assert account["cmdline"] == {"171": ["sleep", "1000"]}
    assert account["environ"] == {"171": ["A=one\ntwo", "B="]}
    assert account["fds"] == {"118": {"0": "/dev/null", "10": "pipe:[9190]"}}
    assert account["links"] == {"118": {"cwd": "/a b"}}
    assert account["mountinfo"] == {"118": ["1 1 0:2 / / rw - rootfs rootfs rw"]}
    assert account["stacks"] == {"118/121": ["hrtimer_nanosleep", "do_syscall_64"]}
    assert account["maps"]["118"][0].endswith("/bin/states")


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_absent_section_is_named(name: str) -> None:
    rest = {other: text for other, text in SECTIONS.items() if other != name}
    with pytest.raises(LabError, match=name):
        oracle.parse(serial(rest))


def test_damaged_section_is_told() -> None:
    with pytest.raises(LabError, match="cannot be read"):
        oracle.parse(serial({**SECTIONS, "stat": "118 (x) S 1"}))


def test_cut_account_is_told() -> None:
    with pytest.raises(LabError, match="no whole account"):
        oracle.parse(serial(SECTIONS).partition(oracle.END)[0])


def test_a_task_that_ended_meanwhile_is_not_in_the_account() -> None:
    account = oracle.parse(serial({**SECTIONS, "alive": "118/task/118 118/task/121"}))
    assert [task["tid"] for task in account["tasks"]] == [118, 121]


def test_a_task_that_was_born_meanwhile_spoils_the_account() -> None:
    with pytest.raises(oracle.Unsteady, match="task 777 was born"):
        oracle.parse(serial({**SECTIONS, "alive": SECTIONS["alive"] + " 777/task/777"}))


@pytest.mark.parametrize("hidden", ["(____ptrval____)", "00000000c0ffee00", "0000000000000000"])
def test_an_address_that_the_kernel_hides_is_none(hidden: str) -> None:
    row = f"Num\n{hidden}: 00000002 00000000 00010000 0001 01 11230"
    account = oracle.parse(serial({**SECTIONS, "net/unix": row}))
    assert account["sockets"]["unix"][0]["address"] is None
