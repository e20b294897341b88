/*
 * What a web server has sent, judged before libfcgi sees it. Pure functions
 * over bytes: libfcgi believes every length and blocks until all is there, so
 * it is called only when these say that it cannot block and nothing is wrong.
 */
#ifndef BY_FCGI_WORKER_GUARD_H
#define BY_FCGI_WORKER_GUARD_H

#include <banyan/base.h>

enum {
	BY__HEAD_PARAMS = 64 * 1024,       /* bytes of PARAMS in a request, names, values and their lengths */
	BY__HEAD_VARIABLES = 1024,         /* variables in a request */
	BY__HEAD_MANAGEMENT = 1024,        /* bytes of a management record */
	/* Enough for the longest head there is: PARAMS in records of at least a few dozen bytes, padded. */
	BY__HEAD_BYTES = BY__HEAD_PARAMS + 16 * 1024
};

typedef enum by__guard_verdict {
	BY__GUARD_MORE,       /* so far well-formed; not all there */
	BY__GUARD_COMPLETE,   /* reading it cannot block */
	BY__GUARD_MANAGEMENT, /* a whole management record stands first */
	BY__GUARD_REFUSE      /* close the connection */
} by__guard_verdict;

/* The beginning of a request: BEGIN_REQUEST and all of PARAMS. */
typedef struct by__head {
	by__guard_verdict verdict;
	const char       *reason;     /* REFUSE: why, for the log */
	size_t            length;     /* COMPLETE, MANAGEMENT: bytes up to its end */
	uint16_t          id;
	uint8_t           management; /* its type */
	bool              keep;       /* the web server wants the connection kept */
} by__head;

by__head by__guard_head(const uint8_t *bytes, size_t len);

/*
 * Finds a parameter in a head that by__guard_head called complete; `value`
 * points into `bytes`. False: it is not there, or lies across two records.
 */
bool by__guard_variable(const uint8_t *bytes, size_t len, const char *name, by_text *value);

/* The body of a request, walked on from inside any record. */
typedef struct by__body {
	uint16_t    id;
	uint32_t    content;  /* left of the current record */
	uint32_t    padding;  /* behind it */
	uint8_t     header[8];
	uint8_t     have;     /* bytes of the header seen */
	size_t      bytes;    /* of the body, in what was walked */
	bool        ended;    /* its last record was seen */
	bool        aborted;  /* the web server gave the request up */
	bool        early;    /* a second request, before the first was answered */
	const char *refused;  /* why, for the log */
} by__body;

/* Walks more bytes, until something is wrong. */
void by__guard_body(by__body *body, const uint8_t *bytes, size_t len);

/* Whether reading a byte of the body, or its end, cannot block. */
static inline bool by__body_ready(const by__body *body)
{
	return body->bytes > 0 || body->ended;
}

/*
 * The answer to the bytes of a whole management record: GET_VALUES_RESULT, or UNKNOWN_TYPE.
 * `connections` is what one worker takes at a time. Returns its length.
 */
enum { BY__MANAGEMENT_ANSWER = 128 };
size_t by__guard_management(const uint8_t *bytes, size_t len, unsigned connections, uint8_t answer[BY__MANAGEMENT_ANSWER]);

#endif
