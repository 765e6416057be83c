"""The wire trace: its switches, its file, and what is said when it cannot be had."""

import errno
import os
import re
import stat
import sys

import pytest

from pykdump import registry, wire

ROW = "READ", "/lib/x.py:5", 3, 24, 0.002


@pytest.fixture
def pyctl(plugin, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(wire._File, "fd", -1)
    monkeypatch.setattr(wire, "_running", [])
    plugin.start()

    def pyctl(arguments):
        return plugin.body(f"epython pyctl {arguments}")
    pyctl.plugin = plugin
    pyctl.file = tmp_path / f"pykdump-debug-{os.getpid()}"
    pyctl.host = plugin.host
    yield pyctl
    registry.reset(["wireFilter", "wireSummary", "debugWire"])


def program(pyctl, source="", line="epython prog"):
    (pyctl.plugin.cwd / "prog.py").write_text(source)
    return pyctl.plugin.body(line)


def lines(path):
    """What was traced, without the process."""
    mark = f"[{os.getpid()}] "
    text = path.read_text().splitlines()
    assert all(line.startswith(mark) for line in text)
    return [line.removeprefix(mark) for line in text]


def test_nothing_is_watched_at_first(pyctl):
    assert pyctl.host.wire_watched == frozenset() and not pyctl.file.exists()


def test_the_switch_says_where_the_trace_goes(pyctl):
    assert pyctl("--set debugWire=1") == (f"mpykdump: messages are traced to {pyctl.file}\n"
                                          "Set: ['debugWire=1']\n")
    assert stat.S_IMODE(pyctl.file.stat().st_mode) == 0o600
    assert pyctl.host.wire_watched == {"READ", "TYPE", "LIFE"}


def test_the_switch_ends_it(pyctl):
    pyctl("--set debugWire=1")
    pyctl("--set debugWire=0")
    assert pyctl.host.wire_watched == frozenset() and pyctl.host.wire_fd == -1
    before = pyctl.file.read_text()
    program(pyctl)
    assert pyctl.file.read_text() == before


def test_the_same_file_goes_on_when_it_is_switched_on_again(pyctl):
    pyctl("--set debugWire=1")
    pyctl("--set debugWire=0")
    assert f"to {pyctl.file}\n" in pyctl("--set debugWire=1")
    pyctl.file.unlink()
    assert f"to {pyctl.file}\n" in pyctl("--set debugWire=1")
    assert pyctl.file.exists()


@pytest.mark.parametrize("trap", ["file", "link", "dangling", "directory", "fifo"])
def test_what_has_its_name_is_never_written_to(pyctl, tmp_path, trap):
    precious = tmp_path / "precious"
    if trap == "file":
        pyctl.file.write_text("old\n")
    elif trap == "link":
        precious.write_text("keep")
        pyctl.file.symlink_to(precious)
    elif trap == "dangling":
        pyctl.file.symlink_to(precious)
    elif trap == "directory":
        pyctl.file.mkdir()
    else:
        os.mkfifo(pyctl.file)
    assert f"are traced to {pyctl.file}.1\n" in pyctl("--set debugWire=1")
    program(pyctl)
    assert "program prog starts []" in lines(pyctl.file.with_name(pyctl.file.name + ".1"))
    if trap == "file":
        assert pyctl.file.read_text() == "old\n"
    if trap == "link":
        assert precious.read_text() == "keep"
    assert precious.exists() == (trap == "link")


def test_too_many_old_files_are_one_line(pyctl):
    for number in range(10):
        pyctl.file.with_name(pyctl.file.name + (f".{number}" if number else "")).write_text("")
    assert pyctl("--set debugWire=1") == (
        f"pyctl: debugWire: 1 is refused: {pyctl.file} is there, and so are .1 to .9: remove them\n"
        " -- sys.exit(2) --\n")
    assert registry.value("debugWire") == 0


def test_a_directory_that_is_not_there_is_one_line(pyctl, monkeypatch):
    monkeypatch.setenv("TMPDIR", "/nowhere")
    assert pyctl("--set debugWire=1") == (
        f"pyctl: debugWire: 1 is refused: /nowhere/{pyctl.file.name}: No such file or directory\n"
        " -- sys.exit(2) --\n")
    assert pyctl.host.wire_watched == frozenset()


@pytest.mark.parametrize("value", ["3", "-1", "x"])
def test_a_bad_level_is_one_line(pyctl, value):
    text = pyctl(f"--set debugWire={value}")
    assert text.startswith("pyctl: debugWire: ") and text.count("\n") == 2


def test_the_life_of_programs_is_traced(pyctl):
    pyctl("--set debugWire=1")
    (pyctl.plugin.cwd / "mine.py").write_text("")
    program(pyctl, "import mine")
    program(pyctl, "1 / 0")
    program(pyctl, "", "epython prog --reload")
    mine = pyctl.plugin.cwd / "mine.py"
    traced = lines(pyctl.file)
    for line in ("program prog starts []", f"import mine from {mine}", "program prog ends",
                 "program prog ends with ZeroDivisionError: division by zero",
                 f"reload mine from {mine}", "program prog starts []"):
        assert line in traced


@pytest.mark.parametrize("text, kinds", [
    ("kind=READ", {"READ"}), ("kind=read,type", {"READ", "TYPE"}),
    ("kind=READ kind=TYPE", {"READ", "TYPE"}), ("", {"READ", "TYPE", "LIFE"})])
def test_a_filter_names_kinds(pyctl, text, kinds):
    registry.set_values({"debugWire": "1", "wireFilter": text})
    assert pyctl.host.wire_watched == kinds


@pytest.mark.parametrize("text, said", [
    ("kind=RAED", "there is no kind of message RAED; the kinds are READ, TYPE, LIFE"),
    ("kind=", "'kind=' is neither kind=... nor program=...; the kinds are READ, TYPE, LIFE"),
    ("READ", "'READ' is neither kind=... nor program=...; the kinds are READ, TYPE, LIFE"),
    ("sort=READ", "'sort=READ' is neither kind=... nor program=...; the kinds are READ, "
                  "TYPE, LIFE")])
def test_a_bad_filter_is_one_line_that_names_the_kinds(pyctl, text, said):
    registry.set_values({"wireFilter": "kind=TYPE"})
    with pytest.raises(registry.RegistryError) as caught:
        registry.set_values({"wireFilter": text})
    assert str(caught.value) == f"wireFilter: {text!r} is refused: {said}"
    assert registry.value("wireFilter") == "kind=TYPE" and wire._Filter.kinds == {"TYPE"}


def test_a_filter_names_programs(pyctl):
    registry.set_values({"debugWire": "1", "wireFilter": "program=pro?,x"})
    assert pyctl.host.wire_watched == frozenset()
    source = "import _pykdump\nprint(sorted(_pykdump.wire_watched))"
    assert program(pyctl, source) == "['LIFE', 'READ', 'TYPE']\n"
    (pyctl.plugin.cwd / "other.py").write_text(source)
    assert pyctl.plugin.body("epython other") == "[]\n"
    assert pyctl.host.wire_watched == frozenset()
    assert [line for line in lines(pyctl.file) if "other" in line] == []
    assert "program prog starts []" in lines(pyctl.file)


def test_a_program_within_another_is_filtered_by_its_own_name(pyctl):
    registry.set_values({"debugWire": "1", "wireFilter": "program=inner"})
    show = "import _pykdump\nprint(len(_pykdump.wire_watched))\n"
    (pyctl.plugin.cwd / "inner.py").write_text(show)
    assert program(pyctl, show + "import crash\ncrash.exec_epython_command('inner')\n" + show) \
        == "0\n3\n0\n"


# ---- summaries ----------------------------------------------------------------------------------

def test_a_summary_is_in_the_trace_at_the_end_of_a_command(pyctl):
    pyctl("--set debugWire=1")
    pyctl.host.wire_rows = [ROW, ("TYPE", "/lib/x.py:6", 1, 0, 0.5),
                            ("READ", "/lib/x.py:7", 1000, 8000, 0.003)]
    assert "messages" not in program(pyctl)
    assert lines(pyctl.file)[-7:] == [
        "  kind       messages        bytes         ms",
        "  READ          1,003        8,024       5.00",
        "  TYPE              1            0     500.00",
        "  by the line that asks",
        "  TYPE              1            0     500.00  /lib/x.py:6",
        "  READ          1,000        8,000       3.00  /lib/x.py:7",
        "  READ              3           24       2.00  /lib/x.py:5"]
    assert lines(pyctl.file)[-8] == "messages of prog"


def test_a_summary_can_be_printed_without_a_trace(pyctl):
    pyctl("--set wireSummary=2")
    assert pyctl.host.wire_watched == {"READ", "TYPE", "LIFE"} and pyctl.host.wire_fd == -1
    pyctl.host.wire_rows = [ROW]
    assert program(pyctl).startswith("messages of prog\n") and not pyctl.file.exists()
    assert program(pyctl) == ""


def test_a_summary_can_be_left_out(pyctl):
    pyctl("--set wireSummary=0 debugWire=1")
    pyctl.host.wire_rows = [ROW]
    assert program(pyctl) == "" and "messages of" not in pyctl.file.read_text()


def test_a_long_summary_is_cut(pyctl):
    pyctl("--set wireSummary=2")
    pyctl.host.wire_rows = [("READ", f"x.py:{n}", 1, 1, n / 1000) for n in range(50)]
    text = program(pyctl).splitlines()
    assert len(text) == 2 + 1 + 1 + 20 + 1 and text[-1] == "  and 30 lines more"


# ---- what goes wrong later ----------------------------------------------------------------------

def test_a_trace_that_cannot_be_written_any_more_is_told_once(pyctl):
    pyctl("--set debugWire=1")
    pyctl.host.wire_failed = errno.ENOSPC
    assert program(pyctl, "print('x')") == (
        f"x\nmpykdump: the trace has ended: {pyctl.file}: No space left on device\n")
    assert registry.value("debugWire") == 0 and pyctl.host.wire_watched == frozenset()
    assert program(pyctl, "print('x')") == "x\n"


def test_a_descriptor_that_a_program_has_closed_is_not_used_again(pyctl, tmp_path):
    pyctl("--set debugWire=1")
    os.close(wire._File.fd)
    precious = os.open(tmp_path / "precious", os.O_WRONLY | os.O_CREAT)
    assert precious == wire._File.fd
    assert f"to {pyctl.file}.1\n" in pyctl("--set debugWire=1")
    os.close(precious)


# ---- the environment ----------------------------------------------------------------------------

@pytest.fixture
def started(plugin, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(wire._File, "fd", -1)
    monkeypatch.setattr(wire, "_stderr", -1)

    def start(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        plugin.start()
        return capfd.readouterr().out
    yield start
    registry.reset(["wireFilter", "wireSummary", "debugWire"])


def test_the_environment_switches_it_on(started, tmp_path):
    file = tmp_path / f"pykdump-debug-{os.getpid()}"
    assert started(PYKDUMP_DEBUG="1") == f"mpykdump: messages are traced to {file}\n"
    version = re.escape(sys.version.partition(" ")[0])
    assert re.fullmatch(rf"\[\d+\] mpykdump mpykdump test build is loaded, Python {version}, "
                        r"dump /dumps/vmcore\n", file.read_text())


def test_the_environment_has_a_filter(started, host):
    started(PYKDUMP_DEBUG="1", PYKDUMP_DEBUG_FILTER="kind=type")
    assert host.wire_watched == {"TYPE"}


@pytest.mark.parametrize("variables, said", [
    ({"PYKDUMP_DEBUG": "x"}, "PYKDUMP_DEBUG: debugWire: 'x' is not a whole number"),
    ({"PYKDUMP_DEBUG": "7"}, "PYKDUMP_DEBUG: debugWire: 7 is refused: 0 is off, 1 a file, 2 "
                             "stderr"),
    ({"PYKDUMP_DEBUG": "1", "PYKDUMP_DEBUG_FILTER": "kind=x"},
     "PYKDUMP_DEBUG_FILTER: wireFilter: 'kind=x' is refused: there is no kind of message x; "),
    ({"PYKDUMP_DEBUG": "1", "TMPDIR": "/nowhere"}, "PYKDUMP_DEBUG: debugWire: 1 is refused: ")])
def test_a_bad_environment_is_one_line_and_nothing_is_traced(started, host, variables, said):
    text = started(**variables)
    assert text.startswith(f"mpykdump: {said}") and text.endswith(" (nothing is traced)\n")
    assert text.count("\n") == 1 and host.wire_watched == frozenset()


def test_a_person_is_stronger_than_the_environment(started, plugin, host):
    started(PYKDUMP_DEBUG="1")
    registry.set_values({"debugWire": "0"})
    started()
    assert host.wire_watched == frozenset()
