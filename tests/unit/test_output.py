"""Text from programs to crash's output."""

import errno
import logging
import os
import sys

import pytest

from pykdump import output


@pytest.fixture
def run(plugin):
    plugin.start("")

    def run(source, line="epython prog"):
        (plugin.cwd / "prog.py").write_text(source)
        return plugin.body(line)
    run.plugin = plugin
    return run


def test_text_is_utf_8_and_what_cannot_be_encoded_is_escaped(run):
    assert run(r"print('\u00e9\udc80')") == "\u00e9\\udc80\n"


def test_stdout_and_stderr_are_one_stream_in_order(run):
    assert run("import sys\nprint(1)\nprint(2, file=sys.stderr)\nsys.__stdout__.write('3\\n')\n"
               "print(4, file=sys.__stderr__)") == "1\n2\n3\n4\n"


def test_a_terminal_gets_each_line_at_once(run, host):
    source = "import sys, _pykdump\nprint(1)\nn = len(_pykdump.written)\nprint(n, {})"
    host.kind = "terminal"
    assert run(source.format("sys.stdout.isatty()")) == "1\n2 True\n"
    host.kind = "pipe"
    assert run(source.format("sys.stdout.isatty()")) == "1\n0 False\n"


def test_the_stream_knows_its_file_descriptor(run):
    assert run("import sys\nprint(sys.stdout.fileno())") == "1\n"


def test_the_interpreter_gets_its_own_streams_back(run):
    streams = sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
    run("print(1)")
    assert (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__) == streams


@pytest.mark.parametrize("source", [
    "import sys, io\nprint(1)\nsys.stdout = io.StringIO()\nprint(2)",
    "import sys\nprint(1, flush=True)\nsys.stdout = None",
    "import sys\nprint(1)\nsys.stdout.close()",
    "import sys\nprint(1, flush=True)\nsys.stdout.detach()"])
def test_a_program_may_spoil_its_streams_for_itself_only(run, source):
    output = run.plugin.type("epython prog") if run(source) == "1\n" else None
    assert output and "Execution took" in output


def test_a_stream_kept_from_an_earlier_command_still_writes(run):
    run("import sys\nkept = sys.stderr")
    assert run("kept.write('late\\n')") == "late\n"
    logger = logging.getLogger("kept")
    logger.handlers.clear()
    run("import logging\nlogging.getLogger('kept').addHandler(logging.StreamHandler())")
    assert run("import logging\nlogging.getLogger('kept').warning('w')") == "w\n"
    logger.handlers.clear()


@pytest.mark.parametrize("source", [
    "print('x' * 200000)\nprint('y' * 200000)",             # while the program prints
    "print(1)",                                             # at the end
    "while 1:\n    print('x' * 1000)",
    "raise ValueError('x' * 200000)"])                      # in the traceback
def test_a_reader_who_has_left_ends_the_command_silently(run, host, capfd, source):
    host.error = BrokenPipeError(errno.EPIPE, "Broken pipe")
    assert run(source) == ""
    assert capfd.readouterr() == ("", "")
    host.error = None
    assert run("print('next')") == "next\n"                 # and nothing is left over


def test_a_full_disk_is_one_line_on_the_real_stderr(run, host, capfd):
    host.error, host.room = OSError(errno.ENOSPC, "No space left on device"), 100
    for source in ("print('x' * 200000)", "print('x' * 200)"):
        run(source)
        assert capfd.readouterr().err == \
            "epython: the output cannot be written: No space left on device\n"


def test_a_broken_pipe_of_the_programs_own_is_an_error_like_others(run):
    assert "BrokenPipeError: mine" in run("raise BrokenPipeError('mine')")


def test_a_forked_child_does_not_come_back_to_crash(run, host):
    # The child's copy of the fake cannot be seen from here: a pipe tells what it did.
    source = ("import os, sys\nr, w = os.pipe()\npid = os.fork()\n"
              "if pid == 0:\n    os.write(w, b'child')\n    sys.exit(3)\n"
              "_, state = os.waitpid(pid, 0)\n"
              "print(os.read(r, 9), os.waitstatus_to_exitcode(state))")
    assert run(source) == "b'child' 3\n"


def test_a_regular_file_begins_with_what_wrote_it(run, host):
    host.kind = "file"
    lines = run("print('body')").splitlines()
    assert lines[0] == "" and lines[3] == "body"
    assert lines[1] == "   " + " prog.py ".center(60, "*")
    assert lines[2] == " " + " /dumps/vmcore (6.1.0) ".center(77, "o")


def test_arguments_with_blanks_are_quoted_in_the_header(capsys, host):
    output.print_header('prog.py -v "a b"')
    assert capsys.readouterr().out.splitlines()[1] == \
        "   " + ' prog.py -v "a b" '.center(60, "*")


def test_ofile_gets_header_body_and_the_line_about_time(run):
    assert run("print('body')", "epython prog -v --ofile=out.txt") == ""
    text = (run.plugin.cwd / "out.txt").read_text()
    assert " prog.py -v --ofile=out.txt " in text.splitlines()[1]
    assert "\nbody\n\n ** Execution took" in text


def test_ofile_is_whole_after_an_error(run):
    run("print('body')\n1/0", "epython prog --ofile out.txt")
    assert "ZeroDivisionError" in (run.plugin.cwd / "out.txt").read_text()


def test_ofile_that_cannot_be_written_is_one_line_and_the_program_does_not_run(run):
    assert run("print('body')", "epython prog --ofile=/nothere/x") == \
        "epython: --ofile: /nothere/x: No such file or directory (program not run)\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_ofile_on_a_full_disk_is_told(run):
    for text in ("'x'", "'x' * 100000"):
        assert run(f"print({text})", "epython prog --ofile=/dev/full") == \
            "epython: --ofile: /dev/full: No space left on device\n"
