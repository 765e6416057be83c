"""Programs that bring event loops, green threads and processes of their own."""

import re

import pytest

from tests.dump.harness import children_of, untimed

PATCHED = """\
import eventlet
eventlet.monkey_patch()
import socket, subprocess, threading, time
print(type(eventlet.hubs.get_hub()).__module__)


def serve(listening):
    connection, _ = listening.accept()
    connection.sendall(connection.recv(99))
    connection.close()


listening = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve, args=(listening,))
thread.start()
client = socket.create_connection(listening.getsockname())
client.sendall(b'through')
print(client.recv(99).decode())
thread.join()
time.sleep(0.001)
"""
ASYNC = """\
import asyncio


async def square(number):
    await asyncio.sleep(0.001)
    return number * number


async def main():
    return await asyncio.gather(*map(square, range(4)))


print(asyncio.run(main()))
"""


def test_asyncio_runs_again_and_again(crash):
    crash.program(ASYNC)
    for _ in range(5):
        assert untimed(crash.run("epython prog")) == "[0, 1, 4, 9]\n"


def test_ctrl_c_ends_an_event_loop_which_runs_again_afterwards(crash):
    for _ in range(3):
        crash.program("import asyncio\nasync def main():\n    print('started', flush=True)\n"
                      "    try:\n        await asyncio.sleep(1000)\n    finally:\n"
                      "        print('cleaned up')\nasyncio.run(main())")
        crash.start("epython prog")
        crash.until("started")
        crash.interrupt()
        assert untimed(crash.finish()).endswith("cleaned up\nKeyboardInterrupt\n")
        assert crash.epython(ASYNC) == "[0, 1, 4, 9]\n"


def test_signal_handlers_of_an_event_loop_end_with_it(crash):
    assert crash.epython("""\
import asyncio, os, signal
async def main():
    got = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, got.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(got.wait(), 10)
    print('got it')
asyncio.run(main())
""") == "got it\n"
    assert crash.epython("import signal\n"
                         "print(signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL)") == "True\n"


def patched(text):
    """What a program printed, without what newer eventlets say of locks made before it came."""
    return re.sub(r"^\d+ RLock\(s\) were not greened.*\n", "", untimed(text), flags=re.M)


@pytest.mark.parametrize("hub", ["epolls", "poll", "selects"])
def test_eventlet_runs_on_its_hub(fresh_crash, hub):
    session = fresh_crash(EVENTLET_HUB=hub)
    session.program(PATCHED)
    for _ in range(2):
        assert patched(session.run("epython prog")) == f"eventlet.hubs.{hub}\nthrough\n"
    session.program("import eventlet\nprint('started', flush=True)\neventlet.sleep(1000)")
    session.start("epython prog")
    session.until("started")
    session.interrupt()
    assert untimed(session.finish()).endswith("KeyboardInterrupt\n")
    session.program(PATCHED)
    assert patched(session.run("epython prog")) == f"eventlet.hubs.{hub}\nthrough\n"
    assert session.quit() == 0


def test_what_one_program_patches_is_whole_again_for_the_next(crash):
    crash.program(PATCHED)
    crash.run("epython prog")
    assert crash.epython("""\
import multiprocessing, select, subprocess, threading, time
from pykdump.API import *
print(hasattr(select, 'poll'), threading.get_ident() == threading.main_thread().ident,
      time.sleep.__module__)
print('DUMPFILE' in exec_crash_command_bg('sys'))
thread = threading.Thread(target=print, args=('thread',))
thread.start()
thread.join()
with multiprocessing.get_context('fork').Pool(2) as pool:
    print(pool.map(abs, [-1, -2]))
print(subprocess.check_output(['echo', 'process'], text=True), end='')
""") == "True True time\nTrue\nthread\n[1, 2]\nprocess\n"
    assert crash.epython(ASYNC) == "[0, 1, 4, 9]\n"
    crash.program("print('plain')")
    assert "plain" in crash.run("epython prog --reload")


def test_a_program_that_patches_may_use_the_framework(crash):
    assert crash.epython(PATCHED + """\
from pykdump.API import *
print('DUMPFILE' in exec_crash_command_bg('sys'), 'DUMPFILE' in exec_crash_command('sys'))
print(readSymbol('init_task').pid)
""").endswith("through\nTrue True\n0\n")


def test_execnet_starts_workers_and_traces_their_messages(fresh_crash):
    session = fresh_crash(EXECNET_DEBUG="2")
    session.program("import execnet, sys\ngateway = execnet.makegateway()\n"
                    "gateway.remote_exec('42').waitclose(30)\n"
                    "channel = gateway.remote_exec('import sys; channel.send(sys.executable)')\n"
                    "print(channel.receive(30) == sys.executable)")
    for number in range(2):
        # workers write to the terminal when they like, behind crash's prompt too
        session.mark()
        session.start("epython prog")
        session.until("Execution took")
        session.start("bt")
        session.until("panic at")
        text = session.transcript()
        for line in (rf"\[{session.pid}\] gw{number} sent <Message CHANNEL_EXEC channel=1 ",
                     rf"\[\d+\] gw{number}-worker execution starts\[1\]: '42'",
                     rf"\[\d+\] gw{number}-worker sent <Message CHANNEL_CLOSE channel=1 ",
                     rf"\[{session.pid}\] gw{number} .*received <Message CHANNEL_CLOSE channel=1 ",
                     r"\nTrue\n"):
            assert re.search(line, text), text
    assert len(children_of(session.pid)) == 2
    session.mark()
    assert session.quit() == 0
    text = session.transcript()
    assert f"[{session.pid}] === atexit cleanup <Group ['gw0', 'gw1']> ===" in text
    assert text.count("gateway.exit() called") == 2


# -- the end of crash --

@pytest.mark.parametrize("program, told", [
    ("atexit.register(print, 'first', flush=True)\natexit.register(print, 'last', flush=True)",
     "last\nfirst\n"),
    ("atexit.register(lambda: 1 / 0)", "ZeroDivisionError"),
    ("import threading\nthreading.Thread(target=threading.Event().wait).start()", ""),
    ("import greenlet\nwaits = greenlet.greenlet(lambda: greenlet.getcurrent().parent.switch())\n"
     "waits.switch()\natexit.register(print, 'with greenlets', flush=True)", "with greenlets\n"),
])
def test_crash_ends_cleanly_and_runs_what_was_to_run_at_exit(fresh_crash, program, told):
    session = fresh_crash()
    session.epython(f"import atexit\n{program}")
    session.mark()
    assert session.quit() == 0
    assert told.replace("\r", "") in session.transcript()


def test_ctrl_c_ends_an_exit_function_that_does_not_end(fresh_crash):
    session = fresh_crash()
    session.epython("import atexit, threading\natexit.register(threading.Event().wait)\n"
                    "atexit.register(print, 'leaving', flush=True)")
    session.start("quit")
    session.until("leaving")
    session.interrupt()
    assert session.gone() == 0
    assert "KeyboardInterrupt" in session.transcript()


def test_nothing_runs_at_exit_after_the_plugin_has_been_unloaded_but_what_programs_registered(
        fresh_crash, plugin):
    session = fresh_crash()
    session.epython("import atexit\natexit.register(print, 'still', flush=True)")
    session.run(f"extend -u {plugin}")
    assert session.quit() == 0
    assert "still" in session.transcript()
