/* BY_CRUD over repositories in memory: what six endpoints answer, in both kinds of paging and both envelopes. */
#include <string.h>

#include <banyan/app.h>
#include <banyan/entity.h>

#include "interface/server.h"
#include "support/exchange.h"
#include "support/store.h"
#include "unit/unit.h"

typedef struct shelf { by_entity base; const char *name; } shelf;
BY_DECLARE_MODEL(shelf);
static const by_field shelf_fields[] = { BY_ENTITY(shelf, base), BY_FIELD(shelf, name, .sortable = true) };
BY_MODEL(shelf, shelf_fields, .table = "shelves", .soft_delete = true, .doc = "A shelf");

typedef struct book {
	by_entity   base;
	by_ulid     shelf_id;
	const char *title;
	const char *note;
	int64_t     pages;
	int64_t     secret_price;
} book;
BY_DECLARE_MODEL(book);
static const by_field book_fields[] = {
	BY_ENTITY(book, base), BY_FIELD(book, shelf_id, .references = "shelves(id)", .filterable = true),
	BY_FIELD(book, title, .unique = true, .filterable = true, .sortable = true), BY_FIELD(book, note, .optional = true),
	BY_FIELD(book, pages, .filterable = true, .sortable = true),
	BY_FIELD(book, secret_price, .filterable = true, .sortable = true),
};
BY_MODEL(book, book_fields, .table = "books", .soft_delete = true, .doc = "A book");

typedef struct book_create { by_ulid shelf_id; const char *title; const char *note; int64_t pages; } book_create;
BY_DECLARE_MODEL(book_create);
static const by_field book_create_fields[] = {
	BY_FIELD(book_create, shelf_id), BY_FIELD(book_create, title, .min_length = 1, .max_length = 20),
	BY_FIELD(book_create, note, .optional = true), BY_FIELD(book_create, pages, .minimum = BY_NUM(1)),
};
BY_MODEL(book_create, book_create_fields, .doc = "A new book");

typedef struct book_view {
	by_ulid     id;
	by_ulid     shelf_id;
	const char *title;
	const char *note;
	int64_t     pages;
	int64_t     version;
} book_view;
BY_DECLARE_MODEL(book_view);
static const by_field book_view_fields[] = {
	BY_FIELD(book_view, id), BY_FIELD(book_view, shelf_id), BY_FIELD(book_view, title),
	BY_FIELD(book_view, note, .optional = true), BY_FIELD(book_view, pages),
	BY_FIELD(book_view, version, .etag = true),
};
BY_MODEL(book_view, book_view_fields, .doc = "A book");

BY_SERVICE(shelves_service, shelf);
/* A rule of the application's own. */
static by_error *keep_pages(by_ctx *ctx, const book *before, book *row)
{
	return before->pages == 99 && row->pages != 99 ? by_fail(ctx, CONFLICT, "A book of 99 pages stays one.") : BY_OK;
}
BY_SERVICE_CHANGE_HOOK(keep_pages, book);
BY_SERVICE(books_service, book, .create = &book_create_model, .view = &book_view_model, .before_update = keep_pages_hook);

static const by_route v1_rows[] = {
	BY_CRUD("/shelves", shelves_service, .access = BY_PUBLIC),
	BY_CRUD("/books", books_service, .access = BY_PUBLIC),
	BY_CRUD("/shelves/{shelf_id}/books", books_service, .access = BY_PUBLIC, .parent = "shelf_id"),
};
BY_ROUTES(v1_routes, "Books", v1_rows);
static const by_route v2_rows[] = {
	BY_CRUD("/books", books_service, .access = BY_PUBLIC, .paging = BY_PAGING_CURSOR, .envelope = BY_ENVELOPE_DATA,
	    .without = BY_CRUD_DELETE | BY_CRUD_REPLACE),
};
BY_ROUTES(v2_routes, "Books", v2_rows);
static const by_routes *const v1[] = { &v1_routes };
static const by_routes *const v2[] = { &v2_routes };
static const by_version versions[] = { { "v1", "/api/v1", v1, 1 }, { "v2", "/api/v2", v2, 1 } };
static const by_app app = { .name = "books", .versions = versions, .version_count = 2 };

static by_arena     *arena;
static by__server   *server;
static test_store   *store;
static by_providers *providers;

static void set_up(void)
{
	by__server_options options = { .base_path = "", .body_max = 1 << 20, .request_timeout = { 30000000 },
		.body_timeout = { 30000000 }, .debug = true };
	arena = by_arena_new(0);
	store = test_store_new(arena);
	providers = test_store_providers(store);
	ck_ok(by__server_new(arena, &app, &options, &server));
}

static test_answer ask(const char *method, const char *target, const char *body)
{
	test_request request = { .method = method, .target = target, .body = body, .providers = providers, .arena = arena };
	return test_serve(arena, server, &request);
}

static test_answer ask_if(const char *method, const char *target, const char *body, const char *tag)
{
	const char *const variables[] = { by_format(arena, "HTTP_IF_MATCH=%s", tag), NULL };
	test_request      request = { .method = method, .target = target, .body = body, .variables = variables,
	    .providers = providers, .arena = arena };
	return test_serve(arena, server, &request);
}

#define ck_status(answer, wanted) \
	ck_assert_msg((answer).status == (wanted), "expected %d, got %d: %s", (wanted), (answer).status, (answer).body)
#define ck_holds(answer, text) \
	ck_assert_msg(strstr((answer).body, (text)) != NULL, "no %s in %s", (text), (answer).body)
#define ck_lacks(answer, text) ck_assert_msg(strstr((answer).body, (text)) == NULL, "%s in %s", (text), (answer).body)

static const char *id_of(const test_answer *answer)
{
	const char *id = strstr(answer->body, "\"id\":\"");
	ck_assert_ptr_nonnull(id);
	return by_copy_text(arena, (by_text){ id + 6, 26 });
}

static const char *new_shelf(const char *name)
{
	test_answer made = ask("POST", "/api/v1/shelves", by_format(arena, "{\"name\":\"%s\"}", name));
	ck_status(made, 201);
	return id_of(&made);
}

static const char *new_book(const char *shelf_id, const char *title, int pages)
{
	test_answer made = ask("POST", "/api/v1/books", by_format(arena,
	    "{\"shelf_id\":\"%s\",\"title\":\"%s\",\"note\":\"n\",\"pages\":%d}", shelf_id, title, pages));
	ck_status(made, 201);
	return id_of(&made);
}

START_TEST(create_answers_201_with_location_and_tag)
{
	set_up();
	const char *shelf_id = new_shelf("top");
	test_answer made = ask("POST", "/api/v1/books?", by_format(arena,
	    "{\"shelf_id\":\"%s\",\"title\":\"One\",\"pages\":10}", shelf_id));
	ck_status(made, 201);
	const char *location = test_header(arena, &made, "Location");
	ck_assert_str_eq(location, by_format(arena, "/api/v1/books/%s", id_of(&made)));
	ck_assert_str_eq(test_header(arena, &made, "ETag"), "\"1\"");
	ck_lacks(made, "secret_price");
	test_answer read = ask("GET", location, NULL);
	ck_status(read, 200);
	ck_assert_str_eq(read.body, made.body);
}
END_TEST

START_TEST(links_begin_with_the_base_path)
{
	by__server_options options = { .base_path = "/lab", .body_max = 1 << 20 };
	set_up();
	ck_ok(by__server_new(arena, &app, &options, &server));
	test_answer made = ask("POST", "/lab/api/v1/shelves", "{\"name\":\"top\"}");
	ck_status(made, 201);
	ck_assert_str_eq(test_header(arena, &made, "Location"), by_format(arena, "/lab/api/v1/shelves/%s", id_of(&made)));
	test_answer page = ask("GET", "/lab/api/v1/shelves", NULL);
	ck_assert_str_eq(test_header(arena, &page, "Link"), "</lab/api/v1/shelves?page=1>; rel=\"first\", "
	    "</lab/api/v1/shelves?page=1>; rel=\"last\"");
}
END_TEST

START_TEST(bad_bodies_are_422_and_store_nothing)
{
	set_up();
	test_answer bad = ask("POST", "/api/v1/books", "{\"title\":\"\",\"pages\":0,\"colour\":1,\"id\":\"x\"}");
	ck_status(bad, 422);
	ck_holds(bad, "\"pointer\":\"#/shelf_id\"");
	ck_holds(bad, "\"pointer\":\"#/title\"");
	ck_holds(bad, "\"pointer\":\"#/pages\"");
	ck_holds(bad, "\"pointer\":\"#/colour\"");
	ck_assert_uint_eq(test_store_used(store).writes, 0);
}
END_TEST

START_TEST(lists_are_pages_with_links)
{
	set_up();
	const char *shelf_id = new_shelf("top");
	for (int i = 1; i <= 5; i++)
		new_book(shelf_id, by_format(arena, "Book %d", i), i * 100);
	test_answer page = ask("GET", "/api/v1/books?sort=-pages&size=2&page=2", NULL);
	ck_status(page, 200);
	ck_holds(page, "\"total\":5,\"page\":2,\"size\":2,\"pages\":3,\"has_next\":true,\"has_previous\":true");
	ck_assert(strstr(page.body, "Book 3") < strstr(page.body, "Book 2"));
	ck_assert_str_eq(test_header(arena, &page, "Link"),
	    "</api/v1/books?sort=-pages&size=2&page=1>; rel=\"first\", "
	    "</api/v1/books?sort=-pages&size=2&page=1>; rel=\"prev\", "
	    "</api/v1/books?sort=-pages&size=2&page=3>; rel=\"next\", "
	    "</api/v1/books?sort=-pages&size=2&page=3>; rel=\"last\"");
	page = ask("GET", "/api/v1/books?page=9", NULL);
	ck_status(page, 200);
	ck_holds(page, "\"items\":[],\"total\":5,\"page\":9,\"size\":20,\"pages\":1,\"has_next\":false");
	ck_assert_str_eq(test_header(arena, &page, "Link"), "</api/v1/books?page=1>; rel=\"first\", "
	    "</api/v1/books?page=1>; rel=\"prev\", </api/v1/books?page=1>; rel=\"last\"");
}
END_TEST

START_TEST(an_empty_list_is_a_page_too)
{
	set_up();
	test_answer page = ask("GET", "/api/v1/books", NULL);
	ck_status(page, 200);
	ck_assert_str_eq(page.body,
	    "{\"items\":[],\"total\":0,\"page\":1,\"size\":20,\"pages\":0,\"has_next\":false,\"has_previous\":false}");
}
END_TEST

START_TEST(all_bad_parameters_are_told_at_once)
{
	set_up();
	test_answer bad = ask("GET", "/api/v1/books?page=0&size=101&sort=colour&filter=%7B%22pages%22:%22x%22%7D", NULL);
	ck_status(bad, 422);
	ck_holds(bad, "\"name\":\"page\"");
	ck_holds(bad, "\"name\":\"size\"");
	ck_holds(bad, "\"name\":\"sort\"");
	ck_holds(bad, "\"name\":\"filter\"");
	ck_assert_uint_eq(test_store_used(store).lists, 0);
}
END_TEST

START_TEST(what_the_view_hides_cannot_be_asked_for)
{
	set_up();
	ck_status(ask("GET", "/api/v1/books?sort=secret_price", NULL), 422);
	ck_status(ask("GET", "/api/v1/books?filter=%7B%22secret_price%22:1%7D", NULL), 422);
	ck_status(ask("GET", "/api/v1/books?sort=pages", NULL), 200);
	ck_status(ask("GET", "/api/v1/books?filter=%7B%22pages%22:1%7D", NULL), 200);
}
END_TEST

START_TEST(put_replaces_and_patch_merges)
{
	set_up();
	const char *shelf_id = new_shelf("top");
	const char *path = by_format(arena, "/api/v1/books/%s", new_book(shelf_id, "Old", 10));
	test_answer done = ask("PATCH", path, "{\"pages\":11}");
	ck_status(done, 200);
	ck_holds(done, "\"title\":\"Old\",\"note\":\"n\",\"pages\":11,\"version\":2");
	done = ask("PATCH", path, "{\"note\":null}");
	ck_holds(done, "\"note\":null,\"pages\":11,\"version\":3");
	done = ask("PATCH", path, "{}");
	ck_holds(done, "\"pages\":11,\"version\":4");
	ck_status(ask("PATCH", path, "{\"title\":null}"), 422);
	ck_status(ask("PATCH", path, "{\"pages\":0}"), 422);
	done = ask("PUT", path, by_format(arena, "{\"shelf_id\":\"%s\",\"title\":\"New\",\"pages\":5}", shelf_id));
	ck_status(done, 200);
	ck_holds(done, "\"title\":\"New\",\"note\":null,\"pages\":5,\"version\":5");
	ck_assert_str_eq(test_header(arena, &done, "ETag"), "\"5\"");
}
END_TEST

START_TEST(if_match_guards_against_lost_updates)
{
	set_up();
	const char *path = by_format(arena, "/api/v1/books/%s", new_book(new_shelf("top"), "One", 10));
	ck_status(ask_if("PATCH", path, "{\"pages\":11}", "\"1\""), 200);
	ck_status(ask_if("PATCH", path, "{\"pages\":12}", "\"1\""), 412);
	ck_status(ask_if("PATCH", path, "{\"pages\":12}", "\"other\""), 412);
	ck_status(ask_if("PATCH", path, "{\"pages\":12}", "\"1\", \"2\""), 200);
	ck_status(ask_if("PATCH", path, "{\"pages\":13}", "\"1\", \"2\""), 412);
	ck_status(ask_if("PATCH", path, "{\"pages\":13}", "*"), 200);
	ck_status(ask_if("PATCH", path, "{\"pages\":13}", "nonsense"), 400);
	ck_status(ask_if("DELETE", path, NULL, "\"1\""), 412);
	ck_status(ask_if("DELETE", path, NULL, "\"4\""), 204);
	ck_status(ask_if("DELETE", path, NULL, "\"4\""), 404);
}
END_TEST

START_TEST(if_none_match_keeps_what_is_there)
{
	const char *const any[] = { "HTTP_IF_NONE_MATCH=*", NULL };
	const char *const other[] = { "HTTP_IF_NONE_MATCH=\"7\"", NULL };
	set_up();
	const char  *shelf_id = new_shelf("top");
	test_request request = { .method = "PUT", .target = by_format(arena, "/api/v1/books/%s", new_book(shelf_id, "One", 10)),
	    .body = by_format(arena, "{\"shelf_id\":\"%s\",\"title\":\"New\",\"pages\":5}", shelf_id), .variables = any,
	    .providers = providers, .arena = arena };
	ck_status(test_serve(arena, server, &request), 412);
	request.variables = other;
	ck_status(test_serve(arena, server, &request), 200);
}
END_TEST

START_TEST(a_rule_that_refuses_is_409_also_under_if_match)
{
	set_up();
	const char *path = by_format(arena, "/api/v1/books/%s", new_book(new_shelf("top"), "One", 99));
	test_answer done = ask_if("PATCH", path, "{\"pages\":11}", "\"1\"");
	ck_status(done, 409);
	ck_holds(done, "A book of 99 pages stays one.");
	ck_status(ask_if("PATCH", path, "{\"pages\":11}", "\"2\""), 412);
}
END_TEST

START_TEST(a_taken_unique_value_is_409)
{
	set_up();
	const char *shelf_id = new_shelf("top");
	new_book(shelf_id, "One", 10);
	test_answer taken = ask("POST", "/api/v1/books", by_format(arena,
	    "{\"shelf_id\":\"%s\",\"title\":\"One\",\"pages\":10}", shelf_id));
	ck_status(taken, 409);
	ck_holds(taken, "/problems/already-exists");
}
END_TEST

START_TEST(below_a_parent_only_its_rows_are_there)
{
	set_up();
	const char *top = new_shelf("top");
	const char *low = new_shelf("low");
	const char *elsewhere = new_book(low, "Elsewhere", 1);
	const char *path = by_format(arena, "/api/v1/shelves/%s/books", top);
	test_answer made = ask("POST", path, "{\"title\":\"Here\",\"pages\":3}");
	ck_status(made, 201);
	ck_holds(made, by_format(arena, "\"shelf_id\":\"%s\"", top));
	ck_assert_str_eq(test_header(arena, &made, "Location"), by_format(arena, "%s/%s", path, id_of(&made)));
	test_answer page = ask("GET", path, NULL);
	ck_holds(page, "\"total\":1");
	ck_holds(page, "Here");
	ck_status(ask("GET", by_format(arena, "%s/%s", path, id_of(&made)), NULL), 200);
	ck_status(ask("GET", by_format(arena, "%s/%s", path, elsewhere), NULL), 404);
	ck_status(ask("PATCH", by_format(arena, "%s/%s", path, elsewhere), "{\"pages\":2}"), 404);
	ck_status(ask("DELETE", by_format(arena, "%s/%s", path, elsewhere), NULL), 404);
	ck_status(ask("POST", path, by_format(arena, "{\"shelf_id\":\"%s\",\"title\":\"There\",\"pages\":3}", low)), 422);
}
END_TEST

START_TEST(below_an_absent_parent_everything_is_404)
{
	set_up();
	const char *shelf_id = new_shelf("top");
	ck_status(ask("DELETE", by_format(arena, "/api/v1/shelves/%s", shelf_id), NULL), 204);
	const char *path = by_format(arena, "/api/v1/shelves/%s/books", shelf_id);
	ck_status(ask("GET", path, NULL), 404);
	ck_status(ask("POST", path, "{\"title\":\"Here\",\"pages\":3}"), 404);
	ck_status(ask("GET", "/api/v1/shelves/nonsense/books", NULL), 422);
}
END_TEST

START_TEST(cursors_and_the_envelope_of_v2)
{
	set_up();
	const char *shelf_id = new_shelf("top");
	for (int i = 1; i <= 3; i++)
		new_book(shelf_id, by_format(arena, "Book %d", i), i);
	test_answer page = ask("GET", "/api/v2/books?size=2", NULL);
	ck_status(page, 200);
	ck_holds(page, "\"meta\":{\"size\":2,\"has_next\":true,\"has_previous\":false,\"next_cursor\":\"2\"}");
	ck_assert_ptr_eq(strstr(page.body, "{\"data\":[{\"id\""), page.body);
	ck_assert_str_eq(test_header(arena, &page, "Link"), "</api/v2/books?size=2>; rel=\"first\", "
	    "</api/v2/books?size=2&cursor=2>; rel=\"next\"");
	page = ask("GET", "/api/v2/books?size=2&cursor=2", NULL);
	ck_holds(page, "Book 3");
	ck_holds(page, "\"has_next\":false,\"has_previous\":true,\"next_cursor\":null");
	test_answer one = ask("GET", by_format(arena, "/api/v2/books/%s", id_of(&page)), NULL);
	ck_status(one, 200);
	ck_assert_ptr_eq(strstr(one.body, "{\"data\":{\"id\""), one.body);
	ck_assert_str_eq(test_header(arena, &one, "ETag"), "\"1\"");
	ck_status(ask("GET", "/api/v2/books?page=2", NULL), 422);
}
END_TEST

START_TEST(what_a_row_leaves_out_is_405)
{
	set_up();
	const char *path = by_format(arena, "/api/v2/books/%s", new_book(new_shelf("top"), "One", 10));
	test_answer refused = ask("DELETE", path, NULL);
	ck_status(refused, 405);
	ck_assert_ptr_null(strstr(test_header(arena, &refused, "Allow"), "DELETE"));
	ck_assert_ptr_nonnull(strstr(test_header(arena, &refused, "Allow"), "PATCH"));
}
END_TEST

static by_error *start_with(const by_route *rows, size_t count)
{
	by__server_options options = { .base_path = "", .body_max = 1000 };
	by_routes          group = { "Bad", rows, count, BY_HERE_INIT };
	const by_routes   *groups[] = { &group };
	by_version         version = { "v1", "/api/v1", groups, 1 };
	by_app             bad = { .name = "bad", .versions = &version, .version_count = 1 };
	arena = by_arena_new(0);
	return by__server_new(arena, &bad, &options, &server);
}

START_TEST(rows_that_cannot_work_refuse_start_up_with_their_place)
{
	static const by_route rows[] = {
		BY_CRUD("/books/{id}", books_service, .access = BY_PUBLIC),
		BY_CRUD("/shelves/{shelf_id}/books", books_service, .access = BY_PUBLIC, .parent = "shelf"),
		BY_CRUD("/racks/{title}/books", books_service, .access = BY_PUBLIC, .parent = "title"),
		BY_CRUD("/cases/{shelf_id}/books", books_service, .access = BY_PUBLIC, .parent = "shelf_id"),
		BY_CRUD("/none", books_service, .access = BY_PUBLIC, .without = 63),
	};
	by_error *error = start_with(rows, BY_COUNT(rows));
	ck_fails(error, CONFIGURATION);
	ck_assert_ptr_nonnull(strstr(error->detail, "test_crud.c:"));
	ck_assert_ptr_nonnull(strstr(error->detail, "end the path in the resource's plural"));
	ck_assert_ptr_nonnull(strstr(error->detail, "its .parent is no parameter of the path"));
	ck_assert_ptr_nonnull(strstr(error->detail, "give the field .references"));
	ck_assert_ptr_nonnull(strstr(error->detail, "mount a BY_CRUD row of the parent"));
	ck_assert_ptr_nonnull(strstr(error->detail, ".without leaves no operation"));
}
END_TEST

UNIT("crud", create_answers_201_with_location_and_tag, links_begin_with_the_base_path,
    bad_bodies_are_422_and_store_nothing, lists_are_pages_with_links, an_empty_list_is_a_page_too, all_bad_parameters_are_told_at_once, what_the_view_hides_cannot_be_asked_for,
    put_replaces_and_patch_merges, if_match_guards_against_lost_updates, if_none_match_keeps_what_is_there, a_rule_that_refuses_is_409_also_under_if_match,
    a_taken_unique_value_is_409,
    below_a_parent_only_its_rows_are_there, below_an_absent_parent_everything_is_404, cursors_and_the_envelope_of_v2,
    what_a_row_leaves_out_is_405, rows_that_cannot_work_refuse_start_up_with_their_place);
