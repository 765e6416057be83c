"""The Python inside: the distribution's own, with everything that belongs to it."""

import hashlib
import re
import sys
import zlib

import pytest

from tests.dump.harness import stripped_of_colour, untimed


def test_it_is_the_distributions_python(crash):
    assert crash.epython("import sys\nprint(sys.version, sys.executable, sys.prefix)") \
        == f"{sys.version} {sys.base_prefix}/bin/python3.{sys.version_info[1]} /usr\n"


@pytest.mark.parametrize("module", [
    "zlib", "ssl", "sqlite3", "json", "socket", "hashlib", "ctypes", "multiprocessing", "bz2",
    "lzma", "pyexpat", "decimal", "asyncio", "curses", "readline", "unittest", "pdb", "cProfile",
    "logging.config", "concurrent.futures", "xml.etree.ElementTree", "email", "http.client"])
def test_the_standard_library_imports(crash, module):
    assert crash.epython(f"import {module}\nprint({module}.__name__)") == f"{module}\n"


def test_compression_and_digests_give_right_results(crash):
    assert crash.epython(
        "import bz2, hashlib, lzma, zlib\ndata = bytes(range(256)) * 1000\n"
        "print([codec.decompress(codec.compress(data)) == data for codec in (zlib, bz2, lzma)],\n"
        "      zlib.crc32(b'crash'), hashlib.sha256(b'crash').hexdigest()[:16])") \
        == f"[True, True, True] {zlib.crc32(b'crash')} " \
           f"{hashlib.sha256(b'crash').hexdigest()[:16]}\n"


def test_databases_and_sockets_work(crash):
    assert crash.epython(
        "import sqlite3, socket\nbase = sqlite3.connect(':memory:')\n"
        "print(base.execute('select 6 * 7').fetchone()[0])\n"
        "one, other = socket.socketpair()\none.sendall(b'through')\nprint(other.recv(99).decode())"
    ) == "42\nthrough\n"


def test_foreign_functions_work(crash):
    assert crash.epython("import ctypes, os\n"
                         "print(ctypes.CDLL(None).getpid() == os.getpid(),"
                         " ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda x: x + 1)(41))") \
        == "True 42\n"


def test_asyncio_runs(crash):
    assert crash.epython("import asyncio\nasync def main():\n    await asyncio.sleep(0.001)\n"
                         "    process = await asyncio.create_subprocess_exec('true')\n"
                         "    return await process.wait()\nprint(asyncio.run(main()))") == "0\n"


def test_the_environment_is_crashs_own(crash):
    assert crash.epython("import os\nprint(os.environ['TERM'], os.environ['LANG'])") \
        == "dumb C.UTF-8\n"


def test_text_is_utf_8_whatever_the_locale(fresh_crash):
    session = fresh_crash(LANG="C", LC_ALL="C")
    assert session.epython("import sys, locale\nprint('é', sys.flags.utf8_mode, "
                           "locale.getpreferredencoding(), 'é' in open('prog.py').read())") \
        == "é 1 utf-8 True\n"


def test_bytecode_is_not_written_into_peoples_folders(crash):
    crash.program("value = 1", "neighbour_for_bytecode.py")
    crash.epython("import neighbour_for_bytecode")
    assert sorted(path.name for path in crash.cwd.iterdir()) \
        == ["neighbour_for_bytecode.py", "prog.py"]


def typed(session, keys):
    """Press keys and Enter; what was shown, the line included."""
    session.type(keys)
    session.type("\n")
    return stripped_of_colour(session.finish())


def test_typing_at_crashs_prompt_is_as_before_after_programs_that_import_readline(
        fresh_crash, plugin):
    """Editing, history and completion belong to crash."""
    session = fresh_crash(load=False, echo=True, crashrc="set scroll off\nset emacs\n")

    def hand():
        session.run("p 11 + 11")
        return [re.sub(r"\$\d+", "$", typed(session, keys)) for keys in (
            "\x10", "p 11 + 33\x02\x02\x04\x0444", "gdb ptype struct list_hea\t", "hel\t\tp p",
            "p init_ta\tsk.pid", "p init_task.pi\t")]

    before = hand()
    assert "= 22\n" in before[0] and "= 55\n" in before[1]
    session.run(f"extend {plugin}")
    for text in ("print('x')", "import readline", "import rlcompleter, pdb, cmd, code",
                 "import readline\nreadline.parse_and_bind('tab: complete')\n"
                 "readline.set_completer(lambda *_: None)\nreadline.clear_history()"):
        session.program(text)
        assert "Execution took" in session.run("epython prog")
        assert hand() == before


def test_a_prompt_of_pythons_own_works(crash):
    crash.program("import code\ncode.interact(banner='hello', exitmsg='left', local={})")
    crash.start("epython prog")
    crash.until(">>> ")
    crash.type("6 * 7\n")
    crash.until("42")
    crash.until(">>> ")
    crash.type("\x04")
    assert untimed(crash.finish()).endswith("left\n")
