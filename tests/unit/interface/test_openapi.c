/* The OpenAPI documents of the lab and the routes table, against their golden files; examples against their models. */
#include <stdio.h>
#include <string.h>

#include <banyan/json.h>

#include "interface/openapi.h"
#include "interface/server.h"
#include "routes/core/database.h"
#include "routes/lab.h"
#include "unit/unit.h"

static by_arena   *arena;
static by__server *server;

static void set_up(void)
{
	by__server_options options = { .base_path = "", .body_max = 1 << 20, .request_timeout = { 30000000 } };
	arena = by_arena_new(0);
	ck_ok(by__server_new(arena, &lab, &options, &server));
}

static by_text read_file(const char *path)
{
	by_buf text;
	char   piece[4096];
	FILE  *file = fopen(path, "r");
	by_buf_init(&text, arena, 65536);
	ck_assert_msg(file != NULL, "%s is missing", path);
	for (size_t got = 1; got > 0;) {
		got = fread(piece, 1, sizeof(piece), file);
		by_put(&text, piece, got);
	}
	fclose(file);
	return (by_text){ text.data, text.len };
}

/* One member per line, so that a difference can be read. */
static by_text spread(by_text json)
{
	by_buf   out;
	unsigned depth = 0;
	bool     in_string = false;
	by_buf_init(&out, arena, json.len * 3);
	for (size_t i = 0; i < json.len; i++) {
		const char c = json.ptr[i];
		if (c == '"' && (i == 0 || json.ptr[i - 1] != '\\' || (i > 1 && json.ptr[i - 2] == '\\')))
			in_string = !in_string;
		const bool opens = !in_string && (c == '{' || c == '[');
		const bool closes = !in_string && (c == '}' || c == ']');
		const bool empty = opens && i + 1 < json.len && (json.ptr[i + 1] == '}' || json.ptr[i + 1] == ']');
		if (empty) {
			by_put(&out, json.ptr + i++, 2);
			continue;
		}
		depth -= closes;
		if (closes)
			by_put_format(&out, "\n%*s", (int)depth * 2, "");
		by_put_char(&out, c);
		depth += opens;
		if (opens || (c == ',' && !in_string))
			by_put_format(&out, "\n%*s", (int)depth * 2, "");
		else if (c == ':' && !in_string)
			by_put_char(&out, ' ');
	}
	by_put_char(&out, '\n');
	return (by_text){ out.data, out.len };
}

static const char *golden_path(const char *name)
{
	const char *source = getenv("BY_SRCDIR");
	return by_format(arena, "%s/tests/golden/%s", source ? source : ".", name);
}

/* UPDATE_GOLDEN=1 writes the file instead. */
static void check_golden(const char *name, by_text got)
{
	const char *path = golden_path(name);
	if (getenv("UPDATE_GOLDEN")) {
		FILE *file = fopen(path, "w");
		ck_assert_ptr_nonnull(file);
		ck_assert_uint_eq(fwrite(got.ptr, 1, got.len, file), got.len);
		fclose(file);
	}
	by_text want = read_file(path);
	size_t  line = 1;
	for (size_t i = 0; i < want.len && i < got.len; i++) {
		ck_assert_msg(want.ptr[i] == got.ptr[i], "%s:%zu differs: \"%.60s\" is now \"%.60s\"; UPDATE_GOLDEN=1 accepts it",
		    path, line, want.ptr + i, got.ptr + i);
		line += want.ptr[i] == '\n';
	}
	ck_assert_msg(want.len == got.len, "%s differs in length; UPDATE_GOLDEN=1 accepts it", path);
}

static by_text document(const char *version)
{
	by_buf out;
	by_buf_init(&out, arena, 65536);
	by__server_openapi(server, version, &out);
	ck_ok(by_buf_finish(&out));
	return (by_text){ out.data, out.len };
}

START_TEST(the_document_of_v1_is_the_golden_one)
{
	set_up();
	check_golden("lab-v1.openapi.json", spread(document("v1")));
}
END_TEST

START_TEST(the_document_of_v2_is_the_golden_one)
{
	set_up();
	check_golden("lab-v2.openapi.json", spread(document("v2")));
}
END_TEST

START_TEST(without_a_version_it_is_the_newest)
{
	set_up();
	by_text newest = document(NULL);
	by_text v2 = document("v2");
	ck_assert_uint_eq(newest.len, v2.len);
	ck_assert_mem_eq(newest.ptr, v2.ptr, v2.len);
	ck_assert_uint_eq(document("v9").len, 0);
}
END_TEST

static const by_field *partial_field(const by__endpoint *endpoint)
{
	const by_model *in = endpoint->operation->in;
	for (size_t i = 0; in && i < in->count; i++)
		if (in->fields[i].partial)
			return &in->fields[i];
	return NULL;
}

START_TEST(every_example_body_is_valid_input)
{
	set_up();
	const by__endpoints *endpoints = by__server_endpoints(server);
	for (size_t i = 0; i < endpoints->count; i++) {
		const by__endpoint *endpoint = &endpoints->items[i];
		if (!endpoint->body)
			continue;
		const bool      partial = partial_field(endpoint) != NULL;
		by_present      present = { 0 };
		by_json_options options = { .partial = partial, .present = partial ? &present : NULL };
		by_faults      *faults = by_faults_new(arena);
		by_json_writer  w;
		by_buf          json;
		by_buf_init(&json, arena, 1024);
		by_json_writer_init(&w, &json);
		by__example_write(&w, endpoint->body, partial ? BY__USED_PARTIAL : BY__USED_IN);
		ck_ok(by_json_read(faults, (by_text){ json.data, json.len }, endpoint->body,
		    by_alloc(arena, endpoint->body->size), &options));
		ck_assert_msg(by_faults_count(faults) == 0, "%s %s: %s: %s", by_method_name(endpoint->method), endpoint->path,
		    by_faults_count(faults) ? by_faults_at(faults, 0)->where : "",
		    by_faults_count(faults) ? by_faults_at(faults, 0)->detail : "");
	}
}
END_TEST

START_TEST(every_row_and_every_model_is_documented)
{
	set_up();
	const by__endpoints *endpoints = by__server_endpoints(server);
	for (size_t i = 0; i < endpoints->count; i++) {
		const by__endpoint *endpoint = &endpoints->items[i];
		ck_assert_msg(endpoint->summary != NULL, "%s has no .summary", endpoint->path);
		if (!endpoint->version)
			continue;
		ck_assert_ptr_nonnull(endpoint->group->tag);
		ck_assert_msg(!endpoint->body || endpoint->body->doc, "%s has no .doc", endpoint->body->name);
		ck_assert_msg(!endpoint->operation->out || endpoint->operation->out->doc, "%s has no .doc",
		    endpoint->operation->out->name);
	}
}
END_TEST

START_TEST(the_routes_table_names_policies_and_places)
{
	by_buf out;
	set_up();
	by_buf_init(&out, arena, 4096);
	by__server_routes(server, "v1", false, &out);
	const char *text = by_buf_string(&out);
	const char *publish = strstr(text, "/api/v1/experiments/{id}/publish");
	ck_assert_ptr_nonnull(publish);
	const char *line = by_copy_text(arena, (by_text){ publish, strcspn(publish, "\n") });
	ck_assert_ptr_nonnull(strstr(line, "publish_experiment"));
	ck_assert_ptr_nonnull(strstr(line, "role editor"));
	ck_assert_ptr_nonnull(strstr(line, "timeout=2000ms transaction=serializable"));
	ck_assert_ptr_nonnull(strstr(line, "routes/v1/experiments.c:"));
	ck_assert_ptr_null(strstr(text, "/api/v2/"));
}
END_TEST

typedef struct problem { int64_t size; } problem;
BY_DECLARE_MODEL(problem);
static const by_field problem_fields[] = { BY_FIELD(problem, size) };
BY_MODEL(problem, problem_fields);

static by_error *make_problem(by_ctx *ctx, problem *out)
{
	(void)ctx;
	out->size = 1;
	return BY_OK;
}
BY_OPERATION_OUT(make_problem, problem);
static const by_route clash_rows[] = {
	BY_ROUTE(GET, "/problem", make_problem, .access = BY_PUBLIC, .summary = "Clash"),
};
BY_ROUTES(clash_routes, "Clash", clash_rows);

START_TEST(a_model_that_takes_the_frameworks_name_refuses_start_up)
{
	static const by_routes *const groups[] = { &clash_routes };
	static const by_version version = { "v1", "/api/v1", groups, 1 };
	static const by_app     app = { .name = "clash", .versions = &version, .version_count = 1 };
	by__server_options      options = { .base_path = "", .body_max = 1000 };
	arena = by_arena_new(0);
	by_error *error = by__server_new(arena, &app, &options, &server);
	ck_fails(error, CONFIGURATION);
	ck_assert_ptr_nonnull(strstr(error->detail, "problem is the name of the framework's own schema"));
}
END_TEST

UNIT("openapi", the_document_of_v1_is_the_golden_one, the_document_of_v2_is_the_golden_one,
    without_a_version_it_is_the_newest, every_example_body_is_valid_input, every_row_and_every_model_is_documented,
    the_routes_table_names_policies_and_places, a_model_that_takes_the_frameworks_name_refuses_start_up);
