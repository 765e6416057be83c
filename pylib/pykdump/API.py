"""The face of the framework: everything a program gets with `from pykdump.API import *`."""

# Programs use these without importing them.
import atexit
import importlib
import os
import re
import select
import stat
import string
import sys
import time
from collections import defaultdict
from optparse import Option, OptionParser
from typing import TYPE_CHECKING

import _pykdump
import crash
import pykdump
from crash import (FD_ISSET, HZ, PAGESIZE, PAGE_CACHE_SHIFT, SmartString, StructResult, addr2mod,
                   addr2sym, cpu_to_le32, enumerator_value, exec_crash_command,
                   exec_crash_command_bg2, get_pathname, getFullBuckets, getFullBucketsH,
                   getListSize, is_task_active, le16_to_cpu, le32_to_cpu, phys_to_page,
                   pid_to_task, sLong, set_default_timeout, set_readmem_task, sym2addr,
                   sym2alladdr, symbol_exists, tEnum, tPtr, task_to_pid, uvtop)

from . import lazy

# The order of these imports is the order in which pyctl lists the switches.
from .Generic import (Bunch, DCache, TrueOnce, dbits2str, print2columns, registerModuleAttr,
                      registerObjAttrHandler)
from .memocaches import (CU_LIVE, CU_LOAD, CU_PYMOD, CU_TIMEOUT, PY_select, PY_select_purge,
                         memoize_cond, memoize_typeinfo, purge_memoize_cache, purge_typeinfo)
from .lowlevel import (Addr, Deref, readInt, readLong, readProcessMem, readPtr, readS32, readS64,
                       readSU, readSymbol, readU8, readU16, readU32, readU64, readUInt, readULong,
                       readmem)
from .columns import columns
from .dlkmload import delModule, loadModule, lsModules, possibleModuleNames
from . import dlkmload, highlevel, options, pagecache
from .commands import (SuppressCrashErrors, exec_command, exec_crash_command_bg,
                       exec_gdb_command)
from .datatypes import (ArtStructInfo, EnumInfo, SUInfo, TypeInfo, VarInfo, funcargs, getSizeOf,
                        getStructInfo, member_offset, member_size, struct_exists, struct_size,
                        type_length, union_size, whatis)
from .highlevel import (LH_isempty, ListHead, container_of, hlist_for_each_entry, iterN,
                        list_for_each_entry, readBadList, readList, readListByHead, readSUArray,
                        readSUListFromHead, readStructNext, setListMaxel)
from .logging import PyLog, pylog
from .Misc import (PYKD, argv2s, getCurrentModule, isfileoutput, patch_default_kw, pp, printObject,
                   re_apidebug, require_cmod_version)
from .options import API_options, get_nsproxy, set_nsproxy
from .pseudo import AttrSetter, structSetAttr, structSetProcAttr
from .scalars import (ALIGN, BITS_PER_INT, BITS_PER_LONG, INT_MASK, INT_MAX, INT_SIZE, LONG_MASK,
                      LONG_MAX, LONG_SIZE, PTR_SIZE, atomic_t, pointersize, uInt, uLong,
                      unsigned16, unsigned32, unsigned64)
from .search import kernel_ranges, search_memory
from .sysinfo import RHDIR, KernelRev, sys_info
from .tparser import CDefine, CEnum
from .walk import (walk_hash, walk_hlist, walk_hlist_bl, walk_hlist_nulls, walk_idr, walk_list,
                   walk_llist, walk_maple, walk_percpu, walk_plist, walk_pointers, walk_rbtree,
                   walk_slab, walk_xarray)

__all__ = (
    "ALIGN", "API_options", "Addr", "ArtStructInfo", "AttrSetter", "BITS_PER_INT", "BITS_PER_LONG",
    "Bunch", "CDefine", "CEnum", "CGDIR", "CU_LIVE", "CU_LOAD", "CU_PYMOD", "CU_TIMEOUT", "DCache",
    "Deref", "EnumInfo", "FD_ISSET", "HZ", "INT_MASK", "INT_MAX", "INT_SIZE", "KernelRev",
    "LH_isempty", "LONG_MASK", "LONG_MAX", "LONG_SIZE", "ListHead", "Option", "OptionParser",
    "PAGESIZE", "PAGE_CACHE_SHIFT", "PTR_SIZE", "PYKD", "PY_select", "PY_select_purge", "PyLog",
    "RHDIR", "SUInfo", "SmartString", "StructResult", "SuppressCrashErrors", "TrueOnce",
    "TypeInfo", "VarInfo", "WARNING", "addr2mod", "addr2sym", "argparse", "argv2s", "atexit",
    "atomic_t", "columns", "container_of", "cpu_to_le32", "crash", "dbits2str", "debug",
    "debugDLKM", "debugReload", "debuginfo", "defaultdict", "delModule", "enumerator_value",
    "exec_command", "exec_crash_command", "exec_crash_command_bg", "exec_crash_command_bg2",
    "exec_gdb_command", "funcargs", "getCurrentModule", "getFullBuckets", "getFullBucketsH",
    "getListSize", "getSizeOf", "getStructInfo", "get_nsproxy", "get_pathname", "hexl",
    "highlevel", "hlist_for_each_entry", "importlib", "is_task_active", "isfileoutput", "iterN",
    "kernel", "kernel_ranges", "kname", "le16_to_cpu", "le32_to_cpu", "list_for_each_entry",
    "loadModule", "long", "lsModules", "member_offset", "member_size", "memoize_cond",
    "memoize_typeinfo", "os", "patch_default_kw", "phys_to_page", "pid_to_task", "pointersize",
    "possibleModuleNames", "pp", "pprint", "print2columns", "printObject", "purge_memoize_cache",
    "purge_typeinfo", "pykdump", "pylog", "re", "re_apidebug", "readBadList", "readInt",
    "readList", "readListByHead", "readLong", "readProcessMem", "readPtr", "readS32", "readS64",
    "readSU", "readSUArray", "readSUListFromHead", "readStructNext", "readSymbol", "readU16",
    "readU32", "readU64", "readU8", "readUInt", "readULong", "readmem", "registerModuleAttr",
    "registerObjAttrHandler", "require_cmod_version", "sLong", "search_memory", "select",
    "setListMaxel", "set_default_timeout", "set_nsproxy", "set_readmem_task", "stat", "string",
    "structSetAttr", "structSetProcAttr", "struct_exists", "struct_size", "sym2addr",
    "sym2alladdr", "symbol_exists", "sys", "sys_info", "tEnum", "tPtr", "t_start",
    "t_start_children", "t_starta", "task_to_pid", "time", "traceback", "type_length", "uInt",
    "uLong", "union_size", "unsigned16", "unsigned32", "unsigned64", "uvtop", "walk_hash",
    "walk_hlist", "walk_hlist_bl", "walk_hlist_nulls", "walk_idr", "walk_list", "walk_llist",
    "walk_maple", "walk_percpu", "walk_plist", "walk_pointers", "walk_rbtree", "walk_slab",
    "walk_xarray", "whatis",
)

long = int
hexl = hex
WARNING = "+++WARNING+++"
"""What warnings of programs begin with."""
if TYPE_CHECKING:
    import argparse
    import pprint
    import traceback
else:
    argparse, pprint, traceback = map(lazy.module, ("argparse", "pprint", "traceback"))

# Of the dump, known when the first command starts.
kernel = KernelRev("")
"""The release of the kernel: sys_info.kernel."""
kname = ""
"""The namelist, the file that crash has symbols from."""
debuginfo = ""
"""The folder where distributions have debug information of modules: sys_info.debuginfo."""
CGDIR = ""
"""The folder of the namelist, where it is looked for too: sys_info.DebugDir."""

# When the command started.
t_start = 0.0
"""When the command started, in seconds since 1970."""
t_starta = 0.0
"""Seconds of CPU time that had been used when the command started."""
t_start_children = 0.0
"""Seconds of CPU time that child processes had used when the command started."""

debug = 0
"""What --debug says: 0 is silent."""
debugReload: int
"""Switch: report --reload, files of modules too if 2."""
registerModuleAttr("debugReload", default=0,
                   help="report --reload: 1 modules, 2 their files too")
debugDLKM: int = dlkmload.debugDLKM
"""Switch: report loading of module debug information; the value when the command started."""


def _begin(level: int) -> None:
    """A command starts: a program takes copies of these."""
    global CGDIR, debug, debugDLKM, debuginfo, kernel, kname, t_start, t_start_children, t_starta
    debug = level
    debugDLKM = dlkmload.debugDLKM
    t_start = time.time()
    used = os.times()
    t_starta = used.user + used.system
    t_start_children = used.children_user + used.children_system
    if not kname:
        kname = _pykdump.dump_info()["namelist"]
        kernel, debuginfo, CGDIR = sys_info.kernel, sys_info.debuginfo, sys_info.DebugDir


options.on("debug", _begin)
