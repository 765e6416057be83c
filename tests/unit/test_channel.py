"""The line between a session and its clients: messages, places, and who is let in."""

import os
import socket
import subprocess
import sys
import threading

import pytest

from pykdump import channel, clientio

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def lines():
    ends = socket.socketpair()
    yield tuple(channel.Channel(end) for end in ends)
    for end in ends:
        end.close()


def test_messages_arrive_whole_and_in_order(lines):
    here, there = lines
    big = "x" * 300_000
    sender = threading.Thread(target=lambda: [here.send(n=1), here.send(text=big), here.send(n=2)])
    sender.start()
    assert [there.receive(10) for _ in range(3)] == [{"n": 1}, {"text": big}, {"n": 2}]
    sender.join()


@pytest.mark.parametrize("sent", [b"", b"x", b"not json\n", b"[1]\n", b"\xff\xfe\n",
                                  b"[" * 100_000 + b"\n"])
def test_what_is_no_message_ends_the_line(sent):
    here, there = socket.socketpair()
    with here, there:
        here.sendall(sent)
        here.shutdown(socket.SHUT_WR)
        with pytest.raises(channel.Gone):
            channel.Channel(there).receive(10)


def test_silence_is_told_from_the_end(lines):
    with pytest.raises(channel.Gone, match="no answer"):
        lines[0].receive(0.01)
    lines[1].close()
    with pytest.raises(channel.Gone, match="has left"):
        lines[0].receive(10)
    with pytest.raises(channel.Gone):
        lines[0].send(text="x" * (1 << 20))


def test_interrupts_are_seen_at_once_and_leave_the_rest(lines):
    here, there = lines
    assert not there.interrupted()
    here.send(line="kept")
    assert not there.interrupted()
    here.send(interrupt=True)
    assert there.interrupted() and not there.interrupted()
    assert there.receive(10) == {"line": "kept"}
    here.close()
    assert there.interrupted() and there.ended


class Interfered(socket.socket):
    """A socket whose reader a signal interrupts: the handler asks for interrupts, too."""

    def recv(self, *arguments):
        data = super().recv(*arguments)
        self.handler()
        return data


def test_a_handler_within_a_handler_loses_nothing():
    seen = []

    def handler():
        if not seen:
            here.send(interrupt=True)
        seen.append(there.interrupted())

    one, other = socket.socketpair()
    with one, Interfered(fileno=other.detach()) as interfered:
        here, there = channel.Channel(one), channel.Channel(interfered)
        interfered.handler = handler
        here.send(line="kept")
        assert there.interrupted() and not any(seen)
        assert not there.interrupted()
        assert there.receive(10) == {"line": "kept"}


def test_an_interrupt_that_comes_with_a_line_gives_it_up():
    here, there = socket.socketpair()
    with here, there:
        here.sendall(b'{"line": "while True: pass"}\n{"interrupt": true}\n{"line": "next"}\n')
        stream = clientio.ClientStream(channel.Channel(there))
        with pytest.raises(clientio.Interrupted):
            stream.readline()
        assert stream.readline() == "next\n"


def test_an_interrupt_ends_code_that_has_not_begun(lines):
    here, there = lines
    ran = []
    guard = clientio.Guard(there)
    here.send(interrupt=True)
    with pytest.raises(clientio.Interrupted):
        guard.run(compile("ran.append(1)", "code", "exec"), {"ran": ran})
    guard.run(compile("ran.append(2)", "code", "exec"), {"ran": ran})
    assert ran == [2]


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Private places below tmp_path: (XDG_RUNTIME_DIR, TMPDIR)."""
    runtime, temporary = tmp_path / "run", tmp_path / "tmp"
    runtime.mkdir(mode=0o700)
    temporary.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("TMPDIR", str(temporary))
    return runtime, temporary


def test_sockets_lie_where_nobody_else_can_enter(places):
    runtime, temporary = places
    sock, path = channel.listen_here("name")
    sock.close()
    assert path == f"{runtime}/mpykdump/name"
    assert os.stat(f"{runtime}/mpykdump").st_mode & 0o777 == 0o700
    assert os.stat(path).st_mode & 0o777 == 0o600
    runtime.chmod(0o755)
    assert channel.private_directory() == f"{temporary}/mpykdump-{os.geteuid()}"


def test_a_place_that_others_may_enter_is_refused(places, monkeypatch):
    _runtime, temporary = places
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    ours = temporary / f"mpykdump-{os.geteuid()}"
    ours.mkdir(mode=0o755)
    with pytest.raises(channel.ChannelError, match="nobody else may enter"):
        channel.private_directory()
    ours.rmdir()
    ours.symlink_to(_runtime)
    with pytest.raises(channel.ChannelError, match="nobody else may enter"):
        channel.private_directory()
    monkeypatch.setenv("TMPDIR", str(temporary / "nothere"))
    with pytest.raises(channel.ChannelError, match="No such file"):
        channel.private_directory()


def test_what_a_killed_session_left_is_replaced_and_a_file_is_not(places):
    first, path = channel.listen_here("name")
    first.close()
    second, again = channel.listen_here("name")
    second.close()
    assert again == path
    channel.remove(path)
    with open(path, "w", encoding="ascii"):
        pass
    with pytest.raises(channel.ChannelError, match="in use"):
        channel.listen_here("name")


def test_a_path_too_long_for_a_socket_is_told(places, monkeypatch):
    with pytest.raises(channel.ChannelError, match="too long"):
        channel.listen_here("n" * 100)


@ROOT
def test_another_user_is_refused_though_the_path_was_open(tmp_path):
    tmp_path.chmod(0o755)
    path = f"/tmp/mpykdump-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen()
        client = subprocess.Popen(
            ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", sys.executable,
             "-c", f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({path!r}); "
                   f"s.recv(1)"])
        try:
            accepted, _ = listener.accept()
            with accepted, pytest.raises(channel.ChannelError, match="user nobody was refused"):
                channel.check_peer(accepted)
        finally:
            client.wait()
            os.unlink(path)


def test_addresses_of_this_machine_alone_are_taken():
    assert channel.loopback_address("127.0.0.1:80") == ("127.0.0.1", 80)
    assert channel.loopback_address(":80") == ("127.0.0.1", 80)
    assert channel.loopback_address("[::1]:0") == ("::1", 0)
    for bad in ("", "80", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:65536", "0.0.0.0:1",
                "192.0.2.1:1", "[::]:1", "\udc80:1", "x" * 300 + ":1"):
        with pytest.raises(channel.ChannelError):
            channel.loopback_address(bad)
