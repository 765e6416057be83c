"""Objects of the session by type, their growth, what holds them, and files of them."""

import gc
import importlib.util
import json
import os
import sys

import pytest

from pykdump import heap, heapfile, heaptable, preview


class Leaked:
    pass


class Odd:
    """Lies about everything that can be asked of it."""

    __slots__ = ("held",)

    @property
    def __class__(self):
        raise RuntimeError("asked for the class")

    def __sizeof__(self):
        raise RuntimeError("asked for the size")

    def __repr__(self):
        raise RuntimeError("asked for the text")

    def __eq__(self, other):
        raise RuntimeError("compared")

    __hash__ = None


@pytest.fixture(autouse=True)
def nothing_kept(host):
    heap._State.kept.clear()
    yield
    heap._State.kept.clear()


def row(kind):
    return next((row for row in heap.count().rows if row.kind == kind), heaptable.Row(kind))


LEAKED = f"{__name__}.Leaked"


def test_objects_are_counted_by_type():
    before = row(LEAKED).count
    kept = [Leaked() for _ in range(100)]
    found = row(LEAKED)
    assert found.count == before + 100
    assert found.size == 100 * sys.getsizeof(kept[0]) and found.largest == sys.getsizeof(kept[0])


def test_objects_that_the_collector_does_not_know_are_counted_too():
    number = 1 << 100
    kept = [number, [f"text {number}"]]
    found = {id(value) for value in heap.objects()}
    assert not gc.is_tracked(number) and id(number) in found and id(kept[1][0]) in found


def test_each_object_is_found_once():
    ids = list(map(id, heap.objects()))
    assert len(ids) == len(set(ids))


def test_variables_of_running_functions_are_found():
    class Lonely(int):
        __slots__ = ()
    lonely = Lonely(5)
    assert id(lonely) in map(id, heap.objects())


def test_objects_that_lie_do_no_harm(capsys):
    kept = [Odd()]
    assert row(f"{__name__}.Odd").count == 1
    assert "its repr fails: RuntimeError" in heap.described(kept[0])
    assert any(holder is kept for holder, _where in heap.referrers(kept[0]))
    heap.summary()
    assert capsys.readouterr().out.startswith("Total ")


def test_a_lazy_module_stays_so():
    spec = importlib.util.find_spec("colorsys")
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kind = type(module)
    assert preview.of(module) == "<module colorsys>" and heap.described(module)
    heap.count()
    heapfile._line(module)
    assert type(module) is kind and kind.__name__ == "_LazyModule"


def test_the_table_has_the_largest_types_first():
    rows = [heaptable.Row("small", 10, 100, 10), heaptable.Row("big", 1, 2000, 2000),
            heaptable.Row("none", 5, 0, 0)]
    assert str(heaptable.Table(rows, 2)).splitlines() == [
        "Total 16 objects, 3 types, Total size = 2.1 KiB (2100 bytes)",
        " Index   Count   %       Size   %  Cum      Max  Kind",
        "     0       1   6       2000  95   95     2000  big",
        "     1      10  62        100   4  100       10  small",
        "             5              0                    1 more types"]
    assert "\n     0      10" in str(heaptable.Table(rows, 1, by_count=True))
    assert str(heaptable.Table([])).startswith("Total 0 objects, 0 types")


@pytest.mark.parametrize("size, text", [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"),
                                        (1 << 20, "1.0 MiB"), (1 << 50, "1048576.0 GiB")])
def test_sizes_are_readable(size, text):
    assert heaptable.readable(size) == text


def test_growth_since_a_count_was_kept():
    heap.keep("x", heap.count())
    assert heap.growth("y", heap.count()) is None
    kept = [Leaked() for _ in range(50)]
    growth = heap.growth("x", heap.count())
    changes = {change[0]: change[1:] for change in growth.changes}
    assert changes[LEAKED][:2] == (50, 50 * sys.getsizeof(kept[0]))
    assert f"+50 {50 * sys.getsizeof(kept[0]):+10}" in str(growth)
    del kept
    assert LEAKED not in {change[0] for change in heap.growth("x", heap.count()).changes}


def test_what_is_kept_for_comparison_is_not_counted():
    heap.keep("x", heap.count())
    heap.keep("y", heap.count())
    ids = set(map(id, heap.objects()))
    assert not ids & {id(text) for text in heap._State.kept.values()}


def test_an_object_is_found_by_its_address_and_by_its_type():
    kept = Leaked()
    for wanted in (hex(id(kept)), str(id(kept)), "Leaked", LEAKED):
        assert any(value is kept for value in heap.find(wanted)), wanted


@pytest.mark.parametrize("wanted, text", [
    ("0x10", "no object at 0x10: it is gone, or never was"), ("-1", "no object at -1"),
    ("0", "no object at 0"), (str(1 << 70), "no object at 1180591620717411303424"),
    ("Leakd", "no object of type 'Leakd', did you mean Leaked?"), ("", "no object of type ''"),
    ("0xzz", "no object of type '0xzz'")])
def test_an_address_or_type_that_is_not_there_is_told(wanted, text):
    kept = Leaked()
    with pytest.raises(heap.HeapError, match=f"^{text.replace('?', '[?]')}"):
        heap.find(wanted)
    del kept


def test_what_holds_an_object_is_told_with_the_place_in_it():
    value = Leaked()
    by_list, by_dict, by_tuple = [0, value], {"key": value}, (value,)
    holder = Leaked()
    holder.attribute = value
    found = {id(each): where for each, where in heap.referrers(value)}
    assert found[id(by_list)] == "[1]" and found[id(by_dict)] == "['key']"
    assert found[id(by_tuple)] == "[0]"
    assert id(holder) in found or id(vars(holder)) in found
    _total, [(same, again)] = heap.referrers_of(hex(id(value)), 5)
    assert same is value and {id(by_list), id(by_dict), id(by_tuple)} <= {id(e) for e, _ in again}
    assert all(id(each) in found for each, _where in again)


def test_a_variable_of_a_module_is_told_as_such(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "kept", Leaked(), raising=False)
    [(holder, where)] = [(holder, where) for holder, where in heap.referrers(kept)  # noqa: F821
                         if type(holder) is dict and holder is globals()]
    assert where == "['kept']"
    assert f"variables of <module {__name__}>" in heap.described(holder)


# -- files --

@pytest.fixture
def file(tmp_path):
    return str(tmp_path / "map.json")


def test_a_file_has_what_is_there_and_can_be_summed_up(file):
    kept = [Leaked(), "a text of our own"]
    assert heap.dump(file) == len(open(file).readlines())
    graph = heap.load(file)
    assert graph[id(kept)].type == "list" and graph[id(kept)].len == 2
    assert set(graph[id(kept)].refs) == set(map(id, kept))
    assert graph[id(kept[1])].value == "a text of our own"
    assert id(kept) in graph.parents(id(kept[0]))
    assert [entry.address for entry in graph.get_all(LEAKED)] == [id(kept[0])]
    summed = {row.kind: row.count for row in graph.summarize().rows}
    assert summed[LEAKED] == 1 and summed["list"] > 10
    assert str(graph.summarize(3)).startswith(f"Total {len(graph)} objects")


def test_each_line_is_json_with_the_keys_that_meliaes_loader_wants(file):
    heap.dump(file)
    for line in open(file):
        entry = json.loads(line)
        assert {"address", "type", "size", "refs"} <= entry.keys()
        assert entry.keys() <= {"address", "type", "size", "refs", "len", "value", "name"}


def test_a_file_that_exists_is_replaced_only_by_force(file):
    with open(file, "w") as stream:
        stream.write("precious")
    with pytest.raises(heap.HeapError, match=r"the file exists \(--force replaces it\)"):
        heap.dump(file)
    assert open(file).read() == "precious"
    heap.dump(file, force=True)
    assert len(heap.load(file)) > 1000
    assert os.listdir(os.path.dirname(file)) == ["map.json"]
    assert os.stat(file).st_mode & 0o777 == 0o600


def test_a_dump_that_fails_leaves_the_old_file_and_nothing_else(file, monkeypatch):
    with open(file, "w") as stream:
        stream.write("precious")
    monkeypatch.setattr(heapfile, "_write", lambda stream: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        heap.dump(file, force=True)
    assert open(file).read() == "precious"
    assert os.listdir(os.path.dirname(file)) == ["map.json"]


@pytest.mark.parametrize("name, text", [
    ("/nothere/map", "No such file or directory"), ("/dev/null", "something that is not a file"),
    ("/", "something that is not a file"), ("/proc/map", "")])
def test_what_cannot_be_written_is_told(name, text):
    with pytest.raises(heap.HeapError, match=f"^{name}: .*{text}"):
        heap.dump(name, force=True)


GOOD = b'{"address": 1, "type": "str", "size": 50, "refs": []}\n'


@pytest.mark.parametrize("content, text", [
    (b"", "it has no objects"), (GOOD + GOOD[:20], "line 2: the file is cut off here"),
    (GOOD + b"{\n", "line 2: this is not JSON"), (b"\xff\xfe\n", "line 1: this is not JSON"),
    (b"[" * 100000 + b"\n", "line 1: this is not JSON"), (b"[1]\n", "line 1: this is no object"),
    (b"9" * 5000 + b"\n", "line 1: this is not JSON"),
    (GOOD.replace(b"1,", b'"1",'), "line 1: 'address' is missing, or not int"),
    (GOOD.replace(b'"str"', b"5"), "line 1: 'type' is missing, or not str"),
    (GOOD.replace(b"50", b"1e3"), "line 1: 'size' is missing, or not int"),
    (GOOD.replace(b"50", b"true"), "line 1: 'size' is missing, or not int"),
    (GOOD.replace(b"[]", b"{}"), "line 1: 'refs' is missing, or not list"),
    (GOOD.replace(b"[]", b'["x"]'), "line 1: a reference is not an address")])
def test_a_damaged_file_is_told_with_the_line(file, content, text):
    with open(file, "wb") as stream:
        stream.write(content)
    with pytest.raises(heap.HeapError) as raised:
        heap.load(file)
    assert text in str(raised.value) and str(raised.value).startswith(file)
    assert "\n" not in str(raised.value)


def test_what_is_not_a_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(heap.HeapError, match="it is not a file"):
        heap.load(str(tmp_path / "pipe"))
    with pytest.raises(heap.HeapError, match="No such file"):
        heap.load(str(tmp_path / "nothere"))


# -- the program --

@pytest.fixture
def run(plugin):
    plugin.start()

    def run(arguments=""):
        text = plugin.body(f"epython heap {arguments}")
        run.status = plugin.status
        return text
    run.plugin = plugin
    return run


def test_a_leak_is_seen_in_the_next_count(run):
    run.plugin.members["progs/leaking.py"] = (
        "class Leak:\n    pass\nimport sys\n"
        "sys.kept_by_a_test = [Leak() for _ in range(500)]\n")
    run.plugin.write_archive()
    try:
        assert "Since the last heap" not in run("--mark")
        run.plugin.type("epython leaking")
        assert "    +500 " in run()
        assert "    +500 " not in run()
        text = run("--since=mark -n 50")
        assert "    +500 " in text and text.splitlines()[0].startswith("+")
        assert "500 objects, " in run("--type Leak -n 2")
        assert "    498 more\n" in run("--type Leak -n 2")
        text = run("--referrers Leak -n 1")
        assert "\n  held by 1 objects\n" in text and "  list  [" in text
        assert "  at [0]\n" in text and text.endswith("499 more objects\n")
        assert "__main__.Leak" in run("--referents Leak -n 1")
    finally:
        del sys.kept_by_a_test


def test_all_of_it_can_be_had_as_json(run):
    report = json.loads(run("--json"))
    assert report["objects"] == sum(row["count"] for row in report["types"])
    assert report["caches"]["pages of the dump"] == {"count": 1, "bytes": 4096}
    assert report["since_last"] is None
    assert json.loads(run("--json"))["since_last"]["types"] is not None
    assert "types" in json.loads(run("--since --json"))


def test_files_are_written_and_summed_up(run, file):
    assert run(f"--dump {file}").endswith(f" objects are in {file}\n")
    assert run(f"--load {file} -n 2").startswith("Total ")
    assert json.loads(run(f"--load {file} --json"))["objects"] > 1000


@pytest.mark.parametrize("arguments, line", [
    ("--since", "heap: nothing was counted before"),
    ("--since=mark", "heap: there is no mark to compare with, --mark makes one"),
    ("--type nosuch_", "heap: no object of type 'nosuch_'"),
    ("--referrers 0x10", "heap: no object at 0x10: it is gone, or never was"),
    ("--referents -1", ""), ("--load /nothere", "heap: /nothere: No such file or directory"),
    ("--dump /nothere/x", "heap: /nothere/x: No such file or directory")])
def test_what_cannot_be_had_is_one_line(run, arguments, line):
    text = run(arguments)
    assert run.status == 2 and text.startswith(line)
    assert not line or text.splitlines() == [line, " -- sys.exit(2) --"]


@pytest.mark.parametrize("arguments, error", [
    ("-n 0", "'0' is not a whole number greater than 0"), ("-n x", "'x' is not a whole number"),
    ("--since=never", "invalid choice"), ("--type a --load b", "not allowed with")])
def test_bad_options_are_told_with_the_usage(run, arguments, error):
    text = run(arguments)
    assert error in text and "usage: heap" in text and run.status == 2
