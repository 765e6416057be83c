"""Commands in the background: what is read from the child, and what becomes of it."""

import os
import subprocess
import time

import crash
import pytest

from pykdump import commands
from pykdump.logging import pylog


@pytest.fixture
def background(monkeypatch):
    """A function that runs a shell script in the place of a crash command."""
    started = []

    def start(script):
        readable, writable = os.pipe()
        pid = os.posix_spawn("/bin/sh", ["sh", "-c", script], os.environ, file_actions=[
            (os.POSIX_SPAWN_DUP2, writable, 1), (os.POSIX_SPAWN_CLOSE, readable)])
        os.close(writable)
        started.append(pid)
        return readable, pid
    monkeypatch.setattr(crash, "exec_crash_command_bg2", start, raising=False)
    pylog.cleanup()
    yield started
    pylog.cleanup()


def test_all_that_a_command_prints_is_returned(background):
    text = commands.exec_crash_command_bg("seq 1 100000")
    assert text == "".join(f"{i}\n" for i in range(1, 100001))
    assert not pylog._timeouts and not pylog._errors


def test_what_was_printed_in_time_is_returned_and_the_rest_logged(background):
    before = time.monotonic()
    text = commands.exec_crash_command_bg("echo some; sleep 60; echo more", 0.3)
    assert text == "some\n"
    assert time.monotonic() - before < 10
    assert pylog._timeouts == ["echo some; sleep 60; echo more (0.3s)"]
    with pytest.raises(ChildProcessError):
        os.waitpid(background[0], os.WNOHANG)           # it is no more


def test_the_time_of_a_command_is_that_of_the_option(background, monkeypatch):
    monkeypatch.setattr(crash, "default_timeout", 0.2)
    assert commands.exec_crash_command_bg("sleep 60") == ""
    assert pylog._timeouts == ["sleep 60 (0.2s)"]


def test_a_letter_that_comes_in_two_reads_stays_one(background):
    assert commands.exec_crash_command_bg(r"printf '\303'; sleep 0.2; printf '\244\n'") == "ä\n"


def test_bytes_that_are_no_text_are_shown(background):
    assert commands.exec_crash_command_bg(r"printf 'a\377b\303'") == r"a\xffb\xc3"


def test_an_end_that_is_none_is_logged(background):
    assert commands.exec_crash_command_bg("echo x; kill -ILL $$") == "x\n"
    assert pylog._errors == ["<echo x; kill -ILL $$> ended with status -4"]


def test_other_children_of_the_program_are_left_alone(background):
    other = subprocess.Popen(["/bin/sh", "-c", "exit 7"])
    assert commands.exec_crash_command_bg("sleep 0.2; echo x") == "x\n"
    assert other.wait() == 7


def test_nothing_stays_open(background):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        commands.exec_crash_command_bg("echo x")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_gdb_command_has_no_carriage_returns(monkeypatch):
    monkeypatch.setattr(crash, "get_GDB_output", {"p": "a\r\nb\n", "q": None}.get, raising=False)
    assert commands.exec_gdb_command("p") == "a\nb\n"
    assert commands.exec_gdb_command("q") is None


def test_a_command_is_run_and_what_it_prints_shown(monkeypatch, capsys):
    def command(line):
        if line == "bad":
            raise crash.error("no such command")
        return "text\n"
    monkeypatch.setattr(crash, "exec_crash_command", command, raising=False)
    commands.exec_command("good")
    commands.exec_command("bad")
    assert capsys.readouterr().out == "text\nno such command\n"


def test_error_messages_are_put_away_and_come_back(monkeypatch):
    targets = ["default"]

    def set_error(target):
        targets.append(target)
        return targets[-2]
    monkeypatch.setattr(crash, "crash_set_error", set_error, raising=False)
    with pytest.raises(KeyError), commands.SuppressCrashErrors():
        raise KeyError
    assert targets == ["default", "/dev/null", "default"]
