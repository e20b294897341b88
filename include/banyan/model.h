/*
 * Models: a C struct described once, field by field.
 *
 * From the description come the JSON codec, validation, SQL, OpenAPI and
 * settings. A field's kind, size and offset are taken from the struct member,
 * so a member of a type that has no kind does not compile:
 *
 *	typedef struct {
 *		by_ulid     id;
 *		const char *name;
 *		double      fps;
 *		by_time    *published_at;      // a pointer is an optional value
 *	} experiment;
 *	BY_DECLARE_MODEL(experiment);          // in the header
 *
 *	static const by_field experiment_fields[] = {
 *		BY_FIELD(experiment, id, .read_only = true),
 *		BY_FIELD(experiment, name, .min_length = 1, .max_length = 200, .doc = "Display name"),
 *		BY_FIELD(experiment, fps, .exclusive_minimum = BY_NUM(0)),
 *		BY_FIELD(experiment, published_at),
 *	};
 *	BY_MODEL(experiment, experiment_fields, .doc = "One recorded run of the microscope");
 */
#ifndef BANYAN_MODEL_H
#define BANYAN_MODEL_H

#include <banyan/base.h>
#include <banyan/error.h>
#include <banyan/value.h>

BY_BEGIN

typedef struct by_kind by_kind;   /* kind.h */
typedef struct by_field by_field;
typedef struct by_model by_model;
typedef struct by_plan by_plan;   /* what start-up compiles of a model; private */

/* A numeric limit that keeps how it was written. */
typedef struct by_number {
	bool        set;
	bool        is_integer;
	int64_t     integer;
	double      real;
	const char *text;
} by_number;

#define BY_NUM(x) { \
	.set = true, \
	.is_integer = _Generic((x), double: false, float: false, default: true), \
	.integer = _Generic((x), double: 0, float: 0, default: (x)), \
	.real = (double)(x), .text = #x }

/* A named text format: its check, and the `format` of JSON Schema. */
typedef struct by_format_rule {
	const char *name;
	bool      (*accept)(by_text text);
} by_format_rule;

extern BY_API const by_format_rule by_format_email;    /* the address of HTML's input, in ASCII */
extern BY_API const by_format_rule by_format_uri;      /* RFC 3986, absolute */
extern BY_API const by_format_rule by_format_hostname; /* RFC 1123 */
extern BY_API const by_format_rule by_format_ipv4;
extern BY_API const by_format_rule by_format_ipv6;
extern BY_API const by_format_rule by_format_slug;     /* lower-case letters, digits, single hyphens inside */

/* The names of an enum's values, by position from 0. */
typedef struct by_enum {
	const char        *name;
	const char *const *values;
	size_t             count;
} by_enum;

/* Which part of a request an input field is read from. */
typedef enum by_source {
	BY_FROM_AUTO,   /* path when the route has {name}; query for GET, HEAD and DELETE; else a member of the body */
	BY_FROM_PATH,
	BY_FROM_QUERY,
	BY_FROM_HEADER, /* the field's name with hyphens, or .header */
	BY_FROM_BODY,
	BY_FROM_WHOLE_BODY /* a nested model that is the body itself */
} by_source;

struct by_field {
	/* What BY_FIELD and its kin fill in. */
	const char     *name;
	const by_kind  *kind;
	size_t          offset;
	size_t          size;
	bool            pointer; /* the member points to the value; NULL is null or absent */
	const by_model *model;   /* of a nested model */
	const by_enum  *values;  /* of an enum */
	const by_field *items;   /* of a list: the element, at offset 0 */

	/* Documentation. */
	const char *doc;
	const char *example; /* as JSON */

	/* Presence. */
	bool        optional;      /* may be absent or null: a string is then NULL, another kind keeps its zero or default */
	const char *default_value; /* in the kind's text form ("20", "30s"); the field may then be absent, though not null */
	bool        read_only;     /* never accepted in an input */
	bool        write_only;    /* never written to an answer or a log */

	/* Constraints. */
	size_t      min_length, max_length; /* strings in code points, bytes in bytes; 0: none */
	size_t      min_items, max_items;
	bool        unique_items;
	by_number   minimum, maximum, exclusive_minimum, exclusive_maximum; /* durations in seconds, sizes in bytes */
	by_number   multiple_of;
	const char *pattern;                /* PCRE2, matched anywhere unless anchored */
	const by_format_rule *format;

	/* Requests. */
	by_source   from;
	const char *header;

	/* Storage and queries. */
	bool        filterable, sortable;
	bool        unique;   /* a unique key among rows not deleted */
	const char *references; /* "experiments(id)" */
	bool        etag;     /* its value is the entity tag of an answer */
	bool        partial;  /* a nested body of which absent members stay absent: see by_present */
};

/*
 * Rules over several fields; see BY_RULES. They run when every field by itself
 * is sound, and not on a partial body. The pointers of their faults start at
 * the object: "#/width".
 */
typedef void by_rules_fn(by_faults *faults, const void *object);

struct by_model {
	const char     *name;
	size_t          size;
	const by_field *fields;
	size_t          count;
	by_plan       **plan;
	by_place        place;

	const char  *doc;
	const char  *example;       /* as JSON; else generated */
	const char  *table;         /* stored in this table */
	bool         soft_delete;   /* delete marks the row; lists skip marked ones */
	bool         allow_unknown; /* unknown members of JSON are skipped, not faults */
	const char  *prefix;        /* settings: of the variables' names */
	by_rules_fn *rules;
};

/* Kinds by the type of the member. The list is closed: other types do not compile. */
#define BY__KINDS(X, arg) \
	X(bool, bool, arg) X(int32_t, int32, arg) X(int64_t, int64, arg) X(double, double, arg) \
	X(by_decimal, decimal, arg) X(by_bytes, bytes, arg) X(by_time, time, arg) X(by_date, date, arg) \
	X(by_duration, duration, arg) X(by_size, size, arg) X(by_ulid, ulid, arg) X(by_uuid, uuid, arg) \
	X(by_json, json, arg) X(by_secret, secret, arg)

extern BY_API const by_kind by_kind_bool, by_kind_int32, by_kind_int64, by_kind_double, by_kind_decimal,
    by_kind_string, by_kind_bytes, by_kind_time, by_kind_date, by_kind_duration, by_kind_size, by_kind_ulid,
    by_kind_uuid, by_kind_json, by_kind_secret, by_kind_enum, by_kind_model, by_kind_list;

/* Lists: BY_LIST(T) is { items, count }. Of scalars they exist; of models BY_DECLARE_MODEL makes them. */
typedef struct by_list_bool { bool *items; size_t count; } by_list_bool;
typedef struct by_list_int32 { int32_t *items; size_t count; } by_list_int32;
typedef struct by_list_int64 { int64_t *items; size_t count; } by_list_int64;
typedef struct by_list_double { double *items; size_t count; } by_list_double;
typedef struct by_list_string { const char **items; size_t count; } by_list_string;
typedef struct by_list_ulid { by_ulid *items; size_t count; } by_list_ulid;
typedef struct by_list_uuid { by_uuid *items; size_t count; } by_list_uuid;
typedef struct by_list_time { by_time *items; size_t count; } by_list_time;
typedef struct by_list_decimal { by_decimal *items; size_t count; } by_list_decimal;
typedef struct by_list_json { by_json *items; size_t count; } by_list_json;

extern BY_API const by_field by_items_bool, by_items_int32, by_items_int64, by_items_double, by_items_string,
    by_items_ulid, by_items_uuid, by_items_time, by_items_decimal, by_items_json;

#define BY_LIST(T) by_list_##T

#define BY__MEMBER(S, m) (((S *)0)->m)
#define BY__KIND_ROW(type, kind, arg) type: &by_kind_##kind, type *: &by_kind_##kind,
#define BY__KIND_OF(S, m) _Generic(BY__MEMBER(S, m), \
	BY__KINDS(BY__KIND_ROW, ) \
	const char *: &by_kind_string, \
	by_list_bool: &by_kind_list, by_list_int32: &by_kind_list, by_list_int64: &by_kind_list, \
	by_list_double: &by_kind_list, by_list_string: &by_kind_list, by_list_ulid: &by_kind_list, \
	by_list_uuid: &by_kind_list, by_list_time: &by_kind_list, by_list_decimal: &by_kind_list, \
	by_list_json: &by_kind_list)
#define BY__POINTER_ROW(type, kind, arg) type *: true,
#define BY__IS_POINTER(S, m) _Generic(BY__MEMBER(S, m), BY__KINDS(BY__POINTER_ROW, ) default: false)
#define BY__ITEMS_OF(S, m) _Generic(BY__MEMBER(S, m), \
	by_list_bool: &by_items_bool, by_list_int32: &by_items_int32, by_list_int64: &by_items_int64, \
	by_list_double: &by_items_double, by_list_string: &by_items_string, by_list_ulid: &by_items_ulid, \
	by_list_uuid: &by_items_uuid, by_list_time: &by_items_time, by_list_decimal: &by_items_decimal, \
	by_list_json: &by_items_json, default: (const by_field *)0)

/* A scalar, an optional scalar (a pointer), or a list of scalars. */
#define BY_FIELD(...) BY__FIELD(__VA_ARGS__, )
#define BY__FIELD(S, m, ...) { \
	.name = #m, .kind = BY__KIND_OF(S, m), .offset = offsetof(S, m), .size = sizeof BY__MEMBER(S, m), \
	.pointer = BY__IS_POINTER(S, m), .items = BY__ITEMS_OF(S, m), __VA_ARGS__ }

/*
 * A list of scalars whose elements have constraints of their own, given as a
 * by_field: BY_FIELD_ITEMS(run, tags, BY_ITEMS(string, .max_length = 40), .max_items = 20).
 */
#define BY_FIELD_ITEMS(...) BY__FIELD_ITEMS(__VA_ARGS__, )
#define BY__FIELD_ITEMS(S, m, item, ...) { \
	.name = #m, .kind = BY__KIND_OF(S, m), .offset = offsetof(S, m), .size = sizeof BY__MEMBER(S, m), \
	.items = (item), __VA_ARGS__ }

/* The element of a BY_LIST(K); K is string, int64 and so on. */
#define BY_ITEMS(...) BY__ITEMS(__VA_ARGS__, )
#define BY__ITEMS(K, ...) \
	(&(const by_field){ .name = #K, .kind = &by_kind_##K, .size = sizeof(*((by_list_##K *)0)->items), __VA_ARGS__ })

/* An enum member (or a pointer to one), of an enum made with BY_ENUM. */
#define BY_FIELD_ENUM(...) BY__FIELD_ENUM(__VA_ARGS__, )
#define BY__FIELD_ENUM(S, m, E, ...) { \
	.name = #m, .kind = _Generic(BY__MEMBER(S, m), E: &by_kind_enum, E *: &by_kind_enum), \
	.offset = offsetof(S, m), .size = sizeof BY__MEMBER(S, m), \
	.pointer = _Generic(BY__MEMBER(S, m), E *: true, default: false), .values = &E##_enum, __VA_ARGS__ }

/* A nested model (or a pointer to one: optional). */
#define BY_FIELD_MODEL(...) BY__FIELD_MODEL(__VA_ARGS__, )
#define BY__FIELD_MODEL(S, m, M, ...) { \
	.name = #m, .kind = _Generic(BY__MEMBER(S, m), M: &by_kind_model, M *: &by_kind_model), \
	.offset = offsetof(S, m), .size = sizeof BY__MEMBER(S, m), \
	.pointer = _Generic(BY__MEMBER(S, m), M *: true, default: false), .model = &M##_model, __VA_ARGS__ }

/* A list of models: the member is BY_LIST(M). */
#define BY_FIELD_LIST(...) BY__FIELD_LIST(__VA_ARGS__, )
#define BY__FIELD_LIST(S, m, M, ...) { \
	.name = #m, .kind = _Generic(BY__MEMBER(S, m), by_list_##M: &by_kind_list), \
	.offset = offsetof(S, m), .size = sizeof BY__MEMBER(S, m), .items = &M##_items, __VA_ARGS__ }

/* In a header: the model, its list type and its list element. */
#define BY_DECLARE_MODEL(S) \
	typedef struct by_list_##S { S *items; size_t count; } by_list_##S; \
	extern const by_model S##_model; \
	extern const by_field S##_items

/* In one .c file: the model itself. */
#define BY_MODEL(...) BY__MODEL(__VA_ARGS__, )
#define BY__MODEL(S, rows, ...) \
	static by_plan *S##_plan; \
	const by_field S##_items = { .name = #S, .kind = &by_kind_model, .size = sizeof(S), .model = &S##_model }; \
	const by_model S##_model = { .name = #S, .size = sizeof(S), .fields = (rows), .count = BY_COUNT(rows), \
		.plan = &S##_plan, .place = BY_HERE_INIT, __VA_ARGS__ }

/*
 * An enum and its names, from one list:
 *	#define RUN_STATUS(X) X(run_status, planned) X(run_status, recording) X(run_status, done)
 *	BY_ENUM(run_status, RUN_STATUS);        // in a header: run_status_planned = 0, ...
 *	BY_ENUM_NAMES(run_status, RUN_STATUS);  // in one .c file
 */
#define BY__ENUM_VALUE(E, v) E##_##v,
#define BY__ENUM_NAME(E, v) #v,
#define BY_ENUM(E, LIST) \
	typedef enum E { LIST(BY__ENUM_VALUE) E##_count } E; \
	extern const by_enum E##_enum
#define BY_ENUM_NAMES(E, LIST) \
	static const char *const E##_names[] = { LIST(BY__ENUM_NAME) }; \
	const by_enum E##_enum = { #E, E##_names, BY_COUNT(E##_names) }

/*
 * Rules over several fields: BY_RULES(experiment, check) makes `check_rules`
 * from `void check(by_faults *, const experiment *)`, for `.rules = check_rules`.
 */
#define BY_RULES(S, fn) \
	static void fn##_rules(by_faults *faults, const void *object) \
	{ \
		const S *typed = object; \
		fn(faults, typed); \
	} \
	typedef int fn##_rules_end

/*
 * Which members a partial body held: the first member of a struct that a
 * field with .partial reads into is a by_present, and bit n stands for the
 * model's field n. At most 64 fields.
 */
typedef struct by_present {
	uint64_t bits;
} by_present;

/*
 * Checks a model's table and compiles its plan, and those of the models it
 * nests. Once, before threads; again for the same model does nothing. The plan
 * lives as long as the arena, so that is the application's.
 * CONFIGURATION lists every mistake with file, line and remedy.
 */
BY_API BY_MUST_CHECK by_error *by_model_compile(by_arena *arena, const by_model *model);

/* The field of that name, or NULL. */
BY_API const by_field *by_model_field(const by_model *model, by_text name);
/* Sets an object to the model's defaults, zero elsewhere. */
BY_API void by_model_init(const by_model *model, void *object);
/* Checks an object against every constraint and the rules; the pointers start at `pointer` ("" for the whole). */
BY_API void by_model_check(const by_model *model, const void *object, by_fault_in in, const char *pointer, by_faults *faults);
/* A field's value as a tagged value; NULL for an absent one. Lists, nested models and secrets have none: BY_VALUE_NULL. */
BY_API by_value by_field_get(const by_field *field, const void *object);
/* The address of a field's value in the object, or NULL when it is an optional that is absent. */
BY_API const void *by_field_value(const by_field *field, const void *object);
/* Sets from a tagged value (a column of a result), copying into the arena; false when it does not fit the kind. */
BY_API BY_MUST_CHECK bool by_field_set(by_arena *arena, const by_field *field, by_value value, void *object);
/*
 * Reads the kind's text form (a query value, a setting) into the object and
 * checks its constraints; faults are added, `in` and `where` as given.
 */
BY_API BY_MUST_CHECK bool by_field_parse(by_faults *faults, const by_field *field, by_text text, by_fault_in in,
    const char *where, void *object);

BY_END

#endif
