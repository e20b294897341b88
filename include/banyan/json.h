/*
 * JSON (RFC 8259), written from and read into structs through their models.
 *
 * Reading is strict: UTF-8 is checked, duplicate member names, trailing bytes,
 * NaN, control characters and unpaired surrogates are refused, and depth is
 * limited. Syntax errors are one MALFORMED error with the byte offset; all
 * faults against the model are collected at once.
 */
#ifndef BANYAN_JSON_H
#define BANYAN_JSON_H

#include <banyan/buf.h>
#include <banyan/error.h>
#include <banyan/model.h>

BY_BEGIN

enum { BY_JSON_DEPTH = 64 };

/* How a struct is written. Zero: as an answer, write-only fields and secrets left out, absent optionals as null. */
typedef struct by_json_style {
	bool mask_secrets; /* write secrets as "***" rather than leaving them out */
	bool all_fields;   /* write write-only fields too (still no secrets) */
	bool skip_null;    /* leave absent optionals out */
} by_json_style;

/* One struct, straight into the buffer. NULL style: zero. */
BY_API void by_json_write(by_buf *out, const by_model *model, const void *object, const by_json_style *style);
/* One field's value. */
BY_API void by_json_write_field(by_buf *out, const by_field *field, const void *object, const by_json_style *style);

/* Writing by hand, with commas and nesting kept: documents such as OpenAPI. */
typedef struct by_json_writer { /* private */
	by_buf  *out;
	uint32_t depth;
	uint64_t has_members; /* a bit per depth */
	bool     after_name;
} by_json_writer;

BY_API void by_json_writer_init(by_json_writer *w, by_buf *out);
BY_API void by_json_object(by_json_writer *w);
BY_API void by_json_object_end(by_json_writer *w);
BY_API void by_json_array(by_json_writer *w);
BY_API void by_json_array_end(by_json_writer *w);
BY_API void by_json_name(by_json_writer *w, const char *name);
BY_API void by_json_name_text(by_json_writer *w, by_text name);
BY_API void by_json_string(by_json_writer *w, const char *value); /* NULL writes null */
BY_API void by_json_text(by_json_writer *w, by_text value);
BY_API void by_json_int(by_json_writer *w, int64_t value);
BY_API void by_json_double(by_json_writer *w, double value);
BY_API void by_json_bool(by_json_writer *w, bool value);
BY_API void by_json_null(by_json_writer *w);
/* JSON that is already text. */
BY_API void by_json_raw(by_json_writer *w, by_text json);

/* How a text is read into a struct. Zero: as a request body. */
typedef struct by_json_options {
	by_fault_in in;          /* BY_FAULT_BODY */
	bool        accept_read_only; /* stored or sent by ourselves */
	/* Absent members are no fault and keep what the object holds; nested models are whole or absent. */
	bool        partial;
	by_present *present;     /* if not NULL: which members there were */
	uint32_t    max_depth;   /* 0: BY_JSON_DEPTH */
} by_json_options;

/*
 * Reads one document into the object (set to defaults first, unless partial).
 * Strings and lists are copied into the arena of `faults`. MALFORMED for
 * anything but well-formed JSON; what violates the model is added to `faults`,
 * and the result is then BY_OK all the same. NULL options: zero.
 */
BY_API BY_MUST_CHECK by_error *by_json_read(by_faults *faults, by_text json, const by_model *model, void *object,
    const by_json_options *options);

/*
 * The reader beneath, for kinds: a pull parser over a complete text.
 */
typedef enum by_json_type {
	BY_JSON_ERROR, /* not well-formed; sticks */
	BY_JSON_NULL,
	BY_JSON_BOOL,
	BY_JSON_NUMBER,
	BY_JSON_STRING,
	BY_JSON_OBJECT,
	BY_JSON_ARRAY
} by_json_type;

typedef struct by_json_reader by_json_reader;

/* The type of the value ahead, without consuming it. */
BY_API by_json_type by_json_peek(by_json_reader *r);
BY_API bool by_json_read_null(by_json_reader *r);
BY_API bool by_json_read_bool(by_json_reader *r, bool *value);
/* The number's own digits, checked for RFC 8259's grammar. */
BY_API bool by_json_read_number(by_json_reader *r, by_text *digits);
/* Decoded; in the input where it had no escapes, else in the arena. Not NUL-terminated. */
BY_API bool by_json_read_string(by_json_reader *r, by_text *value);
/* Enters an array; then by_json_next_item until it is false. */
BY_API bool by_json_enter_array(by_json_reader *r);
BY_API bool by_json_next_item(by_json_reader *r);
/* Enters an object; then by_json_next_member until it is false. A duplicate name is a syntax error. */
BY_API bool by_json_enter_object(by_json_reader *r);
BY_API bool by_json_next_member(by_json_reader *r, by_text *name);
/* Consumes the value ahead, whatever it is, and tells where it stood in the text. */
BY_API bool by_json_skip(by_json_reader *r, by_text *raw);
BY_API by_arena *by_json_arena(by_json_reader *r);
/* A fault at the value being read; the JSON pointer is the reader's own. */
BY_API void by_json_fault(by_json_reader *r, const char *code, const char *detail, ...) BY_PRINTF(3, 4);
/* "must be an integer": the fault of a value of the wrong type; consumes the value. Returns false. */
BY_API bool by_json_wrong_type(by_json_reader *r, const by_field *field);
BY_API by_faults *by_json_faults(by_json_reader *r);
/* The pointer of the value being read, in the arena. */
BY_API const char *by_json_pointer(by_json_reader *r);
/* Nested models read themselves with this. */
BY_API bool by_json_read_model(by_json_reader *r, const by_model *model, void *object);

BY_END

#endif
