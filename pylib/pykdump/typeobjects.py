"""Owns TypeInfo: a C type taken apart, for programs that look at types.

Made from the dictionaries of gdb_typeinfo.  Must not read memory.
"""

from __future__ import annotations

from math import prod
from typing import Any

from . import gdbtypes, typeinfo
from .memocaches import memoize_typeinfo


@memoize_typeinfo
def described(name: str) -> dict[str, Any]:
    """What a type is, as gdb_typeinfo has it; crash.error if there is none of that name."""
    return gdbtypes.gdb_typeinfo(name)


# As the engine's describe_type has it.
Description = tuple[str, "str | None", int, bool, int, Any, Any]
Source = str | dict[str, Any] | Description


def as_dictionary(source: Source) -> dict[str, Any]:
    """From a type's name, from what the engine's describe_type says of it, or what it is."""
    if isinstance(source, str):
        return described(source)
    return gdbtypes.dictionary(source) if isinstance(source, tuple) else source


@memoize_typeinfo
def bodies(sname: str) -> dict[str, dict[str, Any]]:
    """The members of a struct by name, described."""
    return {member["fname"]: member for member in reversed(described(sname).get("body", ()))}


class TypeInfo:
    """A type by its name in C, its dictionary or its description; crash.error if it is unknown.

    stype           the name of its typedef, else of the base type
    size            bytes, of an array those of one element
    dims            the dimensions of an array, None for anything else
    ptrlev          stars
    codetype        crash.TYPE_CODE_...: PTR of pointers, of arrays that of an element
    """

    def __init__(self, source: Source) -> None:
        what = as_dictionary(source)
        self._what = what
        self.fname: str | None = what.get("fname")
        self.basetype: str = what["basetype"]
        self.typedef: str | None = what.get("typedef")
        self.stype: str = self.typedef or self.basetype
        self.size: int = what["typelength"]
        self.dims: list[int] | None = what.get("dims")
        self.ptrlev: int = what.get("stars", 0)
        self.codetype: int = what["codetype"]
        self.ptrbasetype: int | None = what.get("ptrbasetype")
        self.uint: int | None = what.get("uint")

    @property
    def elements(self) -> int:
        """How many there are in all dimensions of an array, else 1."""
        return prod(self.dims) if self.dims else 1

    @property
    def tcodetype(self) -> int:
        """The code of what a pointer points to in the end, of anything else its own."""
        return self.codetype if self.ptrbasetype is None else self.ptrbasetype

    @property
    def prototype(self) -> list[TypeInfo] | None:
        """What a function returns, then what it takes; None if it is no function."""
        types = self._what.get("prototype")
        return None if types is None else [TypeInfo(each) for each in types]

    @property
    def edef(self) -> list[list[Any]] | None:
        """The enumerators, [name, value]; None if it is no enum."""
        return self._what.get("edef")

    def getTargetType(self) -> TypeInfo:
        """What a pointer points to, one star less; TypeError if it is none."""
        if not self.ptrlev:
            raise TypeError(f"{self.fullstr()} is not a pointer")
        what = {key: value for key, value in self._what.items()
                if key not in ("dims", "fname", "bitoffset", "bitsize")}
        inner = described(self.typedef) if self.typedef else {}
        if inner.get("stars"):
            del what["typedef"]         # it was the name of the pointer
        what["stars"] = self.ptrlev - 1
        if self.ptrlev == 1:
            del what["stars"], what["ptrbasetype"]
            what["codetype"] = self.ptrbasetype
            what["typelength"] = max(0, typeinfo.struct_size(what.get("typedef", self.basetype)))
        return TypeInfo(what)

    def fullname(self) -> tuple[str, str, str]:
        """(name, stars, dimensions): ("struct sk_buff", "*", "[4]")"""
        # What a typedef stands for is not written again.
        inner = described(self.typedef) if self.typedef else {}
        stars = "*" * (self.ptrlev - inner.get("stars", 0))
        dims = self.dims or []
        outer = dims[:len(dims) - len(inner.get("dims", ()))]
        return self.stype, stars, "".join(f"[{dim}]" for dim in outer)

    def typestr(self) -> str:
        """The type without dimensions: "struct sk_buff *"."""
        name, stars, _dims = self.fullname()
        return f"{name} {stars}".rstrip()

    def fullstr(self) -> str:
        """The type in C: "struct sk_buff *[4]"."""
        return self.declaration("")

    def declaration(self, name: str) -> str:
        """How something of that type is declared."""
        stype, stars, dims = self.fullname()
        types = self.prototype
        if types is None or self.typedef:
            return f"{stype} {stars}{name}{dims}".rstrip()
        takes = ", ".join(each.fullstr() for each in types[1:]) or "void"
        inner = f"({stars}{name}{dims})" if stars else name
        return f"{types[0].typestr()} {inner}({takes})"

    def __str__(self) -> str:
        return self.fullstr()

    def __repr__(self) -> str:
        return f"<TypeInfo {self.fullstr()} size={self.size}>"
