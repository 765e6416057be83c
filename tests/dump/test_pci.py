"""PCI devices and resources, against the guest's /sys/bus/pci, /proc/iomem and /proc/ioports."""

import re

import pytest

PRINT = "from LinuxDump.pci import print_pci\nprint_pci({})\n"


@pytest.fixture
def printed(crash):
    """What is printed: the devices, then the two trees of resources."""
    text = crash.epython(PRINT.format(0))
    return re.split(r"=+(?:iomem|ioport)_resource=+\n", text)


def test_devices_are_those_of_sysfs(printed, dump):
    theirs = {}
    for line in dump.oracle["text"]["sys/pci"].splitlines():
        path, _, value = line.partition(":0x")
        address, entry = path.removeprefix("/sys/bus/pci/devices/").split("/")
        theirs.setdefault(address, {}).setdefault(entry, value)
    expected = [f"{address} {known['class'][:4]}: {known['vendor']}:{known['device']} "
                f"(rev {known['revision']})" for address, known in sorted(theirs.items())]
    assert len(expected) > 3 and printed[0].splitlines() == expected


def test_memory_and_ports_are_those_of_proc(printed, dump):
    assert printed[1].splitlines() == dump.oracle["text"]["proc/iomem"].splitlines()
    assert printed[2].splitlines() == dump.oracle["text"]["proc/ioports"].splitlines()


def test_more_of_each_device_on_request(crash):
    assert re.search(r"^-+ <struct pci_dev 0x[0-9a-f]+> -+\n0000:00:00\.0 0600: 8086:",
                     crash.epython(PRINT.format(1)), re.M)


@pytest.mark.parametrize("head", ["8", "sym2addr('linux_banner')", "sym2addr('init_task')"])
def test_a_damaged_list_of_buses_is_reported(crash, head):
    text = crash.epython(
        "from LinuxDump import pci\nfrom pykdump.API import sym2addr\n"
        f"head, kept = {head}, pci.sym2addr\n"
        "pci.sym2addr = lambda name: head if name == 'pci_root_buses' else kept(name)\n"
        "try:\n    pci.print_PCI_devices(1)\n"
        "finally:\n    pci.sym2addr = kept\n")
    assert "+++ERROR+++ PCI root buses: " in text and "Traceback" not in text


def test_a_machine_without_frequencies_has_none(crash):
    assert crash.epython("from LinuxDump.CpuFreq import *\n"
                         "print(frequencies(), repr(driver()))\n") == "[] ''\n"
