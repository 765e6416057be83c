"""Owns the loading of the engine, and the small worlds that tests look at through it."""

import os
import sys
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.engine.btfwriter import BOOL, SIGNED, Btf

ENGINE = Path(os.environ.get("ENGINE_SO", "build/engine/engine.so")).resolve()
if not ENGINE.exists():
    raise pytest.UsageError(f"there is no {ENGINE}: make test-engine builds it")


def load_module(name: str) -> Any:
    """One of the modules in the engine's file. Not in sys.modules, where others have fakes."""
    loader = ExtensionFileLoader(name, str(ENGINE))
    module = module_from_spec(ModuleSpec(name, loader, origin=str(ENGINE)))
    loader.exec_module(module)
    return module


host_image = load_module("host_image")
crash = load_module("crash")
with mock.patch.dict(sys.modules, {"crash": crash}):
    pykdump = load_module("_pykdump")

KERNEL, USER, PHYSICAL = crash.KVADDR, crash.UVADDR, crash.PHYSADDR
PAGE = 4096
BTF_BASE = 0xffffffff82000000
DATA_BASE = 0xffff888000000000
DATA_SIZE = 16 * PAGE


class World:
    """Types, and a region of memory to put values of them into."""

    def __init__(self) -> None:
        host_image.reset()
        pykdump.cache_set_pages(256)
        host_image.add_region(DATA_BASE, bytes(DATA_SIZE))
        self.free = DATA_BASE + 64
        self.btf = btf = Btf()
        self.loaded = False
        self.char = btf.integer("char", 1, SIGNED)
        self.s8 = btf.integer("signed char", 1, SIGNED)
        self.u8 = btf.integer("unsigned char", 1)
        self.s16 = btf.integer("short int", 2, SIGNED)
        self.u16 = btf.integer("short unsigned int", 2)
        self.s32 = btf.integer("int", 4, SIGNED)
        self.u32 = btf.integer("unsigned int", 4)
        self.s64 = btf.integer("long int", 8, SIGNED)
        self.u64 = btf.integer("long unsigned int", 8)
        self.s128 = btf.integer("__int128", 16, SIGNED)
        self.u128 = btf.integer("__int128 unsigned", 16)
        self.bool = btf.integer("_Bool", 1, BOOL)

    def load(self) -> None:
        """Makes the types written so far those of the dump; later ones are not seen."""
        if not self.loaded:
            self.loaded = True
            load_blob(self.btf.blob())

    def place(self, data: bytes, align: int = 16) -> int:
        """Puts bytes into free memory; their address."""
        address = -(-self.free // align) * align
        self.free = address + len(data)
        self.write(address, data)
        return address

    def write(self, address: int, data: bytes) -> None:
        host_image.write(address, data)
        pykdump.purge_caches("memory")

    def struct(self, name: str, address_or_bytes: int | bytes = 0) -> Any:
        """The object of a type, at an address or of bytes put somewhere."""
        self.load()
        if isinstance(address_or_bytes, (bytes, bytearray)):
            address_or_bytes = self.place(bytes(address_or_bytes))
        return pykdump.readSU(name, address_or_bytes)

    def value(self, name: str, data: bytes) -> Any:
        """The value of any type in bytes put somewhere."""
        self.load()
        return pykdump.read_value(name, self.place(data))


def load_blob(blob: bytes) -> None:
    """Makes bytes the type information of the dump; to be done once in an empty image."""
    host_image.add_region(BTF_BASE, blob)
    host_image.add_symbol("__start_BTF", BTF_BASE)
    host_image.add_symbol("__stop_BTF", BTF_BASE + len(blob))
