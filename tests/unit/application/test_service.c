/* Services: mapping, hooks in their transaction, versions, partial updates. */
#include <string.h>

#include <banyan/entity.h>
#include <banyan/service.h>

#include "application/service.h"
#include "support/store.h"
#include "unit/unit.h"

typedef struct run { by_entity base; const char *name; const char *note; int64_t low, high; bool locked; } run;
BY_DECLARE_MODEL(run);
static const by_field run_fields[] = {
	BY_ENTITY(run, base), BY_FIELD(run, name, .unique = true, .filterable = true),
	BY_FIELD(run, note, .optional = true), BY_FIELD(run, low), BY_FIELD(run, high), BY_FIELD(run, locked),
};
BY_MODEL(run, run_fields, .table = "runs", .soft_delete = true);

typedef struct run_in { const char *name; const char *note; int64_t low, high; } run_in;
BY_DECLARE_MODEL(run_in);
static void check_run(by_faults *faults, const run_in *in)
{
	if (in->low > in->high)
		by_fault_add(faults, BY_FAULT_BODY, "#/high", "not_below", "must not be below low");
}
BY_RULES(run_in, check_run);
static const by_field run_in_fields[] = {
	BY_FIELD(run_in, name, .min_length = 1), BY_FIELD(run_in, note, .optional = true),
	BY_FIELD(run_in, low, .default_value = "0"), BY_FIELD(run_in, high, .maximum = BY_NUM(100)),
};
BY_MODEL(run_in, run_in_fields, .rules = check_run_rules);

typedef struct run_view { by_ulid id; const char *name; const char *note; int64_t low, high, version; } run_view;
BY_DECLARE_MODEL(run_view);
static const by_field run_view_fields[] = {
	BY_FIELD(run_view, id), BY_FIELD(run_view, name), BY_FIELD(run_view, note, .optional = true),
	BY_FIELD(run_view, low), BY_FIELD(run_view, high), BY_FIELD(run_view, version, .etag = true),
};
BY_MODEL(run_view, run_view_fields);

BY_SERVICE(plain_service, run, .create = &run_in_model, .view = &run_view_model);

static by_error *refuse_bad_names(by_ctx *ctx, run *row)
{
	return strcmp(row->name, "bad") == 0 ? by_fail(ctx, CONFLICT, "No run is called bad.") : BY_OK;
}
BY_SERVICE_HOOK(refuse_bad_names, run);

/* Writes another row and then fails: nothing of it may stay. */
static by_error *write_and_refuse(by_ctx *ctx, const run *before, run *row)
{
	run other = { .name = "trace" };
	BY_TRY(by_store_create(ctx, &run_model, &other));
	return before->high > row->high ? by_fail(ctx, CONFLICT, "A run does not shrink.") : BY_OK;
}
BY_SERVICE_CHANGE_HOOK(write_and_refuse, run);

static by_error *refuse_locked(by_ctx *ctx, run *row)
{
	return row->locked ? by_fail(ctx, CONFLICT, "The run is locked.") : BY_OK;
}
BY_SERVICE_HOOK(refuse_locked, run);

BY_SERVICE(strict_service, run, .create = &run_in_model, .view = &run_view_model,
    .before_create = refuse_bad_names_hook, .before_update = write_and_refuse_hook,
    .before_remove = refuse_locked_hook);

BY_SERVICE(bare_service, run);

static by_arena   *arena;
static by_ctx     *ctx;
static test_store *store;

static void set_up(void)
{
	arena = by_arena_new(0);
	ctx = by_ctx_new(arena);
	store = test_store_new(arena);
	ctx->providers = test_store_providers(store);
	ck_ok(by_service_compile(arena, &plain_service));
	ck_ok(by_service_compile(arena, &strict_service));
	ck_ok(by_service_compile(arena, &bare_service));
}

static run_view create(const by_service *service, const char *name)
{
	run_in   in = { .name = name, .note = "first", .low = 1, .high = 10 };
	run_view view = { .version = -1 };
	ck_ok(by_service_create(ctx, service, &in, &view));
	return view;
}

START_TEST(create_maps_the_input_and_shows_the_row)
{
	set_up();
	run_view view = create(&plain_service, "one");
	run_view read = { .version = -1 };
	ck_assert_str_eq(view.name, "one");
	ck_assert_int_eq(view.version, 1);
	ck_ok(by_service_get(ctx, &plain_service, by_value_ulid(view.id), &read));
	ck_assert_int_eq(read.high, 10);
	ck_assert_mem_eq(&read.id, &view.id, sizeof(view.id));
	ck_assert_uint_eq(test_store_used(store).begun, 0); /* no hook, no transaction */
}
END_TEST

START_TEST(get_of_an_absent_row_is_not_found)
{
	set_up();
	run_view view;
	ck_fails(by_service_get(ctx, &plain_service, by_value_ulid(by_ulid_new()), &view), NOT_FOUND);
}
END_TEST

START_TEST(list_shows_every_row_in_order)
{
	set_up();
	for (int i = 0; i < 5; i++)
		create(&plain_service, by_format(arena, "run %d", i));
	by_query     query = { .page = 2, .size = 2 };
	by_list_any  views = { 0 };
	by_page_info info;
	ck_ok(by_service_list(ctx, &plain_service, &query, &views, &info));
	ck_assert_uint_eq(views.count, 2);
	ck_assert_int_eq(info.total, 5);
	ck_assert_str_eq(((run_view *)views.items)[0].name, "run 2");
	ck_assert_str_eq(((run_view *)views.items)[1].name, "run 3");
	query.page = 9;
	ck_ok(by_service_list(ctx, &plain_service, &query, &views, &info));
	ck_assert_uint_eq(views.count, 0);
}
END_TEST

START_TEST(replacing_clears_what_the_input_leaves_out)
{
	set_up();
	run_view view = create(&plain_service, "one");
	run_in   in = { .name = "two", .low = 2, .high = 3 };
	ck_ok(by_service_update(ctx, &plain_service, by_value_ulid(view.id), 0, &in, NULL, &view));
	ck_assert_str_eq(view.name, "two");
	ck_assert_ptr_null(view.note);
	ck_assert_int_eq(view.version, 2);
}
END_TEST

START_TEST(a_partial_update_changes_present_members_only)
{
	set_up();
	run_view   view = create(&plain_service, "one");
	run_in     in = { .high = 50 };
	by_present present = { 1u << 3 };
	ck_ok(by_service_update(ctx, &plain_service, by_value_ulid(view.id), 0, &in, &present, &view));
	ck_assert_str_eq(view.name, "one");
	ck_assert_str_eq(view.note, "first");
	ck_assert_int_eq(view.high, 50);
	present.bits = 1u << 1; /* note: null */
	ck_ok(by_service_update(ctx, &plain_service, by_value_ulid(view.id), 0, &in, &present, &view));
	ck_assert_ptr_null(view.note);
	ck_assert_int_eq(view.high, 50);
	ck_assert_int_eq(view.version, 3);
}
END_TEST

START_TEST(a_partial_update_is_checked_as_a_whole)
{
	set_up();
	run_view   view = create(&plain_service, "one"); /* low 1, high 10 */
	run_in     in = { .low = 11 };
	by_present present = { 1u << 2 };
	by_error  *error = by_service_update(ctx, &plain_service, by_value_ulid(view.id), 0, &in, &present, &view);
	ck_fails(error, VALIDATION);
	ck_assert_uint_eq(error->fault_count, 1);
	ck_assert_str_eq(error->faults[0].where, "#/high");
	ck_ok(by_service_get(ctx, &plain_service, by_value_ulid(view.id), &view));
	ck_assert_int_eq(view.low, 1);
	ck_assert_int_eq(view.version, 1);
}
END_TEST

START_TEST(a_version_that_has_moved_on_is_a_conflict)
{
	set_up();
	run_view view = create(&plain_service, "one");
	run_in   in = { .name = "two", .high = 10 };
	ck_ok(by_service_update(ctx, &plain_service, by_value_ulid(view.id), 1, &in, NULL, &view));
	ck_fails(by_service_update(ctx, &plain_service, by_value_ulid(view.id), 1, &in, NULL, &view), CONFLICT);
	ck_fails(by_service_remove(ctx, &plain_service, by_value_ulid(view.id), 1), CONFLICT);
	ck_ok(by_service_remove(ctx, &plain_service, by_value_ulid(view.id), 2));
	ck_fails(by_service_remove(ctx, &plain_service, by_value_ulid(view.id), 0), NOT_FOUND);
}
END_TEST

START_TEST(a_lost_race_without_a_version_is_run_again)
{
	set_up();
	run_view view = create(&plain_service, "one");
	run_in   in = { .name = "two", .high = 10 };
	test_store_lose(store, 1);
	ck_ok(by_service_update(ctx, &plain_service, by_value_ulid(view.id), 0, &in, NULL, &view));
	ck_assert_int_eq(view.version, 3);
	test_store_lose(store, 1);
	ck_fails(by_service_update(ctx, &plain_service, by_value_ulid(view.id), 3, &in, NULL, &view), CONFLICT);
	test_store_lose(store, 100);
	ck_fails(by_service_update(ctx, &plain_service, by_value_ulid(view.id), 0, &in, NULL, &view), CONFLICT);
}
END_TEST

START_TEST(a_unique_violation_is_not_run_again)
{
	set_up();
	create(&plain_service, "one");
	run_view view = create(&plain_service, "two");
	run_in   in = { .name = "one", .high = 10 };
	unsigned finds = test_store_used(store).finds;
	ck_fails(by_service_update(ctx, &plain_service, by_value_ulid(view.id), 0, &in, NULL, &view), UNIQUE_VIOLATION);
	ck_assert_uint_eq(test_store_used(store).finds, finds + 1);
}
END_TEST

START_TEST(hooks_run_in_a_transaction_and_an_error_leaves_nothing)
{
	set_up();
	run_in   in = { .name = "bad", .high = 10 };
	run_view view;
	int64_t  count = 0;
	ck_fails(by_service_create(ctx, &strict_service, &in, &view), CONFLICT);
	ck_ok(by_store_count(ctx, &run_model, NULL, &count));
	ck_assert_int_eq(count, 0);
	view = create(&strict_service, "good");
	in = (run_in){ .name = "good", .high = 5 };
	ck_fails(by_service_update(ctx, &strict_service, by_value_ulid(view.id), view.version, &in, NULL, &view), CONFLICT);
	ck_ok(by_store_count(ctx, &run_model, NULL, &count));
	ck_assert_int_eq(count, 1); /* the hook's own row is gone too */
	ck_assert_uint_eq(test_store_used(store).begun, 3);
	ck_assert_uint_eq(test_store_used(store).committed, 1);
	ck_assert_uint_eq(test_store_used(store).rolled_back, 2);
}
END_TEST

START_TEST(a_removal_may_be_refused)
{
	set_up();
	run locked = { .name = "locked", .locked = true };
	ck_ok(by_store_create(ctx, &run_model, &locked));
	ck_fails(by_service_remove(ctx, &strict_service, by_value_ulid(locked.base.id), 0), CONFLICT);
	run_view view = create(&strict_service, "free");
	ck_ok(by_service_remove(ctx, &strict_service, by_value_ulid(view.id), 0));
}
END_TEST

START_TEST(a_scope_hides_other_rows_and_marks_new_ones)
{
	set_up();
	by__scope scope = { by_model_field(&run_model, BY_TEXT("low")), by_value_int(7) };
	run_view  other = create(&plain_service, "elsewhere");
	run_in    in = { .name = "inside", .high = 9 };
	run_view  view;
	ck_ok(by__service_create(ctx, &plain_service, &scope, &in, &view));
	ck_assert_int_eq(view.low, 7);
	ck_ok(by__service_get(ctx, &plain_service, &scope, by_value_ulid(view.id), &view));
	ck_fails(by__service_get(ctx, &plain_service, &scope, by_value_ulid(other.id), &other), NOT_FOUND);
	ck_fails(by__service_remove(ctx, &plain_service, &scope, by_value_ulid(other.id), 0), NOT_FOUND);
	by_query     query = { .page = 1, .size = 10 };
	by_list_any  views;
	by_page_info info;
	ck_ok(by__service_list(ctx, &plain_service, &scope, &query, &views, &info));
	ck_assert_uint_eq(views.count, 1);
	in.low = 3;
	ck_ok(by__service_update(ctx, &plain_service, &scope, by_value_ulid(view.id), 0, &in, NULL, &view));
	ck_assert_int_eq(view.low, 7);
}
END_TEST

START_TEST(a_service_without_schemas_uses_the_entity_and_guards_its_base)
{
	set_up();
	run in = { .name = "bare", .base = { .version = 99, .is_deleted = true }, .high = 4 };
	run out;
	ck_ok(by_service_create(ctx, &bare_service, &in, &out));
	ck_assert_int_eq(out.base.version, 1);
	ck_assert(!out.base.is_deleted);
	in.name = "changed";
	ck_ok(by_service_update(ctx, &bare_service, by_value_ulid(out.base.id), 0, &in, NULL, &out));
	ck_assert_int_eq(out.base.version, 2);
	ck_assert_str_eq(out.name, "changed");
}
END_TEST

typedef struct wrong_view { double name; } wrong_view;
BY_DECLARE_MODEL(wrong_view);
static const by_field wrong_view_fields[] = { BY_FIELD(wrong_view, name) };
BY_MODEL(wrong_view, wrong_view_fields);
BY_SERVICE(wrong_service, run, .view = &wrong_view_model);
BY_SERVICE(no_entity_service, run_in);

START_TEST(models_that_do_not_fit_refuse_start_up)
{
	set_up();
	by_error *error = by_service_compile(arena, &wrong_service);
	ck_fails(error, CONFIGURATION);
	ck_assert_ptr_nonnull(strstr(error->detail, "run.name is string, but wrong_view.name"));
	error = by_service_compile(arena, &no_entity_service);
	ck_fails(error, CONFIGURATION);
	ck_assert_ptr_nonnull(strstr(error->detail, "BY_ENTITY"));
	ck_assert_ptr_nonnull(strstr(error->detail, "test_service.c:"));
}
END_TEST

UNIT("service", create_maps_the_input_and_shows_the_row, get_of_an_absent_row_is_not_found,
    list_shows_every_row_in_order, replacing_clears_what_the_input_leaves_out,
    a_partial_update_changes_present_members_only, a_partial_update_is_checked_as_a_whole,
    a_version_that_has_moved_on_is_a_conflict, a_lost_race_without_a_version_is_run_again,
    a_unique_violation_is_not_run_again, hooks_run_in_a_transaction_and_an_error_leaves_nothing,
    a_removal_may_be_refused, a_scope_hides_other_rows_and_marks_new_ones,
    a_service_without_schemas_uses_the_entity_and_guards_its_base, models_that_do_not_fit_refuse_start_up);
