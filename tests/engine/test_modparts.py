"""Sections, symbols and parameters of modules out of memory that may say anything."""

import struct

import pytest

from tests.engine.btfwriter import at
from tests.engine.world import DATA_BASE, DATA_SIZE, host_image

BAD = 0xdead0000


class Kernel:
    """The types of a struct module, and values for them."""

    def __init__(self, world, new_sections):
        self.world = world
        btf = world.btf
        text = btf.pointer(world.char)
        attribute = btf.struct("attribute", 16, at("name", text))
        binary = btf.struct("bin_attribute", 32, at("attr", attribute),
                            at("private", btf.pointer(0), 16))
        group = btf.struct("attribute_group", 16, at("bin_attrs", world.u64, 8))
        if new_sections:
            attrs = btf.struct("module_sect_attrs", 16, at("grp", group))
        else:
            each = btf.struct("module_sect_attr", 40, at("battr", binary),
                              at("address", world.u64, 32))
            attrs = btf.struct("module_sect_attrs", 24, at("grp", group),
                               at("nsections", world.u32, 16), at("attrs", btf.array(each, 0), 24))
        btf.struct("elf64_sym", 24, at("st_name", world.u32), at("st_value", world.u64, 8),
                   at("st_size", world.u64, 16))
        btf.typedef("Elf64_Sym", btf.next_id() - 1)
        table = btf.struct("mod_kallsyms", 32, at("symtab", world.u64),
                           at("num_symtab", world.u32, 8), at("strtab", world.u64, 16),
                           at("typetab", world.u64, 24))
        ops = btf.struct("kernel_param_ops", 32, at("get", btf.pointer(btf.function(0)), 16))
        param = btf.struct("kernel_param", 40, at("name", text), at("ops", btf.pointer(ops), 16),
                           at("perm", world.u16, 24), at("arg", btf.pointer(0), 32))
        btf.struct("kparam_string", 16, at("maxlen", world.u32), at("string", text, 8))
        btf.struct("kparam_array", 32, at("max", world.u32), at("elemsize", world.u32, 4),
                   at("num", world.u64, 8), at("ops", btf.pointer(ops), 16),
                   at("elem", world.u64, 24))
        btf.struct("module", 128, at("name", btf.array(world.char, 56)),
                   at("sect_attrs", btf.pointer(attrs), 64),
                   at("kallsyms", btf.pointer(table), 72),
                   at("kp", btf.pointer(param), 80), at("num_kp", world.u32, 88))
        world.load()
        self.address = world.place(b"lab".ljust(128, b"\0"))
        self.shown_by = {}

    def module(self, library, **members):
        """The struct module, with members set."""
        where = {"sect_attrs": 64, "kallsyms": 72, "kp": 80, "num_kp": 88}
        for name, value in members.items():
            self.world.write(self.address + where[name], struct.pack("<Q", value))
        return library("pykdump.API").readSU("struct module", self.address)

    def text(self, text):
        return self.world.place(text + b"\0")

    def ops(self, kind):
        """struct kernel_param_ops whose `get` is a function of that name."""
        if kind not in self.shown_by:
            function = 0xffffffff81000000 + 64 * len(self.shown_by)
            host_image.add_symbol(kind, function, 16, "T")
            self.shown_by[kind] = self.world.place(struct.pack("<16xQ8x", function))
        return self.shown_by[kind]

    def param(self, name, kind, arg, perm=0o444):
        return struct.pack("<Q8xQH6xQ", self.text(name), self.ops(kind), perm, arg)


@pytest.fixture
def kernel(world):
    return Kernel(world, new_sections=False)


@pytest.fixture
def parts(library):
    return library("LinuxDump.modparts")


def values(library, kernel, *params):
    first = kernel.world.place(b"".join(params))
    module = kernel.module(library, kp=first, num_kp=len(params))
    return {p.name: p.value for p in library("LinuxDump.modparams").parameters(module)}


# -- sections -----------------------------------------------------------------------------------

def test_sections_come_by_address(kernel, parts, library):
    attrs = kernel.world.place(struct.pack("<16xI4x", 2) + b"".join(
        struct.pack("<Q24xQ", kernel.text(name), address)
        for name, address in ((b".text", 0x2000), (b".data", 0x1000))))
    assert parts.sections(kernel.module(library, sect_attrs=attrs)) \
        == [(".data", 0x1000), (".text", 0x2000)]


def test_sections_of_newer_kernels_end_with_a_null(world, parts, library):
    kernel = Kernel(world, new_sections=True)
    attributes = [world.place(struct.pack("<Q8xQ8x", kernel.text(name), address))
                  for name, address in ((b".text", 0x2000), (b".data", 0x1000))]
    table = world.place(struct.pack("<3Q", *attributes, 0))
    attrs = world.place(struct.pack("<8xQ", table))
    assert parts.sections(kernel.module(library, sect_attrs=attrs)) \
        == [(".data", 0x1000), (".text", 0x2000)]


def test_a_number_of_sections_without_end_is_an_error_that_is_told(kernel, parts, library, capsys):
    attrs = kernel.world.place(struct.pack("<16xI4x", 0xffffffff))
    parts.sections(kernel.module(library, sect_attrs=attrs))
    parts.sections(kernel.module(library, sect_attrs=BAD))
    assert "sections of lab: " in capsys.readouterr().out


# -- symbols ------------------------------------------------------------------------------------

def symbol_table(kernel, symbols, count=None, strings=None):
    names = b"\0" + b"\0".join(name for name, *_rest in symbols) + b"\0"
    rows = b"".join(struct.pack("<I4xQQ", names.index(b"\0" + name + b"\0") + 1, address, size)
                    for name, _kind, address, size in symbols)
    return kernel.world.place(struct.pack(
        "<QI4xQQ", kernel.world.place(rows), len(symbols) if count is None else count,
        kernel.world.place(names) if strings is None else strings,
        kernel.world.place(b"".join(kind for _name, kind, *_rest in symbols))))


def test_symbols_come_by_address_with_size_and_kind(kernel, parts, library):
    table = symbol_table(kernel, [(b"second", b"d", 0x2000, 8), (b"first", b"t", 0x1000, 64)])
    assert parts.symbols(kernel.module(library, kallsyms=table)) \
        == [(0x1000, 64, "t", "first"), (0x2000, 8, "d", "second")]


def test_names_may_end_where_memory_does(kernel, parts, library):
    strings = DATA_BASE + DATA_SIZE - 16
    kernel.world.write(strings, b"\0the_name_of_it\0")
    table = symbol_table(kernel, [(b"the_name_of_it", b"t", 0x1000, 64)], strings=strings)
    assert parts.symbols(kernel.module(library, kallsyms=table)) \
        == [(0x1000, 64, "t", "the_name_of_it")]


@pytest.mark.parametrize("how", [{"count": 0xffffffff}, {"strings": BAD}])
def test_a_damaged_table_of_symbols_is_told(kernel, parts, library, capsys, how):
    table = symbol_table(kernel, [(b"first", b"t", 0x1000, 64)], **how)
    assert parts.symbols(kernel.module(library, kallsyms=table)) == []
    assert "symbols of lab: " in capsys.readouterr().out


# -- parameters ---------------------------------------------------------------------------------

def test_parameters_are_shown_as_sysfs_does(kernel, library):
    world = kernel.world
    numbers = world.place(struct.pack("<iQHBb", -5, 1 << 63, 65535, 1, 0))
    text = world.place(struct.pack("<Q", kernel.text(b"some text")))
    words = world.place(struct.pack("<IIQQQ", 4, 2, world.place(struct.pack("<I", 2)),
                                    kernel.ops("param_get_ushort"), numbers + 12))
    assert values(library, kernel, kernel.param(b"i", "param_get_int", numbers),
                  kernel.param(b"l", "param_get_ulong", numbers + 4),
                  kernel.param(b"y", "param_get_bool", numbers + 14),
                  kernel.param(b"n", "param_get_invbool", numbers + 14),
                  kernel.param(b"h", "param_get_hexint", numbers + 12),
                  kernel.param(b"t", "param_get_charp", text),
                  kernel.param(b"z", "param_get_charp", world.place(bytes(8))),
                  kernel.param(b"a", "param_array_get", words),
                  kernel.param(b"own", "lab_get", numbers)) \
        == {"i": "-5", "l": str(1 << 63), "y": "Y", "n": "N", "h": "0x0001ffff", "t": "some text",
            "z": "(null)", "a": "65535,1", "own": "(?)"}


def test_damaged_parameters_have_no_value(kernel, library):
    world = kernel.world
    arrays = kernel.ops("param_array_get")
    itself = world.place(struct.pack("<IIQQQ", 1 << 31, 4, 0, arrays, BAD))
    long_one = world.place(struct.pack("<IIQQQ", 3, 4, BAD, kernel.ops("param_get_int"), BAD))
    endless = world.place(struct.pack("<I4xQ", 0xffffffff, DATA_BASE + DATA_SIZE - 8))
    world.write(DATA_BASE + DATA_SIZE - 8, b"12345678")
    assert values(library, kernel, kernel.param(b"i", "param_get_int", BAD),
                  kernel.param(b"a", "param_array_get", itself),
                  kernel.param(b"b", "param_array_get", long_one),
                  kernel.param(b"s", "param_get_string", endless)) \
        == {"i": "(?)", "a": "(?)", "b": "(?)", "s": "12345678"}


def test_a_number_of_parameters_without_end_is_told(kernel, library, capsys):
    module = kernel.module(library, kp=BAD, num_kp=0xffffffff)
    assert library("LinuxDump.modparams").parameters(module) == []
    assert "parameters of " in capsys.readouterr().out
