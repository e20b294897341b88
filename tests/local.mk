# A unit test is one program, of one source of the same name.
LDADD = tests/support/libsupport.a libbanyan-all.la $(CHECK_LIBS) $(BY_FUZZ_MAIN)
AM_CFLAGS += $(CHECK_CFLAGS)
EXTRA_DIST += tests/unit/unit.h tests/unit/core/rows.h

# What unit tests share.
check_LIBRARIES += tests/support/libsupport.a
tests_support_libsupport_a_SOURCES = \
	tests/support/exchange.c \
	tests/support/exchange.h \
	tests/support/replay.c \
	tests/support/store.c \
	tests/support/store.h

# What a database must do: tests/integration/test_postgresql.py runs them.
EXTRA_PROGRAMS += tests/integration/db_conformance tests/integration/db_faults
check_DATA = tests/integration/db_conformance$(EXEEXT) tests/integration/db_faults$(EXEEXT)

if HAVE_CHECK
check_PROGRAMS += \
	tests/unit/application/test_mapper \
	tests/unit/application/test_service \
	tests/unit/core/test_arena \
	tests/unit/core/test_buf \
	tests/unit/core/test_coroutine \
	tests/unit/core/test_ctx \
	tests/unit/core/test_cursor \
	tests/unit/core/test_deadline \
	tests/unit/core/test_error \
	tests/unit/core/test_format \
	tests/unit/core/test_id \
	tests/unit/core/test_json_read \
	tests/unit/core/test_json_tree \
	tests/unit/core/test_json_write \
	tests/unit/core/test_kinds \
	tests/unit/core/test_log \
	tests/unit/core/test_metric \
	tests/unit/core/test_model \
	tests/unit/core/test_offload \
	tests/unit/core/test_network \
	tests/unit/core/test_order \
	tests/unit/core/test_settings \
	tests/unit/core/test_runtime \
	tests/unit/core/test_shared \
	tests/unit/core/test_spec \
	tests/unit/core/test_statement \
	tests/unit/core/test_switch \
	tests/unit/core/test_task \
	tests/unit/core/test_time \
	tests/unit/domain/test_entity \
	tests/unit/fcgi/test_channel \
	tests/unit/fcgi/test_gate \
	tests/unit/fcgi/test_guard \
	tests/unit/fcgi/test_launch \
	tests/unit/fcgi/test_peer \
	tests/unit/infrastructure/test_jwt \
	tests/unit/infrastructure/test_sqlite \
	tests/unit/interface/test_access \
	tests/unit/interface/test_bind \
	tests/unit/interface/test_chain \
	tests/unit/interface/test_client \
	tests/unit/interface/test_context \
	tests/unit/interface/test_crud \
	tests/unit/interface/test_etag \
	tests/unit/interface/test_events \
	tests/unit/interface/test_form \
	tests/unit/interface/test_health \
	tests/unit/interface/test_hot_path \
	tests/unit/interface/test_multipart \
	tests/unit/interface/test_observe \
	tests/unit/interface/test_openapi \
	tests/unit/interface/test_problem \
	tests/unit/interface/test_refusal \
	tests/unit/interface/test_request \
	tests/unit/interface/test_router \
	tests/unit/interface/test_trace \
	tests/unit/routes/test_lab
tests_unit_interface_test_openapi_LDADD = routes/liblab.a $(LDADD)
tests_unit_routes_test_lab_LDADD = routes/liblab.a $(LDADD)
endif

# A fuzz target is one source of the same name and a folder of tests/fuzz/corpus. Here each replays its corpus, with the
# main() of tests/support/replay.c; libFuzzer brings another one in the build that scripts/fuzz makes.
FUZZ_TARGETS = \
	tests/fuzz/events \
	tests/fuzz/fastcgi \
	tests/fuzz/form \
	tests/fuzz/guard_body \
	tests/fuzz/guard_head \
	tests/fuzz/headers \
	tests/fuzz/json_differential \
	tests/fuzz/json_read \
	tests/fuzz/jwt \
	tests/fuzz/list \
	tests/fuzz/multipart \
	tests/fuzz/request \
	tests/fuzz/router \
	tests/fuzz/settings \
	tests/fuzz/time \
	tests/fuzz/uri
EXTRA_DIST += \
	tests/fuzz/corpus \
	tests/fuzz/fuzz.h \
	tests/fuzz/test_fuzz.sh \
	tests/fuzz/thing.h
if FUZZ
EXTRA_PROGRAMS += $(FUZZ_TARGETS)
else
check_PROGRAMS += $(FUZZ_TARGETS)
endif
TESTS += $(check_PROGRAMS)
TESTS += tests/fuzz/test_fuzz.sh

.PHONY: fuzz fuzz-targets
fuzz-targets: $(FUZZ_TARGETS)
# For as long as one likes: make fuzz FUZZ_SECONDS=3600
FUZZ_SECONDS = 300
fuzz:
	$(srcdir)/scripts/fuzz --build $(abs_builddir)/fuzz --seconds $(FUZZ_SECONDS)

# What must not compile does not.
TESTS += tests/unit/test_must_fail.sh
EXTRA_DIST += \
	tests/unit/must_fail/base_of_another_type.c \
	tests/unit/must_fail/common.h \
	tests/unit/must_fail/list_of_another_model.c \
	tests/unit/must_fail/member_unsigned.c \
	tests/unit/must_fail/member_without_kind.c \
	tests/unit/must_fail/misspelt_column.c \
	tests/unit/must_fail/misspelt_member.c \
	tests/unit/must_fail/nested_another_model.c \
	tests/unit/must_fail/operation_input.c \
	tests/unit/must_fail/operation_output.c \
	tests/unit/must_fail/repository_id_of_another_kind.c \
	tests/unit/must_fail/repository_list_of_another_model.c \
	tests/unit/must_fail/repository_of_another_model.c \
	tests/unit/must_fail/rules_of_another_model.c \
	tests/unit/must_fail/sound.c \
	tests/unit/must_fail/unchecked_error.c \
	tests/unit/test_must_fail.sh

# An application that the tests of the wire start.
noinst_PROGRAMS += tests/integration/peer
tests_integration_peer_LDADD = libbanyan-all.la

# Load for the soak: tests/soak/soak.py runs it.
noinst_PROGRAMS += tests/soak/load
tests_soak_load_LDADD =
# Holds streams open: tests/bench/figures.py runs it.
noinst_PROGRAMS += tests/bench/streams
tests_bench_streams_LDADD =
# What stands for a supervisor in the tests of the commands that tell one things.
noinst_PROGRAMS += tests/integration/region
tests_integration_region_LDADD = libbanyan-all.la

# The tests in Python start what they need themselves; tests/support is what they share.
PYTHON_TESTS = $(SOURCE_TESTS) $(SERVER_TESTS)
SOURCE_TESTS = \
	tests/check/test_guides.py \
	tests/check/test_install.py \
	tests/check/test_layers.py \
	tests/check/test_readme.py \
	tests/check/test_requirements.py \
	tests/check/test_scripts.py \
	tests/check/test_secrets.py
SERVER_TESTS = \
	tests/e2e/test_api.py \
	tests/e2e/test_cgi.py \
	tests/e2e/test_docs.py \
	tests/e2e/test_doctor.py \
	tests/e2e/test_faults.py \
	tests/e2e/test_first_run.py \
	tests/e2e/test_gateway.py \
	tests/e2e/test_gateways.py \
	tests/e2e/test_hidden.py \
	tests/e2e/test_reload.py \
	tests/e2e/test_settings.py \
	tests/e2e/test_streams.py \
	tests/e2e/test_supervision.py \
	tests/integration/test_blocking.py \
	tests/integration/test_fastcgi.py \
	tests/integration/test_hostile.py \
	tests/integration/test_migrations.py \
	tests/integration/test_openapi.py \
	tests/integration/test_postgresql.py \
	tests/integration/test_supervisor.py \
	tests/integration/test_worker.py \
	tests/soak/test_soak.py
TESTS += $(PYTHON_TESTS)
EXTRA_DIST += \
	$(PYTHON_TESTS) \
	tests/install/notes.c \
	tests/.npmrc \
	tests/golden/lab-v1.openapi.json \
	tests/golden/lab-v2.openapi.json \
	tests/package-lock.json \
	tests/package.json \
	tests/soak/soak.py \
	tests/support/__init__.py \
	tests/support/fastcgi.py \
	tests/support/harness.py \
	tests/support/openapi.py \
	tests/support/region.py \
	tests/support/tokens.py \
	tests/support/webservers.py

# Measurements of single parts, made on request: make tests/bench/micro_switch.
EXTRA_PROGRAMS += \
	tests/bench/micro_json \
	tests/bench/micro_switch
tests_bench_micro_json_LDADD = libbanyan-all.la
CLEANFILES += $(EXTRA_PROGRAMS)

.PHONY: check-unit check-running
check-unit:
	$(MAKE) check TESTS='$(check_PROGRAMS)'
# All that runs our programs: what to run under sanitizers.
check-running:
	$(MAKE) check TESTS='$(check_PROGRAMS) $(SERVER_TESTS)'

# The benchmark runs by `make bench` only, on a quiet machine.
EXTRA_DIST += \
	tests/bench/__init__.py \
	tests/bench/chart.py \
	tests/bench/figures.py \
	tests/bench/goals.py \
	tests/bench/insert.lua \
	tests/bench/load.py \
	tests/bench/peers/__init__.py \
	tests/bench/peers/bare.c \
	tests/bench/peers/express/.npmrc \
	tests/bench/peers/express/package-lock.json \
	tests/bench/peers/express/package.json \
	tests/bench/peers/express/server.js \
	tests/bench/peers/fastapi/app.py \
	tests/bench/peers/php/index.php \
	tests/bench/peers/textbook.c \
	tests/bench/run.py

.PHONY: bench
bench: all
	BY_SRCDIR='$(abs_srcdir)' BY_BUILDDIR='$(abs_builddir)' PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 $(srcdir)/tests/bench/run.py $(BENCH_OPTIONS)

# Load held while workers are killed and replaced: make soak SOAK_OPTIONS='--seconds 600 --requests 10000000'
.PHONY: soak
soak: all
	BY_SRCDIR='$(abs_srcdir)' BY_BUILDDIR='$(abs_builddir)' PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 $(srcdir)/tests/soak/soak.py $(SOAK_OPTIONS)

# The probe: an application that does what a test asks of it.
noinst_PROGRAMS += tests/apps/probe/probe
tests_apps_probe_probe_SOURCES = tests/apps/probe/probe.c
tests_apps_probe_probe_LDADD = libbanyan-all.la

# JSON against json-c; fails when a goal is missed.
.PHONY: bench-json
bench-json: tests/bench/micro_json
	tests/bench/micro_json --check
