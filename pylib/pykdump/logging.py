"""Owns the log of one command: problems are shown where they occur and again in a summary.

Must not know who reports.  `pylog` is what programs use.
"""

from __future__ import annotations

_WIDTH = 78
_WARNING = "+++WARNING+++"
_ERROR = "+++ERROR+++"


class PyLog:
    """Collects the messages of a command; all instances share them."""

    _timeouts: list[str] = []
    _warnings: list[str] = []
    _errors: list[str] = []
    _notes: list[str] = []
    _silent: list[str] = []

    def warning(self, *args: object) -> None:
        """Print a warning now, and again in the summary at the end of the command."""
        print(_WARNING, _remember(self._warnings, args))

    def error(self, *args: object) -> None:
        """Print an error now, and again in the summary at the end of the command."""
        print(_ERROR, _remember(self._errors, args))

    def warning_onexit(self, *args: object) -> None:
        """A warning that is in the summary only."""
        _remember(self._warnings, args)

    def info(self, *args: object) -> None:
        """A note for the end of the output; not a problem."""
        _remember(self._notes, args)

    def timeout(self, *args: object) -> None:
        """A crash command that did not end in time."""
        _remember(self._timeouts, args)

    def silent(self, *args: object) -> None:
        """Kept for `getsilent`, never printed."""
        _remember(self._silent, args)

    silenterror = silent

    def getsilent(self) -> list[str]:
        """Messages kept silently since they were last asked for."""
        kept = list(self._silent)
        self._silent.clear()
        return kept

    def cleanup(self) -> None:
        """Forget everything: a new command starts."""
        for messages in (self._timeouts, self._warnings, self._errors, self._notes, self._silent):
            messages.clear()

    def print_summary(self) -> None:
        """Print what was collected; nothing if there was nothing."""
        if self._timeouts or self._warnings or self._errors:
            self._print_problems()
        if self._notes:
            print()
            print(" Additional Info ".center(_WIDTH, "~"))
            for note in self._notes:
                print(f"    {note}")
                print("~" * _WIDTH)

    def _print_problems(self) -> None:
        print()
        print("*" * _WIDTH)
        print(" A Summary Of Problems Found ".center(_WIDTH, "*"))
        print("*" * _WIDTH)
        if self._timeouts:
            print(" Some crash built-in commands did not complete within timeout "
                  .center(_WIDTH, "-"))
            for command in self._timeouts:
                print(f"    {command}")
            print(_TIMEOUT_HINT)
        for tag, messages in ((_WARNING, self._warnings), (_ERROR, self._errors)):
            if messages:
                print(f" A list of all {tag} messages ".center(_WIDTH, "-"))
                for text in messages:
                    print(f"    {text}")
        print("-" * _WIDTH)


_TIMEOUT_HINT = """\
  The output above may lack what these commands had to say.
  Run your command again with a bigger timeout, e.g. add
     --timeout=1200
  to run with timeout of 1200s"""


def _remember(messages: list[str], args: tuple[object, ...]) -> str:
    text = " ".join(map(str, args))
    if text not in messages:
        messages.append(text)
    return text


pylog = PyLog()
"""The log of the command that runs."""
