/* Pages of lists: what a client asks for, and how the answer tells it where it is. */
#ifndef BY_INTERFACE_PAGING_H
#define BY_INTERFACE_PAGING_H

#include <banyan/route.h>
#include <banyan/store.h>

/* The parameters of a list; those that its kind of paging has not stay zero. */
typedef struct by__page_input {
	int64_t     page;
	int64_t     size;
	const char *cursor;
	const char *sort;
	const char *filter;
} by__page_input;

enum { BY__PAGE_FIELDS = 4 };

/*
 * Fills in the fields of the parameters, for an input that holds a
 * by__page_input at `at`. Sort and filter know the entity's fields that the
 * view shows, so that columns which no schema names cannot be probed. Returns
 * how many.
 */
size_t by__page_fields(by_arena *arena, by_paging paging, const by_model *entity, const by_model *view, size_t at,
    by_field fields[BY__PAGE_FIELDS]);

/* The query that they ask for; the input has been checked. */
BY_MUST_CHECK by_error *by__page_query(by_ctx *ctx, by_paging paging, const by_model *entity, const by__page_input *in,
    by_query *query);

/*
 * The model of the answer: "<name>_page" {items, total, page, size, pages,
 * has_next, has_previous}, "<name>_cursor_page" {items, size, has_next,
 * has_previous, next_cursor}, and in the envelope "<name>_data_page" and
 * "<name>_data_cursor_page" {data, meta}.
 */
const by_model *by__page_model(by_arena *arena, const by_route *row, const char *name, const by_model *view);
/* Sets an answer of that model. */
void by__page_fill(const by_route *row, by_list_any items, const by_page_info *info, void *out);

/* The Link header (RFC 8288): first, prev, next and last, as far as there are such pages. Nothing outside a request. */
void by__page_links(by_ctx *ctx, by_paging paging, const by_page_info *info);

#endif
