# A unit test is one program, of one source of the same name.
LDADD = libbanyan-all.la $(CHECK_LIBS)
AM_CFLAGS += $(CHECK_CFLAGS)
EXTRA_DIST += tests/unit/unit.h
if HAVE_CHECK
check_PROGRAMS += \
	tests/unit/core/test_arena \
	tests/unit/core/test_buf \
	tests/unit/core/test_error \
	tests/unit/core/test_id \
	tests/unit/core/test_json_read \
	tests/unit/core/test_json_write \
	tests/unit/core/test_settings \
	tests/unit/core/test_time
TESTS += $(check_PROGRAMS)
endif
