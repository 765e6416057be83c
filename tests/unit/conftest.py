"""Fakes of the C modules, and a session in a directory of its own, for tests without crash."""

import os
import sys
import types
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "pylib"))


class EngineNames(types.ModuleType):
    """Has every name that the API passes on to programs; tests of the frame call none of them."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def passed_on(*args):
            raise AssertionError(f"{self.__name__}.{name}{args} needs the real engine")

        return passed_on


class FakeHost(EngineNames):
    """`_pykdump` as the C side provides it; what is written is collected."""

    build_info = "mpykdump test build"

    def __init__(self):
        super().__init__("_pykdump")
        self.reset()

    def reset(self):
        self.written = bytearray()
        self.kind = "pipe"
        self.error = None
        self.room = None        # bytes that may be written before `error` comes
        self.discard = False
        self.failed = 0
        self.live = False
        self.purged = []
        self.callback = None
        self.wire_fd = -1
        self.wire_failed = 0
        self.wire_rows = []
        self.wire_watched = frozenset()

    def output_write(self, data):
        if self.discard:
            return len(data)
        if self.error and (self.room is None or len(self.written) + len(data) > self.room):
            self.failed = self.failed or self.error.errno
            raise self.error
        self.written += data
        return len(data)

    def output_reset(self, discard):
        self.discard = discard
        if not discard:
            self.failed = 0

    def output_failure(self):
        return self.failed

    def output_flush(self):
        pass

    def output_fileno(self):
        return 1

    def output_isatty(self):
        return self.kind == "terminal"

    def stdout_kind(self):
        return self.kind

    def dump_info(self):
        return {"dumpfile": "/dumps/vmcore", "namelist": "/dumps/vmlinux", "release": "6.1.0",
                "live": self.live, "machine": "x86_64", "cpus": 2, "hz": 250}

    def types_source(self):
        return "BTF of the namelist"

    def after_fork(self):
        pass

    def set_factories(self, **factories):
        pass

    def observe_reads(self, observer):
        pass

    def trace_set(self, callback):
        before, self.callback = self.callback, callback
        return before

    def trace_get(self):
        return self.callback

    def trace_event(self, event, args):
        if self.callback is not None:
            self.callback(event, args)

    def wire_kinds(self):
        return ("READ", "TYPE", "LIFE")

    def wire_open(self, fd):
        self.wire_fd = fd

    def wire_watch(self, kinds, summing):
        self.wire_watched = kinds

    def wire_write(self, line):
        if self.wire_fd >= 0:
            os.write(self.wire_fd, f"[{os.getpid()}] {line}\n".encode())

    def wire_error(self):
        error, self.wire_failed = self.wire_failed, 0
        return error

    def wire_summary(self):
        rows, self.wire_rows = self.wire_rows, []
        return rows

    def cache_set_pages(self, pages):
        self.pages = pages

    def cache_statistics(self):
        return {"hits": 3, "misses": 1, "failed": 0, "pages": 1, "capacity": 4}

    def purge_caches(self, kind):
        self.purged.append(kind)

    def symbols_signature(self):
        return 1


class CrashError(Exception):
    pass


HOST = FakeHost()
CRASH = EngineNames("crash")
CRASH.error = CrashError
CRASH.default_timeout = 120
for name, base in (("StructResult", int), ("tPtr", int), ("tEnum", int), ("SmartString", str)):
    setattr(CRASH, name, type(name, (base,), {"__module__": "crash"}))
sys.modules.setdefault("_pykdump", HOST)
sys.modules.setdefault("crash", CRASH)


@pytest.fixture
def host():
    HOST.reset()
    return HOST


@pytest.fixture
def switches(monkeypatch):
    """An empty registry of switches."""
    from pykdump import registry
    monkeypatch.setattr(registry, "_switches", {})
    return registry


class Plugin:
    """A started session: an archive, a current directory, and a way to type commands."""

    def __init__(self, host, directory):
        self.host = host
        self.so_path = str(directory / "mpykdump.so")
        self.cwd = directory / "cwd"
        self.user = directory / "user"
        self.members = {f"progs/{name.name}": name.read_text()
                        for name in (ROOT / "progs").glob("*.py")}

    def start(self, pykdumppath=None):
        from pykdump import session
        self.write_archive()
        return session.start(self.so_path, "mpykdump test build",
                             str(self.user) if pykdumppath is None else pykdumppath)

    def write_archive(self):
        with zipfile.ZipFile(self.so_path, "w") as archive:
            for name, content in self.members.items():
                archive.writestr(name, content)

    def type(self, line):
        """Run a command; all that it wrote."""
        from pykdump import session
        self.host.written.clear()
        self.status = session.run_command(line.split())
        return self.host.written.decode()

    def body(self, line):
        """The same without the line about time."""
        return self.type(line).partition("\n ** Execution took")[0]


@pytest.fixture
def plugin(host, tmp_path, monkeypatch):
    from pykdump import archive, path, programs, registry, session, shadow
    from pykdump.legacy import modules
    for name in ("cwd", "user"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(registry, "_switches", dict(registry._switches))
    monkeypatch.setattr(sys, "path", sys.path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(sys, "path_hooks", list(sys.path_hooks))
    monkeypatch.setattr(shadow, "_warned", set())
    monkeypatch.setattr(programs, "_code_cache", {})
    monkeypatch.setattr(archive, "_codes", {})
    # Modules of the tests themselves are nobody's to reload.
    is_protected = path.is_protected
    monkeypatch.setattr(path, "is_protected", lambda file: is_protected(file)
                        or not os.path.abspath(file).startswith(str(tmp_path) + os.sep))
    modules_before = set(sys.modules)
    yield Plugin(host, tmp_path)
    session.stop()
    registry.reset()
    for name in set(sys.modules) - modules_before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)) or name in modules.ALIASES:
            del sys.modules[name]
