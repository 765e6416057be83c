"""The log in crash: levels from pyctl, into whatever the running command writes to."""

import re
import socket

import pytest

from tests.dump.harness import untimed

SPEAK = """import logging
log = logging.getLogger(__name__)
log.debug("low")
log.warning("high")
"""


@pytest.fixture(scope="module")
def log_crash(starting):
    """A session of these tests' own: what logging was told stays for the session."""
    session = starting(PYKDUMP_LOG="early=DEBUG")
    yield session
    session.close()


@pytest.fixture
def speaking(log_crash, tmp_path):
    log_crash.mark()
    log_crash.cd(tmp_path)
    log_crash.program(SPEAK)
    yield log_crash
    pyctl(log_crash, "--clear")


def pyctl(crash, arguments):
    return untimed(crash.run(f"epython pyctl {arguments}"))


def test_levels_of_the_environment_are_there_from_the_start(log_crash):
    assert "<log.early=DEBUG>   in logging" in pyctl(log_crash, "--ls")


def test_a_bad_level_in_the_environment_is_one_line_and_the_session_starts(fresh_crash, plugin):
    crash = fresh_crash(load=False, PYKDUMP_LOG="mine=LOUD")
    text = crash.run(f"extend {plugin}")
    assert "mpykdump: PYKDUMP_LOG is ignored: log.mine: 'LOUD' is not a level: NOTSET," in text
    assert crash.epython(SPEAK) == "high\n"


def test_the_log_goes_where_the_running_command_writes_to(speaking):
    assert untimed(speaking.run("epython prog")) == "high\n"
    pyctl(speaking, "--set log.__main__=DEBUG")
    both = "DEBUG __main__: low\nWARNING __main__: high\n"
    assert untimed(speaking.run("epython prog")) == both
    speaking.run("epython prog > written")
    assert both in (speaking.cwd / "written").read_text()
    assert untimed(speaking.run("epython prog | cat")) == both
    assert untimed(speaking.run("epython prog")) == both
    assert (speaking.cwd / "written").read_text().count("low") == 1


def test_a_reader_that_leaves_early_sees_no_trouble(speaking):
    speaking.program("import logging\nlog = logging.getLogger(__name__)\n"
                     "for i in range(100000):\n    log.info('line %d', i)")
    pyctl(speaking, "--set log.__main__=INFO")
    assert speaking.run("epython prog | head -2") == \
        "INFO __main__: line 0\nINFO __main__: line 1\n"
    assert speaking.epython("print('on')") == "on\n"


def test_modules_of_a_program_are_heard_and_reload_keeps_the_level(speaking):
    speaking.program("import logging\nlog = logging.getLogger(__name__)\n"
                     "def work():\n    log.info('works')\n", "worker.py")
    speaking.program("import worker\nworker.work()")
    assert untimed(speaking.run("epython prog")) == ""
    pyctl(speaking, "--set log.worker=INFO")
    assert untimed(speaking.run("epython prog")) == "INFO worker: works\n"
    assert untimed(speaking.run("epython prog --reload")) == "INFO worker: works\n"


def test_the_framework_and_kernel_knowledge_tell_what_they_do(speaking):
    pyctl(speaking, "--set log.pykdump.session=INFO log.LinuxDump=INFO")
    text = speaking.run("taskinfo --summ --reload")
    assert re.search(r"INFO pykdump.session: .*/progs/taskinfo.py starts, arguments \['--summ'\]\n",
                     text)
    assert re.search(r"INFO LinuxDump.Tasks: a table of \d+ processes is made\n", text)
    assert re.search(r"taskinfo.py has ended, status 0\n", text)
    pyctl(speaking, "--clear")
    pyctl(speaking, "--set log.pykdump.reload=INFO")
    assert "INFO pykdump.reload: LinuxDump.Tasks is loaded again from " in \
        speaking.run("taskinfo --summ --reload")


def test_the_log_goes_to_a_file_and_to_syslog(speaking):
    pyctl(speaking, "--set log.__main__=DEBUG logTo=file:the.log")
    assert untimed(speaking.run("epython prog")) == ""
    assert re.fullmatch(r"(\S+ \S+ \[\d+\] (DEBUG __main__: low|WARNING __main__: high)\n){2}",
                        (speaking.cwd / "the.log").read_text())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(speaking.cwd / "log"))
        daemon.settimeout(10)
        pyctl(speaking, f"--set logTo=syslog:{speaking.cwd}/log")
        speaking.run("epython prog")
        assert daemon.recv(1000).startswith(f"<15>mpykdump[{speaking.pid}]: DEBUG".encode())


@pytest.mark.parametrize("setting", [
    "log.x=LOUD", "log.=DEBUG", "log.a..b=INFO", "logTo=elsewhere", "logTo=file:/nothere/x",
    "logTo=file:/proc/version", "logTo=syslog:/nothere/log"])
def test_a_bad_setting_is_one_line_and_the_log_goes_on_as_before(speaking, setting):
    pyctl(speaking, "--set log.__main__=DEBUG")
    text = pyctl(speaking, f"--set {setting}")
    assert text.startswith("pyctl: ") and text.endswith("\n -- sys.exit(2) --\n")
    assert text.count("\n") == 2
    assert untimed(speaking.run("epython prog")) == \
        "DEBUG __main__: low\nWARNING __main__: high\n"


def test_extend_does_not_import_logging(fresh_crash):
    assert fresh_crash().epython("import sys\nprint('logging' in sys.modules)") == "False\n"
