# SPDX-License-Identifier: GPL-3.0-or-later
# make            build/mpykdump.so
# make help       everything else

VERSION := 0.1.0
PYTHON  := /usr/bin/python3
CRASH   := crash
BUILD   := build

# ---- what it is built from --------------------------------------------------------------------

ROOMS     := base trace host memory symbols types walkers stacks objects epython
SOURCES   := $(wildcard $(ROOMS:%=extension/%/*.c))
HEADERS   := $(wildcard $(ROOMS:%=extension/%/*.h))
C_FILES   := $(shell find extension tests -name '*.[ch]' -o -name '*.cc')
STUBS     := $(BUILD)/stubs
PYTHONS   := $(shell find pylib progs -name '*.py' 2>/dev/null)
BUILD_ID  := $(VERSION)-$(shell cat $(sort $(SOURCES) $(HEADERS) $(PYTHONS)) | sha256sum | cut -c1-12)

PYTHON_VERSION = $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
PYTHON_CONFIG  = python-$(PYTHON_VERSION)-embed
CRASH_VERSION  = $(shell $(CRASH) --version 2>/dev/null | sed -n 's/^crash \([0-9.]*\).*/\1/p')

EXTENSIONS := /usr/lib/crash/extensions

CC       := gcc
CXX      := g++
CPPFLAGS  = -D_GNU_SOURCE -DX86_64 -Iextension -I$(BUILD) -MMD -MP \
            -DCRASH_HEADER_VERSION='"$(CRASH_VERSION)"' \
            -DPYTHON_EXECUTABLE='"/usr/bin/python$(PYTHON_VERSION)"'
# Functions begin on lines of the processor's cache, so that how fast one is does not depend on what
# lies before it: reads of members were seen to differ by a tenth.
OPTIMISE := -O2 -g -falign-functions=64
WARNINGS := -Wall -Wextra -Wshadow -Wvla -Wno-unused-parameter -Werror
CFLAGS    = -std=gnu11 -fPIC -fvisibility=hidden $(OPTIMISE) $(WARNINGS) -Wmissing-prototypes \
            -Wstrict-prototypes $(shell pkg-config --cflags $(PYTHON_CONFIG))
CXXFLAGS  = -std=gnu++17 -fPIC -fvisibility=hidden $(OPTIMISE) $(WARNINGS)
LIBS      = $(shell pkg-config --libs $(PYTHON_CONFIG) libbpf) -lpthread

# `make V=1` shows the commands
Q   := $(if $(V),,@)
say  = @echo '  $(1)  $@'

OBJECTS := $(SOURCES:extension/%.c=$(BUILD)/%.o) $(BUILD)/host/catch.o

.DELETE_ON_ERROR:
.PHONY: all help install clean lint docs stubs dump demo triage test bench soak check-build

all: $(BUILD)/mpykdump.so $(BUILD)/mpykdump-attach $(BUILD)/mpykdump-run

help:
	@echo 'make            build $(BUILD)/mpykdump.so'
	@echo 'make install    put it where `extend mpykdump.so` finds it from anywhere (DESTDIR=...)'
	@echo 'make demo       everything, from nothing: build, make a real dump, run programs on it'
	@echo 'make dump       make the dump that demo and test use, and print where it is'
	@echo 'make triage     a report on a dump: VMLINUX=... DUMP=... (PROG=taskinfo ARGS="-v", CRASH=...)'
	@echo 'make test       all tests (T=tests/unit for some, K=expression, TYPES=dwarf, KERNEL=suite, PDB=1)'
	@echo 'make test-matrix  the same in other suites of Debian (SUITES="trixie forky" KERNELS=...)'
	@echo 'make bench      measure against drgn and crash (QUICK=1: only to see that it runs)'
	@echo 'make fuzz       look for inputs that harm the readers of types (FUZZ_SECONDS=600 each)'
	@echo 'make soak       long sessions, and programs on damaged dumps (ROUNDS=1000 SEEDS="1 2 ...")'
	@echo 'make lint       formatting, static analysis, types'
	@echo 'make docs       guides and reference as a site: $(BUILD)/docs/html/index.html'
	@echo 'make stubs      what editors and mypy know of the modules programs import: $(STUBS)'
	@echo 'make clean      remove $(BUILD)/ (not the dumps, which are cached elsewhere)'

# ---- the plug-in: loader, with the core inside, and the Python part behind -----------------------

$(BUILD)/mpykdump.so: $(BUILD)/stub/stub.so extension/stub/pack.py $(PYTHONS)
	$(call say,PACK)
	@cp $< $@.part
	$(Q)$(PYTHON) -I extension/stub/pack.py $@.part .
	@mv $@.part $@

$(BUILD)/stub/stub.so: extension/stub/stub.c $(BUILD)/core.so $(BUILD)/build.h
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(CPPFLAGS) -DSTUB_CORE='"$(BUILD)/core.so"' -DSTUB_PYTHON='"$(PYTHON_VERSION)"' \
	    -std=gnu11 -fPIC -fvisibility=hidden $(OPTIMISE) $(WARNINGS) -shared -o $@ $<

$(BUILD)/core.so: $(OBJECTS)
	$(call say,LINK)
	$(Q)$(CXX) -shared -Wl,-soname,mpykdump-core -o $@ $^ $(LIBS)

# The plug-in's file is these programs, too: where it is installed
$(BUILD)/mpykdump-attach $(BUILD)/mpykdump-run: $(BUILD)/mpykdump-%: Makefile
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec /usr/bin/python%s -I %s/mpykdump.so $* "$$@"\n' \
	    '$(PYTHON_VERSION)' '$(EXTENSIONS)' > $@
	@chmod 755 $@

# written when the sources change, so that what shows the version is compiled again
$(BUILD)/build.h: $(SOURCES) $(HEADERS) $(PYTHONS) extension/stub/stub.c Makefile
	@mkdir -p $(@D)
	@printf '#define MPYKDUMP_VERSION "%s"\n#define MPYKDUMP_BUILD "%s"\n' \
	    '$(VERSION)' '$(BUILD_ID)' > $@

$(BUILD)/%.o: extension/%.c Makefile | $(BUILD)/build.h check-build
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/host/catch.o: extension/host/catch.cc | check-build
	@mkdir -p $(@D)
	$(call say,CXX )
	$(Q)$(CXX) $(CXXFLAGS) -c -o $@ $<

# ---- the rest ---------------------------------------------------------------------------------

# Packages that are missing are named with their reason, and installed when this is root.
check-build:
	@$(PYTHON) -m tests.lab packages --for build

install: all stubs
	install -d $(DESTDIR)$(EXTENSIONS) $(DESTDIR)/usr/bin $(DESTDIR)/usr/share/mpykdump
	install -m 644 $(BUILD)/mpykdump.so $(DESTDIR)$(EXTENSIONS)/mpykdump.so
	install -m 755 $(BUILD)/mpykdump-attach $(BUILD)/mpykdump-run $(DESTDIR)/usr/bin
	rm -rf $(DESTDIR)/usr/share/mpykdump/stubs
	cp -r $(STUBS) $(DESTDIR)/usr/share/mpykdump/stubs

# ---- what is known of the modules: stubs from the sources, the reference from the stubs ------------

STUB_SOURCES := docs/stubs.py docs/inferred.py setup.cfg $(wildcard extension/objects/*.pyi) $(filter pylib/%,$(PYTHONS))
DOC_SOURCES  := $(shell find docs -name '*.md' -o -name '*.py')
SITE         := $(BUILD)/docs/html

stubs: $(STUBS).made

$(STUBS).made: $(STUB_SOURCES)
	@$(PYTHON) -m tests.lab packages --for stubs
	$(call say,STUBS)
	$(Q)$(PYTHON) docs/stubs.py $(STUBS)
	@touch $@

docs: $(BUILD)/docs/made

# A warning is an error: a link that leads nowhere, a page that nobody can find.
$(BUILD)/docs/made: $(STUBS).made $(DOC_SOURCES)
	@$(PYTHON) -m tests.lab packages --for docs
	$(call say,DOCS)
	@rm -rf $(BUILD)/docs
	$(Q)MPYKDUMP_STUBS=$(abspath $(STUBS)) $(PYTHON) -m sphinx -W --keep-going -q \
	    -d $(BUILD)/docs/doctrees docs $(SITE)
	@touch $@

dump:
	@$(PYTHON) -m tests.lab packages --for dump
	@$(PYTHON) -m tests.lab dump --format both

# What is on standard output is the program's alone. The exit status of make says whether crash
# could open the dump, and whether the program found its arguments good.
PROG := crashinfo
ARGS :=
triage:
	@$(MAKE) --no-print-directory all >&2
	@$(PYTHON) -I $(BUILD)/mpykdump.so run --crash '$(CRASH)' '$(VMLINUX)' '$(DUMP)' $(PROG) $(ARGS)

demo:
	@$(PYTHON) -m tests.lab packages --for demo
	@$(MAKE) --no-print-directory all
	@$(PYTHON) -m tests.demo

# T: files or folders of tests, or one test (FILE::TEST); K: an expression that chooses among them;
# PDB: not empty to debug the first that fails; TYPES: where programs in crash take types from
# (auto, btf, dwarf, gdb); KERNEL: a suite or a release, whose dump is opened
T := tests
K :=
PDB :=
TYPES := auto
KERNEL :=
# all tests: two files at a time, each with a crash of its own
ALL_TESTS    = $(filter tests,$(T))
SIDE_BY_SIDE = $(if $(ALL_TESTS),-n 2 --dist loadfile)
test: export PYKDUMP_TYPES = $(TYPES)
test: export LAB_KERNEL = $(KERNEL)
test:
	@$(PYTHON) -m tests.lab packages --for build dump test stubs docs
	@$(MAKE) --no-print-directory all engine $(if $(ALL_TESTS),stubs)
	@$(if $(ALL_TESTS),$(MAKE) --no-print-directory test-engine-asan fuzz-smoke T=)
	$(PYTHON) -m pytest $(T) $(if $(K),-k '$(K)') $(if $(PDB),--pdb,$(SIDE_BY_SIDE))

# What takes long to show: commands by the ten thousand, kernel objects damaged in many ways
ROUNDS := 1000
SEEDS  := $(shell seq 1 100)
soak: export SOAK_ROUNDS = $(ROUNDS)
soak: export DAMAGE_SEEDS = $(SEEDS)
soak:
	@$(MAKE) --no-print-directory test T="tests/dump/test_soak.py tests/dump/test_damaged_objects.py"

# Side by side with drgn and crash's own commands; a measurement, not a test
JSON := $(BUILD)/bench.json
bench:
	@$(PYTHON) -m tests.lab packages --for build dump bench
	@$(MAKE) --no-print-directory all
	$(PYTHON) -m tests.bench --json $(JSON) $(if $(QUICK),--quick)

include tests/engine.mk
include tests/fuzz.mk
include tests/matrix.mk

lint:
	@$(PYTHON) -m tests.lab packages --for build stubs docs lint
	@$(MAKE) --no-print-directory $(BUILD)/build.h stubs
	$(Q)clang-format --dry-run -Werror $(C_FILES)
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
	    --enable=warning,portability,performance --suppress=missingIncludeSystem \
	    -Iextension -I$(BUILD) -D__GNUC__ -DPy_RETURN_NONE='return NULL' \
	    -DPy_RETURN_TRUE='return NULL' -DPy_RETURN_FALSE='return NULL' \
	    $(filter-out extension/host/%,$(SOURCES))
	$(Q)$(PYTHON) -m flake8 pylib progs tests docs extension
	$(Q)$(PYTHON) -m mypy
	$(Q)MYPYPATH=$(STUBS):progs $(PYTHON) -m mypy --no-warn-unused-ignores --cache-dir $(BUILD)/mypy \
	    progs docs/examples $(STUBS)

clean:
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d)
