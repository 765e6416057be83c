"""Names of states, task numbers as people type them, and lists of tasks that are damaged."""

import crash
import pytest


@pytest.fixture
def tasks():
    from LinuxDump import Tasks
    return Tasks


@pytest.mark.parametrize("state, name", [
    (0, "TASK_RUNNING"), (1, "TASK_INTERRUPTIBLE"), (2, "TASK_UNINTERRUPTIBLE"),
    (0x402, "TASK_IDLE"), (0x2402, "TASK_IDLE"), (0x2001, "TASK_INTERRUPTIBLE"),
    (0x102, "TASK_UNINTERRUPTIBLE|TASK_WAKEKILL"),
    (0x2102, "TASK_UNINTERRUPTIBLE|TASK_WAKEKILL"),
    (0x104, "TASK_STOPPED"), (0x108, "TASK_TRACED"), (8, "TASK_TRACED"), (0x40, "TASK_PARKED"),
    (0x80, "TASK_DEAD"), (0x200, "TASK_WAKING"), (0x800, "TASK_RUNNING"),
    (0x1000, "TASK_RTLOCK_WAIT"), (0x8000, "TASK_FROZEN"), (0x100000, "state:1048576")])
def test_states_have_names_without_modifiers(tasks, state, name):
    assert tasks.task_state2str(state) == name


def test_the_idle_state_is_no_bit_of_its_own(tasks):
    assert tasks.TASK_STATE.TASK_IDLE == 0x402
    assert "TASK_IDLE" not in tasks.TASK_STATE
    assert tasks.TASK_STATE.value2key(2) == "TASK_UNINTERRUPTIBLE"


@pytest.mark.parametrize("text, number", [
    ("812", 812), ("0x32c", 812), ("ffff8d4f811fb000", 0xffff8d4f811fb000),
    ("0xffff8d4f811fb000", 0xffff8d4f811fb000), ("1234567890123456", 0x1234567890123456)])
def test_a_task_is_named_by_number_or_address(tasks, text, number):
    assert tasks.parse_task(text) == number


def test_what_is_no_number_names_no_task(tasks):
    with pytest.raises(ValueError):
        tasks.parse_task("init")


@pytest.mark.parametrize("ms, text", [(14706000, "04:05:06"), (273906000, "3 days, 04:05:06")])
def test_uptimes(tasks, ms, text):
    assert tasks.ms2uptime(ms) == text


class Struct(int):
    """A task_struct at an address, with a pid unless it cannot be read."""

    @property
    def pid(self):
        if self in Struct.unreadable:
            raise crash.error(f"readmem error at addr 0x{self:x}")
        return Struct.pids.get(self, int(self))

    tgid = pid


@pytest.fixture
def tasktable():
    from LinuxDump import tasktable
    return tasktable


@pytest.fixture
def table(tasktable, monkeypatch):
    """A table without tasks, and `walks`: what list_nodes finds by the offset of the link."""
    Struct.unreadable, Struct.pids = set(), {}
    table = tasktable.TaskList.__new__(tasktable.TaskList)
    table._problems = []
    table.walks = {}
    monkeypatch.setattr(tasktable, "_pid_max", lambda: 500)
    monkeypatch.setattr(tasktable, "member_offset", lambda sname, field: 16)
    monkeypatch.setattr(tasktable._pykdump, "list_nodes",
                        lambda head, link, *rest: table.walks[link], raising=False)
    return table


def nodes(*addresses):
    return [Struct(address) for address in addresses]


def test_a_whole_list_is_taken_silently(table, capsys):
    table.walks = {0: (nodes(1, 2, 3), "whole", 3, "")}
    assert table._list(1000, "tasks", "task-list") == [1, 2, 3]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("end, message", [
    ("error", "readmem error at addr 0x2a"), ("cycle", ""), ("limit", "")])
def test_a_damaged_list_is_read_from_both_ends(table, capsys, end, message):
    table.walks = {0: (nodes(1, 2), end, 0x2a, message), 8: (nodes(5, 4, 2), end, 0x2a, message)}
    assert table._list(1000, "tasks", "task-list") == [1, 2, 4, 5]
    assert capsys.readouterr().out == (
        f"+++ERROR+++ corrupted task-list of <list_head 0x3e8>: {message or end} at node 0x2a; "
        "2 tasks could be read from its beginning, 2 from its end\n")


def test_lists_of_tasks_are_circles(table, tasktable, monkeypatch):
    asked = []
    monkeypatch.setattr(tasktable._pykdump, "list_nodes",
                        lambda *arguments: asked.append(arguments) or ([], "whole", 0, ""))
    table._list(1000, "tasks", "task-list")
    assert [arguments[5] for arguments in asked] == [True]


def test_what_cannot_be_a_task_ends_the_walk(table, capsys):
    Struct.pids = {3: 70000}
    Struct.unreadable = {6}
    table.walks = {0: (nodes(1, 2, 3, 4), "whole", 4, ""), 8: (nodes(8, 7, 6), "whole", 6, "")}
    assert table._list(1000, "tasks", "task-list") == [1, 2, 7, 8]
    assert "pid(70000)/tgid(70000) not in range pid_max(500)" in capsys.readouterr().out


def test_damage_is_told_again_in_later_commands_and_not_without_end(table, capsys):
    for number in range(30):
        table.complain(f"damage {number}")
        table.complain(f"damage {number}")
    assert len(capsys.readouterr().out.splitlines()) == 21
    table.repeat_complaints()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "+++ERROR+++ damage 0" and len(lines) == 20
