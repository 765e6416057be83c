"""pstree, against the parents that the guest says its processes have."""

import re

from tests.dump.harness import stripped_of_colour, untimed


def tree(crash, arguments=""):
    return stripped_of_colour(untimed(crash.run(f"pstree {arguments}")))


def parents(text):
    """pid -> parent's pid, from the columns in which a tree with -p puts its nodes."""
    found = {}
    branch = []         # (column, pid) from the root to the last node
    for line in text.splitlines():
        for node in re.finditer(r"[^ |`-]\S*?\((\d+)\)", line):
            while branch and branch[-1][0] >= node.start():
                branch.pop()
            found[int(node[1])] = branch[-1][1] if branch else None
            branch.append((node.start(), int(node[1])))
    return found


def test_all_processes_are_below_their_parents(crash, dump):
    expected = {0: None} | {task["tid"]: task["ppid"] for task in dump.oracle["tasks"]
                            if task["tid"] == task["tgid"]}
    text = tree(crash, "-p")
    shown = parents(text)
    # Between its account and its panic the kernel may start a worker, or let one go.
    workers = {task["tid"] for task in dump.oracle["tasks"] if task["comm"].startswith("kworker/")}
    workers |= {int(pid) for pid in re.findall(r"kworker/[^ ]*\((\d+)\)", text)}
    assert {pid: shown[pid] for pid in shown.keys() - workers} == {
        pid: expected[pid] for pid in expected.keys() - workers}
    assert {shown[pid] for pid in shown.keys() & workers} == {2}
    assert text.endswith(f"\n\n\nTotal {len(shown)} tasks printed\n")


def test_states_and_numbers_of_threads(crash):
    text = tree(crash, "-s -g")
    assert "lab-threads[IN]---2*[{lab-threads}]" in text
    assert "lab-vfork[UN] -+- lab-vfork-kid[IN]" in text
    assert re.search(r" \|- \S+\[ID\]\n", text)
    assert "lab-neglect[IN] -+- lab-zombie[ZO]" in text


def test_a_part_of_the_tree(crash, dump):
    pids = {task["comm"]: task["tid"] for task in dump.oracle["tasks"]}
    whole = "lab-tree -+- lab-tree-1 -+- lab-tree-2 -+- lab-tree-3\n\n\nTotal 4 tasks printed\n"
    assert tree(crash, f"-t {pids['lab-tree']}") == whole
    # a thread stands for its process
    assert tree(crash, f"-t {pids['lab-in-sleep']}").startswith("lab-threads\n")
    assert tree(crash, "-t 99999") == "There is no task with pid= 99999\n"
    assert "neither a PID nor an address" in tree(crash, "-t init")


def test_colours_are_for_terminals_that_have_them(crash, fresh_crash, plugin):
    assert "\x1b" not in crash.run("pstree")       # TERM=dumb
    coloured = fresh_crash(TERM="xterm")
    coloured.run(f"extend {plugin}")
    assert "\x1b[33mlab-zombie\x1b[0m" in coloured.run("pstree")
    assert "\x1b" not in coloured.run("pstree | cat")


def test_help_does_not_look_at_the_kernel(crash):
    assert "Usage: pstree [options]" in crash.run("pstree -h")
    assert crash.run("pstree --version").startswith("PSTREE version ")
