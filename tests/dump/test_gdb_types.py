"""Types as gdb tells them, compared with BTF, and what gdb alone can tell."""

import json
import math
import re

import pytest

TIMEOUT = 300

# Some of every kind that there is, the same each time; what is defined more than once is left out,
# since nobody says which one is meant.
CHOOSE = """\
import _pykdump, json, random
from collections import Counter
chance = random.Random(20)
by_kind = {}
for space in "struct", "union":
    definitions = _pykdump.type_definitions(space)
    count = Counter(name for name, *_ in definitions)
    for name, _size, _signed, members in definitions:
        types = "".join(member[3] for member in members)
        places = [member[1] for member in members]
        for kind, is_one in {
                "bit fields": any(member[2] for member in members), "flexible": "[0]" in types,
                "arrays": "[" in types, "functions": "(func)" in types,
                "nameless": any(member[5] is not None for member in members),
                "unions": len(set(places)) < len(places), "plain": True}.items():
            if is_one and count[name] == 1:
                by_kind.setdefault((space, kind), []).append(f"{space} {name}")
names = [name for _kind, all in sorted(by_kind.items())
         for name in chance.sample(all, min(12, len(all)))]
print(json.dumps(sorted({*names, "struct page", "struct sk_buff", "struct rq", "struct module",
                         "struct cryptomgr_param", "struct parsed_partitions", "struct net_bridge",
                         "struct kvm_apic_map", "struct nf_nat_hook"})))
"""

TELL = """\
import _pykdump, crash, json, sys
told = {}
for name in json.load(open("names")):
    try:
        told[name] = [_pykdump.type_size(name), _pykdump.type_members(name),
                      crash.gdb_typeinfo(name)]
    except (TypeError, crash.error) as err:
        told[name] = str(err)
json.dump(told, open("told", "w"))
"""

# Where gdb and BTF differ, and why.
EXPLAINED = {
    "struct nf_nat_hook": "an enum that is only declared has 4 bytes in BTF, none in gdb",
}


def flattened(told):
    """The same with the dimensions of each array multiplied: BTF has lost them."""
    if isinstance(told, dict):
        return {key: math.prod(value) if key == "dims" else flattened(value)
                for key, value in told.items()}
    if isinstance(told, list):
        return [flattened(each) for each in told]
    if isinstance(told, str):
        return re.sub(r"(\[\d+\])+$",
                      lambda dims: f"[{math.prod(map(int, re.findall('[0-9]+', dims[0])))}]", told)
    return told


def test_gdb_tells_of_structs_what_btf_does(crash, fresh_crash):
    names = crash.epython(CHOOSE)
    (crash.cwd / "names").write_text(names)
    crash.epython(TELL)
    expected = json.loads((crash.cwd / "told").read_text())
    assert len(expected) > 120

    other = fresh_crash(PYKDUMP_TYPES="gdb")
    (other.cwd / "names").write_text(names)
    other.program(TELL)
    other.run("epython prog", timeout=TIMEOUT)
    told = json.loads((other.cwd / "told").read_text())
    assert {name for name in expected if flattened(told[name]) != flattened(expected[name])} \
        == EXPLAINED.keys()


@pytest.fixture(scope="module")
def by_gdb(starting):
    """A session whose types are from gdb."""
    session = starting(PYKDUMP_TYPES="gdb")
    yield session
    session.close()


def test_programs_run_with_types_from_gdb(by_gdb, crash):
    assert by_gdb.epython("import _pykdump\nprint(_pykdump.types_source())") \
        == "crash's gdb\n"
    text = by_gdb.run("taskinfo --summ", timeout=TIMEOUT)
    assert "Traceback" not in text
    known = crash.run("taskinfo --summ", timeout=TIMEOUT)
    assert text[:text.rindex("\n **")] == known[:known.rindex("\n **")]


WHATIS = """\
import crash, json
def ask(text):
    try:
        return crash.gdb_whatis(text)
    except crash.error as err:
        return str(err)
print(json.dumps([ask(text) for text in
    ("jiffies", "jiffies + 1", "init_task.tasks", "&init_task", "init_task.comm",
     "schedule_timeout", "PIDTYPE_PID", "init_task.sched_class->enqueue_task", "runqueues", "nope",
     "1 +", "schedule;", "init_uts_ns.name", "asm_exc_page_fault")]))
"""


@pytest.mark.parametrize("types", ["auto", "btf", "gdb"])
def test_the_type_of_any_expression_is_told(fresh_crash, types):
    text = fresh_crash(PYKDUMP_TYPES=types).epython(WHATIS)
    (jiffies, later, tasks, pointer, comm, function, constant, member, queues, nope, half, two,
     name, entry) = json.loads(text)
    ulong = {"basetype": "unsigned long", "codetype": 8, "typelength": 8, "uint": 1}
    assert jiffies == {**ulong, "fname": "jiffies"}
    assert later == {**ulong, "fname": "jiffies + 1"}
    assert (tasks["basetype"], tasks["typelength"]) == ("struct list_head", 16)
    assert (pointer["basetype"], pointer["stars"]) == ("struct task_struct", 1)
    assert (comm["basetype"], comm["dims"], comm["typelength"]) == ("char", [16], 1)
    assert [each["basetype"] for each in function["prototype"]] == ["long", "long"]
    assert ["PIDTYPE_PID", 0] in constant["edef"]
    assert (member["basetype"], member["prototype"][1]["basetype"]) == ("(func)", "struct rq")
    assert (queues["basetype"], "body" in queues) == ("struct rq", False)
    assert nope.startswith("PyKdump/GDB error") and half.startswith("PyKdump/GDB error")
    assert two.startswith("PyKdump/GDB error")
    assert name["basetype"] == "struct new_utsname"
    assert entry["basetype"] == "<text variable, no debug info>"


def test_questions_to_gdb_can_be_interrupted(fresh_crash):
    session = fresh_crash(PYKDUMP_TYPES="gdb")
    session.program("import crash\nprint('begins', flush=True)\n"
                    "for name in 'task_struct', 'net_device', 'kvm', 'device', 'super_block':\n"
                    "    crash.gdb_typeinfo(f'struct {name}')\nprint('not interrupted')\n")
    session.start("epython prog")
    session.until("begins")
    session.interrupt()
    text = session.finish()
    assert "KeyboardInterrupt" in text and "not interrupted" not in text
    assert "SystemError" not in text and "TypeError" not in text
    text = session.run("epython prog", timeout=TIMEOUT)
    assert "not interrupted" in text
