"""Stacks beside those that the kernel's own unwinder has shown in the guest's /proc."""

import json
import re

import pytest

# The kernel leaves the scheduler's functions out, and its names may be others of the same address;
# crash leaves out what the compiler adds to names.
COMPARE = r"""
import json, re
from LinuxDump.Tasks import TaskTable
from LinuxDump import stacks
from pykdump.API import sym2addr, sym2alladdr
def addresses(name):
    return sym2alladdr(name) + sym2alladdr(re.sub(r"\.(part|isra|constprop)\.\d+", "", name))
first, last = sym2addr("__sched_text_start"), sym2addr("__sched_text_end")
account = json.load(open("account.json"))
found = []
for task in TaskTable().allThreads():
    stack = stacks.stack_of(task.ts)
    ours = [frame for frame in stack.frames if not first <= frame.ip < last]
    theirs = account.get(f"{task.tgid}/{task.pid}")
    if theirs is not None:
        same = len(ours) == len(theirs) and all(
            frame.ip - frame.offset in addresses(name) for frame, name in zip(ours, theirs))
        found.append([task.comm, stack.cpu is not None, same, theirs,
                      [frame.function for frame in ours]])
print(json.dumps(found))
"""
# These may have run between the guest's account and its panic.
RESTLESS = re.compile(r"kworker/|ksoftirqd/|rcu_|migration/|jbd2/|kcompactd|oom_reaper|khungtaskd"
                      r"|sleep$")


@pytest.fixture(scope="module")
def compared(shared, dump, tmp_path_factory):
    """(comm, was it running, same, theirs, ours) of each thread in the guest's account."""
    session = shared.get()
    session.cd(tmp_path_factory.mktemp("account"))
    (session.cwd / "account.json").write_text(json.dumps(dump.oracle["stacks"]))
    return json.loads(session.epython(COMPARE))


def test_every_sleeping_task_has_the_stack_that_the_kernel_saw(compared):
    sleeping = [entry for entry in compared if not entry[1]]
    different = [entry for entry in sleeping if not entry[2]]
    assert not [entry for entry in different if not RESTLESS.match(entry[0])]
    assert len(different) <= 3, different
    assert len(sleeping) > 70


def test_the_comparison_is_of_whole_stacks(compared):
    depths = [len(theirs) for _comm, running, _same, theirs, _ours in compared if not running]
    assert sum(depth >= 3 for depth in depths) > 60 and max(depths) >= 7
