"""Questions about types that programs ask: TypeInfo, SUInfo, VarInfo, EnumInfo, sizes."""

import re

import pytest


# -- sizes and offsets, and what is said of what is not there --

def test_the_size_of_any_type(told):
    assert told("struct_size('struct list_head'), getSizeOf('int'), union_size('unsigned long'), "
                "type_length('char *'), struct_size('u64')") == "(16, 4, 8, 8, 8)\n"


def test_an_unknown_type_has_the_size_minus_one(told):
    assert told("struct_size('struct nothing'), getSizeOf('nothing'), struct_exists('struct x')") \
        == "(-1, -1, False)\n"


def test_the_offset_of_a_member_of_an_embedded_struct(crash, told):
    shown = crash.run("struct -o task_struct.se")
    se = int(re.search(r"\[(\d+)\]", shown).group(1))
    node = int(re.search(r"\[(\d+)\]", crash.run("struct -o sched_entity.run_node")).group(1))
    assert told("member_offset('struct task_struct', 'se.run_node')") == f"{se + node}\n"


def test_an_offset_that_there_is_not_is_minus_one(told):
    assert told("[member_offset('struct task_struct', 'nothing'), "
                "member_offset('struct task_struct', 'mm.pgd'), "
                "member_offset('struct nothing', 'x')]") == "[-1, -1, -1]\n"


def test_an_offset_in_a_struct_without_tag(told):
    assert told("member_offset(*place) - member_offset('struct mm_struct', 'lru_gen')",
                "place = 'struct mm_struct', 'lru_gen.bitmap'") in ("16\n", "0\n")


def test_the_size_of_a_member(told):
    assert told("member_size('struct task_struct', 'comm'), "
                "member_size('struct task_struct', 'nothing')") == "(16, -1)\n"
    assert "TypeError: no type struct nothing" in told("member_size('struct nothing', 'x')")


# -- EnumInfo --

def test_an_enum_by_its_name_or_one_of_its_enumerators(told):
    for name in ("enum pid_type", "PIDTYPE_TGID"):
        assert told("e['PIDTYPE_PID'], e.PIDTYPE_TGID, e.getnam(1), e._Lst[0]",
                    f"e = EnumInfo({name!r})") \
            == "(0, 1, 'PIDTYPE_TGID', ['PIDTYPE_PID', 0])\n"


def test_a_value_that_an_enum_does_not_have(told):
    assert told("EnumInfo('enum pid_type').getnam(99)") == "'<enum pid_type, bad value 99>'\n"


@pytest.mark.parametrize("name", ["enum nothing", "nothing", "init_task", "struct list_head"])
def test_an_unknown_enum_is_a_type_error(told, name):
    assert "TypeError" in told(f"EnumInfo({name!r})")


def test_an_artificial_struct_is_a_struct_that_there_is(told):
    assert told("ArtStructInfo('struct list_head').getFnames()") == "['next', 'prev']\n"
    assert "TypeError: no type struct nothing" in told("ArtStructInfo('struct nothing')")


# -- TypeInfo --

@pytest.mark.parametrize("name, full, size, level", [
    ("unsigned long", "unsigned long", 8, 0), ("struct list_head", "struct list_head", 16, 0),
    ("struct list_head *", "struct list_head *", 8, 1), ("char **", "char **", 8, 2),
    ("u64", "u64", 8, 0), ("pgtable_t", "pgtable_t", 8, 1)])
def test_a_type_by_its_name(told, name, full, size, level):
    assert told("(t.fullstr(), t.size, t.ptrlev, t.dims, t.elements)",
                f"t = TypeInfo({name!r})") == repr((full, size, level, None, 1)) + "\n"


def test_an_unknown_type_is_an_error_of_crash(told):
    assert "crash.error: PyKdump/GDB error" in told("TypeInfo('struct nothing')")


def test_the_parts_of_a_type(told):
    assert told("(t.stype, t.typedef, t.basetype, t.uint, t.codetype == crash.TYPE_CODE_INT)",
                "t = TypeInfo('u32')") == "('u32', 'u32', 'unsigned int', 1, True)\n"
    assert told("(t.codetype == crash.TYPE_CODE_PTR, t.tcodetype == crash.TYPE_CODE_STRUCT, "
                "t.fullname())", "t = TypeInfo('struct page *')") \
        == "(True, True, ('struct page', '*', ''))\n"


def test_what_a_pointer_points_to(told):
    assert told("TypeInfo('struct page **').getTargetType().getTargetType()") \
        == "<TypeInfo struct page size=64>\n"
    assert "TypeError" in told("TypeInfo('int').getTargetType()")


def test_an_array_has_the_size_of_an_element(told):
    assert told("(t.size, t.dims, t.elements, t.fullname(), t.fullstr())",
                "t = getStructInfo('struct task_struct').comm.ti") \
        == "(1, [16], 16, ('char', '', '[16]'), 'char [16]')\n"


# -- SUInfo and VarInfo --

def test_the_members_of_a_struct(told):
    assert told("(i.PYT_sname, i.PYT_size, i.getFnames(), 'next' in i, 'x' in i, "
                "i.next is i['next'], [n for n, v in i.PYT_body])",
                "i = getStructInfo('struct list_head')") \
        == "('struct list_head', 16, ['next', 'prev'], True, False, True, ['next', 'prev'])\n"


def test_a_struct_is_printed_as_in_c(crash):
    assert crash.epython("from pykdump.API import *\nprint(SUInfo('struct list_head'))") == \
        "struct list_head {\n    struct list_head *next;\n    struct list_head *prev;\n}\n"


def test_pointers_to_functions_are_printed_as_in_c(told):
    assert told("str(getStructInfo('struct file_operations').llseek)") \
        == "'loff_t (*llseek)(struct file *, loff_t, int);'\n"


def test_an_unknown_struct_is_a_type_error(told):
    for name in ("SUInfo", "getStructInfo", "ArtStructInfo"):
        assert "TypeError: no type struct nothing" in told(f"{name}('struct nothing')")


def test_what_a_member_is(told):
    assert told("(v.name, v.offset == member_offset('struct task_struct', 'comm'), v.size, v.array,"
                " v.ptrlev, v.basetype, v.ctype)", "v = SUInfo('struct task_struct')['comm']") \
        == "('comm', True, 16, 16, 0, 'char', 'char [16]')\n"


def test_a_bit_field(told):
    assert told("(v.bitsize, v.bitoffset // 8 == v.offset, str(v))",
                "v = getStructInfo('struct task_struct').in_iowait") \
        == "(1, True, 'unsigned int in_iowait:1;')\n"


def test_a_member_is_read_by_its_description(told):
    before = ("task = sym2addr('init_task')\ni = getStructInfo('struct task_struct')\n"
              "s = readSU('struct task_struct', task)")
    assert told("[i[n].reader(task + i[n].offset) == getattr(s, n) for n in "
                "('pid', 'comm', 'stack', 'in_iowait', 'tasks', 'se')]", before) \
        == "[True, True, True, True, True, True]\n"


def test_a_member_called_size_hides_the_size(told):
    assert told("type(i.size).__name__, i.PYT_size > 0", "i = SUInfo('struct kmem_cache')") \
        == "('VarInfo', True)\n"


def test_structs_without_tag_have_names_of_their_own(told):
    assert told("(t.stype, SUInfo(t.stype).getFnames())",
                "t = getStructInfo('struct mm_struct').lru_gen.ti") \
        .startswith("('struct mm_struct:")


def test_no_member_of_structs_in_unions_is_lost(crash, told):
    shown = crash.run("struct page")
    names = re.findall(r"\b(\w+)(?:\[\d*\])?;$", shown, re.MULTILINE)
    assert told(f"[n for n in {names} if n not in getStructInfo('struct page')]") == "[]\n"


def test_an_object_tells_about_its_members(told):
    before = "s = readSU('struct task_struct', 0)"
    assert told("s['comm'].size, s.PYT_sinfo['pid'].size", before) == "(16, 4)\n"
    assert "KeyError" in told("s['nothing']", before)


# -- variables and functions --

def test_what_a_variable_is(told):
    assert told("(v.name, v.addr == sym2addr('init_task'), v.ctype, v.reader(v.addr).pid)",
                "v = whatis('init_task')") == "('init_task', True, 'struct task_struct', 0)\n"


def test_an_unknown_variable_is_a_type_error(told):
    assert "TypeError: There's no symbol <nothing>" in told("whatis('nothing')")
    assert "TypeError: There's no symbol <nothing>" in told("readSymbol('nothing')")


def test_the_arguments_of_a_function(told):
    assert told("funcargs('vfs_read')") == "['struct file *', 'char *', 'size_t', 'loff_t *']\n"
    assert told("funcargs('nothing'), funcargs('init_task')") == "(None, None)\n"


# -- container_of --

def test_the_struct_around_a_member(told):
    assert told("container_of(s.tasks, 'struct task_struct', 'tasks') == s, "
                "container_of(s.se.run_node, 'struct task_struct', 'se.run_node').pid",
                "s = readSymbol('init_task')") == "(True, 0)\n"


def test_a_struct_around_null_is_a_negative_offset(told):
    assert told("(int(container_of(0, 'struct task_struct', 'tasks')) + "
                "member_offset('struct task_struct', 'tasks')) & LONG_MASK") == "0\n"


def test_a_struct_around_what_it_does_not_have(told):
    assert "KeyError: '<struct task_struct> does not have a field <x> (kernel " in \
        told("container_of(0, 'struct task_struct', 'x')")
    assert "TypeError: no type struct nothing" in told("container_of(0, 'struct nothing', 'x')")
