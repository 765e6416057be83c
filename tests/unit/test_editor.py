"""Whose TCP connection it is: what protects debugpy, which has no password."""

import os
import socket
import subprocess
import sys

import pytest

from pykdump import editor


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


def test_the_user_of_a_connection_is_known_and_of_a_closed_one_is_not(listener):
    client = socket.create_connection(listener.getsockname())
    accepted, _ = listener.accept()
    with accepted:
        assert editor.uid_of_peer(accepted) == os.geteuid()
        client.close()
        assert editor.uid_of_peer(accepted) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_users_connection_is_known(listener):
    client = subprocess.Popen(
        ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", sys.executable, "-c",
         f"import socket; socket.create_connection({listener.getsockname()!r}).recv(1)"])
    accepted, _ = listener.accept()
    with accepted:
        assert editor.uid_of_peer(accepted) == 65534
    client.wait()
