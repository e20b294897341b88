/* Structs written as JSON, and documents written by hand. */
#include <string.h>

#include <banyan/entity.h>
#include <banyan/json.h>
#include <banyan/kind.h>

#include "tests/unit/unit.h"

#define SHAPE(X) X(shape, round) X(shape, square)
BY_ENUM(shape, SHAPE);
BY_ENUM_NAMES(shape, SHAPE);

typedef struct point {
	int64_t x;
	int64_t y;
} point;
BY_DECLARE_MODEL(point);
static const by_field point_fields[] = { BY_FIELD(point, x), BY_FIELD(point, y) };
BY_MODEL(point, point_fields);

typedef struct everything {
	bool              flag;
	int32_t           small;
	int64_t           large;
	double            real;
	by_decimal        price;
	const char       *name;
	by_bytes          raw;
	by_time           at;
	by_date           day;
	by_duration       span;
	by_size           size;
	by_ulid           ulid;
	by_uuid           uuid;
	by_json           free;
	by_secret         secret;
	const char       *hidden;
	shape             form;
	point             place;
	point            *other;
	double           *maybe;
	BY_LIST(string)   tags;
	BY_LIST(point)    points;
} everything;
BY_DECLARE_MODEL(everything);
static const by_field everything_fields[] = {
	BY_FIELD(everything, flag),
	BY_FIELD(everything, small),
	BY_FIELD(everything, large),
	BY_FIELD(everything, real),
	BY_FIELD(everything, price),
	BY_FIELD(everything, name),
	BY_FIELD(everything, raw),
	BY_FIELD(everything, at),
	BY_FIELD(everything, day),
	BY_FIELD(everything, span),
	BY_FIELD(everything, size),
	BY_FIELD(everything, ulid),
	BY_FIELD(everything, uuid),
	BY_FIELD(everything, free),
	BY_FIELD(everything, secret, .optional = true),
	BY_FIELD(everything, hidden, .write_only = true),
	BY_FIELD_ENUM(everything, form, shape),
	BY_FIELD_MODEL(everything, place, point),
	BY_FIELD_MODEL(everything, other, point),
	BY_FIELD(everything, maybe),
	BY_FIELD(everything, tags),
	BY_FIELD_LIST(everything, points, point),
};
BY_MODEL(everything, everything_fields);

static by_arena *arena;

static const char *written(const by_model *model, const void *object, const by_json_style *style)
{
	by_buf out;

	by_buf_init(&out, arena, 64);
	by_json_write(&out, model, object, style);
	ck_ok(by_buf_finish(&out));
	return by_buf_string(&out);
}

static everything sample(void)
{
	static const char *tags[] = { "a", "b\"\n" };
	static point       points[] = { { 1, 2 }, { 3, 4 } };
	everything         all = {
		.flag = true, .small = -7, .large = INT64_MIN, .real = 0.1, .price = { "12.50" }, .name = "caf\xc3\xa9 \x01",
		.raw = { (const uint8_t *)"\xfb\xff", 2 }, .at = { 1500000 }, .day = { 1 }, .span = { 90000000 }, .size = { 65536 },
		.free = { "{\"k\":[1]}", 9 }, .secret = { "hush" }, .hidden = "x", .form = shape_square, .place = { 5, 6 },
		.tags = { tags, 2 }, .points = { points, 2 }
	};

	return all;
}

#define HEAD "{\"flag\":true,\"small\":-7,\"large\":-9223372036854775808,\"real\":0.1,\"price\":\"12.50\"," \
	"\"name\":\"caf\xc3\xa9 \\u0001\",\"raw\":\"-_8\",\"at\":\"1970-01-01T00:00:01.500Z\",\"day\":\"1970-01-02\"," \
	"\"span\":\"1m30s\",\"size\":65536,\"ulid\":\"00000000000000000000000000\"," \
	"\"uuid\":\"00000000-0000-0000-0000-000000000000\",\"free\":{\"k\":[1]}"

START_TEST(every_kind_is_written_in_the_models_order)
{
	arena = by_arena_new(0);
	ck_ok(by_model_compile(arena, &everything_model));
	everything all = sample();

	ck_assert_str_eq(written(&everything_model, &all, NULL), HEAD ",\"form\":\"square\",\"place\":{\"x\":5,\"y\":6},"
	    "\"other\":null,\"maybe\":null,\"tags\":[\"a\",\"b\\\"\\n\"],\"points\":[{\"x\":1,\"y\":2},{\"x\":3,\"y\":4}]}");
}
END_TEST

START_TEST(styles_show_write_only_fields_mask_secrets_and_skip_nulls)
{
	arena = by_arena_new(0);
	ck_ok(by_model_compile(arena, &everything_model));
	everything    all = sample();
	by_json_style style = { .mask_secrets = true, .all_fields = true, .skip_null = true };
	const char   *text = written(&everything_model, &all, &style);

	ck_assert(strstr(text, ",\"secret\":\"***\",\"hidden\":\"x\",\"form\"") != NULL);
	ck_assert(strstr(text, "other") == NULL);
	ck_assert(strstr(text, "hush") == NULL);
	ck_assert(strstr(written(&everything_model, &all, NULL), "secret") == NULL);
}
END_TEST

UNIT("json_write", every_kind_is_written_in_the_models_order,
    styles_show_write_only_fields_mask_secrets_and_skip_nulls);
