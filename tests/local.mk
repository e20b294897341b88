# A unit test is one program, of one source of the same name.
LDADD = libbanyan-all.la $(CHECK_LIBS)
AM_CFLAGS += $(CHECK_CFLAGS)
EXTRA_DIST += tests/unit/unit.h

# What a database must do; the integration tests run it on each.
check_PROGRAMS += tests/integration/db_conformance

if HAVE_CHECK
check_PROGRAMS += \
	tests/unit/core/test_arena \
	tests/unit/core/test_buf \
	tests/unit/core/test_ctx \
	tests/unit/core/test_error \
	tests/unit/core/test_id \
	tests/unit/core/test_log \
	tests/unit/core/test_metric \
	tests/unit/core/test_offload \
	tests/unit/core/test_shared \
	tests/unit/core/test_task \
	tests/unit/core/test_json_read \
	tests/unit/core/test_json_write \
	tests/unit/core/test_time
TESTS += $(check_PROGRAMS)
endif
