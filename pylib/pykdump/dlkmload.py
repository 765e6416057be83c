"""Owns the loading of debug information of kernel modules."""

from .registry import registerModuleAttr

registerModuleAttr("debugDLKM", default=0, help="report loading of module debug information")
