/* A model with a field of every sort, for the targets that read one. */
#ifndef TESTS_FUZZ_THING_H
#define TESTS_FUZZ_THING_H

#include <banyan/kind.h>
#include <banyan/model.h>

#define THING_MODE(X) X(thing_mode, fast) X(thing_mode, slow)
BY_ENUM(thing_mode, THING_MODE);
BY_ENUM_NAMES(thing_mode, THING_MODE);

typedef struct thing_frame {
	int32_t width;
	int32_t height;
} thing_frame;
BY_DECLARE_MODEL(thing_frame);
static const by_field thing_frame_fields[] = {
	BY_FIELD(thing_frame, width, .minimum = BY_NUM(1), .maximum = BY_NUM(4096)),
	BY_FIELD(thing_frame, height, .default_value = "480"),
};
BY_MODEL(thing_frame, thing_frame_fields);

typedef struct thing {
	by_ulid           id;
	const char       *name;
	const char       *note;
	double            fps;
	by_decimal        price;
	int64_t           count;
	bool              live;
	by_time          *published_at;
	by_date           day;
	by_duration       length;
	thing_mode        mode;
	by_json           extra;
	by_bytes          blob;
	struct thing     *next;
	BY_LIST(thing_frame) frames;
	BY_LIST(string)   tags;
} thing;
BY_DECLARE_MODEL(thing);
static const by_field thing_fields[] = {
	BY_FIELD(thing, id, .optional = true),
	BY_FIELD(thing, name, .min_length = 1, .max_length = 40, .pattern = "^[^!]*$"),
	BY_FIELD(thing, note, .optional = true),
	BY_FIELD(thing, fps, .exclusive_minimum = BY_NUM(0), .default_value = "1"),
	BY_FIELD(thing, price, .optional = true),
	BY_FIELD(thing, count, .optional = true),
	BY_FIELD(thing, live, .default_value = "true"),
	BY_FIELD(thing, published_at),
	BY_FIELD(thing, day, .default_value = "2026-11-28"),
	BY_FIELD(thing, length, .default_value = "5s"),
	BY_FIELD_ENUM(thing, mode, thing_mode, .default_value = "slow"),
	BY_FIELD(thing, extra, .optional = true),
	BY_FIELD(thing, blob, .optional = true),
	BY_FIELD_MODEL(thing, next, thing),
	BY_FIELD_LIST(thing, frames, thing_frame, .max_items = 4, .optional = true),
	BY_FIELD_ITEMS(thing, tags, BY_ITEMS(string, .max_length = 9), .unique_items = true, .optional = true),
};
BY_MODEL(thing, thing_fields);

#endif
