/* The guard before libfcgi: what it lets through, what it waits for, and all that it refuses. */
#include "tests/unit/unit.h"

#include <string.h>

#include "fcgi/worker/guard.h"
#include "fcgi/protocol.h"

typedef struct bytes {
	uint8_t data[BY__HEAD_BYTES + 4096];
	size_t  len;
} bytes;

static void put(bytes *b, const void *data, size_t len)
{
	ck_assert_uint_le(b->len + len, sizeof(b->data));
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void record(bytes *b, uint8_t type, uint16_t id, const void *content, size_t len, uint8_t padding)
{
	const uint8_t header[8] = { 1, type, (uint8_t)(id >> 8), (uint8_t)id, (uint8_t)(len >> 8), (uint8_t)len, padding, 0 };
	static const uint8_t zeros[255];

	put(b, header, sizeof(header));
	if (len > 0)
		put(b, content, len);
	put(b, zeros, padding);
}

static void begin(bytes *b, uint16_t id, uint8_t flags)
{
	const uint8_t body[8] = { 0, BY__FCGI_RESPONDER, flags };

	record(b, BY__FCGI_BEGIN, id, body, sizeof(body), 0);
}

/* A request as nginx sends one: PARAMS in one padded record, an empty one, STDIN. */
static void request(bytes *b, uint16_t id)
{
	static const char pairs[] = "\016\003REQUEST_METHODGET\013\005REQUEST_URI/ping";

	begin(b, id, BY__FCGI_KEEP);
	record(b, BY__FCGI_PARAMS, id, pairs, sizeof(pairs) - 1, 3);
	record(b, BY__FCGI_PARAMS, id, NULL, 0, 0);
}

static by__head head_of(const bytes *b)
{
	return by__guard_head(b->data, b->len);
}

START_TEST(a_whole_head_is_complete_and_says_where_it_ends)
{
	bytes b = { .len = 0 };

	request(&b, 0x1234);
	size_t length = b.len;

	record(&b, BY__FCGI_STDIN, 0x1234, "body", 4, 4);
	by__head head = head_of(&b);

	ck_assert_int_eq(head.verdict, BY__GUARD_COMPLETE);
	ck_assert_uint_eq(head.length, length);
	ck_assert_uint_eq(head.id, 0x1234);
	ck_assert(head.keep);
}
END_TEST

START_TEST(every_beginning_of_a_head_wants_more)
{
	bytes b = { .len = 0 };

	request(&b, 1);
	for (size_t len = 0; len < b.len; len++) {
		by__head head = by__guard_head(b.data, len);

		ck_assert_msg(head.verdict == BY__GUARD_MORE, "after %zu bytes: %d %s", len, head.verdict,
		    head.reason ? head.reason : "");
	}
	ck_assert_int_eq(by__guard_head(b.data, b.len).verdict, BY__GUARD_COMPLETE);
}
END_TEST

START_TEST(pairs_may_cross_records_anywhere)
{
	static const char pairs[] = "\x80\x00\x00\x0eREQUEST_URI_XY\x80\x00\x00\x81";
	bytes whole = { .len = 0 };
	char value[129];

	memset(value, 'v', sizeof(value));
	put(&whole, pairs, 4);
	/* Both lengths stand before both texts. */
	put(&whole, pairs + 18, 4);
	put(&whole, pairs + 4, 14);
	put(&whole, value, sizeof(value));
	for (size_t cut = 1; cut < whole.len; cut++) {
		bytes b = { .len = 0 };

		begin(&b, 1, 0);
		record(&b, BY__FCGI_PARAMS, 1, whole.data, cut, 0);
		record(&b, BY__FCGI_PARAMS, 1, whole.data + cut, whole.len - cut, 7);
		record(&b, BY__FCGI_PARAMS, 1, NULL, 0, 0);
		by__head head = head_of(&b);

		ck_assert_msg(head.verdict == BY__GUARD_COMPLETE, "cut at %zu: %s", cut, head.reason ? head.reason : "more");
		ck_assert(!head.keep);
	}
}
END_TEST

static void refused(const bytes *b, const char *reason)
{
	by__head head = head_of(b);

	ck_assert_int_eq(head.verdict, BY__GUARD_REFUSE);
	ck_assert_str_eq(head.reason, reason);
}

START_TEST(what_is_not_a_begin_request_is_refused)
{
	const uint8_t body[9] = { 0, BY__FCGI_RESPONDER };
	const uint8_t authorizer[8] = { 0, 2 };
	bytes version = { .data = { 2 }, .len = 1 };
	bytes b;

	refused(&version, "not FastCGI version 1");
	for (uint8_t type = BY__FCGI_ABORT; type <= BY__FCGI_UNKNOWN_TYPE; type++) {
		b.len = 0;
		record(&b, type, 1, body, 8, 0);
		refused(&b, "the first record is not BEGIN_REQUEST");
	}
	b.len = 0;
	record(&b, BY__FCGI_BEGIN, 1, body, 9, 0);
	refused(&b, "BEGIN_REQUEST has a wrong length");
	b.len = 0;
	record(&b, BY__FCGI_BEGIN, 0, body, 8, 0);
	refused(&b, "BEGIN_REQUEST with id 0");
	b.len = 0;
	record(&b, BY__FCGI_BEGIN, 1, authorizer, 8, 0);
	refused(&b, "a role other than responder");
}
END_TEST

START_TEST(what_does_not_belong_in_params_is_refused)
{
	static const struct {
		uint8_t     type;
		uint16_t    id;
		const char *content;
		size_t      len;
		uint8_t     padding;
		const char *reason;
	} bad[] = {
		{ BY__FCGI_STDIN, 1, "x", 1, 0, "another record stands where PARAMS must" },
		{ BY__FCGI_BEGIN, 1, "12345678", 8, 0, "another record stands where PARAMS must" },
		{ BY__FCGI_GET_VALUES, 0, "", 0, 0, "another record stands where PARAMS must" },
		{ BY__FCGI_ABORT, 1, "", 0, 0, "given up before it had arrived" },
		{ BY__FCGI_PARAMS, 2, "\1\1ab", 4, 0, "PARAMS of another request" },
		{ BY__FCGI_PARAMS, 0, "\1\1ab", 4, 0, "PARAMS of another request" },
		{ BY__FCGI_PARAMS, 1, "", 0, 8, "the last PARAMS record is padded" },
		{ BY__FCGI_PARAMS, 1, "\1\2a\0b", 5, 0, "a parameter holds a NUL byte" },
		{ BY__FCGI_PARAMS, 1, "\3\0a=b", 5, 0, "a parameter's name holds an equals sign" },
		{ BY__FCGI_PARAMS, 1, "\0\1a", 3, 0, "a parameter has no name" },
		{ BY__FCGI_PARAMS, 1, "\1\xff\xff\xff\xff", 5, 0, "a parameter is larger than all of PARAMS may be" },
		{ BY__FCGI_PARAMS, 1, "\x80\x01\x00\x01", 4, 0, "a parameter is larger than all of PARAMS may be" },
	};

	for (size_t i = 0; i < BY_COUNT(bad); i++) {
		bytes b = { .len = 0 };

		begin(&b, 1, 0);
		record(&b, bad[i].type, bad[i].id, bad[i].content, bad[i].len, bad[i].padding);
		refused(&b, bad[i].reason);
	}
}
END_TEST

START_TEST(params_that_end_within_a_pair_are_refused)
{
	static const char pair[] = "\x80\x00\x00\x04\x02NAMEvv";

	for (size_t len = 1; len < sizeof(pair) - 1; len++) {
		bytes b = { .len = 0 };

		begin(&b, 1, 0);
		record(&b, BY__FCGI_PARAMS, 1, pair, len, 0);
		record(&b, BY__FCGI_PARAMS, 1, NULL, 0, 0);
		refused(&b, "PARAMS end within a parameter");
	}
}
END_TEST

START_TEST(params_are_bounded_before_they_arrive)
{
	static char much[40000];
	bytes b = { .len = 0 };

	memset(much, 'v', sizeof(much));
	memcpy(much, "\1\x80\x00\x9c\x39N", 6); /* a value of 39,993 and one byte that is not there yet */
	begin(&b, 1, 0);
	record(&b, BY__FCGI_PARAMS, 1, much, sizeof(much), 0);
	ck_assert_int_eq(head_of(&b).verdict, BY__GUARD_MORE);
	record(&b, BY__FCGI_PARAMS, 1, much, sizeof(much), 0);
	/* The header of the record that is too much is enough. */
	b.len -= sizeof(much);
	refused(&b, "PARAMS are too large");
}
END_TEST

START_TEST(too_many_params_are_refused)
{
	bytes b = { .len = 0 };
	char pairs[3 * (BY__HEAD_VARIABLES + 1)];

	for (size_t i = 0; i < sizeof(pairs); i += 3)
		memcpy(pairs + i, "\1\0N", 3);
	begin(&b, 1, 0);
	record(&b, BY__FCGI_PARAMS, 1, pairs, sizeof(pairs), 0);
	refused(&b, "too many parameters");
}
END_TEST

START_TEST(a_head_of_countless_padded_records_is_refused)
{
	bytes b = { .len = 0 };

	begin(&b, 1, 0);
	while (b.len < BY__HEAD_BYTES)
		record(&b, BY__FCGI_PARAMS, 1, "\1\1ab", 4, 255);
	refused(&b, "the head of the request is too large");
}
END_TEST

START_TEST(management_records_stand_alone)
{
	bytes b = { .len = 0 };

	record(&b, BY__FCGI_GET_VALUES, 0, "\016\000FCGI_MAX_CONNS", 16, 5);
	for (size_t len = 0; len < b.len; len++)
		ck_assert_int_eq(by__guard_head(b.data, len).verdict, BY__GUARD_MORE);
	size_t length = b.len;

	request(&b, 1);
	by__head head = head_of(&b);

	ck_assert_int_eq(head.verdict, BY__GUARD_MANAGEMENT);
	ck_assert_uint_eq(head.length, length);
	ck_assert_uint_eq(head.management, BY__FCGI_GET_VALUES);
	b.len = 0;
	static const char large[BY__HEAD_MANAGEMENT + 1];

	record(&b, 77, 0, large, sizeof(large), 0);
	refused(&b, "a management record is too large");
}
END_TEST

START_TEST(get_values_is_answered_with_what_there_is)
{
	static const char asked[] = "\016\000FCGI_MAX_CONNS\003\001WHYx\017\000FCGI_MPXS_CONNS\015\000FCGI_MAX_REQS\x05";
	static const char expected[] = "\1\012\0\0\0\070\0\0\016\003FCGI_MAX_CONNS512\017\001FCGI_MPXS_CONNS0\015\003FCGI_MAX_REQS512";
	uint8_t answer[BY__MANAGEMENT_ANSWER];
	bytes b = { .len = 0 };

	record(&b, BY__FCGI_GET_VALUES, 0, asked, sizeof(asked) - 1, 0);
	size_t len = by__guard_management(b.data, b.len, 512, answer);

	ck_assert_uint_eq(len, sizeof(expected) - 1);
	ck_assert_mem_eq(answer + 6, expected + 6, len - 6);
	ck_assert_uint_eq(answer[5], len - 8);
	b.len = 0;
	record(&b, 42, 0, "x", 1, 0);
	ck_assert_uint_eq(by__guard_management(b.data, b.len, 512, answer), 16);
	ck_assert_uint_eq(answer[1], BY__FCGI_UNKNOWN_TYPE);
	ck_assert_uint_eq(answer[8], 42);
}
END_TEST

START_TEST(a_flood_of_asked_values_fits_the_answer)
{
	uint8_t answer[BY__MANAGEMENT_ANSWER];
	bytes b = { .len = 0 };
	char asked[16 * 60];

	for (size_t i = 0; i < sizeof(asked); i += 16)
		memcpy(asked + i, "\016\000FCGI_MAX_CONNS", 16);
	record(&b, BY__FCGI_GET_VALUES, 0, asked, sizeof(asked), 0);
	ck_assert_uint_le(by__guard_management(b.data, b.len, 4294967295U, answer), sizeof(answer));
}
END_TEST

/* ---- the body ------------------------------------------------------------------ */

static by__body walked(const bytes *b, size_t step)
{
	by__body body = { .id = 1 };

	for (size_t at = 0; at < b->len; at += step)
		by__guard_body(&body, b->data + at, b->len - at < step ? b->len - at : step);
	return body;
}

START_TEST(a_body_is_walked_the_same_however_it_is_cut)
{
	bytes b = { .len = 0 };

	record(&b, BY__FCGI_STDIN, 1, "hello", 5, 3);
	record(&b, BY__FCGI_STDIN, 1, "world!", 6, 0);
	record(&b, BY__FCGI_STDIN, 1, NULL, 0, 8);
	for (size_t step = 1; step <= b.len; step++) {
		by__body body = walked(&b, step);

		ck_assert_uint_eq(body.bytes, 11);
		ck_assert(body.ended && by__body_ready(&body));
		ck_assert_uint_eq(body.padding + body.content + body.have, 0);
		ck_assert(!body.refused && !body.aborted && !body.early);
	}
}
END_TEST

START_TEST(half_a_header_is_not_ready)
{
	bytes b = { .len = 0 };

	record(&b, BY__FCGI_STDIN, 1, "x", 1, 0);
	for (size_t len = 0; len < b.len; len++) {
		by__body body = { .id = 1, .padding = 0 };

		by__guard_body(&body, b.data, len);
		ck_assert(!by__body_ready(&body));
	}
	by__body body = walked(&b, 1);

	ck_assert(by__body_ready(&body) && !body.ended);
}
END_TEST

START_TEST(what_does_not_belong_in_a_body_is_told)
{
	static const struct {
		uint8_t  type;
		uint16_t id;
		bool     aborted, early, refused;
	} cases[] = {
		{ BY__FCGI_ABORT, 1, true, false, false },
		{ BY__FCGI_BEGIN, 1, false, true, false },
		{ BY__FCGI_BEGIN, 2, false, true, false },
		{ BY__FCGI_BEGIN, 0, false, false, true },
		{ BY__FCGI_STDIN, 2, false, false, true },
		{ BY__FCGI_ABORT, 2, false, false, true },
		{ BY__FCGI_PARAMS, 1, false, false, true },
		{ BY__FCGI_GET_VALUES, 0, false, false, true },
		{ 8, 1, false, false, true },
	};

	for (size_t i = 0; i < BY_COUNT(cases); i++) {
		bytes b = { .len = 0 };

		record(&b, BY__FCGI_STDIN, 1, "xyz", 3, 5);
		record(&b, cases[i].type, cases[i].id, "12345678", 8, 0);
		by__body body = walked(&b, 7);

		ck_assert_uint_eq(body.bytes, 3);
		ck_assert_int_eq(body.aborted, cases[i].aborted);
		ck_assert_int_eq(body.early, cases[i].early);
		ck_assert_int_eq(body.refused != NULL, cases[i].refused);
	}
}
END_TEST

START_TEST(nothing_but_an_abort_or_the_next_request_follows_a_body)
{
	bytes b = { .len = 0 };

	record(&b, BY__FCGI_STDIN, 1, NULL, 0, 0);
	size_t end = b.len;

	record(&b, BY__FCGI_ABORT, 1, NULL, 0, 0);
	ck_assert(walked(&b, 64).aborted);
	b.len = end;
	record(&b, BY__FCGI_STDIN, 1, "more", 4, 0);
	ck_assert_str_eq(walked(&b, 64).refused, "STDIN after its end");
	b.len = end;
	request(&b, 2);
	ck_assert(walked(&b, 64).early && walked(&b, 64).ended);
}
END_TEST

/* Random bytes and mutated requests: any verdict will do, as long as nothing is read beyond the end (sanitizers watch). */
START_TEST(noise_is_judged_without_harm)
{
	uint32_t seed = 1;
	bytes b = { .len = 0 };

	request(&b, 1);
	record(&b, BY__FCGI_STDIN, 1, "body", 4, 4);
	for (int round = 0; round < 20000; round++) {
		seed = seed * 1664525 + 1013904223;
		size_t len = (seed >> 8) % (b.len + 1);
		uint8_t *copy = malloc(len + 1);

		memcpy(copy, b.data, len);
		for (int hits = 0; hits < 3 && len > 0; hits++) {
			seed = seed * 1664525 + 1013904223;
			copy[(seed >> 8) % len] = (uint8_t)(seed >> 24);
		}
		uint8_t *exact = malloc(len ? len : 1);
		by__body body = { .id = 1 };

		memcpy(exact, copy, len);
		(void)by__guard_head(exact, len);
		(void)by__guard_variable(exact, len, "REQUEST_URI", &(by_text){ 0 });
		by__guard_body(&body, exact, len);
		free(exact);
		free(copy);
	}
}
END_TEST

static void holds(const bytes *b, const char *name, const char *expected)
{
	by_text value;

	ck_assert(by__guard_variable(b->data, b->len, name, &value));
	ck_assert_uint_eq(value.len, strlen(expected));
	ck_assert_mem_eq(value.ptr, expected, value.len);
}

START_TEST(a_variable_is_found_in_a_head)
{
	bytes b = { .len = 0 };
	by_text value;

	request(&b, 1);
	holds(&b, "REQUEST_URI", "/ping");
	holds(&b, "REQUEST_METHOD", "GET");
	ck_assert(!by__guard_variable(b.data, b.len, "REQUEST_UR", &value));
	ck_assert(!by__guard_variable(b.data, b.len, "REQUEST_START", &value));
	ck_assert(!by__guard_variable(b.data, 0, "REQUEST_URI", &value));
}
END_TEST

START_TEST(a_variable_behind_one_that_crosses_records_is_found)
{
	static const char pairs[] = "\001\006Aacross\013\005REQUEST_URI/pong";
	by_text value;

	/* Cut within the first pair the second is found; cut within itself it is not, and cut anywhere nothing else is. */
	for (size_t cut = 1; cut < sizeof(pairs) - 1; cut++) {
		bytes b = { .len = 0 };

		begin(&b, 1, 0);
		record(&b, BY__FCGI_PARAMS, 1, pairs, cut, 5);
		record(&b, BY__FCGI_PARAMS, 1, pairs + cut, sizeof(pairs) - 1 - cut, 0);
		record(&b, BY__FCGI_PARAMS, 1, NULL, 0, 0);
		if (cut > 1 && cut <= 9)
			holds(&b, "REQUEST_URI", "/pong");
		else
			ck_assert(!by__guard_variable(b.data, b.len, "REQUEST_URI", &value));
	}
}
END_TEST

UNIT("guard", a_variable_is_found_in_a_head, a_variable_behind_one_that_crosses_records_is_found,
    a_whole_head_is_complete_and_says_where_it_ends, every_beginning_of_a_head_wants_more,
    pairs_may_cross_records_anywhere, what_is_not_a_begin_request_is_refused, what_does_not_belong_in_params_is_refused,
    params_that_end_within_a_pair_are_refused, params_are_bounded_before_they_arrive, too_many_params_are_refused,
    a_head_of_countless_padded_records_is_refused, management_records_stand_alone,
    get_values_is_answered_with_what_there_is, a_flood_of_asked_values_fits_the_answer,
    a_body_is_walked_the_same_however_it_is_cut, half_a_header_is_not_ready, what_does_not_belong_in_a_body_is_told,
    nothing_but_an_abort_or_the_next_request_follows_a_body, noise_is_judged_without_harm);
