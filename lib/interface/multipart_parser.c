/* The states of a multipart body, and the headers of its parts. */
#include <string.h>
#include <strings.h>

#include "core/text.h"
#include "core/utf8.h"
#include "interface/multipart_parser.h"

/* ---- the boundary ---- */

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_boundary(by_text text)
{
	if (text.len == 0 || text.len > BY__BOUNDARY_MAX || text.ptr[text.len - 1] == ' ')
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!is_alphanumeric(text.ptr[i]) && (text.ptr[i] == '\0' || strchr("'()+_,-./:=? ", text.ptr[i]) == NULL))
			return false;
	return true;
}

bool by__multipart_init(by__multipart_parser *parser, by_text boundary, char *headers, size_t room)
{
	if (!is_boundary(boundary))
		return false;
	/* The first delimiter may stand at the very beginning: a line end is thought before it. */
	*parser = (by__multipart_parser){ .state = BY__IN_PREAMBLE, .matched = 2, .headers = headers, .room = room,
		.delimiter_len = 4 + boundary.len };
	memcpy(parser->delimiter, "\r\n--", 4);
	memcpy(parser->delimiter + 4, boundary.ptr, boundary.len);
	return true;
}

static by__multipart_event broken(by__multipart_parser *parser, const char *why)
{
	parser->state = BY__BROKEN;
	parser->why = why;
	return BY__MULTIPART_BROKEN;
}

/* ---- the headers of a part ---- */

/* Only what browsers escape: '"', CR and LF (WHATWG HTML, multipart/form-data encoding algorithm). */
static char browser_escape(const char *at)
{
	if (at[0] != '%' || at[1] == '\0' || at[2] == '\0')
		return '\0';
	int value = by__hex_value(at[1]) * 16 + by__hex_value(at[2]);

	return value == 0x22 || value == 0x0d || value == 0x0a ? (char)value : '\0';
}

/* Decodes a quoted string in place; gives what is behind it, or NULL when it does not end. */
static char *take_quoted(char *at, const char **value)
{
	char *out = ++at;

	*value = out;
	while (*at != '"') {
		char escape = browser_escape(at);

		if (*at == '\0')
			return NULL;
		if (escape != '\0') {
			*out++ = escape;
			at += 3;
			continue;
		}
		if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		*out++ = *at++;
	}
	*out = '\0';
	return at + 1;
}

/* A value without quotes, ended by a NUL in place; `ended` tells what stood there. */
static char *take_bare(char *at, const char **value, char *ended)
{
	*value = at;
	at += strcspn(at, "; \t");
	*ended = *at;
	*at = '\0';
	return at;
}

static char *skip_space(char *at)
{
	return at + strspn(at, " \t");
}

/* One "; name=value". NULL: malformed. */
static char *take_parameter(char *at, by_text *name, const char **value)
{
	char ended;

	at = skip_space(at);
	*name = (by_text){ at, strcspn(at, "=; \t\"") };
	at += name->len;
	if (name->len == 0 || *at != '=')
		return NULL;
	at++;
	if (*at == '"') {
		at = take_quoted(at, value);
		if (at == NULL)
			return NULL;
		at = skip_space(at);
		ended = *at;
	} else {
		at = take_bare(at, value, &ended);
		if (**value == '\0')
			return NULL;
		if (ended == ' ' || ended == '\t') {
			at = skip_space(at + 1);
			ended = *at;
		}
	}
	if (ended != ';' && ended != '\0')
		return NULL;
	return ended == ';' ? at + 1 : at;
}

static bool is_word(by_text text, const char *word)
{
	return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

/* The parameters of Content-Disposition; why they cannot be, or NULL. `filename*` must not be sent (RFC 7578 section 4.2). */
static const char *take_disposition(by__multipart_parser *parser, char *value)
{
	char *at = value + strcspn(value, "; \t");
	char *rest = skip_space(at);
	bool  more = *rest == ';';

	if (!is_word((by_text){ value, (size_t)(at - value) }, "form-data") || (*rest != '\0' && !more))
		return "a part's Content-Disposition is not form-data";
	if (parser->name != NULL)
		return "a part has two Content-Dispositions";
	for (at = more ? rest + 1 : rest; *skip_space(at) != '\0';) {
		by_text      name;
		const char  *text;
		const char **to;

		at = take_parameter(at, &name, &text);
		if (at == NULL)
			return "a parameter of a part's Content-Disposition is malformed";
		to = is_word(name, "name") ? &parser->name : is_word(name, "filename") ? &parser->filename : NULL;
		if (to != NULL && *to != NULL)
			return "a part has two names";
		if (to != NULL)
			*to = text;
	}
	return NULL;
}

/* RFC 7578 section 4.7: deprecated, and browsers never sent it. Taken over silently it would store something else. */
static const char *check_encoding(const char *value)
{
	static const char *const plain[] = { "7bit", "8bit", "binary" };

	for (size_t i = 0; i < BY_COUNT(plain); i++)
		if (strcasecmp(value, plain[i]) == 0)
			return NULL;
	return "a part has a Content-Transfer-Encoding";
}

static const char *take_header(by__multipart_parser *parser, char *line)
{
	size_t  len = strcspn(line, ": \t");
	by_text name = { line, len };

	if (len == 0 || line[len] != ':')
		return "a header of a part is malformed";
	char  *value = skip_space(line + len + 1);
	size_t left = strlen(value);

	while (left > 0 && (value[left - 1] == ' ' || value[left - 1] == '\t'))
		value[--left] = '\0';
	if (is_word(name, "Content-Disposition"))
		return take_disposition(parser, value);
	if (is_word(name, "Content-Type"))
		parser->content_type = value;
	else if (is_word(name, "Content-Transfer-Encoding"))
		return check_encoding(value);
	return NULL;
}

static bool is_utf8(const char *text)
{
	return by__utf8_valid((by_text){ text, strlen(text) });
}

/* All header lines, each with its CR LF; why they cannot be, or NULL. */
static const char *take_headers(by__multipart_parser *parser)
{
	char *at = parser->headers;
	char *end = parser->headers + parser->len;

	parser->name = parser->filename = NULL;
	parser->content_type = "text/plain";
	while (at < end) {
		char *line_end = memchr(at, '\r', (size_t)(end - at));
		const char *why;

		*line_end = '\0';
		why = take_header(parser, at);
		if (why != NULL)
			return why;
		at = line_end + 2;
	}
	if (parser->name == NULL)
		return "a part has no name";
	if (!is_utf8(parser->name) || (parser->filename && !is_utf8(parser->filename)) || !is_utf8(parser->content_type))
		return "the name of a part is not UTF-8";
	return NULL;
}

/* One byte of the headers; PART when it was their last. */
static by__multipart_event header_byte(by__multipart_parser *parser, char c)
{
	bool        after_cr = parser->len > 0 && parser->headers[parser->len - 1] == '\r';
	const char *why;

	if (after_cr != (c == '\n') || (c != '\r' && c != '\n' && c != '\t' && ((unsigned char)c < 0x20 || c == 0x7f)))
		return broken(parser, "a header of a part holds a control character");
	if (parser->len == parser->room) {
		parser->oversized = true;
		return broken(parser, "the headers of a part are too long");
	}
	parser->headers[parser->len++] = c;
	if (c != '\n')
		return BY__MULTIPART_MORE;
	if (parser->len - parser->line > 2) {
		parser->line = parser->len;
		return BY__MULTIPART_MORE;
	}
	parser->len = parser->line;
	why = take_headers(parser);
	if (why != NULL)
		return broken(parser, why);
	parser->state = BY__IN_DATA;
	/* The empty line may be the line end before the delimiter: a part without a body. */
	parser->matched = parser->unsent = 2;
	return BY__MULTIPART_PART;
}

/* ---- states ---- */

static by__multipart_event read_headers(by__multipart_parser *parser, const char **at, const char *end)
{
	by__multipart_event event = BY__MULTIPART_MORE;

	while (*at < end && event == BY__MULTIPART_MORE)
		event = header_byte(parser, *(*at)++);
	return event;
}

/* Behind a delimiter: "--", or white space and a line end. */
static by__multipart_event read_delimiter_line(by__multipart_parser *parser, char c)
{
	bool space = c == ' ' || c == '\t';

	if (parser->state == BY__AT_DELIMITER && c == '-')
		parser->state = BY__AT_DASH;
	else if (parser->state == BY__AT_DASH && c == '-')
		parser->state = BY__IN_EPILOGUE;
	else if ((parser->state == BY__AT_DELIMITER || parser->state == BY__IN_PADDING) && space)
		parser->state = BY__IN_PADDING;
	else if ((parser->state == BY__AT_DELIMITER || parser->state == BY__IN_PADDING) && c == '\r')
		parser->state = BY__AT_LINE_END;
	else if (parser->state == BY__AT_LINE_END && c == '\n')
		parser->state = BY__IN_HEADERS, parser->len = parser->line = 0;
	else
		return broken(parser, "a boundary is not alone on its line");
	return BY__MULTIPART_MORE;
}

/* Data up to what may be a delimiter. CR stands only at its start, so a mismatch begins no other. */
static by__multipart_event read_data(by__multipart_parser *parser, const char **at, const char *end)
{
	const char *cr;

	if (parser->matched == 0) {
		cr = memchr(*at, '\r', (size_t)(end - *at));
		cr = cr ? cr : end;
		parser->data = (by_text){ *at, (size_t)(cr - *at) };
		*at = cr;
		if (parser->data.len > 0)
			return BY__MULTIPART_DATA;
	}
	while (*at < end && parser->matched < parser->delimiter_len && **at == parser->delimiter[parser->matched]) {
		parser->matched++;
		(*at)++;
	}
	if (parser->matched == parser->delimiter_len) {
		parser->matched = parser->unsent = 0;
		return BY__MULTIPART_PART_END;
	}
	if (*at == end)
		return BY__MULTIPART_MORE;
	parser->data = (by_text){ parser->delimiter + parser->unsent, parser->matched - parser->unsent };
	parser->matched = parser->unsent = 0;
	return BY__MULTIPART_DATA;
}

static by__multipart_event step(by__multipart_parser *parser, const char **at, const char *end)
{
	by__multipart_event event;

	switch (parser->state) {
	case BY__IN_PREAMBLE:
		event = read_data(parser, at, end);
		if (event == BY__MULTIPART_PART_END)
			parser->state = BY__AT_DELIMITER;
		return BY__MULTIPART_MORE;
	case BY__IN_DATA:
		event = read_data(parser, at, end);
		if (event == BY__MULTIPART_PART_END)
			parser->state = BY__AT_DELIMITER;
		return event == BY__MULTIPART_DATA && parser->data.len == 0 ? BY__MULTIPART_MORE : event;
	case BY__IN_HEADERS:
		return read_headers(parser, at, end);
	case BY__IN_EPILOGUE:
		*at = end;
		return BY__MULTIPART_END;
	case BY__BROKEN:
		return BY__MULTIPART_BROKEN;
	default:
		return read_delimiter_line(parser, *(*at)++);
	}
}

by__multipart_event by__multipart_next(by__multipart_parser *parser, const char **at, const char *end)
{
	const char         *start = *at;
	by__multipart_event event = BY__MULTIPART_MORE;

	while (event == BY__MULTIPART_MORE && *at < end)
		event = step(parser, at, end);
	if (event == BY__MULTIPART_MORE && parser->state >= BY__IN_EPILOGUE)
		event = step(parser, at, end);
	parser->at += (uint64_t)(*at - start);
	return event;
}
