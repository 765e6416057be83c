"""Owns imports of modules that this Python does not have.

The finder is asked last, so whatever exists anywhere comes first: the real module, or a copy that
someone keeps on PYKDUMPPATH.  Only people's own code gets an answer: the standard library and
installed packages find out which Python they run on by importing old modules.  Must not know what
the modules that stand in do.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType

from .. import path, shadow

_OWN = __package__

# The names of an old module are those of these modules, the last one wins.
ALIASES: dict[str, tuple[str, ...]] = {
    # Python 2
    "__builtin__": (),
    "BaseHTTPServer": ("http.server",),
    "CGIHTTPServer": ("http.server",),
    "ConfigParser": ("configparser",),
    "Cookie": ("http.cookies",),
    "HTMLParser": ("html.parser",),
    "Queue": ("queue",),
    "SimpleHTTPServer": ("http.server",),
    "SimpleXMLRPCServer": ("xmlrpc.server",),
    "SocketServer": ("socketserver",),
    "StringIO": ("io",),
    "UserDict": (f"{_OWN}.userclasses",),
    "UserList": (f"{_OWN}.userclasses",),
    "UserString": (f"{_OWN}.userclasses",),
    "anydbm": ("dbm",),
    "cPickle": ("pickle",),
    "cStringIO": ("io",),
    "commands": (f"{_OWN}.commands",),
    "cookielib": ("http.cookiejar",),
    "copy_reg": ("copyreg",),
    "dummy_thread": ("_thread", f"{_OWN}.thread"),
    "dummy_threading": ("threading",),
    "exceptions": (f"{_OWN}.exceptions",),
    "future_builtins": ("builtins",),
    "htmlentitydefs": ("html.entities",),
    "httplib": ("http.client",),
    "md5": (f"{_OWN}.md5",),
    "repr": ("reprlib",),
    "robotparser": ("urllib.robotparser",),
    "sets": (f"{_OWN}.sets",),
    "sha": (f"{_OWN}.sha",),
    "sre": ("re",),
    "thread": ("_thread", f"{_OWN}.thread"),
    "urllib2": ("urllib.error", "urllib.parse", "urllib.request"),
    "urlparse": ("urllib.parse",),
    "whichdb": ("dbm",),
    "xmlrpclib": ("xmlrpc.client",),
    # Python 3, until it was removed
    "cgi": (f"{_OWN}.cgi",),
    "distutils": (),
    "distutils.spawn": (f"{_OWN}.distutils_spawn",),
    "distutils.util": (f"{_OWN}.distutils_util",),
    "distutils.version": (f"{_OWN}.distutils_version",),
    "imp": (f"{_OWN}.imp",),
    "pipes": (f"{_OWN}.pipes",),
    "xml.etree.cElementTree": ("xml.etree.ElementTree",),
}

# What to use instead of a module that nothing stands in for.
INSTEAD: dict[str, str] = {
    "aifc": "no module reads AIFF any more",
    "asynchat": "use asyncio streams, or socketserver",
    "asyncore": "use selectors, socketserver or asyncio",
    "audioop": "no module of Python does this any more",
    "binhex": "use binascii",
    "cgitb": "use traceback",
    "chunk": "read the chunks with struct",
    "compiler": "use ast and compile()",
    "crypt": "use hashlib, or ctypes.CDLL('libcrypt.so.1').crypt",
    "distutils": "build with setuptools; of distutils only version, spawn and util are here",
    "email.Utils": "use email.utils",
    "formatter": "format the text yourself, textwrap helps",
    "gdbm": "use dbm.gnu",
    "imghdr": "compare the first bytes of the file",
    "lib2to3": "use ast, or the tool 2to3 of an older Python",
    "mailcap": "read /etc/mailcap, or use mimetypes",
    "mimetools": "use email.message",
    "mhlib": "use mailbox",
    "new": "use types: types.ModuleType, types.FunctionType, types.MethodType",
    "nis": "run `ypcat` with subprocess",
    "nntplib": "no module of Python does this any more",
    "ossaudiodev": "no module of Python does this any more",
    "parser": "use ast",
    "popen2": "use subprocess.Popen",
    "rexec": "there is no safe replacement",
    "rfc822": "use email",
    "smtpd": "the package aiosmtpd does this",
    "sndhdr": "compare the first bytes of the file",
    "spwd": "read /etc/shadow",
    "statvfs": "use the attributes of os.statvfs()",
    "stringold": "use the methods of str",
    "sunau": "no module of Python does this any more",
    "symbol": "use ast",
    "telnetlib": "use socket",
    "user": "run the file ~/.pythonrc.py yourself",
    "uu": "use binascii.a2b_uu and binascii.b2a_uu",
    "xdrlib": "use struct, with '>' in the format",
}


# file of a program -> old modules that it can do without: it looks for them, and has another way
expected_missing: dict[str, set[str]] = {}


class AliasLoader:
    """Makes an old module out of the names of others."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        self._sources = sources

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        if spec.name == "__builtin__":
            from .py2builtins import BuiltinModule
            return BuiltinModule(spec.name)
        return None

    def exec_module(self, module: ModuleType) -> None:
        from . import names
        exported: list[str] = []
        for source in self._sources:
            real = vars(importlib.import_module(source))
            known = [name for name in real if not name.startswith("__")]
            module.__dict__.update((name, real[name]) for name in known)
            exported += real.get("__all__") or [name for name in known if name[0] != "_"]
        if exported:
            module.__dict__["__all__"] = exported + names.complete(module)


def find_spec(fullname: str) -> ModuleSpec | None:
    """How to load an old module, for code of a person; None for a name that is not known."""
    sources = ALIASES.get(fullname)
    if sources is None:
        return None
    importer = _importer()
    if importer is None or path.is_protected(importer) \
            or fullname in expected_missing.get(importer, ()):
        return None
    return ModuleSpec(fullname, AliasLoader(sources),  # type: ignore[arg-type]
                      is_package=fullname == "distutils")


def _importer() -> str | None:
    """The file whose import statement is carried out."""
    machinery = os.path.dirname(importlib.__file__) + os.sep
    finders = (_importer.__code__.co_filename, shadow.install.__code__.co_filename)
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(("<frozen importlib", machinery)) and file not in finders:
            return file
        frame = frame.f_back
    return None
