"""Which functions on a stack, and which messages of the log, tell of which trouble."""

from types import SimpleNamespace

import pytest

# As kernels print them, of different releases.
MESSAGES = [
    ("oops", "Oops: 0002 [#1] PREEMPT SMP NOPTI", None, ""),
    ("oops", "general protection fault, probably for non-canonical address 0x6b6b6b6b6b6b6b6b: "
             "0000 [#2] SMP", None, ""),
    ("oops", "invalid opcode: 0000 [#1] PREEMPT SMP NOPTI", None, ""),
    ("warning", "WARNING: CPU: 0 PID: 1 at kernel/fork.c:163 free_task+0x4f/0x60", None, ""),
    ("warning", "BUG: scheduling while atomic: swapper/0/1/0x00000002", 1, "swapper/0"),
    ("soft-lockup", "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [my task:4711]", 4711,
     "my task"),
    ("hard-lockup", "watchdog: Watchdog detected hard LOCKUP on cpu 3", None, ""),
    ("hard-lockup", "NMI watchdog: Watchdog detected hard LOCKUP on cpu 3", None, ""),
    ("rcu-stall", "rcu: INFO: rcu_preempt self-detected stall on CPU", None, ""),
    ("rcu-stall", "rcu: INFO: rcu_sched detected expedited stalls on CPUs/tasks: {", None, ""),
    ("hung-task", "INFO: task kworker/u4:2:310 blocked for more than 120 seconds.", 310,
     "kworker/u4:2"),
    ("oom", "Out of memory: Killed process 88 (a (b) c) total-vm:1kB, anon-rss:1kB", 88, "a (b"),
    ("oom", "Memory cgroup out of memory: Killed process 9 (dd) total-vm:1kB", 9, "dd"),
    ("allocation", "dd: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL)", None, ""),
    ("bad-page", "BUG: Bad page state in process dd  pfn:1234", None, ""),
    ("slab", "BUG kmalloc-64 (Tainted: G    B     ): Poison overwritten", None, ""),
    ("machine-check", "mce: [Hardware Error]: CPU 1: Machine Check Exception: 4 Bank 4: be00",
     None, ""),
    ("corrected", "mce: [Hardware Error]: CPU 1: Machine Check: 0 Bank 4: 9c00000000000135",
     None, ""),
    ("io-error", "I/O error, dev sda, sector 2048 op 0x0:(READ) flags 0x0", None, ""),
    ("io-error", "Buffer I/O error on dev dm-0, logical block 1, async page read", None, ""),
    ("filesystem", "EXT4-fs error (device sda1): ext4_lookup:1700: inode #2: comm ls: bad", None,
     ""),
    ("filesystem", "XFS (dm-1): Corruption of in-memory data (0x8) detected", None, ""),
    ("filesystem", "XFS (sda6): Log I/O Error (0x6) detected at xlog_ioend_work+0x52/0x60 [xfs] "
                   "(fs/xfs/xfs_log.c:1377).  Shutting down filesystem.", None, ""),
    ("filesystem", "BTRFS: error (device dm-0: state A) in btrfs_commit_transaction:2434: "
                   "errno=-5 IO failure", None, ""),
    ("clock", "clocksource: timekeeping watchdog on CPU1: Marking clocksource 'tsc' as unstable "
              "because the skew is too large:", None, ""),
]
HARMLESS = [
    "usb 1-1: Manufacturer: Oops", "This is not a bug.", "NET: Registered PF_INET protocol family",
    "	RCU CPU stall warnings timeout set to 21 (rcu_cpu_stall_timeout).",
    "Command line: console=ttyS0 oops=panic", "EXT4-fs (sda1): mounted filesystem",
    "BTRFS info (device dm-0: state EA): forced readonly",
    "XFS (sda6): Please unmount the filesystem and rectify the problem(s)",
    "watchdog: Delayed init of the lockup detector failed: -19",
]


def record(text, seconds=1.0):
    from LinuxDump.printk import Record
    return Record(1, int(seconds * 1e9), 6, 0, 0, 0, text, "", "")


@pytest.mark.parametrize("kind, text, pid, comm", MESSAGES)
def test_messages_tell_of_trouble_and_of_whom(kind, text, pid, comm):
    from LinuxDump.logmarks import marks
    (mark,) = marks([record(f"first line\n{text}" if kind == "oom" else text)])
    assert (mark.kind, mark.line, mark.pid, mark.comm) == (kind, text, pid, comm)


@pytest.mark.parametrize("text", HARMLESS)
def test_other_messages_do_not(text):
    from LinuxDump.logmarks import marks
    assert marks([record(text)]) == []


def test_a_name_that_moves_the_cursor_is_shown_as_it_is_written():
    from LinuxDump.logmarks import marks
    (mark,) = marks([record("INFO: task \x1b[2J:7 blocked for more than 120 seconds.")])
    assert mark.comm == "\\x1b[2J" and "\x1b" not in mark.line


def test_the_log_ends_where_the_kernel_died():
    from LinuxDump.logmarks import before_panic
    log = [record("one"), record("Kernel panic - not syncing: Fatal exception"), record("two")]
    assert before_panic(log) == log[:1] and before_panic(log[:1]) == log[:1]


STACKS = [
    (["delay_tsc", "panic", "sysrq_handle_crash", "__handle_sysrq"], "sysrq"),
    (["panic", "oops_end", "page_fault_oops", "exc_page_fault", "asm_exc_page_fault"], "oops"),
    (["panic", "nmi_panic", "watchdog_overflow_callback", "exc_nmi"], "hard-lockup"),
    (["panic", "nmi_panic", "unknown_nmi_error", "exc_nmi"], "nmi"),
    (["panic", "oops_end", "handle_stack_overflow", "exc_double_fault"], "stack-overflow"),
    (["panic", "check_panic_on_warn", "__warn", "report_bug", "handle_bug"], "warning"),
    (["panic", "check_panic_on_warn", "__schedule_bug", "__schedule"], "scheduling-while-atomic"),
    (["panic", "out_of_memory", "mem_cgroup_out_of_memory", "try_charge_memcg"], "cgroup-oom"),
    (["panic", "out_of_memory", "__alloc_pages_slowpath"], "oom"),
    (["machine_kexec", "__crash_kexec", "crash_kexec", "oops_end", "no_context"], "oops"),
    (["panic", "driver_gives_up"], None),
]


@pytest.mark.parametrize("functions, cause", STACKS)
def test_functions_tell_the_cause(functions, cause):
    from LinuxDump.panicfunctions import cause_of
    assert cause_of(functions) == cause


@pytest.mark.parametrize("names, exception", [
    (["exc_page_fault", "asm_exc_page_fault"], "page_fault"),
    (["do_general_protection", "general_protection"], "general_protection"),
    (["do_page_fault", "async_page_fault"], "page_fault"), (["panic"], None)])
def test_exceptions_are_told_by_their_entries(names, exception):
    from LinuxDump.panicfunctions import exception_of
    assert exception_of(names) == exception


@pytest.mark.parametrize("names, interrupt", [
    (["lab_expired", "call_timer_fn", "__do_softirq", "asm_sysvec_apic_timer_interrupt"],
     "softirq"), (["handler", "__handle_irq_event_percpu", "asm_common_interrupt",
                   "handle_softirqs"], "interrupt"),
    (["lab_expired", "handle_softirqs", "run_ksoftirqd", "kthread"], ""),
    (["lab_null", "vfs_write", "do_syscall_64"], "")])
def test_what_came_on_top_of_a_task_is_told_by_its_entry(names, interrupt):
    from LinuxDump.panicfunctions import interrupt_of
    assert interrupt_of(names) == interrupt


def test_a_message_that_only_announces_another_one_does_not_count():
    from LinuxDump.logmarks import marks
    announced = record("mce: [Hardware Error]: Machine check events logged")
    event = record("mce: [Hardware Error]: CPU 1: Machine Check: 0 Bank 4: 9c00000000000135", 1.2)
    assert [mark.kind for mark in marks([announced, event])] == ["corrected"]
    assert [mark.kind for mark in marks([announced, event._replace(ts_nsec=9_000_000_000)])] \
        == ["machine-check", "corrected"]


def test_compilers_suffixes_and_helpers_are_not_to_blame():
    from LinuxDump.panicfunctions import bare, tells_of_others
    assert bare("oops_end.cold") == "oops_end" and bare("f.isra.0.part.2") == "f"
    assert all(map(tells_of_others, ("panic", "kfree", "_raw_spin_lock_irqsave", "memcpy",
                                     "__list_del_entry_valid")))
    assert not any(map(tells_of_others, ("vfs_write", "lab_null", "ext4_iget")))


REGISTERS = SimpleNamespace(ip=0xffffffff81000000, ax=0x10, bx=0x1000, cx=3, dx=(1 << 64) - 8,
                            r8=0x5000, sp=0x7000)


@pytest.mark.parametrize("text, address, access", [
    ("mov    0x18(%rax),%eax", 0x28, "read"), ("movq   $0x1,(%rbx)", 0x1000, "write"),
    ("mov    %rcx,-0x8(%rbx,%rcx,8)", 0x1010, "write"), ("cmpl   $0x0,0x8(%rbx)", 0x1008, "read"),
    ("lock cmpxchg %edx,(%r8)", 0x5000, "write"), ("call   *0x8(%rbx)", 0x1008, "read"),
    ("mov    0x10(%rdx),%rax", 8, "read"), ("mov    %eax,(,%rcx,4)", 12, "write"),
    ("mov    0x2404(%rip),%rax        # 0xffffffffc05c5410 <x>", 0xffffffffc05c5410, "read"),
    ("ud2", None, ""), ("mov    %gs:0x10(%rbx),%eax", None, ""), ("mov    (%st(1)),%eax", None, ""),
])
def test_addresses_are_computed_from_instructions(text, address, access, monkeypatch):
    from LinuxDump import faults
    monkeypatch.setattr(faults, "_disassembled", lambda ip: text)
    monkeypatch.setattr(faults, "readable", lambda address: False)
    assert faults.fault_of(REGISTERS) == (text, address, access)


def test_code_that_is_not_there_was_jumped_to(monkeypatch):
    from LinuxDump import faults
    monkeypatch.setattr(faults, "_disassembled", lambda ip: "")
    assert faults.fault_of(REGISTERS) == ("", REGISTERS.ip, "jump")


def test_what_comes_of_null_is_near_it_on_either_side(monkeypatch):
    from LinuxDump import faults
    from LinuxDump.faults import is_canonical, is_null
    monkeypatch.setattr(faults, "PAGESIZE", 4096)
    assert is_null(0) and is_null(0x18) and is_null((1 << 64) - 8) and not is_null(0x1000)
    assert is_canonical(0x7fff_ffff_ffff) and is_canonical(0xffff_8000_0000_0000)
    assert not is_canonical(0x6b6b6b6b6b6b6b6b)


OOPS = """\
BUG: kernel NULL pointer dereference, address: 0000000000000018
Oops: 0000 [#1] PREEMPT SMP NOPTI
CPU: 1 PID: 92 Comm: two words Tainted: G           OE      6.1.0-56-cloud-amd64 #1
RIP: 0010:lab_null+0xc/0x20 [lab_panic]
RIP: 0033:0x47b7a0"""


def test_the_log_alone_tells_cause_function_and_task():
    from LinuxDump.paniclog import report_of
    report = report_of([record(line) for line in OOPS.split("\n")], "Fatal exception")
    assert report[0] == "null-dereference" and report[2:] == (1, 92, "two words")
    assert report.frame[:3] == ("lab_null", 12, "lab_panic")


@pytest.mark.parametrize("message, cause", [
    ("sysrq triggered crash", "sysrq"), ("softlockup: hung tasks", "soft-lockup"),
    ("hung_task: blocked tasks", "hung-task"), ("Hard LOCKUP", "hard-lockup"),
    ("System is deadlocked on memory", "oom"), ("Fatal machine check", "machine-check"),
    ("Attempted to kill init! exitcode=0x00000700", "init-died"),
    ("VFS: Unable to mount root fs on unknown-block(0,0)", "no-root"),
    ("scheduling while atomic: panic_on_warn set ...", "scheduling-while-atomic"),
    ("Fatal exception in interrupt", "exception")])
def test_what_panic_printed_tells_the_cause(message, cause):
    from LinuxDump.paniclog import report_of
    assert report_of([], message).cause == cause


def test_words_that_nobody_knows_are_no_cause():
    from LinuxDump.paniclog import report_of
    assert report_of([record("Oops: 0000 [#1]")], "the driver gave up") is None
