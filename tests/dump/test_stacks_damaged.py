"""Stacks of a dump whose stacks, tasks, tables and modules were damaged end in a report."""

import json
import random
import re
import shutil
import struct

import pytest

from tests.dump.damage import Damage

# Where things are, by the whole dump: (virtual address, physical address).
PLACES = """
import json, re
from LinuxDump.Tasks import TaskTable
from pykdump.API import *
def place(address):
    return address, int(exec_crash_command(f"vtop {address:x}").split("\\n")[1].split()[1], 16)
sp = crash.member_offset("struct task_struct", "thread") \\
    + crash.member_offset("struct thread_struct", "sp")
stack = crash.member_offset("struct task_struct", "stack")
found = {"rows": place(sym2addr("__start_orc_unwind")),
         "text": [place(sym2addr(name)) for name in
                  ("schedule_timeout", "do_syscall_64", "worker_thread", "ksys_read", "kthread")],
         "addresses": place(sym2addr("__start_orc_unwind_ip")),
         "modules": place(sym2addr("modules")), "tasks": []}
found["sizes"] = [sym2addr(f"__stop_{name}") - sym2addr(f"__start_{name}")
                  for name in ("orc_unwind", "orc_unwind_ip")]
for task in TaskTable().allThreads():
    if task.pid and task.stack and not task.active:
        found["tasks"].append([task.pid, place(int(task.ts) + sp), place(int(task.ts) + stack),
                               place(readU64(int(task.ts) + sp) & ~4095)])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def places(shared, tmp_path_factory):
    session = shared.get()
    session.cd(tmp_path_factory.mktemp("places"))
    return json.loads(session.epython(PLACES))


@pytest.fixture
def damage(dump, tmp_path):
    copy = Damage(dump, tmp_path / "vmcore")
    yield copy
    shutil.rmtree(tmp_path)


def groups(session):
    """The groups that the command tells of, and all that it has printed."""
    text = session.run("stacks --group --json")
    assert "Traceback" not in text
    return json.loads(text[:text.rindex("\n]") + 2])


def test_damaged_stacks_cost_only_their_own_tasks(damage, places, fresh_crash):
    lottery = random.Random(6)
    tasks = {pid: rest for pid, *rest in places["tasks"]}
    chosen = sorted(tasks)[3:60]
    for number, pid in enumerate(chosen):
        sp, stack, page = tasks[pid]
        kind = number % 4
        if kind == 0:
            damage.write(sp, struct.pack("<Q", lottery.getrandbits(64)))
        elif kind == 1:
            damage.write(stack, struct.pack("<Q", lottery.choice([0, 8, 1 << 63])))
        elif kind == 2:
            damage.write(page, lottery.randbytes(4096))
        else:       # pointers into the stack itself and into the kernel
            near = [page[0] + lottery.randrange(4096) for _ in range(256)]
            text = [places["rows"][0] - lottery.randrange(1 << 24) for _ in range(256)]
            damage.write(page, struct.pack("<512Q", *lottery.sample(near + text, 512)))
    for function in places["text"]:
        damage.write(function, lottery.randbytes(512))
    session = fresh_crash(vmcore=damage.path)
    shown = groups(session)
    ends = {task["pid"]: group["end"] for group in shown for task in group["tasks"]}
    whole = [pid for pid in tasks if pid not in chosen]
    assert {ends[pid] for pid in whole} <= {"whole", "user"} and len(whole) > 15
    assert {ends[pid] for number, pid in enumerate(chosen) if number % 4 < 2} == {"error"}
    assert all(group["message"] for group in shown if group["end"] == "error")
    text = session.run("stacks -a -r")
    count = sum(group["count"] for group in shown)
    assert len(re.findall(r"^PID: ", text, re.M)) == count
    assert "Traceback" not in text
    registers = session.run("fregs -A -aa")
    assert len(re.findall(r"^PID: ", registers, re.M)) == count and "Traceback" not in registers
    assert "    Unable to get stack trace: " in registers
    assert len(json.loads(session.run("fregs -A --json").rpartition("]")[0] + "]")) == count


@pytest.mark.parametrize("part", ["rows", "addresses"])
def test_damaged_tables_are_told_of_and_everything_goes_on(damage, places, fresh_crash, part):
    size = places["sizes"][part == "addresses"]
    assert size > 1 << 20
    damage.write(places[part], random.Random(part).randbytes(size))
    damage.write(places["modules"], struct.pack("<Q", places["modules"][0] + 8))
    session = fresh_crash(vmcore=damage.path)
    shown = groups(session)
    assert sum(group["count"] for group in shown) > len(places["tasks"])
    errors = [group for group in shown if group["end"] == "error"]
    assert sum(group["count"] for group in errors) > len(places["tasks"]) / 2
    assert all(group["message"] for group in errors)
    assert "UPTIME" in session.run("sys")
