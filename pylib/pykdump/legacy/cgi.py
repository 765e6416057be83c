"""Python's `cgi`, as far as programs that are no web pages use it."""

from __future__ import annotations

from email.message import Message
from urllib.parse import parse_qs, parse_qsl

__all__ = ["escape", "parse_header", "parse_qs", "parse_qsl"]


def escape(s: str, quote: bool = False) -> str:
    """The text as HTML; double quotes too if `quote`."""
    s = s.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return s.replace('"', "&quot;") if quote else s


def parse_header(line: str) -> tuple[str, dict[str, str]]:
    """The value of a header like Content-Type, and its parameters."""
    message = Message()
    message["content-type"] = line
    (value, _), *parameters = message.get_params([("", "")])
    return value, dict(parameters)
