"""Structs of the dump, read by the engine, by crash, and told by the guest."""

import json
import re

import pytest

TASKS = """\
import _pykdump, crash, json
offset = {m[0]: m[1] // 8 for m in _pykdump.type_members('struct task_struct')}
head = crash.sym2addr('init_task') + offset['tasks']
leaders, end, _, _ = _pykdump.list_nodes(head, 0, 100000, 'struct task_struct', offset['tasks'])
found = []
threads = {m[0]: m[1] // 8 for m in _pykdump.type_members('struct signal_struct')}['thread_head']
for leader in leaders:
    group, ended, _, _ = _pykdump.list_nodes(int(leader.signal) + threads, 0, 100000,
                                             'struct task_struct', offset['thread_node'])
    found += [(int(task), task.pid, task.tgid, str(task.comm), int(task.mm)) for task in group]
    assert ended == 'whole'
assert end == 'whole'
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def tasks(shared, tmp_path_factory):
    """[address, pid, tgid, comm, mm] of each task but the idle ones, as the engine reads them."""
    session = shared.get()
    session.cd(tmp_path_factory.mktemp("structs"))
    return json.loads(session.epython(TASKS))


def test_every_task_of_the_guests_account_is_found_with_its_name(tasks, dump):
    told = {(task["tid"], task["tgid"], task["comm"]) for task in dump.oracle["tasks"]}
    assert {(pid, tgid, comm) for _address, pid, tgid, comm, _mm in tasks} == told
    assert len(tasks) == len(dump.oracle["tasks"])


def test_kernel_threads_are_those_without_memory(tasks, dump):
    told = {task["tid"] for task in dump.oracle["tasks"] if task["kthread"]}
    zombies = {task["tid"] for task in dump.oracle["tasks"] if task["state"] in "ZX"}
    assert {task[1] for task in tasks if not task[4]} - zombies == told


def test_crash_and_the_engine_know_the_same_tasks(crash, tasks):
    rows = [line.lstrip(">").split() for line in crash.run("ps").splitlines()[1:]]
    shown = {int(row[3], 16): (int(row[0]), row[8].strip("[]")) for row in rows}
    mine = {address: (pid, comm) for address, pid, _tgid, comm, _mm in tasks}
    idle = {address for address, (pid, _comm) in shown.items() if pid == 0}
    assert {address: mine.get(address) for address in shown if address not in idle} \
        == {address: task for address, task in shown.items() if address not in idle}


def test_crash_and_the_engine_read_the_same_members(crash, tasks):
    for address, pid, tgid, comm, mm in tasks[::8]:         # crash takes its time for each
        text = crash.run(f"struct task_struct.pid,tgid,comm,mm {address:x}")
        members = dict(re.findall(r"^\s+(\w+) = (.*?),?$", text, re.MULTILINE))
        assert int(members["pid"]) == pid and int(members["tgid"]) == tgid
        assert re.match(rf'"{re.escape(comm)}("|\\000)', members["comm"])
        assert int(members["mm"], 16) == mm


def test_crash_and_the_engine_agree_about_sizes_and_offsets(crash):
    names = ["task_struct", "inode", "page", "sk_buff", "rq", "pid", "list_head"]
    told = json.loads(crash.epython(
        "import _pykdump, json\n"
        f"print(json.dumps([[_pykdump.type_size('struct ' + name), [[m[0], m[1], m[2]] for m in "
        f"_pykdump.type_members('struct ' + name)]] for name in {names}]))"))
    for name, (size, members) in zip(names, told):
        text = crash.run(f"struct -o {name}")
        assert re.search(r"^SIZE: (\d+)$", text, re.MULTILINE).group(1) == str(size)
        shown = dict(re.findall(r"^ +\[(\d+)\] .*?\b(\w+)(?:\[\d*\])*;$", text, re.MULTILINE))
        offsets = {member: bits // 8 for member, bits, width in members if not width}
        common = {member: int(at) for at, member in shown.items() if member in offsets}
        assert len(common) > 1
        assert {member: offsets[member] for member in common} == common


def test_crash_and_the_program_know_the_same_symbols(crash):
    for name in ("init_task", "linux_banner", "jiffies", "runqueues", "schedule"):
        shown = crash.run(f"sym {name}").split()[0]
        assert crash.epython(f"import crash\nprint(hex(crash.sym2addr('{name}')))") \
            == f"0x{shown.lstrip('0') or '0'}\n"
