"""System calls that tasks are in, against what the guest's programs do."""

import json

import pytest

HEAD = """import json
from LinuxDump import syscall
from LinuxDump.syscall import *
from LinuxDump.BTstack import exec_bt
from LinuxDump.Tasks import TaskTable
"""


@pytest.fixture
def told(crash):
    def tell(expression):
        return json.loads(crash.epython(f"{HEAD}print(json.dumps({expression}))\n"))
    return tell


@pytest.fixture
def decoded(crash):
    """A function: what is printed of the stack of the first process of a name."""
    def run(comm):
        return crash.epython(HEAD + f"task = TaskTable().getByComm({comm!r})[0]\n"
                             "decode_Stacks([task.get_task_stack()])\n").splitlines()
    return run


def test_the_table_is_the_kernels(told):
    assert told("[sct[0], sct[1], sct[3], len(sct) == crash.get_NR_syscalls(),"
                " 'ksys_read' in sct]") \
        == ["__x64_sys_read", "__x64_sys_write", "__x64_sys_close", True, False]
    assert told("syscall.sct32 is None or '__ia32_sys_read' in syscall.sct32") is True


def test_processes_are_in_the_calls_that_their_stacks_show(told, dump):
    calls = told("{t.pid: call.name for t in TaskTable().allThreads()"
                 " for call in [call_of(t.ts)] if call}")
    checked = 0
    for place, functions in dump.oracle["stacks"].items():
        found = [name.partition("_sys_")[2] for name in functions if name.startswith("__x64_sys_")]
        tid = place.rpartition("/")[2]
        if found and tid in calls and tid != "1":
            assert calls[tid] == found[0].removeprefix("new"), place
            checked += 1
    assert checked > 10


def test_arguments_have_types_names_and_values(decoded):
    lines = decoded("lab-waiter")
    assert "    ....... Decoding Syscall Args ......." in lines
    call = next(line for line in lines if line.startswith("    fcntl("))
    assert call.startswith(
        "    fcntl(unsigned int fd=0x3, unsigned int cmd=0x7, unsigned long arg=0x")
    assert any(line.startswith("        fd: <struct file 0x") and line.endswith(" /run/lab.lock")
               for line in lines)


def test_texts_of_the_program_are_shown(crash):
    text = crash.epython(HEAD + "for task in TaskTable().getByComm('cat'):\n"
                         "    decode_Stacks([task.get_task_stack()])\n")
    assert "    openat(int dfd=-100, const char *filename=0x" in text
    assert "        filename: '/run/fifo'\n" in text


def test_stacks_that_crash_has_printed_are_decoded_too(crash, told):
    pid = told("TaskTable().getByComm('lab-vfork')[0].pid")
    assert "    vfork()\n" in crash.epython(HEAD + f"decode_Stacks(exec_bt('bt {pid}'))\n")


@pytest.mark.parametrize("comm", ["kthreadd", "lab-burner"])
def test_what_is_in_no_call_is_told(decoded, comm):
    assert decoded(comm)[-1] == "this is not a system_call stack!"


def test_a_stack_of_no_task_is_told_without_a_traceback(crash):
    text = crash.epython(HEAD + "from LinuxDump.BTstack import BTStack\n"
                         "decode_Stacks([BTStack(1, 8, 0, 'nobody'),"
                         " BTStack(1, sym2addr('linux_banner'), 0, 'nobody')])\n")
    assert "Traceback" not in text
    assert text.count("this is not a system_call stack!") + text.count("+++ERROR+++ system") >= 2


def test_pointers_to_numbers_are_no_numbers(crash):
    text = crash.epython(HEAD + "for task in TaskTable().getByComm('sh'):\n"
                         "    decode_Stacks([task.get_task_stack()])\n")
    assert "wait4(pid_t upid=-1, int *stat_addr=0x" in text
