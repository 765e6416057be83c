"""Owns the reading of memory and types below the API."""

from .registry import registerModuleAttr

registerModuleAttr("debugDeref", default=0, help="report dereferencing")
