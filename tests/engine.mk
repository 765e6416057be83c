# The engine as a Python extension over tests/host_image, and its tests.
#
#   make test-engine          T=path or -k expression for some of them
#   make test-engine-asan     the same under AddressSanitizer and UBSan

ENGINE_ROOMS   := base memory types objects
ENGINE_SOURCES := $(foreach room,$(ENGINE_ROOMS),$(filter extension/$(room)/%,$(SOURCES)))
IMAGE_SOURCES  := $(wildcard tests/host_image/*.c)
IMAGE_HEADERS  := $(wildcard tests/host_image/*.h)
ENGINE_OBJECTS := $(ENGINE_SOURCES:extension/%.c=%.o) $(IMAGE_SOURCES:tests/%.c=%.o)
# The interpreter that loads it brings libpython.
ENGINE_LIBS     = $(filter-out -lpython%,$(LIBS))
SANITIZE       := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

.PHONY: test-engine test-engine-asan

define ENGINE_RULES
$(BUILD)/$(1)/engine.so: $(ENGINE_OBJECTS:%=$(BUILD)/$(1)/%)
	$$(call say,LINK)
	$$(Q)$$(CC) -shared $(2) -o $$@ $$^ $$(ENGINE_LIBS)

$(BUILD)/$(1)/host_image/%.o: tests/host_image/%.c $$(HEADERS) $$(IMAGE_HEADERS) Makefile
	@mkdir -p $$(@D)
	$$(call say,CC  )
	$$(Q)$$(CC) $$(CPPFLAGS) -Itests $$(CFLAGS) $(2) -c -o $$@ $$<

$(BUILD)/$(1)/%.o: extension/%.c $$(HEADERS) Makefile
	@mkdir -p $$(@D)
	$$(call say,CC  )
	$$(Q)$$(CC) $$(CPPFLAGS) $$(CFLAGS) $(2) -c -o $$@ $$<
endef

$(eval $(call ENGINE_RULES,engine,))
$(eval $(call ENGINE_RULES,engine-asan,$(SANITIZE)))

ENGINE_PYTEST = $(PYTHON) -m pytest -q -p no:cacheprovider $(or $(T),tests/engine)

test-engine: $(BUILD)/engine/engine.so
	$(Q)ENGINE_SO=$< $(ENGINE_PYTEST)

# Python itself leaks at exit, so leaks are looked for by test_leaks.py instead. Without Python's
# own allocator every object is a block that the sanitizer guards.
test-engine-asan: $(BUILD)/engine-asan/engine.so
	$(Q)ENGINE_SO=$< PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 \
	    LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
	    $(ENGINE_PYTEST)
