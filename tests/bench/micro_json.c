/*
 * JSON against json-c in one process: writing a page of 100 rows, and reading a
 * body of ten fields into a struct. Prints the times and their ratios; fails
 * when a ratio is below its goal (10 and 3) and --check is given.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <banyan/assert.h>
#include <banyan/entity.h>
#include <banyan/json.h>
#include <banyan/kind.h>

enum { ROWS = 100, ROUNDS = 9 };

typedef struct row {
	by_entity   base;
	const char *name;
	const char *description;
	int64_t     frame_count;
	double      fps;
	by_time    *published_at;
} row;
BY_DECLARE_MODEL(row);
static const by_field row_fields[] = {
	BY_ENTITY(row, base),
	BY_FIELD(row, name),
	BY_FIELD(row, description),
	BY_FIELD(row, frame_count),
	BY_FIELD(row, fps),
	BY_FIELD(row, published_at),
};
BY_MODEL(row, row_fields);

typedef struct page {
	BY_LIST(row) items;
	int64_t      total;
	int64_t      page;
	bool         has_next;
} page;
BY_DECLARE_MODEL(page);
static const by_field page_fields[] = {
	BY_FIELD_LIST(page, items, row), BY_FIELD(page, total), BY_FIELD(page, page), BY_FIELD(page, has_next),
};
BY_MODEL(page, page_fields);

typedef struct body {
	const char *name;
	const char *description;
	const char *operator_name;
	int64_t     frame_count;
	int32_t     width;
	int32_t     height;
	double      fps;
	double      exposure_ms;
	bool        live;
	by_time     recorded_at;
} body;
BY_DECLARE_MODEL(body);
static const by_field body_fields[] = {
	BY_FIELD(body, name, .min_length = 1, .max_length = 200),
	BY_FIELD(body, description, .max_length = 2000),
	BY_FIELD(body, operator_name, .max_length = 100),
	BY_FIELD(body, frame_count, .minimum = BY_NUM(0)),
	BY_FIELD(body, width, .minimum = BY_NUM(1), .maximum = BY_NUM(16384)),
	BY_FIELD(body, height, .minimum = BY_NUM(1), .maximum = BY_NUM(16384)),
	BY_FIELD(body, fps, .exclusive_minimum = BY_NUM(0), .maximum = BY_NUM(1000)),
	BY_FIELD(body, exposure_ms, .minimum = BY_NUM(0)),
	BY_FIELD(body, live),
	BY_FIELD(body, recorded_at),
};
BY_MODEL(body, body_fields);

/* The same ten fields without a constraint: what validation costs. */
static const by_field loose_fields[] = {
	BY_FIELD(body, name), BY_FIELD(body, description), BY_FIELD(body, operator_name), BY_FIELD(body, frame_count),
	BY_FIELD(body, width), BY_FIELD(body, height), BY_FIELD(body, fps), BY_FIELD(body, exposure_ms), BY_FIELD(body, live),
	BY_FIELD(body, recorded_at),
};
static by_plan       *loose_plan;
static const by_model loose_model = { .name = "loose", .size = sizeof(body), .fields = loose_fields,
	.count = BY_COUNT(loose_fields), .plan = &loose_plan, .place = BY_HERE_INIT };

static const char body_json[] = "{\"name\":\"Zebrafish heart, day 3\","
	"\"description\":\"Spinning disk, 488 nm, 20x water immersion\",\"operator_name\":\"M. Okafor\","
	"\"frame_count\":1800,\"width\":2048,\"height\":2048,\"fps\":59.94,\"exposure_ms\":12.5,\"live\":true,\"recorded_at\":\"2026-11-20T16:06:52.250Z\"}";

static by_arena *kept;    /* models and rows */
static by_arena *scratch; /* of one round */
static page      rows;
static size_t    sink;    /* so that no work is optimised away */

static void must(by_error *error)
{
	if (error == BY_OK)
		return;
	fprintf(stderr, "%s\n", error->detail);
	exit(1);
}

static void make_rows(void)
{
	rows = (page){ .items = { BY_NEW_ARRAY(kept, row, ROWS), ROWS }, .total = 12345, .page = 1, .has_next = true };
	for (int64_t i = 0; i < ROWS; i++) {
		row *r = &rows.items.items[i];

		by_entity_begin(&r->base);
		r->name = by_format(kept, "Zebrafish heart, day %d", (int)i);
		r->description = "Spinning disk confocal, 488 nm, 20x water immersion; temperature held at 28.5 degrees";
		r->frame_count = 1000 + i * 37;
		r->fps = 29.97 + (double)i / 8;
		if (i % 2 == 0) {
			r->published_at = BY_NEW(kept, by_time);
			*r->published_at = r->base.updated_at;
		}
	}
}

/* ---- writing ---- */

static void write_ours(void)
{
	by_buf out;

	by_buf_init(&out, scratch, 65536);
	by_json_write(&out, &page_model, &rows, NULL);
	must(by_buf_finish(&out));
	sink += out.len;
}

static struct json_object *time_object(by_time time)
{
	char   text[BY_TIME_TEXT];
	size_t len = by_time_print(time, text);

	return json_object_new_string_len(text, (int)len);
}

static struct json_object *row_object(const row *r)
{
	struct json_object *object = json_object_new_object();
	char                id[BY_ULID_TEXT];

	by_ulid_print(r->base.id, id);
	json_object_object_add(object, "id", json_object_new_string(id));
	json_object_object_add(object, "created_at", time_object(r->base.created_at));
	json_object_object_add(object, "updated_at", time_object(r->base.updated_at));
	json_object_object_add(object, "is_deleted", json_object_new_boolean(r->base.is_deleted));
	json_object_object_add(object, "version", json_object_new_int64(r->base.version));
	json_object_object_add(object, "name", json_object_new_string(r->name));
	json_object_object_add(object, "description", json_object_new_string(r->description));
	json_object_object_add(object, "frame_count", json_object_new_int64(r->frame_count));
	json_object_object_add(object, "fps", json_object_new_double(r->fps));
	json_object_object_add(object, "published_at", r->published_at ? time_object(*r->published_at) : NULL);
	return object;
}

static void write_jsonc(void)
{
	struct json_object *object = json_object_new_object();
	struct json_object *items = json_object_new_array_ext(ROWS);

	for (size_t i = 0; i < rows.items.count; i++)
		json_object_array_add(items, row_object(&rows.items.items[i]));
	json_object_object_add(object, "items", items);
	json_object_object_add(object, "total", json_object_new_int64(rows.total));
	json_object_object_add(object, "page", json_object_new_int64(rows.page));
	json_object_object_add(object, "has_next", json_object_new_boolean(rows.has_next));
	sink += strlen(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
}

/* ---- reading ---- */

static void read_model(const by_model *model)
{
	body       b;
	by_faults *faults = by_faults_new(scratch);

	must(by_json_read(faults, (by_text){ body_json, sizeof(body_json) - 1 }, model, &b, NULL));
	must(by_faults_error(faults));
	sink += (size_t)b.width;
}

static void read_ours(void)
{
	read_model(&body_model);
}

static void read_loose(void)
{
	read_model(&loose_model);
}

static struct json_object *member(struct json_object *object, const char *name, enum json_type type)
{
	struct json_object *value;

	BY_REQUIRE(json_object_object_get_ex(object, name, &value) && json_object_is_type(value, type));
	return value;
}

static const char *string_member(struct json_object *object, const char *name)
{
	struct json_object *value = member(object, name, json_type_string);

	return by_copy_text(scratch, (by_text){ json_object_get_string(value), (size_t)json_object_get_string_len(value) });
}

static void read_jsonc(void)
{
	struct json_tokener *tokener = json_tokener_new_ex(64);
	body                 b;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *object = json_tokener_parse_ex(tokener, body_json, sizeof(body_json));

	BY_REQUIRE(object != NULL);
	b.name = string_member(object, "name");
	b.description = string_member(object, "description");
	b.operator_name = string_member(object, "operator_name");
	b.frame_count = json_object_get_int64(member(object, "frame_count", json_type_int));
	b.width = json_object_get_int(member(object, "width", json_type_int));
	b.height = json_object_get_int(member(object, "height", json_type_int));
	b.fps = json_object_get_double(member(object, "fps", json_type_double));
	b.exposure_ms = json_object_get_double(member(object, "exposure_ms", json_type_double));
	b.live = json_object_get_boolean(member(object, "live", json_type_boolean));
	const char *at = string_member(object, "recorded_at");

	BY_REQUIRE(by_time_parse((by_text){ at, strlen(at) }, &b.recorded_at));
	sink += (size_t)b.width + (size_t)b.frame_count + b.live + (size_t)b.fps + (size_t)b.exposure_ms;
	json_object_put(object);
	json_tokener_free(tokener);
}

/* ---- timing ---- */

static double once(void (*run)(void), int times)
{
	uint64_t begin = by_clock();

	for (int i = 0; i < times; i++) {
		run();
		by_arena_reset(scratch);
	}
	return (double)(by_clock() - begin) / 1000 / times;
}

/* Both in turn, several times; the best round of each, in microseconds. */
static double compare(const char *what, void (*ours)(void), void (*theirs)(void), const char *peer, int times)
{
	double best_ours = 1e9;
	double best_theirs = 1e9;

	for (int round = 0; round < ROUNDS; round++) {
		double a = once(ours, times);
		double b = once(theirs, times);

		best_ours = a < best_ours ? a : best_ours;
		best_theirs = b < best_theirs ? b : best_theirs;
	}
	printf("%-34s %8.2f us   %-12s %8.2f us   ratio %.2f\n", what, best_ours, peer, best_theirs, best_theirs / best_ours);
	return best_theirs / best_ours;
}

int main(int argc, char **argv)
{
	bool check = argc > 1 && strcmp(argv[1], "--check") == 0;

	kept = by_arena_new(0);
	scratch = by_arena_new(131072);
	must(by_model_compile(kept, &page_model));
	must(by_model_compile(kept, &body_model));
	must(by_model_compile(kept, &loose_model));
	make_rows();
	double write = compare("write a page of 100 rows", write_ours, write_jsonc, "json-c", 300);
	double read = compare("read a body of ten fields", read_ours, read_jsonc, "json-c", 20000);
	double cost = compare("read it without constraints", read_loose, read_ours, "validated", 20000);

	by_arena_free(&scratch);
	by_arena_free(&kept);
	if (sink == 0)
		return 1;
	return check && (write < 10 || read < 3 || cost > 1.5) ? 1 : 0;
}
