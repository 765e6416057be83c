"""Tables of settings that are damaged, and values of every kind."""

import struct

import pytest

from tests.engine.btfwriter import at
from tests.engine.world import host_image

TABLE, NODE, HEADER = 48, 32, 48
ROOT = HEADER           # where the tree of a ctl_dir is
DIRECTORY, FILE, LINK = 0o040555, 0o100644, 0o120777
BAD = 0xdead0000


class Tables:
    """The types of settings, and settings; whose tables tell their sizes, or do not."""

    def __init__(self, world, sized):
        self.world, self.sized, self.handlers = world, sized, {}
        btf = world.btf
        text = btf.pointer(world.char)
        node = btf.struct("rb_node", 24, at("__rb_parent_color", world.u64),
                          at("rb_right", world.u64, 8), at("rb_left", world.u64, 16))
        tree = btf.struct("rb_root", 8, at("rb_node", btf.pointer(node)))
        table = btf.pointer(btf.struct(
            "ctl_table", TABLE, at("procname", text), at("data", btf.pointer(0), 8),
            at("maxlen", world.s32, 16), at("mode", world.u16, 20),
            at("proc_handler", btf.pointer(btf.function(0)), 24)))
        # each knows the other
        to_header = btf.pointer(btf.next_id() + 3)
        entry = btf.struct("ctl_node", NODE, at("node", node), at("header", to_header, 24))
        to_entry = btf.pointer(entry)
        members = [at("ctl_table", table), at("node", to_entry, 16)]
        if sized:
            members.append(at("ctl_table_size", world.s32, 8))
        header = btf.struct("ctl_table_header", HEADER, *members)
        directory = btf.struct("ctl_dir", HEADER + 8, at("header", header), at("root", tree, ROOT))
        kept = btf.struct("ctl_table_set", HEADER + 16, at("dir", directory, 8))
        btf.struct("ctl_table_root", HEADER + 16, at("default_set", kept))
        world.load()
        self.root = world.place(bytes(HEADER + 16)) + 8
        host_image.add_symbol("sysctl_table_root", self.root - 8)

    def handler(self, name):
        """The address of a function of that name."""
        if name not in self.handlers:
            self.handlers[name] = 0xffffffff81000000 + 64 * len(self.handlers)
            host_image.add_symbol(name, self.handlers[name], 16, "T")
        return self.handlers[name]

    def entry(self, name, mode=FILE, data=0, length=0, handler="proc_dointvec"):
        """The bytes of a ctl_table."""
        return struct.pack("<QQiHxxQ16x", self.world.place(name + b"\0"), data, length, mode,
                           self.handler(handler))

    def fill(self, directory, entries, header=0):
        """Puts settings into a ctl_dir, each the left child of the one before; their nodes."""
        world = self.world
        nodes = world.place(bytes(NODE * len(entries)))
        header = header or world.place(bytes(HEADER + 8))
        world.write(header, struct.pack("<Qi4xQ", world.place(b"".join(entries)), len(entries),
                                        nodes))
        for index in range(len(entries)):
            here, last = nodes + index * NODE, index + 1 == len(entries)
            parent = here - NODE if index else 0
            world.write(here, struct.pack("<QQQQ", parent | 1, 0, 0 if last else here + NODE,
                                          header))
        world.write(directory + ROOT, struct.pack("<Q", nodes))
        return nodes, header

    def setting(self, handler, data, length=None, name=b"it"):
        """Only one setting, of some bytes."""
        self.fill(self.root, [self.entry(name, FILE, self.world.place(data),
                                         len(data) if length is None else length, handler)])


@pytest.fixture(params=[True, False], ids=["sized", "unsized"])
def tables(request, world):
    return Tables(world, request.param)


@pytest.fixture
def sysctl(library, monkeypatch):
    module = library("LinuxDump.sysctl")
    monkeypatch.setattr(module, "ticks_per_second", lambda: 250)
    return module


def texts(sysctl):
    return {setting.name: setting.text for setting in sysctl.settings()}


def test_settings_have_the_names_of_their_directories(tables, sysctl):
    _nodes, inner = tables.fill(tables.root, [tables.entry(b"net", DIRECTORY)])
    value = tables.world.place(struct.pack("<i", -3))
    tables.fill(inner, [tables.entry(b"b", FILE, value, 4), tables.entry(b"eth0.1", FILE, value, 4),
                        tables.entry(b"elsewhere", LINK)])
    assert texts(sysctl) == {"net.b": "-3", "net.eth0/1": "-3"}


@pytest.mark.parametrize("handler, data, text", [
    ("proc_dointvec", struct.pack("<3i", 1, -2, 3), "1\t-2\t3"),
    ("proc_douintvec_minmax", struct.pack("<I", 1 << 31), str(1 << 31)),
    ("proc_doulongvec_minmax", struct.pack("<2Q", 1 << 63, 1), f"{1 << 63}\t1"),
    ("proc_dointvec_jiffies", struct.pack("<i", -500), "-2"),
    ("proc_dointvec_ms_jiffies", struct.pack("<i", 250), "1000"),
    ("proc_dointvec_userhz_jiffies", struct.pack("<i", 250), "100"),
    ("proc_doulongvec_ms_jiffies_minmax", struct.pack("<Q", 500), "2000"),
    ("proc_dou8vec_minmax", b"\xff", "255"),
    ("proc_dobool", b"\1\0\0\0", "1"),
    ("proc_do_static_key", struct.pack("<iiQ", 2, 0, 0), "1"),
    ("proc_dostring", b"a \x1b text\0more", "a \\x1b text"),
    ("dirty_bytes_handler", struct.pack("<Q", 4096), "4096"),
    ("lab_handler", struct.pack("<i", 7), "7"),
    ("lab_handler", bytes(24), "(?)"),
    ("proc_nr_files", bytes(24), "(?)"),
    ("proc_dointvec", b"\1\2", "(?)")])
def test_what_shows_a_setting_tells_what_it_is(tables, sysctl, handler, data, text):
    tables.setting(handler, data)
    assert texts(sysctl) == {"it": text}


def test_bitmaps_are_ranges(tables, sysctl):
    bits = tables.world.place(bytes([0b00001110, 0b10000001]))
    tables.setting("proc_do_large_bitmap", struct.pack("<Q", bits), length=16)
    assert texts(sysctl) == {"it": "1-3,8,15"}


@pytest.mark.parametrize("handler", ["proc_dointvec", "proc_dostring", "proc_do_large_bitmap",
                                     "proc_doulongvec_minmax"])
@pytest.mark.parametrize("data, length", [(0, 4), (BAD, 8), (BAD, 0x7fffffff), (8, -1)])
def test_data_that_cannot_be_read_has_no_value(tables, sysctl, handler, data, length):
    tables.fill(tables.root, [tables.entry(b"it", FILE, data, length, handler)])
    assert texts(sysctl) == {"it": "(?)"}


def test_a_directory_in_itself_ends(tables, sysctl, capsys):
    tables.fill(tables.root, [tables.entry(b"again", DIRECTORY)], header=tables.root)
    assert sysctl.getCtlTables() == {}
    assert "is in itself" in capsys.readouterr().out


def test_a_node_that_is_of_another_table_is_told(tables, sysctl, capsys):
    nodes, header = tables.fill(tables.root, [tables.entry(b"it")])
    tables.world.write(header + 16, struct.pack("<Q", nodes - 12))
    assert sysctl.getCtlTables() == {}
    assert "is not of" in capsys.readouterr().out


def test_a_kernel_without_settings_has_none(world, sysctl):
    world.load()
    assert sysctl.settings() == []
