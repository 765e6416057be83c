"""Owns the kernel types that walkers know, and the building of such structures in memory."""

import struct

from tests.engine.btfwriter import Member, at
from tests.engine.world import PAGE, World, host_image, pykdump

CHUNK = 64                  # slots of an xa_node
NODE = 576                  # bytes of one
MAPLE_NODE = 256
DENSE, LEAF, RANGE, ARANGE = range(4)
MAX = (1 << 64) - 1


def word(address: int, value: int) -> None:
    """Writes 8 bytes."""
    host_image.write(address, struct.pack("<Q", value & MAX))


def done() -> None:
    """After writing: nothing old is remembered."""
    pykdump.purge_caches("memory")


def add_types(world: World, slab: str = "6.1") -> None:
    """All structs that the walkers ask for, as kernel 6.1 has them; those of slabs as another."""
    btf = world.btf
    void = btf.pointer(0)
    u64 = world.u64
    btf.struct("list_head", 16, at("next", void), at("prev", void, 8))
    for kind in ("hlist", "hlist_nulls", "hlist_bl", "llist"):
        btf.struct(f"{kind}_head", 8, at("first", void))
        btf.struct(f"{kind}_node", 16, at("next", void), at("pprev", void, 8))
    list_head = btf.struct("list_head", 16, at("next", void), at("prev", void, 8))
    btf.struct("plist_head", 16, at("node_list", list_head))
    btf.struct("plist_node", 40, at("prio", world.s32), at("prio_list", list_head, 8),
               at("node_list", list_head, 24))
    rb_node = btf.struct("rb_node", 24, at("__rb_parent_color", u64), at("rb_right", void, 8),
                         at("rb_left", void, 16))
    btf.struct("rb_root", 8, at("rb_node", void))
    btf.struct("item", 64, at("key", u64), at("rb", rb_node, 8), at("link", list_head, 32))
    xarray = btf.struct("xarray", 16, at("xa_flags", world.u32, 4), at("xa_head", void, 8))
    btf.struct("xa_node", NODE, at("shift", world.u8), at("offset", world.u8, 1),
               at("parent", void, 8), at("slots", btf.array(void, CHUNK), 40))
    btf.struct("idr", 24, at("idr_rt", xarray), at("idr_base", world.u32, 16))
    btf.struct("maple_tree", 24, at("ma_root", void, 8), at("ma_flags", world.u32, 16))
    btf.struct("maple_node", 256, at("parent", void), at("slot", btf.array(void, 31), 8))
    btf.struct("maple_range_64", 256, at("parent", void), at("pivot", btf.array(u64, 15), 8),
               at("slot", btf.array(void, 16), 128))
    btf.struct("maple_arange_64", 248, at("parent", void), at("pivot", btf.array(u64, 9), 8),
               at("slot", btf.array(void, 10), 80), at("gap", btf.array(u64, 10), 160))
    add_slab_types(world, list_head, slab)


def add_slab_types(world: World, list_head: int, kernel: str) -> None:
    btf = world.btf
    void = btf.pointer(0)
    order = btf.struct("kmem_cache_order_objects", 4, at("x", world.u32))
    btf.struct("kmem_cache", 128, at("cpu_slab", void), at("size", world.u32, 24),
               at("offset", world.u32, 40), at("oo", order, 52), at("min", order, 56),
               at("red_left_pad", world.u32, 88), at("name", btf.pointer(world.char), 96),
               at("list", list_head, 104), at("random", world.u64, 120))
    btf.struct("kmem_cache_cpu", 32, at("freelist", void))
    members = (at("slab_cache", void, 24), at("freelist", void, 32),
               Member("inuse", world.u32, 320, 16), Member("objects", world.u32, 336, 15),
               Member("frozen", world.u32, 351, 1))
    page = (at("flags", world.u64), at("page_type", world.u32, 48))
    if kernel == "5.10":
        btf.struct("page", 64, *(Member(m.name, m.type, m.offset) for m in page), *members,
                   flag=True)
    else:
        btf.struct("page", 64, *page)
        btf.struct("slab", 64, *members)
    btf.struct("mem_section", 16, at("section_mem_map", world.u64))
    flags = {"PG_locked": 0, "PG_slab": 9} if kernel in ("5.10", "6.1") else {"PG_locked": 0}
    btf.enum("pageflags", flags)
    if kernel == "6.11":
        btf.enum("pagetype", {"PG_slab": 0x02000000, "PAGE_TYPE_BASE": 0x80000000})
    if kernel == "6.12":
        btf.enum("pagetype", {"PGTY_buddy": 0xf0, "PGTY_slab": 0xf5})


# What tells the struct page of a slab from others: (offset, value, that of another page).
MARKS = {"5.10": (0, 1 << 9, 1), "6.1": (0, 1 << 9, 1), "6.10": (48, 0xffffefff, 0xffffffff),
         "6.11": (48, 0xfdffffff, 0xffffffff), "6.12": (48, 0xf5000000, 0xf0000000)}


# ---- red-black trees: an item is 64 bytes, its node at 8 --------------------------------------

RB = 8


class Tree:
    """Items in a balanced tree, in the order of their numbers."""

    def __init__(self, world: World, count: int) -> None:
        self.root = world.place(bytes(8))
        self.items = [world.place(bytes(64)) for _ in range(count)]
        word(self.root, self._link(0, count, 0))
        done()

    def node(self, number: int) -> int:
        return self.items[number] + RB

    def _link(self, first: int, end: int, parent: int) -> int:
        if first == end:
            return 0
        middle = (first + end) // 2
        address = self.node(middle)
        word(address, parent | middle % 2)
        word(address + 16, self._link(first, middle, address))
        word(address + 8, self._link(middle + 1, end, address))
        return address

    def walk(self, **how):
        found, report = pykdump.walk_rbtree(self.root, "struct item", "rb", **how)
        return [self.items.index(item) for item in found], report


# ---- xarrays ---------------------------------------------------------------------------------

class XArray:
    """An xarray of index -> entry, made from the bottom."""

    def __init__(self, world: World, entries: dict[int, int]) -> None:
        self.world = world
        self.nodes: list[int] = []
        self.address = world.place(bytes(16))
        shift = 0
        while max(entries, default=0) >> shift >= CHUNK:
            shift += 6
        head = entries.get(0, 0)
        if max(entries, default=0):
            head = self.node(entries, 0, shift, 0, 0) | 2
        word(self.address + 8, head)
        done()

    def node(self, entries: dict[int, int], base: int, shift: int, offset: int,
             parent: int) -> int:
        address = self.world.place(bytes(NODE), 64)
        self.nodes.append(address)
        host_image.write(address, bytes([shift, offset]))
        word(address + 8, parent)
        inside = {}
        for index, entry in entries.items():
            if base <= index < base + (CHUNK << shift):
                inside.setdefault((index - base) >> shift, {})[index] = entry
        for slot, part in inside.items():
            first = base + (slot << shift)
            self.set(address, slot, self.node(part, first, shift - 6, slot, address) | 2
                     if shift else part[first])
        return address

    @staticmethod
    def set(node: int, slot: int, entry: int) -> None:
        word(node + 40 + slot * 8, entry)

    def walk(self, **how):
        indices, entries, report = pykdump.walk_xarray(self.address, **how)
        return dict(zip(indices, entries)), report


# ---- maple trees -------------------------------------------------------------------------------

class Maple:
    """A maple tree whose nodes tests write themselves."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.address = world.place(bytes(24))

    def node(self, kind: int) -> int:
        """An empty node as its parent knows it."""
        return self.world.place(bytes(MAPLE_NODE), MAPLE_NODE) | kind << 3 | 2

    def root(self, entry: int) -> int:
        word(self.address + 8, entry)
        if entry & 3 == 2:
            word(entry & ~255, self.address | 1)
        done()
        return entry

    @staticmethod
    def fill(node: int, slots: list[int], pivots: list[int], children: bool = False) -> None:
        address = node & ~255
        where = {LEAF: (8, 128), RANGE: (8, 128), ARANGE: (8, 80), DENSE: (0, 8)}[node >> 3 & 15]
        for i, pivot in enumerate(pivots):
            word(address + where[0] + i * 8, pivot)
        for i, slot in enumerate(slots):
            word(address + where[1] + i * 8, slot)
            if children:
                word(slot & ~255, address | i << 3)
        done()

    def walk(self, **how):
        firsts, lasts, entries, report = pykdump.walk_maple(self.address, **how)
        return list(zip(firsts, lasts, entries)), report


# ---- slab caches: page frames 16 to 31 are one slab's page each --------------------------------

DIRECT = 0xffff988000000000
VMEMMAP = 0xffffea0000000000
FRAMES = 64
FIRST_FRAME = 16


class Slabs:
    """Memory of FRAMES page frames, its map, and a cache whose slabs are pages of it."""

    SIZE = 256
    PER_SLAB = PAGE // SIZE
    LINK = 128
    SECRET = 0x1234567890abcdef

    def __init__(self, world: World, kernel: str = "6.1") -> None:
        self.world = world
        self.mark, self.slab_mark, self.other_mark = MARKS[kernel]
        host_image.add_region(DIRECT, bytes(FRAMES * PAGE))
        host_image.add_region(VMEMMAP, bytes(FRAMES * 64))
        self.cache = world.place(bytes(128))
        self.head = world.place(bytes(16))
        self.per_cpu = world.place(bytes(2 * 64), 64)
        self.symbol("max_pfn", FRAMES)
        sections = world.place(struct.pack("<QQ", VMEMMAP | 3, 0))
        self.symbol("mem_section", world.place(struct.pack("<Q", sections)))
        self.symbol("page_offset_base", DIRECT)
        host_image.add_symbol("slab_caches", self.head)
        host_image.add_symbol("__per_cpu_offset",
                              world.place(struct.pack("<QQ", self.per_cpu, self.per_cpu + 64)))
        self.symbol("__cpu_possible_mask", 3)
        self.symbol("nr_cpu_ids", 2)
        word(self.head, self.cache + 104)
        word(self.cache + 104, self.head)
        self.cache_field(24, self.SIZE)
        self.cache_field(40, self.LINK)
        self.cache_field(52, self.PER_SLAB)
        self.cache_field(56, self.PER_SLAB)
        word(self.cache + 96, world.place(b"thing\0"))
        word(self.cache + 120, self.SECRET)
        done()

    def symbol(self, name: str, value: int) -> None:
        host_image.add_symbol(name, self.world.place(struct.pack("<Q", value)))

    def cache_field(self, offset: int, value: int) -> None:
        host_image.write(self.cache + offset, struct.pack("<I", value))

    def object(self, frame: int, number: int) -> int:
        return DIRECT + frame * PAGE + number * self.SIZE

    def slab(self, frame: int, free: list[int], objects: int | None = None) -> None:
        """Makes a frame a slab, with these on its free list in this order."""
        page = VMEMMAP + frame * 64
        word(page + self.mark, self.slab_mark)
        word(page + 24, self.cache)
        word(page + 32, self.chain([self.object(frame, number) for number in free]))
        count = self.PER_SLAB if objects is None else objects
        word(page + 40, count << 16 | count - len(free))
        done()

    def chain(self, objects: list[int]) -> int:
        """Links free objects; the first, or NULL."""
        for this, following in zip(objects, [*objects[1:], 0]):
            self.link(this, following)
        return objects[0] if objects else 0

    def link(self, free: int, following: int) -> None:
        """Writes the pointer in a free object."""
        swapped = int.from_bytes((free + self.LINK).to_bytes(8, "little"), "big")
        word(free + self.LINK, following ^ self.SECRET ^ swapped)

    def cpu(self, number: int, objects: list[int]) -> None:
        word(self.per_cpu + number * 64, self.chain(objects))
        done()

    def walk(self, **how):
        return pykdump.walk_slab(self.cache, **how)
