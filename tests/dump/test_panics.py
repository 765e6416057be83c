"""What crashinfo says of kernels that died of each cause, against what the guest was told to do."""

import json
import os
import re
import struct
import subprocess

import pytest

from tests.dump.harness import Crash, untimed
from tests.lab import dumps, elf

# guest: the finding's id, the guilty function, and what the sentence tells besides.
DEATHS = {
    "null": ("null-dereference", "lab_null", "reads address 0x18"),
    "call": ("null-dereference", "lab_call", "jumps to address 0x0"),
    "gpf": ("bad-pointer", "lab_gpf", "writes to address 0x6b6b6b6b6b6b6b6b, which is what freed "
                                      "memory is filled with"),
    "pointer": ("bad-pointer", "lab_pointer", "writes to address 0xffffc8dead000000, where a read "
                                              "fails"),
    "bug": ("bug", "lab_bug", "lab_panic.c:"),
    "unlist": ("list-corruption", "lab_unlist", ""),
    "free": ("slab-corruption", "lab_free", "mm/slub.c:"),
    "warn": ("warning", "lab_warn", "lab_panic.c:"),
    "slept": ("scheduling-while-atomic", "lab_slept", "slept where it must not"),
    # its timer came upon a task that has nothing to do with it
    "softirq": ("null-dereference", "lab_null", "reads address 0x18, in a softirq on top of pid="),
    "called": ("called", "lab_called", '"lab: told to (42)"'),
    "smash": ("stack-corruption", "lab_smash", ""),
    "overflow": ("stack-overflow", "lab_recurse", "lab_recurse is on it "),
    "softlockup": ("soft-lockup", "lab_soft", "spinning on lab_lock, which pid="),
    "ipi": ("soft-lockup", "lab_ipi", "CPU 1 has not begun lab_asked"),
    "nmi": ("nmi", "lab_hard", "spinning on lab_lock, with interrupts off, which pid="),
    "hardlockup": ("hard-lockup", "lab_hard", "on CPU 0, spinning on lab_lock, with interrupts "
                                              "off, which pid="),
    "hungtask": ("hung-task", "lab_hung", "for mutex lab_mutex, which pid="),
    "rcu": ("rcu-stall", "lab_stall", ""),
    "stalled": ("rcu-stall", "lab_hard", "spinning on lab_lock, with interrupts off, which pid="),
    "oom": ("oom", None, "the largest is pid="),
    "unkillable": ("oom", None, "the largest is pid="),
    "memcg": ("cgroup-oom", None, "Cgroup /lab has all of the 16 MB of memory"),
    "init": ("init-died", None, "with exit code 7"),
    "noroot": ("no-root", None, "VFS: Unable to mount root fs on unknown-block(0,0)"),
    "serial": ("sysrq", None, "from a serial line"),
    "keyboard": ("sysrq", None, "from the keyboard"),
    "mce": ("machine-check", None, "bank 4 of CPU 1, status 0xbe00000000000135 (uncorrected, "
                                   "context corrupt)"),
}
# of the section: what happened, and in the lines below it why
PHRASES = {"null": ("Dump was triggered by kernel", "NULL pointer dereference"),
           "keyboard": ("Dump was triggered by sysrq", "via keyboard"),
           "serial": ("Dump was triggered by sysrq", "via serial line"),
           "hungtask": ("Panic", "hung_task: blocked tasks")}
NOTES = ("sysrq",)
# guest: what its log tells of before it dies, and the words that are there once for each
HISTORIES = {
    "called": {"warning": "WARNING: |BUG: scheduling while atomic", "slab": "BUG lab_checked",
               "allocation": "page allocation failure", "bad-page": "BUG: Bad page state",
               "hung-task": "task lab-hung:.* blocked for more than", "oops": "Oops: ",
               "soft-lockup": "soft lockup - CPU#\\d stuck .* \\[lab-stuck:",
               "rcu-stall": "rcu_preempt self-detected stall"},
    "mce": {"corrected": "CPU 1: Machine Check: 0 Bank 4: 9c00000000000135"},
}
# what a guest on a busy machine may not come to see
TIMED = {"soft-lockup", "rcu-stall", "hung-task"}


class Death:
    """A guest that died, and what crashinfo says of it: asked once, by one crash."""

    def __init__(self, name, plugin, home, cache):
        self.history = HISTORIES.get(name, {})
        self.cause, self.function, self.words = DEATHS[name]
        self.dump = dumps.get(f"panic-{name}", kernel=os.environ.get("LAB_KERNEL") or None)
        # crash's own search for the task that panicked ends 8.0.2 on a stack that has overflowed.
        session = Crash(self.dump, home, options=("--no_panic",), XDG_CACHE_HOME=cache)
        session.run(f"extend {plugin}")
        self.told = json.loads(untimed(session.run("crashinfo --json")))
        self.phrases = PHRASES.get(name)
        self.section = untimed(session.run("crashinfo")) if self.phrases else ""
        self.log = session.run("log") if self.history else ""
        session.close()

    def account(self, section):
        """A section of what it told, empty of one that has told nothing."""
        return self.dump.oracle["text"].get(section, "").strip()

    def findings(self, kind):
        return [finding for finding in self.told["findings"] if finding["id"].startswith(kind)]

    def evidence(self, what):
        return [piece for piece in self.findings("panic.")[0]["evidence"] if piece["what"] == what]


@pytest.fixture(scope="module", params=DEATHS)
def death(request, plugin, type_cache, tmp_path_factory):
    return Death(request.param, plugin, tmp_path_factory.mktemp(request.param), type_cache)


def test_one_finding_names_the_cause(death):
    (finding,) = death.findings("panic.")
    assert finding["id"] == f"panic.{death.cause}"
    assert finding["severity"] == ("note" if death.cause in NOTES else "critical")
    assert death.told["findings"][0] == finding or death.cause in NOTES
    assert death.words in finding["sentence"]
    assert not death.told["failed"]


def test_it_names_the_task(death):
    sentence = death.findings("panic.")[0]["sentence"]
    pid, comm = death.account("pid"), death.account("comm")
    if death.cause == "init-died":
        assert sentence.startswith("Process 1 (init) ended")
    elif comm:
        assert f"pid={pid} ({comm})" in sentence
        assert (int(pid), comm) in [(piece["pid"], piece["text"].partition(" ")[0])
                                    for piece in death.evidence("task")]


def test_a_wait_for_another_cpu_names_what_is_on_it(death):
    if death.function == "lab_ipi":
        [(pid, text)] = [(piece["pid"], piece["text"]) for piece in death.evidence("task")
                         if "on that CPU" in piece["text"]]
        assert text.startswith("lab-deaf ") and pid > int(death.account("pid"))


def test_it_names_the_guilty_function_and_its_module(death):
    sentence = death.findings("panic.")[0]["sentence"]
    if death.function is None:
        assert "lab_panic" not in sentence
    else:
        assert f"{death.function}+0x" in sentence and "[lab_panic]" in sentence
        assert death.evidence("stack")[0]["text"].startswith(f"{death.function}+0x")


def test_what_panic_printed_is_evidence(death):
    printed = [line for line in (death.dump.directory / "serial.log").read_text().splitlines()
               if "Kernel panic - not syncing: " in line and "end Kernel" not in line]
    assert [piece["text"] for piece in death.evidence("log")][-1] \
        == "Kernel panic" + printed[-1].partition("Kernel panic")[2].strip("\r")


def test_a_module_that_taints_is_a_warning_only_where_it_may_be_to_blame(death):
    ids = [finding["id"] for finding in death.findings("modules.")]
    assert ids == (["modules.guilty"] if death.function else ["modules.tainting"]
                   if death.account("modules").count("lab_panic") else [])


def test_nothing_else_is_found_that_is_wrong(death):
    # that a CPU serves nobody, a thread waits, memory is short is what these died of
    expected = {"soft-lockup": "scheduler.", "hard-lockup": "scheduler.", "nmi": "scheduler.",
                "rcu-stall": "scheduler.", "hung-task": "hangs.cluster",
                "oom": "memory."}.get(death.cause, "nothing")
    loud = [finding["id"] for finding in death.told["findings"]
            if finding["severity"] in ("error", "critical")
            and not finding["id"].startswith((expected, "log."))]
    assert loud == ([] if death.cause in NOTES else [f"panic.{death.cause}"])


def test_what_the_log_told_before_is_counted_by_kind(death):
    # each CPU's clock may be another, of which there is a note
    told = {finding["id"]: finding for finding in death.findings("log.")
            if finding["severity"] != "note"}
    history = {kind: words for kind, words in death.history.items() if re.search(words, death.log)}
    assert set(death.history) - set(history) <= TIMED
    assert set(told) == {f"log.{kind}" for kind in history}
    for kind, words in history.items():
        finding = told[f"log.{kind}"]
        lines = [line for line in death.log.splitlines() if re.search(words, line)]
        assert f": {len(lines)}, " in finding["sentence"]
        first, last = finding["evidence"][0]["text"], finding["evidence"][-1]["text"]
        assert first.startswith(lines[0]) and last.startswith(lines[-1])


def test_cgroups_of_the_first_version_are_those_of_the_guest(death):
    files = dict(line.split(":") for line in death.account("files").splitlines())
    told = {group["path"]: group for group in death.told["sections"]["memory"]["cgroups"]}
    if death.cause != "cgroup-oom":
        assert not files and not told
        return
    assert sorted(told) == ["/lab", "/lab-other", "/lab/inner"]
    other, lab = told["/lab-other"], told["/lab"]
    assert {group["version"] for group in told.values()} == {1}
    # nobody has used it since
    for key, file in (("usage", "usage"), ("peak", "max_usage")):
        assert other[key] == int(files[f"lab-other/memory.{file}_in_bytes"])
    assert other["usage"] + other["swap"] == int(files["lab-other/memory.memsw.usage_in_bytes"])
    assert other["max"] is None and other["swap_max"] is None
    assert lab["max"] == int(files["lab/memory.limit_in_bytes"]) == lab["peak"] == 16 << 20


def test_the_largest_of_a_cgroup_is_named_though_others_are_larger(death):
    if death.cause == "cgroup-oom":
        sentence = death.findings("panic.")[0]["sentence"]
        assert f"the largest in it is pid={death.account('pid')} (dd) with 1" in sentence


def test_the_section_says_how_the_dump_was_made(death):
    made = death.told["sections"]["creation"]
    assert made["cause"] == death.cause
    if death.section:
        box = death.section.partition("| How This Dump Has Been Created |")[2]
        what, reason = death.phrases
        assert f"   *** {what} ***\n" in box
        assert reason in box.partition(what)[2].partition("\n\n")[0]


# -- dumps that are asked for, and damaged ones ---------------------------------------------------

@pytest.fixture(scope="module")
def asked(shared):
    return json.loads(untimed(shared.get().run("crashinfo --json")))


def test_a_dump_that_was_asked_for_is_a_note(asked):
    assert [(finding["id"], finding["severity"]) for finding in asked["findings"]
            if finding["id"].startswith("panic.")] == [("panic.sysrq", "note")]
    assert asked["sections"]["creation"]["reasons"] == ["programmatically (via sysrq-trigger)"]


PLACES = """
import json
from LinuxDump import panics
from pykdump.API import *
def place(address):
    return int(exec_crash_command(f"vtop {address:x}").split("\\n")[1].split()[1], 16)
found = panics.panic()
log = readPtr(sym2addr("prb"))
ring = readSU("struct printk_ringbuffer", log)
print(json.dumps({
    "stack": place(found.stack.frames[0].at & ~4095),
    "panic_cpu": place(sym2addr("panic_cpu")), "log": place(log)}))
"""
DAMAGE = {
    "the stack": ({"stack": bytes(4096)}, "panic.sysrq"),
    "the log": ({"log": b"\xff" * 64}, "panic.sysrq"),
    "the stack and the log": ({"stack": b"\xff" * 4096, "log": b"\xff" * 64}, "panic.unknown"),
    "the number of the CPU and the log": ({"panic_cpu": struct.pack("<i", 77), "log": bytes(64)},
                                          "panic.sysrq"),
}


@pytest.fixture(scope="module")
def places(shared, tmp_path_factory):
    session = shared.get()
    session.cd(tmp_path_factory.mktemp("places"))
    return json.loads(session.epython(PLACES))


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_costs_what_it_hit(what, dump, places, fresh_crash, tmp_path):
    changes, expected = DAMAGE[what]
    copy = tmp_path / "vmcore"
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", dump.elf, copy], check=True)
    copy.chmod(0o600)
    with copy.open("r+b") as file:
        segments = elf.programs(file.read(1 << 16))
        for name, data in changes.items():
            file.seek(elf.file_offset(segments, places[name]))
            file.write(data)
    text = fresh_crash(vmcore=copy).run("crashinfo --json")
    copy.unlink()
    assert "Traceback" not in text
    told = json.loads(text[text.index("{"):text.rindex("}") + 1])
    assert [finding["id"] for finding in told["findings"]
            if finding["id"].startswith("panic.")] == [expected]
    assert "panics" not in told["failed"]
