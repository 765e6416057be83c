"""What crashinfo says of kernels that died of each cause, against what the guest was told to do."""

import json
import os
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
    "called": ("called", "lab_called", '"lab: told to (42)"'),
    "smash": ("stack-corruption", "lab_smash", ""),
    "overflow": ("stack-overflow", "lab_recurse", "lab_recurse is on it "),
    "softlockup": ("soft-lockup", "lab_soft", "spinning on lab_lock, which pid="),
    "ipi": ("soft-lockup", "lab_ipi", "CPU 1 has not begun lab_asked"),
    "nmi": ("nmi", "lab_hard", "spinning on lab_lock, with interrupts off, which pid="),
    "hungtask": ("hung-task", "lab_hung", "for mutex lab_mutex, which pid="),
    "rcu": ("rcu-stall", "lab_stall", ""),
    "stalled": ("rcu-stall", "lab_hard", "spinning on lab_lock, with interrupts off, which pid="),
    "oom": ("oom", None, "the largest is pid="),
    "unkillable": ("oom", None, "the largest is pid="),
    "init": ("init-died", None, "with exit code 7"),
    "keyboard": ("sysrq", None, "from the keyboard"),
    "mce": ("machine-check", None, "bank 4 of CPU 1, status 0xbe00000000000135 (uncorrected, "
                                   "context corrupt)"),
}
# of the section: what happened, and in the lines below it why
PHRASES = {"null": ("Dump was triggered by kernel", "NULL pointer dereference"),
           "keyboard": ("Dump was triggered by sysrq", "via keyboard"),
           "hungtask": ("Panic", "hung_task: blocked tasks")}
NOTES = ("sysrq",)


class Death:
    """A guest that died, and what crashinfo says of it: asked once, by one crash."""

    def __init__(self, name, plugin, home):
        self.cause, self.function, self.words = DEATHS[name]
        self.dump = dumps.get(f"panic-{name}", kernel=os.environ.get("LAB_KERNEL") or None)
        # crash's own search for the task that panicked ends 8.0.2 on a stack that has overflowed.
        session = Crash(self.dump, home, options=("--no_panic",))
        session.run(f"extend {plugin}")
        self.told = json.loads(untimed(session.run("crashinfo --json")))
        self.phrases = PHRASES.get(name)
        self.section = untimed(session.run("crashinfo")) if self.phrases else ""
        session.close()

    def account(self, section):
        return self.dump.oracle["text"][section].strip()

    def findings(self, kind):
        return [finding for finding in self.told["findings"] if finding["id"].startswith(kind)]

    def evidence(self, what):
        return [piece for piece in self.findings("panic.")[0]["evidence"] if piece["what"] == what]


@pytest.fixture(scope="module", params=DEATHS)
def death(request, plugin, tmp_path_factory):
    return Death(request.param, plugin, tmp_path_factory.mktemp(request.param))


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
    expected = {"soft-lockup": "scheduler.", "nmi": "scheduler.", "rcu-stall": "scheduler.",
                "hung-task": "hangs.cluster", "oom": "memory."}.get(death.cause, "nothing")
    loud = [finding["id"] for finding in death.told["findings"]
            if finding["severity"] in ("error", "critical")
            and not finding["id"].startswith(expected)]
    assert loud == ([] if death.cause in NOTES else [f"panic.{death.cause}"])


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
