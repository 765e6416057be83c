"""Levels of loggers and where the log goes, as pyctl sets them."""

import logging
import os
import re
import socket
import stat
import subprocess
import sys

import pytest

from tests.unit.conftest import ROOT


@pytest.fixture
def run(plugin):
    """Run a program text, or pyctl with arguments; what it printed."""
    root_level, handlers = logging.root.level, list(logging.root.handlers)
    logging.root.setLevel(logging.WARNING)
    plugin.start()

    def run(source):
        # Those of pytest are on the root logger while a test runs, as if the program had set them.
        logging.root.handlers[:] = [handler for handler in logging.root.handlers
                                    if not type(handler).__module__.startswith("_pytest")]
        (plugin.cwd / "prog.py").write_text(source)
        return plugin.body("epython prog")

    def pyctl(arguments):
        text = plugin.body(f"epython pyctl {arguments}")
        pyctl.status = plugin.status
        return text
    run.pyctl, run.plugin = pyctl, plugin
    yield run
    pyctl("--clear")
    logging.root.handlers[:] = handlers
    logging.root.setLevel(root_level)
    for name in ("mine", "mine.part", "other"):
        logging.getLogger(name).setLevel(logging.NOTSET)
        logging.getLogger(name).handlers.clear()


SPEAK = """import logging
log = logging.getLogger("mine")
log.debug("d %s", 1)
log.info("i")
log.warning("w")
"""


def test_nothing_is_configured_unless_it_is_asked_for(run):
    assert run(SPEAK) == "w\n"
    assert logging.root.handlers == [] and logging.getLogger("mine").handlers == []


def test_a_level_set_with_pyctl_makes_a_logger_speak(run):
    assert run.pyctl("--set log.mine=DEBUG") == "Set: ['log.mine=DEBUG']\n"
    assert run(SPEAK) == "DEBUG mine: d 1\nINFO mine: i\nWARNING mine: w\n"
    run.pyctl("--set log.mine=error")
    assert run(SPEAK) == ""


def test_loggers_below_are_heard_once(run):
    run.pyctl("--set log.mine=DEBUG log.mine.part=INFO")
    text = "import logging\nlogging.getLogger('mine.part').info('x')\n" \
           "logging.getLogger('mine.part').debug('y')\nlogging.getLogger('mine.more').debug('z')"
    assert run(text) == "INFO mine.part: x\nDEBUG mine.more: z\n"


def test_the_program_itself_and_all_of_it_can_be_asked(run):
    text = "import logging\nlogging.getLogger(__name__).info('m')\nlogging.root.info('r')"
    run.pyctl("--set log.__main__=INFO")
    assert run(text) == "INFO __main__: m\n"
    run.pyctl("--clear")
    run.pyctl("--set log.root=INFO")
    assert run(text) == "INFO __main__: m\nINFO root: r\n"


def test_levels_that_are_set_are_listed_and_cleared(run):
    run.pyctl("--set log.mine=debug log.other=15")
    listing = run.pyctl("--ls")
    assert "     <log.mine=DEBUG>   in logging\n     <log.other=15>   in logging\n" in listing
    assert run.pyctl("--ls log.*").count("\n") == 3
    assert "log.mine        - level of this logger" in run.pyctl("-a")
    run.pyctl("--clear log.mine")
    listing = run.pyctl("--ls")
    assert "log.mine" not in listing and "log.other" in listing
    assert run(SPEAK) == "w\n"
    run.pyctl("--clear")
    assert "log." not in run.pyctl("--ls")


def test_clearing_goes_back_to_the_programs_own_level(run):
    run("import logging\nlogging.getLogger('mine').setLevel(logging.ERROR)")
    run.pyctl("--set log.mine=DEBUG")
    assert "DEBUG mine: d 1" in run(SPEAK)
    run.pyctl("--clear log.mine")
    assert logging.getLogger("mine").level == logging.ERROR and run(SPEAK) == ""


def test_what_is_set_holds_for_each_program_whatever_the_one_before_did(run):
    run.pyctl("--set log.mine=DEBUG")
    run("import logging.config\nlogging.config.dictConfig({'version': 1})\n"
        "logging.getLogger('mine').setLevel('ERROR')\nlogging.getLogger('mine').handlers.clear()")
    assert "DEBUG mine: d 1" in run(SPEAK)


def test_a_level_survives_reload(run):
    (run.plugin.user / "mine.py").write_text(
        "import logging\nlog = logging.getLogger(__name__)\nlog.setLevel(logging.ERROR)\n")
    source = "import mine\nmine.log.debug('x')"
    assert run(source) == ""
    run.pyctl("--set log.mine=DEBUG")
    (run.plugin.cwd / "prog.py").write_text(source)
    for _ in range(2):
        assert run.plugin.body("epython prog --reload") == "DEBUG mine: x\n"


def test_a_program_that_shows_its_log_itself_shows_it_once(run):
    run.pyctl("--set log.mine=DEBUG")
    text = run("import logging\nlogging.basicConfig(format='own %(message)s')\n" + SPEAK)
    assert text == "own d 1\nown i\nown w\n"


def test_a_program_that_logs_to_a_file_of_its_own_is_heard_here_too(run):
    run.pyctl("--set log.mine=INFO")
    text = run("import logging\nlogging.basicConfig(filename='own.log')\n" + SPEAK)
    assert text == "INFO mine: i\nWARNING mine: w\n"
    assert (run.plugin.cwd / "own.log").read_text() == "INFO:mine:i\nWARNING:mine:w\n"


@pytest.mark.parametrize("arguments, line", [
    ("log.mine=LOUD", "log.mine: 'LOUD' is not a level: NOTSET, DEBUG, INFO, WARNING, ERROR, "
                      "CRITICAL, or a number up to 100"),
    ("log.mine=", "log.mine: '' is not a level"),
    ("log.mine=-3", "log.mine: '-3' is not a level"),
    ("log.mine=99999999999999999999", "log.mine: '99999999999999999999' is not a level"),
    ("log.=DEBUG", "'log.': the name of a logger is words with dots between, or root"),
    ("log.a..b=DEBUG", "'log.a..b': the name"), ("log..=DEBUG", "'log..': the name"),
    ("log.a$b=DEBUG", "'log.a$b': the name"), ("log=DEBUG", "'log' is not a registered option"),
    ("logTo=nowhere", "logTo: 'nowhere' is none of terminal, file:PATH, syslog, syslog:PATH, "
                      "syslog:HOST[:PORT]"),
    ("logTo=file:", "logTo: 'file:' is none of terminal"),
    ("logTo=syslog:", "logTo: 'syslog:' is none of terminal"),
    ("logTo=syslog:host:port", "logTo: syslog: 'host:port' is not HOST or HOST:PORT"),
    ("logTo=syslog:host:99999", "logTo: syslog: 'host:99999' is not HOST or HOST:PORT"),
    ("logTo=syslog::514", "logTo: syslog: ':514' is not HOST or HOST:PORT"),
    ("logTo=syslog:/nothere/log", "logTo: 'syslog:/nothere/log' is refused: /nothere/log: "
                                  "No such file or directory"),
    ("logTo=file:/nothere/log", "logTo: 'file:/nothere/log' is refused: /nothere/log: "
                                "No such file or directory"),
    ("logTo=file:/", "logTo: 'file:/' is refused: /: it is not a file that can be written to")])
def test_a_bad_name_level_or_destination_is_one_line_and_changes_nothing(run, arguments, line):
    run.pyctl("--set log.other=INFO")
    text = run.pyctl(f"--set log.other=DEBUG {arguments}")
    assert text.startswith(f"pyctl: {line}") and text.count("\n") == 2, text
    assert run.pyctl.status == 2
    assert "<log.other=INFO>" in run.pyctl("--ls") and "log.mine" not in run.pyctl("--ls")
    assert run("import logging\nlogging.getLogger('other').info('o')") == "INFO other: o\n"


def test_the_log_goes_to_a_file(run):
    run.pyctl("--set log.mine=INFO logTo=file:my.log")
    assert run(SPEAK) == ""
    lines = (run.plugin.cwd / "my.log").read_text().splitlines()
    assert [re.sub(r"^[-\d]{10} [:,\d]{12} ", "", line) for line in lines] == [
        f"[{os.getpid()}] INFO mine: i", f"[{os.getpid()}] WARNING mine: w"]
    assert f"<logTo=file:{run.plugin.cwd}/my.log>" in run.pyctl("--ls")


def test_warnings_of_loggers_that_nobody_asked_for_go_there_too(run):
    run.pyctl("--set logTo=file:my.log")
    assert run(SPEAK) == ""
    assert (run.plugin.cwd / "my.log").read_text().endswith(" WARNING mine: w\n")
    run.pyctl("--set logTo=terminal")
    assert run(SPEAK) == "w\n"


def test_a_destination_that_cannot_be_had_leaves_the_old_one(run):
    run.pyctl("--set log.mine=INFO logTo=file:my.log")
    assert "is refused" in run.pyctl("--set logTo=file:/nothere/my.log")
    assert run(SPEAK) == "" and (run.plugin.cwd / "my.log").read_text().count("\n") == 2
    assert "my.log" in run.pyctl("logTo")


def test_a_pipe_is_no_file(run):
    os.mkfifo(run.plugin.cwd / "pipe")
    assert "it is not a file that can be written to" in run.pyctl("--set logTo=file:pipe")


def test_a_file_that_cannot_be_written_any_more_is_one_line(run):
    if not stat.S_ISCHR(os.stat("/dev/full").st_mode):
        pytest.fail("/dev/full is not what it should be")
    run.pyctl("--set log.mine=INFO logTo=file:/dev/full")
    assert run(SPEAK) == "log: records are lost: No space left on device\n"
    assert run(SPEAK) == ""
    run.pyctl("--clear")
    assert run(SPEAK) == "w\n"


def test_the_log_goes_to_a_syslog(run, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        daemon.settimeout(10)
        run.pyctl(f"--set log.mine=INFO logTo=syslog:{tmp_path}/log")
        assert run(SPEAK) == ""
        for level, number in (("INFO mine: i", 14), ("WARNING mine: w", 12)):
            text = daemon.recv(1000).decode().rstrip("\0")
            assert text == f"<{number}>mpykdump[{os.getpid()}]: {level}"


def test_a_machine_without_a_syslog_is_told(run, monkeypatch, tmp_path):
    run.pyctl("--set logTo=terminal")
    from pykdump import logsinks
    monkeypatch.setattr(logsinks, "_LOCAL_SYSLOG", str(tmp_path / "nothere"))
    assert run.pyctl("--set log.mine=INFO logTo=syslog").splitlines()[0] == (
        f"pyctl: logTo: 'syslog' is refused: {tmp_path}/nothere: No such file or directory")
    assert "log.mine" not in run.pyctl("--ls") and "<logTo=terminal>" in run.pyctl("--ls logTo")


def test_the_log_goes_to_a_syslog_on_another_machine(run):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(10)
        run.pyctl(f"--set log.mine=INFO logTo=syslog:127.0.0.1:{daemon.getsockname()[1]}")
        run(SPEAK)
        assert b"INFO mine: i" in daemon.recv(1000)


def test_a_mistake_in_a_programs_own_logging_call_is_shown_and_the_program_goes_on(run):
    run.pyctl("--set log.mine=INFO")
    text = run("import logging\nlogging.getLogger('mine').info('%d', 'x')\nprint('on')")
    assert "TypeError" in text and text.endswith("on\n")


def test_the_framework_has_a_logger_for_each_module(run):
    run("")
    run.pyctl("--set log.pykdump=DEBUG")
    text = run("from pykdump.API import *\npurge_typeinfo()")
    assert "INFO pykdump.session: ./prog.py starts, arguments []\n" in text
    assert re.search(r"DEBUG pykdump.memocaches: what is known of \d+ types is forgotten\n", text)
    run.pyctl("--clear")
    run.pyctl("--set log.pykdump.memocaches=DEBUG")
    text = run("from pykdump.API import *\npurge_typeinfo()")
    assert "memocaches" in text and "session" not in text


def test_the_framework_is_quiet_when_only_the_root_logger_is_asked(run):
    run.pyctl("--set log.root=DEBUG")
    assert run("") == ""


def test_a_program_can_ask_the_framework_in_pythons_own_way(run):
    text = run("import logging\nlogging.basicConfig(format='%(name)s %(funcName)s')\n"
               "logging.getLogger('pykdump').setLevel('DEBUG')\n"
               "from pykdump.API import *\npurge_typeinfo()")
    assert "pykdump.memocaches purge_typeinfo" in text
    logging.getLogger("pykdump").setLevel(logging.WARNING)


def test_levels_come_from_the_environment(run, monkeypatch, capfd):
    from pykdump import session
    session._set_loggers("mine=DEBUG, other=INFO")
    listing = run.pyctl("--ls")
    assert "<log.mine=DEBUG>" in listing and "<log.other=INFO>" in listing
    run.pyctl("--clear")
    for bad in ("mine", "mine=DEBUG,other=LOUD", "=DEBUG"):
        session._set_loggers(bad)
        told = capfd.readouterr().err
        assert told.startswith("mpykdump: PYKDUMP_LOG is ignored: ") and told.count("\n") == 1
        assert "log." not in run.pyctl("--ls")


def test_importing_the_framework_does_not_import_logging():
    """In an interpreter of its own: here it was imported long ago."""
    code = ("import sys\nsys.path[:0] = ['pylib', '.']\nimport tests.unit.conftest\n"
            "before = 'logging' in sys.modules\n"
            "for name in [n for n in sys.modules if n.partition('.')[0] == 'logging']:\n"
            "    del sys.modules[name]\n"
            "from pykdump import loggers, reload, session, commands\n"
            "loggers.Log('pykdump').debug('x')\n"
            "print('logging' in sys.modules)")
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True,
                            capture_output=True, check=True)
    assert result.stdout == "False\n"
