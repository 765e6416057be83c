"""A dump, the built plug-in and crash sessions for the tests of this folder."""

import os
import shutil
from pathlib import Path

import pytest

from tests.dump.harness import Crash, CrashDied
from tests.lab import dumps

BUILT = Path(__file__).resolve().parents[2] / "build" / "mpykdump.so"
# in a test's stash: whether it has failed
FAILED = pytest.StashKey()


def dump_of(guest):
    """The dump of a guest, made when there is none; LAB_KERNEL chooses the kernel."""
    return dumps.get(guest, kernel=os.environ.get("LAB_KERNEL") or None)


@pytest.fixture(scope="session")
def dump():
    """The dump of the busy guest."""
    return dump_of("busy")


@pytest.fixture(scope="session")
def plugin(tmp_path_factory):
    """The plug-in as it is now: somebody may build it again while the tests run."""
    if not BUILT.exists():
        pytest.fail("build/mpykdump.so is not there: run make", pytrace=False)
    return Path(shutil.copy(BUILT, tmp_path_factory.mktemp("plugin")))


@pytest.fixture(scope="session", autouse=True)
def zygotes():
    """The processes that sessions are forked from end with the tests."""
    yield
    Crash.zygotes.close()


class Shared:
    """One session for the tests of a file that leave it usable; after one that does not, another.

    What they leave behind, names and debug switches, is then no other file's business.
    """

    def __init__(self, start, cache):
        self._start = start
        self._cache = cache
        self._crash = None

    def get(self):
        if self._crash is None or not self._crash.alive():
            self._crash = self._start(XDG_CACHE_HOME=self._cache)
        return self._crash

    def check(self):
        """After a test: crash must answer."""
        if not self._crash.alive():
            raise CrashDied("this test has ended crash")
        try:
            assert "UPTIME" in self._crash.run("sys"), "crash's own commands do not work any more"
        except AssertionError:
            self.close()
            raise

    def close(self):
        if self._crash is not None:
            self._crash.close()
        self._crash = None


@pytest.fixture(scope="session")
def starting(dump, plugin, tmp_path_factory):
    """A function that starts a crash with the plug-in loaded; the caller closes it."""
    def start(load=True, **options):
        session = Crash(dump, tmp_path_factory.mktemp("session"), **options)
        if load:
            text = session.run(f"extend {plugin}")
            assert text.endswith(f"{plugin}: shared object loaded\n"), text
        return session
    return start


@pytest.fixture(scope="session")
def type_cache(tmp_path_factory):
    """Where the sessions of all files keep indexes of debug information, which take a while."""
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def locks_dump():
    """The dump of the guest whose threads wait for each other."""
    return dump_of("locks")


@pytest.fixture(scope="session")
def storage_dump():
    """The dump of the guest whose filesystems and disks have everything wrong.

    Types of modules come from debug files where the modules have no BTF.
    """
    dump = dump_of("storage")
    if not dump.kernel.modules_have_btf:
        dumps.debug_files(dump)
    return dump


@pytest.fixture(scope="session")
def debug_files(storage_dump):
    """The folder with debug files of the modules of the guests' kernel."""
    return dumps.debug_files(storage_dump)


@pytest.fixture(scope="session")
def threads_dump():
    """The dump of the guest with 5,000 threads."""
    return dump_of("threads")


@pytest.fixture(scope="session")
def memory_dump():
    """The dump of the guest whose memory is lost, damaged and runs out."""
    return dump_of("memory")


@pytest.fixture(scope="session")
def nfs_dump():
    """The dump of the guest with servers and mounts of NFS; LAB_KERNEL, too."""
    return dumps.get("nfs", kernel=os.environ.get("LAB_KERNEL") or None)


def _crash_on(guest):
    """The fixture of a session, for the tests of a file, on the dump that another fixture gives."""
    @pytest.fixture(scope="module")
    def session(request, plugin, type_cache, tmp_path_factory):
        session = Crash(request.getfixturevalue(f"{guest}_dump"), tmp_path_factory.mktemp(guest),
                        XDG_CACHE_HOME=type_cache)
        session.run(f"extend {plugin}")
        yield session
        session.close()
    return session


locks_crash = _crash_on("locks")
storage_crash = _crash_on("storage")
threads_crash = _crash_on("threads")
memory_crash = _crash_on("memory")
nfs_crash = _crash_on("nfs")


@pytest.fixture(scope="module")
def shared(starting, type_cache):
    sessions = Shared(starting, type_cache)
    yield sessions
    sessions.close()


@pytest.fixture
def crash(shared, tmp_path):
    """The shared session, in an empty directory of the test's own."""
    session = shared.get()
    session.mark()
    session.cd(tmp_path)
    yield session
    shared.check()


@pytest.fixture
def told(crash):
    """A function: the value of an expression, as text, in a program that has the API only."""
    def tell(expression, before=""):
        return crash.epython(f"from pykdump.API import *\n{before}\nvalue = {expression}\n"
                             "print(repr(value))")
    return tell


@pytest.fixture
def fresh_crash(starting):
    """A function that starts a session for this test alone."""
    started = []

    def start(**options):
        started.append(starting(**options))
        return started[-1]
    yield start
    for session in started:
        session.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Show what was typed and printed when a test fails."""
    report = (yield).get_result()
    if report.failed:
        item.stash[FAILED] = True
        for name, value in item.funcargs.items():
            if isinstance(value, Crash):
                report.sections.append((f"crash session ({name})", value.transcript()))
