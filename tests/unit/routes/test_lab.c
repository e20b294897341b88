/* The laboratory's rules, on repositories in memory and without a web server; and its sample data. */
#include "routes/core/settings.h"
#include "routes/crud/datasets.h"
#include "routes/crud/experiments.h"
#include "routes/services/datasets.h"
#include "routes/services/experiments.h"
#include "routes/services/seed.h"
#include "support/store.h"
#include "unit/unit.h"

static by_arena   *arena;
static by_ctx     *ctx;
static test_store *store;

static void set_up(void)
{
	arena = by_arena_new(0);
	ctx = by_ctx_new(arena);
	store = test_store_new(arena);
	ctx->providers = test_store_providers(store);
	ck_ok(by_service_compile(arena, &experiments_service));
	ck_ok(by_service_compile(arena, &datasets_service));
}

static experiment_view new_experiment(int64_t frames)
{
	experiment_create in = { .name = "Run", .fps = 1, .frame_count = frames };
	experiment_view   view;
	ck_ok(by_service_create(ctx, &experiments_service, &in, &view));
	return view;
}

static by_error *add_dataset(by_ulid experiment_id, dataset_view *view)
{
	dataset_create in = { .experiment_id = experiment_id, .name = "raw.ome.tif", .size_bytes = 10 };
	return by_service_create(ctx, &datasets_service, &in, view);
}

START_TEST(a_new_experiment_is_planned)
{
	set_up();
	experiment_view view = new_experiment(0);
	ck_assert_int_eq(view.status, experiment_status_planned);
	ck_assert_ptr_null(view.published_at);
}
END_TEST

START_TEST(publishing_needs_frames_and_happens_once)
{
	set_up();
	experiment_view empty = new_experiment(0);
	experiment_view full = new_experiment(10);
	experiment_view view;
	ck_fails(experiment_publish(ctx, empty.id, "ada", &view), CONFLICT);
	ck_ok(experiment_publish(ctx, full.id, "ada", &view));
	ck_assert_int_eq(view.status, experiment_status_published);
	ck_assert_str_eq(view.published_by, "ada");
	ck_assert_ptr_nonnull(view.published_at);
	ck_assert_int_eq(view.version, 2);
	ck_fails(experiment_publish(ctx, full.id, "ada", &view), CONFLICT);
	ck_fails(experiment_publish(ctx, by_ulid_new(), "ada", &view), NOT_FOUND);
}
END_TEST

START_TEST(settings_ask_for_more_before_publishing)
{
	set_up();
	experiment_view run = new_experiment(10);
	experiment_view view;
	lab_settings_now = (lab_settings){ .publish_needs_accession = true, .publish_least_frames = 1 };
	ck_fails(experiment_publish(ctx, run.id, "ada", &view), CONFLICT);
	lab_settings_now = (lab_settings){ .publish_least_frames = 11 };
	ck_fails(experiment_publish(ctx, run.id, "ada", &view), CONFLICT);
}
END_TEST

START_TEST(the_status_published_is_reached_and_left_by_no_update)
{
	set_up();
	experiment_view   run = new_experiment(10);
	experiment_update in = { .status = experiment_status_published };
	const by_field   *field = by_model_field(&experiment_update_model, BY_TEXT("status"));
	by_present        status = { UINT64_C(1) << (field - experiment_update_model.fields) };
	ck_fails(by_service_update(ctx, &experiments_service, by_value_ulid(run.id), 0, &in, &status, &run), CONFLICT);
	in.status = experiment_status_recorded;
	ck_ok(by_service_update(ctx, &experiments_service, by_value_ulid(run.id), 0, &in, &status, &run));
	ck_ok(experiment_publish(ctx, run.id, "ada", &run));
	ck_fails(by_service_update(ctx, &experiments_service, by_value_ulid(run.id), 0, &in, &status, &run), CONFLICT);
}
END_TEST

START_TEST(an_experiment_with_datasets_stays)
{
	set_up();
	experiment_view run = new_experiment(10);
	dataset_view    file;
	ck_ok(add_dataset(run.id, &file));
	ck_fails(by_service_remove(ctx, &experiments_service, by_value_ulid(run.id), 0), CONFLICT);
	ck_ok(by_service_remove(ctx, &datasets_service, by_value_ulid(file.id), 0));
	ck_ok(by_service_remove(ctx, &experiments_service, by_value_ulid(run.id), 0));
}
END_TEST

START_TEST(a_dataset_needs_an_experiment_that_is_not_deleted)
{
	set_up();
	experiment_view run = new_experiment(10);
	dataset_view    file;
	by_error       *error = add_dataset(by_ulid_new(), &file);
	ck_fails(error, VALIDATION);
	ck_assert_str_eq(error->faults[0].where, "#/experiment_id");
	ck_ok(by_service_remove(ctx, &experiments_service, by_value_ulid(run.id), 0));
	ck_fails(add_dataset(run.id, &file), VALIDATION);
}
END_TEST

START_TEST(the_end_of_a_recording_is_not_before_its_start)
{
	set_up();
	by_time           start = { 1000000 };
	by_time           end = { 999999 };
	experiment_create in = { .name = "Run", .fps = 1, .started_at = &start, .finished_at = &end };
	by_faults        *faults = by_faults_new(arena);
	by_model_check(&experiment_create_model, &in, BY_FAULT_BODY, "", faults);
	ck_assert_uint_eq(by_faults_count(faults), 1);
	ck_assert_str_eq(by_faults_at(faults, 0)->where, "#/finished_at");
	in.started_at = NULL;
	faults = by_faults_new(arena);
	by_model_check(&experiment_create_model, &in, BY_FAULT_BODY, "", faults);
	ck_assert_str_eq(by_faults_at(faults, 0)->where, "#/started_at");
}
END_TEST

START_TEST(sample_data_is_the_same_each_time_and_valid)
{
	int64_t runs = 0;
	int64_t files = 0;
	set_up();
	for (int round = 0; round < 2; round++) {
		ck_ok(seed_lab(ctx));
		ck_ok(experiments_count(ctx, NULL, &runs));
		ck_ok(datasets_count(ctx, NULL, &files));
		ck_assert_int_eq(runs, 60);
		ck_assert_int_eq(files, 200);
	}
	by_query           query = { .page = 1, .size = 60 };
	by_list_experiment rows;
	by_page_info       info;
	ck_ok(experiments_list(ctx, &query, &rows, &info));
	for (size_t i = 0; i < rows.count; i++) {
		by_faults *faults = by_faults_new(arena);
		by_model_check(&experiment_model, &rows.items[i], BY_FAULT_BODY, "", faults);
		ck_assert_uint_eq(by_faults_count(faults), 0);
		ck_assert(!rows.items[i].finished_at || rows.items[i].finished_at->us > rows.items[i].started_at->us);
	}
}
END_TEST

UNIT("lab", a_new_experiment_is_planned, publishing_needs_frames_and_happens_once,
    settings_ask_for_more_before_publishing, the_status_published_is_reached_and_left_by_no_update,
    an_experiment_with_datasets_stays, a_dataset_needs_an_experiment_that_is_not_deleted,
    the_end_of_a_recording_is_not_before_its_start, sample_data_is_the_same_each_time_and_valid);
