/* The state of the JSON reader: json_scan.c reads its tokens, json_read.c its containers and models. Internal. */
#ifndef BY_CORE_JSON_READER_H
#define BY_CORE_JSON_READER_H

#include <banyan/json.h>
#include <banyan/kind.h>

/* A member name of an open object, or a list's item as text, kept to find duplicates. */
typedef struct by__json_name {
	by_text text;
	size_t  at; /* where it stands in the input, or which item it is */
} by__json_name;

typedef struct by__json_frame { /* an open array or object */
	uint32_t names; /* how many names were kept when it was entered */
	bool     begun; /* a member or item has been read */
} by__json_frame;

struct by_json_reader {
	const char     *begin;
	const char     *at;
	const char     *end;
	const char     *broken;    /* why the text is not well-formed; sticks */
	size_t          broken_at;
	bool            exhausted; /* broken because memory for it was refused */
	bool            accept_read_only;
	uint32_t        depth;
	uint32_t        max_depth;
	by_arena       *arena;
	by_faults      *faults;
	const by_where *where;     /* of the value being read */
	by__json_name  *names;
	uint32_t        name_count;
	uint32_t        name_room;
	by__json_frame  frames[BY_JSON_DEPTH];
};

/* Sets the syntax error unless there is one. Returns false. */
bool by__json_break(by_json_reader *r, const char *at, const char *why);

static inline void by__json_space(by_json_reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
		r->at++;
}

/* Moves behind the string ahead, checked; `inner` is what stands between the quotes. */
bool by__json_scan_string(by_json_reader *r, by_text *inner, bool *escaped);
bool by__json_scan_literal(by_json_reader *r, const char *literal, size_t len);

/* Sorts the names; whether two are equal, and where the later of them stands. Time is n log n for any names. */
bool by__find_twice(by__json_name *names, size_t count, size_t *at);

/* Starts a reader on a complete text. */
void by__json_reader_init(by_json_reader *r, by_faults *faults, by_text json, const by_where *root);
/* MALFORMED when the reader broke or anything but white space is left. */
BY_MUST_CHECK by_error *by__json_reader_finish(by_json_reader *r);
/* Whether the text is one well-formed JSON value; `compact` (may be NULL) is it without white space, in the arena. */
bool by__json_accept(by_arena *arena, by_text json, by_text *compact);
/* A copy of checked JSON without the white space between its tokens; a NUL follows it. */
by_text by__json_compact(by_arena *arena, by_text json);
/* As by_json_read_model; absent members keep what the object holds, `present` (may be NULL) says which there were. */
bool by__json_read_partial(by_json_reader *r, const by_model *model, void *object, by_present *present);

#endif
