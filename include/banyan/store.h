/*
 * Repositories: typed rows of any model with a `.table`, without code per model.
 *
 *	BY_REPOSITORY(experiments, experiment);
 *	…
 *	experiment run;
 *	BY_TRY(experiments_find(ctx, id, &run));
 */
#ifndef BANYAN_STORE_H
#define BANYAN_STORE_H

#include <banyan/ctx.h>
#include <banyan/model.h>
#include <banyan/value.h>

BY_BEGIN

/* A condition over the rows of one model: a leaf over a field, or a tree. */
typedef enum by_spec_op {
	BY_SPEC_AND, BY_SPEC_OR, BY_SPEC_NOT, /* over .of */
	BY_SPEC_EQ, BY_SPEC_NE, BY_SPEC_LT, BY_SPEC_LE, BY_SPEC_GT, BY_SPEC_GE,
	BY_SPEC_IN, BY_SPEC_BETWEEN, BY_SPEC_CONTAINS, BY_SPEC_STARTS_WITH, BY_SPEC_IS_NULL
} by_spec_op;

typedef struct by_spec {
	by_spec_op                   op;
	const by_field              *field;
	const by_value              *values;
	size_t                       count; /* of values, or of .of */
	const struct by_spec *const *of;
} by_spec;

/*
 * Reads {"fps":{"gte":30},"or":[…],"not":{…}} over the model's filterable
 * fields. Operators: eq ne lt lte gt gte in between contains starts_with
 * is_null; a bare value means eq. Everything wrong is a fault at the query
 * parameter `name`; depth is at most 5. NULL spec: no condition.
 */
BY_API BY_MUST_CHECK by_error *by_spec_read(by_faults *faults, const by_model *model, by_text json, const char *name,
    const by_spec **spec);
BY_API const by_spec *by_spec_eq(by_arena *arena, const by_model *model, const char *field, by_value value);
BY_API const by_spec *by_spec_and(by_arena *arena, const by_spec *a, const by_spec *b); /* either may be NULL */

typedef struct by_order {
	const by_field *field;
	bool            descending;
} by_order;

/* Reads "-created_at,name" over sortable fields. */
BY_API void by_order_read(by_faults *faults, const by_model *model, by_text text, const char *name,
    const by_order **order, size_t *count);

typedef struct by_query {
	const by_spec  *where;
	const by_order *order; /* the id breaks ties */
	size_t          order_count;
	bool            by_cursor; /* page by cursor; else by number */
	const char     *cursor;    /* opaque, of the page before; NULL: the first page */
	int64_t         page;      /* from 1 */
	int64_t         size;      /* 1 to 1000 */
	bool            with_deleted;
} by_query;

typedef struct by_page_info {
	int64_t     total; /* -1 when paging by cursor */
	int64_t     page;
	int64_t     size;
	bool        has_next;
	bool        has_previous;
	const char *next; /* cursor of the next page, or NULL */
} by_page_info;

/* An untyped list: same layout as every BY_LIST. */
typedef struct by_list_any {
	void  *items;
	size_t count;
} by_list_any;

typedef struct by_store by_store;

/* What a repository does; SQL and in-memory ones implement it. Every function parks. */
typedef struct by_store_driver {
	by_error *(*find)(by_ctx *ctx, by_store *store, const by_model *model, by_value id, void *row, bool *found);
	by_error *(*list)(by_ctx *ctx, by_store *store, const by_model *model, const by_query *query, by_list_any *rows,
	    by_page_info *info);
	by_error *(*count)(by_ctx *ctx, by_store *store, const by_model *model, const by_spec *where, int64_t *count);
	by_error *(*create)(by_ctx *ctx, by_store *store, const by_model *model, void *row);
	by_error *(*update)(by_ctx *ctx, by_store *store, const by_model *model, void *row);
	by_error *(*remove)(by_ctx *ctx, by_store *store, const by_model *model, by_value id, int64_t version);
} by_store_driver;

struct by_store {
	const by_store_driver *driver;
};

/* NOT_FOUND when there is none, or it is deleted. Parks. */
BY_API BY_MUST_CHECK by_error *by_store_find(by_ctx *ctx, const by_model *model, by_value id, void *row);
BY_API BY_MUST_CHECK by_error *by_store_find_maybe(by_ctx *ctx, const by_model *model, by_value id, void *row, bool *found);
BY_API BY_MUST_CHECK by_error *by_store_list(by_ctx *ctx, const by_model *model, const by_query *query, by_list_any *rows,
    by_page_info *info);
BY_API BY_MUST_CHECK by_error *by_store_count(by_ctx *ctx, const by_model *model, const by_spec *where, int64_t *count);
/* Gives an entity its id (unless it has one), times and version 1. UNIQUE_VIOLATION, REFERENCE_VIOLATION. Parks. */
BY_API BY_MUST_CHECK by_error *by_store_create(by_ctx *ctx, const by_model *model, void *row);
/*
 * Writes all fields but id and created_at where id and version are the row's,
 * and raises its version. NOT_FOUND, or VERSION_CONFLICT when the version has moved on. Parks.
 */
BY_API BY_MUST_CHECK by_error *by_store_update(by_ctx *ctx, const by_model *model, void *row);
/* Marks the row deleted, or deletes it when the model has no soft delete. version 0: any. NOT_FOUND, VERSION_CONFLICT. Parks. */
BY_API BY_MUST_CHECK by_error *by_store_remove(by_ctx *ctx, const by_model *model, by_value id, int64_t version);

/* Typed functions over one model whose id is a ULID. */
#define BY_REPOSITORY(R, T) \
	BY_UNUSED BY_MUST_CHECK static inline by_error *R##_find(by_ctx *ctx, by_ulid id, T *row) \
	{ return by_store_find(ctx, &T##_model, by_value_ulid(id), row); } \
	BY_UNUSED BY_MUST_CHECK static inline by_error *R##_find_maybe(by_ctx *ctx, by_ulid id, T *row, bool *found) \
	{ return by_store_find_maybe(ctx, &T##_model, by_value_ulid(id), row, found); } \
	BY_UNUSED BY_MUST_CHECK static inline by_error *R##_list(by_ctx *ctx, const by_query *query, by_list_##T *rows, \
	    by_page_info *info) \
	{ \
		by_list_any any = { 0 }; \
		BY_TRY(by_store_list(ctx, &T##_model, query, &any, info)); \
		rows->items = (T *)any.items; \
		rows->count = any.count; \
		return BY_OK; \
	} \
	BY_UNUSED BY_MUST_CHECK static inline by_error *R##_count(by_ctx *ctx, const by_spec *where, int64_t *count) \
	{ return by_store_count(ctx, &T##_model, where, count); } \
	BY_UNUSED BY_MUST_CHECK static inline by_error *R##_create(by_ctx *ctx, T *row) \
	{ return by_store_create(ctx, &T##_model, row); } \
	BY_UNUSED BY_MUST_CHECK static inline by_error *R##_update(by_ctx *ctx, T *row) \
	{ return by_store_update(ctx, &T##_model, row); } \
	BY_UNUSED BY_MUST_CHECK static inline by_error *R##_remove(by_ctx *ctx, by_ulid id, int64_t version) \
	{ return by_store_remove(ctx, &T##_model, by_value_ulid(id), version); } \
	typedef int R##_repository_end

BY_END

#endif
