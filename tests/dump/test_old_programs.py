"""Programs as they were written for Python 2 and early 3, on a real dump."""

import re
from pathlib import Path

import pytest

from tests.dump.harness import untimed

PAGE = Path(__file__).resolve().parents[2] / "docs" / "old-programs.md"

OLD_MODULE = """\
import string
from collections import Mapping

class Report(object):
    def __init__(self, title=unicode("tasks")):
        self.title = string.upper(title)
        self.rows = []
    def add(self, row):
        assert not isinstance(row, Mapping)
        self.rows.append(row)
    def ordered(self):
        return [row for _, row in sorted((row[0], row) for row in self.rows)]
"""

OLD_PROGRAM = r"""
from pykdump.API import *

import cPickle, commands, imp, inspect, os, re
from StringIO import StringIO
from itertools import izip, imap
from distutils.version import LooseVersion
try:
    unicode
except NameError:
    unicode = str

report = imp.load_source("old_report", os.path.join(os.getcwdu(), "old_report.py")).Report()
swapper = readSymbol("init_task")
for number, task in izip(xrange(3), readSUListFromHead("init_task", "tasks",
                                                       "struct task_struct")):
    report.add((long(task.pid), unicode(task.comm)))
out = StringIO()
for pid, comm in imap(tuple, report.ordered()):
    out.write("%d %s\n" % (pid, comm))
print(report.title)
print(out.getvalue().rstrip())
print(cPickle.loads(cPickle.dumps(report.rows)) == report.rows)
print(commands.getoutput("echo from the shell"))
print(inspect.getargspec(report.add).args, re.sub("\d+", "N", "cpu12"))
print(cmp(LooseVersion(str(kernel).split("-")[0]), "2.6.32"), string.letters[:2], sys.maxint > 0)
print(reduce(lambda a, b: a + b, [swapper.pid, 1]))
"""


def test_an_old_program_runs_unchanged(crash, dump):
    [third] = [task["comm"] for task in dump.oracle["tasks"] if task["tid"] == 3]
    crash.program(OLD_MODULE, "old_report.py")
    assert crash.epython(OLD_PROGRAM) == (
        f"TASKS\n1 init\n2 kthreadd\n3 {third}\nTrue\nfrom the shell\n"
        "['self', 'row'] cpuN\n1 ab True\n1\n")
    assert crash.epython("print('xrange' in globals(), 'cmp' in globals())") == "False False\n"


def test_warnings_of_an_old_text_are_for_its_author(crash):
    crash.program("pattern = '\\d'\nsame = pattern is 'x'\nprint(same)", "old_text.py")
    assert crash.run("epython old_text").startswith("False\n\n ** Execution")
    text = crash.run("epython --debug 1 old_text")
    assert "./old_text.py:1: " in text and "invalid escape sequence" in text
    assert text.partition("\n\n ** ")[0].endswith("\nFalse")


def test_a_file_of_python_2_is_one_clear_error(crash):
    text = crash.epython("import os\n\nfor name in os.listdir('.'):\n    print name\n")
    lines = text.splitlines()
    assert lines[:2] == ['  File "./prog.py", line 4', "    print name"]
    assert lines[-1].startswith(
        "epython: this is Python 2: write print(x, y) instead of print x, y")
    assert "Traceback" not in text


@pytest.mark.parametrize("text, told", [
    ("for key in {}.iterkeys(): pass", "has no dict.iterkeys: use d.keys()"),
    ("import os\nos.popen2('ls')", "has no os.popen2: use subprocess.Popen"),
    ("import rfc822", "has no module rfc822: use email"),
    ("from pykdump.API import *\nreadSymbol('init_task').has_key('x')", None)])
def test_what_nothing_stands_in_for_is_told(crash, text, told):
    printed = crash.epython(text)
    assert printed.startswith("Traceback")
    assert printed.endswith(f" {told}\n") if told else "epython:" not in printed


def test_a_file_in_another_encoding_is_told(crash):
    (crash.cwd / "latin.py").write_bytes(b"x = 1\nname = 'caf\xe9'\n")
    assert "\nepython: ./latin.py:2: byte 0xe9 is not UTF-8: save the file as UTF-8, or add " \
        "'# -*- coding: latin-1 -*-' as its first line\n" in crash.run("epython latin")


def test_the_page_about_old_programs_shows_what_happens(crash):
    text = PAGE.read_text()
    crash.program(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], "old.py")
    shown = re.search(r"crash> epython old\n(.*?)\n \*\* Execution", text, re.DOTALL)[1]
    here = crash.epython("import sys\nprint('Python %d.%d' % sys.version_info[:2], end='')")
    assert untimed(crash.run("epython old")) == shown.replace("Python 3.11", here)
