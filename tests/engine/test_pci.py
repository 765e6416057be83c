"""Buses below buses, and devices that are damaged; frequencies of machines that have some."""

import struct
from types import SimpleNamespace

import pytest

from tests.engine.btfwriter import at
from tests.engine.world import host_image, pykdump

BUS, DEV = 128, 256
NODE, CHILDREN, DEVICES, NUMBER = 0, 16, 32, 48
DEVICE_NAME, DRIVER = 96, 200


class Machine:
    """A tree of PCI buses."""

    def __init__(self, world):
        self.world = world
        btf = world.btf
        entry = btf.struct("list_head", 16, at("next", world.u64), at("prev", world.u64, 8))
        bus = btf.struct("pci_bus", BUS, at("node", entry, NODE), at("children", entry, CHILDREN),
                         at("devices", entry, DEVICES), at("number", world.u8, NUMBER))
        text = btf.pointer(world.char)
        kobject = btf.struct("kobject", 16, at("name", text))
        device = btf.struct("device", 32, at("kobj", kobject), at("init_name", text, 16))
        driver = btf.struct("pci_driver", 16, at("name", text))
        btf.struct("pci_dev", DEV, at("bus_list", entry), at("bus", btf.pointer(bus), 16),
                   at("devfn", world.u32, 24), at("vendor", world.u16, 28),
                   at("device", world.u16, 30), at("class", world.u32, 32),
                   at("revision", world.u8, 36), at("dev", device, DEVICE_NAME),
                   at("driver", btf.pointer(driver), DRIVER))
        world.load()
        self.root = world.place(bytes(16))
        self.link(self.root, [])
        host_image.add_symbol("pci_root_buses", self.root)

    @staticmethod
    def link(head, nodes):
        """Makes a list of a head and of nodes."""
        ring = [head, *nodes]
        for index, node in enumerate(ring):
            host_image.write(node, struct.pack("<QQ", ring[(index + 1) % len(ring)],
                                               ring[index - 1]))
        pykdump.purge_caches("memory")

    def text(self, text):
        return self.world.place(text + b"\0")

    def bus(self, number):
        address = self.world.place(bytes(BUS))
        self.link(address + CHILDREN, [])
        self.link(address + DEVICES, [])
        self.world.write(address + NUMBER, bytes([number]))
        return address

    def device(self, bus, name, devfn, driver=b""):
        address = self.world.place(bytes(DEV))
        self.world.write(address + 16, struct.pack("<QIHHIB", bus, devfn, 0x8086, 0x100e,
                                                   0x020000, 3))
        self.world.write(address + DEVICE_NAME, struct.pack("<Q", self.text(name)))
        if driver:
            where = self.world.place(struct.pack("<Q", self.text(driver)))
            self.world.write(address + DRIVER, struct.pack("<Q", where))
        return address


@pytest.fixture
def machine(world):
    return Machine(world)


@pytest.fixture
def pci(library):
    return library("LinuxDump.pci")


def test_devices_below_bridges_are_there_by_address(machine, pci, capsys):
    top, below = machine.bus(0), machine.bus(1)
    machine.link(machine.root, [top])
    machine.link(top + CHILDREN, [below])
    machine.link(top + DEVICES, [machine.device(top, b"0001:00:1f.2", 0xfa)])
    machine.link(below + DEVICES, [machine.device(below, b"0000:01:00.0", 0, b"e1000")])
    first, second = pci.pci_devices()
    assert (first.name, first.driver, second.name) == ("0000:01:00.0", "e1000", "0001:00:1f.2")
    pci.print_PCI_devices(1)
    assert capsys.readouterr().out.splitlines()[1::2] \
        == ["0000:01:00.0 0200: 8086:100e (rev 03) e1000", "0001:00:1f.2 0200: 8086:100e (rev 03)"]


def test_a_damaged_name_is_made_of_the_address(machine, pci):
    bus = machine.bus(0x1c)
    machine.link(machine.root, [bus])
    machine.link(bus + DEVICES, [machine.device(bus, b"\x1b[2J", 0xfa)])
    assert [known.name for known in pci.pci_devices()] == ["????:1c:1f.2"]


def test_a_bus_below_itself_is_reported(machine, pci, capsys):
    bus = machine.bus(0)
    machine.link(machine.root, [bus])
    machine.link(bus + CHILDREN, [bus])
    assert pci.get_PCI_devices() == []
    assert "is below itself" in capsys.readouterr().out


def test_a_kernel_without_pci_has_no_devices(world, pci):
    world.load()
    assert pci.pci_devices() == []


def test_frequencies_of_each_cpu_that_has_a_policy(world, library, monkeypatch, capsys):
    btf = world.btf
    info = btf.struct("cpufreq_cpuinfo", 16, at("max_freq", world.u32),
                      at("min_freq", world.u32, 4))
    governor = btf.struct("cpufreq_governor", 16, at("name", btf.array(world.char, 16)))
    btf.struct("cpufreq_policy", 64, at("cpuinfo", info), at("min", world.u32, 16),
               at("max", world.u32, 20), at("cur", world.u32, 24),
               at("governor", btf.pointer(governor), 32))
    btf.struct("cpufreq_driver", 16, at("name", btf.array(world.char, 16)))
    world.load()
    of_all = world.place(struct.pack("<16s", b"schedutil"))
    policy = world.place(struct.pack("<IIQIIIIQ", 3_000_000, 800_000, 0, 800_000, 2_000_000,
                                     1_200_000, 0, of_all) + bytes(24))
    driver = world.place(b"pcc-cpufreq\0\0\0\0\0")
    policies, none = world.place(struct.pack("<Q", policy)), world.place(bytes(8))
    host_image.add_symbol("cpufreq_cpu_data", policies)
    host_image.add_symbol("cpufreq_driver", world.place(struct.pack("<Q", driver)))
    freq = library("LinuxDump.CpuFreq")
    monkeypatch.setattr(freq.percpu, "get_cpu_var", lambda _name: [policies, none])
    known, = freq.frequencies()
    assert known == (0, policy, "schedutil", 800_000, 2_000_000, 1_200_000, 800_000, 3_000_000)
    assert freq.driver() == "pcc-cpufreq"
    freq.print_cpufreq()
    assert capsys.readouterr().out.splitlines() == [
        f"  CPU0 <struct cpufreq_policy 0x{policy:x}> schedutil",
        "      Frequencies: min=800000 max=2000000 cur=1200000"]


@pytest.mark.parametrize("name, cpus, severities", [
    (b"pcc-cpufreq", 5, ["warning"]), (b"pcc-cpufreq", 4, ["note"]), (b"intel_pstate", 64, [])])
def test_a_driver_that_serves_one_cpu_at_a_time_is_found(world, library, monkeypatch, name, cpus,
                                                         severities):
    world.btf.struct("cpufreq_driver", 16, at("name", world.btf.array(world.char, 16)))
    world.load()
    driver = world.place(name.ljust(16, b"\0"))
    host_image.add_symbol("cpufreq_driver", world.place(struct.pack("<Q", driver)))
    detector = library("LinuxDump.triage.frequencies")
    monkeypatch.setattr(detector, "sys_info", SimpleNamespace(CPUS=cpus))
    found = list(detector.findings())
    assert [str(finding.severity) for finding in found] == severities
    for finding in found:
        assert finding.id == "frequencies.pcc" and f"of {cpus} CPUs" in finding.sentence
        assert finding.evidence[0].address == driver
