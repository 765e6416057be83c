"""What a program is told that asks for what this kernel does not have."""

import pytest


@pytest.fixture
def error_of(crash):
    """A function: what an expression raises, as `KIND: text`."""
    def evaluate(expression):
        return crash.epython(
            "from pykdump.API import *\nt = readSymbol('init_task')\n"
            f"try:\n    {expression}\n"
            "except Exception as err:\n    print(type(err).__name__ + ':', err.args[0])\n").strip()
    return evaluate


@pytest.fixture
def release(dump):
    return dump.release


def test_a_missing_member_names_struct_member_and_kernel(error_of, release):
    assert error_of("t.nope") \
        == f"KeyError: <struct task_struct> does not have a field <nope> (kernel {release})"


def test_a_member_that_was_renamed_names_the_one_that_is_there_now(error_of, release):
    assert error_of("t.cpus_allowed") \
        == ("KeyError: <struct task_struct> does not have a field <cpus_allowed>; "
            f"kernel {release} has <cpus_mask> instead (5.3, 3bd3706251ee)")


def test_a_member_that_moved_into_another_struct_names_the_chain(error_of):
    assert "has <thread_info.cpu> instead (5.16" in error_of("t.cpu")
    assert "has <mm_mt> instead (6.1" in error_of("readSU('struct mm_struct', 0).mmap")
    assert "has <q.disk> instead (5.17" in error_of("readSU('struct request', 0).rq_disk")


def test_a_successor_that_this_kernel_does_not_have_yet_is_not_named(error_of):
    assert error_of("readSU('struct inode', 0).i_mtime_sec").startswith(
        "KeyError: <struct inode> does not have a field <i_mtime_sec> (kernel ")


@pytest.mark.parametrize("expression", [
    "t.Eval('pids.pid')",
    "t.fieldOffset('pids')",
    "t['pids']",
    "container_of(0, 'struct task_struct', 'pids')",
])
def test_the_same_is_said_wherever_a_member_is_asked_for(error_of, expression):
    text = error_of(expression)
    assert "<struct task_struct> does not have a field <pids" in text
    assert "has <thread_pid" in text


def test_a_missing_symbol_names_the_kernel(error_of, release):
    assert error_of("readSymbol('no_such_thing')") \
        == f"TypeError: There's no symbol <no_such_thing> (kernel {release})"


def test_a_member_that_is_missing_is_still_a_plain_key_error(crash):
    assert crash.epython("from pykdump.API import *\n"
                         "try:\n    readSymbol('init_task').cpus_allowed\n"
                         "except KeyError as err:\n    print(type(err) is KeyError)\n") == "True\n"


def test_history_that_cannot_be_imported_costs_only_the_hint(crash, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import sys\nfrom pykdump.API import *\n"
        "kept = sys.modules.pop('LinuxDump.successors', None)\n"
        "sys.modules['LinuxDump.successors'] = None\n"
        "try:\n    readSymbol('init_task').cpus_allowed\n"
        "except KeyError as err:\n    print(err.args[0])\n"
        "del sys.modules['LinuxDump.successors']\n")
    assert crash.run("epython mine").startswith(
        "<struct task_struct> does not have a field <cpus_allowed> (kernel ")
