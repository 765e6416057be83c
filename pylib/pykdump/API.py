"""The face of the framework: everything a program gets with `from pykdump.API import *`."""

# Programs use these without importing them.
import os
import re
import sys
import time
from collections import defaultdict
from optparse import Option, OptionParser

import crash
from crash import (FD_ISSET, HZ, PAGESIZE, PAGE_CACHE_SHIFT, SmartString, StructResult, addr2mod,
                   addr2sym, cpu_to_le32, enumerator_value, exec_crash_command, get_pathname,
                   getListSize, is_task_active, le16_to_cpu, le32_to_cpu, phys_to_page,
                   pid_to_task, sLong, set_readmem_task, sym2addr, sym2alladdr, symbol_exists,
                   tEnum, tPtr, task_to_pid, uvtop)

# The order of these imports is the order in which pyctl lists the switches.
from .Generic import (Bunch, DCache, TrueOnce, dbits2str, print2columns, registerModuleAttr,
                      registerObjAttrHandler)
from .memocaches import (CU_LIVE, CU_LOAD, CU_PYMOD, CU_TIMEOUT, PY_select, PY_select_purge,
                         memoize_cond, memoize_typeinfo, purge_memoize_cache, purge_typeinfo)
from .lowlevel import (Addr, Deref, readInt, readLong, readProcessMem, readPtr, readS32, readS64,
                       readSU, readSymbol, readU8, readU16, readU32, readU64, readUInt, readULong,
                       readmem)
from .columns import columns
from .dlkmload import delModule, loadModule, lsModules
from . import options, pagecache
from .highlevel import (LH_isempty, ListHead, container_of, list_for_each_entry, readList,
                        readListByHead, readSUListFromHead, setListMaxel)
from .logging import PyLog, pylog
from .options import API_options, get_nsproxy, set_nsproxy
from .pseudo import structSetAttr, structSetProcAttr
from .search import kernel_ranges, search_memory
from .sysinfo import KernelRev, sys_info
from .typeinfo import EnumInfo, member_offset, member_size, struct_exists, struct_size
from .walk import (walk_hash, walk_hlist, walk_hlist_bl, walk_hlist_nulls, walk_idr, walk_list,
                   walk_llist, walk_maple, walk_percpu, walk_plist, walk_pointers, walk_rbtree,
                   walk_slab, walk_xarray)

__all__ = (
    "API_options", "Addr", "Bunch", "CU_LIVE", "CU_LOAD", "CU_PYMOD", "CU_TIMEOUT", "DCache",
    "Deref", "EnumInfo", "FD_ISSET", "HZ", "KernelRev", "LH_isempty", "ListHead", "Option",
    "OptionParser", "PAGESIZE", "PAGE_CACHE_SHIFT", "PY_select", "PY_select_purge", "PyLog",
    "SmartString", "StructResult", "TrueOnce", "WARNING", "addr2mod", "addr2sym", "columns",
    "container_of", "cpu_to_le32", "crash", "dbits2str", "defaultdict", "delModule",
    "enumerator_value", "exec_crash_command", "getListSize", "get_nsproxy", "get_pathname", "hexl",
    "is_task_active", "kernel_ranges", "le16_to_cpu", "le32_to_cpu", "list_for_each_entry",
    "loadModule", "long", "lsModules", "member_offset", "member_size", "memoize_cond",
    "memoize_typeinfo", "os", "phys_to_page", "pid_to_task", "print2columns",
    "purge_memoize_cache", "purge_typeinfo", "pylog", "re", "readInt", "readList",
    "readListByHead", "readLong", "readProcessMem", "readPtr", "readS32", "readS64", "readSU",
    "readSUListFromHead", "readSymbol", "readU16", "readU32", "readU64", "readU8", "readUInt",
    "readULong", "readmem", "registerModuleAttr", "registerObjAttrHandler", "sLong",
    "search_memory", "setListMaxel", "set_nsproxy", "set_readmem_task", "structSetAttr",
    "structSetProcAttr", "struct_exists", "struct_size", "sym2addr", "sym2alladdr",
    "symbol_exists", "sys", "sys_info", "tEnum", "tPtr", "task_to_pid", "time", "uvtop",
    "walk_hash", "walk_hlist", "walk_hlist_bl", "walk_hlist_nulls", "walk_idr", "walk_list",
    "walk_llist", "walk_maple", "walk_percpu", "walk_plist", "walk_pointers", "walk_rbtree",
    "walk_slab", "walk_xarray",
)

long = int
hexl = hex
WARNING = "+++WARNING+++"

debug = 0
registerModuleAttr("debugReload", default=0,
                   help="report --reload: 1 modules, 2 their files too")


def _set_debug(level: int) -> None:
    global debug
    debug = level


options.on("debug", _set_debug)
