/* The settings of models, one by one, with their names and how they read in messages. Internal. */
#ifndef BY_CORE_SETTINGS_LEAF_H
#define BY_CORE_SETTINGS_LEAF_H

#include "core/settings_sources.h"

/* For whom an entry holds; the narrower one goes first. */
typedef enum by__setting_width { BY__SETTING_SCOPED, BY__SETTING_GENERAL, BY__SETTING_WIDTHS } by__setting_width;

/* One field of a settings model, or of a model nested in it. */
typedef struct by__setting {
	const by_field *field;
	const by_model *model;    /* that has the field */
	void           *object;   /* the struct that the field is in; NULL: only the names are wanted */
	const char     *variable; /* DATABASE_POOL_MAX */
	const char     *section;  /* "database.pool"; "" at the top */
	/* What each source says for the scope and for all, and which files it names; chosen by settings.c. */
	const by__setting_entry *direct[BY__SETTING_WIDTHS][BY__SETTING_DEFAULT];
	const by__setting_entry *in_file[BY__SETTING_WIDTHS][BY__SETTING_DEFAULT];
	const char     *place;    /* where its value is from: ".env line 7" */
	bool            scoped;   /* that is the scope's own word */
} by__setting;

typedef struct by__setting_list {
	by_arena    *arena;
	by__setting *items; /* sections in order: a model's own fields before those of what it nests */
	size_t       count;
	size_t       room;
	const char **prefixes; /* "DATABASE_", "DATABASE_POOL_" */
	size_t       prefix_count;
	size_t       prefix_room;
	by_buf      *faults; /* NULL: none are wanted */
} by__setting_list;

void by__settings_list_part(by__setting_list *list, const by_settings_part *part);
/* Faults for two fields that read one variable, and for names that web servers set. */
void by__settings_list_check(by__setting_list *list);
/* Whether web servers set a variable of that name for a CGI program. */
bool by__settings_of_request(const char *variable);
/* "integer 1..1000", "one of dev, staging, prod". In the arena. */
const char *by__setting_expects(by_arena *arena, const by_field *field);
/* The value as people may see it. In the arena. */
const char *by__setting_shown(by_arena *arena, const by__setting *setting);
/* The nearest of the names to `name` when it is near enough to be meant, else NULL. */
const by__setting *by__settings_nearest(const by__setting_list *list, const char *name);
/* As the configuration file spells it: "database.pool.max". */
const char *by__setting_key(by_arena *arena, const by__setting *setting);

#endif
