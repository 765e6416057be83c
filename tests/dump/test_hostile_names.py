"""Names, paths and messages that a hostile machine has in its dump reach no terminal raw."""

import json
import re
import shutil

import pytest

from tests.dump.damage import Damage
from tests.dump.harness import Crash, untimed
from tests.dump.names import HOSTILE, make_hostile
from tests.dump.test_damaged_objects import COMMANDS

MORE = {"crashinfo": ("--umem",), "fregs": ("-A -aa",), "modinfo": ("-t -l -p -s",),
        "hanginfo": ("-v --sleeping --maxpids=500",), "mountshow": ("--pid=1",), "stacks": ("-g",),
        "taskinfo": ("--pidinfo=1 -v", "--pidinfo=2 -v"), "tslog": ("--raw --caller",)}
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# Names are followed by something, so that only a name's own end of a line makes lines end so.
FORGED = re.compile(r"\[31m$", re.M)


@pytest.fixture(scope="module")
def hostile_crash(storage_dump, storage_crash, plugin, tmp_path_factory):
    home = tmp_path_factory.mktemp("hostile")
    copy = Damage(storage_dump, home / "vmcore")
    assert make_hostile(copy, storage_crash) > 1000
    session = Crash(storage_dump, home, vmcore=copy.path)
    session.run(f"extend {plugin}")
    # Or reading the debug information would tell of its progress, where it takes long.
    session.epython("from pykdump.API import *\nreadSymbol('init_uts_ns')")
    yield session
    session.close()
    shutil.rmtree(home)


def lines_of_programs():
    for program, lines in COMMANDS.items():
        for options in (*lines, *MORE.get(program, ())):
            yield f"{program} {options}".rstrip()


def test_no_program_prints_what_a_terminal_obeys(hostile_crash):
    wrong, hostile = [], 0
    for line in lines_of_programs():
        text = untimed(hostile_crash.run(f"epython {line}"))
        hostile += "x1b[31m" in text
        if OBEYED.search(text) or FORGED.search(text) or "Traceback" in text:
            wrong.append(f"crash> {line}\n{ascii(text[-3000:])}")
        if "--json" in line:
            json.loads(text)
    assert not wrong, "\n\n".join(wrong)
    assert hostile > 30


def test_what_crash_itself_prints_is_escaped_on_its_way(hostile_crash):
    text = hostile_crash.run("taskinfo --cmd=bt --comm=*te --taskfilter=UN")
    assert 'COMMAND: "\\x1b[31m' in text and not OBEYED.search(text)


def test_columns_stay_columns(hostile_crash):
    lines = untimed(hostile_crash.run("taskinfo")).splitlines()
    room = re.compile(r".{8} *\\x1b\[31m\\n\S* ")        # a name has columns 8 to 22
    states = [line[43:45] for line in lines if (name := room.match(line)) and name.end() == 23]
    assert len(states) > 20 and set(states) <= {"IN", "ID", "UN", "RU", "ST", "ZO"}


def test_data_is_as_the_kernel_has_it(hostile_crash):
    rows = json.loads(untimed(hostile_crash.run("taskinfo --json")))
    assert sum(row["comm"].startswith(HOSTILE.decode()) for row in rows) > 100
    assert hostile_crash.epython(
        "from LinuxDump.Tasks import TaskTable\n"
        "task = TaskTable().getByPid(1)\nprint(ascii(str(task.comm)[:6]), task.comm in "
        "TaskTable().comms)") == "'\\x1b[31m\\n' True\n"
