"""Pseudo-attributes: names that programs give to what kernels keep in different places."""

import pytest

TASK = "t = readSU('struct task_struct', sym2addr('init_task'))\n"


@pytest.fixture
def told(told):
    """The same, with a task `t`."""
    return lambda expression, before="": told(expression, TASK + before)


def test_the_first_chain_that_fits_is_chosen(told):
    assert told("structSetAttr('struct task_struct', 'A1', ['nothing', 'mm.nothing', 'comm', "
                "'pid']), t.A1") == "(True, 'swapper/0')\n"


def test_a_chain_follows_pointers_and_embedded_structs(told):
    assert told("structSetAttr('struct task_struct', 'A2', 'group_leader.se.on_rq'), "
                "t.A2 == t.group_leader.se.on_rq") == "(True, True)\n"


def test_an_empty_chain_is_the_struct_itself(told):
    assert told("structSetAttr('struct task_struct', 'A3', ['nothing', '']), t.A3 == t") \
        == "(True, True)\n"


def test_what_this_kernel_does_not_have_is_false(told):
    assert told("structSetAttr('struct task_struct', 'A4', ['nothing']), "
                "structSetAttr('struct nothing', 'A4', 'pid'), t.hasField('A4')") \
        == "(False, False, False)\n"
    assert "KeyError" in told("t.A4")


def test_a_pseudo_attribute_is_a_field(told):
    assert told("t.hasField('A5'), t.hasField('A6'), t.hasField('A7')",
                "structSetAttr('struct task_struct', 'A5', 'pid')\n"
                "structSetAttr('struct task_struct', 'A6', 'group_leader.pid')\n") \
        == "(True, True, False)\n"


def test_a_pseudo_attribute_comes_before_a_member(told):
    assert told("zone.tz_dsttime == zone, zone.Eval('tz_dsttime') == zone",
                "structSetAttr('struct timezone', 'tz_dsttime', '')\n"
                "zone = readSymbol('sys_tz')\n") == "(True, True)\n"


def test_other_structs_get_the_attribute_too(told):
    assert told("structSetAttr('struct sock', 'A8', 'sk_err', ['struct inet_sock', "
                "'struct nothing']), readSU('struct inet_sock', 0).hasField('A8')") \
        == "(True, True)\n"


def test_a_function_computes_the_value(told):
    assert told("structSetProcAttr('struct task_struct', 'A9', lambda s: s.comm.upper()), t.A9, "
                "structSetProcAttr('struct nothing', 'A9', id)") == "(True, 'SWAPPER/0', False)\n"


def test_the_value_can_be_told_in_the_info_of_the_struct(told):
    assert told("i['A10'].offset == i['pid'].offset, i['A11'], 'A12' in i",
                "structSetAttr('struct task_struct', 'A10', 'pid')\n"
                "structSetAttr('struct task_struct', 'A11', 'group_leader.pid')\n"
                "i = getStructInfo('struct task_struct')") == "(True, None, False)\n"


def test_an_offset_is_that_of_the_member_at_the_end_of_the_chain(told):
    assert told("getStructInfo('struct task_struct')['A13'].offset == "
                "member_offset('struct task_struct', 'se.on_rq')",
                "structSetAttr('struct task_struct', 'A13', 'se.on_rq')") == "True\n"


# -- AttrSetter --

def test_an_assignment_names_it_in_all_structs(told):
    assert told("a.B1, a.B2, a.B3, readSU('struct inet_sock', 0).hasField('B1'), "
                "readSU('struct sock', 0).hasField('B1')",
                "a = AttrSetter('struct sock', 'struct inet_sock')\n"
                "a.B1 = 'sk_err', 'sk.sk_err'\na.B2 = ['nothing']\na.B3 = lambda s: 5\n") \
        == "(True, False, True, True, True)\n"


def test_a_chain_of_the_common_part_of_sockets(told):
    assert told("a.B4, a.B5, readSU('struct unix_sock', 0).hasField('B4')",
                "a = AttrSetter('struct unix_sock')\na.B4 = 'SKC.skc_family'\n"
                "a.B5 = 'SKC.nothing'") == "(True, False, True)\n"


def test_what_was_never_assigned_is_no_attribute(told):
    assert "AttributeError" in told("AttrSetter('struct sock').B9")


# -- what becomes of them --

def test_they_live_on_in_the_next_command(told):
    told("structSetAttr('struct task_struct', 'C1', 'comm')")
    assert told("t.C1") == "'swapper/0'\n"


def test_they_are_chosen_again_when_types_change(told):
    assert told("t.C2, purge_typeinfo(), t.C2, readSU('struct task_struct', int(t)).C2",
                "structSetAttr('struct task_struct', 'C2', 'comm')") \
        == "('swapper/0', None, 'swapper/0', 'swapper/0')\n"


def test_a_reloaded_module_gives_its_attributes_again(crash, told):
    crash.program("from pykdump.API import structSetAttr\n"
                  "structSetAttr('struct task_struct', 'C3', 'comm')\n"
                  "structSetAttr('struct task_struct', 'C4', 'pid')\n", "giving.py")
    assert told("str(t.C3), t.C4", "import giving") == "('swapper/0', 0)\n"
    crash.program("from pykdump.API import structSetAttr\n"
                  "structSetAttr('struct task_struct', 'C3', 'pid')\n", "giving.py")
    crash.program(f"from pykdump.API import *\nimport giving\n{TASK}"
                  "try:\n    print(t.C3, t.C4)\nexcept KeyError as err:\n    print(t.C3, err)\n")
    text = crash.run("epython prog --reload")
    assert text.startswith("0 '<struct task_struct> does not have a field <C4> (kernel ")


def test_a_registration_replaces_the_one_before(told):
    assert told("one, t.C5", "structSetAttr('struct task_struct', 'C5', 'comm')\none = t.C5\n"
                "structSetAttr('struct task_struct', 'C5', 'pid')") == "('swapper/0', 0)\n"
