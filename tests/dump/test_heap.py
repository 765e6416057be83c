"""epython heap on a dump: structs among the objects, leaks between commands, files."""

import json
import re

import pytest

from tests.dump.harness import untimed

LEAK = """from pykdump.API import *
import __main__
kept = vars(__main__).setdefault("kept", [])
start = sym2addr("init_task")
kept.extend(readSU("struct klist_node", start + 8 * i) for i in range(700))
assert kept[0].n_klist is not None
"""
NODE = "crash.StructResult_struct_klist_node"


@pytest.fixture(scope="module")
def heap_crash(starting):
    """A session of these tests' own: they compare counts."""
    session = starting()
    yield session
    session.close()


@pytest.fixture
def heap(heap_crash, tmp_path):
    def run(arguments=""):
        return untimed(heap_crash.run(f"epython heap {arguments}"))
    heap_crash.mark()
    heap_crash.cd(tmp_path)
    run.crash = heap_crash
    yield run
    heap_crash.epython("vars().pop('kept', None)")


def test_structs_are_no_objects_of_the_collector_and_counted_all_the_same(heap):
    text = heap.crash.epython(LEAK + "import gc\nfrom pykdump import heap\n"
                              "print(gc.is_tracked(kept[0]))\n"
                              "row, = [r for r in heap.count().rows if r.kind == "
                              f"'{NODE}']\nprint(row.count, row.largest)\n"
                              "print(kept[0].__sizeof__(), any(v is kept[9] for v in "
                              "heap.objects()))")
    assert re.fullmatch(r"False\n700 (\d+)\n\1 True\n", text)


def test_a_leak_between_commands_is_named_with_what_holds_it(heap):
    heap("--mark")
    heap.crash.epython(LEAK)
    text = heap()
    assert re.search(rf"^ +\+700 +\+\d+ +700  {NODE}$", text, re.MULTILINE)
    assert re.search(r"^pages of the dump: [1-9]\d*, \d+ bytes$", text, re.MULTILINE)
    assert re.search(r"^classes of kernel types: [1-9]", text, re.MULTILINE)
    heap.crash.epython(LEAK)
    assert re.search(rf"^ +\+1400 +\+\d+ +1400  {NODE}$", heap("--since=mark"), re.MULTILINE)
    text = heap("--type StructResult_struct_klist_node -n 2")
    assert text.startswith("1400 objects, ") and text.endswith("    1398 more\n")
    address = re.search(r"^(0x\w+) +\d+  \S+  <struct klist_node 0xffff\w+>$", text,
                        re.MULTILINE).group(1)
    text = heap(f"--referrers {address}")
    assert re.search(r"^  held by 1 objects\n    0x\w+ +\d+  list  \[<struct klist_node .*"
                     r"  at \[\d+\]$", text, re.MULTILINE)
    holder = re.search(r"^    (0x\w+) .* list ", text, re.MULTILINE).group(1)
    text = heap(f"--referrers {holder}")
    assert "variables of <module __main__>  at ['kept']\n" in text
    assert "  holds 1400 objects\n" in heap(f"--referents {holder}")


def test_taskinfo_again_and_again_leaves_nothing_more(heap):
    for _ in range(2):
        heap.crash.run("taskinfo --summ")
        heap("--mark")
    heap.crash.run("taskinfo --summ")
    growth = json.loads(heap("--since=mark --json"))
    assert abs(growth["objects"]) < 200, growth


def test_a_file_of_all_objects_is_written_and_summed_up(heap):
    heap.crash.epython(LEAK)
    text = heap("--dump map.json")
    count = int(re.fullmatch(r"(\d+) objects are in map.json\n", text).group(1))
    lines = (heap.crash.cwd / "map.json").read_text().splitlines()
    assert len(lines) == count
    assert sum(1 for line in lines if json.loads(line)["type"] == NODE) == 700
    assert heap("--load map.json -n 3").startswith(f"Total {count} objects, ")
    assert heap.crash.epython(
        "from pykdump import heap\nom = heap.load('map.json')\nprint(om.summarize(2))\n"
        f"node = om.get_all('{NODE}')[0]\n"
        "print([om[each].type for each in om.parents(node.address)])"
    ).splitlines()[-1] == "['list']"
    assert heap("--dump map.json") == ("heap: map.json: the file exists (--force replaces it)\n"
                                       " -- sys.exit(2) --\n")
    assert heap("--dump map.json --force").endswith(" objects are in map.json\n")


def test_a_file_that_was_cut_off_is_told_with_the_line(heap):
    heap("--dump map.json")
    file = heap.crash.cwd / "map.json"
    file.write_bytes(file.read_bytes()[:-20])
    assert re.fullmatch(r"heap: map.json, line \d+: the file is cut off here\n"
                        r" -- sys.exit\(2\) --\n", heap("--load map.json"))


def test_strings_of_the_dump_are_counted_with_their_bytes(heap):
    text = heap.crash.epython(
        "from pykdump.API import *\nfrom pykdump import heap\n"
        "text = readSU('struct task_struct', sym2addr('init_task')).comm\nlist_of_one = [text]\n"
        "print(text.ByteArray in heap.referents(text), heap.described(text).split('  ')[-2:])")
    assert text == "True ['crash.SmartString', \"'swapper/0'\"]\n"


def test_pointer_arrays_are_described_without_reading_them(heap):
    text = heap.crash.epython(
        "from pykdump.API import *\nfrom pykdump import heap\nimport _pykdump\n"
        "array = readSU('struct css_set', 0xdead000000000000).subsys\n"
        "print(heap.described(array))\nheap._where(array, None)\nheap.summary(1)")
    assert re.search(r"Array1_\S+  <Array1_\S+ of \d+>\nTotal ", text)


@pytest.mark.parametrize("arguments", [
    "--referrers 0x1234", "--referrers 0", "--referents 0xffffffffffffffffffff",
    "--referrers -5", "--type nosuch", "--type 0x10", "--load .",
    "--dump /nothere/x", "--dump /dev/null --force", "--dump .", "--load /bin/true"])
def test_what_cannot_be_had_is_one_line_and_the_session_goes_on(heap, arguments):
    text = heap(arguments)
    assert text.endswith(" -- sys.exit(2) --\n") and "Traceback" not in text
    assert text.startswith("heap: ") and text.count("\n") == 2 or "usage: heap" in text
    assert heap.crash.epython("print('on')") == "on\n"


def test_its_output_goes_through_a_pipe(heap):
    assert heap.crash.run("epython heap | head -1").startswith("Total ")
