"""Where programs written for earlier versions find the objects about types."""

from .structinfo import ArtStructInfo, SUInfo, VarInfo, funcargs, getStructInfo, whatis
from .typeinfo import (EnumInfo, getSizeOf, member_offset, member_size, struct_exists, struct_size,
                       type_length, union_size)
from .typeobjects import TypeInfo

__all__ = ("ArtStructInfo", "EnumInfo", "SUInfo", "TypeInfo", "VarInfo", "funcargs",
           "getSizeOf", "getStructInfo", "member_offset", "member_size", "struct_exists",
           "struct_size", "type_length", "union_size", "whatis")
