"""The face of the framework: everything a program gets with `from pykdump.API import *`."""

# The order of these imports is the order in which pyctl lists the switches.
from .Generic import (Bunch, DCache, TrueOnce, dbits2str, print2columns, registerModuleAttr,
                      registerObjAttrHandler)
from .memocaches import (CU_LIVE, CU_LOAD, CU_PYMOD, CU_TIMEOUT, PY_select, PY_select_purge,
                         memoize_cond, memoize_typeinfo, purge_memoize_cache, purge_typeinfo)
from . import lowlevel  # noqa: F401
from . import dlkmload  # noqa: F401
from . import options
from .logging import PyLog, pylog
from .options import API_options, get_nsproxy, set_nsproxy

__all__ = (
    "API_options", "Bunch", "CU_LIVE", "CU_LOAD", "CU_PYMOD", "CU_TIMEOUT", "DCache", "PY_select",
    "PY_select_purge", "PyLog", "TrueOnce", "dbits2str", "get_nsproxy", "memoize_cond",
    "memoize_typeinfo", "print2columns", "purge_memoize_cache", "purge_typeinfo", "pylog",
    "registerModuleAttr", "registerObjAttrHandler", "set_nsproxy",
)

debug = 0
registerModuleAttr("debugReload", default=0,
                   help="report --reload: 1 modules, 2 their files too")


def _set_debug(level: int) -> None:
    global debug
    debug = level


options.on("debug", _set_debug)
