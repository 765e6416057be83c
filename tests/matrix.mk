# The plug-in built and tested in roots of other Debian suites, from their packages alone.
#
#   make test-matrix     SUITES: the roots; KERNELS: suites or releases whose dumps are opened there;
#                        T and K choose tests as they do for `make test`
#
# Roots are kept in the cache beside kernels and dumps; what is built is in build/matrix/SUITE.

SUITES  := trixie forky
KERNELS := bookworm trixie

.PHONY: test-matrix

test-matrix:
	@$(PYTHON) -m tests.lab packages --for dump matrix
	$(PYTHON) -m tests.lab matrix --suites $(SUITES) --kernels $(KERNELS) --tests $(T) \
	    --expression '$(K)'
