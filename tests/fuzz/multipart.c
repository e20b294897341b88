/*
 * The parser of multipart/form-data: wherever a body is cut, the same parts
 * come of it. The first byte chooses the boundary and the room for headers.
 */
#include <stdlib.h>

#include <banyan/buf.h>

#include "core/utf8.h"
#include "fuzz/fuzz.h"
#include "interface/multipart_parser.h"

enum { SMALL = 64, LARGE = 512, CUTS_MOST = 48 };

static const char *const boundaries[] = { "b", "--b", "----WebKitFormBoundaryABC", "a 'b()+_,-./:=?c" };

typedef struct reader {
	by__multipart_parser parser;
	by_buf               told;   /* what came, without where it was cut */
	bool                 in_part;
	bool                 ended;
	bool                 broken;
} reader;

static void tell_part(reader *r)
{
	const by__multipart_parser *p = &r->parser;

	FUZZ_HOLDS(!r->in_part && !r->ended);
	FUZZ_HOLDS(p->name && p->content_type && by__utf8_valid((by_text){ p->name, strlen(p->name) }));
	FUZZ_HOLDS(!p->filename || by__utf8_valid((by_text){ p->filename, strlen(p->filename) }));
	by_put_format(&r->told, "[%s|%s|%s]", p->name, p->filename ? p->filename : "-", p->content_type);
	r->in_part = true;
}

static void tell_data(reader *r, const char *from, const char *end)
{
	by_text data = r->parser.data;
	bool    ours = data.ptr >= r->parser.delimiter && data.ptr < r->parser.delimiter + sizeof(r->parser.delimiter);

	FUZZ_HOLDS(r->in_part && data.len > 0);
	FUZZ_HOLDS(ours || (data.ptr >= from && data.ptr + data.len <= end));
	by_put_text(&r->told, data);
}

/* All events of these bytes, which are gone when it returns. */
static void take(reader *r, const char *from, const char *end)
{
	const char *at = from;

	for (;;) {
		by__multipart_event event = by__multipart_next(&r->parser, &at, end);

		FUZZ_HOLDS(at >= from && at <= end);
		if (event == BY__MULTIPART_PART)
			tell_part(r);
		else if (event == BY__MULTIPART_DATA)
			tell_data(r, from, end);
		else if (event == BY__MULTIPART_PART_END) {
			FUZZ_HOLDS(r->in_part);
			by_put_char(&r->told, '<');
			r->in_part = false;
		} else if (event == BY__MULTIPART_END && !r->ended) {
			FUZZ_HOLDS(!r->in_part);
			by_put_char(&r->told, '.');
			r->ended = true;
		}
		r->broken = event == BY__MULTIPART_BROKEN;
		if (event == BY__MULTIPART_MORE || r->broken || (event == BY__MULTIPART_END && at == end))
			return;
	}
}

/* Each piece in memory of its own, so that a pointer kept into the one before is seen. */
static void take_piece(reader *r, by_text piece)
{
	char *copy = malloc(piece.len > 0 ? piece.len : 1);

	BY_REQUIRE(copy != NULL);
	if (piece.len > 0)
		memcpy(copy, piece.ptr, piece.len);
	take(r, copy, copy + piece.len);
	free(copy);
}

static by_text read_cut(by_arena *arena, by_text boundary, size_t room, by_text body, size_t first, size_t step)
{
	reader r = { .in_part = false };

	by_buf_init(&r.told, arena, body.len + 64);
	FUZZ_HOLDS(by__multipart_init(&r.parser, boundary, by_alloc_raw(arena, room), room));
	for (size_t at = 0, len = first; !r.broken; at += len, len = step) {
		if (len > body.len - at)
			len = body.len - at;
		take_piece(&r, (by_text){ body.ptr + at, len });
		if (at + len == body.len)
			break;
	}
	FUZZ_HOLDS(r.parser.at <= body.len);
	if (r.broken)
		by_put_format(&r.told, "! %s @%zu", r.parser.why, (size_t)r.parser.at);
	FUZZ_HOLDS(by_buf_finish(&r.told) == BY_OK);
	return (by_text){ r.told.data, r.told.len };
}

static void check_same(by_text got, by_text wanted)
{
	FUZZ_HOLDS(got.len == wanted.len && memcmp(got.ptr, wanted.ptr, got.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t     choice = fuzz_choice(&data, &size);
	const char *chosen = boundaries[choice % BY_COUNT(boundaries)];
	by_text     boundary = { chosen, strlen(chosen) };
	size_t      room = choice & 0x80 ? SMALL : LARGE;
	by_text     body = fuzz_text(data, size);
	by_arena   *arena = by_arena_new(0);
	by_text     whole = read_cut(arena, boundary, room, body, body.len, 1);
	size_t      step = size / CUTS_MOST + 1;

	check_same(read_cut(arena, boundary, room, body, 1, 1), whole);
	for (size_t cut = 0; cut <= size; cut += step)
		check_same(read_cut(arena, boundary, room, body, cut, size - cut + 1), whole);
	by_arena_free(&arena);
	return 0;
}
