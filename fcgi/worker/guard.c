/*
 * Walks the records that wait in a connection: a request's head with the name
 * and value pairs of its PARAMS, its body, and management records.
 */
#include <stdio.h>
#include <string.h>

#include "fcgi/worker/guard.h"
#include "fcgi/protocol.h"

typedef struct record {
	uint8_t  type;
	uint16_t id;
	uint32_t content;
	uint32_t padding;
} record;

static record record_of(const uint8_t *header)
{
	return (record){ .type = header[1], .id = (uint16_t)(header[2] << 8 | header[3]),
		.content = (uint32_t)header[4] << 8 | header[5], .padding = header[6] };
}

/* ---- name and value pairs ------------------------------------------------ */

/* Where in the pairs of PARAMS the walk stands; pairs may cross records anywhere. */
typedef struct pairs {
	enum { NAME_LENGTH, VALUE_LENGTH, NAME, VALUE } at;
	uint32_t    lengths[2]; /* of the name and of the value; what is left of them while they are walked */
	uint32_t    partial;    /* bytes still missing of a four-byte length */
	uint32_t    count;
	const char *refused;
} pairs;

/* One byte of a length: below 128 it is the length, else the first of four. */
static void length_byte(pairs *p, uint8_t byte)
{
	uint32_t *length = &p->lengths[p->at];

	if (p->partial > 0) {
		*length = *length << 8 | byte;
		p->partial--;
	} else if (byte & 0x80) {
		*length = byte & 0x7f;
		p->partial = 3;
	} else {
		*length = byte;
	}
	if (p->partial > 0)
		return;
	if (*length > BY__HEAD_PARAMS)
		p->refused = "a parameter is larger than all of PARAMS may be";
	else if (p->at == NAME_LENGTH && *length == 0)
		p->refused = "a parameter has no name";
	p->at++;
}

/* As much of a name or a value as is there; returns how much that was. */
static size_t pair_text(pairs *p, const uint8_t *bytes, size_t len)
{
	uint32_t *left = &p->lengths[p->at - NAME];
	size_t here = len < *left ? len : *left;

	/* libfcgi makes "NAME=value" and a NUL of each pair: either would be read as something else later. */
	if (memchr(bytes, 0, here))
		p->refused = "a parameter holds a NUL byte";
	else if (p->at == NAME && memchr(bytes, '=', here))
		p->refused = "a parameter's name holds an equals sign";
	*left -= (uint32_t)here;
	return here;
}

static void pair_settle(pairs *p)
{
	if (p->at == NAME && p->lengths[0] == 0)
		p->at = VALUE;
	if (p->at == VALUE && p->lengths[1] == 0) {
		p->at = NAME_LENGTH;
		if (++p->count > BY__HEAD_VARIABLES)
			p->refused = "too many parameters";
	}
}

/*
 * A whole pair whose lengths are a byte each, as nearly all are, in one step;
 * returns its bytes, or 0 when it is not such a pair.
 */
static size_t short_pair(pairs *p, const uint8_t *bytes, size_t len)
{
	if (p->at != NAME_LENGTH || p->partial > 0 || len < 2 || ((bytes[0] | bytes[1]) & 0x80))
		return 0;
	size_t name = bytes[0];
	size_t both = name + bytes[1];

	if (len - 2 < both || name == 0 || memchr(bytes + 2, 0, both) || memchr(bytes + 2, '=', name)
	    || p->count >= BY__HEAD_VARIABLES)
		return 0;
	p->count++;
	return 2 + both;
}

static void pairs_walk(pairs *p, const uint8_t *bytes, size_t len)
{
	while (len > 0 && !p->refused) {
		size_t used = short_pair(p, bytes, len);

		if (used == 0) {
			used = p->at < NAME ? 1 : pair_text(p, bytes, len);
			if (p->at < NAME)
				length_byte(p, *bytes);
			pair_settle(p);
		}
		bytes += used;
		len -= used;
	}
}

/* ---- the head of a request ----------------------------------------------- */

static by__head refuse(const char *reason)
{
	return (by__head){ .verdict = BY__GUARD_REFUSE, .reason = reason };
}

/* The version can be judged before the rest of a header is there. */
static const char *judge_version(const uint8_t *bytes, size_t len)
{
	return len > 0 && bytes[0] != BY__FCGI_VERSION ? "not FastCGI version 1" : NULL;
}

static by__head management_head(const uint8_t *bytes, size_t len)
{
	record r = record_of(bytes);
	size_t whole = BY__FCGI_HEADER + (size_t)r.content + r.padding;

	if (r.type == BY__FCGI_BEGIN)
		return refuse("BEGIN_REQUEST with id 0");
	if (r.content > BY__HEAD_MANAGEMENT)
		return refuse("a management record is too large");
	if (len < whole)
		return (by__head){ .verdict = BY__GUARD_MORE };
	return (by__head){ .verdict = BY__GUARD_MANAGEMENT, .length = whole, .management = r.type };
}

static const char *judge_begin(const record *r)
{
	if (r->type != BY__FCGI_BEGIN)
		return "the first record is not BEGIN_REQUEST";
	if (r->content != 8)
		return "BEGIN_REQUEST has a wrong length";
	return NULL;
}

static const char *judge_params(const record *r, uint16_t id, const pairs *p, size_t *total)
{
	if (r->type == BY__FCGI_ABORT && r->id == id)
		return "given up before it had arrived";
	if (r->type != BY__FCGI_PARAMS)
		return "another record stands where PARAMS must";
	if (r->id != id)
		return "PARAMS of another request";
	*total += r->content;
	if (*total > BY__HEAD_PARAMS)
		return "PARAMS are too large";
	if (r->content > 0)
		return NULL;
	if (p->at != NAME_LENGTH || p->partial > 0)
		return "PARAMS end within a parameter";
	/* libfcgi forgets the padding of this one record and would take it for a header. */
	return r->padding > 0 ? "the last PARAMS record is padded" : NULL;
}

static by__head more(size_t len)
{
	return len >= BY__HEAD_BYTES ? refuse("the head of the request is too large")
	                             : (by__head){ .verdict = BY__GUARD_MORE };
}

/* All of PARAMS, from `at` on. */
static by__head params_head(const uint8_t *bytes, size_t len, size_t at, uint16_t id, bool keep)
{
	pairs p = { 0 };
	size_t total = 0;

	for (;;) {
		const char *reason = judge_version(bytes + at, len - at);

		if (reason)
			return refuse(reason);
		if (len - at < BY__FCGI_HEADER)
			return more(len);
		record r = record_of(bytes + at);

		if ((reason = judge_params(&r, id, &p, &total)) != NULL)
			return refuse(reason);
		at += BY__FCGI_HEADER;
		if (r.content == 0)
			return (by__head){ .verdict = BY__GUARD_COMPLETE, .length = at, .id = id, .keep = keep };
		pairs_walk(&p, bytes + at, len - at < r.content ? len - at : r.content);
		if (p.refused)
			return refuse(p.refused);
		if (len - at < r.content + r.padding)
			return more(len);
		at += r.content + r.padding;
	}
}

by__head by__guard_head(const uint8_t *bytes, size_t len)
{
	const char *reason = judge_version(bytes, len);

	if (reason)
		return refuse(reason);
	if (len < BY__FCGI_HEADER)
		return (by__head){ .verdict = BY__GUARD_MORE };
	record r = record_of(bytes);

	if (r.id == 0)
		return management_head(bytes, len);
	if ((reason = judge_begin(&r)) != NULL)
		return refuse(reason);
	if (len < BY__FCGI_HEADER + 3)
		return (by__head){ .verdict = BY__GUARD_MORE };
	const uint8_t *begin = bytes + BY__FCGI_HEADER;

	if (begin[0] != 0 || begin[1] != BY__FCGI_RESPONDER)
		return refuse("a role other than responder");
	size_t at = BY__FCGI_HEADER + r.content + r.padding;

	if (len < at)
		return (by__head){ .verdict = BY__GUARD_MORE };
	return params_head(bytes, len, at, r.id, (begin[2] & BY__FCGI_KEEP) != 0);
}

/* ---- a variable of a head --------------------------------------------------- */

/* A one- or four-byte length; false at the end of the record. */
static bool take_length(const uint8_t **at, const uint8_t *end, size_t *length)
{
	if (*at == end)
		return false;
	*length = *(*at)++;
	if (*length < 0x80)
		return true;
	if (end - *at < 3)
		return false;
	*length = (*length & 0x7f) << 24 | (size_t)(*at)[0] << 16 | (size_t)(*at)[1] << 8 | (*at)[2];
	*at += 3;
	return true;
}

typedef struct variable {
	const char *name;
	size_t      name_length;
	size_t      rest;  /* bytes of a pair that goes on in the next record */
	bool        found;
	bool        lost;  /* a length lies across two records */
	by_text     value;
} variable;

/* The pairs of one PARAMS record. */
static void variable_look(variable *v, const uint8_t *at, const uint8_t *end)
{
	size_t skip = v->rest < (size_t)(end - at) ? v->rest : (size_t)(end - at);
	size_t name, value;

	v->rest -= skip;
	at += skip;
	while (at < end && !v->found && !v->lost) {
		if (!take_length(&at, end, &name) || !take_length(&at, end, &value)) {
			v->lost = true;
		} else if (name + value > (size_t)(end - at)) {
			v->rest = name + value - (size_t)(end - at);
			at = end;
		} else {
			v->found = name == v->name_length && memcmp(at, v->name, name) == 0;
			v->value = (by_text){ (const char *)at + name, value };
			at += name + value;
		}
	}
}

bool by__guard_variable(const uint8_t *bytes, size_t len, const char *name, by_text *value)
{
	variable v = { .name = name, .name_length = strlen(name) };
	size_t at = 0;

	while (len - at >= BY__FCGI_HEADER && !v.found && !v.lost) {
		record r = record_of(bytes + at);
		const uint8_t *content = bytes + at + BY__FCGI_HEADER;

		at += BY__FCGI_HEADER;
		if (r.type == BY__FCGI_PARAMS && r.content == 0)
			break;
		if (len - at < (size_t)r.content + r.padding)
			break;
		if (r.type == BY__FCGI_PARAMS)
			variable_look(&v, content, content + r.content);
		at += (size_t)r.content + r.padding;
	}
	if (v.found)
		*value = v.value;
	return v.found;
}

/* ---- the body -------------------------------------------------------------- */

static void body_record(by__body *body)
{
	record r = record_of(body->header);

	if (body->header[0] != BY__FCGI_VERSION)
		body->refused = "not FastCGI version 1";
	else if (r.id == 0)
		body->refused = "a management record within a request";
	else if (r.type == BY__FCGI_BEGIN)
		body->early = true;
	else if (r.id != body->id)
		body->refused = "a record of another request";
	else if (r.type == BY__FCGI_ABORT)
		body->aborted = true;
	else if (r.type != BY__FCGI_STDIN)
		body->refused = "another record stands where STDIN must";
	else if (body->ended)
		body->refused = "STDIN after its end";
	else if (r.content == 0)
		body->ended = true;
	body->content = r.content;
	body->padding = r.padding;
	body->have = 0;
}

static bool body_goes_on(const by__body *body)
{
	return !body->refused && !body->aborted && !body->early;
}

void by__guard_body(by__body *body, const uint8_t *bytes, size_t len)
{
	while (len > 0 && body_goes_on(body)) {
		size_t used = 1;

		if (body->content > 0) {
			used = len < body->content ? len : body->content;
			body->content -= (uint32_t)used;
			body->bytes += used;
		} else if (body->padding > 0) {
			used = len < body->padding ? len : body->padding;
			body->padding -= (uint32_t)used;
		} else {
			body->header[body->have++] = *bytes;
			if (body->have == BY__FCGI_HEADER)
				body_record(body);
		}
		bytes += used;
		len -= used;
	}
}

/* ---- management records ---------------------------------------------------- */

static void header_write(uint8_t *out, uint8_t type, size_t content)
{
	memset(out, 0, BY__FCGI_HEADER);
	out[0] = BY__FCGI_VERSION;
	out[1] = type;
	out[5] = (uint8_t)content;
}

/* The value of one of the three names that there are, or NULL (section 4.1). */
static const char *value_of(by_text name, const char *connections)
{
	static const struct {
		by_text     name;
		const char *value; /* NULL: the number of connections */
	} known[] = {
		{ { "FCGI_MAX_CONNS", 14 }, NULL },
		{ { "FCGI_MAX_REQS", 13 }, NULL },
		{ { "FCGI_MPXS_CONNS", 15 }, "0" },
	};

	for (size_t i = 0; i < BY_COUNT(known); i++)
		if (known[i].name.len == name.len && memcmp(known[i].name.ptr, name.ptr, name.len) == 0)
			return known[i].value ? known[i].value : connections;
	return NULL;
}

static size_t values_write(const uint8_t *at, const uint8_t *end, const char *connections, uint8_t *out, size_t room)
{
	size_t used = 0;
	size_t name_length, value_length;

	while (take_length(&at, end, &name_length) && take_length(&at, end, &value_length)
	    && name_length + value_length <= (size_t)(end - at)) {
		by_text name = { (const char *)at, name_length };
		const char *value = value_of(name, connections);

		at += name_length + value_length;
		if (!value || used + 2 + name_length + strlen(value) > room)
			continue;
		out[used++] = (uint8_t)name_length;
		out[used++] = (uint8_t)strlen(value);
		memcpy(out + used, name.ptr, name_length);
		memcpy(out + used + name_length, value, strlen(value));
		used += name_length + strlen(value);
	}
	return used;
}

size_t by__guard_management(const uint8_t *bytes, size_t len, unsigned connections, uint8_t answer[BY__MANAGEMENT_ANSWER])
{
	record r = record_of(bytes);
	const uint8_t *content = bytes + BY__FCGI_HEADER;
	size_t room = BY__MANAGEMENT_ANSWER - BY__FCGI_HEADER;
	size_t here = len - BY__FCGI_HEADER < r.content ? len - BY__FCGI_HEADER : r.content;
	char digits[12];

	if (r.type == BY__FCGI_GET_VALUES) {
		(void)snprintf(digits, sizeof(digits), "%u", connections);
		size_t used = values_write(content, content + here, digits, answer + BY__FCGI_HEADER, room);

		header_write(answer, BY__FCGI_GET_VALUES_RESULT, used);
		return BY__FCGI_HEADER + used;
	}
	memset(answer, 0, BY__FCGI_HEADER + 8);
	header_write(answer, BY__FCGI_UNKNOWN_TYPE, 8);
	answer[BY__FCGI_HEADER] = r.type;
	return BY__FCGI_HEADER + 8;
}
