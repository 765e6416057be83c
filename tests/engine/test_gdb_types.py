"""Types from what gdb prints: as recorded, as another gdb prints it, and damaged."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine import gdbtext
from tests.engine.btfwriter import at
from tests.engine.world import DATA_BASE, World, crash, host_image, pykdump

ERRORS = (TypeError, KeyError, IndexError, crash.error)


@pytest.fixture
def gdb(world: World):
    """A function that lets gdb give these answers, and nobody else any."""
    def answer(changes: dict[str, str | None] | None = None) -> None:
        for line, text in {**gdbtext.ANSWERS, **(changes or {})}.items():
            if text is not None:
                host_image.add_command(line, text.encode(), gdb=True)
    return answer


def members(name: str) -> dict:
    return {member[0]: member[1:] for member in pykdump.type_members(name)}


def described(text: str) -> tuple:
    return pykdump.describe_expression(text)


# ---- what gdb says of structs ---------------------------------------------------------------

@pytest.mark.parametrize("text", [gdbtext.IPHDR, gdbtext.IPHDR_16], ids=["gdb 10", "gdb 16"])
def test_members_of_unions_and_bit_fields_are_where_they_are(gdb, text):
    gdb({"ptype /o struct iphdr": text})
    assert pykdump.type_size("struct iphdr") == 20
    assert pykdump.type_members("struct iphdr") == [
        ("ihl", 0, 4, "__u8", 1), ("version", 4, 4, "__u8", 1), ("tos", 8, 0, "__u8", 1),
        ("tot_len", 16, 0, "__be16", 2), ("id", 32, 0, "__be16", 2),
        ("frag_off", 48, 0, "__be16", 2), ("ttl", 64, 0, "__u8", 1),
        ("protocol", 72, 0, "__u8", 1), ("check", 80, 0, "__sum16", 2),
        ("saddr", 96, 0, "__be32", 4), ("daddr", 128, 0, "__be32", 4),
        ("addrs", 96, 0, "struct {...}", 8)]
    header = pykdump.readSU("struct iphdr", DATA_BASE)
    host_image.write(DATA_BASE, bytes([0x45]) + bytes(11) + struct.pack("<II", 1, 2))
    assert (header.ihl, header.version, header.addrs.daddr) == (5, 4, 2)


def test_gdb_is_asked_again_for_what_is_behind_an_array(gdb):
    gdb()
    assert members("struct cryptomgr_param")["attrs"] == (284 * 8, 0, "struct {...} [32]", 4224)
    *_, target, _content = pykdump.describe_type("struct cryptomgr_param")[6][2][3]
    assert [member[:2] for member in target[6]] == [("attr", 0), ("data", 32)]


def test_what_is_described_in_place_needs_no_question(gdb):
    gdb()
    assert pykdump.type_size("struct cryptomgr_param") == 4656
    assert members("struct cryptomgr_param")["type"][3] == 12
    assert members("struct rtattr") == {"rta_len": (0, 0, "short unsigned int", 2),
                                        "rta_type": (16, 0, "short unsigned int", 2)}


def test_everything_that_a_member_can_be(gdb):
    gdb()
    assert members("struct mixed") == {
        "orig_proto": (0, 8, "enum {...}", 4), "sign": (32, 0, "enum minus", 4),
        "open": (64, 0, "(func) *", 8), "groups": (128, 0, "struct attribute_group **", 8),
        "folios": (192, 0, "struct list_head [4][1][5]", 320),
        "table": (344 * 8, 0, "unsigned char (*)[16]", 8), "flag": (352 * 8, 0, "bool", 1),
        "archdata": (353 * 8, 0, "struct dev_archdata", 0), "get": (360 * 8, 0, "(func) *", 8),
        "opaque": (368 * 8, 0, "struct nowhere *", 8),
        "wide": (376 * 8, 0, "__int128 unsigned", 16), "counter": (392 * 8, 0, "long int", 8),
        "tail": (400 * 8, 0, "atomic_t [0]", 0)}
    content = {member[0]: member[3] for member in pykdump.describe_type("struct mixed")[6]}
    assert content["orig_proto"][6] == [("BRNF_PROTO_UNCHANGED", 0), ("BRNF_PROTO_8021Q", 5),
                                        ("LAST", 6)]
    assert content["sign"][3] and content["sign"][6][:2] == [("MINUS", -2), ("NEXT", -1)]
    assert [each[5][1] for each in content["open"][5][6]] == ["inode", "file"]
    assert content["opaque"][5] == ("struct", "nowhere", 0, False, 0, None, None)


def test_places_that_gdb_shows_in_another_form_only(gdb):
    gdb()
    assert members("struct geneve_opt") == {
        "opt_class": (0, 0, "__be16", 2), "type": (16, 5, "__u8", 1), "r1": (21, 3, "__u8", 1),
        "opt_data": (24, 0, "__u8 [0]", 0)}
    assert pykdump.type_size("struct geneve_opt") == 4


def test_members_without_places_are_no_members(gdb):
    gdb({"ptype /o struct geneve_opt(void)": gdbtext.DYNAMIC})
    with pytest.raises(TypeError, match="does not tell where the members of struct geneve_opt"):
        members("struct geneve_opt")


def test_an_enum_is_signed_when_a_value_is_negative(gdb):
    gdb()
    assert pykdump.type_enumerators("enum minus") == {"MINUS": -2, "NEXT": -1, "ZERO": 0, "BIG": 7}
    host_image.write(DATA_BASE, struct.pack("<i", -2))
    assert pykdump.read_value("enum minus", DATA_BASE) == -2


# ---- names ----------------------------------------------------------------------------------

def test_typedefs_are_followed_one_by_one(gdb):
    gdb()
    kind, name, size, _signed, _length, target, _content = pykdump.describe_type("u32")
    assert (kind, name, size) == ("typedef", "u32", 4)
    assert target[:2] == ("typedef", "__u32") and target[5][:3] == ("int", "unsigned int", 4)
    assert pykdump.describe_type("iphdr")[5][:2] == ("struct", "iphdr")
    assert pykdump.describe_type("atomic_t")[5][6][0][0] == "counter"


@pytest.mark.parametrize("name", [
    "struct nope", "union nope", "enum nope", "nope_t", "jiffies", "loop_a", "itself", "gone_t",
    "struct nowhere", "enum declared", "struct a;b", "struct", "int x", "struct {int a;}", "",
    "struct " + "x" * 999], ids=lambda name: repr(name[:20]))
def test_what_is_no_type_is_none(gdb, name):
    gdb()
    with pytest.raises(TypeError):
        pykdump.type_size(name)


def test_nothing_is_asked_twice(gdb, world):
    gdb()
    with pytest.raises(TypeError):
        pykdump.type_size("struct later")
    assert pykdump.variable_type("later") is None
    host_image.add_command("output/d sizeof(struct later)", b"8", gdb=True)
    host_image.add_command("whatis &later", b"type = int *\n", gdb=True)
    with pytest.raises(TypeError):
        pykdump.type_size("struct later")
    assert pykdump.variable_type("later") is None


def test_variables_and_functions(gdb):
    gdb()
    assert pykdump.variable_type("jiffies") == "long unsigned int"
    assert pykdump.variable_type("unknown") is None
    assert pykdump.variable_type("schedule") is None
    assert pykdump.variable_type("u32") is None
    assert described("schedule")[0] == "function"
    assert described("lonely")[6][0][0] == "alone"


def test_types_cannot_be_listed(gdb):
    gdb()
    with pytest.raises(TypeError, match="cannot list"):
        pykdump.type_names("struct")


def test_without_an_answer_of_gdb_there_are_no_types(world):
    with pytest.raises(TypeError, match="gdb knows no types"):
        pykdump.type_size("struct list_head")


# ---- expressions, with types of another source ------------------------------------------------

@pytest.fixture
def expression(world: World):
    """A function: the type of something that gdb calls so, in a world that has types."""
    inner = world.btf.struct("s", 8, at("x", world.s32))
    world.btf.typedef("t", inner)
    world.btf.enum("e", {"E": 1})
    world.load()
    world.count = 0
    host_image.add_command("whatis struct list_head", b"type = struct list_head\n", gdb=True)

    def ask(text: str) -> tuple:
        world.count += 1
        host_image.add_command(f"whatis {world.count} + x", f"type = {text}\n".encode(), gdb=True)
        return described(f"{world.count} + x")
    return ask


def kinds(description: tuple | None) -> list:
    """From outside in."""
    found = []
    while description:
        found.append((description[0], description[4]) if description[0] == "array"
                     else description[1] or description[0])
        description = description[5]
    return found


@pytest.mark.parametrize("text, expected", [
    ("int", ["int"]), ("unsigned long", ["long unsigned int"]), ("const char [204]",
                                                                 [("array", 204), "char"]),
    ("struct s **", ["pointer", "pointer", "s"]), ("t *[4]", [("array", 4), "pointer", "t", "s"]),
    ("enum e", ["e"]), ("void (*)(void)", ["pointer", "function", "void"]),
    ("int (*)[4]", ["pointer", ("array", 4), "int"]), ("long (long)", ["function", "long int"]),
    ("int (*(*)(int))(struct s *)", ["pointer", "function", "pointer", "function", "int"]),
    ("int (*[3][2])(void)", [("array", 3), ("array", 2), "pointer", "function", "int"]),
    ("volatile struct s * const", ["pointer", "s"]), ("_Bool", ["_Bool"]),
    ("unsigned __int128", ["__int128 unsigned"]), ("char []", [("array", 0), "char"]),
])
def test_any_declaration_is_understood(expression, text, expected):
    assert kinds(expression(text)) == expected


def test_parameters_are_told(expression):
    assert [kinds(each) for each in expression("int (*)(struct s *, t, ...)")[5][6]] == [
        ["pointer", "s"], ["t", "s"]]


@pytest.mark.parametrize("text", [
    "", "struct", "int [", "int (*", "int )", "<data variable, no debug info>", "struct nope",
    "int" + "*" * 17, "int " + "(" * 5000, "struct s {" * 5000, "[3]", "*", "int [3", "1", "}",
    "/*", "int" + "[9999999]" * 5000, "x" * 300, "struct s::t", "{...}",
], ids=lambda text: repr(text[:20]))
def test_what_is_no_declaration_is_an_error(expression, text):
    with pytest.raises(TypeError):
        expression(text)


def test_functions_that_take_functions_that_take_functions_end(expression):
    text = "int"
    for _ in range(500):
        text = f"int (*)({text})"
    assert expression(text)[0] == "pointer"


@given(st.text(alphabet="int structse*[]()<>{}.,;:=/-0129\n", max_size=200))
@settings(max_examples=300)
def test_no_text_does_harm(text):
    world = World()
    world.load()
    host_image.add_command("whatis struct list_head", b"type = struct list_head\n", gdb=True)
    host_image.add_command("whatis x+x", f"type = {text}".encode(), gdb=True)
    try:
        described("x+x")
    except ERRORS:
        pass


# ---- damage ---------------------------------------------------------------------------------

def explore(name: str) -> None:
    for ask in (pykdump.type_size, pykdump.type_members, pykdump.describe_type,
                pykdump.type_enumerators, lambda name: repr(pykdump.read_value(name, DATA_BASE))):
        try:
            ask(name)
        except ERRORS:
            pass


def damaged(text: str, cuts: list[tuple[int, int, str]]) -> str:
    for start, length, new in cuts:
        place = start % (len(text) + 1)
        text = text[:place] + new + text[place + length:]
    return text


pieces = st.sampled_from(["", "{", "}", ";", "*", "[", "]", "(", ")", "/*", "*/", ":", "|", "<",
                          ">", "99999999999999999999", "struct ", "enum ", "union {", "...", "-",
                          "=", "/* 7 | 8 */", "/* 1: 99 | 0 */", "\0", "\x80"])
cuts = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 40), pieces), min_size=1, max_size=4)


@given(st.sampled_from(["struct mixed", "struct iphdr", "struct cryptomgr_param", "enum minus"]),
       cuts)
@settings(max_examples=300)
def test_a_damaged_answer_does_no_harm(name, changes):
    World()
    line = f"ptype {name}" if name.startswith("enum") else f"ptype /o {name}"
    for known, text in gdbtext.ANSWERS.items():
        if known == line:
            text = damaged(text, changes)
        host_image.add_command(known, text.encode("latin-1"), gdb=True)
    explore(name)


@pytest.mark.parametrize("body", [
    "struct {" * 5000 + "};" * 5000, "/* 0 | 8 */ struct {" * 100 + "int x; " + "} a;" * 100,
    "int x" + "[4294967296]" * 3 + ";", "/* 0 | 4 */ int " + ", ".join("abc") + ";",
    "/* 0 | 4 */ struct mixed again;", "/* 0 | 400 */ struct mixed { int x; } again;",
    "/* 18446744073709551615 | 8 */ int x;", "/* 0 | 8 */ int x : 4000000000;", "int x;" * 70000,
    "/* 0 | 8 */ enum {" + "A = 9223372036854775807, B" + "} e;", "/* 0 | 0 */ struct nope x[];",
    "/* 0 | 8 */ struct {...} x;", "/* 0 | 8 */ struct {...} *x[3];", "<", "<unfinished", "int",
    "/* 8 | 8 */ struct { /* 0 | 8 */ int before; } x;",
], ids=lambda text: repr(text[:30]))
def test_an_answer_made_to_hurt_does_not(gdb, body):
    text = f"type = struct mixed {{\n{body}\n/* total size: 400 bytes */ }}\n"
    gdb({"ptype /o struct mixed": text})
    explore("struct mixed")


def test_a_function_that_takes_itself_is_described_to_some_depth(world):
    function = world.btf.next_id() + 1
    pointer = world.btf.pointer(function)
    assert world.btf.function(world.s32, pointer, pointer, pointer) == function
    world.btf.typedef("f", function)
    world.load()
    assert pykdump.describe_type("f")[5][0] == "function"
