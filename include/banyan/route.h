/*
 * Routes: const tables of operations with their policies.
 *
 *	static const by_route rows[] = {
 *		BY_CRUD("/experiments", experiments_service, .access = BY_ROLE("editor"), .public_read = true),
 *		BY_ROUTE(POST, "/experiments/{id}/publish", publish_experiment,
 *		    .summary = "Publish an experiment", .access = BY_ROLE("editor"), .errors = BY_ERRORS(NOT_FOUND, CONFLICT)),
 *	};
 *	BY_ROUTES(experiments_v1, "Experiments", rows);
 */
#ifndef BANYAN_ROUTE_H
#define BANYAN_ROUTE_H

#include <banyan/database.h>
#include <banyan/error.h>
#include <banyan/http.h>
#include <banyan/operation.h>
#include <banyan/service.h>

BY_BEGIN

/* Who may call. The zero value is "undeclared", and start-up refuses such a row. */
typedef struct by_access {
	enum { BY_ACCESS_UNDECLARED, BY_ACCESS_PUBLIC, BY_ACCESS_AUTHENTICATED, BY_ACCESS_ROLE } kind;
	const char *role;
} by_access;

#define BY_PUBLIC { BY_ACCESS_PUBLIC, NULL }
#define BY_AUTHENTICATED { BY_ACCESS_AUTHENTICATED, NULL }
#define BY_ROLE(name) { BY_ACCESS_ROLE, (name) }

typedef enum by_paging { BY_PAGING_NUMBER, BY_PAGING_CURSOR } by_paging;
/* How answers of BY_CRUD are wrapped. */
typedef enum by_envelope {
	BY_ENVELOPE_NONE, /* the resource; {items, total, page, size, pages, has_next, has_previous} */
	BY_ENVELOPE_DATA  /* {data}; {data, meta: {size, has_next, next_cursor}} */
} by_envelope;

/* Media types that a body may come in, beside JSON, which it always may. Their fields become the members of that JSON. */
typedef enum by_accepts {
	BY_JSON_ONLY,
	BY_FORM_URLENCODED, /* application/x-www-form-urlencoded */
	BY_FORM_MULTIPART,  /* multipart/form-data, small: it is read as a whole */
	BY_FORMS            /* both */
} by_accepts;

enum { /* for .without */
	BY_CRUD_LIST = 1, BY_CRUD_GET = 2, BY_CRUD_CREATE = 4, BY_CRUD_REPLACE = 8, BY_CRUD_PATCH = 16, BY_CRUD_DELETE = 32
};

enum { BY_ERRORS_MAX = 8 };

#define BY__ERROR_REF1(a) BY_ERROR_KIND(a)
#define BY__ERROR_REF2(a, b) BY_ERROR_KIND(a), BY_ERROR_KIND(b)
#define BY__ERROR_REF3(a, b, c) BY__ERROR_REF2(a, b), BY_ERROR_KIND(c)
#define BY__ERROR_REF4(a, b, c, d) BY__ERROR_REF3(a, b, c), BY_ERROR_KIND(d)
#define BY__ERROR_REF5(a, b, c, d, e) BY__ERROR_REF4(a, b, c, d), BY_ERROR_KIND(e)
#define BY__ERROR_REF6(a, b, c, d, e, f) BY__ERROR_REF5(a, b, c, d, e), BY_ERROR_KIND(f)
#define BY__ERROR_REF7(a, b, c, d, e, f, g) BY__ERROR_REF6(a, b, c, d, e, f), BY_ERROR_KIND(g)
#define BY__ERROR_REF8(a, b, c, d, e, f, g, h) BY__ERROR_REF7(a, b, c, d, e, f, g), BY_ERROR_KIND(h)
#define BY__PICK9(a, b, c, d, e, f, g, h, i, ...) i
#define BY_ERRORS(...) { BY__PICK9(__VA_ARGS__, BY__ERROR_REF8, BY__ERROR_REF7, BY__ERROR_REF6, BY__ERROR_REF5, BY__ERROR_REF4, BY__ERROR_REF3, \
	BY__ERROR_REF2, BY__ERROR_REF1, )(__VA_ARGS__) }

typedef struct by_route {
	by_method           method;    /* NONE: a row of BY_CRUD */
	const char         *path;      /* "/experiments/{id}"; "{rest...}" takes the rest */
	const by_operation *operation;
	const by_service   *service;   /* BY_CRUD */
	by_place            place;

	/* Policies. */
	by_access           access;    /* mandatory */
	uint32_t            timeout_ms; /* 0: REQUEST_TIMEOUT */
	size_t              max_body;  /* 0: BODY_MAX */
	uint32_t            body_timeout_ms; /* silence while a body is read; 0: BODY_TIMEOUT */
	size_t              body_rate_min; /* bytes a second, on average after 10 s; 0: BODY_RATE_MIN */
	by_accepts          accepts;   /* beside JSON; for inputs with a body */
	by_isolation        transaction;

	/* Documentation. */
	const char         *name;      /* operationId; NULL: that of the operation. One row per name and version */
	const char         *summary;
	const char         *description;
	int                 status;    /* of success; 0: 200, or 204 without output model and .produces */
	const char         *produces;  /* media type of an answer that the operation writes itself: "text/event-stream" */
	const by_error_kind *errors[BY_ERRORS_MAX]; /* that the operation itself may return */
	bool                hidden;    /* not in OpenAPI */

	/* BY_CRUD. */
	bool                public_read; /* list and get need no token */
	unsigned            without;
	by_paging           paging;
	by_envelope         envelope;
	const char         *parent;    /* a parameter of the path that rows must match: "experiment_id" */
} by_route;

#define BY_ROUTE(METHOD, ...) BY__ROUTE(METHOD, __VA_ARGS__, )
#define BY__ROUTE(METHOD, PATH, OP, ...) { \
	.method = BY_##METHOD, .path = (PATH), .operation = &OP##_op, .place = BY_HERE_INIT, __VA_ARGS__ }

/* List, get, create, replace, patch and delete of a service, in one row. */
#define BY_CRUD(...) BY__CRUD(__VA_ARGS__, )
#define BY__CRUD(PATH, SERVICE, ...) { \
	.path = (PATH), .service = &SERVICE, .place = BY_HERE_INIT, __VA_ARGS__ }

/* The rows of one resource in one version. */
typedef struct by_routes {
	const char     *tag;
	const by_route *rows;
	size_t          count;
	by_place        place;
} by_routes;

#define BY_DECLARE_ROUTES(NAME) extern const by_routes NAME
#define BY_ROUTES(NAME, TAG, ROWS) const by_routes NAME = { (TAG), (ROWS), BY_COUNT(ROWS), BY_HERE_INIT }

/* One version of the API: "v1" under "/api/v1". */
typedef struct by_version {
	const char             *name;
	const char             *prefix;
	const by_routes *const *groups;
	size_t                  count;
} by_version;

BY_END

#endif
