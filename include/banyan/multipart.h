/*
 * multipart/form-data (RFC 7578) of any size, part by part as it arrives, in
 * constant memory. For operations without a body in their input; small forms
 * are read into the input itself: .accepts = BY_FORMS in route.h.
 *
 *	by_multipart *form;
 *	const by_part *part;
 *
 *	BY_TRY(by_multipart_open(ctx, NULL, &form));
 *	for (;;) {
 *		BY_TRY(by_multipart_next(form, &part));
 *		if (!part)
 *			break;
 *		do {
 *			BY_TRY(by_multipart_read(form, piece, sizeof(piece), &got));
 *			…
 *		} while (got > 0);
 *	}
 *
 * The body as a whole is under the limits of any other: .max_body, time, rate.
 * Whatever is not well-formed is MALFORMED, with the reason and the byte.
 */
#ifndef BANYAN_MULTIPART_H
#define BANYAN_MULTIPART_H

#include <banyan/ctx.h>

BY_BEGIN

typedef struct by_multipart by_multipart;

/* One part; its texts are UTF-8 and stay until the next one is asked for. */
typedef struct by_part {
	const char *name;
	const char *filename;     /* as the client calls it, never a path to use; "": none was chosen; NULL: not a file */
	const char *content_type; /* as the client says; "text/plain" when it does not */
} by_part;

typedef struct by_multipart_limits {
	size_t parts;   /* 0: 100 */
	size_t headers; /* bytes of a part's headers, its names included; 0: 4 KiB */
} by_multipart_limits;

/*
 * Begins to read the request's body as a form. NULL limits: zero.
 * UNSUPPORTED_MEDIA_TYPE when it is not multipart/form-data, BAD_REQUEST when
 * it names no boundary.
 */
BY_API BY_MUST_CHECK by_error *by_multipart_open(by_ctx *ctx, const by_multipart_limits *limits, by_multipart **form);
/*
 * The next part, NULL behind the last; what was not read of the one before is
 * passed over. MALFORMED, also when the body ends before the form does;
 * BAD_REQUEST over a limit of the form; and the errors of by_request_read. Parks.
 */
BY_API BY_MUST_CHECK by_error *by_multipart_next(by_multipart *form, const by_part **part);
/* More of the part's bytes; 0 is its end. Errors as of by_multipart_next. Parks. */
BY_API BY_MUST_CHECK by_error *by_multipart_read(by_multipart *form, void *data, size_t capacity, size_t *got);
/*
 * The rest of the part as text, in the arena. PAYLOAD_TOO_LARGE beyond `max`
 * bytes, MALFORMED unless it is UTF-8 without U+0000. Parks.
 */
BY_API BY_MUST_CHECK by_error *by_multipart_text(by_multipart *form, size_t max, const char **text);

BY_END

#endif
