"""What `from pykdump.API import *` gives programs: names, scalars, sys_info, commands."""

import json
import re

import pytest

from tests.dump.harness import untimed

# Every name that programs of the field may use without importing it.
NAMES = """
ALIGN API_options Addr ArtStructInfo AttrSetter BITS_PER_INT BITS_PER_LONG Bunch CDefine CEnum
CGDIR CU_LIVE CU_LOAD CU_PYMOD CU_TIMEOUT DCache Deref EnumInfo FD_ISSET HZ INT_MASK INT_MAX
INT_SIZE KernelRev LH_isempty LONG_MASK LONG_MAX LONG_SIZE ListHead Option OptionParser PAGESIZE
PAGE_CACHE_SHIFT PTR_SIZE PYKD PY_select PY_select_purge PyLog RHDIR SUInfo SmartString
StructResult SuppressCrashErrors TrueOnce TypeInfo WARNING addr2mod addr2sym argv2s atexit
atomic_t container_of cpu_to_le32 crash dbits2str debug debugDLKM debugReload debuginfo
defaultdict delModule enumerator_value exec_command exec_crash_command exec_crash_command_bg
exec_crash_command_bg2 exec_gdb_command funcargs getCurrentModule getFullBuckets getFullBucketsH
getListSize getSizeOf getStructInfo get_nsproxy get_pathname hexl highlevel hlist_for_each_entry
importlib is_task_active isfileoutput iterN kernel kname le16_to_cpu le32_to_cpu
list_for_each_entry loadModule long lsModules member_offset member_size memoize_cond
memoize_typeinfo os patch_default_kw phys_to_page pid_to_task pointersize possibleModuleNames pp
pprint print2columns printObject purge_memoize_cache purge_typeinfo pykdump pylog re re_apidebug
readBadList readInt readList readListByHead readLong readProcessMem readPtr readS32 readS64 readSU
readSUArray readSUListFromHead readStructNext readSymbol readU16 readU32 readU64 readU8 readUInt
readULong readmem registerModuleAttr registerObjAttrHandler require_cmod_version sLong select
setListMaxel set_default_timeout set_nsproxy set_readmem_task stat string structSetAttr
structSetProcAttr struct_exists struct_size sym2addr sym2alladdr symbol_exists sys sys_info tPtr
t_start t_start_children t_starta task_to_pid time traceback type_length uInt uLong union_size
unsigned16 unsigned32 unsigned64 uvtop whatis
""".split()


@pytest.fixture
def value(crash):
    """A function: the value of an expression that JSON can carry."""
    def tell(expression, before=""):
        return json.loads(crash.epython(f"from pykdump.API import *\nimport json\n{before}\n"
                                        f"print(json.dumps({expression}))"))
    return tell


def test_all_names_are_there(value):
    assert len(NAMES) == len(set(NAMES)) == 168
    assert value(f"[name for name in {NAMES} if name not in globals()]") == []


def test_the_modules_among_the_names_are_modules(value):
    modules = ("atexit crash highlevel importlib os pprint pykdump re select stat string sys time "
               "traceback argparse").split()
    assert value(f"[name for name in {modules} if type(globals()[name]).__mro__[-2] is not "
                 "type(sys)]") == []
    assert value("[pprint.pformat([1]), traceback.format_exc(), string.digits]") \
        == ["[1]", "NoneType: None\n", "0123456789"]


def test_the_names_of_the_builtins_of_python_2(told):
    assert told("long is int, hexl(16), WARNING") == "(True, '0x10', '+++WARNING+++')\n"


def test_names_that_earlier_programs_left_behind_are_in_the_star_import(fresh_crash):
    assert fresh_crash().epython(
        "from pykdump.API import *\nprint(argparse.ArgumentParser().prog, OptionParser.__name__, "
        "CDefine('#define A 1').A, defaultdict(list)['x'])") == "prog.py OptionParser 1 []\n"


def test_old_places_have_the_names(crash):
    assert crash.epython(
        "from pykdump.Generic import PyCtl, SUInfo, Bunch\n"
        "from pykdump.datatypes import SUInfo, TypeInfo, VarInfo, EnumInfo\n"
        "from pykdump.highlevel import *\nfrom pykdump.lowlevel import *\n"
        "from pykdump.memocaches import *\nfrom pykdump.dlkmload import *\n"
        "from pykdump.tparser import parser_header_tabs, CDefine\n"
        "from pykdump.ASCII_Art import EmbeddedFrames, AA_Node\n"
        "import pykdump.Misc, pykdump.vmcorearch\nfrom pykdump.logging import PyLog\n"
        "from pykdump.wrapcrash import *\n"
        "print(SUInfo('struct list_head').size, readList(0), loadModule)").startswith("16 [] <func")


# -- scalars and constants --

def test_constants_of_the_machine(value):
    assert value("[INT_SIZE, LONG_SIZE, PTR_SIZE, pointersize, BITS_PER_INT, BITS_PER_LONG, "
                 "INT_MASK, LONG_MASK, INT_MAX, LONG_MAX, PAGESIZE, PAGE_CACHE_SHIFT]") \
        == [4, 8, 8, 8, 32, 64, 2 ** 32 - 1, 2 ** 64 - 1, 2 ** 31 - 1, 2 ** 63 - 1, 4096, 12]


def test_integers_are_read_in_all_widths(value):
    text = value("[readU8(a), readU16(a), readU32(a), readU64(a), readUInt(a), readULong(a)]",
                 "a = sym2addr('linux_banner')")
    banner = b"Linux version"
    assert text == [int.from_bytes(banner[:size], "little") for size in (1, 2, 4, 8, 4, 8)]


def test_signed_integers_have_their_sign(value):
    before = "a = whatis('init_task').addr + member_offset('struct task_struct', 'stack')"
    unsigned, *signed = value("[readU64(a), readS64(a), readLong(a), sLong(readU64(a))]", before)
    assert unsigned >> 63 == 1 and signed == [unsigned - 2 ** 64] * 3


def test_an_int_with_and_without_a_size(value):
    before = "a = whatis('init_task').addr + member_offset('struct task_struct', 'stack')"
    low, plain, sized, short = value(
        "[readU32(a), readInt(a), readInt(a, 4), readInt(a + 6, 2, True)]", before)
    assert plain == (low ^ 0x80000000) - 0x80000000 and sized == low and -0x8000 <= short < 0


def test_a_variable_by_its_name(crash, value):
    shown = int(re.search(r"= (\d+)", crash.run("p jiffies_64"))[1])
    assert value("[readSymbol('jiffies_64'), PYKD.jiffies_64, PYKD.sym('jiffies_64'), "
                 "str(PYKD.init_task.comm)]") == [shown] * 3 + ["swapper/0"]


@pytest.mark.parametrize("read", ["readSymbol('nothing')", "PYKD.nothing"])
def test_a_variable_that_there_is_not_is_a_type_error(told, read):
    text = told(read)
    assert "TypeError: There's no symbol <nothing>" in text


def test_an_atomic_variable(told):
    assert told("atomic_t(readSymbol('init_mm').mm_count) > 0") == "True\n"
    assert "KeyError" in told("atomic_t(readSymbol('init_task'))")


# -- sys_info --

def test_sys_info_knows_what_sys_tells(crash, told):
    shown = dict(line.strip().split(": ", 1) for line in crash.run("sys").splitlines()
                 if ": " in line)
    assert told("sys_info.RELEASE, sys_info['MEMORY'], sys_info['LOAD AVERAGE']") \
        == repr((shown["RELEASE"], shown["MEMORY"], shown["LOAD AVERAGE"])) + "\n"


def test_sys_info_knows_the_dump(told, dump):
    release, namelist = dump.vmlinux.parent.name, dump.vmlinux
    assert told("(sys_info.kernel, sys_info.CPUS, sys_info.machine, sys_info.pointersize, "
                "sys_info.pointermask == 2 ** 64 - 1, sys_info.livedump, sys_info.HZ == HZ, "
                "sys_info.DebugDir)") \
        == repr((release, 2, "x86_64", 8, True, False, True, str(namelist.parent))) + "\n"


def test_sys_info_has_all_keys_whatever_is_asked_first(told):
    assert told("('MEMORY' in sys_info, 'CPUS' in sys_info, 'nothing' in sys_info, "
                "sys_info.get('x', 5), {'kernel', 'RELEASE'} <= set(sys_info))") \
        == "(True, True, False, 5, True)\n"
    assert "AttributeError" in told("sys_info.nothing")


def test_the_kernel_is_compared_by_its_numbers(told):
    assert told("kernel == sys_info.kernel, kernel > '2.6.9', kernel < '99.0', "
                "kernel >= kernel, isinstance(kernel, KernelRev), os.path.exists(kname)") \
        == "(True, True, True, True, True, True)\n"


# -- commands --

def test_a_command_in_the_background(crash, told):
    assert told("exec_crash_command_bg('sys -i') == exec_crash_command('sys -i')") == "True\n"


def test_a_command_in_the_background_that_takes_too_long(crash):
    text = crash.epython("from pykdump.API import *\nt = time.time()\n"
                         "text = exec_crash_command_bg('foreach bt -f', timeout=0.1)\n"
                         "print(type(text), time.time() - t < 5)")
    assert text.startswith("<class 'str'> True\n")
    assert "did not complete within timeout" in text and "foreach bt -f (0.1s)" in text


def test_a_command_in_the_background_does_not_change_the_session(crash, told):
    context = crash.run("set")
    told("exec_crash_command_bg('set 1')")
    assert crash.run("set") == context


def test_a_child_of_the_program_is_still_its_own(told):
    assert told("[exec_crash_command_bg('sys') != '', p.wait()]",
                "import subprocess\np = subprocess.Popen(['sh', '-c', 'exit 3'])") \
        == "[True, 3]\n"


def test_the_default_timeout_is_changed_and_told(told):
    assert told("[set_default_timeout(5), set_default_timeout(120), crash.default_timeout]") \
        == "[120, 5, 120]\n"


def test_a_command_whose_output_is_shown(crash):
    text = crash.epython("from pykdump.API import *\nexec_command('sys')\nexec_command('sys -x')")
    assert "RELEASE:" in text and "invalid option" in text


def test_a_gdb_command(told):
    assert told("exec_gdb_command('whatis init_task')") == "'type = struct task_struct\\n'\n"
    assert told("exec_gdb_command('whatis nothing_of_that_name')") == "None\n"


def test_errors_of_crash_are_put_away(crash):
    before = crash.run("set error")
    text = crash.epython("from pykdump.API import *\nwith SuppressCrashErrors():\n"
                         "    try:\n        exec_crash_command('bt 99999')\n"
                         "    except crash.error:\n        pass\nprint('here')")
    assert text.endswith("here\n")
    assert crash.run("set error") == before


def test_modules_of_the_kernel(crash, value):
    rows = [line.split() for line in crash.run("mod").splitlines()[1:]]
    assert value("lsModules()") == [row[1] for row in rows]


def test_a_module_without_debug_information_is_not_loaded(told):
    assert told("loadModule('nothing'), loadModule('nothing', altname='none')") \
        == "(False, False)\n"


def test_debug_information_of_a_module_is_loaded_and_unloaded(crash, value, dump):
    file = str(dump.kernel.modules / "loop.ko")
    assert value(f"[loadModule('loop', {file!r}), loadModule('nothing', {file!r}), "
                 "loadModule('loop', '/nowhere/loop.ko')]") == [True, False, False]
    assert file in crash.run("mod")
    assert value("delModule('loop')") is None
    assert file not in crash.run("mod")


def test_objects_and_attributes_outlive_the_loading_of_a_module(value, dump):
    file = str(dump.kernel.modules / "loop.ko")
    assert value(f"[task.comm, loadModule('loop', {file!r}), task.comm, task.Leader == task, "
                 "task == readSU('struct task_struct', task), task[1] - task == len(task), "
                 "task.hasField('Leader'), delModule('loop'), task.mm, task.pid]",
                 "task = readSymbol('init_task')\n"
                 "structSetAttr('struct task_struct', 'Leader', 'group_leader')") \
        == ["swapper/0", True, "swapper/0", True, True, True, True, None, 0, 0]


def test_types_are_forgotten_when_debug_information_is_loaded_at_the_prompt(crash, dump):
    file = dump.kernel.modules / "loop.ko"
    crash.program("from pykdump.API import *\nnow = getStructInfo('struct task_struct')\n"
                  "print(now is globals().get('then'))\nthen = now")

    def same():
        return untimed(crash.run("epython prog"))
    same()
    assert same() == "True\n"
    for command in (f"mod -s loop {file}", "mod -d loop", f"mod -S {dump.kernel.modules}"):
        assert "mod:" not in crash.run(command)
        assert (same(), same()) == ("False\n", "True\n"), command
    crash.run("mod -d loop")
    crash.program("from pykdump.API import *\nprint(loadModule('loop', %r))" % str(file), "load.py")
    crash.run("epython load")
    assert (same(), same()) == ("False\n", "True\n")
    crash.run("mod -d loop")


# -- the rest --

def test_constants_from_the_text_of_a_header(told):
    assert told("F.B, F['C'], F.value2key(2), dbits2str(6, F), dbits2str(6, F, 1)",
                "F = CDefine('#define MA 1\\n#define B (1<<1)\\n#define C (B<<1) // c\\n')") \
        == "(2, 4, 'B', 'B|C', '|')\n"


def test_short_names(told):
    assert told("PYKD.sym('jiffies') == readSymbol('jiffies')") == "True\n"


def test_pretty_printing(crash):
    assert crash.epython("from pykdump.API import *\npp.pprint({'a': [1, 2]})") \
        == "{'a': [1, 2]}\n"


def test_whether_the_output_goes_to_a_file(crash):
    crash.program("from pykdump.API import *\nprint(isfileoutput(), argv2s(sys.argv))")
    assert crash.run("epython prog x > report") == ""
    assert re.search(r"^True .*prog.py x$", (crash.cwd / "report").read_text(), re.MULTILINE)
    assert crash.epython("from pykdump.API import *\nprint(isfileoutput())") == "False\n"


def test_the_time_when_the_command_started(told):
    assert told("0 <= time.time() - t_start < 5, t_starta > 0, t_start_children >= 0") \
        == "(True, True, True)\n"
