"""Memory, symbols and module types of a real dump, against crash and the guest's account."""

import re

import pytest

API = "from pykdump.API import *\n"


# what a search shows on the terminal when it takes long
PROGRESS = re.compile(r"\r*\n?(searching 0x[0-9a-f]+ \(\d+ %\))?\x1b\[K")


def lines_of(crash, text):
    return PROGRESS.sub("", crash.epython(API + text)).splitlines()


def pid_of(dump, comm):
    return next(task["tid"] for task in dump.oracle["tasks"] if task["comm"] == comm)


# -- search -------------------------------------------------------------------------------------

def test_a_word_is_found_where_crash_finds_it(crash):
    ours = lines_of(crash, "found = search_memory(sym2addr('init_task'))\n"
                           "print(found.complete, found.excluded, *map(hex, found))")[0].split()
    start, end = lines_of(crash, "print(*('%x' % n for n in kernel_ranges('direct map')[0]))"
                          )[0].split()
    theirs = re.findall(r"^([0-9a-f]{16}): ", crash.run(f"search -s {start} -e {end} init_task"),
                        re.M)
    assert ours[:2] == ["True", "0"]
    assert [int(address, 16) for address in ours[2:]] == [int(address, 16) for address in theirs]


def test_bytes_and_regular_expressions_find_the_same_text(crash):
    text = lines_of(crash, "plain = search_memory(b'lab-threads')\n"
                           "pattern = search_memory(re.compile(rb'lab-thr[a-z]+'))\n"
                           "print(len(plain) > 0, plain == pattern, plain.pages == pattern.pages)")
    assert text == ["True True True"]


def test_a_range_that_does_not_exist_is_told_with_those_that_do(crash):
    assert "no range 'ram': there are 'direct map'" in crash.epython(
        API + "kernel_ranges('ram')")


# -- user memory --------------------------------------------------------------------------------

def test_command_lines_are_those_of_the_guest(crash, dump):
    text = lines_of(crash, """
for task in readSUListFromHead('init_task', 'tasks', 'struct task_struct'):
    if task.mm and str(task.comm).startswith('lab-'):
        size = task.mm.arg_end - task.mm.arg_start
        print(task.pid, readProcessMem(task, task.mm.arg_start, size))
""")
    for line in text:
        pid, _blank, found = line.partition(" ")
        assert [word.decode() for word in eval(found).split(b"\0")[:-1]] == \
            dump.oracle["cmdline"][pid]


def test_known_bytes_are_read_across_pages(crash, dump):
    text = lines_of(crash, f"""
import struct
task = crash.pid_to_task({pid_of(dump, 'lab-pattern')})
data = readProcessMem(task, 0x10000000000 + 4000, 8192)
numbers = struct.unpack('<1024Q', data)
print(numbers[0] & 0xffffffff, all(b - a == 1 for a, b in zip(numbers, numbers[1:])))
""")
    assert text == ["500 True"]


def test_user_memory_that_is_not_there_is_a_fault_with_its_address(crash, dump):
    text = crash.epython(API + f"""
try:
    readProcessMem(crash.pid_to_task({pid_of(dump, 'lab-pattern')}), 0x666000, 8)
except crash.FaultError as err:
    print(hex(err.address), err)
""")
    assert text.startswith("0x666000 no physical page behind user address 0x666000 of task 0x")


# -- why memory cannot be read --------------------------------------------------------------------

WHY = API + """
for address in {addresses}:
    try:
        print('read', readU8(address))
    except crash.FaultError as err:
        print(type(err).__name__, hex(err.address))
"""


def test_what_is_not_mapped_is_told_from_what_the_dump_does_not_have(crash):
    text = crash.epython(WHY.format(addresses="[0x10, 0xffffffffffffff00, sym2addr('_stext')]"))
    assert re.fullmatch(r"UnmappedError 0x10\nAbsentError 0xffffffffffffff00\nread \d+\n", text)


def test_pages_that_were_filtered_out_are_told_and_skipped(fresh_crash, dump):
    session = fresh_crash(vmcore=dump.filtered)
    found = session.epython(API + """
found = search_memory(b'swapper/0', ranges=kernel_ranges('direct map'))
print(len(found) > 0, found.complete, found.excluded > 10000)
start, end = kernel_ranges('direct map')[0]
for address in range(start, end, 4096):
    try:
        readU8(address)
    except crash.ExcludedError as err:
        print(err.address == address, 'page excluded from the dump' in str(err))
        break
""")
    assert found == "True True True\nTrue True\n"


# -- symbols --------------------------------------------------------------------------------------

def test_every_symbol_has_the_address_that_crash_lists(crash):
    text = crash.epython(API + """
first = {}
for line in exec_crash_command('sym -l').splitlines():
    address, _type, *name = line.split()
    if len(name) == 1 or name and name[1].startswith('['):
        first.setdefault(name[0], int(address, 16))
wrong = [name for name, address in first.items() if sym2addr(name) != address]
print(len(first) > 50000, wrong[:5])
print(sym2addr('not_there'), symbol_exists('not_there'), sym2alladdr('not_there'))
""")
    assert text == "True []\n0 0 []\n"


@pytest.mark.parametrize("name, offset", [
    ("schedule", 0), ("schedule", 5), ("init_task", 8), ("jiffies", 0), ("__x64_sys_read", 1)])
def test_addresses_have_the_names_that_crash_gives_them(crash, name, offset):
    told = crash.epython(API + f"address = sym2addr('{name}') + {offset}\n"
                         "print('%x' % address, *addr2sym(address, True))").split()
    theirs = crash.run(f"sym {told[0]}").split()[2]
    assert theirs == (f"{told[1]}+{told[2]}" if int(told[2]) else told[1])


# -- modules ------------------------------------------------------------------------------------

def test_types_of_modules_come_from_the_dump(crash, dump):
    assert "overlay" in {module["name"] for module in dump.oracle["modules"]}
    text = crash.epython(API + """
blocks = readSUListFromHead(sym2addr('super_blocks'), 's_list', 'struct super_block')
overlay = next(block for block in blocks if block.s_type.name == 'overlay')
fs = readSU('struct ovl_fs', overlay.s_fs_info)
print(struct_size('struct ovl_fs') > 0, fs.numlayer, fs.layers[0].isNamed('struct ovl_layer'))
""")
    assert text == "True 2 True\n"
