# SPDX-License-Identifier: GPL-3.0-or-later
"""Appends the Python part to the plug-in: one file that is an ELF object and a zip archive.

Run by make with the Python that the plug-in embeds, since the archive holds its bytecode.
"""

import argparse
import importlib.util
import marshal
import pathlib
import zipfile

# where a folder of the checkout goes in the archive: the framework, which nothing may shadow,
# apart from what developers may override from their own path
LAYOUT = (("pylib/pykdump", "pylib/pykdump"), ("pylib/LinuxDump", "LinuxDump"), ("progs", "progs"))

# the archive's content depends on the sources alone
TIMESTAMP = (2020, 1, 1, 0, 0, 0)


def bytecode(source: bytes, name: str) -> bytes:
    """A .pyc that is used without looking at the source: by hash, which is not checked."""
    code = compile(source, name, "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + b"\1\0\0\0" + bytes(8) + marshal.dumps(code)


def add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, TIMESTAMP), data, zipfile.ZIP_STORED)


def pack(plugin: pathlib.Path, root: pathlib.Path) -> None:
    with zipfile.ZipFile(plugin, "a") as archive:
        for folder, place in LAYOUT:
            for path in sorted((root / folder).rglob("*.py")):
                name = f"{place}/{path.relative_to(root / folder)}"
                source = path.read_bytes()
                add(archive, name + "c", bytecode(source, f"mpykdump.so/{name}"))
                add(archive, name, source)
        add(archive, "__main__.py", (root / "pylib/__main__.py").read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plugin", type=pathlib.Path, help="the ELF object to append to")
    parser.add_argument("root", type=pathlib.Path, help="the checkout")
    options = parser.parse_args()
    pack(options.plugin, options.root)


if __name__ == "__main__":
    main()
