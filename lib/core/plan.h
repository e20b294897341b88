/* What start-up compiles of a model, and what the codecs ask of fields. Internal. */
#ifndef BY_CORE_PLAN_H
#define BY_CORE_PLAN_H

#include <banyan/kind.h>
#include <banyan/model.h>

/* So many bytes may always be read from a prefix, and its first byte left out: a copy of fixed size is the quickest. */
enum { BY__PREFIX_CHUNK = 32 };

typedef struct by__member {
	const by_field *field;
	const char     *prefix;     /* ,"name": as the writer copies it */
	uint32_t        prefix_len;
	uint32_t        name_len;
	bool            required;   /* an input must hold it */
	bool            nullable;   /* JSON null is accepted */
	bool            direct;     /* the value lies in the object and is always there */
	bool            hidden;     /* a secret or write-only: the style tells whether it is written */
} by__member;

struct by_plan {
	const by_model *model;
	by__member     *members;    /* one per field, in the model's order */
	size_t          count;
	const void     *image;      /* the object with all defaults set */
	uint64_t       *required;   /* a bit per member */
	size_t          words;      /* of `required` */
	uint16_t       *slots;      /* hash table of names: member + 1, or 0 */
	uint32_t        slot_mask;
};

/* The model's plan; the model must have been compiled. */
const by_plan *by__plan(const by_model *model);
/* The member of that name, or -1. */
int by__plan_find(const by_plan *plan, by_text name);
/* Enters a member's name; there is none of that name yet. */
void by__plan_add(by_plan *plan, size_t member);
/* Runs the model's own rules, if it has any; their pointers, which start at the object, are put below `where`. */
void by__model_rules(const by_model *model, const void *object, const by_where *where, by_faults *faults);
/* As by_model_check, below `where`. */
void by__model_check_at(const by_model *model, const void *object, const by_where *where, by_faults *faults);

/* Whether an input must hold the field, and whether it may be null. */
bool by__field_required(const by_field *field);
bool by__field_nullable(const by_field *field);
/* Bytes of the value itself, behind a pointer or not. */
size_t by__value_size(const by_field *field);
/* Where the value is to be stored: in the object, or new in the arena behind the object's pointer. */
void *by__field_place(by_arena *arena, const by_field *field, void *object);

/* Checks one row's constraints against its kind; adds "file:line: model.field: ..." lines. See mistake.c. */
void by__field_mistakes(by_buf *out, by_arena *arena, const by_model *model, const by_field *field);
/* One line of by_model_compile's error: "file:line: model.field: " and then the text. */
void by__mistake(by_buf *out, const by_model *model, const by_field *field, const char *format, ...) BY_PRINTF(4, 5);

#endif
