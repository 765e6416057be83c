"""Constants from the text of C headers: CDefine and CEnum."""

import pytest

from pykdump import options
from pykdump.tparser import CDefine, CEnum, parser_header_tabs


@pytest.mark.parametrize("expression, value", [
    ("1", 1), ("0x10", 16), ("0X1F", 31), ("010", 8), ("0b101", 5), ("0", 0),
    ("10U", 10), ("10UL", 10), ("10ull", 10), ("10L", 10), ("10LLU", 10),
    ("(1<<16)", 65536), ("1 << 31", 0x80000000), ("(1UL<<63)", 1 << 63), ("(((3)))", 3),
    ("1|2|4", 7), ("6 & ~2", 4), ("5^1", 4), ("1+2*3", 7), ("(1+2)*3", 9), ("7/2", 3),
    ("-7/2", -3), ("-7%3", -1), ("-1", -1), ("- -1", 1), ("+5", 5), ("!5", 0), ("!0", 1),
    ("~0", -1), ("~0U", 0xffffffff), ("~0UL", (1 << 64) - 1), ("~0ULL", (1 << 64) - 1),
    ("0xffffffff", 0xffffffff), ("~0xffffffff", 0), ("-1U", 0xffffffff), ("0U - 1", 0xffffffff),
    ("1 ? 2 : 3", 2), ("0 ? 2 : 1 ? 4 : 5", 4), ("1 < 2", 1), ("2 >= 3", 0), ("1 == 1 && 0", 0),
    ("0 || 3 != 4", 1), ("1 << 2 + 1", 8),
    ("1 | 2 << 1", 5), ("4 >> 1", 2),
    ("'A'", 65), (r"'\n'", 10), (r"'\0'", 0), (r"'\x41'", 65), (r"'\''", 39),
    ("(int)5", 5), ("(unsigned int)-1", 0xffffffff), ("(unsigned)-1", 0xffffffff),
    ("(u32)-1", 0xffffffff), ("(__u64)-1", (1 << 64) - 1), ("(s8)0xff", -1), ("(u8)0x1ff", 0xff),
    ("(short)0xffff", -1), ("(unsigned long)-1", (1 << 64) - 1), ("(void *)1", 1),
    ("((__force gfp_t)0x10u)", 16), ("(__force fmode_t)(1 << 2)", 4), ("(struct foo *)8", 8),
    ("(unsigned short)~0", 0xffff), ("(__le16)0x12345", 0x2345), ("(unsigned char)300", 44),
    ("((pgprot_t)3)", 3), ("(size_t)-1", (1 << 64) - 1), ("(long)-1", -1),
    ("sizeof(int)", 4), ("sizeof(unsigned long) * 8", 64), ("sizeof(void *)", 8),
    ("BIT(3)", 8), ("BIT_ULL(40)", 1 << 40), ("_BITUL(5)", 32), ("_AC(1,UL) << 4", 16),
    ("GENMASK(7, 4)", 0xf0), ("UL(1)<<3", 8),
])
def test_the_value_of_an_expression(expression, value):
    assert CDefine(f"#define X {expression}") == {"X": value}


@pytest.mark.parametrize("expression, reason", [
    ('"text"', "a text is no number"), ("1.5", "unexpected '1.5'"), ("1 +", "not complete"),
    ("(1", "is missing"), ("UNKNOWN", "UNKNOWN is not known"), ("f(1)", "f is not known"),
    ("1/0", "division by zero"), ("1 % 0", "division by zero"), ("1 << 70", "shifted by 70"),
    ("1 2", "unexpected '2'"), ("do { } while (0)", "unexpected '{ } while (0)'"),
    ("08", "no number"),
    ("12abc", "unexpected '12abc'"), ("BIT(1,2)", "2 arguments"), ("BIT(1", "is missing"),
    ("sizeof(foo_t)", "size is not known"), ("1 ? 2", "is missing"), ("@", "unexpected '@'"),
    ("X", "X is not known"), ("Y", "Y is not known"), ("(" * 300 + "1" + ")" * 300, "nested"),
])
def test_what_is_no_constant_is_kept_with_its_line_and_a_reason(expression, reason):
    defines = CDefine(f"#define A 1\n#define X {expression}\n#define B 2")
    assert defines == {"A": 1, "B": 2}
    [(line, text, why)] = defines.skipped
    assert (line, text) == (2, f"#define X {expression}")
    assert reason in why


def test_macros_that_need_each_other_are_left_out():
    defines = CDefine("#define A B\n#define B A\n#define C 1")
    assert defines == {"C": 1}
    assert [line for line, _text, _reason in defines.skipped] == [1, 2]


def test_a_flag_and_a_macro_with_parameters_are_no_constants():
    defines = CDefine("#define _LINUX_FS_H\n#define F(x) ((x) + 1)\n#define A F(2)\n")
    assert defines == {"A": 3}
    assert defines.skipped == []


def test_parameters_are_replaced_as_text():
    assert CDefine("#define D(x) x*2\n#define A D(1+2)\n#define P(a,b) a##b\n#define B P(1,2)") \
        == {"A": 5, "B": 12}


def test_names_may_be_used_before_and_after_they_are_defined():
    assert CDefine("#define ALL (A | B)\n#define A 1\n#define B (A << 1)\n") \
        == {"ALL": 3, "A": 1, "B": 2}


def test_names_that_are_known_from_elsewhere():
    assert CDefine("#define A (PAGE + 1)", {"PAGE": 4096}) == {"A": 4097}


def test_comments_of_both_kinds_are_no_part_of_the_text():
    assert CDefine("""
#define A 1     // one
#define B /* two */ 2   /* and
   more */
#define C 3 /* in the
 middle */ + 1
// #define D 4
/* #define E 5 */
#define F '/' // a comment
#define G 1 \\
   /* over */ + \\
   2
  #  define H 7
""") == {"A": 1, "B": 2, "C": 4, "F": 47, "G": 3, "H": 7}


def test_line_numbers_count_the_lines_of_the_text():
    defines = CDefine("/* a\n comment */\n#define A 1 \\\n  + 2\n#define B bad\nthis is text\n")
    assert defines == {"A": 3}
    assert [(line, text) for line, text, _reason in defines.skipped] \
        == [(5, "#define B bad"), (6, "this is text")]


def test_a_comment_without_end_is_told():
    defines = CDefine("#define A 1\n/* never closed\n#define B 2\n")
    assert defines == {"A": 1}
    assert defines.skipped == [(2, "/* never closed", "a comment without end")]


def test_conditions_choose():
    defines = CDefine("""
#ifndef _HEADER
#define _HEADER
#ifdef CONFIG_X
#define A 1
#elif defined(__KERNEL__) && !defined CONFIG_Y
#define A 2
#else
#define A 3
#endif
#if IS_ENABLED(CONFIG_Z) || 0
#define B 1
#endif
#endif
#define C 1
""")
    assert defines == {"A": 2, "C": 1}
    assert [line for line, _text, _reason in defines.skipped] == [5, 9, 12]


def test_a_name_can_be_undefined_and_defined_again():
    assert CDefine("#define A 1\n#define B 2\n#undef A\n#define B 3\n") == {"B": 3}


def test_includes_are_passed_over_and_other_directives_told():
    defines = CDefine("#include <linux/fs.h>\n#pragma once\n#error no\n#define A 1\n#endif\n")
    assert defines == {"A": 1}
    assert [line for line, _text, _reason in defines.skipped] == [3, 5]


def test_constants_are_items_and_attributes():
    defines = CDefine("#define A 1\n#define B 1\n#define C 4\n")
    assert (defines.A, defines["C"], "A" in defines, "D" in defines) == (1, 4, True, False)
    assert type(defines.A) is int
    with pytest.raises(KeyError):
        defines["D"]
    with pytest.raises(AttributeError):
        defines.D


def test_the_name_of_a_value_is_the_last_one():
    defines = CDefine("#define PF_LOCAL 1\n#define PF_FILE PF_LOCAL\n#define PF_INET 2\n")
    assert (defines.value2key(1), defines.value2key(2), defines.value2key(3)) \
        == ("PF_FILE", "PF_INET", None)


def test_an_attribute_can_be_added_that_is_no_item():
    defines = CDefine("#define A 1\n")
    defines.B = 2
    assert (defines.B, dict(defines)) == (2, {"A": 1})


def test_what_is_left_out_is_reported_with_debug_on(capsys, monkeypatch):
    CDefine("#define A a\n")
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(options.API_options, "debug", 1)
    CDefine("#define A a\n")
    assert capsys.readouterr().out == \
        "C text, line 1: <#define A a> is left out: a is not known\n"


def test_macros_that_double_without_end_are_stopped():
    text = "#define X0 1\n" + "".join(f"#define X{i + 1} (X{i}+X{i})\n" for i in range(60))
    defines = CDefine(text)
    assert defines.X5 == 32
    assert "never end" in defines.skipped[-1].reason


def test_a_long_chain_of_names_is_followed_as_far_as_it_goes():
    text = "#define X0 1\n" + "".join(f"#define X{i + 1} X{i}\n" for i in range(2000))
    defines = CDefine(text)
    assert defines.X50 == 1 and "nested" in defines.skipped[-1].reason


def test_windows_line_ends_and_nothing_at_all():
    assert CDefine("#define A 1\\\r\n + 1\r\n#define B 3\r\n") == {"A": 2, "B": 3}
    assert CDefine("") == {}


# -- CEnum --

TCP = """
enum {
    TCP_ESTABLISHED = 1,    /* up */
    TCP_SYN_SENT,
    TCP_LISTEN = 10,
    TCP_CLOSING,            // Now a valid state
    TCP_MAX_STATES          /* Leave at the end! */
};
"""


def test_enumerators_are_attributes_and_values_give_names():
    states = CEnum(TCP)
    assert (states.TCP_ESTABLISHED, states.TCP_SYN_SENT, states.TCP_MAX_STATES) == (1, 2, 12)
    assert (states[10], states.getByName("TCP_CLOSING")) == ("TCP_LISTEN", 11)
    assert states.getAllNames() == ["TCP_ESTABLISHED", "TCP_SYN_SENT", "TCP_LISTEN",
                                    "TCP_CLOSING", "TCP_MAX_STATES"]
    assert (states.lookup[2], states.lookup(2), states.vals["TCP_LISTEN"]) \
        == ("TCP_SYN_SENT", "TCP_SYN_SENT", 10)
    assert states.skipped == []


def test_what_an_enum_does_not_have():
    states = CEnum(TCP)
    with pytest.raises(KeyError):
        states[99]
    with pytest.raises(AttributeError):
        states.TCP_NONE
    with pytest.raises(KeyError):
        states.getByName("TCP_NONE")


@pytest.mark.parametrize("text, values", [
    ("A, B, C", {"A": 0, "B": 1, "C": 2}),
    ("enum x { A }", {"A": 0}),
    ("enum x { A = -1, B, };", {"A": -1, "B": 0}),
    ("enum { A = 1 << 4, B = A | 1, C = (A + B) * 2 }", {"A": 16, "B": 17, "C": 66}),
    ("typedef enum x\n{\n  A = 0x10,\n  B = 'b'\n} x_t;", {"A": 16, "B": 98}),
    ("enum { A = 5, B = A, C }", {"A": 5, "B": 5, "C": 6}),
    ("enum { A __attribute__((deprecated)) = 3, B }", {"A": 3, "B": 4}),
    ("enum { A = (1, 2) ? 3 : 4, B }", {}),
    ("#define BASE 100\nenum { A = BASE, B }", {"A": 100, "B": 101}),
    ("enum {\n A = 1,\n#define A A\n B = 2,\n#define B B\n}", {"A": 1, "B": 2}),
    ("enum { A, B };\nenum { C, D };", {"A": 0, "B": 1, "C": 0, "D": 1}),
    ("enum {\n#ifdef CONFIG_X\n A,\n#endif\n B }", {"B": 0}),
    ("enum { A = BIT(4), B = (u8)-1 }", {"A": 16, "B": 255}),
    ("", {}), ("enum { };", {}),
])
def test_forms_of_enums(text, values):
    assert CEnum(text).vals == values


def test_what_is_not_known_is_left_out_and_what_follows_from_it():
    states = CEnum("enum {\n A,\n B = NR_CPUS,\n C,\n D = 7,\n E,\n 5x\n}")
    assert states.vals == {"A": 0, "D": 7, "E": 8}
    assert [line for line, _text, _reason in states.skipped] == [3, 4, 7]


def test_the_first_of_several_names_is_that_of_a_value():
    assert CEnum("A = 1, B = 1")[1] == "A"


def test_names_known_from_elsewhere_can_be_used_in_an_enum():
    assert CEnum("A = N, B", {"N": 3}).vals == {"A": 3, "B": 4}


# -- tables --

def test_rows_of_a_table_by_the_names_in_its_head():
    assert parser_header_tabs("NAME   SIZE  USED BY\nfoo       1  bar,baz\nxx     22\n") == [
        {"NAME": "foo", "SIZE": "1", "USED BY": "bar,baz"},
        {"NAME": "xx", "SIZE": "22", "USED BY": ""}]


def test_a_table_with_separators():
    assert parser_header_tabs("A\tB\n1\t2 3\n\n", "\t") == [{"A": "1", "B": "2 3"}]
    assert parser_header_tabs("") == []
