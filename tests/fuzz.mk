# The readers of types fed with what nobody writes: clang's libFuzzer, with sanitizers.
#
#   make fuzz           each target for FUZZ_SECONDS (600); what was interesting is kept in
#                       build/fuzz/corpus, what did harm in build/fuzz/crashes
#   make fuzz-smoke     a few seconds, always the same inputs
#
# T=btf (dwarf, index, gdb) for one of them.

FUZZ_CC       := clang
FUZZ_SECONDS  := 600
FUZZ_TARGETS  := btf dwarf index gdb
FUZZ_CHOSEN    = $(or $(filter $(FUZZ_TARGETS),$(T)),$(FUZZ_TARGETS))
FUZZ_BINARIES := $(FUZZ_TARGETS:%=$(BUILD)/fuzz/fuzz_%)
FUZZ_SOURCES  := $(filter extension/base/% extension/types/%,$(SOURCES)) \
                 extension/memory/cache.c extension/memory/timed.c \
                 extension/stacks/code_stack.c extension/stacks/expression.c extension/stacks/numbers.c
FUZZ_OBJECTS  := $(FUZZ_SOURCES:extension/%.c=$(BUILD)/fuzz/%.o) \
                 $(BUILD)/fuzz/host.o $(BUILD)/fuzz/walk.o
FUZZ_CFLAGS   := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
                 -fno-sanitize-recover=all $(filter-out -Werror,$(WARNINGS))
FUZZ_RUN       = $(PYTHON) -m tests.fuzz.run --build $(BUILD)/fuzz

.PHONY: fuzz fuzz-build fuzz-smoke
.SECONDARY: $(FUZZ_TARGETS:%=$(BUILD)/fuzz/fuzz_%.o)

fuzz: fuzz-build
	$(Q)$(FUZZ_RUN) --seconds $(FUZZ_SECONDS) $(FUZZ_CHOSEN)

fuzz-build:
	@$(PYTHON) -m tests.lab packages --for build fuzz
	@$(MAKE) --no-print-directory $(FUZZ_BINARIES) $(BUILD)/fuzz/seeds.made

fuzz-smoke: fuzz-build
	$(Q)$(FUZZ_RUN) --smoke $(FUZZ_CHOSEN)

# libdw is there from the start: the search for leaks trips over what was loaded on the way.
FUZZ_LIBS = $(shell pkg-config --libs libbpf) -ldl -Wl,--no-as-needed -ldw

$(FUZZ_BINARIES): $(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/fuzz_%.o $(FUZZ_OBJECTS) \
                  tests/fuzz.mk
	$(call say,LINK)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -o $@ $(filter %.o,$^) $(FUZZ_LIBS)

$(BUILD)/fuzz/%.o: extension/%.c Makefile tests/fuzz.mk | $(BUILD)/build.h
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

$(BUILD)/fuzz/%.o: tests/fuzz/%.c Makefile tests/fuzz.mk | $(BUILD)/fuzz/sample
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(FUZZ_CC) $(CPPFLAGS) -Itests -DFUZZ_SAMPLE='"$(BUILD)/fuzz/sample"' $(FUZZ_CFLAGS) \
	    -fsanitize=fuzzer-no-link -c -o $@ $<

# The small ELF file that indexes are of
$(BUILD)/fuzz/sample: tests/fuzz/seeds.py
	@mkdir -p $(@D)
	$(call say,SEED)
	$(Q)$(PYTHON) -m tests.fuzz.seeds sample $@

$(BUILD)/fuzz/fuzz_index.o: $(BUILD)/fuzz/sample

$(BUILD)/fuzz/seeds.made: tests/fuzz/seeds.py tests/engine/btfwriter.py tests/engine/gdbtext.py \
                          $(FUZZ_BINARIES) $(wildcard tests/fuzz/gdb/*)
	$(call say,SEED)
	$(Q)$(PYTHON) -m tests.fuzz.seeds all $(BUILD)/fuzz
	@touch $@

-include $(FUZZ_OBJECTS:.o=.d) $(FUZZ_BINARIES:%=%.d)
