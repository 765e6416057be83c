"""The time of day of messages in the log, and jumps of its clock."""

import pytest

NS = 1_000_000_000
BOOTED = 1_700_000_000 * NS


@pytest.fixture
def logclock(library):
    return library("LinuxDump.logclock")


@pytest.fixture
def log(library):
    """A function that makes records of (seconds, text)."""
    record = library("LinuxDump.printk").Record

    def make(*messages):
        return [record(seq, round(seconds * NS), 6, 0, 2, 1, text, "", "")
                for seq, (seconds, text) in enumerate(messages)]
    return make


@pytest.fixture
def clock_of(logclock, monkeypatch):
    """A function: the clock of records at a moment, after some seconds of sleep."""
    def make(records, monotonic=1000.0, log_now=1000.0, slept=0.0):
        now = logclock.Clocks(round(monotonic * NS), BOOTED + round((monotonic + slept) * NS),
                              round(slept * NS))
        monkeypatch.setattr(logclock, "clocks", lambda: now)
        monkeypatch.setattr(logclock, "_log_now",
                            lambda _: None if log_now is None else round(log_now * NS))
        return logclock.log_clock(records)
    return make


def since_boot(clock, record):
    return (clock.realtime(record.ts_nsec) - BOOTED) / NS


SUSPEND = ((100, "PM: suspend entry (deep)"), (101, "ACPI: PM: Low-level resume complete"),
           (102, "PM: suspend exit"))


def test_a_clock_that_keeps_time_needs_no_correction(clock_of, log):
    records = log((1, "a"), (999, "b"))
    clock = clock_of(records)
    assert [since_boot(clock, record) for record in records] == [1, 999]
    assert (clock.drift_ns, clock.drift_ppm, clock.suspends, clock.uncertain) == (0, 0, (), None)


def test_drift_is_compensated_little_by_little(clock_of, log):
    records = log((0, "a"), (500, "b"), (1000, "c"))
    clock = clock_of(records, monotonic=1000.2)
    assert [since_boot(clock, record) for record in records] == [0, 500.1, 1000.2]
    assert (clock.drift_ns, round(clock.drift_ppm)) == (200_000_000, 200)


def test_a_drift_that_cannot_be_told_is_none(clock_of, log):
    clock = clock_of(log((5, "a")), log_now=None)
    assert (since_boot(clock, log((5, "a"))[0]), clock.drift_ns) == (5, 0)


def test_a_suspend_is_between_what_was_before_and_after(clock_of, log):
    records = log((99, "before"), *SUSPEND, (103, "after"))
    clock = clock_of(records, slept=3600)
    assert [since_boot(clock, record) for record in records] == [99, 100, 3701, 3702, 3703]
    assert [(suspend.kind, suspend.slept_ns) for suspend in clock.suspends] == [("deep", 3600 * NS)]


def test_the_length_that_the_kernel_tells_is_taken(clock_of, log):
    records = log((10, "PM: suspend entry (s2idle)"),
                  (11, "Timekeeping suspended for 60.250 seconds"), (12, "PM: suspend exit"),
                  *SUSPEND, (200, "after"))
    clock = clock_of(records, slept=100.25)
    assert [suspend.slept_ns / NS for suspend in clock.suspends] == [60.25, 40]
    assert (since_boot(clock, records[0]), since_boot(clock, records[-1])) == (10, 300.25)


def test_lengths_that_nobody_tells_make_what_is_between_uncertain(clock_of, log):
    again = [(seconds + 50, text) for seconds, text in SUSPEND]
    records = log((99, "before"), *SUSPEND, (120, "between"), *again, (200, "after"))
    clock = clock_of(records, slept=1000)
    assert clock.uncertain == (101 * NS, 151 * NS, 1000 * NS)
    assert since_boot(clock, records[-1]) == 1200


def test_a_suspend_that_was_given_up_is_none(clock_of, log):
    records = log((1, "PM: suspend entry (deep)"), (2, "PM: Some devices failed to suspend"),
                  (3, "PM: suspend exit"))
    assert clock_of(records).suspends == ()


def test_a_suspend_whose_end_is_missing_is_none(clock_of, log):
    assert clock_of(log((1, "PM: suspend entry (deep)"))).suspends == ()
    assert clock_of(log((1, "PM: suspend exit"))).suspends == ()


def test_sleep_that_the_log_does_not_tell_of_is_left_over(clock_of, log):
    assert clock_of(log((1, "a")), slept=7).unplaced_ns == 7 * NS


@pytest.mark.parametrize("text", ["PM: hibernation: hibernation entry", "PM: hibernation entry"])
def test_hibernation_is_a_suspend(clock_of, log, text):
    exit_text = text.replace("entry", "exit")
    clock = clock_of(log((1, text), (2, exit_text)), slept=5)
    assert [(suspend.kind, suspend.slept_ns) for suspend in clock.suspends] \
        == [("hibernation", 5 * NS)]


def test_a_clock_that_was_set_after_boot(clock_of, log):
    text = "rtc_cmos 00:04: setting system clock to 2023-11-14T21:13:20 UTC (%d)"
    assert clock_of(log((1, text % (BOOTED // NS + 1)))).set_ns == 0
    assert clock_of(log((1, text % (BOOTED // NS - 3599)))).set_ns == 3600 * NS
    assert clock_of(log((1, "nothing of it"))).set_ns is None


# -- jumps --------------------------------------------------------------------------------------

def test_a_quiet_log_has_no_jumps(logclock, log):
    assert logclock.time_jumps(log((1, "a"), (2, "b"), (2, "c"))) == []
    assert logclock.time_jumps([]) == []


def test_gaps_and_steps_backwards_are_told_with_their_ends(logclock, log):
    records = log((1, "a"), (100, "b"), (99, "c"), (99.5, "d"))
    assert [(jump.kind, jump.seconds, jump.before.text, jump.after.text, jump.reason)
            for jump in logclock.time_jumps(records)] \
        == [("gap", 99, "a", "b", ""), ("backwards", -1, "b", "c", "")]


def test_how_large_a_jump_must_be_can_be_told(logclock, log):
    records = log((1, "a"), (4, "b"), (3.5, "c"))
    assert [jump.kind for jump in logclock.time_jumps(records, gap=3, back=0.6)] == ["gap"]


@pytest.mark.parametrize("text, reason", [
    ("clocksource: Switched to clocksource hpet", "change of clocks"),
    ("watchdog: BUG: soft lockup - CPU#0 stuck for 26s!", "stall"),
    ("INFO: task jbd2:77 blocked for more than 120 seconds.", "hung task"),
    ("rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:", "stall"),
    ("something else", "")])
def test_what_follows_a_gap_may_tell_its_reason(logclock, log, text, reason):
    jump, = logclock.time_jumps(log((1, "a"), (200, "b"), (201, text)))
    assert jump.reason == reason


def test_suspends_are_jumps_in_the_order_of_the_log(logclock, clock_of, log):
    records = log((1, "a"), (80, "b"), *SUSPEND, (300, "c"))
    clock = clock_of(records, slept=3600)
    assert [(jump.kind, jump.seconds, jump.reason)
            for jump in logclock.time_jumps(records, clock=clock)] \
        == [("gap", 79, ""), ("suspend", 3600, "deep"), ("gap", 198, "")]
