"""Threads and child processes of programs: crash is one process with one thread of control."""

import pytest

from tests.dump.harness import children_of


def test_another_thread_may_not_call_crash(crash):
    assert crash.epython(
        "import crash, threading, _pykdump\n"
        "def told(function, *arguments):\n    try:\n        print(function(*arguments))\n"
        "    except Exception as err:\n        print(type(err).__name__, err)\n"
        "address = crash.sym2addr('init_task')\n"
        "crash.readmem(address + 8, 8)\n_pykdump.purge_caches('memory')\n"
        "calls = [(crash.readmem, address, 8), (crash.exec_crash_command, 'sys'),\n"
        "         (crash.get_GDB_output, 'p 1'), (crash.uvtop, address, 8),\n"
        "         (crash.get_pathname, 1, 2)]\n"
        "for call in calls:\n    thread = threading.Thread(target=told, args=call)\n"
        "    thread.start()\n    thread.join()").splitlines() == \
        ["RuntimeError crash may be called from its own thread only"] * 5


def test_threads_that_do_not_call_crash_are_welcome(crash):
    assert crash.epython(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool:\n    print(sum(pool.map(lambda x: x * x, range(100))))"
    ) == "328350\n"


def test_a_thread_left_running_does_not_disturb_the_prompt(crash):
    crash.epython("import threading\nstop = threading.Event()\n"
                  "left = threading.Thread(target=stop.wait, daemon=True)\nleft.start()")
    assert "panic at" in crash.run("bt")
    assert crash.epython("stop.set()\nleft.join(10)\nprint(left.is_alive())") == "False\n"


def test_a_forked_child_that_goes_on_is_no_second_prompt(crash):
    text = crash.epython("import os, sys\nprint('before')\npid = os.fork()\n"
                         "if pid:\n    os.waitpid(pid, 0)\n    print('parent')\n"
                         "else:\n    print('child')")
    assert text == "before\nchild\nparent\n"
    assert children_of(crash.pid) == []
    assert crash.run("sys").count("DUMPFILE") == 1


@pytest.mark.parametrize("ending", ["1 / 0", "sys.exit(3)", "raise KeyboardInterrupt",
                                    "os.kill(os.getpid(), 9)", "os._exit(5)"])
def test_a_forked_child_may_end_in_any_way(crash, ending):
    text = crash.epython("import os, sys\npid = os.fork()\nif not pid:\n    " + ending +
                         "\nprint('status', os.waitpid(pid, 0)[1] != 0)")
    assert text.endswith("status True\n") and text.count("status") == 1
    assert children_of(crash.pid) == []


def test_children_and_parent_read_the_dump_at_the_same_time(crash):
    program = """\
import crash, hashlib, os
def digest(start):
    data = hashlib.sha1()
    for frame in range(start, start + 3000):
        data.update(crash.readmem(frame << 12, 4096, crash.PHYSADDR))
    return data.hexdigest().encode()
starts = [4096 + 3000 * number for number in range(4)]
pipes = []
for start in starts:
    reader, writer = os.pipe()
    if not os.fork():
        os.write(writer, digest(start))
        os._exit(0)
    os.close(writer)
    pipes.append(reader)
mine = [digest(start) for start in starts]
theirs = [os.read(reader, 100) for reader in pipes]
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
print(mine == theirs, mine == [digest(start) for start in starts], len(set(mine)))
"""
    assert crash.epython(program) == "True True 4\n"


def test_programs_may_use_other_processes(crash):
    assert crash.epython("""\
import os, subprocess
print(subprocess.check_output(['echo', 'hello'], text=True), end='')
print(os.system('exit 3') >> 8, os.popen('echo popen').read(), end='')
""") == "hello\n3 popen\n"


def test_multiprocessing_works(crash):
    for _ in range(5):
        assert crash.epython("import multiprocessing\n"
                             "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
                             "    print(pool.map(abs, [-1, -2, -3]))") == "[1, 2, 3]\n"


def test_what_multiprocessing_starts_has_the_dump_unless_told_otherwise(crash):
    assert crash.epython("""\
import crash, multiprocessing
def banner(offset):
    return crash.readmem(crash.sym2addr('linux_banner') + offset, 5)
with multiprocessing.Pool(2) as pool:
    print(pool.map(banner, [0, 6]))
print(multiprocessing.get_context('spawn').get_start_method())
""") == "[b'Linux', b'versi']\nspawn\n"


def test_a_child_process_can_be_terminated(crash):
    assert crash.epython("""\
import multiprocessing, time
child = multiprocessing.get_context('fork').Process(target=time.sleep, args=(1000,))
child.start()
child.terminate()
child.join(5)
print(child.exitcode)
child.kill()
child.join()
""") == "-15\n"
