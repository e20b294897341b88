/* A whole application on one page: stored notes with validation, filters, paging and documentation. */
#include <banyan/app.h>
#include <banyan/entity.h>

typedef struct note {
	by_entity      base;
	const char    *title;
	const char    *text;
	int64_t        stars;
	by_list_string tags;
} note;
BY_DECLARE_MODEL(note);

static const by_field note_fields[] = {
	BY_ENTITY(note, base),
	BY_FIELD(note, title, .min_length = 1, .max_length = 80, .unique = true, .filterable = true, .sortable = true,
	    .doc = "What it is about"),
	BY_FIELD(note, text, .optional = true, .max_length = 10000, .doc = "The note"),
	BY_FIELD(note, stars, .default_value = "0", .minimum = BY_NUM(0), .maximum = BY_NUM(5), .filterable = true,
	    .sortable = true, .doc = "How good it is"),
	BY_FIELD(note, tags, .optional = true, .max_items = 10, .unique_items = true, .doc = "Free keywords"),
};
BY_MODEL(note, note_fields, .table = "notes", .soft_delete = true, .doc = "A note");
BY_SERVICE(notes_service, note);

static const by_route rows[] = {
	BY_CRUD("/notes", notes_service, .access = BY_ROLE("author"), .public_read = true),
};
static BY_ROUTES(notes, "Notes", rows);
static const by_routes *const groups[] = { &notes };
static const by_version versions[] = { { "v1", "/api/v1", groups, BY_COUNT(groups) } };

static const by_migration steps[] = {
	{ .number = 1, .name = "notes", .dialect = "sqlite", .sha256 = "1",
	  .up = "CREATE TABLE notes (id text PRIMARY KEY, created_at integer NOT NULL, updated_at integer NOT NULL, "
	        "is_deleted integer NOT NULL, version integer NOT NULL, title text NOT NULL, text text, "
	        "stars integer NOT NULL, tags text NOT NULL);"
	        "CREATE UNIQUE INDEX notes_title ON notes (title) WHERE NOT is_deleted;",
	  .down = "DROP TABLE notes;" },
};
static const by_migrations migrations = { steps, BY_COUNT(steps) };

static const by_app app = {
	.name = "notes", .title = "Notes", .version = "1.0.0", .description = "Keeps notes.",
	.versions = versions, .version_count = BY_COUNT(versions), .migrations = &migrations,
};

int main(int argc, char **argv)
{
	return by_main(argc, argv, &app);
}
