"""The kernel's log, against what crash prints of it."""

import json
import re

HEAD = "import json\nfrom LinuxDump.printk import *\n"


def text_of(log):
    """All but the one line which is no text, where crash prints a dot for each byte."""
    return re.sub(r"lab: .*\[31mred.*\n", "lab: red\n", log)


def test_the_log_is_the_one_that_crash_prints(crash):
    ours = crash.epython(HEAD + "print(*log_lines(kernel_log().records), sep='\\n')\n")
    assert text_of(ours) == text_of(crash.run("log")) and "end Kernel panic" in ours


def test_levels_are_those_that_crash_prints(crash):
    ours = crash.epython(HEAD + "for r in kernel_log().records:\n"
                         "    for line in log_lines([r]):\n"
                         "        print(line[:15] + f'<{r.level}>' * (line[0] != ' ') + line[15:])")
    theirs = text_of(crash.run("log -m"))
    assert [line for line in text_of(ours).splitlines() if line[0] == "["] \
        == [line for line in theirs.splitlines() if line[0] == "["]


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


def test_the_log_is_the_one_that_the_guest_has_printed(crash, dump):
    """But for the panic, which came later; dmesg has a stamp before each line."""
    ours = json.loads(crash.epython(HEAD + """\
print(json.dumps([f"<{r.facility << 3 | r.level}>{r.stamp} {line}"
                  for r in kernel_log().records for line in r.text.split(chr(10))]))"""))
    theirs = dump.oracle["text"]["dmesg"].splitlines()
    assert len(theirs) > 300 and ours[:len(theirs)] == theirs
