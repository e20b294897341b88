/* What every unit test shares: Check, a runner that prints TAP, and two assertions on errors. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

#include <banyan/error.h>

/* The whole main(): UNIT("arena", test_a, test_b). Each test runs in its own process with a time-out. */
#define UNIT(name, ...) \
	int main(void) \
	{ \
		const TTest *const tests[] = { __VA_ARGS__ }; \
		Suite *suite = suite_create(name); \
		TCase *tcase = tcase_create(name); \
		tcase_set_timeout(tcase, 60); \
		for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) \
			tcase_add_test(tcase, tests[i]); \
		suite_add_tcase(suite, tcase); \
		SRunner *runner = srunner_create(suite); \
		srunner_set_tap(runner, "-"); \
		srunner_run_all(runner, CK_SILENT); \
		int failed = srunner_ntests_failed(runner); \
		srunner_free(runner); \
		return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE; \
	} \
	typedef int unit_end

#define ck_ok(expression) \
	do { \
		by_error *ck_error_ = (expression); \
		ck_assert_msg(ck_error_ == BY_OK, "%s: %s: %s (%s)", #expression, \
		    ck_error_ ? ck_error_->kind->name : "", \
		    ck_error_ && ck_error_->detail ? ck_error_->detail : "", \
		    ck_error_ && ck_error_->internal ? ck_error_->internal : ""); \
	} while (0)

#define ck_fails(expression, KIND) \
	do { \
		by_error *ck_error_ = (expression); \
		ck_assert_msg(by_error_is(ck_error_, KIND), "%s: expected %s, got %s", #expression, #KIND, \
		    ck_error_ ? ck_error_->kind->name : "no error"); \
	} while (0)

#endif
