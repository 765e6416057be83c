"""tslog on the logs of guests that have told in them what time it was."""

import json
import re
from datetime import datetime, timezone

import pytest

from tests.dump.harness import untimed

TOLD = re.compile(r"lab: it is (\d+)$")


def body(text):
    """The lines of a log, without the notes behind it."""
    return untimed(text).partition("\n ~~~")[0].partition("\n~~~")[0].splitlines()


def without_red(lines):
    """crash has other signs for what is no text."""
    return [line for line in lines if "[31mred" not in line]


def tslog(crash, arguments=""):
    lines = body(crash.run(f"tslog {arguments}".rstrip()))
    return [line for line in lines if line]


@pytest.mark.parametrize("session, told", [("crash", 2), ("locks_crash", 3)])
def test_messages_have_the_time_that_the_guest_had_then(request, session, told):
    """A second is what the guest told; one of them has slept, and its clock drifts."""
    lines = tslog(request.getfixturevalue(session), '--utc --subseconds --grep "lab: it is"')
    assert len(lines) == told
    for line in lines:
        time = datetime.strptime(line[:26], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=timezone.utc)
        assert -0.1 < time.timestamp() - int(TOLD.search(line).group(1)) < 2


def test_every_message_is_there_with_its_time(crash):
    ours = crash.run("tslog --utc")
    theirs = [line[15:] for line in without_red(crash.run("log").splitlines())]
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d | {20}", line) for line in body(ours))
    assert [line[20:] for line in without_red(body(ours))] == theirs


def test_raw_is_what_crash_prints(crash):
    assert without_red(untimed(crash.run("tslog --raw")).splitlines()) \
        == without_red(crash.run("log").splitlines())


def test_the_rest_of_a_message_of_several_lines_is_indented(crash):
    lines = tslog(crash, '--grep "lab: two"')
    assert lines[0].endswith(" lab: two") and lines[1:] == [" " * 20 + "lines"]


def test_what_a_terminal_would_obey_is_shown(crash):
    lines = tslog(crash, '--raw --grep "lab: .*red"')
    assert lines[0].endswith("lab: \\x1b[31mred and \xe9")


def test_times_are_of_the_zone_that_is_wanted(crash):
    utc, = tslog(crash, '--utc --grep "^Linux version"')
    east, = tslog(crash, '--tz=+05:30 --grep "^Linux version"')
    named, = tslog(crash, '--tz=Asia/Kolkata --grep "^Linux version"')
    assert east == named
    apart = datetime.fromisoformat(east[:19]) - datetime.fromisoformat(utc[:19])
    assert apart.total_seconds() == 5.5 * 3600


def test_times_are_those_of_the_reader(crash):
    there, = tslog(crash, '--tz=-05:00 --grep "^Linux version"')
    here = crash.epython(
        "import crash, os, time\n"
        "kept = os.environ.get('TZ')\n"
        "os.environ['TZ'] = 'EST5'\ntime.tzset()\n"
        "try:\n"
        "    crash.exec_epython_command('tslog', '--grep', '^Linux version')\n"
        f"    crash.exec_epython_command('tslog', '--until', '{there[:19]}.999999')\n"
        "finally:\n"
        "    os.environ.update({'TZ': kept} if kept else {})\n"
        "    if not kept:\n        del os.environ['TZ']\n"
        "    time.tzset()\n").splitlines()
    assert here[:2] == [there, there]


def test_a_range_of_time_can_be_told_in_several_ways(crash):
    panic = tslog(crash, '--utc --subseconds --grep "^Kernel panic"')[0]
    wanted = tslog(crash, "--utc --since=-0.5")
    assert "Kernel panic" in "\n".join(wanted) and "Linux version" not in "\n".join(wanted)
    date, time = panic.split()[:2]
    for since in (f'"{date} {time}"', time, f"{date}T{time}"):
        assert tslog(crash, f"--utc --subseconds --since {since}")[0] == panic
    stamp = re.match(r"\[ *(\d+\.\d+)\]", tslog(crash, '--raw --grep "^Kernel panic"')[0]).group(1)
    assert "Kernel panic" in tslog(crash, f"--since={stamp}")[0]
    assert "Kernel panic" in tslog(crash, f"--until={stamp}")[-1]


def test_levels_are_chosen_by_name_and_number(crash):
    emergencies = tslog(crash, "--level=emerg --raw")
    assert emergencies == tslog(crash, "--level=0 --raw")
    assert any("Kernel panic" in line for line in emergencies)
    urgent, exactly = tslog(crash, "--level=err --raw"), tslog(crash, "--level=err,crit --raw")
    assert set(emergencies) <= set(urgent) and not set(emergencies) & set(exactly)


def test_relative_times_end_at_the_last_message(crash):
    lines = tslog(crash, "--relative")
    assert lines[-1].startswith("     0.000000 ---[ end Kernel panic")
    first = re.match(r" *-(\d+\.\d{6}) Linux version", lines[0])
    last = float(tslog(crash, "--raw")[-1][1:13])
    assert abs(float(first.group(1)) - last) < 1e-5


def test_who_printed_a_message(crash):
    line, = tslog(crash, '--caller --grep "sysrq: Trigger a crash"')
    assert line[20:] == "    T1 sysrq: Trigger a crash"


def test_drift_and_sleep_are_told(locks_crash):
    text = locks_crash.run("tslog --level=emerg")
    assert re.search(r"    the log's clock was \d+\.\d{3} s (behind|ahead) after \d+ s "
                     r"\([+-]\d+ ppm\), which is compensated\n", text)
    slept = re.search(r"    at \d+\.\d{6} the machine slept (\d+\.\d{3}) s \(deep\)\n", text)
    assert 1 < float(slept.group(1)) < 6


def test_json_has_all_of_it(locks_crash):
    told = json.loads(untimed(locks_crash.run("tslog --json --utc")))
    records = {record["text"]: record for record in told["records"]}
    trigger = records["sysrq: Trigger a crash"]
    assert (trigger["level"], trigger["facility"], trigger["caller"]) == (6, 0, "T1")
    assert datetime.fromisoformat(trigger["time"]).utcoffset().total_seconds() == 0
    assert (told["overwritten"], told["missing"], told["problems"]) == (0, 0, [])
    suspend, = told["clock"]["suspends"]
    assert suspend["slept_ns"] == told["clock"]["slept_ns"] > 10**9
    jump = next(jump for jump in told["jumps"] if jump["kind"] == "suspend")
    texts = {record["seq"]: record["text"] for record in told["records"]}
    assert texts[jump["before"]] == "PM: suspend entry (deep)"
    assert texts[jump["after"]] == "PM: suspend exit"


def test_messages_of_user_space_are_of_their_facility(crash):
    told = json.loads(untimed(crash.run('tslog --json --grep "from a daemon"')))
    assert [(record["facility"], record["level"]) for record in told["records"]] == [(3, 6)]


@pytest.mark.parametrize("arguments, text", [
    ("--tz=Mars/Olympus", "option --tz: no time zone 'Mars/Olympus'"),
    ("--tz=../../etc/passwd", "option --tz: no time zone '../../etc/passwd'"),
    ("--tz=+99:00", "option --tz: no time zone '+99:00'"),
    ("--level=loud", "option --level: no level 'loud'"),
    ("--level=err,", "option --level: no level ''"),
    ("--grep=[", "option --grep: '[' is no regular expression"),
    ("--since=yesterday", "--since: 'yesterday' is no time"),
    ("--until=99999999999999999999d", "--until: '99999999999999999999d' is no time"),
    ("--until=9999-99-99", "--until: '9999-99-99' is no time"),
    ("--relative --raw", "--relative and --raw are different times"),
    ("--nonsense", "no such option: --nonsense")])
def test_what_makes_no_sense_is_one_line(crash, arguments, text):
    printed = untimed(crash.run(f"tslog {arguments}"))
    assert text in printed and "Traceback" not in printed


@pytest.mark.parametrize("time", ["-999999999999d", "999999999999", "0001-01-01", "9999-12-31"])
def test_times_far_away_are_times(crash, time):
    assert "Traceback" not in crash.run(f"tslog --raw --level=emerg --since={time}")


@pytest.mark.parametrize("records, text", [
    ("[]", "The log is empty\n"),
    ("[record._replace(ts_nsec=0) for record in log.records]", "No timestamps\n")])
def test_a_log_without_messages_and_one_without_times(crash, records, text):
    assert crash.epython(
        "from LinuxDump import printk\n"
        "import crash\n"
        "log = printk.kernel_log()\n"
        f"printk.kernel_log, kept = lambda: log._replace(records={records}), printk.kernel_log\n"
        "try:\n    crash.exec_epython_command('tslog', '--relative')\n"
        "finally:\n    printk.kernel_log = kept\n").startswith(text)


def test_a_message_that_continues_the_one_before_is_below_it(crash):
    lines = crash.epython(
        "from LinuxDump import printk\n"
        "import crash\n"
        "log = printk.kernel_log()\n"
        "two = [log.records[-2], log.records[-1]._replace(flags=8)]\n"
        "printk.kernel_log, kept = lambda: log._replace(records=two), printk.kernel_log\n"
        "try:\n    crash.exec_epython_command('tslog', '--raw')\n"
        "finally:\n    printk.kernel_log = kept\n").splitlines()
    assert lines[0].partition("] ")[2].startswith("Kernel Offset: ")
    assert lines[1].startswith(" " * 15 + "---[ end Kernel panic")


def test_a_damaged_log_is_told_behind_it(crash):
    printed = crash.epython(
        "from LinuxDump import printk\n"
        "import crash\n"
        "log = printk.kernel_log()._replace(problems=('damaged records: 7',), missing=7)\n"
        "printk.kernel_log, kept = lambda: log, printk.kernel_log\n"
        "try:\n    crash.exec_epython_command('tslog', '--level=emerg')\n"
        "finally:\n    printk.kernel_log = kept\n")
    assert "the log is damaged: damaged records: 7\n" in printed
    assert "7 messages between those that were printed are missing\n" in printed
