/*
 * Conditions and orderings as SQL. Names come from the models and are quoted;
 * every value is bound, whatever it holds.
 */
#include <string.h>

#include <banyan/assert.h>

#include "infrastructure/db/sql_plan.h"

void by__sql_begin(by__sql_text *text, by_arena *arena)
{
	*text = (by__sql_text){ .arena = arena };
	by_buf_init(&text->sql, arena, 512);
}

static size_t keep_value(by__sql_text *text, by_value value)
{
	if (text->count == text->room) {
		size_t    room = text->room ? text->room * 2 : 8;
		by_value *grown = BY_NEW_ARRAY(text->arena, by_value, room);
		if (text->count)
			memcpy(grown, text->args, text->count * sizeof *grown);
		text->args = grown;
		text->room = room;
	}
	text->args[text->count++] = value;
	return text->count;
}

void by__sql_bind(by__sql_text *text, by_value value)
{
	size_t number = keep_value(text, value);
	by_put_char(&text->sql, '$');
	by_put_uint(&text->sql, number);
}

/* ---- conditions ---- */

static void compare(by__sql_text *text, const by__sql_column *column, const char *how, by_value value)
{
	by_put_string(&text->sql, column->ordered);
	by_put_string(&text->sql, how);
	by__sql_bind(text, value);
}

/* Equal texts are equal in every collation, so that equality can use any index. */
static const char *name_for_equality(const by__sql_plan *plan, const by__sql_column *column)
{
	return plan->postgresql ? column->name : column->ordered;
}

static void put_in(by__sql_text *text, const by__sql_plan *plan, const by__sql_column *column, const by_spec *spec)
{
	if (!spec->count) {
		BY_PUT(&text->sql, "FALSE");
		return;
	}
	by_put_string(&text->sql, name_for_equality(plan, column));
	for (size_t i = 0; i < spec->count; i++) {
		by_put_string(&text->sql, i ? ", " : " IN (");
		by__sql_bind(text, spec->values[i]);
	}
	by_put_char(&text->sql, ')');
}

/* contains and starts_with compare byte by byte in both, without wildcards. */
static void put_search(by__sql_text *text, const by__sql_plan *plan, const by__sql_column *column, const by_spec *spec)
{
	bool whole = spec->op == BY_SPEC_STARTS_WITH;
	if (plan->postgresql)
		by_put_string(&text->sql, whole ? "starts_with(" : "(strpos(");
	else
		BY_PUT(&text->sql, "(instr(");
	by_put_string(&text->sql, column->name);
	BY_PUT(&text->sql, ", ");
	by__sql_bind(text, spec->values[0]);
	if (plan->postgresql && whole)
		by_put_char(&text->sql, ')');
	else
		by_put_string(&text->sql, whole ? ") = 1)" : ") > 0)");
}

static void put_equality(by__sql_text *text, const by__sql_plan *plan, const by__sql_column *column, const by_spec *spec)
{
	bool equal = spec->op == BY_SPEC_EQ;
	by_put_string(&text->sql, name_for_equality(plan, column));
	/* An absent value differs from every value. */
	if (equal || !column->nullable)
		by_put_string(&text->sql, equal ? " = " : " <> ");
	else
		by_put_string(&text->sql, plan->postgresql ? " IS DISTINCT FROM " : " IS NOT ");
	by__sql_bind(text, spec->values[0]);
}

static void put_leaf(by__sql_text *text, const by__sql_plan *plan, const by__sql_column *column, const by_spec *spec)
{
	switch (spec->op) {
	case BY_SPEC_EQ:
	case BY_SPEC_NE:
		put_equality(text, plan, column, spec);
		break;
	case BY_SPEC_LT:
		compare(text, column, " < ", spec->values[0]);
		break;
	case BY_SPEC_LE:
		compare(text, column, " <= ", spec->values[0]);
		break;
	case BY_SPEC_GT:
		compare(text, column, " > ", spec->values[0]);
		break;
	case BY_SPEC_GE:
		compare(text, column, " >= ", spec->values[0]);
		break;
	case BY_SPEC_BETWEEN:
		compare(text, column, " >= ", spec->values[0]);
		BY_PUT(&text->sql, " AND ");
		compare(text, column, " <= ", spec->values[1]);
		break;
	case BY_SPEC_IN:
		put_in(text, plan, column, spec);
		break;
	case BY_SPEC_CONTAINS:
	case BY_SPEC_STARTS_WITH:
		put_search(text, plan, column, spec);
		break;
	case BY_SPEC_IS_NULL:
		by_put_string(&text->sql, column->name);
		BY_PUT(&text->sql, " IS NULL");
		break;
	default:
		BY_IMPOSSIBLE("a tree among the leaves");
	}
}

/*
 * SQL's third truth value would make NOT drop rows whose column is NULL: under
 * NOT, and only there so that indexes serve elsewhere, unknown counts as false.
 */
static void put_spec(by__sql_text *text, const by__sql_plan *plan, const by_spec *spec, bool negated)
{
	if (spec->op > BY_SPEC_NOT) {
		const by__sql_column *column = by__sql_column_of(plan, spec->field);
		bool                  guard = negated && column->nullable && spec->op != BY_SPEC_IS_NULL;
		by_put_string(&text->sql, guard ? "COALESCE(" : "(");
		put_leaf(text, plan, column, spec);
		by_put_string(&text->sql, guard ? ", FALSE)" : ")");
		return;
	}
	bool not = spec->op == BY_SPEC_NOT;
	by_put_string(&text->sql, not ? "(NOT " : "(");
	for (size_t i = 0; i < spec->count; i++) {
		by_put_string(&text->sql, !i ? "" : spec->op == BY_SPEC_OR ? " OR " : " AND ");
		put_spec(text, plan, spec->of[i], negated || not);
	}
	by_put_char(&text->sql, ')');
}

void by__sql_where(by__sql_text *text, const by__sql_plan *plan, const by_spec *spec)
{
	if (spec)
		put_spec(text, plan, spec, false);
	else
		BY_PUT(&text->sql, "TRUE");
}

/* ---- orderings ---- */

/* Absent values come last when ascending and first when descending: PostgreSQL's own order, which its indexes have. */
static void put_key(by__sql_text *text, const by__sql_column *column, bool descending)
{
	by_put_string(&text->sql, column->ordered);
	if (descending)
		BY_PUT(&text->sql, " DESC");
	if (column->nullable)
		by_put_string(&text->sql, descending ? " NULLS FIRST" : " NULLS LAST");
}

static bool orders_by_key(const by__sql_plan *plan, const by_query *query)
{
	for (size_t i = 0; i < query->order_count; i++)
		if (query->order[i].field == plan->columns[plan->key].field)
			return true;
	return false;
}

/* The last key's direction is that of the last asked for, so that one index serves both ways. */
static bool key_descends(const by_query *query)
{
	return query->order_count && query->order[query->order_count - 1].descending;
}

void by__sql_order(by__sql_text *text, const by__sql_plan *plan, const by_query *query)
{
	BY_PUT(&text->sql, " ORDER BY ");
	for (size_t i = 0; i < query->order_count; i++) {
		put_key(text, by__sql_column_of(plan, query->order[i].field), query->order[i].descending);
		BY_PUT(&text->sql, ", ");
	}
	if (orders_by_key(plan, query))
		text->sql.len -= 2;
	else
		put_key(text, &plan->columns[plan->key], key_descends(query));
}

/* Whether rows may differ from the value by lying strictly behind it in this order, and how that is written. */
static void put_behind(by__sql_text *text, const by__sql_column *column, bool descending, by_value value)
{
	if (value.tag == BY_VALUE_NULL) {
		by_put_string(&text->sql, descending ? column->name : "FALSE");
		by_put_string(&text->sql, descending ? " IS NOT NULL" : "");
		return;
	}
	compare(text, column, descending ? " < " : " > ", value);
	if (column->nullable && !descending) {
		BY_PUT(&text->sql, " OR ");
		by_put_string(&text->sql, column->name);
		BY_PUT(&text->sql, " IS NULL");
	}
}

static void put_level(by__sql_text *text, const by__sql_column *column, by_value value)
{
	if (value.tag == BY_VALUE_NULL) {
		by_put_string(&text->sql, column->name);
		BY_PUT(&text->sql, " IS NULL");
	} else {
		compare(text, column, " = ", value);
	}
}

/* (a behind x OR (a = x AND (b behind y OR (b = y AND key behind z)))) */
void by__sql_after(by__sql_text *text, const by__sql_plan *plan, const by_query *query, const by_value *values)
{
	size_t levels = 0;
	by_put_char(&text->sql, '(');
	for (size_t i = 0; i < query->order_count; i++) {
		const by__sql_column *column = by__sql_column_of(plan, query->order[i].field);
		/* A bound that an index can be entered by. */
		if (i == 0 && !column->nullable) {
			compare(text, column, query->order[i].descending ? " <= " : " >= ", values[i]);
			BY_PUT(&text->sql, " AND (");
			levels++;
		}
		put_behind(text, column, query->order[i].descending, values[i]);
		BY_PUT(&text->sql, " OR (");
		put_level(text, column, values[i]);
		BY_PUT(&text->sql, " AND (");
		levels += 2;
	}
	put_behind(text, &plan->columns[plan->key], key_descends(query), values[query->order_count]);
	for (levels++; levels > 0; levels--)
		by_put_char(&text->sql, ')');
}
