/* The places of faults as text: JSON pointers in URI fragments (RFC 6901 section 6), or names of parameters. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <banyan/kind.h>

enum {
	DEEPEST = 2 * BY_JSON_DEPTH + 2,
	LONGEST_NAME = 200, /* a client's own names are cut there */
	ENOUGH_FAULTS = 100 /* no list keeps more, so later places are not worth writing */
};

/* What a URI fragment may hold as it is (RFC 3986 section 3.5). */
static bool fragment_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
	    || (c != '\0' && strchr("-._~!$&'()*+,;=:@/?", c) != NULL);
}

static void put_pointer_name(by_buf *out, by_text name)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t            len = name.len < LONGEST_NAME ? name.len : LONGEST_NAME;

	while (len < name.len && len > 0 && ((unsigned char)name.ptr[len] & 0xc0) == 0x80)
		len--;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];
		char          escape[3] = { '%', hex[c >> 4], hex[c & 15] };

		if (c == '~')
			BY_PUT(out, "~0");
		else if (c == '/')
			BY_PUT(out, "~1");
		else if (fragment_char(c))
			by_put_char(out, (char)c);
		else
			by_put(out, escape, sizeof(escape));
	}
}

static void put_pointer(by_buf *out, const by_where **chain, size_t count, by_text root)
{
	if (root.len == 0 || root.ptr[0] != '#')
		by_put_char(out, '#');
	by_put_text(out, root);
	while (count-- > 0) {
		by_put_char(out, '/');
		if (chain[count]->name.ptr != NULL)
			put_pointer_name(out, chain[count]->name);
		else
			by_put_uint(out, chain[count]->index);
	}
}

/* Parameters and settings have names, not places inside: the members' names joined by dots. */
static void put_name(by_buf *out, const by_where **chain, size_t count, by_text root)
{
	by_put_text(out, root);
	while (count-- > 0) {
		if (chain[count]->name.ptr == NULL)
			continue;
		if (out->len > 0)
			by_put_char(out, '.');
		by_put_text(out, chain[count]->name);
	}
}

static size_t where_depth(const by_where *where)
{
	size_t depth = 0;

	for (; where->up != NULL; where = where->up)
		depth++;
	return depth;
}

const char *by_where_text(by_arena *arena, const by_where *where)
{
	const by_where *chain[DEEPEST];
	size_t          count = 0;
	size_t          depth = where_depth(where);
	by_buf          out;

	/* Only an object that a programme made nests deeper than any input may: then the place is that of what holds it. */
	for (; depth > DEEPEST; depth--)
		where = where->up;
	for (; where->up != NULL; where = where->up)
		chain[count++] = where;
	by_buf_init(&out, arena, 64);
	if (where->in == BY_FAULT_BODY)
		put_pointer(&out, chain, count, where->name);
	else
		put_name(&out, chain, count, where->name);
	return by_buf_string(&out);
}

static by_fault_in where_in(const by_where *where)
{
	while (where->up != NULL)
		where = where->up;
	return where->in;
}

void by_fault_at(by_faults *faults, const by_where *where, const char *code, const char *detail, ...)
{
	by_arena *arena = by_faults_arena(faults);
	char      text[400];
	va_list   args;

	if (by_faults_count(faults) >= ENOUGH_FAULTS) {
		by_fault_add(faults, where_in(where), "", code, NULL);
		return;
	}
	va_start(args, detail);
	vsnprintf(text, sizeof(text), detail, args);
	va_end(args);
	by_fault_add(faults, where_in(where), by_where_text(arena, where), code, "%s", text);
}
