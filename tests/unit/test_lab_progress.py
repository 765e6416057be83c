"""Progress lines: to a callback, to a plain stream, to a terminal."""

import io
import re

import pytest

from tests.lab import progress
from tests.lab.progress import Progress


class Terminal(io.StringIO):
    """A stream which says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_stage_is_reported_with_its_time() -> None:
    lines: list[str] = []
    report = Progress(lines.append)
    with report.stage("work"):
        pass
    report.note("a note")
    assert re.fullmatch(r"work \.\.\.\nwork: \d+\.\d s\na note", "\n".join(lines))
    assert report.seconds == {"work": 0.0}


def test_failed_stage_is_reported_and_raises() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError), Progress(stream=stream).stage("work"):
        raise ValueError
    assert stream.getvalue() == "work ...\nwork: failed after 0.0 s\n"


def test_terminal_sees_the_running_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "TICK", 0.001)
    stream = Terminal()
    with Progress(stream=stream).stage("work"):
        while "\\ work " not in stream.getvalue():
            pass
    assert re.search(r"\r\033\[Kwork: \d+\.\d s\n\Z", stream.getvalue())
