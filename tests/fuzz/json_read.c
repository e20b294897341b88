/* JSON into a struct: what fits the model is written as JSON that reads into the same again. */
#include <banyan/json.h>

#include "core/json_reader.h"
#include "fuzz/fuzz.h"
#include "fuzz/thing.h"

static by_text written(by_arena *arena, const thing *object)
{
	static const by_json_style all = { .all_fields = true };
	by_buf out;

	by_buf_init(&out, arena, 0);
	by_json_write(&out, &thing_model, object, &all);
	return (by_text){ out.data, out.len };
}

/* Whether it was JSON and fits the model. */
static bool reads(by_arena *arena, by_text json, thing *object)
{
	by_faults *faults = by_faults_new(arena);
	by_error  *error = by_json_read(faults, json, &thing_model, object, NULL);

	FUZZ_HOLDS(error == BY_OK || by_error_is(error, MALFORMED));
	return error == BY_OK && by_faults_count(faults) == 0;
}

static void read_partial(by_arena *arena, by_text json)
{
	by_json_options options = { .partial = true, .max_depth = 5 };
	by_faults      *faults = by_faults_new(arena);
	thing           object;

	memset(&object, 0, sizeof(object));
	BY_IGNORE(by_json_read(faults, json, &thing_model, &object, &options), "only that it comes back matters");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	by_text   json = fuzz_text(data, size);
	by_arena *arena = by_arena_new(0);
	thing     object, again;

	if (*thing_model.plan == NULL)
		BY_REQUIRE(by_model_compile(fuzz_kept(), &thing_model) == BY_OK);
	if (reads(arena, json, &object)) {
		by_text first = written(arena, &object);

		FUZZ_HOLDS(by__json_accept(arena, first, NULL));
		bool back = reads(arena, first, &again);

		FUZZ_HOLDS(back);
		by_text second = written(arena, &again);

		FUZZ_HOLDS(first.len == second.len && memcmp(first.ptr, second.ptr, first.len) == 0);
	}
	read_partial(arena, json);
	by_arena_free(&arena);
	return 0;
}
