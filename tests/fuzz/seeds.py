"""Owns the inputs that fuzzing starts from.

    python3 -m tests.fuzz.seeds sample FILE     the small ELF file that indexes are of
    python3 -m tests.fuzz.seeds all FOLDER      FOLDER/seeds/TARGET/*; needs FOLDER/fuzz_index
"""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.engine import btfwriter, gdbtext
from tests.engine.btfwriter import Btf, at

HERE = Path(__file__).resolve().parent
MODULES_AT = 0xffffffffc0000000     # fuzz_btf.c has it too

SAMPLE = """\
typedef unsigned int u32;
typedef u32 alias;
enum minus { MINUS = -1, ZERO };
enum wide { WIDE = 0x123456789abll };
struct opaque;
struct node { struct node *next, **pprev; };
struct all {
    unsigned b1 : 3, b2 : 29;
    enum minus e2 : 2;
    union { int x; struct { short y, z; }; };
    struct { char inner; } named;
    int grid[2][3];
    int (*call)(int, const char *, ...);
    struct opaque *opaque;
    const volatile struct node *chain;
    double number;
    alias again;
    struct node tail[];
};
union both { long i; char bytes[8]; enum wide w; };
struct all *pointer;
struct node head = { &head, &head.next };
extern int declared[];
int declared[5] = { 1 };
static _Bool flag;
union both both;
struct { int unnamed; } odd;
int use(struct all *all) { return all->call(flag, "x") + odd.unnamed; }
"""
# Another unit: some of the sample's types again, and others of the same name and line.
SECOND = """\
#line 1 "sample.c"
typedef unsigned int u32;
typedef struct { u32 part; } alias;
enum minus { MINUS = -1, ZERO };
enum wide { WIDE = 1, WIDER };
struct opaque { u32 known; };
struct node { struct node *next, **pprev; };
struct all { long grid[20]; };
alias second;
struct opaque opaque;
struct node second_head, *chain;
struct all *more;
enum minus less;
enum wide wider;
"""
# Functions that call each other, with parameters that are passed on, inlined and dropped.
CODE = """\
struct pair { long a, b; };
void outer(void *);
static inline int inlined(struct pair *pair, int by) { outer(pair); return pair->a * by; }
__attribute__((noinline)) static long dropped(long one, int two, struct pair pair)
{ struct pair own = pair; outer(&own); return inlined(&own, two) + one; }
long calls(long one, short two, char *text)
{ struct pair pair = { one, two }; return dropped(one + two, 7, pair) + (text ? *text : 0); }
long passes(long one) { outer(&one); return calls(one * 3, (short)one, 0) + calls(one, 1, "x"); }
"""
# What makes it the file of a module.
MODINFO = """\
static const char info[] __attribute__((section(".modinfo"), used)) =
    "license=GPL\\0name=sample\\0srcversion=ABC\\0vermagic=6.1.0 SMP ";
"""
# Debug sections of no interest here, which would only take bytes that change nothing.
REMOVED = [".comment", ".note.gnu.property", ".eh_frame"]
REMOVED_LINKED = [".debug_line", ".debug_aranges"]      # relocations elsewhere refer to them
WAYS = {"dwarf5": "-gdwarf-5", "dwarf4": "-gdwarf-4",
        "dwarf3": "-gdwarf-3 -gstrict-dwarf", "dwarf2": "-gdwarf-2 -gstrict-dwarf",
        "types": "-gdwarf-5 -fdebug-types-section", "packed": "-gdwarf-5 -gz"}
SOME = 12
LINKED = "-shared -nostdlib -fPIC -Wl,-z,noseparate-code -Wl,--build-id=sha1 -Wl,--hash-style=gnu"


def compile_sample(result: Path, options: str, *texts: str) -> None:
    """The sample, or other units, as an ELF file without what does not matter."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for i, text in enumerate(texts or [SAMPLE]):
            names.append(f"unit{i}.c")
            (Path(folder) / names[-1]).write_text(text)
        subprocess.run(["gcc", "-w", "-fno-asynchronous-unwind-tables", *options.split(),
                        "-o", str(result.resolve()), *names], check=True, cwd=folder)
    sections = REMOVED if "-c" in options.split() else REMOVED + REMOVED_LINKED
    removed = [word for section in sections for word in ("--remove-section", section)]
    subprocess.run(["objcopy", *removed, str(result)], check=True)


# ---- BTF -----------------------------------------------------------------------------------------

def old_btf() -> Btf:
    """Bit fields and enums as they were before their flags."""
    btf = Btf()
    number = btf.integer("int", 4, btfwriter.SIGNED)
    bits = btf.integer("int", 4, btfwriter.SIGNED, bits=5, offset=3)
    sign = btf.enum("sign", {"MINUS": -1, "PLUS": 1}, signed=False)
    btf.struct("old", 12, at("x", number), at("y", bits, 4), at("z", sign, 8), flag=False)
    return btf


def nested_btf() -> Btf:
    """Anonymous structs within each other, typedefs of typedefs, and what contains itself."""
    btf = Btf()
    inner = btf.struct(0, 4, at("x", btf.integer("int", 4)))
    for _ in range(8):
        inner = btf.union(0, 4, at("", inner), at("", inner))
    btf.struct("deep", 4, at("", inner))
    for depth in range(4):
        inner = btf.typedef(f"t{depth}", btf.const(inner))
    own = btf.next_id()
    btf.struct("own", 8, at("own", own), at("", own), at("p", btf.next_id() + 1))
    btf.pointer(own)
    btf.typedef("loop", btf.next_id())
    btf.array(btf.next_id(), 3)
    return btf


def btf_with_modules() -> bytes:
    """A kernel's BTF, then the memory that its list of modules is in."""
    kernel = Btf()
    number, char = kernel.integer("int", 4, btfwriter.SIGNED), kernel.integer("char", 1)
    pointer = kernel.pointer(0)
    name = kernel.array(char, 16)
    kernel.struct("btf_module", 24, at("list", pointer), at("btf", pointer, 16))
    kernel.struct("btf", 40, at("data", pointer), at("data_size", number, 8), at("name", name, 16))
    start = kernel.blob()

    # A module's ids and strings go on where the kernel's end.
    base = len(kernel.types)
    names = b"\0mod\0member\0"
    types = struct.pack("<III", len(kernel.strings) + 1, 1 | btfwriter.STRUCT << 24, 4) + \
        struct.pack("<III", len(kernel.strings) + 5, 1, 0) + \
        struct.pack("<III", 0, btfwriter.PTR << 24, base + 1)
    module = struct.pack("<HBBIIIII", btfwriter.MAGIC, 1, 0, 24, 0, len(types), len(types),
                         len(names)) + types + names
    node, info, data = MODULES_AT + 16, MODULES_AT + 48, MODULES_AT + 160
    rest = struct.pack("<QQ", node, node) + struct.pack("<QQQQ", MODULES_AT, MODULES_AT, info, 0)
    rest += struct.pack("<QII", data, len(module), 0) + b"mod".ljust(96, b"\0")
    return start + rest + module


# ---- gdb -----------------------------------------------------------------------------------------

def transcripts() -> list[str]:
    """The answers of the engine's tests, some at a time."""
    answers = {**gdbtext.ANSWERS, "ptype /o struct iphdr ": gdbtext.IPHDR_16}
    lines = [f"(gdb) {line}\n{text.rstrip()}\n" for line, text in answers.items()]
    return ["".join(lines[start:start + SOME]) for start in range(0, len(lines), SOME)]


# ---- all -----------------------------------------------------------------------------------------

def write_index(folder: Path, result: Path) -> None:
    """The index that the engine makes of the sample when it finds none."""
    empty = result.parent.parent / "empty"
    empty.write_bytes(b"")
    with tempfile.TemporaryDirectory() as cache:
        subprocess.run([str(folder.resolve() / "fuzz_index"), str(empty)], check=True,
                       capture_output=True,
                       env={**os.environ, "FUZZ_CACHE": cache, "ASAN_OPTIONS": "detect_leaks=0"})
        (made,) = (Path(cache) / "mpykdump" / "dwarf").glob("*.index")
        index = bytearray(made.read_bytes())
    # All of the header is to be made to fit: see fuzz_index.c.
    index[96:104] = bytes(8)
    result.write_bytes(index)
    empty.unlink()


def write_all(folder: Path) -> None:
    """All seeds, anew."""
    seeds = folder / "seeds"
    shutil.rmtree(seeds, ignore_errors=True)
    for target in ("btf", "dwarf", "index", "gdb"):
        (seeds / target).mkdir(parents=True)
    for name, blob in (("sample", btfwriter.sample().blob()), ("old", old_btf().blob()),
                       ("nested", nested_btf().blob()), ("modules", btf_with_modules())):
        (seeds / "btf" / name).write_bytes(blob)
    for name, options in WAYS.items():
        compile_sample(seeds / "dwarf" / f"{name}.o", options + " -c")
        compile_sample(seeds / "dwarf" / f"{name}.so", options + " " + LINKED)
    compile_sample(seeds / "dwarf" / "units.so", "-gdwarf-5 " + LINKED, SAMPLE, SECOND)
    for version in (4, 5):
        for link in (LINKED, "-c"):
            compile_sample(seeds / "dwarf" / f"code{version}{link[1]}",
                           f"-gdwarf-{version} -O2 {link}", CODE)
    compile_sample(seeds / "dwarf" / "module.o", "-gdwarf-5 -c", SAMPLE + MODINFO)
    subprocess.run(["ld", "-r", "--build-id=sha1", "-o", seeds / "dwarf" / "module.ko",
                    seeds / "dwarf" / "module.o"], check=True)
    (seeds / "dwarf" / "module.o").unlink()
    write_index(folder, seeds / "index" / "sample")
    for recorded in (HERE / "gdb").iterdir():
        shutil.copy(recorded, seeds / "gdb")
    for i, text in enumerate(transcripts()):
        (seeds / "gdb" / f"tests{i}").write_text(text)


def main(what: str, where: str) -> None:
    if what == "sample":
        compile_sample(Path(where), "-gdwarf-5 " + LINKED)
    else:
        write_all(Path(where))


if __name__ == "__main__":
    main(*sys.argv[1:])
