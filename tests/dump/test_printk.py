"""The kernel's log, against what crash prints of it."""

import json

HEAD = "import json\nfrom LinuxDump.printk import *\n"


def test_the_log_is_the_one_that_crash_prints(crash):
    ours = crash.epython(HEAD + "print(*log_lines(kernel_log().records), sep='\\n')\n")
    assert ours == crash.run("log") and "end Kernel panic" in ours


def test_levels_are_those_that_crash_prints(crash):
    ours = crash.epython(HEAD + "for r in kernel_log().records:\n"
                         "    for line in log_lines([r]):\n"
                         "        print(line[:15] + f'<{r.level}>' * (line[0] != ' ') + line[15:])")
    theirs = [line for line in crash.run("log -m").splitlines() if line[0] == "["]
    assert [line for line in ours.splitlines() if line[0] == "["] == theirs


def test_the_log_of_a_guest_is_whole_and_begins_with_the_boot(crash, dump):
    told = json.loads(crash.epython(HEAD + "log = kernel_log()\n"
                                    "print(json.dumps([log.records[0].text, log[1:]]))"))
    assert told[0].startswith(f"Linux version {dump.release} ")
    assert told[1] == [0, 0, 0, []]


def test_messages_of_devices_name_them(crash):
    known = json.loads(crash.epython(HEAD + "print(json.dumps([(r.text, r.subsystem, r.device)"
                                     " for r in kernel_log().records if r.subsystem == 'pci']))"))
    assert known and all(text.startswith("pci " + device.removeprefix("+pci:"))
                         for text, _subsystem, device in known)


def test_the_panic_was_printed_by_the_thread_that_caused_it(crash):
    caller = crash.epython(HEAD + "print([r.caller for r in kernel_log().records"
                           " if 'sysrq triggered crash' in r.text][0])")
    assert caller == "T1\n"
