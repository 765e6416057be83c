# The engine as a Python extension over tests/host_image, and its tests.
#
#   make engine               build/engine/engine.so
#   make test-engine          T=path for some of the tests, K=expression to choose among them
#   make test-engine-asan     the same under AddressSanitizer and UBSan

ENGINE_ROOMS   := $(filter-out host epython,$(ROOMS))
ENGINE_SOURCES := $(foreach room,$(ENGINE_ROOMS),$(filter extension/$(room)/%,$(SOURCES)))
IMAGE_SOURCES  := $(wildcard tests/host_image/*.c)
ENGINE_OBJECTS := $(ENGINE_SOURCES:extension/%.c=%.o) $(IMAGE_SOURCES:tests/%.c=%.o)
# The interpreter that loads it brings libpython.
ENGINE_LIBS     = $(filter-out -lpython%,$(LIBS))
SANITIZE       := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

.PHONY: engine test-engine test-engine-asan

engine: $(BUILD)/engine/engine.so

# $(1): folder under $(BUILD), $(2): flags
define ENGINE_RULES
$(BUILD)/$(1)/engine.so: $(ENGINE_OBJECTS:%=$(BUILD)/$(1)/%)
	$$(call say,LINK)
	$$(Q)$$(CC) -shared $(2) -o $$@ $$^ $$(ENGINE_LIBS)

$(BUILD)/$(1)/host_image/%.o: tests/host_image/%.c Makefile tests/engine.mk | $(BUILD)/build.h
	@mkdir -p $$(@D)
	$$(call say,CC  )
	$$(Q)$$(CC) $$(CPPFLAGS) -Itests $$(CFLAGS) $(2) -c -o $$@ $$<

$(BUILD)/$(1)/%.o: extension/%.c Makefile tests/engine.mk | $(BUILD)/build.h
	@mkdir -p $$(@D)
	$$(call say,CC  )
	$$(Q)$$(CC) $$(CPPFLAGS) $$(CFLAGS) $(2) -c -o $$@ $$<

-include $(ENGINE_OBJECTS:%.o=$(BUILD)/$(1)/%.d)
endef

$(eval $(call ENGINE_RULES,engine,))
$(eval $(call ENGINE_RULES,engine-asan,$(SANITIZE)))

# all of them: two files at a time
ENGINE_TESTS  = $(filter-out tests,$(T))
ENGINE_PYTEST = $(PYTHON) -m pytest $(or $(ENGINE_TESTS),tests/engine -n 2 --dist loadfile) \
                    $(if $(K),-k '$(K)')

test-engine: $(BUILD)/engine/engine.so
	$(Q)ENGINE_SO=$< $(ENGINE_PYTEST)

# CPython leaks at its end, so leaks are the business of test_leaks.py. Without Python's own
# allocator every object is a block that the sanitizer guards. What test_stubs.py compares is text.
test-engine-asan: $(BUILD)/engine-asan/engine.so
	$(Q)ENGINE_SO=$< PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0 \
	    LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
	    $(ENGINE_PYTEST) $(if $(ENGINE_TESTS),,--ignore tests/engine/test_stubs.py)
