/*
 * multipart/form-data (RFC 7578, RFC 2046 section 5.1), as a pure function over
 * bytes that come in pieces: wherever they are cut, the parts are the same. It
 * reads nothing, allocates nothing and keeps no more than a part's headers.
 */
#ifndef BY_INTERFACE_MULTIPART_PARSER_H
#define BY_INTERFACE_MULTIPART_PARSER_H

#include <banyan/base.h>

enum { BY__BOUNDARY_MAX = 70 };

typedef enum by__multipart_event {
	BY__MULTIPART_MORE,     /* all bytes are used up */
	BY__MULTIPART_PART,     /* a part begins; name, filename and content_type are set until the next one does */
	BY__MULTIPART_DATA,     /* bytes of the part, in `data` until the next call */
	BY__MULTIPART_PART_END,
	BY__MULTIPART_END,      /* the closing boundary; what follows is passed over */
	BY__MULTIPART_BROKEN    /* not well-formed, as `why` says; sticks */
} by__multipart_event;

typedef enum by__multipart_state {
	BY__IN_PREAMBLE, BY__AT_DELIMITER, BY__AT_DASH, BY__IN_PADDING, BY__AT_LINE_END, BY__IN_HEADERS, BY__IN_DATA,
	BY__IN_EPILOGUE, BY__BROKEN
} by__multipart_state;

typedef struct by__multipart_parser {
	const char *name;         /* UTF-8 */
	const char *filename;     /* NULL: not a file */
	const char *content_type; /* "text/plain" when the part does not say */
	by_text     data;
	const char *why;
	uint64_t    at;           /* bytes used up */
	bool        oversized;    /* broken by headers longer than their room */

	/* Private. */
	by__multipart_state state;
	char    delimiter[4 + BY__BOUNDARY_MAX]; /* CR LF "--" boundary */
	size_t  delimiter_len;
	size_t  matched;          /* so much of it stands before what comes next */
	size_t  unsent;           /* so much of that was never part of the data */
	char   *headers;          /* of the part, in room of the caller's */
	size_t  room;
	size_t  len;
	size_t  line;             /* where in them the last line begins */
} by__multipart_parser;

/* False: the boundary is none (RFC 2046 section 5.1.1). `headers` bounds what a part's headers may hold. */
bool by__multipart_init(by__multipart_parser *parser, by_text boundary, char *headers, size_t room);
/* The next event from the bytes at *at, which moves on. */
by__multipart_event by__multipart_next(by__multipart_parser *parser, const char **at, const char *end);

#endif
