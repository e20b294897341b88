/* A cursor is a checksum and then tagged values, in base64url. */
#include <string.h>

#include <banyan/assert.h>
#include <banyan/kind.h>

#include "core/cursor.h"
#include "core/text.h"

enum { CHECK_SIZE = 8, CURSOR_MAX = 8192 };

static uint64_t add_string(uint64_t hash, const char *string)
{
	return by__hash(hash, string, strlen(string) + 1);
}

/* Over the model, the ordering and the values. */
static uint64_t check_of(const by_model *model, const by_order *order, size_t count, const by_field *key,
    const uint8_t *data, size_t len)
{
	uint64_t hash = add_string(BY__HASH_START, model->name);
	for (size_t i = 0; i < count; i++) {
		hash = add_string(hash, order[i].descending ? "-" : "+");
		hash = add_string(hash, order[i].field->name);
	}
	return by__hash(add_string(hash, key->name), data, len);
}

/* ---- writing ---- */

static void put_raw(by_buf *out, const void *data, size_t len)
{
	by_put(out, data, len);
}

static void put_sized(by_buf *out, const void *data, size_t len)
{
	uint32_t size = (uint32_t)len;
	put_raw(out, &size, sizeof size);
	if (len)
		put_raw(out, data, len);
}

static void put_cell(by_buf *out, by_value value)
{
	by_put_char(out, (char)value.tag);
	switch (value.tag) {
	case BY_VALUE_NULL:
		break;
	case BY_VALUE_BOOL:
		by_put_char(out, (char)value.boolean);
		break;
	case BY_VALUE_INT:
		put_raw(out, &value.integer, sizeof value.integer);
		break;
	case BY_VALUE_DOUBLE:
		put_raw(out, &value.real, sizeof value.real);
		break;
	case BY_VALUE_TIME:
		put_raw(out, &value.time, sizeof value.time);
		break;
	case BY_VALUE_DATE:
		put_raw(out, &value.date, sizeof value.date);
		break;
	case BY_VALUE_ULID:
	case BY_VALUE_UUID:
		put_raw(out, value.ulid.bytes, sizeof value.ulid.bytes);
		break;
	case BY_VALUE_BYTES:
		put_sized(out, value.bytes.ptr, value.bytes.len);
		break;
	case BY_VALUE_TEXT:
	case BY_VALUE_DECIMAL:
	case BY_VALUE_JSON:
		put_sized(out, value.text.ptr, value.text.len);
		break;
	}
}

const char *by__cursor_write(by_arena *arena, const by_model *model, const by_order *order, size_t count,
    const by_field *key, const void *row)
{
	by_buf   cells, text;
	uint64_t check = 0;
	by_buf_init(&cells, arena, 0);
	put_raw(&cells, &check, sizeof check);
	for (size_t i = 0; i < count; i++)
		put_cell(&cells, by_field_get(order[i].field, row));
	put_cell(&cells, by_field_get(key, row));
	check = check_of(model, order, count, key, (const uint8_t *)cells.data + CHECK_SIZE, cells.len - CHECK_SIZE);
	memcpy(cells.data, &check, sizeof check);
	by_buf_init(&text, arena, cells.len / 3 * 4 + 8);
	by_put_base64url(&text, (by_bytes){ (const uint8_t *)cells.data, cells.len });
	return by_buf_string(&text);
}

/* ---- reading ---- */

typedef struct input {
	const uint8_t *at, *end;
} input;

static bool get_raw(input *in, void *out, size_t len)
{
	if ((size_t)(in->end - in->at) < len)
		return false;
	memcpy(out, in->at, len);
	in->at += len;
	return true;
}

static bool get_sized(input *in, by_text *out)
{
	uint32_t len;
	if (!get_raw(in, &len, sizeof len) || (size_t)(in->end - in->at) < len)
		return false;
	*out = (by_text){ (const char *)in->at, len };
	in->at += len;
	return true;
}

static bool get_bool(input *in, bool *out)
{
	uint8_t byte;
	if (!get_raw(in, &byte, 1) || byte > 1)
		return false;
	*out = byte;
	return true;
}

static bool get_cell(input *in, by_value *out)
{
	uint8_t tag;
	by_text text = { 0 };
	if (!get_raw(in, &tag, 1) || tag > BY_VALUE_JSON)
		return false;
	out->tag = (by_value_tag)tag;
	switch (out->tag) {
	case BY_VALUE_NULL:
		return true;
	case BY_VALUE_BOOL:
		return get_bool(in, &out->boolean);
	case BY_VALUE_INT:
		return get_raw(in, &out->integer, sizeof out->integer);
	case BY_VALUE_DOUBLE:
		return get_raw(in, &out->real, sizeof out->real);
	case BY_VALUE_TIME:
		return get_raw(in, &out->time, sizeof out->time);
	case BY_VALUE_DATE:
		return get_raw(in, &out->date, sizeof out->date);
	case BY_VALUE_ULID:
	case BY_VALUE_UUID:
		return get_raw(in, out->ulid.bytes, sizeof out->ulid.bytes);
	case BY_VALUE_BYTES:
		if (!get_sized(in, &text))
			return false;
		out->bytes = (by_bytes){ (const uint8_t *)text.ptr, text.len };
		return true;
	default:
		return get_sized(in, &out->text);
	}
}

/* The same field and the same value, for the kind to say whether it is one of its own. */
static bool suits(by_arena *arena, const by_field *field, by_value value)
{
	by_field plain = { .name = field->name, .kind = field->kind, .size = field->size, .values = field->values };
	if (value.tag == BY_VALUE_NULL)
		return field->pointer || field->optional || field->kind->nullable;
	void *place = by_alloc(arena, field->kind->size + sizeof(void *));
	return field->kind->set(arena, &plain, value, place) && field->kind->get(&plain, place).tag == value.tag;
}

static bool decode(by_arena *arena, const char *text, by_bytes *out)
{
	static const by_field bytes = { .name = "cursor", .kind = &by_kind_bytes, .size = sizeof(by_bytes) };
	size_t len = strlen(text);
	return len <= CURSOR_MAX && by_kind_bytes.parse(arena, &bytes, (by_text){ text, len }, out);
}

static bool read_cells(by_arena *arena, const by_order *order, size_t count, const by_field *key, input in,
    by_value *values)
{
	for (size_t i = 0; i <= count; i++)
		if (!get_cell(&in, &values[i]) || !suits(arena, i < count ? order[i].field : key, values[i]))
			return false;
	return in.at == in.end;
}

by_error *by__cursor_read(by_arena *arena, const by_model *model, const by_order *order, size_t count,
    const by_field *key, const char *cursor, by_value *values)
{
	by_bytes data;
	uint64_t check;
	if (decode(arena, cursor, &data) && data.len >= CHECK_SIZE) {
		input in = { data.ptr + CHECK_SIZE, data.ptr + data.len };
		memcpy(&check, data.ptr, sizeof check);
		if (check == check_of(model, order, count, key, in.at, data.len - CHECK_SIZE)
		    && read_cells(arena, order, count, key, in, values))
			return BY_OK;
	}
	by_faults *faults = by_faults_new(arena);
	by_fault_add(faults, BY_FAULT_QUERY, "cursor", "cursor", "must be the cursor of a page of the same list and order");
	return by_faults_error(faults);
}
