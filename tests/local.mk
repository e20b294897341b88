# A unit test is one program, of one source of the same name.
LDADD = libbanyan-all.la $(CHECK_LIBS)
AM_CFLAGS += $(CHECK_CFLAGS)
EXTRA_DIST += tests/unit/unit.h
if HAVE_CHECK
check_PROGRAMS += \
	tests/unit/core/test_arena \
	tests/unit/core/test_buf \
	tests/unit/core/test_ctx \
	tests/unit/core/test_error \
	tests/unit/core/test_format \
	tests/unit/core/test_id \
	tests/unit/core/test_json_read \
	tests/unit/core/test_json_write \
	tests/unit/core/test_settings \
	tests/unit/core/test_kinds \
	tests/unit/core/test_log \
	tests/unit/core/test_metric \
	tests/unit/core/test_model \
	tests/unit/core/test_offload \
	tests/unit/core/test_shared \
	tests/unit/core/test_task \
	tests/unit/core/test_time
TESTS += $(check_PROGRAMS)
endif

# The tests in Python start what they need themselves; tests/support is what they share.
PYTHON_TESTS = \
	tests/check/test_layers.py \
	tests/e2e/test_api.py \
	tests/e2e/test_docs.py \
	tests/e2e/test_faults.py \
	tests/e2e/test_first_run.py
TESTS += $(PYTHON_TESTS)
EXTRA_DIST += \
	$(PYTHON_TESTS) \
	tests/support/__init__.py \
	tests/support/fastcgi.py \
	tests/support/harness.py \
	tests/support/tokens.py

.PHONY: check-unit
check-unit:
	$(MAKE) check TESTS='$(check_PROGRAMS)'

# JSON against json-c, in one process; fails when a goal is missed.
EXTRA_PROGRAMS += tests/bench/micro_json
CLEANFILES += tests/bench/micro_json
.PHONY: bench-json
bench-json: tests/bench/micro_json
	tests/bench/micro_json --check
