/* A whole application in one file: notes, kept in SQLite or PostgreSQL. Built with what pkg-config says, nothing else. */
#include <banyan/app.h>
#include <banyan/entity.h>

typedef struct note {
	by_entity      base;
	const char    *title;
	const char    *text;
	by_list_string tags;
	int32_t        stars;
	by_time       *due_at;
} note;
BY_DECLARE_MODEL(note);

static void check_note(by_faults *faults, const note *in)
{
	if (in->stars == 5 && !in->text)
		by_fault_add(faults, BY_FAULT_BODY, "#/text", "required_with", "is needed when the note has five stars");
}
BY_RULES(note, check_note);

static const by_field note_fields[] = {
	BY_ENTITY(note, base),
	BY_FIELD(note, title, .min_length = 1, .max_length = 80, .filterable = true, .sortable = true, .doc = "What it is about"),
	BY_FIELD(note, text, .optional = true, .max_length = 2000, .doc = "What it says"),
	BY_FIELD(note, tags, .optional = true, .max_items = 8, .doc = "Free keywords"),
	BY_FIELD(note, stars, .default_value = "0", .minimum = BY_NUM(0), .maximum = BY_NUM(5), .sortable = true,
	    .doc = "How much it matters"),
	BY_FIELD(note, due_at, .doc = "When it is due"),
};
BY_MODEL(note, note_fields, .table = "notes", .soft_delete = true, .rules = check_note_rules, .doc = "A note");

static const by_migration steps[] = {
	{ .number = 1, .name = "notes", .dialect = "postgresql", .down = "DROP TABLE notes",
	    .up = "CREATE TABLE notes (id char(26) PRIMARY KEY, created_at timestamptz NOT NULL, "
	          "updated_at timestamptz NOT NULL, is_deleted boolean NOT NULL, version bigint NOT NULL, "
	          "title text NOT NULL, text text, tags jsonb NOT NULL, stars integer NOT NULL, due_at timestamptz)" },
	{ .number = 1, .name = "notes", .dialect = "sqlite", .down = "DROP TABLE notes",
	    .up = "CREATE TABLE notes (id TEXT PRIMARY KEY, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL, "
	          "is_deleted BOOLEAN NOT NULL, version INTEGER NOT NULL, title TEXT NOT NULL, text TEXT, "
	          "tags TEXT NOT NULL, stars INTEGER NOT NULL, due_at TIMESTAMP)" },
};
static const by_migrations migrations = { steps, BY_COUNT(steps) };

BY_SERVICE(notes, note);

static const by_route rows[] = {
	BY_CRUD("/notes", notes, .access = BY_PUBLIC),
};
static BY_ROUTES(notes_v1, "Notes", rows);

static const by_routes *const v1[] = { &notes_v1 };
static const by_version versions[] = { { "v1", "/api/v1", v1, BY_COUNT(v1) } };

static const by_app app = {
	.name = "notes", .title = "Notes", .version = "1", .description = "Keeps notes.",
	.versions = versions, .version_count = BY_COUNT(versions), .migrations = &migrations,
};

int main(int argc, char **argv)
{
	return by_main(argc, argv, &app);
}
