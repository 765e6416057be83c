"""Every program on a dump whose kernel objects were damaged at random: a report, never a crash.

`make soak` does the same with many seeds.
"""

import os
import shutil
from pathlib import Path

import pytest

from tests.dump.damage import NFS_OBJECTS, Damage, objects_of, scatter
from tests.dump.harness import Crash

PROGS = Path(__file__).resolve().parents[2] / "progs"
# Programs with the options that show all they can; those that read no kernel object have none.
COMMANDS = {
    "commands": (), "heap": (), "outside": (), "pyctl": (), "repl": (),
    "crashinfo": ("-v", "-q", "--json", "--lws", "--stacksummary -v", "--workqueues -v", "--runq",
                  "--checkstacks", "--decodesyscalls=all", "--pci -v", "--sysctl", "--filelock",
                  "--ls=/", "--ls=/mnt/disk", "--findstacks=.", "--blkreq -v", "--blkdevs -v",
                  "--devmapper -v", "--ext3"),
    "fregs": ("-u -aa", "-A -a --json"),
    "hanginfo": ("", "-v", "--json", "--tree --sleeping", "--syslogger"),
    "mountshow": ("", "--mounts", "--stats", "--stats --json"),
    "pstree": ("-p -g -s -u", "--json", "--compact"),
    "stacks": ("-a -r", "--group --json"),
    "modinfo": ("-g -a -u", "--json"),
    "tslog": ("", "--json"),
    "taskinfo": ("", "-v --wait", "--recent --json", "--summary", "--hang", "--times", "--memory",
                 "--memory --json", "--ns -v", "--ns --json", "--pstree"),
}
# Those that show NFS, on a dump of its own, and what programs take from the library.
NFS_COMMANDS = ("mountshow --mounts", "mountshow --stats", "mountshow --stats --json",
                "hanginfo -v", "hanginfo --json", "crashinfo", "crashinfo --json", "./state4.py")
NFS_STATE = """
from LinuxDump.fs import nfs4_fs_h as Nfs4
from LinuxDump.nfsrpc import get_nfs_mounts
for host, server, point in get_nfs_mounts():
    Nfs4.nfs_server(server).print_verbose(True, True, True)
    Nfs4.nfs_client(server.nfs_client).print_verbose()
"""
SEEDS = [int(seed) for seed in os.environ.get("DAMAGE_SEEDS", "7").split()]


@pytest.fixture(scope="module")
def objects(shared, tmp_path_factory):
    session = shared.get()
    session.cd(tmp_path_factory.mktemp("objects"))
    return objects_of(session)


@pytest.fixture(params=SEEDS)
def damaged(request, dump, objects, tmp_path, fresh_crash):
    """A session on damaged memory; what was damaged is in its working directory."""
    copy = Damage(dump, tmp_path / "vmcore")
    done = scatter(copy, *objects, request.param)
    session = fresh_crash(vmcore=copy.path)
    print("\n".join(done))
    yield session
    shutil.rmtree(tmp_path)


def test_every_program_is_run_on_damage():
    assert COMMANDS.keys() == {path.stem for path in PROGS.glob("*.py")}


def test_no_program_ends_in_a_traceback_or_ends_the_session(damaged):
    wrong = []
    for program, lines in COMMANDS.items():
        for options in lines:
            text = damaged.run(f"epython {program} {options}".rstrip())
            if "Traceback" in text or "Execution took" not in text:
                wrong.append(f"crash> {program} {options}\n{text[-3000:]}")
    for pid in _pids(damaged)[:20]:
        text = damaged.run(f"epython taskinfo -v --pidinfo={pid}")
        if "Traceback" in text:
            wrong.append(f"crash> taskinfo --pidinfo={pid}\n{text[-3000:]}")
    assert not wrong, "\n\n".join(wrong)
    assert "UPTIME" in damaged.run("sys")


@pytest.mark.parametrize("seed", SEEDS)
def test_no_program_ends_in_a_traceback_on_damaged_nfs(seed, nfs_crash, nfs_dump, plugin, tmp_path):
    copy = Damage(nfs_dump, tmp_path / "vmcore")
    print("\n".join(scatter(copy, *objects_of(nfs_crash, NFS_OBJECTS), seed)))
    session = Crash(nfs_dump, tmp_path, vmcore=copy.path)
    session.run(f"extend {plugin}")
    (session.cwd / "state4.py").write_text(NFS_STATE)
    texts = {line: session.run(f"epython {line}") for line in NFS_COMMANDS}
    assert "UPTIME" in session.run("sys")
    session.close()
    copy.path.unlink()
    wrong = [f"crash> {line}\n{text[-3000:]}" for line, text in texts.items()
             if "Traceback" in text or "Execution took" not in text]
    assert not wrong, "\n\n".join(wrong)


def _pids(session):
    """PIDs that taskinfo still finds."""
    words = [line.replace(">", " ").split() for line in session.run("taskinfo").splitlines()]
    return [int(line[0]) for line in words if line and line[0].isdigit()]
