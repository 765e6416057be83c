"""modinfo and the modules of dumps, against what the guests' /proc and /sys say of them."""

import json
import re

import pytest

from tests.dump.harness import untimed

GUESTS = pytest.mark.parametrize("session, guest", [("crash", "dump"),
                                                    ("locks_crash", "locks_dump")])


def account(dump):
    """Module -> what is below /sys/module of it: name -> value."""
    found = {}
    for line in dump.oracle["text"]["sys/module"].splitlines():
        path, _, value = line.partition(":")
        _empty, _sys, _module, name, entry = path.split("/", 4)
        found.setdefault(name, {})[entry] = value
    return found


def told(crash, arguments=""):
    known = json.loads(untimed(crash.run(f"modinfo --json {arguments}")))
    return {module["name"]: module for module in known["modules"]}, known


@pytest.fixture
def both(request, session, guest):
    """What modinfo tells, and the guest."""
    return told(request.getfixturevalue(session))[0], request.getfixturevalue(guest)


@GUESTS
def test_modules_are_those_of_proc(both):
    known, dump = both
    for module in dump.oracle["modules"]:
        ours = known.pop(module["name"])
        permanent = "[permanent]" in module["users"]
        assert (ours["size"], ours["refcount"], ours["permanent"]) \
            == (module["size"], module["refcount"], permanent)
        assert set(ours["users"]) == set(module["users"]) - {"[permanent]"}
        assert int(ours["start"], 16) <= module["address"] < int(ours["end"], 16)
    assert known == {}


@GUESTS
def test_taints_versions_and_states_are_those_of_sysfs(both):
    known, dump = both
    for name, entries in account(dump).items():
        ours = known[name]
        assert (ours["taints"], ours["version"], ours["srcversion"], ours["state"].lower()) \
            == (entries["taint"], entries.get("version", ""), entries.get("srcversion", ""),
                entries["initstate"])


@GUESTS
def test_parameters_have_the_values_that_sysfs_shows(both):
    """But for one of overlay, which has a function of its own to show it."""
    known, dump = both
    for name, entries in account(dump).items():
        expected = {entry.partition("/")[2]: value for entry, value in entries.items()
                    if entry.startswith("parameters/")}
        if "check_copy_up" in expected:
            expected["check_copy_up"] = "(?)"
        parameters = known[name]["parameters"]
        assert {parameter: parameters[parameter] for parameter in expected} == expected, name


@GUESTS
def test_sections_are_where_sysfs_has_them(both):
    known, dump = both
    for name, entries in account(dump).items():
        expected = {entry.partition("/")[2]: int(value, 16) for entry, value in entries.items()
                    if entry.startswith("sections/")}
        ours = {section: int(address, 16) for section, address in known[name]["sections"].items()
                if section in expected}
        assert expected and ours == expected, name


@GUESTS
def test_build_ids_are_those_of_the_notes(both):
    known, dump = both
    for name, entries in account(dump).items():
        assert len(known[name]["build_id"]) == 40
        assert entries["build-id"].endswith(known[name]["build_id"])


@GUESTS
def test_symbols_are_those_of_kallsyms(request, session, guest):
    """Which has capital letters for what is exported, too."""
    crash, dump = request.getfixturevalue(session), request.getfixturevalue(guest)
    ours = json.loads(crash.epython(
        "import json\nfrom LinuxDump.dlkm import modules\n"
        "from LinuxDump.modparts import symbols\n"
        "print(json.dumps({m.name: [[s.address, s.kind.lower(), s.name] for s in symbols(m.module)]"
        " for m in modules()}))"))
    theirs = {}
    for line in dump.oracle["text"]["module-symbols"].splitlines():
        address, kind, name, module = line.split()
        theirs.setdefault(module.strip("[]"), []).append(
            [int(address, 16), kind.lower(), name])
    for module, known in ours.items():
        assert sorted(known) == sorted(theirs[module]), module


# -- the list -----------------------------------------------------------------------------------

def test_the_list_has_its_columns_and_is_by_address(locks_crash):
    lines = untimed(locks_crash.run("modinfo")).splitlines()
    assert lines[0] == "struct module *    MODULE_NAME                     SIZE"
    rows = [re.fullmatch(r"0x([0-9a-f]{16}) (\S+) +(\d+)", line) for line in lines[1:5]]
    assert all(len(row.group()) == 55 for row in rows)
    addresses = [int(row.group(1), 16) for row in rows]
    assert addresses == sorted(addresses)
    assert {row.group(2) for row in rows} == {"qemu_fw_cfg", "loop", "lab_locks", "lab_taint"}


def test_tainted_modules_are_counted_and_explained(locks_crash):
    text = untimed(locks_crash.run("modinfo"))
    assert "\n" + "=" * 75 + "\nThere are 2 tainted modules\n" in text
    assert "    lab_taint POE (proprietary, out of tree, unsigned)\n" in text
    # 6.0: 6f1dae1d84b6 ("module: Show the last unloaded module's taint flag(s)")
    flags = locks_crash.epython("""
from pykdump.API import *
try:
    print(end=" (POE)" if readSymbol("last_unloaded_module").taints else "")
except (AttributeError, KeyError):
    pass
""")
    assert text.endswith(f"\tLast unloaded module : lab_taint{flags}\n")


def test_a_kernel_that_nothing_taints_says_nothing_of_it(crash):
    text = untimed(crash.run("modinfo"))
    assert "tainted" not in text and "Last unloaded" not in text


def test_only_tainted_ones(locks_crash):
    lines = untimed(locks_crash.run("modinfo -t")).splitlines()
    assert [line.split()[1] for line in lines[1:3]] == ["lab_taint", "lab_locks"]
    assert lines[3].startswith("====")


def test_gaps_are_between_areas(locks_crash):
    lines = untimed(locks_crash.run("modinfo -g -a")).splitlines()
    assert lines[0].endswith("       SIZE ALLOC_SIZE    GAPSIZE")
    end = None
    for row, area in zip(lines[1:9:2], lines[2:9:2]):
        _module, _name, size, allocated, gap = row.split()
        first, last = (int(address, 16) for address in
                       re.fullmatch(r"   addr range : (0x\S+) - (0x\S+)", area).groups())
        assert last - first == int(allocated) >= int(size) + 4096
        assert int(gap) == (0 if end is None else first - end)
        end = last


def test_modules_are_chosen_by_patterns(locks_crash):
    lines = untimed(locks_crash.run("modinfo lab-* qemu_fw_cf?")).splitlines()
    assert [line.split()[1] for line in lines[1:4]] == ["qemu_fw_cfg", "lab_taint", "lab_locks"]
    assert untimed(locks_crash.run("modinfo nf_*")) == "No module is named like nf_*\n"


def test_more_of_each_on_request(locks_crash):
    text = locks_crash.run("modinfo -l -p -s lab_taint")
    assert "   Live, refcount 0, taints POE (proprietary, out of tree, unsigned), " \
        "debug information not loaded, no debug file found\n" in text
    assert "   number=-7\n   numbers=1,2,3\n" in text
    assert "   hidden=18446744073709551615  (not in sysfs)\n" in text
    assert re.search(r"^   0x[0-9a-f]{16} \.rodata$", text, re.M)


def test_a_module_whose_debug_information_crash_has(crash, dump, tmp_path):
    file = next(dump.kernel.modules.rglob("loop.ko"))
    data = file.read_bytes()
    known = bytes.fromhex(told(crash)[0]["loop"]["build_id"])
    assert known in data
    other = tmp_path / "loop.ko"
    other.write_bytes(data.replace(known, bytes(20)))
    try:
        crash.run(f"mod -s loop {file}")
        assert f"debug information {file}, " in crash.run("modinfo -l loop")
        assert told(crash, "loop")[0]["loop"]["debuginfo_fits"] is True
        crash.run("mod -d loop")
        crash.run(f"mod -s loop {other}")
        assert f"debug information {other} (of another build), " in crash.run("modinfo -l loop")
    finally:
        crash.run("mod -d loop")


# -- one of them --------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["lab_taint", "lab-taint"])
def test_details_of_one_module(locks_crash, name):
    text = untimed(locks_crash.run(f"modinfo --details={name}"))
    address = re.match(r"struct module   : (0x[0-9a-f]+)\nname            : lab_taint\n"
                       r"version         : 1\.2-lab\n"
                       r"source ver      : [0-9A-F]+\n"
                       r"init            : 0x[0-9a-f]+ \(freed\)\n"
                       r"exit            : 0x[0-9a-f]+ (taint_exit cleanup_module"
                       r"|cleanup_module taint_exit)\n", text).group(1)
    assert untimed(locks_crash.run(f"modinfo --details={address}")) == text
    data = text.partition("\n.data section\n")[2].partition("\n.readonly")[0].splitlines()
    assert [re.fullmatch(r"   0x[0-9a-f]+ \(d\) (\w+)", line).group(1) for line in data] \
        == ["number", "truth", "text", "copied"]


def test_a_module_is_disassembled_without_its_file(locks_crash):
    text = untimed(locks_crash.run("modinfo --disasm=lab_locks"))
    body = text.partition("---------- BEGIN disassemble own_for_ever() ----------\n")[2] \
        .partition("========== END   disassemble own_for_ever() ==========")[0]
    assert re.search(r"call +0x[0-9a-f]+ <schedule>", body)
    assert text.count("BEGIN disassemble") == text.count("END   disassemble") > 10


@pytest.mark.parametrize("option", ["details", "disasm"])
def test_a_module_that_is_not_there(crash, option):
    assert untimed(crash.run(f"modinfo --{option}=nonsense")) \
        == "The module nonsense does not exist\n"


# -- damage -------------------------------------------------------------------------------------

@pytest.mark.parametrize("head", ["8", "sym2addr('linux_banner')", "sym2addr('init_task')"])
def test_a_damaged_list_is_reported(crash, head):
    text = crash.epython("import crash\nfrom LinuxDump import dlkm\n"
                         "from pykdump.API import sym2addr\n"
                         f"head, kept = {head}, dlkm.sym2addr\n"
                         "dlkm.sym2addr = lambda name: head if name == 'modules' else kept(name)\n"
                         "try:\n    crash.exec_epython_command('modinfo', '-l')\n"
                         "finally:\n    dlkm.sym2addr = kept\n")
    assert "+++ERROR+++ list of modules, after " in text and "Traceback" not in text


def test_help_and_version_do_not_look_at_the_kernel(crash):
    assert "Usage: modinfo [options] [PATTERN ...]" in crash.run("modinfo -h")
    assert crash.run("modinfo --version").startswith("MODINFO version ")
